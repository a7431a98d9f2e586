//! The checker of W + R > N: from what coordinators and replicas noted to the first rule that was broken, and why.
//!
//! A verdict on what clients saw says *that* a read was stale. This says which theorem's premise failed: quorums that did not
//! meet, an acknowledgement that was counted twice, a replica that forgot, a tag that was given twice. And it finds inversions that
//! nobody happened to see.
//!
//! [`Gatherer`] takes notes and makes [`Evidence`]; [`check`] judges it by what the configuration [`Promises`]. A rule that it does
//! not promise is measured. Evidence that contradicts itself or is incomplete is told under the name `evidence`, and what depends on it
//! is unknown, never kept.
//!
//! | | property | holds |
//! |-|-|-|
//! | QW QR | `write-quorum` `read-quorum` | enough different home replicas were counted |
//! | QH | `home-replicas` | and nobody else |
//! | QD | `durable-acks` | what they replied was on their stable storage |
//! | QI QWW | `quorums-meet` `writes-meet` | quorums intersect |
//! | QT QO | `unique-tags` `tag-order` | tags stand for one write each, and respect real time |
//! | QM | `tags-never-go-back` | replicas do not forget |
//! | QB | `written-back` | what a read returns no later read can miss |
//! | QF | `fresh-reads` | no read is stale |
//! | QS | `repair-keeps-newer` | repair undoes nothing, hints are not lost |
//! | DUR | `copies-survive` | finished writes outlive W − 1 losses |
//! | AVL | `reachable-quorum` | what is done could be done |
//!
//! One walk over each replica's notes, one look at each operation, one sweep over each key, each after sorting: O(E log E).

mod case;
mod causes;
mod clients;
mod evidence;
mod faults;
mod gather;
mod names;
mod promises;
#[cfg(feature = "formats")]
mod read;
mod replicas;
mod report;
mod rule;
mod rules;
mod seen;
mod soundness;
mod statistics;
mod tag;
mod tally;
mod told;
mod words;

use std::collections::BTreeMap;

pub use causes::{Cause, Lie};
pub use evidence::Evidence;
pub use gather::{Gatherer, Source};
pub use promises::{Level, Promises, Quorums};
#[cfg(feature = "formats")]
pub use read::{read, read_path, read_run};
pub use report::{Report, Ruled};
pub use rule::Rule;
pub use statistics::{Missed, Staleness, Statistics};
pub use tag::{Tag, Writer};
pub use tally::{Finding, Told, WITNESS_MAX};

use crate::history::History;
use crate::parallel;
use case::Case;
use replicas::walk;
use rules::{
    available, copies, durable_acks, fresh_reads, home, quorums_meet, read_quorum, repair, tag_order, unique_tags,
    write_quorum, writes_meet, written_back,
};
use tally::Tally;

/// Judges notes by what a configuration promises, with what clients saw.
pub fn check(gathered: Gatherer, history: &History, promises: &Promises) -> Report {
    let evidence = gathered.finish(history);
    let mut walked = walk(&evidence);
    let mut tallies: BTreeMap<Rule, Tally> = Rule::ALL.into_iter().map(|rule| (rule, Tally::default())).collect();
    let mut put = |rule: Rule, tally: Tally| tallies.insert(rule, tally);
    let mut repairs = std::mem::take(&mut walked.repairs);
    put(Rule::TagsNeverGoBack, std::mem::take(&mut walked.never_back));
    let case = Case::new(&evidence, promises, &walked);
    let mut statistics = Statistics {
        intersection_predicted: promises.quorums.intersection(),
        miss_probability: promises.quorums.miss_probability(),
        served_forgetful: walked.served_forgetful,
        ..Statistics::default()
    };
    let hints = repair::hints(&mut repairs, &evidence, promises, &walked);
    statistics.hints = [hints.kept, hints.delivered, hints.expired, hints.superseded, hints.lost];
    put(Rule::RepairKeepsNewer, repairs);
    let ([write, read, homes, durable, back], of_keys) =
        parallel::both(|| operations(&case), || keys(&case, &mut statistics));
    put(Rule::WriteQuorum, write);
    put(Rule::ReadQuorum, read);
    put(Rule::HomeReplicas, homes);
    put(Rule::DurableAcks, durable);
    put(Rule::WrittenBack, back);
    let mut tags = Tally::default();
    unique_tags::judge(&mut tags, &case);
    put(Rule::UniqueTags, tags);
    for (rule, tally) in of_keys {
        put(rule, tally);
    }
    let mut reachable = Tally::default();
    let clients = history.operations().unwrap_or_default();
    available::judge(&mut reachable, &case, &clients, &mut statistics.missed);
    put(Rule::ReachableQuorum, reachable);
    let mut defects = evidence.defects.clone();
    soundness::examine(&case, &mut defects);
    Report::new(&evidence, promises, tallies, defects, statistics)
}

/// The rules about single operations.
fn operations(case: &Case<'_>) -> [Tally; 5] {
    let mut tallies: [Tally; 5] = Default::default();
    let [write, read, homes, durable, back] = &mut tallies;
    for answered in case.answered() {
        write_quorum::judge(write, case, &answered);
        read_quorum::judge(read, case, &answered);
        home::judge(homes, case, &answered);
        durable_acks::judge(durable, case, &answered);
        written_back::judge(back, case, &answered);
    }
    tallies
}

/// The rules about the operations of a key.
fn keys(case: &Case<'_>, statistics: &mut Statistics) -> [(Rule, Tally); 5] {
    let seen = seen::by_key(case);
    let mut tallies: [Tally; 5] = Default::default();
    let [meet, writes, order, fresh, survive] = &mut tallies;
    for seen in &seen {
        quorums_meet::judge(meet, case, seen, &mut statistics.intersections);
        writes_meet::judge(writes, case, seen);
        tag_order::judge(order, case, seen);
        fresh_reads::judge(fresh, case, seen, &mut statistics.staleness);
        statistics::ack_sets(case, seen, &mut statistics.ack_sets);
        statistics::staleness(seen, &mut statistics.staleness);
    }
    statistics.staleness.nanoseconds.sort_unstable();
    copies::judge(survive, case, &seen, &mut statistics.copies_min);
    let rules = [Rule::QuorumsMeet, Rule::WritesMeet, Rule::TagOrder, Rule::FreshReads, Rule::CopiesSurvive];
    let mut tallies = tallies.into_iter();
    rules.map(|rule| (rule, tallies.next().unwrap_or_default()))
}
