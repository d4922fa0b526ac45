//! HTTP: what Prometheus scrapes, and a sign of life.
//!
//! Requests read the published moment; they never cause collection. Connections are bounded in number and time.

mod bounded;
pub mod config;
pub mod prometheus;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::mib::families::Moment;

/// What the server reads.
pub trait Host: Send + Sync {
    /// The published moment.
    fn moment(&self) -> Moment;
}

/// Listens on `ADDRESS:PORT`.
///
/// # Errors
/// What the kernel says, or that the text is no address.
pub async fn bind(listen: &str) -> io::Result<TcpListener> {
    let address: SocketAddr = listen.parse().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("`{listen}` is not ADDRESS:PORT, as 127.0.0.1:9161"))
    })?;
    TcpListener::bind(address).await
}

/// Serves until `shutdown` completes.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    host: Arc<dyn Host>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/", get(index))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .with_state(host);
    axum::serve(bounded::Bounded::new(listener), router).with_graceful_shutdown(shutdown).await
}

async fn index() -> Html<&'static str> {
    Html(
        "<!DOCTYPE html><title>vitalsd</title><h1>vitalsd</h1><p><a href=\"/metrics\">/metrics</a> <a href=\"/healthz\">/healthz</a>\n",
    )
}

async fn metrics(State(host): State<Arc<dyn Host>>) -> Response {
    match prometheus::text(&host.moment()) {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
