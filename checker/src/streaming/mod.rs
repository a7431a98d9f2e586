//! Linearizability of a history while it is being recorded: a violation is told as soon as the events that imply it are there.
//!
//! An event is processed once every operation on its key that was invoked before it has its completion, since only then is
//! known what has to be placed: what failed is dropped, what ended `ok` is known with its answer, and what ended `info` may happen
//! at any time from then on. So one operation that is long without an answer holds up its key; recorders give up after a
//! deadline, and so the wait is bounded. What is processed is walked along as the batch check's [search](crate::linearizability)
//! does, with the same code, and only with reductions that need no future: dominance, classes and greedy placing, but neither what
//! is dropped because nobody will see it nor what later answers prove.
//!
//! **Never wrong.** The processed events are a prefix of those of each key in which every operation has the completion that it
//! has in the whole history. The walk of the batch search along that prefix is the same, and does not depend on what follows it: so where
//! it finds no configuration, every history that goes on from here is a violation, and what is open now may end as it likes.
//!
//! **Memory** depends on what is open, what has crashed, and how many configurations that allows, never on what is over: inputs,
//! states and classes that nothing needs any more are forgotten. It grows with the number of keys. A key whose
//! configurations become too many is given up, and the check of the whole history has to decide about it.

mod leash;
mod object;
mod stream;

use crate::budget::{Budget, Exhausted};
use crate::history::Event;
use crate::linearizability::{CheckError, Options};
use crate::models::ModelSpec;
use crate::streaming::stream::Stream;
use crate::verdict::{Counterexample, Outcome, Property};
use serde_json::Value;

/// About how many steps may be spent on one event: so many times the search may place one operation in one configuration.
pub const EFFORT: u64 = 5_000_000;

/// What a follower found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The history is not linearizable, however it goes on.
    Violation(Violation),
    /// A key is not followed any further.
    GivenUp(GivenUp),
}

/// Why a history is not linearizable, as far as it is known while it grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Index of the event with which it became known. The history up to and including it is not linearizable.
    pub seen: u64,
    /// The time of that event, in nanoseconds since the start.
    pub seen_at: Option<u64>,
    /// The operation that has no place, what was open then, and why the states in which things may have stood refuse it.
    pub counterexample: Counterexample,
}

/// A key about which nothing is known from here on; that it has no violation does not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The key; none where there is one object only, or where it concerns all of them.
    pub key: Option<Value>,
    /// The index of the last event that was read.
    pub seen: u64,
    /// Why.
    pub why: Tired,
}

/// Why a key was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tired {
    /// There are too many ways in which things may stand: one event took more than the effort that is allowed for it.
    Effort,
    /// The budget ended.
    Budget(Exhausted),
}

/// How far a follower is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many events it was given.
    pub events: usize,
    /// How many keys it has met.
    pub keys: usize,
    /// How many of them were given up.
    pub given_up: usize,
    /// How many begins and ends of operations wait for the completion of one that was invoked before them.
    pub waiting: usize,
    /// How many configurations there are, over all keys.
    pub configurations: usize,
    /// About how many bytes it holds.
    pub bytes: usize,
}

/// Checks a history while it grows: see the module's head.
///
/// ```
/// use schism_checker::budget::Unlimited;
/// use schism_checker::history::Event;
/// use schism_checker::linearizability::Options;
/// use schism_checker::models::ModelSpec;
/// use schism_checker::streaming::{Follower, Found};
///
/// let model = ModelSpec::parse("register", &[].into())?;
/// let mut follower = Follower::new(&model, &Options::default());
/// let mut found = Vec::new();
/// for line in [
///     r#"{"index":0,"process":1,"type":"invoke","f":"write","value":5}"#,
///     r#"{"index":1,"process":1,"type":"ok","f":"write","value":5}"#,
///     r#"{"index":2,"process":2,"type":"invoke","f":"read","value":null}"#,
///     r#"{"index":3,"process":2,"type":"ok","f":"read","value":null}"#,
/// ] {
///     let event: Event = serde_json::from_str(line)?;
///     found.extend(follower.event(&event, &Unlimited)?);
/// }
/// let [Found::Violation(violation)] = &found[..] else { panic!("nobody wrote null after 5") };
/// assert_eq!(violation.seen, 3);
/// assert_eq!(violation.counterexample.because, ["cannot read null from register 5"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follower<'m>(Box<dyn Follow + 'm>);

/// What a follower does, whatever its model.
trait Follow {
    fn event(&mut self, event: &Event, budget: &dyn Budget) -> Result<Vec<Found>, CheckError>;
    fn finish(&mut self, budget: &dyn Budget) -> Result<Vec<Found>, CheckError>;
    fn standing(&self) -> Standing;
    fn settled(&self) -> Option<Property>;
}

impl<'m> Follower<'m> {
    /// Before the first event. Of the options, [`states_shown`](Options::states_shown), [`reductions`](Options::reductions) (those that
    /// need no future) and, for [`settled`](Follower::settled), `judged` and `trivially_valid` count; a compare-and-set that failed is dropped.
    pub fn new(model: &'m ModelSpec, options: &Options) -> Follower<'m> {
        Follower::with_effort(model, options, EFFORT)
    }

    /// Like [`new`](Follower::new), with another limit than [`EFFORT`] on the steps for one event.
    pub fn with_effort(model: &'m ModelSpec, options: &Options, effort: u64) -> Follower<'m> {
        Follower(match model {
            ModelSpec::Register(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::MultiRegister(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::Kv(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::Mutex(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::Semaphore(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::Set(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::Counter(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::Collection(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::AppendList(model) => Box::new(Stream::new(model, *options, effort)),
            ModelSpec::Log(model) => Box::new(Stream::new(model, *options, effort)),
        })
    }

    /// Takes the next event; what became known with it, usually nothing. A key with a violation is not followed any further.
    ///
    /// The budget is asked about memory and cancellation; where it ends, keys are given up, the largest first. An error
    /// means that the history cannot be checked at all, as in a batch check; no event may follow it.
    pub fn event(&mut self, event: &Event, budget: &dyn Budget) -> Result<Vec<Found>, CheckError> {
        self.0.event(event, budget)
    }

    /// There are no more events: what is open has crashed. What became known with that.
    pub fn finish(&mut self, budget: &dyn Budget) -> Result<Vec<Found>, CheckError> {
        self.0.finish(budget)
    }

    /// How far it is.
    pub fn standing(&self) -> Standing {
        self.0.standing()
    }

    /// After [`finish`](Follower::finish), where no key was given up and none has a violation: the property, as a batch check would
    /// give it, valid or vacuous.
    pub fn settled(&self) -> Option<Property> {
        self.0.settled()
    }
}

impl std::fmt::Debug for Follower<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Follower").field(&self.standing()).finish()
    }
}

impl Violation {
    /// The property that it breaks, where there is nobody to explain it better. `model` is the model's name.
    pub fn property(&self, model: &str, options: &Options) -> Property {
        let key = self.counterexample.key.as_ref().map(|key| match key {
            Value::String(key) => format!("key {key}; "),
            other => format!("key {other}; "),
        });
        Property {
            name: "linearizable".to_owned(),
            judged: options.judged,
            outcome: Outcome::Invalid,
            summary: format!("{model} is not linearizable ({}found while the history grew)", key.unwrap_or_default()),
            route: Some("frontier search".to_owned()),
            counterexample: Some(self.counterexample.clone()),
            suspects: Vec::new(),
            figures: serde_json::Map::new(),
        }
    }
}
