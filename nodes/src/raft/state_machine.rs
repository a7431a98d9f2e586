//! The replicated state machine: a map of registers, and the table of sessions that makes a repeated request one (§8).

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Index;
use super::log::{ClientRequest, Command};
use crate::id::ClientId;
use crate::protocol::Dump;
use crate::request::{Answer, ErrorCode, Outcome, Refusal, RequestKind};

/// How many clients are remembered; the one that was silent for longest is forgotten first. The order of the log
/// decides, so all nodes forget the same.
const SESSIONS_MAX: usize = 65_536;
/// How many answers are remembered for each client, so that one may have a few requests open at once.
const ANSWERS_MAX: usize = 16;

/// How a request ended, as it is stored in sessions and sent between nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Reply {
    /// The write or compare-and-set took effect.
    Done,
    /// What was read.
    Value {
        /// Null if it was never written.
        value: Value,
    },
    /// It had no effect and never will.
    Fail(Refusal),
    /// It may have taken effect, or may still.
    Unknown(Refusal),
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Outcome {
        match reply {
            Reply::Done => Outcome::Ok(Answer::done()),
            Reply::Value { value } => Outcome::Ok(Answer::read(value)),
            Reply::Fail(refusal) => Outcome::Fail(refusal),
            Reply::Unknown(refusal) => Outcome::Unknown(refusal),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Done => f.write_str("ok"),
            Reply::Value { value } => write!(f, "ok {value}"),
            Reply::Fail(refusal) => write!(f, "fail {} {}", refusal.code.0, refusal.text),
            Reply::Unknown(refusal) => write!(f, "unknown {} {}", refusal.code.0, refusal.text),
        }
    }
}

/// What the log's committed entries have made so far.
#[derive(Debug, Default, PartialEq)]
pub(super) struct StateMachine {
    registers: BTreeMap<String, Value>,
    sessions: BTreeMap<ClientId, Session>,
    applied: Index,
}

/// What is remembered of one client.
#[derive(Debug, Default, PartialEq)]
struct Session {
    /// By serial, ascending.
    answers: VecDeque<(u64, Reply)>,
    /// The highest serial whose answer was forgotten: up to it nothing is applied any more.
    forgotten: Option<u64>,
    /// Where its last request was applied.
    last_heard: Index,
}

impl StateMachine {
    /// The last entry that was applied.
    pub(super) fn applied(&self) -> Index {
        self.applied
    }

    /// The value of a register.
    pub(super) fn read(&self, key: &str) -> Reply {
        Reply::Value { value: self.registers.get(key).cloned().unwrap_or(Value::Null) }
    }

    /// All registers.
    pub(super) fn dump(&self) -> Dump {
        self.registers.clone()
    }

    /// Applies the next entry of the log.
    pub(super) fn apply(&mut self, index: Index, command: &Command) -> Reply {
        assert_eq!(index, self.applied + 1, "entries are applied one by one, in the log's order");
        self.applied = index;
        match command {
            Command::NoOp => Reply::Done,
            Command::Client(request) => match &request.request {
                RequestKind::Read { key } => self.read(key),
                _ => self.apply_once(index, request),
            },
        }
    }

    /// Applies a request unless it was applied before: "if it receives a command whose serial number has already been
    /// executed, it responds immediately without re-executing the request" (§8).
    fn apply_once(&mut self, index: Index, request: &ClientRequest) -> Reply {
        let session = match self.sessions.get_mut(&request.client) {
            Some(session) => session,
            None => self.sessions.entry(request.client.clone()).or_default(),
        };
        if let Some(answer) = session.known(request.serial) {
            return answer;
        }
        let answer = execute(&mut self.registers, &request.request);
        session.remember(request.serial, answer.clone());
        session.last_heard = index;
        if self.sessions.len() > SESSIONS_MAX {
            self.forget_the_silent();
        }
        answer
    }

    fn forget_the_silent(&mut self) {
        let silent =
            self.sessions.iter().min_by_key(|(_, session)| session.last_heard).map(|(client, _)| client.clone());
        silent.and_then(|silent| self.sessions.remove(&silent));
    }
}

