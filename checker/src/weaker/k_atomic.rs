//! k-atomicity (Aiyer, Alvisi and Bazzi, *On the availability of non-strict quorum systems*, 2005): there is an order of all
//! operations that extends real time and in which each read returns one of the last k values written before it. 1-atomic is
//! linearizable; a read that returns the last value but one makes a register 2-atomic at best.
//!
//! **How it is decided.** k = 1 by zones (Gibbons and Korach), O(n log n), and where values do not name their writes, or there are
//! compare-and-sets, by whatever judges [`linearizability`](mod@crate::linearizability). k = 2 by limited backtracking (`two_atomic`)
//! (Golab, Hurwitz and Li, 2013), O(n log n + c n) for c writes at a time. Beyond, the smallest k is bounded:
//!
//! - from below by the reads: in every order as many values stand between a read and its write as the read
//!   certainly lagged behind (`behind`), so k is at least one more;
//! - from above by orders: each order of the writes that extends real time has a k that it shows, and a few are tried.
//!
//! Where the k that is asked for lies below the first it is broken, where it does not lie below the second it is kept, between them it is
//! `unknown`. Deciding it for every k is an open problem. A compare-and-set that succeeded counts as a read of what it found
//! and a write of what it left.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::k_atomic;
//!
//! let recorder = Recorder::new();
//! recorder.invoke(1, Write("x", 4)).ok(());
//! recorder.invoke(1, Write("x", 5)).ok(());
//! recorder.invoke(2, Read("x")).ok(4); // one version behind
//! let operations = recorder.history().operations().unwrap();
//! let judge = |k| k_atomic::check(&operations, &Register::new(), k, &Options::default(), &Unlimited).unwrap();
//! assert_eq!((judge(1).outcome, judge(2).outcome), (Outcome::Invalid, Outcome::Valid));
//! assert_eq!((&judge(2).figures["k_at_least"], &judge(2).figures["k_at_most"]), (&2.into(), &2.into()));
//! ```

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::history::Operation;
use crate::linearizability::{self, CheckError, Options};
use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::{Counterexample, Property};
use crate::weaker::Case;
use crate::weaker::behind::{Lag, lags, quantiles};
use crate::weaker::by_key::{Found, Register, Words, judge};
use crate::weaker::clusters::{self, Cluster, happened};
use crate::weaker::two_atomic::is_two_atomic;
use crate::weaker::{pairs, two_atomic_core};
use crate::words;
use crate::zones::Point;

/// Judges whether each register of a history is `k`-atomic, k being at least 1. The property is named `k-atomic`.
pub fn check<M: Model>(
    operations: &[Operation],
    model: &M,
    k: usize,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let k = k.max(1);
    let words = Words {
        name: "k-atomic",
        holds: format!("is {k}-atomic"),
        broken: format!("is not {k}-atomic"),
        route: route(k),
    };
    let case = Case { operations, model, options, budget };
    let (mut property, all) = judge(case, &words, |register, share| of_register(register, k, options.explain, share))?;
    let figures: Vec<Figures> = all.into_iter().flatten().collect();
    if k == 1 {
        property = one_atomic(case, property)?;
    }
    add_figures(&mut property.figures, &figures);
    Ok(property)
}

fn route(k: usize) -> &'static str {
    match k {
        1 => "zones",
        2 => "limited backtracking",
        _ => "bounds",
    }
}

/// 1-atomic is linearizable: what judges that judges this, whatever the values and operations are.
fn one_atomic<M: Model>(case: Case<'_, M>, measured: Property) -> Result<Property, CheckError> {
    let Case { operations, model, options, budget } = case;
    let exact = linearizability::check_with(operations, model, options, budget)?;
    let figures = measured.figures;
    Ok(Property { name: measured.name, summary: format!("1-atomic: {}", exact.summary), figures, ..exact })
}

/// What is known of one register.
struct Figures {
    k_at_least: usize,
    k_at_most: usize,
    versions_behind: Vec<u64>,
}

fn add_figures(to: &mut Map<String, Value>, all: &[Figures]) {
    let behind: Vec<u64> = all.iter().flat_map(|it| it.versions_behind.iter().copied()).collect();
    let stale = behind.iter().filter(|&&versions| versions > 0).count();
    for (name, figure) in [
        ("reads", behind.len()),
        ("stale_reads", stale),
        ("k_at_least", all.iter().map(|it| it.k_at_least).max().unwrap_or(1)),
        ("k_at_most", all.iter().map(|it| it.k_at_most).max().unwrap_or(1)),
    ] {
        to.insert(name.to_owned(), figure.into());
    }
    let behind: Map<String, Value> =
        quantiles(behind).into_iter().map(|(name, versions)| (name.to_owned(), versions.into())).collect();
    to.insert("versions_behind".to_owned(), behind.into());
}

