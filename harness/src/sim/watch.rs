//! Who listens to the notes of a run: the invariants of the whole cluster, and whoever wants to know which deliberate bugs
//! have acted.

use std::collections::BTreeMap;
use std::sync::Arc;

use schism_checker::invariants::{self, Invariant};
use schism_checker::note;
use schism_checker::quorum::{Gatherer, Source};
use schism_checker::verdict::Property;
use schism_nodes::note::Fields;
use schism_nodes::{Incarnation, Note};
use serde_json::Value;

/// A note with its maker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted<'a> {
    /// Who made it.
    pub(crate) node: &'a Arc<str>,
    /// In which of its lives.
    pub(crate) incarnation: Incarnation,
    /// When, in nanoseconds of the history's clock.
    pub(crate) time: u64,
    /// What it says.
    pub(crate) note: &'a Note,
}

/// What a note says, for those who do not know the nodes.
#[derive(Debug)]
struct Said<'a>(&'a Fields);

impl invariants::Fields for Said<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Watch {
    invariants: Vec<Invariant>,
    acted: BTreeMap<String, u64>,
    /// For the rules of quorums, which ask for what clients saw as well.
    gatherer: Option<Gatherer>,
    /// Every note, for who asks for them all.
    kept: Option<Vec<note::Note>>,
}

impl Watch {
    /// The rules for a system, by the name of its protocol, each looking at every note.
    pub fn of(protocol: &str) -> Self {
        let gatherer = (protocol == "nwr").then(Gatherer::default);
        Watch { gatherer, ..Watch::new(invariants::of(protocol)) }
    }

    /// Rules that look at every note.
    pub fn new(invariants: Vec<Invariant>) -> Self {
        Watch { invariants, acted: BTreeMap::new(), gatherer: None, kept: None }
    }

    /// The same, and every note is kept.
    #[must_use]
    pub fn keeping(self) -> Self {
        Watch { kept: Some(Vec::new()), ..self }
    }

    /// A node made a note.
    pub(crate) fn hear(&mut self, noted: &Noted<'_>) {
        let &Noted { node, incarnation, time, note } = noted;
        if note.name == "bug"
            && let Some(bug) = note.fields.get("bug").and_then(Value::as_str)
        {
            match self.acted.get_mut(bug) {
                Some(times) => *times += 1,
                None => drop(self.acted.insert(bug.to_owned(), 1)),
            }
        }
        if self.invariants.is_empty() && self.gatherer.is_none() && self.kept.is_none() {
            return;
        }
        if let Some(gatherer) = &mut self.gatherer {
            // In virtual time no note is lost, so that nobody counts them.
            gatherer.note(&Source { node, incarnation, seq: 0, time }, &note.name, note.fields.iter());
        }
        if let Some(kept) = &mut self.kept {
            let fields = note.fields.iter().map(|(field, value)| (field.to_owned(), value.clone())).collect();
            let (name, extra) = (note.name.as_ref().into(), serde_json::Map::new());
            kept.push(note::Note { node: node.clone(), incarnation, seq: 0, time, name, fields, extra });
        }
        let said = &Said(&note.fields);
        let noted = invariants::Noted::new(node, incarnation, time, &note.name, said);
        for invariant in &mut self.invariants {
            invariant.note(&noted);
        }
    }

    /// What became of the invariants. In virtual time no note is lost.
    pub(crate) fn properties(&self) -> Vec<Property> {
        self.invariants.iter().map(|invariant| invariant.property(true)).collect()
    }

    /// The notes that were kept.
    pub(crate) fn take_kept(&mut self) -> Vec<note::Note> {
        self.kept.take().unwrap_or_default()
    }

    /// What was gathered for the rules of quorums.
    pub(crate) fn take_gathered(&mut self) -> Option<Gatherer> {
        self.gatherer.take()
    }

    /// How often each deliberate bug has acted.
    pub(crate) fn acted(&self) -> &BTreeMap<String, u64> {
        &self.acted
    }
}
