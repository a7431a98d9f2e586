//! NATS `JetStream` by its text protocol: a register is the last message on a subject of one stream.
//!
//! A write is a publication that the stream acknowledges, a compare-and-set one that expects the sequence number of the
//! message before it. A read asks the stream's leader for the last message, who answers without asking anybody. A queue is a
//! subject of another stream, see [`queue`].

mod queue;

use std::collections::BTreeSet;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use schism_nodes::RequestKind;
use serde_json::{Value, json};

use super::Completion;
use super::attempt::{Speaker, done, fail, found_another, info, not_served, read};
use super::drivers::Setup;
use super::wire::{Wire, WireError};

/// The stream that keeps the registers.
const STREAM: &str = "SCHISM";
/// There is no such message.
const NO_MESSAGE: u64 = 10_037;
/// There is no such stream.
const NO_STREAM: u64 = 10_059;
/// The last message has another sequence number.
const WRONG_LAST_SEQUENCE: u64 = 10_071;
/// How the subjects begin where messages of queues are acknowledged.
const ACKNOWLEDGED_AT: &str = "$JS.ACK.";
/// The longest message that is taken, in bytes.
const MESSAGE_MAX: usize = 16 << 20;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Nats {
    replicas: usize,
    /// The subject on which this connection is answered, but for the number of the question.
    inbox: String,
    serial: u64,
    /// The queues that are known to have a consumer.
    consumed: BTreeSet<String>,
}

/// What came in answer to a question.
enum Reply {
    /// JSON of `JetStream`.
    Said(Value),
    /// A message of a queue: what it holds, and where to it is acknowledged.
    Message(Vec<u8>, String),
    /// A status without a message.
    Status(u16),
    /// Nobody was there to hear it.
    Nobody,
}

impl Nats {
    pub(crate) fn new(setup: &Setup) -> Self {
        Nats { replicas: setup.homes.len().min(5), inbox: String::new(), serial: 0, consumed: BTreeSet::new() }
    }

    /// Asks on a subject, and waits for the answer.
    async fn exchange(&mut self, wire: &mut Wire, ask: Ask<'_>) -> Result<Reply, WireError> {
        self.serial += 1;
        let reply_to = format!("{}.{}", self.inbox, self.serial);
        let bytes = ask.bytes(&reply_to);
        if ask.has_effect {
            wire.send(&bytes).await?;
        } else {
            wire.send_harmless(&bytes).await?;
        }
        loop {
            let Message { subject, reply_to: acknowledged_at, status, payload } = message(wire).await?;
            // What comes out of a queue has the subject that it was published on.
            let place = acknowledged_at.filter(|place| place.starts_with(ACKNOWLEDGED_AT));
            if subject == reply_to || place.is_some() {
                return match (status, place) {
                    (Some(503), _) => Ok(Reply::Nobody),
                    (Some(status), _) => Ok(Reply::Status(status)),
                    (None, Some(place)) => Ok(Reply::Message(payload, place)),
                    (None, None) if payload.is_empty() => Ok(Reply::Said(Value::Null)),
                    (None, None) => serde_json::from_slice(&payload)
                        .map(Reply::Said)
                        .map_err(|error| WireError::garbage(&error.to_string(), &payload)),
                };
            }
        }
    }

    /// The last message of a register with its sequence number; a completion where that cannot be told.
    async fn last(
        &mut self,
        wire: &mut Wire,
        key: &str,
        has_effect: bool,
    ) -> Result<Result<(Value, u64), Completion>, WireError> {
        let subject = format!("$JS.API.STREAM.MSG.GET.{STREAM}");
        let body = json!({ "last_by_subj": subject_of(key) }).to_string();
        let asked = Ask { subject: &subject, headers: "", body: &body, has_effect };
        let said = match self.exchange(wire, asked).await? {
            Reply::Said(said) => said,
            other => return Ok(Err(other.refused())),
        };
        match code(&said) {
            None => {}
            Some(NO_MESSAGE) => return Ok(Ok((Value::Null, 0))),
            Some(NO_STREAM) => return Ok(Err(self.create(wire).await?)),
            Some(_) => return Ok(Err(info(&said.to_string()))),
        }
        let garbage = || WireError::garbage("no message", said.to_string().as_bytes());
        let sequence = said.pointer("/message/seq").and_then(Value::as_u64).ok_or_else(garbage)?;
        let data = said.pointer("/message/data").and_then(Value::as_str).unwrap_or_default();
        let data = BASE64.decode(data).map_err(|_| garbage())?;
        Ok(Ok((serde_json::from_slice(&data).map_err(|_| garbage())?, sequence)))
    }

