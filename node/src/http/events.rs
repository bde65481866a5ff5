//! Events as they happen: `GET /v1/events` (server-sent events).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use concord_spec::digest::Digest;
use concord_spec::id::{Height, SeriesId, UnixMillis};
use futures::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::ToSchema;

use super::blocks::RecordView;
use super::problem::{Asked, Problem};
use super::{Api, apart};
use crate::pool::BlockEvent;

/// A block was committed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BlockNews {
    /// Its height.
    #[schema(value_type = u64)]
    height: Height,
    /// Its hash, 64 hexadecimal digits.
    #[schema(value_type = String)]
    hash: Digest,
    /// Its time, Unix milliseconds.
    #[schema(value_type = u64)]
    time_ms: UnixMillis,
    /// How many records it has.
    records: usize,
}

impl From<BlockEvent> for BlockNews {
    fn from(event: BlockEvent) -> Self {
        Self {
            height: event.height,
            hash: event.hash,
            time_ms: event.time,
            records: event.records,
        }
    }
}

/// Which events.
#[derive(Debug, Deserialize)]
pub(super) struct WhichEvents {
    /// The records of this series, too.
    series: Option<SeriesId>,
}

/// What is still to be said.
struct Listener {
    api: Arc<Api>,
    events: Receiver<BlockEvent>,
    series: Option<SeriesId>,
    ready: VecDeque<Event>,
}

impl Listener {
    /// The next event; none when the node stops.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(said) = self.ready.pop_front() {
                return Some((Ok(said), self));
            }
            match self.api.stop.clone().run_until_cancelled(self.events.recv()).await? {
                Ok(event) => self.take(event).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn take(&mut self, event: BlockEvent) -> Option<()> {
        if let Some(series) = self.series.filter(|_| event.records > 0) {
            // A block that cannot be read ends the stream: nothing of a series may be passed over in silence.
            let records = records_of(&self.api, event.height, series).await.ok()?;
            for record in records {
                self.ready
                    .push_back(Event::default().event("record").json_data(record).ok()?);
            }
        }
        let block = BlockNews::from(event);
        self.ready
            .push_back(Event::default().event("block").json_data(block).ok()?);
        Some(())
    }
}

/// The records of a block that are about a series, or open it.
async fn records_of(api: &Arc<Api>, height: Height, series: SeriesId) -> Result<Vec<RecordNews>, Problem> {
    let (pool, state) = (Arc::clone(&api.pool), api.chain.state());
    apart(move || {
        let Some(sealed) = pool.blocks().get(height)? else {
            return Ok(Vec::new());
        };
        let views = sealed
            .block
            .records
            .iter()
            .map(|record| RecordView::new(record, &state));
        let wanted = views.filter(|view| view.series == Some(series));
        Ok(wanted.map(|record| RecordNews { height, record }).collect())
    })
    .await
}

/// A record that is about the series asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordNews {
    /// Height of its block.
    #[schema(value_type = u64)]
    height: Height,
    /// The record.
    #[serde(flatten)]
    record: RecordView,
}

/// Every block as it is committed, as event `block`. Who falls more than 64 blocks behind misses some, and sees it by the heights.
/// With `series`, its records come first, each as event `record`.
#[utoipa::path(
    get, path = "/v1/events", tag = "blocks",
    params(("series" = Option<u32>, Query, description = "The records of this series, too")),
    responses(
        (status = 200, description = "Events named block, and record", body = BlockNews, content_type = "text/event-stream"),
    ),
)]
pub(super) async fn events(
    State(api): State<Arc<Api>>,
    Asked(which): Asked<WhichEvents>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = Listener {
        events: api.pool.events(),
        api,
        series: which.series,
        ready: VecDeque::new(),
    };
    Sse::new(unfold(listener, Listener::next)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
