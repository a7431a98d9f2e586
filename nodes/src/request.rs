//! What clients ask and what they are told, in Maelstrom's terms: request types and error codes, definite or not.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::NodeId;

/// What a client asks. One vocabulary for all protocols, so that the driver, the clients and the workloads are not
/// generic; each protocol declares which kinds it serves.
///
/// On the wire it is the body of an envelope: `{"type":"write","msg_id":17,"key":"x","value":5}`. The `msg_id` is the
/// [`Request::serial`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RequestKind {
    /// The value of `key`; null if it was never written.
    Read {
        /// Which register.
        key: String,
    },
    /// The value of `key`, if that is no burden: an optional read, which a node with too much to do may refuse.
    Peek {
        /// Which register.
        key: String,
    },
    /// Sets `key` to `value`.
    Write {
        /// Which register.
        key: String,
        /// The new value.
        value: Value,
    },
    /// Forgets the value of `key`: it then reads as null.
    Delete {
        /// Which register.
        key: String,
    },
    /// Adds an element to the set `key`.
    Add {
        /// Which set.
        key: String,
        /// The element.
        value: Value,
    },
    /// Takes an element out of the set `key`.
    Remove {
        /// Which set.
        key: String,
        /// The element.
        value: Value,
    },
    /// Sets `key` to `to` if it is `from`. Refused with [`ErrorCode::PRECONDITION_FAILED`] if it is something else, with
    /// [`ErrorCode::KEY_DOES_NOT_EXIST`] if it was never written.
    Cas {
        /// Which register.
        key: String,
        /// The value that it must have.
        from: Value,
        /// The value that it then gets.
        to: Value,
    },
    /// Adds `value` at the end of the list `key`.
    Append {
        /// Which list.
        key: String,
        /// What is added.
        value: Value,
    },
    /// All of the list `key`; null if nothing was ever added.
    List {
        /// Which list.
        key: String,
    },
    /// Puts `value` into the queue `key`.
    Enqueue {
        /// Which queue.
        key: String,
        /// What is put in.
        value: Value,
    },
    /// Takes the first element out of the queue `key`, and answers it; null where there is none.
    Dequeue {
        /// Which queue.
        key: String,
    },
}

impl RequestKind {
    /// The name on the wire, by which protocols declare what they serve.
    pub fn name(&self) -> &'static str {
        match self {
            RequestKind::Read { .. } => "read",
            RequestKind::Peek { .. } => "peek",
            RequestKind::Write { .. } => "write",
            RequestKind::Delete { .. } => "delete",
            RequestKind::Add { .. } => "add",
            RequestKind::Remove { .. } => "remove",
            RequestKind::Cas { .. } => "cas",
            RequestKind::Append { .. } => "append",
            RequestKind::List { .. } => "list",
            RequestKind::Enqueue { .. } => "enqueue",
            RequestKind::Dequeue { .. } => "dequeue",
        }
    }

    /// Whether it is answered with a value and changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self, RequestKind::Read { .. } | RequestKind::Peek { .. } | RequestKind::List { .. })
    }

    /// Whether it is answered with a value.
    pub fn asks_for_a_value(&self) -> bool {
        self.is_read() || matches!(self, RequestKind::Dequeue { .. })
    }

    /// The key that it touches.
    pub fn key(&self) -> &str {
        match self {
            RequestKind::Read { key }
            | RequestKind::Peek { key }
            | RequestKind::Write { key, .. }
            | RequestKind::Delete { key }
            | RequestKind::Add { key, .. }
            | RequestKind::Remove { key, .. }
            | RequestKind::Cas { key, .. }
            | RequestKind::Append { key, .. }
            | RequestKind::List { key }
            | RequestKind::Enqueue { key, .. }
            | RequestKind::Dequeue { key } => key,
        }
    }
}

/// A request as a protocol gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The client's own number for it (`msg_id`). A client that sends the same serial twice means the same request, and
    /// a protocol that deduplicates answers it once.
    pub serial: u64,
    /// What is asked.
    pub kind: RequestKind,
}

/// How a request ended, as far as the node knows. A protocol has to say what it does not know: a truncated Raft entry is
/// [`Outcome::Unknown`], since it may still commit elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect (or was read), with this answer.
    Ok(Answer),
    /// It certainly had no effect and never will.
    Fail(Refusal),
    /// The same, and another node would serve it, as far as this one knows.
    Redirect {
        /// Whom to ask.
        to: NodeId,
        /// Why it was refused here.
        refusal: Refusal,
    },
    /// It may or may not have taken effect, or may still.
    Unknown(Refusal),
}

/// The body of a successful reply, but for its type and `in_reply_to`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The value read, for a read.
    pub value: Option<Value>,
    /// Evidence for the history, such as `{"quorum":{"acks":["n2","n3"],"version":[4,"n2",1,17]}}`.
    pub extra: Map<String, Value>,
}

impl Answer {
    /// The answer to a write or a compare-and-set: done.
    pub fn done() -> Self {
        Answer::default()
    }

    /// The answer to a read.
    pub fn read(value: Value) -> Self {
        Answer { value: Some(value), extra: Map::new() }
    }

    /// With one more piece of evidence.
    #[must_use]
    pub fn with(mut self, name: &str, evidence: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), evidence.into());
        self
    }
}

/// Why a request was refused or its outcome is unknown: a code of Maelstrom's registry and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Maelstrom's error code.
    pub code: ErrorCode,
    /// What happened, for people.
    pub text: String,
}

impl Refusal {
    /// A refusal with its reason.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Refusal { code, text: text.into() }
    }
}

/// An error code of Maelstrom's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// The request ran into a time limit. Indefinite.
    pub const TIMEOUT: ErrorCode = ErrorCode(0);
    /// The request kind is not served. Definite.
    pub const NOT_SUPPORTED: ErrorCode = ErrorCode(10);
    /// The node cannot serve it now and has not begun to. Definite.
    pub const TEMPORARILY_UNAVAILABLE: ErrorCode = ErrorCode(11);
    /// The request could not be read. Definite.
    pub const MALFORMED: ErrorCode = ErrorCode(12);
    /// Something broke in the middle. Indefinite.
    pub const CRASH: ErrorCode = ErrorCode(13);
    /// It was given up and had no effect. Definite.
    pub const ABORT: ErrorCode = ErrorCode(14);
    /// The key was never written. Definite; as the answer to a read it is a read of null.
    pub const KEY_DOES_NOT_EXIST: ErrorCode = ErrorCode(20);
    /// The compare-and-set found another value. Definite.
    pub const PRECONDITION_FAILED: ErrorCode = ErrorCode(22);

    /// This code where it is definite, else one that is: who says "certainly not" is taken at its word.
    #[must_use]
    pub fn made_definite(self) -> Self {
        if self.is_definite() { self } else { ErrorCode::ABORT }
    }

    /// This code where it is indefinite, else one that is: who says "I do not know" is taken at its word.
    #[must_use]
    pub fn made_indefinite(self) -> Self {
        if self.is_definite() { ErrorCode::CRASH } else { self }
    }

    /// Whether the registry calls it definite: the request certainly had no effect. Codes that it does not know are
    /// indefinite.
    pub fn is_definite(self) -> bool {
        matches!(self.0, 1 | 10 | 11 | 12 | 14 | 20 | 21 | 22 | 30)
    }
}
