//! Who may ask: a browser on this machine, by a name of this machine.
//!
//! A page from elsewhere can make a browser send requests here under a name of its own that it points at loopback; the `Host` header
//! gives it away. What is refused is told on stderr, and the server goes on.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use crate::report::words;

/// Nothing is loaded but the style sheet of this server, and nothing runs.
const POLICY: &str =
    "default-src 'none'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Lets a request through, or refuses it.
pub(super) async fn check(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    if !is_ours(&host, shared.address) {
        return refused(StatusCode::FORBIDDEN, &format!("host {host:?} is not this server"), request.uri().path());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let what = format!("{} is not served", request.method());
        return refused(StatusCode::METHOD_NOT_ALLOWED, &what, request.uri().path());
    }
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if response.status().is_client_error() {
        tell(response.status(), &path);
    }
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// Whether a `Host` header names the address that is listened at: by number, or as localhost where that is loopback.
fn is_ours(host: &str, address: SocketAddr) -> bool {
    let Some((name, port)) = host.rsplit_once(':') else { return false };
    if port.parse() != Ok(address.port()) {
        return false;
    }
    let number = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let loopback = name.eq_ignore_ascii_case("localhost") || number.is_some_and(|ip| ip.is_loopback());
    let listens_everywhere = address.ip().is_unspecified();
    match number {
        Some(ip) if ip == address.ip() || listens_everywhere => true,
        _ => loopback && (address.ip().is_loopback() || listens_everywhere),
    }
}

fn refused(status: StatusCode, what: &str, path: &str) -> Response {
    tell(status, &format!("{path}: {what}"));
    (status, format!("{}\n", words::printable(what))).into_response()
}

fn tell(status: StatusCode, what: &str) {
    tracing::warn!("refused with {}: {}", status.as_u16(), words::printable(what));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_ours() {
        let loopback: SocketAddr = "127.0.0.1:8030".parse().unwrap();
        for (host, ours) in [
            ("127.0.0.1:8030", true),
            ("localhost:8030", true),
            ("LOCALHOST:8030", true),
            ("[::1]:8030", true),
            ("127.0.0.1:80", false),
            ("127.0.0.1", false),
            ("evil.example:8030", false),
            ("localhost.evil.example:8030", false),
            ("127.0.0.1.evil.example:8030", false),
            ("192.0.2.1:8030", false),
            ("", false),
        ] {
            assert_eq!(is_ours(host, loopback), ours, "{host}");
        }
        let everywhere: SocketAddr = "0.0.0.0:8030".parse().unwrap();
        assert!(is_ours("192.0.2.1:8030", everywhere) && !is_ours("evil.example:8030", everywhere));
    }
}
