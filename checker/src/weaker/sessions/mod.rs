//! The four session guarantees (Terry et al., *Session guarantees for weakly consistent replicated data*, 1994). Each write of a key
//! has a version; the versions of a key have an order, in which the initial value is the oldest.
//!
//! | | within a session | |
//! |---|---|---|
//! | read your writes | a write, then a read of the key | the read returns that version or a newer one |
//! | monotonic reads | a read, then a read of the key | the second returns the version of the first or a newer one |
//! | monotonic writes | a write, then a write of the key | the second has the newer version |
//! | writes follow reads | a read, then a write of the key | the write's version is newer than what was read |
//!
//! The last two say something about other keys as well. Whoever read a write w, and then reads another key, returns a version that is
//! no older than what w's session had written to that key before w (monotonic writes), or read there (writes follow
//! reads).
//!
//! **Sessions.** An operation comes before another one of its session if it ended `ok` before that was invoked; a crashed one comes before
//! nothing. A session is what the invocations name (`session`), else the process.
//!
//! **By versions.** Where every completion tells its version (`quorum.version`), each of these is looked up: a violation says that
//! the versions were assigned or served wrongly, and clients may not have been able to see it.
//!
//! **By values.** Otherwise the question is whether the versions can have had an order at all in which the guarantee holds.
//! Each demand says that one version is no newer than another, so there is such an order if and only if no two different
//! writes must each be no newer than the other: if no strongly connected component of the demands has two writes. Demands of
//! *everything before* go through nodes that stand for the newest of all that came before, so they are few: O(n p) for p sessions that
//! a session has read from, and O(n) without the demands on other keys.
//!
//! One order of versions for all sessions follows from `CCv`, and so from sequential consistency, but not from causal consistency alone: there
//! two sessions may see two concurrent writes in different orders. A read of what nobody wrote has no version and breaks all four.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::sessions;
//!
//! let recorder = Recorder::new();
//! recorder.invoke(1, Write("x", 5)).ok(());
//! recorder.invoke(1, Read("x")).ok(None::<u8>);
//! let (operations, model) = (recorder.history().operations().unwrap(), Register::new());
//! let options = Options::default();
//! let own = sessions::read_your_writes(&operations, &model, &options, &Unlimited).unwrap();
//! assert_eq!(own.outcome, Outcome::Invalid);
//! assert_eq!(sessions::monotonic_reads(&operations, &model, &options, &Unlimited).unwrap().outcome, Outcome::Valid);
//! ```

mod demands;
mod explain;
mod versions;

use crate::budget::Budget;
use crate::history::Operation;
use crate::linearizability::{CheckError, Options};
use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::Property;
use crate::weaker::Case;
use crate::weaker::by_key::Words;
use crate::weaker::graph::Graph;
use crate::weaker::whole::{Verdict, Whole, judge};

use demands::{Demands, Guarantee};

/// Judges whether each session reads what it wrote, or something newer. The property is named `read-your-writes`.
pub fn read_your_writes<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    check(Case { operations, model, options, budget }, "read-your-writes", Guarantee::READ_YOUR_WRITES)
}

/// Judges whether no session reads something older than it has read. The property is named `monotonic-reads`.
pub fn monotonic_reads<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    check(Case { operations, model, options, budget }, "monotonic-reads", Guarantee::MONOTONIC_READS)
}

/// Judges whether the writes of each session take effect in their order. The property is named `monotonic-writes`.
pub fn monotonic_writes<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    check(Case { operations, model, options, budget }, "monotonic-writes", Guarantee::MONOTONIC_WRITES)
}

/// Judges whether writes take effect after what their session had read. The property is named `writes-follow-reads`.
pub fn writes_follow_reads<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    check(Case { operations, model, options, budget }, "writes-follow-reads", Guarantee::WRITES_FOLLOW_READS)
}

fn check<M: Model>(case: Case<'_, M>, name: &'static str, guarantee: Guarantee) -> Result<Property, CheckError> {
    let mut words =
        Words { name, holds: format!("keeps {name}"), broken: format!("does not keep {name}"), route: "values" };
    let mut sessions = 0;
    let mut property = judge(case, &mut words, |whole, words, share| {
        sessions = whole.sessions;
        of_history(whole, guarantee, words, share)
    })?;
    property.figures.insert("sessions".to_owned(), sessions.into());
    Ok(property)
}

fn of_history<M: Model>(
    whole: &Whole<'_, '_, M>,
    guarantee: Guarantee,
    words: &mut Words,
    share: &mut Share<'_>,
) -> Result<Verdict, Stop> {
    let demands = Demands::of(whole, guarantee, share)?;
    if let Some((read, write)) = demands.from_the_future {
        return Ok(Verdict::Broken(explain::from_the_future(whole, read, write)));
    }
    let ranks = versions::ranks(whole);
    if let Some(ranks) = &ranks {
        words.route = "versions";
        if let Some(broken) = demands.broken_by(ranks) {
            let graph = Graph::new(demands.nodes, demands.edges);
            return Ok(Verdict::Broken(explain::versions(whole, &graph, &broken)));
        }
        // An order that keeps every demand has been found.
        if ranks.differ {
            return Ok(Verdict::Kept);
        }
    }
    let writes = whole.op_of_write.len();
    let graph = Graph::new(demands.nodes, demands.edges);
    let bytes = 2 * graph.bytes();
    share.ask(bytes)?;
    let components = graph.components();
    share.ask(bytes)?;
    let mut first = vec![None; demands.nodes];
    let pair = (0..).zip(&components[..writes]).find_map(|(write, &component)| {
        let other = first[component as usize].replace(write)?;
        Some((other, write))
    });
    Ok(match pair {
        None => Verdict::Kept,
        Some(pair) => Verdict::Broken(explain::cycle(whole, &graph, &components, pair)),
    })
}