    /// Creates the stream. Whatever was asked of it before has had no effect.
    async fn create(&mut self, wire: &mut Wire) -> Result<Completion, WireError> {
        let subject = format!("$JS.API.STREAM.CREATE.{STREAM}");
        let body = json!({
            "name": STREAM, "subjects": [subject_of(">")], "num_replicas": self.replicas, "storage": "file",
            "retention": "limits", "discard": "old", "max_msgs_per_subject": 1,
        });
        let asked = Ask { subject: &subject, headers: "", body: &body.to_string(), has_effect: false };
        self.exchange(wire, asked).await?;
        Ok(fail("there was no stream yet"))
    }

    async fn publish(
        &mut self,
        wire: &mut Wire,
        subject: &str,
        value: &Value,
        last: Option<u64>,
    ) -> Result<Completion, WireError> {
        let headers = last.map_or_else(String::new, |last| format!("Nats-Expected-Last-Subject-Sequence: {last}\r\n"));
        let asked = Ask { subject, headers: &headers, body: &value.to_string(), has_effect: true };
        Ok(match self.exchange(wire, asked).await? {
            Reply::Said(said) => match code(&said) {
                None if said.get("seq").is_some() => done(),
                Some(WRONG_LAST_SEQUENCE) => found_another(),
                _ => info(&said.to_string()),
            },
            other => other.refused(),
        })
    }
}

#[async_trait]
impl Speaker for Nats {
    async fn greet(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        let hello = wire.line().await?;
        if !hello.starts_with(b"INFO ") {
            return Err(WireError::garbage("no greeting of NATS", &hello));
        }
        let information: Value = serde_json::from_slice(&hello[5..]).unwrap_or_default();
        // No two connections of a cluster have both in common.
        let text =
            |name: &str| information.get(name).map(|value| value.to_string().replace('"', "")).unwrap_or_default();
        self.inbox = format!("_INBOX.{}.{}", text("server_id"), text("client_id"));
        let connect = json!({ "verbose": false, "pedantic": false, "headers": true, "no_responders": true });
        wire.send_harmless(format!("CONNECT {connect}\r\nSUB {}.> 1\r\nPING\r\n", self.inbox).as_bytes()).await?;
        loop {
            let line = wire.line().await?;
            if line == b"PONG" {
                return Ok(());
            } else if line.starts_with(b"-ERR") {
                return Err(WireError::Refused(String::from_utf8_lossy(&line).into_owned()));
            }
        }
    }

    async fn ask(&mut self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError> {
        let key = request.key();
        match request {
            RequestKind::Read { .. } | RequestKind::Peek { .. } => {
                Ok(self.last(wire, key, true).await?.map_or_else(|ended| ended, |(value, _)| read(value)))
            }
            RequestKind::Write { value, .. } => self.publish(wire, &subject_of(key), value, None).await,
            RequestKind::Enqueue { value, .. } => self.put_in(wire, key, value).await,
            RequestKind::Dequeue { .. } => self.take_out(wire, key).await,
            RequestKind::Cas { from, to, .. } => match self.last(wire, key, false).await? {
                Ok((value, sequence)) if value == *from => {
                    self.publish(wire, &subject_of(key), to, Some(sequence)).await
                }
                Ok(_) => Ok(found_another()),
                Err(Completion::Info { error }) => Ok(Completion::Fail { error }),
                Err(ended) => Ok(ended),
            },
            _ => Ok(not_served(request)),
        }
    }

    /// The term of the stream's group is not told; who leads it is.
    async fn leads(&mut self, wire: &mut Wire) -> Result<Option<u64>, WireError> {
        let hello = wire.line().await?;
        let information: Value =
            serde_json::from_slice(hello.strip_prefix(b"INFO ").unwrap_or_default()).unwrap_or_default();
        let me = information.get("server_name").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.inbox = format!("_INBOX.{me}.leader.{}", information.get("client_id").cloned().unwrap_or_default());
        let connect = json!({ "verbose": false, "headers": true, "no_responders": true });
        wire.send_harmless(format!("CONNECT {connect}\r\nSUB {}.> 1\r\n", self.inbox).as_bytes()).await?;
        let subject = format!("$JS.API.STREAM.INFO.{STREAM}");
        let asked = Ask { subject: &subject, headers: "", body: "", has_effect: false };
        let Reply::Said(said) = self.exchange(wire, asked).await? else { return Ok(None) };
        let leads = said.pointer("/cluster/leader").and_then(Value::as_str) == Some(me.as_str());
        Ok(leads.then_some(0))
    }
}

impl Reply {
    /// What comes of a question that nobody serves, or that was answered by something else than what was asked for.
    fn refused(self) -> Completion {
        match self {
            Reply::Nobody => fail("nobody serves the stream"),
            Reply::Status(status) => info(&format!("status {status}")),
            Reply::Message(..) | Reply::Said(_) => info("the answer makes no sense"),
        }
    }
}

/// A question on a subject.
struct Ask<'a> {
    subject: &'a str,
    /// Whole lines.
    headers: &'a str,
    body: &'a str,
    has_effect: bool,
}

