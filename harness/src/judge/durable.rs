//! `durable`: every write that was acknowledged is there in the end, or one that may have replaced it.
//!
//! A write is **lost** if somebody read its register finally, and every such read returned what certainly came before it: the initial
//! value, or a write that had ended before this one was invoked. Whatever else was read may have replaced it. So a
//! loss is certain, and a system that returns something from nowhere is not blamed for it here. Only registers that were
//! answered count, and the reads are those of the final phase, at every node.
//!
//! A loss is judged where the system promises that reads see acknowledged writes, and where it had the disk of one of those
//! nodes that acknowledged the write: who takes all copies that were said to be enough has shown what follows from that, and broken nothing.

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::history::{Ending, History, Operation};
use schism_checker::verdict::{Counterexample, Outcome, Property, Witness};
use serde_json::{Map, Value};

use super::{events_of, property};

/// Judges it, if `promised`; otherwise measures it.
pub(super) fn durable(history: &History, promised: bool) -> Property {
    let finale = events_of(history, "nemesis", "final").find(|event| phase(event) == Some("in-force"));
    let (Some(finale), Ok(operations)) = (finale, history.operations()) else {
        return property("durable", Outcome::Vacuous, "the final phase was not reached".to_owned());
    };
    let registers = Registers::of(&operations, finale.index);
    let wipes = Wipes::of(history);
    let (mut acknowledged, mut excused, mut lost) = (0_u64, 0_u64, Vec::new());
    for (key, register) in &registers.0 {
        if register.finally.is_empty() {
            continue;
        }
        let acked = register.writes.iter().filter(|write| write.ending == Ending::Ok);
        for write in acked {
            acknowledged += 1;
            if register.lost(write) {
                let is_excused = wipes.took_all_of(write, history);
                excused += u64::from(is_excused);
                lost.push((key, *write, is_excused));
            }
        }
    }
    let blamed = lost.iter().find(|(.., excused)| !excused).or(lost.first());
    let counterexample = blamed.map(|(key, write, _)| registers.counterexample(key, write));
    let outcome = match (acknowledged, lost.len()) {
        (0, _) => Outcome::Vacuous,
        (_, 0) => Outcome::Valid,
        _ => Outcome::Invalid,
    };
    let all_excused = !lost.is_empty() && excused == lost.len() as u64;
    let figures = [("acknowledged", acknowledged), ("lost", lost.len() as u64), ("lost_with_all_disks", excused)];
    Property {
        judged: promised && !all_excused,
        counterexample,
        figures: figures.map(|(name, count)| (name.to_owned(), count.into())).into_iter().collect::<Map<_, _>>(),
        ..property("durable", outcome, sentence(acknowledged, lost.len() as u64, excused))
    }
}

fn sentence(acknowledged: u64, lost: u64, excused: u64) -> String {
    match (acknowledged, lost) {
        (0, _) => "no acknowledged write was looked for in the end".to_owned(),
        (_, 0) => format!("all {acknowledged} acknowledged writes were there in the end, or replaced"),
        _ if excused == 0 => format!("{lost} of {acknowledged} acknowledged writes were lost"),
        _ => format!(
            "{lost} of {acknowledged} acknowledged writes were lost, {excused} with the disks of all who had acknowledged them"
        ),
    }
}

pub(super) fn phase(event: &schism_checker::history::Event) -> Option<&str> {
    event.extra.get("phase").and_then(Value::as_str)
}

/// What happened to each register.
struct Registers<'a>(BTreeMap<String, Register<'a>>);

#[derive(Default)]
struct Register<'a> {
    /// Writes that may have happened.
    writes: Vec<&'a Operation>,
    /// Final reads that were answered.
    finally: Vec<&'a Operation>,
}

impl<'a> Registers<'a> {
    fn of(operations: &'a [Operation], finale: u64) -> Self {
        let mut registers: BTreeMap<String, Register<'a>> = BTreeMap::new();
        for operation in operations.iter().filter(|operation| operation.ending != Ending::Fail) {
            let Some(key) = operation.key.as_ref().map(ToString::to_string) else { continue };
            match &*operation.f {
                "write" => registers.entry(key).or_default().writes.push(operation),
                "read" if operation.ending == Ending::Ok && operation.invoked > finale => {
                    registers.entry(key).or_default().finally.push(operation);
                }
                _ => {}
            }
        }
        Registers(registers)
    }

    fn counterexample(&self, key: &str, write: &Operation) -> Counterexample {
        let reads = self.0.get(key).map(|register| register.finally.as_slice()).unwrap_or_default();
        let written = witness(write, format!("wrote {}", *write.input), "acknowledged");
        let read = |read: &&Operation| witness(read, format!("read {}", read.answer()), "from before it");
        let operations = std::iter::once(written).chain(reads.iter().map(read)).collect();
        let because = vec![format!(
            "the write was acknowledged, and all {} final reads of {key} returned what was there before it",
            reads.len()
        )];
        Counterexample { key: serde_json::from_str(key).ok(), operations, because, ..Counterexample::default() }
    }
}

impl Register<'_> {
    /// Whether every final read returned what certainly came before this write.
    fn lost(&self, write: &Operation) -> bool {
        self.finally.iter().all(|read| self.is_before(read.answer(), write))
    }

    fn is_before(&self, value: &Value, write: &Operation) -> bool {
        let mut writers = self.writes.iter().filter(|other| *other.input == *value).peekable();
        if writers.peek().is_none() {
            return value.is_null();
        }
        writers.all(|other| other.completed.is_some_and(|end| end < write.invoked && other.ending == Ending::Ok))
    }
}

