//! etcd by its JSON gateway (`/v3/kv/…`): a register is a key; a list or a queue is one with an array, which is read and put
//! back in a transaction that fails where another one came between.
//!
//! Reads are linearizable unless `reads=serializable`. etcd refuses nothing for certain but a comparison that fails and a
//! request that it had no room for; whatever else it says leaves open what became of a write.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use schism_nodes::RequestKind;
use serde_json::{Value, json};

use super::Completion;
use super::attempt::{Speaker, done, fail, found_another, info, not_served, read};
use super::http1;
use super::wire::{Wire, WireError};

/// gRPC's code for "no room": etcd says so before it begins.
const RESOURCE_EXHAUSTED: u64 = 8;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Etcd {
    serializable: bool,
}

impl Etcd {
    pub(crate) fn new(options: &BTreeMap<String, String>) -> Self {
        Etcd { serializable: options.get("reads").is_some_and(|reads| reads == "serializable") }
    }

    async fn post(&self, wire: &mut Wire, path: &str, body: &Value) -> Result<http1::Answer, WireError> {
        let headers = ["Content-Type: application/json".to_owned()];
        wire.send(&http1::request("POST", path, "etcd", &headers, body.to_string().as_bytes())).await?;
        http1::answer(wire).await
    }

    /// Changes the array of a list or a queue.
    async fn change(&self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError> {
        let key = request.key();
        let range = json!({ "key": encoded(key) }).to_string();
        let headers = ["Content-Type: application/json".to_owned()];
        wire.send_harmless(&http1::request("POST", "/v3/kv/range", "etcd", &headers, range.as_bytes())).await?;
        let answer = http1::answer(wire).await?;
        let said = parsed(&answer.body)?;
        if answer.status != 200 || said.pointer("/header/revision").is_none() {
            return Ok(fail("the array could not be read"));
        }
        let Value::Array(mut elements) = found(&said)? else {
            if matches!(request, RequestKind::Dequeue { .. }) && said.pointer("/kvs/0").is_none() {
                return Ok(read(Value::Null));
            }
            return self.put_array(wire, key, None, &added(Vec::new(), request)).await;
        };
        let revision = said.pointer("/kvs/0/mod_revision").cloned();
        if !matches!(request, RequestKind::Dequeue { .. }) {
            return self.put_array(wire, key, revision, &added(elements, request)).await;
        }
        if elements.is_empty() {
            return Ok(read(Value::Null));
        }
        let first = elements.remove(0);
        let ended = self.put_array(wire, key, revision, &elements).await?;
        Ok(if ended == done() { read(first) } else { ended })
    }

    /// Puts an array in the place of the one that was read; of none where there was none.
    async fn put_array(
        &self,
        wire: &mut Wire,
        key: &str,
        revision: Option<Value>,
        elements: &[Value],
    ) -> Result<Completion, WireError> {
        let compare = match revision {
            Some(revision) => {
                json!({ "key": encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": revision })
            }
            None => json!({ "key": encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0" }),
        };
        let value = encoded(&Value::from(elements).to_string());
        let put = json!({ "request_put": { "key": encoded(key), "value": value } });
        let answer = self.post(wire, "/v3/kv/txn", &json!({ "compare": [compare], "success": [put] })).await?;
        let said = parsed(&answer.body)?;
        Ok(match said.pointer("/header/revision") {
            _ if answer.status != 200 => refused(&said),
            None => info("the answer has no revision"),
            Some(_) if said.get("succeeded") == Some(&Value::Bool(true)) => done(),
            Some(_) => fail("another one came between"),
        })
    }

    /// What the request is on the wire.
    fn question(&self, request: &RequestKind) -> Option<(&'static str, Value)> {
        let key = request.key();
        Some(match request {
            RequestKind::Read { .. } | RequestKind::Peek { .. } | RequestKind::List { .. } => {
                ("/v3/kv/range", json!({ "key": encoded(key), "serializable": self.serializable }))
            }
            RequestKind::Write { value, .. } => {
                ("/v3/kv/put", json!({ "key": encoded(key), "value": encoded(&value.to_string()) }))
            }
            RequestKind::Delete { .. } => ("/v3/kv/deleterange", json!({ "key": encoded(key) })),
            RequestKind::Cas { from, to, .. } => {
                let compare = if from.is_null() {
                    json!({ "key": encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0" })
                } else {
                    let from = encoded(&from.to_string());
                    json!({ "key": encoded(key), "target": "VALUE", "result": "EQUAL", "value": from })
                };
                let put = json!({ "request_put": { "key": encoded(key), "value": encoded(&to.to_string()) } });
                ("/v3/kv/txn", json!({ "compare": [compare], "success": [put] }))
            }
            _ => return None,
        })
    }
}

#[async_trait]
impl Speaker for Etcd {
    async fn ask(&mut self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError> {
        if matches!(request, RequestKind::Append { .. } | RequestKind::Enqueue { .. } | RequestKind::Dequeue { .. }) {
            return self.change(wire, request).await;
        }
        let Some((path, body)) = self.question(request) else { return Ok(not_served(request)) };
        let answer = self.post(wire, path, &body).await?;
        let said = parsed(&answer.body)?;
        if answer.status != 200 {
            return Ok(refused(&said));
        }
        Ok(match request {
            _ if said.pointer("/header/revision").is_none() => info("the answer has no revision"),
            _ if request.is_read() => read(found(&said)?),
            RequestKind::Cas { .. } if said.get("succeeded") != Some(&Value::Bool(true)) => found_another(),
            _ => done(),
        })
    }

    async fn leads(&mut self, wire: &mut Wire) -> Result<Option<u64>, WireError> {
        let said = parsed(&self.post(wire, "/v3/maintenance/status", &json!({})).await?.body)?;
        let number = |place: &str| said.pointer(place).and_then(Value::as_str)?.parse::<u64>().ok();
        let (me, leader) = (number("/header/member_id"), number("/leader"));
        Ok(number("/raftTerm").filter(|_| me.is_some() && me == leader))
    }
}

/// An array with what a request adds to it.
fn added(mut elements: Vec<Value>, request: &RequestKind) -> Vec<Value> {
    if let RequestKind::Append { value, .. } | RequestKind::Enqueue { value, .. } = request {
        elements.push(value.clone());
    }
    elements
}

fn encoded(text: &str) -> String {
    BASE64.encode(text)
}

fn parsed(body: &[u8]) -> Result<Value, WireError> {
    serde_json::from_slice(body).map_err(|error| WireError::garbage(&error.to_string(), body))
}

/// What an answer with another status than 200 means.
fn refused(said: &Value) -> Completion {
    let text =
        said.get("error").or_else(|| said.get("message")).and_then(Value::as_str).unwrap_or("an error without text");
    let code = said.get("code").and_then(Value::as_u64);
    if code == Some(RESOURCE_EXHAUSTED) { fail(text) } else { info(text) }
}

/// The value of a register.
fn found(said: &Value) -> Result<Value, WireError> {
    let Some(pair) = said.pointer("/kvs/0") else { return Ok(Value::Null) };
    let value = decoded(pair, "value")?;
    serde_json::from_slice(&value).map_err(|error| WireError::garbage(&error.to_string(), &value))
}

fn decoded(pair: &Value, name: &str) -> Result<Vec<u8>, WireError> {
    let text = pair.get(name).and_then(Value::as_str).unwrap_or_default();
    BASE64.decode(text).map_err(|error| WireError::garbage(&error.to_string(), text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_is_a_key() {
        let holding = |text: &str| json!({ "kvs": [{ "key": encoded("x"), "value": encoded(text) }] });
        assert_eq!(found(&json!({})).unwrap(), Value::Null);
        assert_eq!(found(&holding("5")).unwrap(), json!(5));
        assert!(found(&holding("no json")).is_err());
    }

    #[test]
    fn only_what_had_no_room_is_refused_for_certain() {
        let full = json!({ "error": "etcdserver: too many requests", "code": 8 });
        assert_eq!(refused(&full), fail("etcdserver: too many requests"));
        for (text, code) in [("etcdserver: request timed out", 14), ("etcdserver: leader changed", 14)] {
            assert_eq!(refused(&json!({ "error": text, "code": code })), info(text));
        }
        assert_eq!(refused(&Value::Null), info("an error without text"));
    }
}
