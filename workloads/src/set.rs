//! Elements that are added, some of them removed, and all read in the end: what was acknowledged must be there.
//!
//! Where the system has sets (`add`, `remove`), each key is one, and a read answers all of its elements. Elsewhere an element is a
//! register of its own, which is true while the element is in: an addition writes true, a removal deletes the register (or writes null), and whether
//! an element is in is a read of its register. Each element is added once, and removed at most once.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_checker::history::Ending;
use schism_checker::weaker::Level;
use serde_json::{Value, json};

use crate::draws::Draws;
use crate::load::{Load, Turn, needs};
use crate::params::Params;
use crate::workload::{
    Contact, Ended, Invocation, Next, Planned, Requirement, Workload, WorkloadError, WorkloadInfo, WorkloadParameter,
};

const NAME: &str = "set";
const KINDS: [&str; 4] = ["add", "remove", "contains", "read"];
/// How many elements are added at most, where nobody says: each is read at each node in the end.
const ELEMENTS: usize = 1000;

/// What the workload says of itself.
pub(crate) fn info() -> WorkloadInfo {
    WorkloadInfo {
        name: NAME,
        about: "elements that are added, some of them removed, and all read in the end; without sets, a register for each",
        kinds: &KINDS,
        mix: &[("add", 50), ("remove", 15), ("contains", 30), ("read", 5)],
        parameters: &[
            WorkloadParameter { name: "keys", values: "a number from 1", default: "--keys", about: "how many sets" },
            WorkloadParameter {
                name: "elements",
                values: "a number from 1",
                default: "1000",
                about: "how many elements are added at most",
            },
            WorkloadParameter {
                name: "as",
                values: "auto|sets|registers",
                default: "auto",
                about: "whether an element is a register of its own; auto: where the system has no sets",
            },
        ],
    }
}

/// How a set is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// By the system.
    AsSets,
    /// A register for each element; deletions are served, or a removal writes null.
    AsRegisters { deletes: bool },
}

/// See the module's head.
#[derive(Debug)]
pub struct Set {
    keys: usize,
    kept: Kept,
    draws: Draws<4>,
    /// How many elements may still be added.
    left: usize,
    /// The elements that were added so far, each with its set.
    begun: Vec<(u64, usize)>,
    /// Those whose addition was acknowledged, and which nobody has tried to remove; the oldest first.
    there: VecDeque<(u64, usize)>,
}

impl Set {
    /// A workload whose worker `i` draws from `streams[i]`, for a system that serves `served`.
    pub(crate) fn new(
        params: &Params<'_>,
        load: &Load,
        served: &[String],
        streams: Vec<ChaCha8Rng>,
    ) -> Result<Self, WorkloadError> {
        let has = |kind: &str| served.iter().any(|name| name == kind);
        let kept = match params.word("as")? {
            0 if has("add") && has("remove") => Kept::AsSets,
            1 => Kept::AsSets,
            _ => Kept::AsRegisters { deletes: has("delete") },
        };
        let mut weights = load.weights(NAME, KINDS)?;
        let needed: &[&str] = match kept {
            Kept::AsSets => &["read", "add", "remove"],
            Kept::AsRegisters { .. } => &["read", "write"],
        };
        needed.iter().try_for_each(|kind| needs(NAME, kind, served))?;
        // What there is no request for is asked as what comes nearest to it.
        let (from, to) = if kept == Kept::AsSets { (2, 3) } else { (3, 2) };
        weights[to] += std::mem::take(&mut weights[from]);
        let left = params.number("elements", ELEMENTS)?;
        let draws = Draws::new(KINDS, weights, load, streams)?;
        Ok(Set { keys: load.keys, kept, draws, left, begun: Vec::new(), there: VecDeque::new() })
    }

    /// The operation of that kind on an element.
    fn invocation(&self, kind: &str, (element, set): (u64, usize)) -> Invocation {
        let (f, key, value) = match (self.kept, kind) {
            (Kept::AsSets, "add" | "remove") => (kind, format!("s{set}"), json!(element)),
            (Kept::AsSets, _) => ("read", format!("s{set}"), Value::Null),
            (Kept::AsRegisters { .. }, "add") => ("write", register(element), json!(true)),
            (Kept::AsRegisters { deletes: true }, "remove") => ("delete", register(element), Value::Null),
            (Kept::AsRegisters { deletes: false }, "remove") => ("write", register(element), Value::Null),
            (Kept::AsRegisters { .. }, _) => ("read", register(element), Value::Null),
        };
        Invocation { f: f.into(), key: key.into(), value }
    }
}

fn register(element: u64) -> String {
    format!("e{element}")
}

impl Workload for Set {
    fn next(&mut self, worker: usize, now: Duration) -> Next {
        let Some((kind, Turn { due, unique, rng })) = self.draws.next(worker, now) else { return Next::Done };
        let set = rng.random_range(1..=self.keys);
        let any = rng.random::<u32>() as usize;
        let old = self.begun.get(any % self.begun.len().max(1)).copied();
        let (kind, element) = match kind {
            "remove" => match self.there.pop_front() {
                Some(element) => ("remove", element),
                None => ("contains", old.unwrap_or((unique, set))),
            },
            "add" if self.left > 0 => {
                self.left -= 1;
                self.begun.push((unique, set));
                ("add", (unique, set))
            }
            "add" | "contains" => ("contains", old.unwrap_or((unique, set))),
            _ => ("read", (unique, set)),
        };
        let invocation = self.invocation(kind, element);
        Next::Operation(Planned { invocation, due, contact: Contact::Same, session: None })
    }

