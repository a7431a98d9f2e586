//! Records what an ordinary test does to an object, and has it judged: no files, no harness, no clock.
//!
//! Each client says before a call what it is going to do, and afterwards what came of it. The order of these calls is the
//! history's real time, so [`invoke`](Recorder::invoke) has to stand before the request leaves and [`ok`](Op::ok) after
//! the answer has come.
//!
//! ```
//! use std::sync::Mutex;
//!
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//!
//! let shared = Mutex::new(None);
//! let recorder = Recorder::new();
//! std::thread::scope(|scope| {
//!     for client in 0..3 {
//!         let (recorder, shared) = (&recorder, &shared);
//!         scope.spawn(move || {
//!             for round in 0..10 {
//!                 let op = recorder.invoke(client, Write("x", 100 * client + round));
//!                 *shared.lock().unwrap() = Some(100 * client + round);
//!                 op.ok(());
//!                 let op = recorder.invoke(client, Read("x"));
//!                 op.ok(*shared.lock().unwrap());
//!             }
//!         });
//!     }
//! });
//! recorder.history().check(&Register::new()).assert_valid();
//! ```
//!
//! A read that is wrong makes the test fail, with the reason:
//!
//! ```should_panic
//! # use schism_checker::{models::Register, recorder::{Read, Recorder, Write}};
//! let recorder = Recorder::new();
//! recorder.invoke(1, Write("x", 5)).ok(());
//! recorder.invoke(2, Read("x")).ok(4);
//! recorder.history().check(&Register::new()).assert_valid(); // process 2 read 4, which nobody wrote
//! ```

mod invocation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::history::{Event, EventKind, History, Process};
use invocation::json;
pub use invocation::{Cas, Invocation, Read, Write};

/// How far apart the process numbers of a client are: client 3 goes on as process 1003 after its first unknown end.
const NUMBERS_APART: u64 = 1_000;

/// Takes down what clients do. Clones write into the same history; every method may be called from any thread.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<Event>,
    /// The process that each client is now; none while its operation is open.
    now: BTreeMap<u64, u64>,
    /// All process numbers that were used.
    used: BTreeSet<u64>,
    /// For each client which of its lives comes next.
    lives: BTreeMap<u64, u64>,
}

impl Recorder {
    /// An empty history.
    pub fn new() -> Recorder {
        Recorder::default()
    }

    /// A client is going to do this: called before the request leaves.
    ///
    /// A client that does something else while its operation is open, or after it ended unknown, is another process from
    /// then on, as Jepsen has it: client 3 becomes 1003, then 2003.
    pub fn invoke(&self, client: u64, what: impl Into<Invocation>) -> Op {
        let Invocation { f, key, value } = what.into();
        let mut log = self.log();
        let process = log.process(client);
        let op = Op { recorder: self.clone(), client, process, invocation: Invocation { f, key, value }, open: true };
        log.push(&op, EventKind::Invoke, op.invocation.value.clone(), None);
        drop(log);
        op
    }

    /// What was recorded up to now. What is open may still take effect at any later time, or never.
    pub fn history(&self) -> History {
        History { header: None, events: self.log().events.clone(), cut: None }
    }

    /// A thread that panics while it records leaves nothing half done.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// The process that a client is now. It is nobody until its operation ended.
    fn process(&mut self, client: u64) -> u64 {
        if let Some(process) = self.now.remove(&client) {
            return process;
        }
        let life = self.lives.entry(client).or_default();
        loop {
            let process = client.wrapping_add(life.wrapping_mul(NUMBERS_APART));
            *life += 1;
            if self.used.insert(process) {
                return process;
            }
        }
    }

    fn push(&mut self, op: &Op, kind: EventKind, value: Value, error: Option<Value>) {
        let extra: Map<String, Value> = error.into_iter().map(|error| ("error".to_owned(), error)).collect();
        self.events.push(Event {
            index: self.events.len() as u64,
            time: None,
            process: Process::Client(op.process),
            kind,
            f: op.invocation.f.clone(),
            key: op.invocation.key.clone(),
            value,
            node: None,
            extra,
        });
    }
}

/// An operation that was invoked. Dropped, it ends as [`info`](Op::info): so does one whose thread panics or whose future is
/// cancelled.
#[derive(Debug)]
#[must_use = "an operation that is dropped ends unknown: say ok, fail or info"]
pub struct Op {
    recorder: Recorder,
    client: u64,
    process: u64,
    invocation: Invocation,
    open: bool,
}

impl Op {
    /// It happened, and this was the answer: `()` for what answers nothing. What found nothing answers null, which is what `None`
    /// is. A compare-and-set that was refused did not happen: it ends with [`fail`](Op::fail).
    pub fn ok<A: Serialize>(self, answer: A) {
        let answer = json(answer);
        // What answers nothing, which `()` tells from `None` by having no content, keeps the value that it was given.
        let nothing = answer.is_null() && size_of::<A>() == 0;
        let value = if nothing { self.invocation.value.clone() } else { answer };
        self.end(EventKind::Ok, value, None);
    }

    /// It certainly did not happen, and never will. A timeout is not that.
    pub fn fail(self) {
        let value = self.invocation.value.clone();
        self.end(EventKind::Fail, value, None);
    }

