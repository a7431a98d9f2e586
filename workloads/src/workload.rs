//! The one trait of all workloads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schism_checker::history::Ending;
use schism_checker::weaker::Level;
use serde_json::Value;

use crate::load::Load;
use crate::params::Params;
use crate::{append, durability, queue, register, session, set};

/// A pure state machine from seed and completions to invocations.
///
/// Operation k of a worker depends on the seed, the worker and k alone, and for a compare-and-set on the last value
/// seen: taking a worker or a fault away leaves the others as they were.
pub trait Workload: Send {
    /// What a worker does next, `now` after the start of the main phase. Asked again after each completion of that
    /// worker, and after each [`Next::Wait`].
    fn next(&mut self, worker: usize, now: Duration) -> Next;

    /// An operation of a worker ended.
    fn update(&mut self, worker: usize, ended: &Ended<'_>);

    /// What is read, at every node, when the system has come to rest after the last fault. Asked when the workers have ended.
    fn final_reads(&self) -> Vec<Invocation>;

    /// What the answers must be.
    fn requirement(&self) -> Requirement;
}

/// What a worker does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// An operation.
    Operation(Planned),
    /// Nothing before this time since the start.
    Wait {
        /// When to ask again.
        until: Duration,
    },
    /// Nothing any more.
    Done,
}

/// An operation that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What is asked.
    pub invocation: Invocation,
    /// When: a time since the start of the main phase, or at once if that is past.
    pub due: Duration,
    /// Which node is asked.
    pub contact: Contact,
    /// The session that it belongs to, if its worker has any. A new session begins with a new process.
    pub session: Option<Arc<str>>,
}

/// Which node a worker asks. A workload knows none by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// The one that it asked last, and at first the one that it is pinned to.
    Same,
    /// Another one than it asked last, where there are several: so many places further, from 0 for the next one, in a circle of those.
    Another(u32),
}

impl Contact {
    /// The place of the node among `nodes` of them, at least 1, for a worker that asked the one at `last`.
    pub fn place(self, last: usize, nodes: usize) -> usize {
        match self {
            Contact::Another(further) if nodes > 1 => (last + 1 + further as usize % (nodes - 1)) % nodes,
            Contact::Same | Contact::Another(_) => last % nodes,
        }
    }
}

/// What is asked, in the terms of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// What is done: `read`, `write`, `cas`.
    pub f: Arc<str>,
    /// To which object.
    pub key: Value,
    /// The value written; `[from, to]` for a compare-and-set; null for a read.
    pub value: Value,
}

/// An operation that ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// What was asked.
    pub invocation: &'a Invocation,
    /// How it ended.
    pub ending: Ending,
    /// The value read, for a read that ended `ok`.
    pub value: Option<&'a Value>,
}

/// What the answers to a workload must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The model that they are judged by, as `--model` names it.
    pub model: String,
    /// The value of a key that was never written.
    pub initial: Value,
    /// Other properties that the workload is made to show. They are measured, and judged by nobody.
    pub levels: Vec<Level>,
    /// Whether the final reads are to tell what became of the writes that were acknowledged. Needs registers.
    pub durable: bool,
}

/// What a workload says of itself, for `schism list`.
#[derive(Clone, Debug)]
pub struct WorkloadInfo {
    /// Its name.
    pub name: &'static str,
    /// A sentence.
    pub about: &'static str,
    /// What its workers do; a mix gives each a weight.
    pub kinds: &'static [&'static str],
    /// The weights where nobody gives any, of those that the system serves.
    pub mix: &'static [(&'static str, u32)],
    /// Its parameters.
    pub parameters: &'static [WorkloadParameter],
}

/// A parameter of a workload.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadParameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub values: &'static str,
    /// What it is where nobody says.
    pub default: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// The workloads that there are.
pub fn catalog() -> Vec<WorkloadInfo> {
    vec![register::info(), session::info(), set::info(), durability::info(), append::info(), queue::info()]
}

/// The weights of what a workload does where nobody gives any, for a system that serves `served`; none for a name that is none.
pub fn default_mix(name: &str, served: &[&str]) -> Vec<(String, u32)> {
    let catalog = catalog();
    let info = catalog.iter().find(|info| info.name == name);
    // A set does what it does with whatever there is.
    let is_done = |kind: &str| name == "set" || served.contains(&kind);
    let kinds = info.into_iter().flat_map(|info| info.mix).filter(|(kind, _)| is_done(kind));
    kinds.map(|(kind, weight)| ((*kind).to_owned(), *weight)).collect()
}

