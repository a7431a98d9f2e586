//! Regularity without inversions within a process (the form *MWR-ni* of Shao, Welch, Pierce and Lee, 2011): for each process there
//! is one order of all writes and of its own reads that extends real time and in which each of its reads returns the last
//! value written before it.
//!
//! Where a value names its write this is linearizability of the writes and one process's reads, for each process: their
//! clusters (`clusters`) must not have to come before each other (Gibbons and Korach). **Theorem.** Two clusters that the
//! process did not read never have to. One that it read has to come before and behind one that it did not read if and only if
//! that one's write began after the first had ended somewhere and ended before it last began; so the writes are sorted once,
//! and for each process only what it read is looked at: O(n log n). A crashed write that the process did not read may
//! stand behind everything.
//!
//! A session, where the history names sessions, counts as one process.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::{regular, regular_per_process};
//!
//! let recorder = Recorder::new();
//! recorder.invoke(1, Write("x", 4)).ok(());
//! let _writing = recorder.invoke(1, Write("x", 5));
//! recorder.invoke(2, Read("x")).ok(5);
//! recorder.invoke(2, Read("x")).ok(4); // the same process had seen 5
//! let (operations, model) = (recorder.history().operations().unwrap(), Register::new());
//! let options = Options::default();
//! assert_eq!(regular::check(&operations, &model, &options, &Unlimited).unwrap().outcome, Outcome::Valid);
//! assert_eq!(regular_per_process::check(&operations, &model, &options, &Unlimited).unwrap().outcome, Outcome::Invalid);
//! ```

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::history::{Operation, Who};
use crate::linearizability::{CheckError, Options};
use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::registers::ValueId;
use crate::verdict::Property;
use crate::weaker::Case;
use crate::weaker::by_key::{Found, Register, Words, judge};
use crate::weaker::clusters::{self, Cluster, observed};
use crate::weaker::intervals::Writes;
use crate::weaker::pairs;
use crate::zones::Point;

/// Judges each register of a history. The property is named `regular-per-process`.
pub fn check<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let words = Words {
        name: "regular-per-process",
        holds: "is regular within each process".to_owned(),
        broken: "is not regular within each process".to_owned(),
        route: "zones of each process",
    };
    Ok(judge(Case { operations, model, options, budget }, &words, |register, share| {
        Ok((of_register(register, share)?, ()))
    })?
    .0)
}

fn of_register<M: Model>(register: &Register<'_, '_, M>, share: &mut Share<'_>) -> Result<Found, Stop> {
    if let Some(obstacle) = clusters::obstacle(register) {
        return Ok(obstacle);
    }
    let bytes = Writes::bytes(register.calls.len());
    share.ask(bytes)?;
    let writes = Writes::of(register);
    // The cluster of each value that a process read, of its own reads alone.
    let mut of_process: FxHashMap<Who<'_>, FxHashMap<ValueId, Cluster>> = FxHashMap::default();
    let unread = clusters::all(register, |_| false);
    for (call, access) in register.accesses.accesses.iter().enumerate() {
        share.work(|| bytes)?;
        let Some(value) = observed(register, call, *access) else { continue };
        let own = of_process.entry(register.calls[call].operation.who()).or_default();
        own.entry(value).or_insert(unread[value as usize]).read(call, register.calls);
    }
    let mut processes: Vec<(u64, Vec<Cluster>)> = of_process
        .into_values()
        .map(|own| {
            let mut own: Vec<Cluster> = own.into_values().collect();
            own.sort_unstable_by_key(|cluster| cluster.value);
            let first = own.iter().filter_map(|cluster| cluster.last_read).map(|(begin, _)| begin).min();
            (first.unwrap_or(u64::MAX), own)
        })
        .collect();
    processes.sort_unstable_by_key(|&(first, _)| first);
    for (_, own) in &processes {
        share.work(|| bytes)?;
        if let Some((one, other)) = contradiction(register, &writes, &unread, own) {
            return Ok(Found::Broken(pairs::tell(register, &one, &other)));
        }
    }
    Ok(Found::Kept)
}

/// Two clusters that have to come before each other, one of them read by the process.
fn contradiction<M: Model>(
    register: &Register<'_, '_, M>,
    writes: &Writes,
    unread: &[Cluster],
    own: &[Cluster],
) -> Option<(Cluster, Cluster)> {
    let with_a_write = own.iter().find_map(|cluster| {
        let Point::At(last_begin) = cluster.last_begin() else { return None };
        let (begin, call) = writes.newest_before(last_begin)?;
        let other = register.accesses.accesses[call].produced().expect("it is a write");
        (cluster.first_end < Point::At(begin)).then_some((*cluster, unread[other as usize]))
    });
    with_a_write.or_else(|| pairs::contradiction(own))
}
