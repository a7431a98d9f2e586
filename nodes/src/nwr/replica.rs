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

    /// Notes what a restart has found: what was stored before a death was perhaps not noted.
    pub(super) fn note_recovered(&self, cx: &mut Cx<'_, Nwr>) {
        for (key, version) in &self.registers {
            cx.note(Note::new("recovered").with("key", key.clone()).with("tag", version.tag.json()));
        }
        cx.note(Note::new("restarted").with("registers", self.registers.len()));
    }

    /// The newest version here.
    pub(super) fn query(&self, key: &str) -> Option<Version> {
        self.registers.get(key).cloned()
    }

    /// Keeps a version unless it has that or a newer one; durable before anyone is told, unless that is to be done
    /// `lazily`. Whether it is new.
    pub(super) fn store(&mut self, key: &str, version: &Version, lazily: bool, cx: &mut Cx<'_, Nwr>) -> bool {
        if self.registers.get(key).is_some_and(|kept| kept.tag >= version.tag) {
            return false;
        }
        let record = Record::Store { key: key.to_owned(), version: version.clone() };
        if lazily {
            cx.persist_lazily(record);
        } else {
            cx.persist(record);
        }
        let note = Note::new("stored").with("key", key).with("tag", version.tag.json());
        cx.note(note.with("digest", Digest::of(&version.value).to_string()));
        self.keep(key.to_owned(), version.clone());
        true
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
