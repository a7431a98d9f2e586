//! Reads and writes of unique values by sessions: some stay with a node, some ask another one each time.
//!
//! Within a session a client has expectations of its own (read your writes, monotonic reads and writes, writes follow
//! reads); across sessions it has none. A **sticky** worker asks the same node for a session long, which ends when an operation
//! does not end `ok`: from the outside a dead node, one behind a cut and one that refuses look alike, and the worker goes to
//! the next one. A **roaming** worker asks another node with each operation, and goes on with its session whatever becomes of one. Both
//! end a session after a drawn number of operations. Every session has a process of its own at least.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_checker::history::Ending;
use schism_checker::weaker::Level;
use serde_json::{Value, json};

use crate::draws::Draws;
use crate::load::{Load, Turn};
use crate::params::Params;
use crate::register;
use crate::workload::{
    Contact, Ended, Invocation, Next, Planned, Requirement, Workload, WorkloadError, WorkloadInfo, WorkloadParameter,
};

const NAME: &str = "session";
const KINDS: [&str; 2] = ["read", "write"];
/// How many operations a session has on average, where nobody says.
const OPERATIONS: usize = 20;

/// What the workload says of itself.
pub(crate) fn info() -> WorkloadInfo {
    WorkloadInfo {
        name: NAME,
        about: "reads and writes of unique values by sessions that end, of workers that stay with a node and of such that roam",
        kinds: &KINDS,
        mix: &[("read", 60), ("write", 40)],
        parameters: &[
            WorkloadParameter {
                name: "keys",
                values: "a number from 1",
                default: "--keys",
                about: "how many registers",
            },
            WorkloadParameter {
                name: "roam",
                values: "half|none|all",
                default: "half",
                about: "which workers ask another node with each operation",
            },
            WorkloadParameter {
                name: "operations",
                values: "a number from 1",
                default: "20",
                about: "how many operations a session has on average",
            },
        ],
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Session {
    keys: usize,
    draws: Draws<2>,
    /// Sessions have up to twice as many operations, less one.
    operations: usize,
    clients: Vec<Client>,
}

/// What a worker is in.
#[derive(Debug)]
struct Client {
    roams: bool,
    /// The number of its session, from 1; none before the first.
    number: u64,
    name: Arc<str>,
    /// How many operations the session has left.
    left: usize,
    /// It has to find another node.
    moves: bool,
}

impl Session {
    /// A workload whose worker `i` draws from `streams[i]`, for a system that serves `served`.
    pub(crate) fn new(
        params: &Params<'_>,
        load: &Load,
        served: &[String],
        streams: Vec<ChaCha8Rng>,
    ) -> Result<Self, WorkloadError> {
        let roam = params.word("roam")?;
        let operations = params.number("operations", OPERATIONS)?;
        let draws = Draws::of_served(NAME, KINDS, load, served, streams)?;
        let client = |place: usize| Client {
            // Every other one, counted so that each node has workers of both sorts pinned to it.
            roams: [place >= load.workers.div_ceil(2), false, true][roam],
            number: 0,
            name: "".into(),
            left: 0,
            moves: false,
        };
        let clients = (0..load.workers).map(client).collect();
        Ok(Session { keys: load.keys, draws, operations, clients })
    }
}

impl Workload for Session {
    fn next(&mut self, worker: usize, now: Duration) -> Next {
        let Some((kind, Turn { due, unique, rng })) = self.draws.next(worker, now) else { return Next::Done };
        let key = format!("x{}", rng.random_range(1..=self.keys));
        let length = rng.random_range(1..2 * self.operations);
        let further = rng.random();
        let client = &mut self.clients[worker];
        if client.left == 0 {
            client.number += 1;
            client.name = format!("s{}.{}", worker + 1, client.number).into();
            client.left = length;
        }
        client.left -= 1;
        let contact = match (client.roams, std::mem::take(&mut client.moves)) {
            (true, _) => Contact::Another(further),
            (false, true) => Contact::Another(0),
            (false, false) => Contact::Same,
        };
        let value = if kind == "write" { json!(unique) } else { Value::Null };
        let invocation = Invocation { f: kind.into(), key: key.into(), value };
        Next::Operation(Planned { invocation, due, contact, session: Some(client.name.clone()) })
    }

    fn update(&mut self, worker: usize, ended: &Ended<'_>) {
        let client = &mut self.clients[worker];
        if !client.roams && ended.ending != Ending::Ok {
            (client.left, client.moves) = (0, true);
        }
    }

    fn final_reads(&self) -> Vec<Invocation> {
        register::reads_of_all(self.keys)
    }

    fn requirement(&self) -> Requirement {
        let levels =
            vec![Level::ReadYourWrites, Level::MonotonicReads, Level::MonotonicWrites, Level::WritesFollowReads];
        Requirement { model: "register".to_owned(), initial: Value::Null, levels, durable: false }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn workload(params: &[(&str, &str)]) -> Session {
        let given: BTreeMap<String, String> =
            params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mix = vec![("read".to_owned(), 1), ("write".to_owned(), 1)];
        let load = Load { keys: 2, workers: 4, rate: 100.0, time: Duration::from_secs(100), open: false, mix };
        let streams = (0..4).map(ChaCha8Rng::seed_from_u64).collect();
        let params = Params::of(&info(), &given).unwrap();
        Session::new(&params, &load, &KINDS.map(str::to_owned), streams).expect("the options are sound")
    }

    /// The next operation of a worker, which ends so.
    fn step(workload: &mut Session, worker: usize, ending: Ending) -> Planned {
        let Next::Operation(planned) = workload.next(worker, Duration::ZERO) else { panic!("the time is not over") };
        workload.update(worker, &Ended { invocation: &planned.invocation, ending, value: None });
        planned
    }

    #[test]
    fn half_of_the_workers_stay_and_half_of_them_roam() {
        let mut workload = workload(&[]);
        for worker in 0..4 {
            for _ in 0..100 {
                let planned = step(&mut workload, worker, Ending::Ok);
                assert_eq!(planned.contact == Contact::Same, worker < 2, "worker {worker}: {:?}", planned.contact);
            }
        }
        let contacts = |roam, worker| step(&mut self::workload(&[("roam", roam)]), worker, Ending::Ok).contact;
        assert_eq!(contacts("none", 3), Contact::Same);
        assert!(matches!(contacts("all", 0), Contact::Another(_)));
    }

    #[test]
    fn sessions_end_after_a_while_and_names_are_unique() {
        let mut workload = workload(&[("operations", "5")]);
        let mut sessions: BTreeMap<String, usize> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for worker in 0..4 {
            let mut last = String::new();
            for _ in 0..1_000 {
                let session =
                    step(&mut workload, worker, Ending::Ok).session.expect("everything is in a session").to_string();
                if session != last {
                    assert!(names.insert(session.clone()), "{session} began twice");
                    last.clone_from(&session);
                }
                *sessions.entry(session).or_default() += 1;
            }
        }
        assert!(sessions.values().all(|length| (1..10).contains(length)));
        assert!((700..900).contains(&sessions.len()), "{} sessions of 5 operations on average", sessions.len());
    }

    #[test]
    fn a_sticky_session_ends_with_its_node_and_a_roaming_one_does_not() {
        for (worker, ending) in [(0, Ending::Fail), (1, Ending::Info), (2, Ending::Fail), (3, Ending::Info)] {
            let mut workload = workload(&[("operations", "1000")]);
            let first = step(&mut workload, worker, ending);
            let second = step(&mut workload, worker, Ending::Ok);
            let third = step(&mut workload, worker, Ending::Ok);
            if worker < 2 {
                assert_ne!(first.session, second.session);
                assert_eq!((second.contact, third.contact), (Contact::Another(0), Contact::Same));
            } else {
                assert_eq!(first.session, second.session);
            }
            assert_eq!(second.session, third.session);
        }
    }
}