impl Session {
    /// What is to be answered to a request that was applied before, or may have been.
    fn known(&self, serial: u64) -> Option<Reply> {
        if self.forgotten >= Some(serial) {
            let why = "the request is older than this session remembers; it may have been applied before";
            return Some(Reply::Unknown(Refusal::new(ErrorCode::CRASH, why)));
        }
        let place = self.answers.binary_search_by_key(&serial, |(serial, _)| *serial).ok()?;
        Some(self.answers[place].1.clone())
    }

    /// Keeps the answer to a request that was not applied before.
    fn remember(&mut self, serial: u64, answer: Reply) {
        let place = self.answers.partition_point(|(earlier, _)| *earlier < serial);
        self.answers.insert(place, (serial, answer));
        if self.answers.len() > ANSWERS_MAX {
            let oldest = self.answers.pop_front().map(|(serial, _)| serial);
            self.forgotten = self.forgotten.max(oldest);
        }
    }
}

fn execute(registers: &mut BTreeMap<String, Value>, request: &RequestKind) -> Reply {
    match request {
        RequestKind::Write { key, value } => {
            match registers.get_mut(key) {
                Some(register) => register.clone_from(value),
                None => drop(registers.insert(key.clone(), value.clone())),
            }
            Reply::Done
        }
        RequestKind::Cas { key, from, to } => match registers.get_mut(key) {
            None => Reply::Fail(Refusal::new(ErrorCode::KEY_DOES_NOT_EXIST, format!("{key} was never written"))),
            Some(value) if value != from => {
                Reply::Fail(Refusal::new(ErrorCode::PRECONDITION_FAILED, format!("{key} is {value}, not {from}")))
            }
            Some(value) => {
                value.clone_from(to);
                Reply::Done
            }
        },
        _ => {
            let why = format!("{} is not served", request.name());
            Reply::Fail(Refusal::new(ErrorCode::NOT_SUPPORTED, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use serde_json::json;

    fn request(client: &str, serial: u64, request: RequestKind) -> Command {
        Command::Client(Arc::new(ClientRequest { client: ClientId(client.to_owned()), serial, request }))
    }

    fn write(client: &str, serial: u64, value: u64) -> Command {
        request(client, serial, RequestKind::Write { key: "x".to_owned(), value: json!(value) })
    }

    #[test]
    fn a_repeated_request_is_applied_once_and_answered_alike() {
        let mut machine = StateMachine::default();
        let cas = request("c2", 1, RequestKind::Cas { key: "x".to_owned(), from: json!(1), to: json!(2) });
        assert_eq!(machine.apply(1, &write("c1", 1, 1)), Reply::Done);
        assert_eq!(machine.apply(2, &cas), Reply::Done);
        assert_eq!(machine.apply(3, &write("c1", 1, 1)), Reply::Done);
        assert_eq!(machine.apply(4, &cas), Reply::Done, "a second execution would be refused");
        assert_eq!(machine.read("x"), Reply::Value { value: json!(2) });
    }

    #[test]
    fn a_compare_and_set_is_refused_definitely() {
        let mut machine = StateMachine::default();
        let cas =
            |serial| request("c1", serial, RequestKind::Cas { key: "x".to_owned(), from: json!(1), to: json!(2) });
        assert!(matches!(machine.apply(1, &cas(1)), Reply::Fail(why) if why.code == ErrorCode::KEY_DOES_NOT_EXIST));
        machine.apply(2, &write("c1", 2, 7));
        assert!(matches!(machine.apply(3, &cas(3)), Reply::Fail(why) if why.code == ErrorCode::PRECONDITION_FAILED));
    }

    #[test]
    fn what_a_session_has_forgotten_is_neither_applied_nor_called_failed() {
        let mut machine = StateMachine::default();
        let many = ANSWERS_MAX as u64 + 1;
        for serial in 1..=many {
            machine.apply(serial, &write("c1", serial, serial));
        }
        assert!(matches!(machine.apply(many + 1, &write("c1", 1, 1)), Reply::Unknown(_)));
        assert_eq!(machine.read("x"), Reply::Value { value: json!(many) });
    }
}
