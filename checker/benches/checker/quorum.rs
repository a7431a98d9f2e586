//! The quorum checker over a million events: notes of three replicas and their coordinators, with what clients saw.

use std::fmt::Write as _;

use schism_checker::quorum::{self, Promises, Quorums, Rule};
use schism_checker::verdict::Outcome;

use crate::MILLION;
use crate::measure::measure;

const KEYS: u64 = 100;

pub(crate) fn rows() {
    let (notes, history, events) = files();
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let (notes_path, history_path) = (folder.path().join("events.jsonl"), folder.path().join("history.jsonl"));
    std::fs::write(&notes_path, notes).expect("there is room for the file");
    std::fs::write(&history_path, history).expect("there is room for the file");
    let replicas = (1..=3).map(|node| format!("n{node}")).collect();
    let promises = Promises::plain(Quorums { n: 3, w: 2, r: 2 }, replicas, true);
    measure(&format!("quorums, N3 W2 R2 with write-back, {events} events from files"), || {
        let (history, gathered) = quorum::read_run(&history_path, &notes_path).expect("what was written can be read");
        let report = quorum::check(gathered, &history, &promises);
        assert_eq!(report.defects.0, 0, "{:?}", report.defects);
        // Nothing is repaired here, and no link is cut.
        let idle = [Rule::RepairKeepsNewer, Rule::ReachableQuorum];
        let judged = report.rules.iter().filter(|(rule, ruled)| ruled.promised && !idle.contains(rule));
        assert!(judged.into_iter().all(|(_, ruled)| ruled.outcome == Outcome::Valid), "{:?}", report.rules);
    });
}

/// Notes and history, line by line.
#[derive(Default)]
struct Files {
    notes: String,
    history: String,
    seqs: [u64; 3],
    time: u64,
    events: usize,
    index: u64,
}

/// A file of notes and a history that have a million lines together, and how many exactly.
fn files() -> (String, String, usize) {
    let mut files = Files::default();
    let mut newest = vec![String::from("null"); usize::try_from(KEYS).expect("a hundred")];
    let mut operation = 0;
    while files.events < MILLION {
        operation += 1;
        // Knuth's multiplier spreads the keys.
        let key = operation * 2_654_435_761 % KEYS;
        files.operation(operation, key, &mut newest[usize::try_from(key).expect("less than a hundred")]);
    }
    (files.notes, files.history, files.events)
}

impl Files {
    fn note(&mut self, node: u64, name: &str, fields: &str) {
        let place = usize::try_from(node).expect("one of three");
        self.seqs[place] += 1;
        self.time += 5_000;
        self.events += 1;
        let (seq, time, node) = (self.seqs[place], self.time, node + 1);
        let line = writeln!(
            self.notes,
            r#"{{"node":"n{node}","incarnation":1,"seq":{seq},"time":{time},"note":"{name}","fields":{{{fields}}}}}"#
        );
        line.expect("a text takes every line");
    }

    fn event(&mut self, kind: &str, f: &str, rest: &str) {
        self.events += 1;
        let (index, time) = (self.index, self.time);
        self.index += 1;
        let line = writeln!(
            self.history,
            r#"{{"index":{index},"time":{time},"process":0,"type":"{kind}","f":"{f}","key":"x1"{rest}}}"#
        );
        line.expect("a text takes every line");
    }

    /// An operation from its invocation to its answer: every other one writes.
    fn operation(&mut self, number: u64, key: u64, newest: &mut String) {
        let f = if number.count_ones().is_multiple_of(2) { "write" } else { "read" };
        let at = number % 3;
        let about = format!(r#""op":"n{}.1.{number}","key":"x{key}""#, at + 1);
        self.event("invoke", f, "");
        self.note(at, "begun", &format!(r#"{about},"f":"{f}""#));
        for replica in 0..3 {
            self.note(replica, "served", &format!(r#"{about},"tag":{newest},"attempt":1"#));
        }
        self.phase(at, &about, "query", newest);
        let phase = if f == "write" { "store" } else { "writeback" };
        if f == "write" {
            *newest = format!(r#"[{number},"n{}",1,{number}]"#, at + 1);
        }
        if newest != "null" {
            for replica in 0..3 {
                let tag = format!(r#""tag":{newest}"#);
                if f == "write" {
                    let digest = format!(r#""digest":"{number:016x}","cause":"store""#);
                    self.note(replica, "stored", &format!(r#""key":"x{key}",{tag},{digest}"#));
                }
                self.note(replica, "acked", &format!(r#"{about},{tag},"phase":"{phase}","attempt":1"#));
            }
            self.phase(at, &about, phase, newest);
        }
        self.note(at, "answered", &format!(r#"{about},"f":"{f}","tag":{newest},"need":2,"outcome":"ok""#));
        self.event("ok", f, &format!(r#","quorum":{{"op":"n{}.1.{number}","version":{newest}}}"#, at + 1));
    }

    fn phase(&mut self, at: u64, about: &str, phase: &str, tag: &str) {
        let reply = |replica: u64| format!(r#"{{"replica":"n{}","incarnation":1,"tag":{tag}}}"#, replica + 1);
        let (one, other) = (reply(at), reply((at + 1) % 3));
        let home = r#""home":["n1","n2","n3"],"sent":["n1","n2","n3"]"#;
        let fields =
            format!(r#"{about},"phase":"{phase}","attempt":1,"need":2,{home},"replies":[{one},{other}],"tag":{tag}"#);
        self.note(at, "phase", &fields);
    }
}
