//! Algorithms for objects of well-known kinds, each polynomial and exact where its assumption holds; elsewhere the search
//! decides.
//!
//! Each module states its theorem, from where it is, and what it assumes. What is used by all: an operation has a moment
//! between its invocation and its end; one comes before another only if its end is less than the other's begin, so operations
//! that share an event are concurrent; a crashed operation has no end, and need not happen.

mod blocks;
mod chains;
mod collection;
mod counting;
mod cover;
mod elements;
mod longest_read;
mod offsets;
mod priority;
mod queue;
mod sections;
mod snapshots;
mod stack;
mod stretches;

use crate::call::Call;
use crate::meter::{Share, Stop};
use crate::model::{Action, Model};
use crate::registers::RegisterCalls;
use crate::sorting;
use crate::verdict::Counterexample;
use crate::words;

pub(crate) use elements::Elements;
pub(crate) use longest_read::Guided;

/// What an algorithm found out.
pub(crate) struct Decided {
    /// The algorithm's name.
    pub(crate) route: &'static str,
    /// None where there is a linearization.
    pub(crate) contradiction: Option<Contradiction>,
}

/// Operations that contradict each other, with the reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// Which calls, each once.
    pub(crate) calls: Vec<usize>,
    /// A sentence a line.
    pub(crate) because: Vec<String>,
    /// How many more there are to say.
    pub(crate) untold: usize,
}

impl Contradiction {
    /// These calls contradict each other.
    fn new(calls: impl IntoIterator<Item = usize>, because: impl Into<String>) -> Contradiction {
        let mut calls: Vec<usize> = calls.into_iter().collect();
        calls.sort_unstable();
        calls.dedup();
        Contradiction { calls, because: vec![because.into()], untold: 0 }
    }

    fn and(mut self, because: impl Into<String>) -> Contradiction {
        self.because.push(because.into());
        self
    }

    /// And what there is to tell of each of these; of many, of the first and the last ones.
    fn and_of_each<T>(mut self, all: &[T], tell: impl Fn(&T) -> String) -> Contradiction {
        let (first, last) = if all.len() > SHOWN { (SHOWN / 2, all.len() - SHOWN / 2) } else { (0, 0) };
        self.because.extend(all[..first].iter().chain(&all[last..]).map(tell));
        self.untold += last - first;
        self
    }

    /// As it is shown, without the key.
    pub(crate) fn tell<M: Model>(self, model: &M, calls: &[Call<'_, M::Input>]) -> Counterexample {
        let (mut shown, mut because) = (self.calls, self.because);
        sorting::sort_by_key(&mut shown, &|call| (calls[call].operation.invoked, call));
        // Some contradictions need many operations, such as all appends of a log; the ends of the story are told.
        let (hidden, untold) = (cut(&mut shown), self.untold + cut(&mut because));
        let more = [(hidden, "operations"), (untold, "reasons")].into_iter().filter(|&(count, _)| count > 0);
        let more: Vec<String> = more.map(|(count, what)| format!("{count} more {what}")).collect();
        if !more.is_empty() {
            because.push(format!("{} are not shown", more.join(" and ")));
        }
        let operations = shown.into_iter().map(|call| words::witness(model, &calls[call], String::new())).collect();
        Counterexample { operations, because, ..Counterexample::default() }
    }
}

/// No more operations than this are shown, nor more reasons.
const SHOWN: usize = 40;

/// Takes out the middle of what is too long, and says how many that were.
fn cut<T>(all: &mut Vec<T>) -> usize {
    let hidden = all.len().saturating_sub(SHOWN);
    if hidden > 0 {
        all.drain(SHOWN / 2..SHOWN / 2 + hidden);
    }
    hidden
}

/// When an operation may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    begin: u64,
    /// `NEVER` where it crashed.
    end: u64,
}

/// After every event.
const NEVER: u64 = u64::MAX;

/// The calls of an object with its words for them, whatever its model: the algorithms are the same for all, and are
/// compiled once.
trait History {
    /// How many there are.
    fn calls(&self) -> usize;

    /// When a call may have happened.
    fn span(&self, call: usize) -> Span;

    /// `process 1 enqueued 5 at n1`.
    fn sentence(&self, call: usize) -> String;

    /// How long after the end of `one` `other` began, where the clock was recorded.
    fn gap(&self, one: usize, other: usize) -> Option<String>;

    /// Nobody knows whether it happened.
    fn crashed(&self, call: usize) -> bool {
        self.span(call).end == NEVER
    }

    /// `<one>, and that was over before <other>`.
    fn in_order(&self, one: usize, other: usize) -> String {
        let gap = self.gap(one, other).map_or_else(|| "was over".to_owned(), |gap| format!("ended {gap}"));
        format!("{}, and that {gap} before {}", self.sentence(one), self.sentence(other))
    }
}

/// The calls of a model.
struct Calls<'h, 'c, M: Model> {
    model: &'h M,
    calls: &'h [Call<'c, M::Input>],
}

impl<M: Model> History for Calls<'_, '_, M> {
    fn calls(&self) -> usize {
        self.calls.len()
    }

    fn span(&self, call: usize) -> Span {
        let call = &self.calls[call];
        Span { begin: call.operation.invoked, end: call.end.unwrap_or(NEVER) }
    }

    fn sentence(&self, call: usize) -> String {
        words::sentence(self.model, &self.calls[call])
    }

    fn gap(&self, one: usize, other: usize) -> Option<String> {
        words::gap(&self.calls[one], &self.calls[other])
    }
}

/// Decides with the algorithm for this kind of object; none where there is none, or its assumption does not hold.
pub(crate) fn decide<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    // The last number of all stands for what never happens.
    if calls.iter().any(|call| call.operation.invoked == NEVER || call.end == Some(NEVER)) {
        return Ok(None);
    }
    let history = Calls { model, calls };
    if let Some(registers) = RegisterCalls::of(model, calls) {
        return chains::decide(&history, &registers, share);
    }
    let Some(actions) = calls.iter().map(|call| model.action(&call.input)).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    share.ask(size_of_val(&*actions))?;
    match actions.first() {
        Some(&Action::Collection(discipline, _)) => collection::decide(&history, &actions, discipline, share),
        Some(Action::Set(_)) => snapshots::decide(&history, &actions, share),
        Some(Action::Count(_)) => counting::decide(&history, &actions, share),
        Some(&Action::Lock(kind, _)) => sections::decide(&history, &actions, kind, share),
        Some(Action::Log(_)) => offsets::decide(&history, &actions, share),
        // Along the longest read they are searched.
        None | Some(Action::List(_)) => Ok(None),
    }
}