impl Ask<'_> {
    fn bytes(&self, reply_to: &str) -> Vec<u8> {
        let Ask { subject, headers, body, .. } = self;
        if headers.is_empty() {
            return format!("PUB {subject} {reply_to} {}\r\n{body}\r\n", body.len()).into_bytes();
        }
        let headers = format!("NATS/1.0\r\n{headers}\r\n");
        let (head, whole) = (headers.len(), headers.len() + body.len());
        format!("HPUB {subject} {reply_to} {head} {whole}\r\n{headers}{body}\r\n").into_bytes()
    }
}

/// A message that came.
struct Message {
    subject: String,
    /// Where an answer goes, if one is wanted.
    reply_to: Option<String>,
    /// The status in its headers.
    status: Option<u16>,
    payload: Vec<u8>,
}

/// The next message. Pings are answered on the way.
async fn message(wire: &mut Wire) -> Result<Message, WireError> {
    loop {
        let line = wire.line().await?;
        let text = String::from_utf8_lossy(&line).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |word: &str| word.parse::<usize>().ok().filter(|size| *size <= MESSAGE_MAX);
        let garbage = || WireError::garbage("no message of NATS", &line);
        match words.as_slice() {
            ["PING"] => wire.send_harmless(b"PONG\r\n").await?,
            ["PONG" | "+OK"] | ["INFO", ..] => {}
            ["MSG", subject, _, reply_to @ .., size] => {
                let payload = wire.exactly(number(size).ok_or_else(garbage)?).await?;
                wire.exactly(2).await?;
                let reply_to = reply_to.first().map(|place| (*place).to_owned());
                return Ok(Message { subject: (*subject).to_owned(), reply_to, status: None, payload });
            }
            ["HMSG", subject, _, reply_to @ .., head, size] => {
                let (head, size) = (number(head).ok_or_else(garbage)?, number(size).ok_or_else(garbage)?);
                let mut payload = wire.exactly(size).await?;
                wire.exactly(2).await?;
                let headers = payload.drain(..head.min(size)).collect::<Vec<u8>>();
                let reply_to = reply_to.first().map(|place| (*place).to_owned());
                return Ok(Message { subject: (*subject).to_owned(), reply_to, status: status(&headers), payload });
            }
            _ => return Err(garbage()),
        }
    }
}

/// `NATS/1.0 503` says 503.
fn status(headers: &[u8]) -> Option<u16> {
    String::from_utf8_lossy(headers).lines().next()?.split_whitespace().nth(1)?.parse().ok()
}

fn subject_of(key: &str) -> String {
    format!("schism.{key}")
}

/// The code of what `JetStream` refuses.
fn code(said: &Value) -> Option<u64> {
    said.get("error").map(|error| error.get("err_code").and_then(Value::as_u64).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publications_say_how_long_they_are() {
        let ask = Ask { subject: "s", headers: "", body: "55", has_effect: true };
        assert_eq!(ask.bytes("r"), b"PUB s r 2\r\n55\r\n");
        let ask = Ask { headers: "A: 1\r\n", ..ask };
        assert_eq!(ask.bytes("r"), b"HPUB s r 18 20\r\nNATS/1.0\r\nA: 1\r\n\r\n55\r\n");
        assert_eq!((status(b"NATS/1.0 503\r\n\r\n"), status(b"NATS/1.0\r\nA: 1\r\n")), (Some(503), None));
        assert_eq!(code(&json!({ "error": { "code": 400, "err_code": 10071 } })), Some(WRONG_LAST_SEQUENCE));
        assert_eq!(code(&json!({ "seq": 5 })), None);
    }
}
