//! Entries as they are carried out: typed, with everything checked that can be checked before the start.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schism_nodes::RequestKind;
use schism_nodes::note::NotePattern;

use crate::faults::{Fault, Faults};
use crate::plan::Plan;
use crate::plan::entry_reader::EntryReader;
use crate::plan::ground::Ground;
use crate::plan::problem::{Problem, Problems};
use crate::plan::target::Targets;

/// What an entry's `do` can say besides the kinds of faults.
pub const ACTIONS: [&str; 6] = ["request", "hold", "deliver", "drop", "fire", "end"];

/// An entry, ready to be carried out.
#[derive(Debug)]
pub struct Step {
    /// The entry's number.
    pub id: u64,
    /// The entry's `do`.
    pub kind: String,
    /// When it starts.
    pub start: Start,
    /// What is done.
    pub action: Action,
    /// How long it stays in force; to the end of the run, or an `end` entry, where absent.
    pub duration: Option<Duration>,
}

/// When an entry starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// That long after the end of the start-up.
    At(Duration),
    /// That long after another entry was over.
    After(u64, Duration),
    /// That long after a note matched; the node stands still there meanwhile.
    When(NotePattern, Duration),
}

/// What is done.
#[derive(Debug)]
pub enum Action {
    /// A fault, or messages held or dropped by type.
    Fault {
        /// What happens.
        fault: Box<dyn Fault>,
        /// To whom.
        targets: Targets,
        /// Whether it is an interval.
        lasts: bool,
    },
    /// A worker makes a request of its own.
    Request {
        /// Which worker.
        worker: String,
        /// Where it asks.
        node: Targets,
        /// What it asks.
        request: RequestKind,
    },
    /// Messages that a `hold` has kept are delivered, or dropped.
    Release {
        /// The entry that holds them.
        hold: u64,
        /// How many, the oldest first; all where absent.
        count: Option<u64>,
        /// Delivered or dropped.
        deliver: bool,
    },
    /// A timer expires.
    Fire {
        /// At which nodes.
        targets: Targets,
        /// Its name, as the protocol displays it.
        timer: String,
    },
    /// Another entry's fault ends.
    End {
        /// That entry.
        entry: u64,
    },
}

/// The entries of a plan, ready to be carried out, or everything that is wrong with them. `at` is where the plan comes
/// from, for messages.
pub fn steps(plan: &Plan, ground: &Ground, faults: &Faults, at: &str) -> Result<Vec<Step>, Problems> {
    let (mut problems, mut steps) = (Vec::new(), Vec::new());
    let ids: BTreeSet<u64> = plan.entries.iter().map(|entry| entry.id).collect();
    let mut seen = BTreeSet::new();
    for (place, entry) in plan.entries.iter().enumerate() {
        let at = place_of(at, place, Some(entry.id));
        if entry.id == 0 {
            problems.push(Problem::new(&at, "an id cannot be 0").hint("ids count from 1"));
        } else if !seen.insert(entry.id) {
            let free = (1..=u64::MAX).find(|id| !ids.contains(id)).unwrap_or_default();
            problems.push(Problem::new(&at, format!("the id {} is taken", entry.id)).hint(format!("such as {free}")));
        }
        let mut reader = EntryReader { entry, ground, faults, ids: &ids, plan, at, problems: Vec::new() };
        let step = reader.step();
        problems.append(&mut reader.problems);
        steps.extend(step);
    }
    problems.extend(circle(&steps, at));
    if problems.is_empty() { Ok(steps) } else { Err(Problems(problems)) }
}

/// The name of an entry in messages.
pub(crate) fn place_of(at: &str, place: usize, id: Option<u64>) -> String {
    let id = id.map_or_else(String::new, |id| format!(" (id {id})"));
    format!("{at}: entry {}{id}", place + 1)
}

/// Entries that wait for each other would never start.
fn circle(steps: &[Step], at: &str) -> Option<Problem> {
    let waits: BTreeMap<u64, Vec<u64>> = steps.iter().map(|step| (step.id, step.waits_for())).collect();
    let (mut free, mut open) = (BTreeSet::new(), waits.clone());
    loop {
        let ready: Vec<u64> = open
            .iter()
            .filter(|(_, others)| others.iter().all(|other| free.contains(other) || !waits.contains_key(other)))
            .map(|(id, _)| *id)
            .collect();
        if ready.is_empty() {
            break;
        }
        open.retain(|id, _| !ready.contains(id));
        free.extend(ready);
    }
    let stuck: Vec<String> = open.keys().map(ToString::to_string).collect();
    (!stuck.is_empty()).then(|| {
        let problem = Problem::new(at, format!("entries {} wait for each other", stuck.join(", ")));
        problem.hint("start one of them at a time, or when a note matches")
    })
}

