//! Executions made by hand, and what becomes of them with a single fact that is otherwise.

use schism_checker::history::{EventKind, Process};
use schism_checker::quorum::{Promises, Report, Rule};
use serde_json::{Value, json};

use crate::record::{Noted, Record, broken, promises};

pub(crate) const A: &str = "000000000000000a";
pub(crate) const B: &str = "000000000000000b";

/// Writes notes and events as they come.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) record: Record,
    pub(crate) seqs: std::collections::BTreeMap<(String, u64), u64>,
    pub(crate) time: u64,
}

impl Script {
    pub(crate) fn note(&mut self, node: &str, life: u64, name: &str, fields: Value) -> &mut Self {
        let seq = self.seqs.entry((node.to_owned(), life)).or_default();
        *seq += 1;
        self.time += 1_000_000;
        let (node, name) = (node.to_owned(), name.to_owned());
        self.record.notes.push(Noted { node, life, seq: *seq, time: self.time, name, fields });
        self
    }

    pub(crate) fn client(&mut self, process: u64, kind: EventKind, f: &str, extra: Value) -> &mut Self {
        self.record.event(Process::Client(process), kind, f, (Some("x"), Value::Null), extra);
        self
    }

    /// A replica's answer to a query.
    pub(crate) fn served(&mut self, node: &str, op: &str, tag: &Value) -> &mut Self {
        self.note(node, 1, "served", json!({"op": op, "key": "x", "tag": tag}))
    }

    /// A replica stores a version and acknowledges it.
    pub(crate) fn stores(&mut self, node: &str, op: &str, (tag, digest): (&Value, &str), phase: &str) -> &mut Self {
        self.note(node, 1, "stored", json!({"key": "x", "tag": tag, "digest": digest, "cause": phase}));
        self.acked(node, op, tag, phase)
    }

    pub(crate) fn acked(&mut self, node: &str, op: &str, tag: &Value, phase: &str) -> &mut Self {
        self.note(node, 1, "acked", json!({"op": op, "key": "x", "tag": tag, "phase": phase}))
    }

    pub(crate) fn phase(
        &mut self,
        node: &str,
        op: &str,
        phase: &str,
        replies: &[(&str, &Value)],
        tag: &Value,
    ) -> &mut Self {
        let replies: Vec<Value> =
            replies.iter().map(|(replica, tag)| json!({"replica": replica, "incarnation": 1, "tag": tag})).collect();
        let fields =
            json!({"op": op, "key": "x", "phase": phase, "home": ["n1", "n2", "n3"], "replies": replies, "tag": tag});
        self.note(node, 1, "phase", fields)
    }

    pub(crate) fn begun(&mut self, node: &str, op: &str, f: &str, process: u64) -> &mut Self {
        self.client(process, EventKind::Invoke, f, json!({"node": node}));
        self.note(node, 1, "begun", json!({"op": op, "key": "x", "f": f}))
    }

    pub(crate) fn answered(&mut self, node: &str, op: &str, f: &str, (tag, process): (&Value, u64)) -> &mut Self {
        self.note(node, 1, "answered", json!({"op": op, "key": "x", "f": f, "tag": tag, "outcome": "ok"}));
        self.client(process, EventKind::Ok, f, json!({"node": node, "quorum": {"op": op, "version": tag}}))
    }

    /// A write at n1 with the acknowledgements of n1 and n2.
    pub(crate) fn write(&mut self, op: &str, before: &Value, (tag, digest): (&Value, &str)) -> &mut Self {
        self.begun("n1", op, "write", 1).served("n1", op, before).served("n2", op, before);
        self.phase("n1", op, "query", &[("n1", before), ("n2", before)], before);
        self.stores("n1", op, (tag, digest), "store").stores("n2", op, (tag, digest), "store");
        self.phase("n1", op, "store", &[("n1", tag), ("n2", tag)], tag).answered("n1", op, "write", (tag, 1))
    }

    /// A read at n3 with the replies of n2 and n3, which writes back to n3.
    pub(crate) fn read(&mut self, op: &str, (tag, digest): (&Value, &str), at_n3: &Value) -> &mut Self {
        self.begun("n3", op, "read", 2).served("n2", op, tag).served("n3", op, at_n3);
        self.phase("n3", op, "query", &[("n2", tag), ("n3", at_n3)], tag);
        self.stores("n3", op, (tag, digest), "writeback").acked("n2", op, tag, "writeback");
        self.phase("n3", op, "writeback", &[("n3", tag), ("n2", tag)], tag).answered("n3", op, "read", (tag, 2))
    }

    /// What everybody holds in the end.
    pub(crate) fn held(&mut self, held: [&Value; 3]) -> &mut Self {
        for (node, tag) in ["n1", "n2", "n3"].into_iter().zip(held) {
            self.note(node, 1, "held", json!({"key": "x", "tag": tag}));
            self.note(node, 1, "hints-pending", json!({"count": 0}));
        }
        self
    }
}

pub(crate) fn tag(counter: u64) -> Value {
    json!([counter, "n1", 1, counter])
}

/// Two writes by n1 and n2, each read by n2 and n3 and written back.
pub(crate) fn honest() -> Record {
    let mut script = Script::default();
    let (none, one, two) = (Value::Null, tag(1), tag(2));
    script.write("n1.1.1", &none, (&one, A)).read("n3.1.1", (&one, A), &none);
    script.write("n1.1.2", &one, (&two, B)).read("n3.1.2", (&two, B), &one);
    script.held([&two, &two, &two]);
    script.record
}

pub(crate) fn check(record: &Record) -> Report {
    record.check(&promises((3, 2, 2), true))
}

/// The execution with one note changed breaks these rules and no other; what is told of the first.
pub(crate) fn breaks(edit: impl FnOnce(&mut Vec<Noted>), rules: &[&str]) -> Vec<String> {
    let mut record = honest();
    edit(&mut record.notes);
    breaks_as(&record, &promises((3, 2, 2), true), rules)
}

pub(crate) fn breaks_as(record: &Record, promises: &Promises, rules: &[&str]) -> Vec<String> {
    let report = record.check(promises);
    assert_eq!(broken(&report), rules, "{:#?} {:?}", report.rules, report.defects);
    let rule = Rule::ALL.into_iter().find(|rule| rule.id() == rules[0]).unwrap();
    let finding = report.rule(rule).unwrap().finding.clone().unwrap();
    assert!(!finding.events.is_empty() && finding.events.len() <= 10, "{finding:#?}");
    [vec![finding.what], finding.events.iter().map(ToString::to_string).collect()].concat()
}

/// The note of this name whose fields are like this.
pub(crate) fn note<'n>(notes: &'n mut [Noted], name: &str, like: &[(&str, &str)], nth: usize) -> &'n mut Noted {
    let is_like = |note: &&mut Noted| {
        let field = |field: &str| if field == "node" { Some(note.node.as_str()) } else { note.fields[field].as_str() };
        note.name == name && like.iter().all(|(name, value)| field(name) == Some(value))
    };
    notes.iter_mut().filter(is_like).nth(nth).unwrap()
}

/// One write with the tag 2.
pub(crate) fn written() -> Script {
    let mut script = Script::default();
    script.write("n1.1.1", &Value::Null, (&tag(2), A));
    script
}

pub(crate) fn after_a_write(more: impl FnOnce(&mut Script), rules: &[&str]) -> Vec<String> {
    let mut script = written();
    more(&mut script);
    breaks_as(&script.record, &promises((3, 2, 2), true), rules)
}
