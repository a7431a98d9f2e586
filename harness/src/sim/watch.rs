//! Who listens to the notes of a run: the invariants of the whole cluster, and whoever wants to know which deliberate bugs
//! have acted.

use std::collections::BTreeMap;

use schism_checker::verdict::Property;
use schism_nodes::{Incarnation, NodeId, Note};

/// A rule about the whole cluster, as a fold over the notes of all nodes in the order of virtual time.
pub trait Invariant: Send {
    /// Takes account of a note.
    fn note(&mut self, noted: &Noted<'_>);

    /// Whether it is broken already, so that nothing more has to be looked at.
    fn is_broken(&self) -> bool;

    /// What became of it: valid, vacuous where no note concerned it, or invalid with its counterexample.
    fn property(&self) -> Property;
}

/// A note with its maker.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a> {
    /// Who made it.
    pub node: NodeId,
    /// In which of its lives.
    pub incarnation: Incarnation,
    /// When, in nanoseconds of the history's clock.
    pub time: u64,
    /// What it says.
    pub note: &'a Note,
}

/// See the module's head.
#[derive(Default)]
pub struct Watch {
    invariants: Vec<Box<dyn Invariant>>,
    acted: BTreeMap<String, u64>,
}

impl Watch {
    /// Folds that look at every note.
    pub fn new(invariants: Vec<Box<dyn Invariant>>) -> Self {
        Watch { invariants, acted: BTreeMap::new() }
    }

    /// A node made a note.
    pub(crate) fn hear(&mut self, noted: &Noted<'_>) {
        let note = noted.note;
        if note.name == "bug"
            && let Some(bug) = note.fields.get("bug").and_then(serde_json::Value::as_str)
        {
            match self.acted.get_mut(bug) {
                Some(times) => *times += 1,
                None => drop(self.acted.insert(bug.to_owned(), 1)),
            }
        }
        for invariant in &mut self.invariants {
            invariant.note(noted);
        }
    }

    /// What became of the invariants.
    pub(crate) fn properties(&self) -> Vec<Property> {
        self.invariants.iter().map(|invariant| invariant.property()).collect()
    }

    /// How often each deliberate bug has acted.
    pub(crate) fn acted(&self) -> &BTreeMap<String, u64> {
        &self.acted
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("acted", &self.acted).finish_non_exhaustive()
    }
}
