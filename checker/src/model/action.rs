//! What an operation does, in the terms of the objects for which there is an algorithm faster than any search.

use serde_json::Value;

/// What an operation does with an object of a well-known kind. A model that gives one for each of its operations, all of the
/// same kind, promises that [`step`](super::Model::step) does exactly what is said here, from an object that is empty, zero
/// or free at the beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action<'a> {
    /// On a collection from which elements are taken in this order.
    Collection(Discipline, CollectionAction<'a>),
    /// On a set.
    Set(SetAction<'a>),
    /// On a number.
    Count(CountAction),
    /// On a lock that its holder alone gives back.
    Lock(LockKind, LockAction),
    /// On a list that grows at its end, and whose offsets count from 0.
    Log(LogAction<'a>),
    /// On a list that grows at its end, and is read as a whole.
    List(ListAction<'a>),
}

impl<'a> Action<'a> {
    /// The value that is there afterwards because of it.
    pub(crate) fn produced(self) -> Option<&'a Value> {
        match self {
            Action::Collection(_, CollectionAction::Insert(value))
            | Action::Set(SetAction::Add(value))
            | Action::Log(LogAction::Append { value, .. })
            | Action::List(ListAction::Append(value)) => Some(value),
            _ => None,
        }
    }

    /// The values without which it would not be legal.
    pub(crate) fn observed(self) -> &'a [Value] {
        match self {
            Action::Collection(_, CollectionAction::Take(value)) => std::slice::from_ref(value),
            Action::Set(SetAction::Snapshot(values))
            | Action::Log(LogAction::Entries { values, .. })
            | Action::List(ListAction::Read(values)) => values,
            _ => &[],
        }
    }
}

/// Which element of a collection is taken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discipline {
    /// The one that was put in first: a FIFO queue.
    First,
    /// The one that was put in last: a stack.
    Last,
    /// Any: a bag.
    Any,
    /// The smallest, all of them being whole numbers: a priority queue.
    Smallest,
    /// The largest, all of them being whole numbers.
    Largest,
}

/// What is done with a collection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CollectionAction<'a> {
    /// This element is put in.
    Insert(&'a Value),
    /// This element is taken out, as the first one by the collection's order.
    Take(&'a Value),
    /// Nothing is taken, since there is nothing.
    TakeNothing,
    /// Somebody takes the first one, if there is one; which, nobody knows.
    TakeUnknown,
}

/// What is done with a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SetAction<'a> {
    /// This element is put in, whether it is there or not.
    Add(&'a Value),
    /// Whatever it does depends on this element, and changes nothing of the others.
    Element(&'a Value),
    /// These are all elements, in an order that is the same for equal sets; each is there once.
    Snapshot(&'a [Value]),
    /// An answer that is no set: never possible.
    Nonsense,
    /// Nothing that could be checked, and nothing changes.
    Nothing,
}

/// What is done with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountAction {
    /// This is added.
    Add(i64),
    /// The number is this one.
    Read(i128),
    /// An answer that is no whole number: never possible.
    Nonsense,
    /// Nothing that could be checked, and nothing changes.
    Nothing,
}

/// What a lock does when its holder takes it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LockKind {
    /// It refuses.
    #[default]
    Owner,
    /// It counts, and is free when it was given back as often as it was taken.
    Reentrant,
    /// It refuses; and each time that it is taken it answers a number greater than all before.
    Fenced,
}

/// What is done with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockAction {
    /// This process takes it.
    Acquire {
        /// Who.
        process: u64,
        /// The number that it was given, if that is known; only fenced locks give one.
        fence: Option<i64>,
    },
    /// This process gives it back.
    Release {
        /// Who.
        process: u64,
    },
}

/// What is done with a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ListAction<'a> {
    /// This is added at the end.
    Append(&'a Value),
    /// These are all entries.
    Read(&'a [Value]),
    /// An answer that is no list: never possible.
    Nonsense,
    /// Nothing that could be checked, and nothing changes.
    Nothing,
}

/// What is done with a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogAction<'a> {
    /// An entry is added at the end.
    Append {
        /// The entry.
        value: &'a Value,
        /// How many entries there are before it, if that is known.
        offset: Option<u64>,
    },
    /// From this offset on there were these entries, perhaps followed by more.
    Entries {
        /// The offset of the first one.
        from: u64,
        /// At least one.
        values: &'a [Value],
    },
    /// There was nothing at this offset or behind it.
    End {
        /// The offset.
        from: u64,
    },
    /// An answer that fits no log: never possible.
    Nonsense,
    /// Nothing that could be checked, and nothing changes.
    Nothing,
}
