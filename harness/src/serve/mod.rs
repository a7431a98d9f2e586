//! `schism serve`: the results folder in a browser. It reads, and never writes.
//!
//! Run folders are data from strangers, and whoever can make a browser ask can ask this server: requests are taken from names of this
//! machine alone (`guard`), files are read below the results folder alone (`files`), and pages run no script of a run.
//! Nothing here knows how a run is made or judged; it shows what folders hold.

mod around;
mod files;
mod guard;
mod index;
mod pages;
mod query;
mod trend;

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as Route, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use around::Around;
use index::Index;
use pages::Page;
use query::Wanted;

/// What all requests share.
struct Shared {
    results: PathBuf,
    index: Index,
    address: SocketAddr,
}

type Access = State<Arc<Shared>>;

/// Listens at an address; port 0 takes a free one, which the listener tells.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves a results folder until `over` is.
pub async fn serve(
    listener: TcpListener,
    results: &Path,
    over: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared { results: fs_err::canonicalize(results)?, index: Index::default(), address });
    axum::serve(listener, router(shared)).with_graceful_shutdown(over).await
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(runs))
        .route("/trend", get(trend))
        .route("/run/{label}/{id}", get(run))
        .route("/around/{label}/{id}", get(moment))
        .route("/compare/{label}/{id}/{other_label}/{other}", get(compare))
        .route("/file/{label}/{id}/{*path}", get(file))
        .route("/style.css", get(style))
        .fallback(nothing)
        .layer(axum::middleware::from_fn_with_state(shared.clone(), guard::check))
        .with_state(shared)
}

async fn runs(State(shared): Access, Query(wanted): Query<Wanted>) -> Response {
    blocking(move || Page::ok(pages::runs(&wanted, &shared.index.all(&shared.results)))).await
}

async fn trend(State(shared): Access, Query(wanted): Query<Wanted>) -> Response {
    blocking(move || Page::ok(trend::page(&wanted, &shared.index.all(&shared.results)))).await
}

async fn run(State(shared): Access, Route((label, id)): Route<(String, String)>) -> Response {
    blocking(move || match files::folder(&shared.results, &label, &id) {
        Some(folder) => Page::ok(pages::run(&label, &folder)),
        None => Page::missing(),
    })
    .await
}

async fn moment(
    State(shared): Access,
    Route((label, id)): Route<(String, String)>,
    Query(around): Query<Around>,
) -> Response {
    blocking(move || match files::folder(&shared.results, &label, &id) {
        Some(folder) => around::page(&label, &folder, &around),
        None => Page::missing(),
    })
    .await
}

async fn compare(State(shared): Access, Route(both): Route<(String, String, String, String)>) -> Response {
    blocking(move || {
        let (label, id, other_label, other) = &both;
        let folders = (files::folder(&shared.results, label, id), files::folder(&shared.results, other_label, other));
        match folders {
            (Some(one), Some(other)) => pages::compared(&one, &other),
            _ => Page::missing(),
        }
    })
    .await
}

async fn file(
    State(shared): Access,
    Route((label, id, path)): Route<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    files::file(&shared.results, &label, &id, &path, &headers).await
}

async fn style() -> Response {
    ([("content-type", "text/css; charset=utf-8")], include_str!("style.css")).into_response()
}

async fn nothing() -> Response {
    Page::missing().into_response()
}

/// Makes a page where reading folders holds nobody up. One that panics is a page that could not be made.
async fn blocking(make: impl FnOnce() -> Page + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(make).await {
        Ok(page) => page.into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "this page could not be made\n").into_response(),
    }
}

#[cfg(test)]
mod tests;
