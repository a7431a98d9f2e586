//! Reads an answer in Maelstrom's envelope: what it says, which request it answers, and what it adds.

use std::borrow::Cow;
use std::fmt;

use schism_nodes::ErrorCode;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// An answer's body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// The number of the request, if it answers one.
    pub(super) in_reply_to: Option<u64>,
    /// What it says.
    pub(super) said: Said,
    /// All that is neither of these: evidence for the history.
    pub(super) extra: Map<String, Value>,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// It was done.
    Done {
        /// The `type` of the answer.
        kind: String,
        /// Its `value`, if it has one; null is a value.
        value: Option<Value>,
    },
    /// It was refused, or nobody knows.
    Error {
        /// Its `code`.
        code: ErrorCode,
        /// Its `text`, empty if it has none.
        text: String,
    },
}

#[derive(Deserialize)]
struct Line {
    body: Reply,
}

impl Reply {
    /// Reads a line.
    pub(super) fn read(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<Line>(line).map(|line| line.body)
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

/// A key as it stands in the line.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a body in one pass, whatever the order of its keys, without a map of what everybody knows.
struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Reply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reply, A::Error> {
        let (mut kind, mut in_reply_to, mut value, mut code, mut text) = (None::<String>, None, None, None, None);
        let mut extra = Map::new();
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "type" => kind = Some(map.next_value()?),
                "in_reply_to" => in_reply_to = map.next_value()?,
                "msg_id" => drop(map.next_value::<IgnoredAny>()?),
                "value" => value = Some(map.next_value::<Value>()?),
                "code" => code = Some(map.next_value::<Value>()?),
                "text" => text = Some(map.next_value::<Value>()?),
                _ => drop(extra.insert(key.into_owned(), map.next_value()?)),
            }
        }
        let kind = kind.ok_or_else(|| A::Error::missing_field("type"))?;
        let said = if kind == "error" {
            let code = code.ok_or_else(|| A::Error::missing_field("code"))?;
            let code = serde_json::from_value(code).map_err(A::Error::custom)?;
            let text =
                text.map_or_else(String::new, |text| text.as_str().map_or_else(|| text.to_string(), str::to_owned));
            Said::Error { code, text }
        } else {
            extra.extend(
                [("code", code), ("text", text)].into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))),
            );
            Said::Done { kind, value }
        };
        Ok(Reply { in_reply_to, said, extra })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_read_whatever_the_order_of_its_keys() {
        let line = br#"{"src":"n1","dest":"c1.1","body":{"value":null,"quorum":{"acks":["n2"]},"msg_id":9,"in_reply_to":7,"type":"read_ok","text":"t"}}"#;
        let reply = Reply::read(line).unwrap();
        assert_eq!(reply.in_reply_to, Some(7));
        assert_eq!(reply.said, Said::Done { kind: "read_ok".to_owned(), value: Some(Value::Null) });
        assert_eq!(Value::Object(reply.extra), json!({"quorum": {"acks": ["n2"]}, "text": "t"}));
    }

    #[test]
    fn an_error_has_a_code() {
        let reply = Reply::read(br#"{"body":{"type":"error","in_reply_to":7,"code":22,"text":"no"}}"#).unwrap();
        assert_eq!(reply.said, Said::Error { code: ErrorCode::PRECONDITION_FAILED, text: "no".to_owned() });
        let reply = Reply::read(br#"{"body":{"type":"error","code":99}}"#).unwrap();
        assert_eq!(reply.in_reply_to, None);
        assert_eq!(reply.said, Said::Error { code: ErrorCode(99), text: String::new() });
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for line in ["", "[]", "{}", r#"{"body":7}"#, r#"{"body":{}}"#, r#"{"body":{"type":"error"}}"#] {
            assert!(Reply::read(line.as_bytes()).is_err(), "{line}");
        }
        for body in [r#"{"type":"error","code":"x"}"#, r#"{"type":"read_ok","in_reply_to":-1}"#, r#"{"type":1}"#] {
            assert!(Reply::read(format!(r#"{{"body":{body}}}"#).as_bytes()).is_err(), "{body}");
        }
    }
}
