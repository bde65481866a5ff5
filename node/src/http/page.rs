//! The verifier page: `GET /verify/`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::problem::Problem;
use super::{Api, Routes};
use crate::page::{File, INDEX};

/// Only the page's own files, and nothing that is written into it: neither script nor style nor picture nor connection.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // It is kept by its service worker; whoever asks the node wants to know what it has now.
    (header::CACHE_CONTROL, "no-cache"),
];

pub(super) fn routes() -> Routes {
    vec![
        // Its files are named relative to it.
        ("/verify", get(|| async { Redirect::permanent("/verify/") })),
        ("/verify/", get(index)),
        ("/verify/{file}", get(file)),
    ]
}

async fn index(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, Problem> {
    serve(&api, INDEX, &headers)
}

async fn file(State(api): State<Arc<Api>>, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    serve(&api, &name, &headers)
}

fn serve(api: &Api, name: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let page = api.page.as_ref().ok_or_else(|| {
        let how = "this node serves no verifier page. Its operator builds one with client/web/build, names the directory as `page` in \
                   config.toml or with --page, and starts the node again; any other node's page does as well";
        Problem::not_found("NO_PAGE", how)
    })?;
    let file = page.file(name);
    let file =
        file.ok_or_else(|| Problem::not_found("NOT_FOUND", "the verifier page has no such file; it is at /verify/"))?;
    Ok(answer(file, asked))
}

fn answer(file: &File, asked: &HeaderMap) -> Response {
    let names = |header: HeaderName, wanted: &str| {
        let value = asked
            .get(header)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut listed = value
            .split(',')
            .map(|one| one.split(';').next().unwrap_or_default().trim());
        listed.any(|one| one.trim_start_matches("W/") == wanted)
    };
    let compressed = file.gzip.as_ref().filter(|_| names(header::ACCEPT_ENCODING, "gzip"));
    let mut response = if names(header::IF_NONE_MATCH, &file.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        compressed.unwrap_or(&file.bytes).clone().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if compressed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        headers.insert(header::ETAG, etag);
    }
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
