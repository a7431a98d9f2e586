//! Made-up histories, and the pages that `schism report` makes of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A history while it is made up, a client's operation after the other.
pub(crate) struct Made {
    text: String,
    index: u64,
}

impl Made {
    pub(crate) fn new(system: &str) -> Self {
        let header = json!({ "schism": "history", "format": 1, "system": system, "model": "register", "initial": null, "start": "2026-08-24T02:17:00Z" });
        Made { text: format!("{header}\n"), index: 0 }
    }

    /// An operation from one microsecond to another. What it reads is in `value` as well.
    pub(crate) fn operation(
        &mut self,
        (process, node): (u64, &str),
        f: &str,
        key: &str,
        value: &Value,
        times: [u64; 2],
    ) {
        for (kind, time) in [("invoke", times[0]), ("ok", times[1])] {
            let value = if kind == "invoke" && f == "read" { &Value::Null } else { value };
            let event = json!({ "index": self.index, "time": time * 1000, "process": process, "type": kind, "f": f, "key": key, "value": value, "node": node });
            self.line(&event);
        }
    }

    /// A fault from one microsecond to another.
    pub(crate) fn fault(&mut self, id: u64, value: &Value, times: [u64; 2]) {
        for (phase, time) in [("begin", times[0]), ("end", times[1])] {
            let value = if phase == "begin" { value.clone() } else { json!({ "fate": "proved" }) };
            let event = json!({ "index": self.index, "time": time * 1000, "process": "nemesis", "type": "info", "f": "partition", "value": value, "id": id, "phase": phase });
            self.line(&event);
        }
    }

    fn line(&mut self, event: &Value) {
        writeln!(self.text, "{event}").unwrap();
        self.index += 1;
    }

    /// The page of it, in a folder.
    pub(crate) fn page(&self, folder: &TempDir) -> PathBuf {
        let history = folder.path().join("history.jsonl");
        fs_err::write(&history, &self.text).unwrap();
        made(&history, &folder.path().join("page.html"))
    }
}

/// What `schism report` makes of something.
fn made(history: &Path, page: &Path) -> PathBuf {
    let mut schism = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("schism"));
    schism.arg("report").arg(history).arg("--output").arg(page).assert().success();
    page.to_owned()
}

/// A read that misses a write which was over before it began, among others that are as they should be.
pub(crate) fn stale_read() -> Made {
    let mut made = Made::new("nwr:n=3,w=1,r=1");
    for number in 0..40 {
        made.operation((2, "n2"), "write", "y", &json!(1000 + number), [number * 10_000, number * 10_000 + 4_000]);
    }
    made.fault(1, &json!({ "targets": ["n3"], "cut": ["n1->n3", "n3->n1"], "shape": "isolate" }), [500_000, 900_000]);
    made.operation((1, "n1"), "write", "x", &json!(4), [510_000, 514_000]);
    made.operation((1, "n1"), "write", "x", &json!(5), [620_000, 628_000]);
    made.operation((3, "n3"), "read", "x", &json!(4), [731_000, 739_000]);
    made
}

/// So many operations of sixteen clients: half of them write, half read keys that nobody writes, so that a judge has little to do.
pub(crate) fn long(operations: u64) -> Made {
    let mut made = Made::new("a long run");
    for number in 0..operations {
        let begin = number * 150;
        let node = ["n1", "n2", "n3", "n4", "n5"][usize::try_from(number % 5).unwrap()];
        let process = number % 16;
        let (f, key, value) = if process < 8 { ("write", "x", json!(number)) } else { ("read", "y", Value::Null) };
        made.operation((process, node), f, &format!("{key}{process}"), &value, [begin, begin + 140]);
    }
    made
}
