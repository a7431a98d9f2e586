//! Reads of a message line only what the network needs: the type of its body and the request that caused it.

use std::borrow::Cow;

use serde::Deserialize;

/// The type of a message that is no envelope. It is passed on like any other: what it is worth is its receiver's affair.
const UNREADABLE: &str = "?";

/// What is read of a message.
#[derive(Debug, PartialEq)]
pub(super) struct Peek<'a> {
    /// `body.type`.
    pub(super) kind: Cow<'a, str>,
    /// `cause`.
    pub(super) cause: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct EnvelopeHead<'a> {
    #[serde(borrow, default)]
    cause: Option<Text<'a>>,
    #[serde(borrow)]
    body: BodyHead<'a>,
}

#[derive(Deserialize)]
struct BodyHead<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Borrows where it stands in an option, which a bare `Cow` does not.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a line without its end.
pub(super) fn peek(line: &[u8]) -> Peek<'_> {
    match serde_json::from_slice::<EnvelopeHead<'_>>(line) {
        Ok(head) => Peek { kind: head.body.kind, cause: head.cause.map(|text| text.0) },
        Err(_) => Peek { kind: Cow::Borrowed(UNREADABLE), cause: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_and_cause_are_borrowed_from_the_line() {
        let line = br#"{"src":"n1","dest":"n2","cause":"c1.4#17","body":{"entries":[{"type":"x"}],"type":"Append"}}"#;
        let Peek { kind, cause } = peek(line);
        assert!(matches!(kind, Cow::Borrowed("Append")));
        assert!(matches!(cause, Some(Cow::Borrowed("c1.4#17"))));
    }

    #[test]
    fn anything_else_is_of_unknown_type() {
        for line in ["", "{", "null", r#"{"body":{}}"#, r#"{"body":{"type":7}}"#, "\u{1}"] {
            assert_eq!(peek(line.as_bytes()), Peek { kind: "?".into(), cause: None }, "{line}");
        }
        assert_eq!(peek(&[0xff, 0xfe]).kind, "?");
    }
}
