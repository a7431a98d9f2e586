//! Δ-atomicity (Golab, Li and Shah, *Analyzing consistency properties for fun and profit*, 2011): how stale reads were, in time.
//! A register is Δ-atomic if it would be linearizable had every read begun Δ earlier, though not before the write of its value.
//! The smallest such Δ is its staleness; Δ = 0 is linearizable.
//!
//! **How it is decided.** Moving the reads earlier changes only when each [cluster](super::clusters) last began, and the earlier
//! that is, the fewer clusters have to come before each other; so the smallest Δ is found by halving, with the test of zones each time:
//! O(n log n + w log T) for w writes and a history of T nanoseconds. It is no less than the staleness of any read: the time
//! between the moment at which a newer value had certainly taken effect and the begin of the read. Mostly it is the largest of those,
//! which is tried first. It may be more, where two reads disagree about the order of two writes that overlap.
//!
//! Order is that of the events; time measures only how far apart they are, so every event needs one, and times must not contradict the order of
//! events. Two events at the same time are concurrent once anything is moved. A compare-and-set that succeeded counts as a
//! read of what it found and a write of what it left.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::history::{Ending, Operation};
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Register;
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::staleness;
//!
//! let operation = |f: &str, value: u64, invoked: u64, milliseconds: u64| Operation {
//!     process: invoked,
//!     f: f.into(),
//!     key: None,
//!     input: value.into(),
//!     output: Some(value.into()),
//!     ending: Ending::Ok,
//!     node: None,
//!     invoked,
//!     completed: Some(invoked + 1),
//!     invoked_at: Some(milliseconds * 1_000_000),
//!     completed_at: Some((milliseconds + 1) * 1_000_000),
//!     error: None,
//!     session: None,
//!     version: None,
//! };
//! let history = [operation("write", 4, 0, 0), operation("write", 5, 2, 10), operation("read", 4, 4, 30)];
//! let judge = |bound_ms| staleness::check(&history, &Register::new(), bound_ms, &Options::default(), &Unlimited).unwrap();
//! assert_eq!(judge(None).figures["delta_ms"], 19.0); // 5 was acknowledged at 11 ms
//! assert_eq!((judge(Some(19)).outcome, judge(Some(18)).outcome), (Outcome::Valid, Outcome::Invalid));
//! ```

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::call::Call;
use crate::history::Operation;
use crate::linearizability::{CheckError, Options};
use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::{Counterexample, Property};
use crate::weaker::Case;
use crate::weaker::behind::{Lag, lags, milliseconds, quantiles};
use crate::weaker::by_key::{Found, Register, Words, judge};
use crate::weaker::clusters::{self, Cluster, happened};
use crate::weaker::pairs;

/// When something happened, and the index of its event; before 0 for what was there at the beginning.
type Moment = (i64, u64);

/// Measures how stale the reads of each register of a history were. The property is named `staleness`. It is kept where no
/// register was staler than `bound_ms`, or, without a bound, where every read returned something that had been written by then.
pub fn check<M: Model>(
    operations: &[Operation],
    model: &M,
    bound_ms: Option<u64>,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let holds =
        bound_ms.map_or_else(|| "is stale by some finite time".to_owned(), |ms| format!("is at most {ms} ms stale"));
    let broken = bound_ms
        .map_or_else(|| "returned what was not written".to_owned(), |ms| format!("is not at most {ms} ms stale"));
    let words = Words { name: "staleness", holds, broken, route: "zones moved in time" };
    let most_ns = bound_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000_000));
    let case = Case { operations, model, options, budget };
    let (mut property, all) =
        judge(case, &words, |register, share| of_register(register, most_ns, options.explain, share))?;
    let figures: Vec<Figures> = all.into_iter().flatten().collect();
    if !figures.is_empty() {
        add_figures(&mut property.figures, &figures);
    }
    Ok(property)
}

/// What is known of one register.
struct Figures {
    delta_ns: i64,
    stale_ns: Vec<u64>,
}

fn add_figures(to: &mut Map<String, Value>, all: &[Figures]) {
    let stale: Vec<u64> = all.iter().flat_map(|it| it.stale_ns.iter().copied()).collect();
    to.insert("reads".to_owned(), stale.len().into());
    to.insert("stale_reads".to_owned(), stale.iter().filter(|&&ns| ns > 0).count().into());
    let delta = all.iter().map(|it| it.delta_ns).max().unwrap_or(0);
    to.insert("delta_ms".to_owned(), milliseconds(delta.unsigned_abs()));
    let stale: Map<String, Value> =
        quantiles(stale).into_iter().map(|(name, ns)| (name.to_owned(), milliseconds(ns))).collect();
    to.insert("stale_ms".to_owned(), stale.into());
}

