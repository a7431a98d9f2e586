//! What an object is supposed to do: [`Model`], the trait that a user of the library implements for an object of their own.
//!
//! A model is a sequential specification: an initial state, and for each operation the state after it or the reason why
//! it cannot happen. It knows nothing of concurrency, crashes or searching.

mod action;

use std::fmt::Debug;
use std::hash::Hash;

use serde_json::Value;

pub use action::{
    Action, CollectionAction, CountAction, Discipline, ListAction, LockAction, LockKind, LogAction, SetAction,
};

use crate::history::{Ending, Operation};

/// A sequential object: what its operations do and which answers they may give.
///
/// Four methods are needed: [`name`](Model::name), [`initial`](Model::initial), [`input`](Model::input) and
/// [`step`](Model::step). The others have safe defaults; overriding them makes checks faster and their reports better, and
/// each says what it promises. A promise that is not kept makes wrong verdicts.
///
/// # Example: a counter that is added to and read
///
/// ```
/// use schism_checker::budget::Unlimited;
/// use schism_checker::history::{Ending, Operation};
/// use schism_checker::linearizability::{Options, check_with};
/// use schism_checker::model::Model;
/// use schism_checker::verdict::Outcome;
///
/// struct Counter;
///
/// /// An operation with its answer, as the model understands it.
/// #[derive(Clone, PartialEq, Eq, Hash, Debug)]
/// enum Count {
///     Add(i64),
///     Read(Option<i64>), // nothing where nobody knows the answer
/// }
///
/// impl Model for Counter {
///     type State = i64;
///     type Input = Count;
///
///     fn name(&self) -> &str {
///         "counter"
///     }
///     fn initial(&self) -> i64 {
///         0
///     }
///     fn input(&self, operation: &Operation) -> Result<Count, String> {
///         match &*operation.f {
///             "add" => operation.input.as_i64().map(Count::Add).ok_or("add needs a whole number".into()),
///             "read" => Ok(Count::Read(operation.output.as_ref().and_then(|answer| answer.as_i64()))),
///             other => Err(format!("a counter knows add and read, not {other}")),
///         }
///     }
///     fn step(&self, state: &i64, input: &Count) -> Result<i64, String> {
///         match input {
///             Count::Add(amount) => Ok(state + amount),
///             Count::Read(Some(answer)) if answer != state => Err(format!("cannot read {answer} from counter {state}")),
///             Count::Read(_) => Ok(*state),
///         }
///     }
/// }
///
/// let operation = |process, f: &str, input: i64, output: i64, invoked, completed| Operation {
///     process,
///     f: f.into(),
///     key: None,
///     input: input.into(),
///     output: Some(output.into()),
///     ending: Ending::Ok,
///     node: None,
///     invoked,
///     completed: Some(completed),
///     invoked_at: None,
///     completed_at: None,
///     error: None,
///     session: None,
///     version: None,
/// };
/// let history = [operation(0, "add", 2, 2, 0, 1), operation(1, "read", 0, 3, 2, 3)];
/// let property = check_with(&history, &Counter, &Options::default(), &Unlimited).unwrap();
/// assert_eq!(property.outcome, Outcome::Invalid);
/// assert_eq!(property.counterexample.unwrap().because, ["cannot read 3 from counter 2"]);
/// ```
pub trait Model: Sync {
    /// All that later operations can depend on.
    type State: Clone + Eq + Hash + Debug;
    /// An operation together with its answer. Two that are equal must do the same in every state: crashed operations
    /// with equal inputs are counted, not told apart. So where the process matters (the owner of a lock), it is part of
    /// the input.
    type Input: Clone + Eq + Hash + Debug + Send + Sync;

    /// Its name, as in `counter is not linearizable`.
    fn name(&self) -> &str;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Understands a recorded operation, or says in a few words why it cannot.
    ///
    /// Only operations that ended `ok` or `info` are asked about. After `info` the answer is unknown (`output` is none):
    /// the input must then allow every answer.
    fn input(&self, operation: &Operation) -> Result<Self::Input, String>;

    /// The state after `input` happened in `state`, or in the model's words why it cannot happen there: `cannot read 3
    /// from register 0`.
    fn step(&self, state: &Self::State, input: &Self::Input) -> Result<Self::State, String>;

    /// Whether `input` changes **no** state in which it is legal. A read does not; a write does, even where it happens to
    /// write what is there already. Such an operation is placed as soon as it is legal, and forgotten when it crashed.
    fn is_pure(&self, input: &Self::Input) -> bool {
        let _ = input;
        false
    }

