//! A replica: it keeps the newest version of each register that it has seen, and its tags never go back.

use std::collections::BTreeMap;

use super::Nwr;
use super::message::{Record, Version};
use crate::cx::Cx;
use crate::digest::Digest;
use crate::note::Note;
use crate::protocol::Dump;

/// What one node keeps.
#[derive(Debug, Default)]
pub(super) struct Replica {
    registers: BTreeMap<String, Version>,
    /// How many of this life's records are superseded.
    wasted: usize,
}

impl Replica {
    /// What survived a crash.
    pub(super) fn fold(records: Vec<Record>) -> Self {
        let mut replica = Replica::default();
        for Record::Store { key, version } in records {
            replica.keep(key, version);
        }
        replica
    }

    /// The newest version here.
    pub(super) fn query(&self, key: &str) -> Option<Version> {
        self.registers.get(key).cloned()
    }

    /// Keeps a version unless it has that or a newer one; stored before anyone is told.
    pub(super) fn store(&mut self, key: &str, version: &Version, cx: &mut Cx<'_, Nwr>) {
        if self.registers.get(key).is_some_and(|kept| kept.tag >= version.tag) {
            return;
        }
        cx.persist(Record::Store { key: key.to_owned(), version: version.clone() });
        let note = Note::new("stored").with("key", key).with("tag", version.tag.json());
        cx.note(note.with("digest", Digest::of(&version.value).to_string()));
        self.keep(key.to_owned(), version.clone());
    }

    fn keep(&mut self, key: String, version: Version) {
        if self.registers.insert(key, version).is_some() {
            self.wasted += 1;
        }
    }

    /// The values by key.
    pub(super) fn dump(&self) -> Dump {
        self.registers.iter().map(|(key, version)| (key.clone(), version.value.clone())).collect()
    }

    /// How many registers it keeps.
    pub(super) fn len(&self) -> usize {
        self.registers.len()
    }

    /// One record for each register, if that is less than half.
    pub(super) fn compacted(&self) -> Option<Vec<Record>> {
        (self.wasted > self.registers.len()).then(|| {
            let versions = self.registers.iter();
            versions.map(|(key, version)| Record::Store { key: key.clone(), version: version.clone() }).collect()
        })
    }
}
