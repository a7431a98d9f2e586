//! HTTP/1.1 as far as one client on one connection needs it: a request with a body, and an answer of bounded length.

use super::wire::{Wire, WireError};

/// The most header lines of an answer.
const HEADERS_MAX: usize = 200;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// How the body of an answer ends.
enum Length {
    Known(usize),
    Chunked,
    ToTheEnd,
}

/// The bytes of a request. `headers` are whole lines without their ends.
pub fn request(method: &str, path: &str, host: &str, headers: &[String], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// Reads an answer.
pub async fn answer(wire: &mut Wire) -> Result<Answer, WireError> {
    loop {
        let line = wire.line().await?;
        let status = status(&line).ok_or_else(|| WireError::garbage("no HTTP status", &line))?;
        let length = headers(wire).await?;
        // What is said in between, such as 100 Continue, is no answer.
        if (100..200).contains(&status) {
            continue;
        }
        let body = match length {
            _ if status == 204 || status == 304 => Vec::new(),
            Length::Known(length) => wire.exactly(length).await?,
            Length::Chunked => chunks(wire).await?,
            Length::ToTheEnd => wire.to_end().await?,
        };
        return Ok(Answer { status, body });
    }
}

fn status(line: &[u8]) -> Option<u16> {
    let text = str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    text.split(' ').nth(1)?.parse().ok().filter(|status| (100..600).contains(status))
}

async fn headers(wire: &mut Wire) -> Result<Length, WireError> {
    let mut length = Length::ToTheEnd;
    for _ in 0..HEADERS_MAX {
        let line = wire.line().await?;
        if line.is_empty() {
            return Ok(length);
        }
        let text = String::from_utf8_lossy(&line);
        let Some((name, value)) = text.split_once(':') else { return Err(WireError::garbage("no header", &line)) };
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("content-length") {
            let known = value.parse().map_err(|_| WireError::garbage("no length", &line))?;
            length = Length::Known(known);
        }
    }
    Err(WireError::Garbage(format!("it has more than {HEADERS_MAX} header lines")))
}

async fn chunks(wire: &mut Wire) -> Result<Vec<u8>, WireError> {
    let mut body = Vec::new();
    loop {
        let line = wire.line().await?;
        let size = String::from_utf8_lossy(&line).split(';').next().unwrap_or_default().trim().to_owned();
        let size = usize::from_str_radix(&size, 16).map_err(|_| WireError::garbage("no chunk size", &line))?;
        if size == 0 {
            headers(wire).await?;
            return Ok(body);
        }
        if body.len().saturating_add(size) > super::wire::ANSWER_BYTES_MAX {
            return Err(WireError::Garbage("its chunks do not end".to_owned()));
        }
        body.extend(wire.exactly(size).await?);
        wire.line().await?;
    }
}
