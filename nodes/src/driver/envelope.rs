//! Between lines on a socket and what a protocol sees: Maelstrom's envelopes, read without copies where that is possible
//! and written straight into the queue of a connection. It knows no sockets.

use std::borrow::Cow;
use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::id::NodeId;
use crate::request::{Answer, ErrorCode, Outcome, Refusal, RequestKind};
use crate::wire::Probe;

/// An envelope whose body has not been read yet.
#[derive(Debug, Deserialize)]
pub(super) struct Incoming<'a> {
    /// Who sends.
    #[serde(borrow)]
    pub(super) src: Cow<'a, str>,
    /// To whom.
    #[serde(borrow)]
    pub(super) dest: Cow<'a, str>,
    /// The client request in whose course it is sent.
    #[serde(borrow, default)]
    pub(super) cause: Option<Cow<'a, str>>,
    /// What is said.
    #[serde(borrow)]
    pub(super) body: &'a RawValue,
}

/// What a peer says.
#[derive(Debug, PartialEq)]
pub(super) enum PeerBody<M> {
    /// Something for the protocol.
    Message(M),
    /// Something for the driver.
    Probe(Probe),
}

/// Reads the body of a peer's envelope.
pub(super) fn read_peer_body<M: DeserializeOwned>(body: &RawValue) -> serde_json::Result<PeerBody<M>> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        name: Cow<'a, str>,
    }
    // Only what holds the word can be a probe: the others are read once.
    let is_probe = body.get().contains("\"probe\"") && serde_json::from_str::<Kind<'_>>(body.get())?.name == "probe";
    if is_probe {
        serde_json::from_str(body.get()).map(PeerBody::Probe)
    } else {
        serde_json::from_str(body.get()).map(PeerBody::Message)
    }
}

/// A client's request that cannot be given to the protocol, and what the client is told.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable {
    /// The `msg_id`, if there was one.
    pub(super) in_reply_to: Option<u64>,
    /// The answer.
    pub(super) refusal: Refusal,
}

impl Unreadable {
    /// Not even its number could be read.
    pub(super) fn nameless(why: impl Display) -> Self {
        Unreadable { in_reply_to: None, refusal: Refusal::new(ErrorCode::MALFORMED, why.to_string()) }
    }
}

#[derive(Deserialize)]
struct ClientBody<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    msg_id: Option<u64>,
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "given")]
    value: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    from: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    to: Option<Value>,
}

/// A value that is there, be it null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads the body of a client's envelope: its `msg_id` and what is asked. `served` are the request types that the
/// protocol takes.
pub(super) fn read_request(body: &RawValue, served: &[&str]) -> Result<(u64, RequestKind), Unreadable> {
    let body: ClientBody<'_> = serde_json::from_str(body.get()).map_err(|error| {
        let in_reply_to = serde_json::from_str::<Value>(body.get()).ok().and_then(|body| body.get("msg_id")?.as_u64());
        Unreadable { in_reply_to, ..Unreadable::nameless(format!("the body cannot be read: {error}")) }
    })?;
    let serial = body.msg_id.ok_or_else(|| Unreadable::nameless("the body has no msg_id, which is a whole number"))?;
    let refuse = |code, text: String| Unreadable { in_reply_to: Some(serial), refusal: Refusal::new(code, text) };
    if !served.contains(&body.kind.as_ref()) {
        let text = format!("{:?} is not served; served are: {}", body.kind, served.join(", "));
        return Err(refuse(ErrorCode::NOT_SUPPORTED, text));
    }
    read_kind(body).map(|kind| (serial, kind)).map_err(|(code, text)| refuse(code, text))
}

fn read_kind(body: ClientBody<'_>) -> Result<RequestKind, (ErrorCode, String)> {
    let lacks = |kind: &str, field| (ErrorCode::MALFORMED, format!("{kind} needs a {field}"));
    let kind = body.kind;
    let key = read_key(body.key).ok_or_else(|| lacks(&kind, "key"))?;
    match kind.as_ref() {
        "read" => Ok(RequestKind::Read { key }),
        "write" => Ok(RequestKind::Write { key, value: body.value.ok_or_else(|| lacks(&kind, "value"))? }),
        "peek" => Ok(RequestKind::Peek { key }),
        "delete" => Ok(RequestKind::Delete { key }),
        "add" => Ok(RequestKind::Add { key, value: body.value.ok_or_else(|| lacks(&kind, "value"))? }),
        "remove" => Ok(RequestKind::Remove { key, value: body.value.ok_or_else(|| lacks(&kind, "value"))? }),
        "cas" => Ok(RequestKind::Cas {
            key,
            from: body.from.ok_or_else(|| lacks(&kind, "from"))?,
            to: body.to.ok_or_else(|| lacks(&kind, "to"))?,
        }),
        _ => Err((ErrorCode::NOT_SUPPORTED, format!("{kind:?} is no request"))),
    }
}