    /// Whether there is a state that refuses `input`. A check in which no answered operation could have been refused
    /// shows nothing, and is called vacuous.
    fn can_refuse(&self, input: &Self::Input) -> bool {
        let _ = input;
        true
    }

    /// Whether every operation touches the object named by its `key` and no other, so that each key is checked alone.
    fn partitions_by_key(&self) -> bool {
        false
    }

    /// Which part of the object `input` touches, by a number; none where it may touch all of it.
    ///
    /// Operations on different parts must not notice each other: whichever happens first, both are legal or not as if they
    /// were alone, and the state afterwards is the same. So the order between them need not be searched. Two parts may
    /// share a number (a hash will do), which only costs time.
    fn part(&self, input: &Self::Input) -> Option<u64> {
        let _ = input;
        None
    }

    /// With which others `input` can be left out of an order, so that a violation can be shown without them.
    fn strand(&self, input: &Self::Input) -> Strand {
        self.part(input).map_or(Strand::All, Strand::Of)
    }

    /// For an object that holds one value, which is read, replaced, or compared and replaced: what `input` does with it.
    ///
    /// A model that gives an [`Access`] for each of its operations promises that [`step`](Model::step) does exactly that,
    /// and gets the linear algorithm for registers. It has to give [`register_initial`](Model::register_initial) too.
    fn access<'a>(&self, input: &'a Self::Input) -> Option<Access<&'a Value>> {
        let _ = input;
        None
    }

    /// The value at the beginning, for a model that gives an [`access`](Model::access) for its operations.
    fn register_initial(&self) -> Option<&Value> {
        None
    }

    /// For an object of a well-known kind: what `input` does with it.
    ///
    /// A model that gives an [`Action`] for each of its operations gets the algorithm for that kind of object, where its
    /// assumptions hold: no value put in twice, for example.
    fn action<'a>(&self, input: &'a Self::Input) -> Option<Action<'a>> {
        let _ = input;
        None
    }

    /// What was done, in words for a person: `wrote 5`, `tried to write 7 (unknown)`.
    fn describe(&self, input: &Self::Input, ending: Ending) -> String {
        match ending {
            Ending::Ok | Ending::Fail => format!("{input:?}"),
            Ending::Info => format!("{input:?} (unknown)"),
        }
    }

    /// About how many bytes a state holds, its heap included; it counts towards the budget of memory.
    fn state_bytes(&self, state: &Self::State) -> usize {
        size_of_val(state)
    }
}

/// What of an order can be left out together with an operation: see [`Model::strand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strand {
    /// Whatever order of operations is legal, it stays legal when all operations with this number are left out, and perhaps
    /// some crashed ones of [`Strand::None`], as long as it has none of [`Strand::All`]: in a queue those that put in or take
    /// out one value, and the crashed one that took it. Two strands may share a number.
    Of(u64),
    /// It goes with no others, and does not mind what is left out: what found a queue empty does so without a value as well.
    None,
    /// It can notice that something was left out.
    All,
}

/// What an operation does with the one value of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access<V> {
    /// It returned this value.
    Read(V),
    /// It returned nothing that could be checked.
    ReadAny,
    /// It replaced the value, whatever that was.
    Write(V),
    /// It found `from`, and replaced it by `to`.
    Cas {
        /// The value that had to be there.
        from: V,
        /// The value afterwards.
        to: V,
    },
}

impl<V> Access<V> {
    /// The value that is there afterwards because of it.
    pub(crate) fn produced(self) -> Option<V> {
        match self {
            Access::Write(value) | Access::Cas { to: value, .. } => Some(value),
            Access::Read(_) | Access::ReadAny => None,
        }
    }

    /// The value without which it would not be legal.
    pub(crate) fn observed(self) -> Option<V> {
        match self {
            Access::Read(value) | Access::Cas { from: value, .. } => Some(value),
            Access::Write(_) | Access::ReadAny => None,
        }
    }

    /// The same on other names for the values.
    pub(crate) fn map<W>(self, mut name: impl FnMut(V) -> W) -> Access<W> {
        match self {
            Access::Read(value) => Access::Read(name(value)),
            Access::ReadAny => Access::ReadAny,
            Access::Write(value) => Access::Write(name(value)),
            Access::Cas { from, to } => Access::Cas { from: name(from), to: name(to) },
        }
    }
}