/// The workload of a name, for a system that serves `served`, whose worker `i` draws from `streams[i]`. The errors are an
/// unknown name, and parameters or a load that it cannot have.
pub fn make(
    name: &str,
    params: &BTreeMap<String, String>,
    load: Load,
    served: &[String],
    streams: Vec<ChaCha8Rng>,
) -> Result<Box<dyn Workload>, WorkloadError> {
    let catalog = catalog();
    let Some(info) = catalog.iter().find(|info| info.name == name) else {
        return Err(WorkloadError::Unknown {
            name: name.to_owned(),
            known: catalog.iter().map(|info| info.name).collect(),
        });
    };
    let params = Params::of(info, params)?;
    let load = Load { keys: params.number("keys", load.keys)?, ..load };
    Ok(match name {
        "set" => Box::new(set::Set::new(&params, &load, served, streams)?),
        "durability" => Box::new(durability::Durability::new(&params, &load, served, streams)?),
        "append" => Box::new(append::Append::new(&params, &load, served, streams)?),
        "queue" => Box::new(queue::Queue::new(&params, &load, served, streams)?),
        "session" => Box::new(session::Session::new(&params, &load, served, streams)?),
        _ => Box::new(register::Register::new(&load, served, streams)?),
    })
}

/// A workload that cannot be made as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// There is no such workload.
    #[error("there is no workload {name:?}; there are {}", known.join(", "))]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// It has no such parameter.
    #[error("workload {workload} has no parameter {parameter:?}; it has {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    Parameter {
        /// The workload.
        workload: &'static str,
        /// What was given.
        parameter: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A parameter's value is of no use.
    #[error("workload {workload} cannot take {parameter}={value}: it is {expected}")]
    Value {
        /// The workload.
        workload: &'static str,
        /// Its parameter.
        parameter: &'static str,
        /// What was given.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The system does not serve what the workload needs.
    #[error("workload {workload} needs requests of type {needs:?}; the system serves {serves:?}")]
    NotServed {
        /// The workload.
        workload: &'static str,
        /// What it needs.
        needs: String,
        /// What there is.
        serves: Vec<String>,
    },
    /// The mix names something that the workload does not do.
    #[error("the mix names {given:?}; workload {workload} does {known:?}")]
    Mix {
        /// The workload.
        workload: &'static str,
        /// What was given.
        given: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A number is out of its range.
    #[error("{what} must be {expected}")]
    Range {
        /// Which.
        what: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_node_is_never_the_same_where_there_are_several() {
        for nodes in 2..6 {
            for last in 0..nodes {
                let mut met: Vec<usize> = (0..10).map(|further| Contact::Another(further).place(last, nodes)).collect();
                assert!(
                    !met.contains(&last) && met.iter().all(|place| *place < nodes),
                    "{met:?} of {nodes} after {last}"
                );
                met.sort_unstable();
                met.dedup();
                assert_eq!(met.len(), nodes - 1, "all others are met");
            }
        }
        assert_eq!(Contact::Another(7).place(0, 1), 0);
        assert_eq!(Contact::Same.place(3, 5), 3);
        assert_eq!(Contact::Same.place(7, 5), 2, "more workers than nodes");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let load = || Load {
            keys: 1,
            workers: 1,
            rate: 0.0,
            time: Duration::from_secs(1),
            open: false,
            mix: vec![("read".to_owned(), 1)],
        };
        let wrong = |name: &str, key: &str, value: &str| {
            let params = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            make(name, &params, load(), &["read".to_owned()], Vec::new()).err().expect("it is refused").to_string()
        };
        assert_eq!(
            wrong("regster", "keys", "1"),
            "there is no workload \"regster\"; there are register, session, set, durability, append, queue"
        );
        assert_eq!(
            wrong("session", "rom", "1"),
            "workload session has no parameter \"rom\"; it has keys, roam, operations"
        );
        assert_eq!(wrong("session", "roam", "some"), "workload session cannot take roam=some: it is half|none|all");
        assert_eq!(
            wrong("session", "operations", "0"),
            "workload session cannot take operations=0: it is a number from 1"
        );
    }
}