/// A key's text; that of its JSON if it is not a string, since Maelstrom's keys are numbers.
fn read_key(key: Option<&RawValue>) -> Option<String> {
    let key = key?.get();
    Some(serde_json::from_str(key).unwrap_or_else(|_| key.to_owned()))
}

/// An envelope to be written.
#[derive(Debug, Serialize)]
pub(super) struct Outgoing<'a, Body> {
    pub(super) src: &'a str,
    pub(super) dest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<&'a str>,
    pub(super) body: Body,
}

/// The body of the answer to a request.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    /// The request's `msg_id`, if it could be read.
    pub(super) in_reply_to: Option<u64>,
    /// The request's type, such as `read`.
    pub(super) kind: &'a str,
    /// How it ended.
    pub(super) outcome: &'a Outcome,
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.outcome {
            Outcome::Ok(answer) => self.serialize_answer(answer, serializer),
            Outcome::Fail(Refusal { code, text }) => self.serialize_error(code.made_definite(), text, None, serializer),
            Outcome::Redirect { to, refusal: Refusal { code, text } } => {
                self.serialize_error(code.made_definite(), text, Some(*to), serializer)
            }
            Outcome::Unknown(Refusal { code, text }) => {
                self.serialize_error(code.made_indefinite(), text, None, serializer)
            }
        }
    }
}