    /// Like [`fail`](Op::fail), with the reason; that of a compare-and-set that was refused may count, see
    /// [`asserting`](crate::models::asserting).
    pub fn fail_because(self, error: impl Serialize) {
        let value = self.invocation.value.clone();
        self.end(EventKind::Fail, value, Some(json(error)));
    }

    /// Nobody knows: it may have happened, may happen at any later time, or never.
    pub fn info(self) {
        let value = self.invocation.value.clone();
        self.end(EventKind::Info, value, None);
    }

    fn end(mut self, kind: EventKind, value: Value, error: Option<Value>) {
        self.open = false;
        let mut log = self.recorder.log();
        log.push(&self, kind, value, error);
        // After an unknown end the client goes on as somebody else.
        if kind != EventKind::Info {
            log.now.entry(self.client).or_insert(self.process);
        }
    }
}

impl Drop for Op {
    fn drop(&mut self) {
        if self.open {
            let value = self.invocation.value.clone();
            self.recorder.log().push(self, EventKind::Info, value, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::models::Register;
    use crate::verdict::Outcome;

    fn recorded(recorder: &Recorder) -> Vec<(u64, EventKind, Value)> {
        let told = |event: &Event| {
            let Process::Client(process) = event.process else { panic!("only clients are recorded") };
            (process, event.kind, event.value.clone())
        };
        recorder.history().events.iter().map(told).collect()
    }

    #[test]
    fn what_is_dropped_ended_unknown_and_its_client_is_another_process() {
        let recorder = Recorder::new();
        drop(recorder.invoke(3, Write((), 1)));
        recorder.invoke(3, Write((), 2)).info();
        recorder.invoke(3, Read(())).ok(1);
        recorder.invoke(3, Read(())).fail();
        let kinds = recorded(&recorder);
        let (invoke, ok, fail, info) = (EventKind::Invoke, EventKind::Ok, EventKind::Fail, EventKind::Info);
        let expected = [
            (3, invoke, json!(1)),
            (3, info, json!(1)),
            (1003, invoke, json!(2)),
            (1003, info, json!(2)),
            (2003, invoke, json!(null)),
            (2003, ok, json!(1)),
            (2003, invoke, json!(null)),
            (2003, fail, json!(null)),
        ];
        assert_eq!(kinds, expected);
        assert!(recorder.history().malformed().is_empty());
    }

    #[test]
    fn operations_of_one_client_may_overlap() {
        let recorder = Recorder::new();
        let first = recorder.invoke(0, Write("x", 1));
        let second = recorder.invoke(0, Cas("x", 1, 2));
        // Somebody has the number already that the next one would get.
        let taken = recorder.invoke(2000, Read("x"));
        let third = recorder.invoke(0, Read("x"));
        third.ok(2);
        second.ok(());
        first.ok(());
        taken.ok(Some(2));
        recorder.invoke(0, Read("x")).ok(2);
        let operations = recorder.history().operations().unwrap();
        assert_eq!(operations.iter().map(|it| it.process).collect::<Vec<_>>(), [0, 1000, 2000, 3000, 3000]);
        recorder.history().check(&Register::with_cas()).assert_valid();
    }

    #[test]
    fn an_answer_of_null_is_one_and_no_answer_is_none() {
        let recorder = Recorder::new();
        recorder.invoke(1, Invocation::new("read").value(5)).ok(None::<u8>);
        recorder.invoke(1, Invocation::new("append").value(5)).ok(());
        recorder.invoke(1, Invocation::new("poll").value(5)).ok([0; 0]);
        let answers: Vec<Value> = recorder.history().events.iter().map(|event| event.value.clone()).collect();
        assert_eq!(answers, [json!(5), json!(null), json!(5), json!(5), json!(5), json!([])]);
    }

    #[test]
    fn a_compare_and_set_that_answers_false_has_failed() {
        let recorder = Recorder::new();
        recorder.invoke(1, Cas("x", 1, 2)).ok(false);
        let said = recorder.history().check(&Register::with_cas()).to_string();
        assert!(said.ends_with("a compare-and-set that was refused has to end fail"), "{said}");
    }

    #[test]
    fn a_thread_that_panics_ends_unknown() {
        let recorder = Recorder::new();
        let thread = std::thread::spawn({
            let recorder = recorder.clone();
            move || {
                let _op = recorder.invoke(0, Write("x", 1));
                panic!("this thread is to die");
            }
        });
        assert!(thread.join().is_err());
        assert_eq!(recorded(&recorder).last().unwrap().1, EventKind::Info);
    }

    #[test]
    fn answers_are_checked() {
        let recorder = Recorder::new();
        recorder.invoke(1, Write("x", 5)).ok(());
        recorder.invoke(2, Read("x")).ok(None::<u8>);
        let verdict = recorder.history().check(&Register::new());
        assert_eq!(verdict.outcome(), Some(Outcome::Invalid));
        let said = verdict.to_string();
        assert!(said.contains("process 2 read null") && said.contains("register is not linearizable"), "{said}");
        recorder.history().check(&Register::starting_at(5)).assert_invalid();
    }
}
