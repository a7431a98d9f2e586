//! The frontier search: decides for any model whether the calls of one object are linearizable.
//!
//! It walks along the recorded order and keeps the set of all configurations in which things may stand (Lowe's
//! just-in-time linearization as a graph search): the model's state, which of the open operations have been placed, and
//! which crashed ones were used up. Open operations are placed only in order to make one possible that is about to return; at
//! its return each configuration in which it has no place dies. When none is left the history is not linearizable, and since
//! a prefix is enough to know that, the operation that just returned is the one to show.
//!
//! Memory is linear in the history and otherwise depends on what is open at the same time, never on what is over: a slot
//! of the mask is free again when its operation returns, a crashed operation that every configuration has used is forgotten,
//! and states that no configuration is in are collected.
//!
//! Reductions keep the frontier small; each can be switched off, and each says where it is written why it is sound:
//! dominance ([`frontier`]), classes ([`timeline`]), greedy placing of pure operations and the order between parts of an object
//! ([`walk`]), and what is known of crashed operations on registers, before the search ([`crashed`]) and meanwhile ([`observers`]).
//!
//! Nothing is walked twice: that a state was possible while the operation was open that has no place is known from when
//! things last stood in it.

mod available;
pub(crate) mod crashed;
pub(crate) mod explain;
mod frontier;
pub(crate) mod linearise;
mod mask;
mod observers;
pub(crate) mod places;
mod states;
mod timeline;
mod used;
pub(crate) mod walk;

use crate::call::Call;
use crate::meter::{Share, Stop};
use crate::model::Model;
pub(crate) use crate::search::timeline::CallId;
use crate::search::timeline::{Moment, Timeline};
use crate::search::walk::{Ended, Walk};

/// Which reductions a search uses. All of them are sound; switching them off makes it slower, never different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, for tests and for measuring")]
pub struct Reductions {
    /// Forget a configuration when another one has done as much with fewer crashed operations.
    pub dominance: bool,
    /// Count crashed operations that do the same, instead of telling them apart, and place open ones in the order of their ends.
    pub classes: bool,
    /// Place an operation that never changes a state as soon as it is legal.
    pub greedy: bool,
    /// Drop a crashed write or compare-and-set whose value nobody could have seen, and use others only where somebody can
    /// (registers only).
    pub drop_unobserved: bool,
    /// A crashed operation whose value was read has happened before that read ended (registers only).
    pub evidence: bool,
    /// Place only what touches the same part of the object as the operation that is about to return.
    pub parts: bool,
}

impl Default for Reductions {
    fn default() -> Reductions {
        Reductions { dominance: true, classes: true, greedy: true, drop_unobserved: true, evidence: true, parts: true }
    }
}

/// How a search ended.
pub(crate) struct Search<S> {
    pub(crate) end: End<S>,
    /// The most configurations that were held at the same time.
    pub(crate) peak_configurations: usize,
}

/// What a search found out.
pub(crate) enum End<S> {
    Linearizable,
    Stuck(Stuck<S>),
    /// It was told to stop when this many calls had returned and found a place.
    Stopped {
        why: Stop,
        placed: usize,
    },
}

/// Why there is no linearization.
pub(crate) struct Stuck<S> {
    /// The call that cannot be placed.
    pub(crate) call: usize,
    /// States in which things may have stood between its begin and its end, and which refuse it. All different; the first
    /// ones that were met.
    pub(crate) refusing: Vec<S>,
    /// How many states refuse it, shown or not.
    pub(crate) refusing_count: usize,
    /// How many states would have allowed it; there another operation that ended before had no place then.
    pub(crate) allowing_count: usize,
}

/// Searches for a linearization of `calls`, which are those of one object. `states_shown` bounds the states of
/// [`Stuck`].
pub(crate) fn search<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    reductions: Reductions,
    states_shown: usize,
    share: &mut Share<'_>,
) -> Search<M::State> {
    let timeline = Timeline::new(calls, reductions.classes);
    let held = share.hold(timeline.bytes());
    let mut walk = Walk::new(model, &timeline, reductions);
    let walked = along(&mut walk, &timeline, share);
    let peak_configurations = walk.peak();
    let end = match walked {
        Walked::ToTheEnd => End::Linearizable,
        Walked::Stopped { why, placed } => End::Stopped { why, placed },
        Walked::Stuck { call, states } => {
            End::Stuck(stuck(model, calls, call as usize, states.into_iter(), states_shown))
        }
    };
    share.release(held);
    Search { end, peak_configurations }
}

/// How far a walk came.
enum Walked<S> {
    ToTheEnd,
    Stuck { call: CallId, states: Vec<S> },
    Stopped { why: Stop, placed: usize },
}

fn along<M: Model>(
    walk: &mut Walk<'_, M, &M::Input>,
    timeline: &Timeline<'_, M::Input>,
    share: &mut Share<'_>,
) -> Walked<M::State> {
    let mut placed = 0;
    for &moment in &timeline.moments {
        match moment {
            Moment::Begin { call } => {
                walk.begin(call, timeline.input_of[call as usize], timeline.end_of[call as usize]);
            }
            Moment::Crash { class } => walk.crash(class),
            Moment::End { call } => match walk.end(call, share) {
                Ok(Ended::Placed) => placed += 1,
                Ok(Ended::Stuck { states }) => return Walked::Stuck { call, states },
                Err(why) => return Walked::Stopped { why, placed },
            },
        }
    }
    Walked::ToTheEnd
}

/// What is to be told of a call that cannot be placed in any of these states.
pub(crate) fn stuck<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    call: usize,
    states: impl Iterator<Item = M::State>,
    states_shown: usize,
) -> Stuck<M::State> {
    let mut stuck = Stuck { call, refusing: Vec::new(), refusing_count: 0, allowing_count: 0 };
    for state in states {
        if model.step(&state, &calls[call].input).is_ok() {
            stuck.allowing_count += 1;
        } else {
            stuck.refusing_count += 1;
            if stuck.refusing.len() < states_shown {
                stuck.refusing.push(state);
            }
        }
    }
    stuck
}