impl Reply<'_> {
    fn serialize_answer<S: Serializer>(&self, answer: &Answer, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("type", &format_args!("{}_ok", self.kind))?;
        body.serialize_entry("in_reply_to", &self.in_reply_to)?;
        if let Some(value) = &answer.value {
            body.serialize_entry("value", value)?;
        }
        for (name, evidence) in &answer.extra {
            body.serialize_entry(name, evidence)?;
        }
        body.end()
    }

    fn serialize_error<S: Serializer>(
        &self,
        code: ErrorCode,
        text: &str,
        redirect: Option<NodeId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("type", "error")?;
        if let Some(in_reply_to) = self.in_reply_to {
            body.serialize_entry("in_reply_to", &in_reply_to)?;
        }
        body.serialize_entry("code", &code)?;
        body.serialize_entry("text", text)?;
        if let Some(node) = redirect {
            body.serialize_entry("redirect", &node)?;
        }
        body.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVED: [&str; 3] = ["read", "write", "cas"];

    fn request(body: &str, served: &[&str]) -> Result<(u64, RequestKind), Unreadable> {
        read_request(serde_json::from_str(body).unwrap(), served)
    }

    #[test]
    fn requests_are_read_as_maelstrom_writes_them() {
        let read = |key: &str| RequestKind::Read { key: key.to_owned() };
        for (body, expected) in [
            (r#"{"type":"read","msg_id":17,"key":"x"}"#, read("x")),
            (r#"{"key":"\u00e9\n","msg_id":17,"type":"read"}"#, read("é\n")),
            (r#"{"type":"read","msg_id":17,"key":5,"more":[1]}"#, read("5")),
            (r#"{"type":"read","msg_id":17,"key":["a", 1]}"#, read(r#"["a", 1]"#)),
            (
                r#"{"type":"write","msg_id":17,"key":"x","value":null}"#,
                RequestKind::Write { key: "x".to_owned(), value: Value::Null },
            ),
            (
                r#"{"type":"cas","msg_id":17,"key":"x","from":1,"to":{"a":2}}"#,
                RequestKind::Cas { key: "x".to_owned(), from: json!(1), to: json!({"a": 2}) },
            ),
        ] {
            assert_eq!(request(body, &SERVED), Ok((17, expected)), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_served_gets_a_definite_error_under_its_own_number() {
        for (body, code, in_reply_to) in [
            (r#"{"type":"read","msg_id":17}"#, 12, Some(17)),
            (r#"{"type":"read","msg_id":17,"key":null}"#, 12, Some(17)),
            (r#"{"type":"write","msg_id":17,"key":"x"}"#, 12, Some(17)),
            (r#"{"type":"cas","msg_id":17,"key":"x","from":1}"#, 12, Some(17)),
            (r#"{"type":7,"msg_id":17}"#, 12, Some(17)),
            (r#"{"msg_id":17,"key":"x"}"#, 12, Some(17)),
            (r#"{"type":"read","key":"x"}"#, 12, None),
            (r#"{"type":"read","msg_id":"17","key":"x"}"#, 12, None),
            ("[1,2]", 12, None),
            (r#"{"type":"txn","msg_id":17,"txn":[]}"#, 10, Some(17)),
        ] {
            let refused = request(body, &SERVED).unwrap_err();
            assert_eq!((refused.refusal.code.0, refused.in_reply_to), (code, in_reply_to), "{body}: {refused:?}");
        }
        let refused =
            request(r#"{"type":"cas","msg_id":1,"key":"x","from":1,"to":2}"#, &["read", "write"]).unwrap_err();
        assert_eq!(refused.refusal.text, r#""cas" is not served; served are: read, write"#);
    }

    #[test]
    fn replies_are_written_as_maelstrom_reads_them() {
        let quorum = json!({"acks": ["n1"]});
        for (kind, outcome, expected) in [
            (
                "read",
                Outcome::Ok(Answer::read(json!(5)).with("quorum", quorum)),
                r#"{"type":"read_ok","in_reply_to":17,"value":5,"quorum":{"acks":["n1"]}}"#,
            ),
            ("read", Outcome::Ok(Answer::read(Value::Null)), r#"{"type":"read_ok","in_reply_to":17,"value":null}"#),
            ("write", Outcome::Ok(Answer::done()), r#"{"type":"write_ok","in_reply_to":17}"#),
            (
                "cas",
                Outcome::Fail(Refusal::new(ErrorCode::PRECONDITION_FAILED, "is 4")),
                r#"{"type":"error","in_reply_to":17,"code":22,"text":"is 4"}"#,
            ),
            (
                "read",
                Outcome::Redirect {
                    to: NodeId(2),
                    refusal: Refusal::new(ErrorCode::TEMPORARILY_UNAVAILABLE, "ask n2"),
                },
                r#"{"type":"error","in_reply_to":17,"code":11,"text":"ask n2","redirect":"n2"}"#,
            ),
        ] {
            let reply = Reply { in_reply_to: Some(17), kind, outcome: &outcome };
            assert_eq!(serde_json::to_string(&reply).unwrap(), expected);
        }
    }

    #[test]
    fn the_code_never_contradicts_the_outcome() {
        let refusal = |code| Refusal::new(code, "");
        for (outcome, code) in [
            (Outcome::Fail(refusal(ErrorCode::TEMPORARILY_UNAVAILABLE)), 11),
            (Outcome::Fail(refusal(ErrorCode::TIMEOUT)), 14),
            (Outcome::Fail(refusal(ErrorCode(1000))), 14),
            (Outcome::Unknown(refusal(ErrorCode::TIMEOUT)), 0),
            (Outcome::Unknown(refusal(ErrorCode::ABORT)), 13),
        ] {
            let reply = serde_json::to_value(Reply { in_reply_to: None, kind: "write", outcome: &outcome }).unwrap();
            assert_eq!(reply, json!({"type": "error", "code": code, "text": ""}));
        }
    }

    #[test]
    fn a_message_that_speaks_of_probes_is_no_probe() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(tag = "type")]
        enum Message {
            Say { text: String },
        }
        let read = |body| read_peer_body::<Message>(serde_json::from_str(body).unwrap());
        let said = Message::Say { text: "probe".to_owned() };
        assert_eq!(read(r#"{"type":"Say","text":"probe"}"#).unwrap(), PeerBody::Message(said));
        let probe = PeerBody::Probe(Probe { number: 3, from: crate::NodeId(2) });
        assert_eq!(read(r#"{"type":"probe","number":3,"from":"n2"}"#).unwrap(), probe);
        assert!(read(r#"{"type":"Shout"}"#).is_err());
    }
}