fn witness(operation: &Operation, did: String, role: &str) -> Witness {
    Witness {
        process: operation.process,
        did,
        role: role.to_owned(),
        node: operation.node.as_deref().map(str::to_owned),
        invoked: operation.invoked,
        completed: operation.completed,
        invoked_at: operation.invoked_at,
        completed_at: operation.completed_at,
    }
}

/// When which nodes lost their disks.
struct Wipes(Vec<(u64, BTreeSet<String>)>);

impl Wipes {
    fn of(history: &History) -> Self {
        let kills = events_of(history, "nemesis", "kill").filter(|event| phase(event) == Some("begin"));
        let wiped = kills.filter(|event| event.value.get("disk").and_then(Value::as_str) == Some("wipe"));
        let nodes = |value: &Value| {
            let targets = value.get("targets").and_then(Value::as_array).into_iter().flatten();
            targets.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Wipes(wiped.map(|event| (event.index, nodes(&event.value))).collect())
    }

    /// Whether every node that acknowledged a write has lost its disk after that. Where the answer does not say who they were, any
    /// loss of a disk counts.
    fn took_all_of(&self, write: &Operation, history: &History) -> bool {
        let from = write.invoked;
        let taken: BTreeSet<&str> =
            self.0.iter().filter(|(when, _)| *when > from).flat_map(|(_, nodes)| nodes).map(String::as_str).collect();
        let end = write.completed.and_then(|index| history.events.iter().find(|event| event.index == index));
        let acks = end.and_then(|end| end.extra.get("quorum")?.get("acks")?.as_array());
        match acks {
            Some(acks) if !acks.is_empty() => {
                acks.iter().all(|node| node.as_str().is_some_and(|node| taken.contains(node)))
            }
            _ => !taken.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use schism_checker::history::{Event, EventKind, Process};
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Told(History);

    impl Told {
        fn event(&mut self, process: Process, kind: EventKind, f: &str, value: Value, extra: Value) {
            let Value::Object(extra) = extra else { unreachable!("tests say more in objects") };
            let (index, key) = (self.0.events.len() as u64, Some("x".into()));
            self.0.events.push(Event { index, time: None, process, kind, f: f.into(), key, value, node: None, extra });
        }

        fn op(mut self, f: &str, value: Value, end: EventKind, extra: Value) -> Self {
            let process = Process::Client(self.0.events.len() as u64);
            let asked = if f == "read" { Value::Null } else { value.clone() };
            self.event(process.clone(), EventKind::Invoke, f, asked, json!({}));
            self.event(process, end, f, value, extra);
            self
        }

        /// A write that n1 and n2 acknowledged.
        fn write(self, value: u64) -> Self {
            self.op("write", json!(value), EventKind::Ok, json!({"quorum": {"acks": ["n1", "n2"]}}))
        }

        fn wipe(mut self, nodes: &[&str]) -> Self {
            let value = json!({"targets": nodes, "disk": "wipe"});
            self.event(
                Process::Named("nemesis".into()),
                EventKind::Info,
                "kill",
                value,
                json!({"phase": "begin", "id": 1}),
            );
            self
        }

        fn finally(mut self, reads: &[Value]) -> Property {
            let nemesis = Process::Named("nemesis".into());
            self.event(nemesis, EventKind::Info, "final", Value::Null, json!({"phase": "in-force", "id": 0}));
            for read in reads {
                self = self.op("read", read.clone(), EventKind::Ok, json!({}));
            }
            durable(&self.0, true)
        }
    }

    #[test]
    fn a_write_is_lost_if_all_read_what_came_before_it() {
        let both = || Told::default().write(1).write(2);
        for (reads, outcome) in [
            (vec![json!(2), json!(2)], Outcome::Valid),
            (vec![json!(1), json!(2)], Outcome::Valid), // somebody has it
            (vec![json!(1), json!(1)], Outcome::Invalid),
            (vec![Value::Null], Outcome::Invalid),
            (vec![json!(1), Value::Null], Outcome::Invalid),
            (vec![json!(7)], Outcome::Valid), // from nowhere: not a loss for sure
            (vec![], Outcome::Vacuous),
        ] {
            let property = both().finally(&reads);
            assert_eq!((property.outcome, property.judged), (outcome, true), "{reads:?}");
            assert_eq!(property.counterexample.is_some(), outcome == Outcome::Invalid);
        }
    }

    #[test]
    fn what_may_have_replaced_it_excuses_its_absence() {
        // A write that crashed may take effect at any later time, and so may a deletion.
        let crashed = Told::default().op("write", json!(1), EventKind::Info, json!({})).write(2);
        assert_eq!(crashed.finally(&[json!(1)]).outcome, Outcome::Valid);
        let deleted = Told::default().write(2).op("write", Value::Null, EventKind::Info, json!({}));
        assert_eq!(deleted.finally(&[Value::Null]).outcome, Outcome::Valid);
        let failed = Told::default().op("write", json!(1), EventKind::Ok, json!({})).op(
            "write",
            json!(2),
            EventKind::Fail,
            json!({}),
        );
        assert_eq!(failed.finally(&[json!(1)]).outcome, Outcome::Valid);
    }

    #[test]
    fn a_loss_with_all_disks_that_had_it_is_measured_alone() {
        let lost = |nodes: &[&str]| {
            let property = Told::default().write(1).wipe(nodes).finally(&[Value::Null]);
            assert_eq!(property.outcome, Outcome::Invalid);
            property.judged
        };
        assert!(!lost(&["n1", "n2"]) && !lost(&["n1", "n2", "n3"]));
        assert!(lost(&["n1"]) && lost(&["n2", "n3"]), "one copy was left");
        let before = Told::default().wipe(&["n1", "n2"]).write(1).finally(&[Value::Null]);
        assert!(before.judged, "the disks were lost before it was written");
    }
}