fn of_register<M: Model>(
    register: &Register<'_, '_, M>,
    bound_ns: Option<i64>,
    explain: bool,
    share: &mut Share<'_>,
) -> Result<(Found, Option<Figures>), Stop> {
    if let Some(obstacle) = clusters::obstacle(register) {
        return Ok((obstacle, None));
    }
    if let Some(why) = without_times(register.calls) {
        return Ok((Found::Undecided(why.to_owned()), None));
    }
    let bytes = register.calls.len() * (2 * size_of::<Cluster>() + size_of::<Timed>());
    share.ask(bytes)?;
    let all = clusters::all(register, |_| true);
    let stale_ns: Vec<u64> = lags(register, &all).iter().map(|lag| staleness_ns(register.calls, lag)).collect();
    share.ask(bytes)?;
    let known: Vec<Cluster> = all.into_iter().filter(happened).collect();
    let timed = Timed::all(&known, register.calls);
    let at_least = stale_ns.iter().max().map_or(0, |&ns| i64::try_from(ns).unwrap_or(i64::MAX));
    let delta_ns = smallest(&timed, at_least, bytes, share)?;
    let found = match bound_ns {
        Some(bound) if delta_ns > bound && !explain => Found::Broken(Counterexample::default()),
        Some(bound) if delta_ns > bound => {
            let (one, other) = contradiction(&timed, bound).expect("a smaller one does not do");
            let mut told = pairs::tell(register, &known[timed[one].number], &known[timed[other].number]);
            let moved = format!("and so it is even if every read began {} ms earlier", bound / 1_000_000);
            told.because.push(moved);
            Found::Broken(told)
        }
        _ => Found::Kept,
    };
    Ok((found, Some(Figures { delta_ns, stale_ns })))
}

/// How long the value of a read had certainly been replaced when it began.
fn staleness_ns<I>(calls: &[Call<'_, I>], lag: &Lag) -> u64 {
    let since = lag.since.and_then(|call| calls[call].operation.completed_at);
    let begin = calls[lag.read].operation.invoked_at;
    since.zip(begin).map_or(0, |(since, begin)| begin.saturating_sub(since))
}

/// Why the times cannot measure anything.
fn without_times<I>(calls: &[Call<'_, I>]) -> Option<&'static str> {
    let mut events: Vec<(u64, Option<u64>)> = Vec::with_capacity(2 * calls.len());
    for call in calls {
        events.push((call.operation.invoked, call.operation.invoked_at));
        events.extend(call.end.map(|end| (end, call.operation.completed_at)));
    }
    events.sort_unstable();
    let mut last = 0;
    for (_, time) in events {
        let Some(time) = time.filter(|&time| i64::try_from(time).is_ok()) else {
            return Some("not every event has a time");
        };
        if time < last {
            return Some("the times contradict the order of the events");
        }
        last = time;
    }
    None
}

/// A cluster in time.
struct Timed {
    /// Its number among those that are known.
    number: usize,
    first_end: Moment,
    /// When its write began.
    begin: Moment,
    last_read: Option<Moment>,
}

impl Timed {
    /// By their first ends.
    fn all<I>(known: &[Cluster], calls: &[Call<'_, I>]) -> Vec<Timed> {
        let moment =
            |event: u64, time: Option<u64>| (time.and_then(|time| i64::try_from(time).ok()).unwrap_or(0), event);
        let began = |call: usize| moment(calls[call].operation.invoked, calls[call].operation.invoked_at);
        let ended = |call: usize| moment(calls[call].end.unwrap_or(0), calls[call].operation.completed_at);
        let beginning = (i64::MIN, 0);
        let mut all: Vec<Timed> = known
            .iter()
            .enumerate()
            .map(|(number, cluster)| Timed {
                number,
                first_end: cluster.first_to_end.map_or(beginning, ended),
                begin: cluster.write.map_or(beginning, began),
                last_read: cluster.last_read.map(|(_, call)| began(call)),
            })
            .collect();
        all.sort_unstable_by_key(|timed| (timed.first_end, timed.number));
        all
    }

    /// When it last began, had every read begun so much earlier.
    fn last_begin(&self, earlier_ns: i64) -> Moment {
        let moved = |(time, event): Moment| if earlier_ns == 0 { (time, event) } else { (time - earlier_ns, 0) };
        self.last_read.map_or(self.begin, |read| self.begin.max(moved(read)))
    }
}

fn contradiction(timed: &[Timed], earlier_ns: i64) -> Option<(usize, usize)> {
    pairs::contradicting(timed.iter().map(|it| (it.first_end, it.last_begin(earlier_ns))))
}

/// The smallest time by which reads have to be moved, which is known to be at least so much.
fn smallest(timed: &[Timed], at_least: i64, bytes: usize, share: &mut Share<'_>) -> Result<i64, Stop> {
    let mut low = at_least;
    // Had each read begun with its write, no two clusters would have to come before each other.
    let mut high = timed.iter().filter_map(|it| it.last_read).map(|(time, _)| time).max().unwrap_or(0).max(low) + 1;
    let mut next = low;
    while low < high {
        share.ask(bytes)?;
        if contradiction(timed, next).is_none() {
            high = next;
        } else {
            low = next + 1;
        }
        next = i64::midpoint(low, high);
    }
    Ok(low)
}