impl Step {
    fn waits_for(&self) -> Vec<u64> {
        let start = if let Start::After(entry, _) = self.start { Some(entry) } else { None };
        let end = if let Action::End { entry } = self.action { Some(entry) } else { None };
        start.into_iter().chain(end).filter(|other| *other != self.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use schism_nodes::{LinkOrder, NodeId};
    use serde_json::{Value, json};

    use super::*;
    use crate::network::Rung;
    use crate::plan::Entry;

    fn read(entries: Value, links: LinkOrder) -> Result<Vec<Step>, Problems> {
        let entries: Vec<Entry> = serde_json::from_value(entries).unwrap();
        let ground = Ground {
            system: "zab".to_owned(),
            nodes: NodeId::universe(3),
            beside_clients: false,
            has_leader: true,
            links,
            requests: ["read", "write", "cas"].map(str::to_owned).into(),
            rung: Rung::Proxy,
            recovery: Duration::from_millis(500),
            ours: true,
        };
        let plan = Plan { kind: "plan".to_owned(), format: 1, entries, ..Plan::default() };
        steps(&plan, &ground, &Faults::default(), "p")
    }

    /// The one problem that an entry has.
    fn problem(entry: &Value) -> String {
        let Problems(problems) = read(json!([entry, {"id": 9, "at": "0", "do": "pause"}]), LinkOrder::Any).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems[0].to_string()
    }

    fn at(keys: Value) -> Value {
        let Value::Object(mut entry) = keys else { panic!("keys of an entry") };
        entry.insert("id".to_owned(), json!(1));
        entry.insert("at".to_owned(), json!("5s"));
        entry.into()
    }

    #[test]
    fn an_entry_starts_in_exactly_one_way() {
        let start = |keys: Value| {
            let Value::Object(mut entry) = keys else { panic!("keys of an entry") };
            entry.extend([("id".to_owned(), json!(1)), ("do".to_owned(), json!("kill"))]);
            problem(&entry.into())
        };
        assert!(start(json!({})).contains("nothing says when it starts"));
        assert!(start(json!({"at": "1s", "after": 9})).contains("more than one thing"));
        assert!(start(json!({"at": "1s", "delay": "1s"})).contains("delay goes with after or when"));
        assert!(start(json!({"at": "soon"})).contains("\"soon\" is no time"));
        assert!(start(json!({"after": 7})).contains("there is no entry 7"));
        assert!(start(json!({"after": 9, "delay": "x"})).contains("\"x\" is no time"));
        assert!(start(json!({"when": {"note": "x", "node": "n4"}})).contains("there is no node n4"));
        assert!(start(json!({"when": {"note": "x", "nth": 0}})).contains("nth counts from 1"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_hint() {
        for (keys, what) in [
            (json!({"do": "kil"}), "did you mean kill?"),
            (json!({"do": "kill", "on": "laeder"}), "did you mean leader?"),
            (json!({"do": "kill", "on": "that"}), "the entry has no when"),
            (json!({"do": "kill", "on": "c1"}), "kill cannot be done to c1"),
            (json!({"do": "kill", "on": "n1->n2"}), "kill cannot be done to n1->n2"),
            (json!({"do": "kill", "on": "n7"}), "there is no node n7"),
            (json!({"do": "kill", "for": "0s"}), "no time at all"),
            (json!({"do": "kill", "for": "ever"}), "\"ever\" is no time"),
            (json!({"do": "kill", "args": {"disk": "wip"}}), "did you mean wipe?"),
            (json!({"do": "pause", "args": {"x": 1}}), "pause takes no parameter"),
            (json!({"do": "powerloss", "args": {"keep": 1.5}}), "a number from 0 to 1"),
            (json!({"do": "clock"}), "nothing says how the clocks go wrong"),
            (json!({"do": "clock", "args": {"rate": 0}}), "a number from 0.01 to 100"),
            (json!({"do": "partition", "args": {"shape": "rnig"}}), "did you mean ring?"),
            (json!({"do": "partition", "args": {"direction": "in"}}), "shape=one-way alone"),
            (json!({"do": "partition", "on": "n1->n2,n3"}), "do not go together"),
            (json!({"do": "partition", "on": "n1->n2", "args": {"shape": "isolate"}}), "have no shape"),
            (json!({"do": "partition", "on": "c1", "args": {"shape": "ring"}}), "made of nodes"),
            (json!({"do": "loss", "args": {"share": 2}}), "up to 1"),
            (json!({"do": "delay", "args": {"base": "0s", "tail": "0s"}}), "no message would wait"),
            (json!({"do": "duplicate", "on": "c1->n1"}), "duplicate cannot be done to c1->n1"),
            (json!({"do": "client-kill", "on": "n1"}), "client-kill cannot be done to n1"),
            (json!({"do": "client-kill", "for": "1s"}), "takes no \"for\""),
            (json!({"do": "request", "args": {"node": "n1", "f": "read", "key": "x"}}), "made by one worker"),
            (json!({"do": "request", "on": "c1", "args": {"f": "read", "key": "x"}}), "node is missing"),
            (
                json!({"do": "request", "on": "c1", "args": {"node": "all", "f": "read", "key": "x"}}),
                "made at one node",
            ),
            (
                json!({"do": "request", "on": "c1", "args": {"node": "n1", "f": "append", "key": "x"}}),
                "zab serves read",
            ),
            (
                json!({"do": "request", "on": "c1", "args": {"node": "n1", "f": "write", "key": "x"}}),
                "value is missing",
            ),
            (
                json!({"do": "request", "on": "c1", "args": {"node": "n1", "f": "cas", "key": "x", "value": 1}}),
                "[FROM, TO]",
            ),
            (json!({"do": "hold"}), "nothing says which links"),
            (json!({"do": "hold", "on": "n1", "args": {"count": 0}}), "a whole number from 1"),
            (json!({"do": "deliver"}), "entry is missing"),
            (json!({"do": "deliver", "args": {"entry": 9}}), "holds no messages"),
            (json!({"do": "fire", "on": "n1"}), "timer is missing"),
            (json!({"do": "end", "on": "n1", "args": {"entry": 9}}), "no targets of its own"),
            (json!({"do": "end", "args": {"entry": 3}}), "there is no entry 3"),
            (json!({"do": "end", "args": {"entry": 1}}), "refers to itself"),
        ] {
            let found = problem(&at(keys));
            assert!(found.contains(what), "{found:?} does not say {what:?}");
        }
    }

    #[test]
    fn numbers_are_unique_and_nobody_waits_in_a_circle() {
        let problems = |entries| -> Vec<String> {
            read(entries, LinkOrder::Any).unwrap_err().0.iter().map(ToString::to_string).collect()
        };
        let twice = problems(
            json!([{"id": 1, "at": "0", "do": "kill"}, {"id": 1, "at": "1", "do": "kill"}, {"id": 0, "at": "1", "do": "kill"}]),
        );
        assert!(twice[0].contains("the id 1 is taken") && twice[1].contains("cannot be 0"), "{twice:#?}");
        let circle = problems(json!([
            {"id": 1, "after": 2, "do": "kill"},
            {"id": 2, "after": 3, "do": "kill"},
            {"id": 3, "do": "end", "after": 4, "args": {"entry": 1}},
            {"id": 4, "at": "0", "do": "kill"},
        ]));
        assert!(circle[0].contains("entries 1, 2, 3 wait for each other"), "{circle:#?}");
    }

    #[test]
    fn links_that_keep_their_order_refuse_what_breaks_it() {
        for kind in ["duplicate", "reorder"] {
            let entry = json!([{"id": 1, "at": "0", "do": kind}]);
            assert!(read(entry.clone(), LinkOrder::Any).is_ok());
            let refused = read(entry, LinkOrder::Fifo).unwrap_err().to_string();
            assert!(refused.contains("zab needs links that deliver once and in order"), "{refused}");
        }
    }

    #[test]
    fn every_action_is_read() {
        let entries = json!([
            {"id": 1, "at": "1s", "do": "hold", "on": "n1->n3", "args": {"type": "AppendEntries", "count": 2}},
            {"id": 2, "after": 1, "do": "deliver", "args": {"entry": 1, "count": 1}},
            {"id": 3, "after": 2, "delay": "5ms", "do": "drop", "args": {"entry": 1}},
            {"id": 4, "at": "1s", "do": "drop", "on": "n2", "for": "1s"},
            {"id": 5, "when": {"note": "voted"}, "do": "fire", "on": "that", "args": {"timer": "Election"}},
            {"id": 6, "at": "1s", "do": "end", "args": {"entry": 4}},
            {"id": 7, "at": "1s", "do": "request", "on": "c1", "args": {"node": "leader", "f": "cas", "key": "x", "value": [1, 2]}},
            {"id": 8, "at": "1s", "do": "partition", "on": "n1->n3,n3->c1"},
        ]);
        let steps = read(entries, LinkOrder::Any).unwrap();
        assert!(matches!(steps[1].action, Action::Release { hold: 1, count: Some(1), deliver: true }));
        assert!(matches!(steps[2].action, Action::Release { hold: 1, count: None, deliver: false }));
        assert_eq!(steps[2].start, Start::After(2, Duration::from_millis(5)));
        assert_eq!(steps[3].duration, Some(Duration::from_secs(1)));
        assert!(matches!(&steps[4].action, Action::Fire { timer, .. } if timer == "Election"));
        assert!(matches!(&steps[6].action, Action::Request { request: RequestKind::Cas { .. }, .. }));
    }
}
