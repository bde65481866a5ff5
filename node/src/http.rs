//! The node's HTTP interface (DESIGN 5): `/v1` for everyone, health and metrics on an address of their own.
//!
//! In the order of a request: [`serve`](self) connections and their limits, `submit` and `records`, `blocks`, `federation`, `directory`, `recognition`, `bundle`,
//! `proofs`, `events`, `status`, `page` and `health`; `problem` what goes wrong, `openapi` the description made from the code.
//! Nothing here decides anything: records are judged by the pool, and proofs by whoever asks for them.

mod blocks;
mod bundle;
mod directory;
mod events;
mod federation;
mod health;
mod openapi;
mod page;
mod problem;
mod proofs;
mod recognition;
mod records;
mod sections;
mod serve;
mod status;
mod submit;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use concord_spec::id::RegionId;
use concord_spec::ledger::LedgerState;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use crate::bundles::Bundles;
use crate::config::Role;
use crate::history::History;
use crate::membership::{self, Standing};
use crate::metrics::{HttpMeters, Metrics};
use crate::network::NetworkHandle;
use crate::page::Page;
use crate::pool::{ChainError, ChainView, Pool};
use problem::{Problem, as_problem};
use serve::Limited;

/// Longest time to the beginning of an answer: the longest poll and some more.
const ANSWER_TIME: Duration = Duration::from_secs(45);
/// Most connections to the API.
const MAX_CONNECTIONS: usize = 1_024;
/// Most connections to the admin address.
const MAX_ADMIN_CONNECTIONS: usize = 64;
/// So long answers may take to end when the node stops.
const STOP_TIME: Duration = Duration::from_secs(2);

/// What the API needs.
#[derive(Debug)]
pub struct Parts {
    /// This node's region.
    pub region: RegionId,
    /// The signed charter.
    pub charter: Vec<u8>,
    /// Whether it votes for it.
    pub role: Role,
    /// What is decided.
    pub chain: Arc<dyn ChainView>,
    /// Records that wait.
    pub pool: Arc<Pool>,
    /// Who is connected.
    pub network: NetworkHandle,
    /// What is counted.
    pub metrics: Metrics,
    /// The verifier page.
    pub page: Option<Page>,
    /// Where the API answers; port 0 lets the system choose.
    pub api: SocketAddr,
    /// Where health and metrics answer.
    pub admin: SocketAddr,
}

/// Why the API does not start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {why}; choose another address in config.toml")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
}

/// What handlers share.
#[derive(Debug)]
struct Api {
    region: RegionId,
    charter: Vec<u8>,
    role: Role,
    chain: Arc<dyn ChainView>,
    pool: Arc<Pool>,
    network: NetworkHandle,
    metrics: Metrics,
    meters: HttpMeters,
    bundles: Bundles,
    /// Extended when it is asked for.
    history: Mutex<History>,
    page: Option<Page>,
    stop: CancellationToken,
}