    fn update(&mut self, _worker: usize, ended: &Ended<'_>) {
        let Invocation { f, key, value } = ended.invocation;
        if ended.ending != Ending::Ok {
            return;
        }
        let added = match (&**f, value) {
            ("add", element) => element.as_u64(),
            ("write", Value::Bool(true)) => key.as_str().and_then(|key| key.strip_prefix('e')?.parse().ok()),
            _ => None,
        };
        let element = added.and_then(|added| self.begun.iter().rev().find(|(element, _)| *element == added));
        self.there.extend(element.copied());
    }

    fn final_reads(&self) -> Vec<Invocation> {
        match self.kept {
            Kept::AsSets => (1..=self.keys).map(|set| self.invocation("read", (0, set))).collect(),
            Kept::AsRegisters { .. } => self.begun.iter().map(|element| self.invocation("read", *element)).collect(),
        }
    }

    fn requirement(&self) -> Requirement {
        let (model, levels) = match self.kept {
            Kept::AsSets => ("set", vec![Level::SetFull]),
            Kept::AsRegisters { .. } => ("register", vec![Level::Regular]),
        };
        Requirement { model: model.to_owned(), initial: Value::Null, levels, durable: self.kept != Kept::AsSets }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn made(served: &[&str], params: &[(&str, &str)]) -> Result<Set, WorkloadError> {
        let given: BTreeMap<String, String> =
            params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mix = info().mix.iter().map(|(kind, weight)| ((*kind).to_owned(), *weight)).collect();
        let load = Load { keys: 2, workers: 3, rate: 100.0, time: Duration::from_secs(30), open: false, mix };
        let streams = (0..3).map(ChaCha8Rng::seed_from_u64).collect();
        let served: Vec<String> = served.iter().map(|kind| (*kind).to_owned()).collect();
        Set::new(&Params::of(&info(), &given).unwrap(), &load, &served, streams)
    }

    /// All operations, each of which ends so.
    fn worked_off(set: &mut Set, ending: Ending) -> Vec<Invocation> {
        let (mut now, mut all, mut worker) = (Duration::ZERO, Vec::new(), 0);
        while let Next::Operation(Planned { invocation, due, .. }) = set.next(worker, now) {
            set.update(worker, &Ended { invocation: &invocation, ending, value: None });
            (now, worker) = (now.max(due), (worker + 1) % 3);
            all.push(invocation);
        }
        all
    }

    #[test]
    fn elements_are_added_once_and_removed_at_most_once_after_that() {
        let mut set = made(&["read", "write", "add", "remove", "delete"], &[]).unwrap();
        let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
        let operations = worked_off(&mut set, Ending::Ok);
        for Invocation { f, key, value } in &operations {
            let element = (key.to_string(), value.to_string());
            match &**f {
                "add" => assert!(added.insert(element)),
                "remove" => assert!(added.contains(&element) && removed.insert(element)),
                f => assert_eq!(f, "read"),
            }
        }
        assert!(added.len() > 900 && removed.len() > 200, "{} added, {} removed", added.len(), removed.len());
        assert_eq!(set.final_reads().len(), 2);
        assert_eq!(set.requirement().model, "set");
    }

    #[test]
    fn without_sets_each_element_is_a_register() {
        for (served, removal) in [(&["read", "write", "cas"][..], "write"), (&["read", "write", "delete"], "delete")] {
            let mut set = made(served, &[("elements", "300")]).unwrap();
            let operations = worked_off(&mut set, Ending::Ok);
            let count =
                |kind: &str, value: &Value| operations.iter().filter(|it| &*it.f == kind && it.value == *value).count();
            assert_eq!(count("write", &json!(true)), 300);
            assert!(count(removal, &Value::Null) > 200, "{}", count(removal, &Value::Null));
            assert_eq!(set.final_reads().len(), 300);
            assert_eq!(set.requirement().model, "register");
        }
    }

    #[test]
    fn what_was_not_acknowledged_is_not_removed() {
        for ending in [Ending::Fail, Ending::Info] {
            let mut set = made(&["read", "add", "remove"], &[]).unwrap();
            let operations = worked_off(&mut set, ending);
            assert!(operations.iter().all(|operation| &*operation.f != "remove"));
        }
    }

    #[test]
    fn a_system_that_can_do_neither_is_refused() {
        let refused = made(&["read", "write"], &[("as", "sets")]).unwrap_err();
        assert!(matches!(refused, WorkloadError::NotServed { needs, .. } if needs == "add"));
        let refused = made(&["read"], &[]).unwrap_err();
        assert!(matches!(refused, WorkloadError::NotServed { needs, .. } if needs == "write"));
    }
}
