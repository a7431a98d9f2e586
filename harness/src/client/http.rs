//! Any server that speaks HTTP/1.1, by what its manifest says of each request: method, path, body, and which status means
//! what. A status that it does not name leaves open what became of the request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use async_trait::async_trait;
use schism_nodes::RequestKind;
use serde_json::Value;

use super::Completion;
use super::attempt::{Speaker, done, fail, info, not_served, read};
use super::drivers::Setup;
use super::http1;
use super::wire::{Wire, WireError};
use crate::system::manifest::HttpRequest;

/// How much of an answer is told.
const SHOWN_MAX: usize = 120;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Http {
    requests: BTreeMap<String, HttpRequest>,
}

impl Http {
    pub(crate) fn new(setup: &Setup) -> Self {
        Http { requests: setup.http.clone() }
    }
}

#[async_trait]
impl Speaker for Http {
    async fn ask(&mut self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError> {
        let Some(how) = self.requests.get(request.name()) else { return Ok(not_served(request)) };
        let headers: Vec<String> = how.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let body = filled(&how.body, request, str::to_owned);
        let path = filled(&how.path, request, escaped);
        wire.send(&http1::request(&how.method, &path, "schism", &headers, body.as_bytes())).await?;
        let answer = http1::answer(wire).await?;
        completion(how, request, &answer)
    }
}

fn completion(how: &HttpRequest, request: &RequestKind, answer: &http1::Answer) -> Result<Completion, WireError> {
    let status = answer.status;
    if request.asks_for_a_value() && how.absent.contains(&status) {
        return Ok(read(Value::Null));
    }
    if how.ok.contains(&status) {
        return if request.asks_for_a_value() { Ok(read(value(how, &answer.body)?)) } else { Ok(done()) };
    }
    let shown: String = String::from_utf8_lossy(&answer.body).chars().take(SHOWN_MAX).collect();
    let told = format!("status {status}: {}", shown.trim());
    Ok(if how.fail.contains(&status) { fail(&told) } else { info(&told) })
}

/// The value in the answer to a read. What is a text that holds JSON is taken for that JSON, as it was written.
fn value(how: &HttpRequest, body: &[u8]) -> Result<Value, WireError> {
    let garbage = |what: &str| WireError::garbage(what, body);
    let whole = || serde_json::from_slice::<Value>(body).map_err(|error| garbage(&error.to_string()));
    let found = match &how.value {
        None => return whole(),
        Some(place) => {
            whole()?.pointer(place).cloned().ok_or_else(|| garbage(&format!("there is nothing at {place}")))?
        }
    };
    Ok(match &found {
        Value::String(text) => serde_json::from_str(text).unwrap_or(found),
        _ => found,
    })
}

/// A template with what is asked.
fn filled(template: &str, request: &RequestKind, escape: fn(&str) -> String) -> String {
    let mut text = template.replace("${key}", &escape(request.key()));
    let values: &[(&str, &Value)] = match request {
        RequestKind::Write { value, .. }
        | RequestKind::Add { value, .. }
        | RequestKind::Remove { value, .. }
        | RequestKind::Append { value, .. }
        | RequestKind::Enqueue { value, .. } => &[("${value}", value)],
        RequestKind::Cas { from, to, .. } => &[("${from}", from), ("${to}", to)],
        _ => &[],
    };
    for (name, value) in values {
        text = text.replace(name, &escape(&value.to_string()));
    }
    text
}

/// A text as a part of a path or a query.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing into a string does not fail");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn how() -> HttpRequest {
        let text = r#"
            method = "PUT"
            path = "/kv/${key}?old=${from}"
            body = "${to}"
            ok = [200]
            fail = [409]
            absent = [404]
            value = "/node/value"
        "#;
        toml::from_str(text).unwrap()
    }

    #[test]
    fn templates_are_filled_and_escaped_where_they_must_be() {
        let cas = RequestKind::Cas { key: "a b".to_owned(), from: json!("x&y"), to: json!([1]) };
        assert_eq!(filled(&how().path, &cas, escaped), "/kv/a%20b?old=%22x%26y%22");
        assert_eq!(filled(&how().body, &cas, str::to_owned), "[1]");
    }

    #[test]
    fn a_status_means_what_the_manifest_says() {
        let get = RequestKind::Read { key: "x".to_owned() };
        let put = RequestKind::Write { key: "x".to_owned(), value: json!(1) };
        let said = |request: &RequestKind, status: u16, body: &str| {
            completion(&how(), request, &http1::Answer { status, body: body.as_bytes().to_vec() })
        };
        assert_eq!(said(&put, 200, "").unwrap(), done());
        assert!(matches!(said(&put, 409, "no").unwrap(), Completion::Fail { .. }));
        assert!(matches!(said(&put, 404, "").unwrap(), Completion::Info { .. }), "absent is for reads");
        assert!(matches!(said(&put, 500, "").unwrap(), Completion::Info { .. }));
        assert_eq!(said(&get, 404, "").unwrap(), read(Value::Null));
        assert_eq!(said(&get, 200, r#"{"node":{"value":"5"}}"#).unwrap(), read(json!(5)));
        assert!(said(&get, 200, "{}").is_err());
    }
}