/// The running API.
#[derive(Debug)]
pub struct Server {
    api: SocketAddr,
    admin: SocketAddr,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts the API. It answers when this returns.
///
/// # Errors
/// An address cannot be listened on.
pub async fn start(parts: Parts) -> Result<Server, HttpError> {
    let (api_listener, api_address) = listen(parts.api).await?;
    let (admin_listener, admin_address) = listen(parts.admin).await?;
    let stop = CancellationToken::new();
    let meters = parts.metrics.http.clone();
    let api = Arc::new(Api {
        region: parts.region,
        charter: parts.charter,
        role: parts.role,
        bundles: Bundles::start(Arc::clone(&parts.chain), meters.clone(), stop.clone()),
        history: Mutex::default(),
        chain: parts.chain,
        pool: parts.pool,
        network: parts.network,
        meters: meters.clone(),
        metrics: parts.metrics,
        page: parts.page,
        stop: stop.clone(),
    });
    let listeners = [
        (
            Limited::new(api_listener, MAX_CONNECTIONS, meters.clone()),
            public().into_iter().chain(page::routes()).collect(),
            api_address,
        ),
        (
            Limited::new(admin_listener, MAX_ADMIN_CONNECTIONS, meters),
            admin(),
            admin_address,
        ),
    ];
    let tasks = listeners.map(|(listener, routes, address)| {
        let router = router(routes, Arc::clone(&api));
        let stopping = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            let serving = axum::serve(listener, router).with_graceful_shutdown(stopping);
            if let Err(error) = serving.await {
                tracing::error!(%error, %address, "the API ended badly");
            }
        })
    });
    Ok(Server {
        api: api_address,
        admin: admin_address,
        stop,
        tasks: tasks.into(),
    })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), HttpError> {
    let failed = |why| HttpError::Listen { address, why };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Api {
    /// What this node is to the federation, as the ledger says.
    fn standing(&self, state: &LedgerState) -> Standing {
        match self.role {
            Role::Observer => Standing::Observer,
            Role::Region => membership::on_ledger(state.federation(), state.tip().height, &self.region),
        }
    }
}

impl Server {
    /// Where the API answers.
    #[must_use]
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Where health and metrics answer.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Lets answers end, two seconds at most, and closes all connections.
    pub async fn stop(self) {
        self.stop.cancel();
        for mut task in self.tasks {
            if tokio::time::timeout(STOP_TIME, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

type Routes = Vec<(&'static str, MethodRouter<Arc<Api>>)>;

fn public() -> Routes {
    vec![
        ("/v1/records", post(submit::submit)),
        ("/v1/records/batch", post(submit::submit_batch)),
        ("/v1/records/{id}", get(records::record)),
        ("/v1/records/{id}/receipt", get(records::receipt)),
        ("/v1/blocks/{height}", get(blocks::block)),
        ("/v1/blocks/{height}/raw", get(blocks::raw_block)),
        ("/v1/blocks/{height}/renewal", get(proofs::renewal)),
        ("/v1/status", get(status::status)),
        ("/v1/charter", get(directory::charter)),
        ("/v1/federation", get(federation::federation)),
        ("/v1/regions/{region}", get(federation::region)),
        ("/v1/recognition", get(recognition::recognition)),
        ("/v1/catalogue", get(directory::catalogue)),
        ("/v1/types/{id}/{version}", get(directory::type_definition)),
        ("/v1/offices", get(directory::offices)),
        ("/v1/offices/{region}/{code}", get(directory::office)),
        ("/v1/series", get(directory::series)),
        ("/v1/series/{id}", get(directory::one_series)),
        ("/v1/series/{id}/numbers/{number}", get(directory::number)),
        ("/v1/series/{id}/numbers/{number}/proof", get(proofs::status_proof)),
        ("/v1/sections/{name}", get(sections::section)),
        ("/v1/sections/directory/{region}", get(sections::directory)),
        ("/v1/bundle", get(bundle::bundle)),
        ("/v1/region-history", get(bundle::region_history)),
        ("/v1/events", get(events::events)),
        ("/v1/openapi.json", get(openapi::document)),
    ]
}

fn admin() -> Routes {
    vec![
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/metrics", get(health::metrics)),
    ]
}

fn router(routes: Routes, api: Arc<Api>) -> Router {
    let routed = routes
        .into_iter()
        .fold(Router::new(), |router, (path, handler)| router.route(path, handler));
    routed
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIME))
        .layer(from_fn_with_state(Arc::clone(&api), count))
        .with_state(api)
}

/// Counts an answer by its route, and gives errors their form.
async fn count(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().to_string();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let response = as_problem(next.run(request).await);
    api.meters
        .answered(&method, &route, response.status().as_u16(), began.elapsed());
    response
}

fn cbor(bytes: Vec<u8>) -> Response {
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/cbor"))],
        bytes,
    )
        .into_response()
}

/// Runs what blocks on disk or processor off the runtime's threads.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, ChainError> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(ChainError::new(error).into()),
    }
}
