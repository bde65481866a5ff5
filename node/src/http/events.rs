//! Events as they happen: `GET /v1/events` (server-sent events).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use concord_spec::digest::Digest;
use concord_spec::id::{Height, UnixMillis};
use futures::stream::{Stream, unfold};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::Api;
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

/// Every block as it is committed, as event `block`. Who falls more than 64 blocks behind misses some, and sees it by the heights.
#[utoipa::path(
    get, path = "/v1/events", tag = "blocks",
    responses((status = 200, description = "Events named block", body = BlockNews, content_type = "text/event-stream")),
)]
pub(super) async fn events(State(api): State<Arc<Api>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = api.pool.events();
    let stream = unfold((events, api), |(mut events, api)| async move {
        loop {
            // The stream ends when the node stops.
            match api.stop.run_until_cancelled(events.recv()).await? {
                Ok(event) => {
                    let said = Event::default().event("block").json_data(BlockNews::from(event)).ok()?;
                    return Some((Ok(said), (events, api)));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
