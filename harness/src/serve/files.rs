//! Files of run folders. Nothing outside of the results folder is read, whatever a path or a symbolic link says, and nothing is read
//! into memory as a whole.

use std::io::SeekFrom;
use std::path::{Component, Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::pages::Page;
use crate::folder::{RunFolder, file};

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;
/// Pages that this program wrote, or that a stranger says it wrote: they may run their own scripts, in an origin of their own that can
/// neither ask this server nor anybody else.
const PAGES: [&str; 2] = [file::REPORT, "comparison.html"];
const PAGE_POLICY: &str =
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

/// A run folder by its two parts; none if there is no such thing below the results folder.
pub(super) fn folder(results: &Path, label: &str, id: &str) -> Option<RunFolder> {
    let path = below(results, &[label, id].iter().collect::<PathBuf>())?;
    path.join(file::RUN).is_file().then(|| RunFolder::open(&path))
}

/// The real place of a path that is meant to lie below a folder; none if it does not, or does not exist.
fn below(root: &Path, path: &Path) -> Option<PathBuf> {
    let plain = path.components().all(|component| matches!(component, Component::Normal(_)));
    let real = plain.then(|| fs_err::canonicalize(root.join(path)).ok()).flatten()?;
    real.starts_with(root).then_some(real)
}

/// A file of a run folder, or the part of it that is asked for.
pub(super) async fn file(results: &Path, label: &str, id: &str, path: &str, headers: &HeaderMap) -> Response {
    let asked: PathBuf = [label, id, path].iter().collect();
    let Some(real) = below(results, &asked).filter(|real| real.is_file()) else {
        return Page::missing().into_response();
    };
    let opened = tokio::fs::File::open(&real).await;
    let Ok(file) = opened else { return Page::missing().into_response() };
    // A node that still runs could have put a link in its place after we looked.
    if !is_still(&file, &real) {
        return Page::missing().into_response();
    }
    let Ok(length) = file.metadata().await.map(|metadata| metadata.len()) else {
        return Page::missing().into_response();
    };
    let range = match headers.get(header::RANGE).map(|range| parse(range, length)) {
        None => None,
        Some(Some(range)) => Some(range),
        Some(None) => {
            let headers = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, headers, "there is no such range\n").into_response();
        }
    };
    send(file, path, length, range).await
}

#[cfg(target_os = "linux")]
fn is_still(file: &tokio::fs::File, real: &Path) -> bool {
    use std::os::fd::AsRawFd as _;
    fs_err::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).is_ok_and(|place| place == real)
}

#[cfg(not(target_os = "linux"))]
fn is_still(_: &tokio::fs::File, _: &Path) -> bool {
    true
}

/// The bytes `from..=to` that a range header asks for; none if there are none, or if it asks for several ranges.
fn parse(range: &HeaderValue, length: u64) -> Option<(u64, u64)> {
    let (from, to) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let last = length.checked_sub(1)?;
    let number = |text: &str| text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let (from, to) = match (from, to) {
        ("", to) => (length.saturating_sub(number(to).filter(|count| *count > 0)?), last),
        (from, "") => (number(from)?, last),
        (from, to) => (number(from)?, number(to)?.min(last)),
    };
    (from <= to && from <= last).then_some((from, to))
}

async fn send(mut file: tokio::fs::File, path: &str, length: u64, range: Option<(u64, u64)>) -> Response {
    let (from, to) = range.unwrap_or((0, length.saturating_sub(1)));
    let count = if length == 0 { 0 } else { to - from + 1 };
    if file.seek(SeekFrom::Start(from)).await.is_err() {
        return Page::missing().into_response();
    }
    let body = Body::from_stream(stream::unfold((file, count), |(mut file, left)| async move {
        let size = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        if size == 0 {
            return None;
        }
        let mut chunk = vec![0; size];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(read) => {
                chunk.truncate(read);
                Some((Ok(Bytes::from(chunk)), (file, left - read as u64)))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    }));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(path)));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    if PAGES.contains(&path) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    }
    if range.is_some() {
        let told = HeaderValue::from_str(&format!("bytes {from}-{to}/{length}")).expect("numbers are header text");
        headers.insert(header::CONTENT_RANGE, told);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// What a browser is told that a file is. Only pages at the top of a run folder are pages; what a node wrote is text.
fn kind(path: &str) -> &'static str {
    match path {
        page if PAGES.contains(&page) => "text/html; charset=utf-8",
        file::RUN | file::VERDICT | "comparison.json" => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_within_the_file() {
        for (asked, length, expected) in [
            ("bytes=0-9", 100, Some((0, 9))),
            ("bytes=90-", 100, Some((90, 99))),
            ("bytes=-10", 100, Some((90, 99))),
            ("bytes=-1000", 100, Some((0, 99))),
            ("bytes=0-18446744073709551615", 100, Some((0, 99))),
            ("bytes=0-99999999999999999999999", 100, None),
            ("bytes=100-", 100, None),
            ("bytes=9-3", 100, None),
            ("bytes=-0", 100, None),
            ("bytes=0-1,5-6", 100, None),
            ("bytes=+1-2", 100, None),
            ("lines=0-1", 100, None),
            ("bytes=0-0", 0, None),
        ] {
            assert_eq!(parse(&HeaderValue::from_static(asked), length), expected, "{asked} of {length}");
        }
    }

    #[test]
    fn what_a_node_wrote_is_text() {
        for (path, expected) in [
            ("report.html", "text/html; charset=utf-8"),
            ("nodes/n1/data/report.html", "text/plain; charset=utf-8"),
            ("verdict.json", "application/json"),
            ("nodes/n1/data/x.json", "text/plain; charset=utf-8"),
            ("history.jsonl", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }
}