fn of_register<M: Model>(
    register: &Register<'_, '_, M>,
    k: usize,
    explain: bool,
    share: &mut Share<'_>,
) -> Result<(Found, Option<Figures>), Stop> {
    if let Some(obstacle) = clusters::obstacle(register) {
        return Ok((obstacle, None));
    }
    let bytes = register.calls.len() * 2 * size_of::<Cluster>();
    share.ask(bytes)?;
    let all = clusters::all(register, |_| true);
    let lags = lags(register, &all);
    share.ask(bytes)?;
    let held = share.hold(bytes);
    let known: Vec<Cluster> = all.iter().copied().filter(happened).collect();
    let one = pairs::contradiction(&known);
    let two = one.is_none() || is_two_atomic(&known, share)?;
    let worst = lags.iter().map(|lag| lag.versions).max().unwrap_or(0);
    let (k_at_least, k_at_most) = match (one, two) {
        (None, _) => (1, 1),
        (Some(_), true) => (2, 2),
        (Some(_), false) => ((worst + 1).max(3), at_most(&known)),
    };
    let found = match (k, one) {
        _ if k >= k_at_most => Found::Kept,
        _ if k >= k_at_least => {
            Found::Undecided(format!("the smallest k is at least {k_at_least} and at most {k_at_most}"))
        }
        _ if !explain => Found::Broken(Counterexample::default()),
        (1, Some((one, other))) => Found::Broken(pairs::tell(register, &one, &other)),
        _ if worst >= k => Found::Broken(tell(register, &all, &lags, k)),
        _ => Found::Broken(two_atomic_core::tell(register, &known, share)?),
    };
    share.release(held);
    let versions_behind = lags.iter().map(|lag| lag.versions as u64).collect();
    Ok((found, Some(Figures { k_at_least, k_at_most, versions_behind })))
}

/// The smallest k that one of a few orders of the writes shows, each of which extends real time.
///
/// In an order of the writes a read goes behind all that had taken effect before it began, so the k of the order is one more than the
/// most places by which such a write stands behind a write that was read. Sorting by `first_end`, or by `begin`, extends real
/// time, since a write that comes before another took effect before that one began.
fn at_most(known: &[Cluster]) -> usize {
    let orders: [Key; 3] = [
        |cluster| (cluster.first_end, cluster.begin),
        |cluster| (cluster.begin, cluster.first_end),
        // Between its begin and the moment at which it had certainly taken effect a write may stand anywhere.
        |cluster| (cluster.first_end.min(cluster.last_begin()), cluster.first_end),
    ];
    orders.into_iter().map(|key| shown_by(known, key)).min().unwrap_or(usize::MAX)
}

/// What writes are sorted by.
type Key = fn(&Cluster) -> (Point, Point);

fn shown_by(known: &[Cluster], key: Key) -> usize {
    let mut order: Vec<&Cluster> = known.iter().collect();
    order.sort_by_key(|cluster| (key(cluster), cluster.value));
    let mut ended: Vec<(Point, usize)> =
        order.iter().enumerate().map(|(place, cluster)| (cluster.first_end, place)).collect();
    ended.sort_unstable();
    for at in 1..ended.len() {
        ended[at].1 = ended[at].1.max(ended[at - 1].1);
    }
    let behind = order.iter().enumerate().filter_map(|(place, cluster)| {
        let (begin, _) = cluster.last_read?;
        let before = ended.partition_point(|&(end, _)| end < Point::At(begin));
        Some(before.checked_sub(1).map_or(0, |last| ended[last].1.saturating_sub(place)))
    });
    behind.max().unwrap_or(0) + 1
}

/// The first read that lagged behind at least `k` values: with its write, and the first `k` of these values.
fn tell<M: Model>(register: &Register<'_, '_, M>, all: &[Cluster], lags: &[Lag], k: usize) -> Counterexample {
    let Register { model, calls, accesses } = *register;
    let stale = lags.iter().filter(|lag| lag.versions >= k);
    let read = stale.min_by_key(|lag| calls[lag.read].end).expect("there is one").read;
    let source = all[accesses.accesses[read].observed().expect("it read something") as usize];
    let begin = Point::At(calls[read].operation.invoked);
    let mut newer: Vec<&Cluster> =
        all.iter().filter(|other| other.begin > source.first_end && other.first_end < begin).collect();
    newer.sort_unstable_by_key(|cluster| (cluster.begin, cluster.value));
    newer.truncate(k);
    let sentence = |call: usize| words::sentence(model, &calls[call]);
    let mut shown = vec![read];
    shown.extend(source.write.into_iter().chain(source.first_to_end));
    let written = match source.first_to_end {
        None => "the initial value was there before".to_owned(),
        Some(call) => format!("its value had taken effect when {} ended", sentence(call)),
    };
    let mut because = vec![written];
    for cluster in &newer {
        shown.extend(cluster.write.into_iter().chain(cluster.first_to_end));
        let (write, seen) = (cluster.write.expect("it began after another"), cluster.first_to_end);
        let seen = seen.filter(|&seen| seen != write).map_or_else(String::new, |seen| format!(" ({})", sentence(seen)));
        because.push(format!("{} after that, and it had taken effect before the read began{seen}", sentence(write)));
    }
    because.push(format!("{}, so it was {k} versions behind, or more", sentence(read)));
    Counterexample { operations: pairs::rows(register, shown), because, ..Counterexample::default() }
}
