//! A node's stable storage: what was written, and how much of it was synced. A kill takes nothing; a loss of power leaves
//! what was synced and a share of the bytes behind it, torn in the middle of a frame.

use schism_nodes::driver::frame::{self, Scan};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cluster::Disk as Damage;
use crate::cluster::disk::share_of;

/// See the module's head.
#[derive(Clone, Debug)]
pub(crate) struct Disk<R> {
    records: Vec<R>,
    synced: usize,
}

impl<R: Clone + Serialize + DeserializeOwned> Disk<R> {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Disk { records: Vec::new(), synced: 0 }
    }

    /// What was written, oldest first.
    pub(crate) fn records(&self) -> &[R] {
        &self.records
    }

    /// Writes a record.
    pub(crate) fn write(&mut self, record: R) {
        self.records.push(record);
    }

    /// Makes all that was written durable.
    pub(crate) fn sync(&mut self) {
        self.synced = self.records.len();
    }

    /// Does to the disk of a dead node what is asked, and says what was done.
    pub(crate) fn damage(&mut self, damage: Damage) -> Value {
        match damage {
            Damage::Keep => json!({}),
            Damage::Tear { share } => self.tear(share),
            Damage::Wipe => {
                let wiped = self.records.len();
                *self = Disk::new();
                json!({ "wiped": wiped })
            }
        }
    }

    /// Encodes what was not synced as the log of a real node does, cuts that, and reads it again.
    fn tear(&mut self, share: f64) -> Value {
        let written = self.records.len();
        let mut bytes = Vec::new();
        for record in &self.records[self.synced..] {
            frame::append(&mut bytes, |buffer| serde_json::to_writer(buffer, record))
                .expect("a protocol's records can be written as JSON");
        }
        let kept = share_of(bytes.len() as u64, share);
        bytes.truncate(usize::try_from(kept).expect("no more than there were"));
        let Scan::Sound { payloads, .. } = frame::scan(&bytes) else {
            unreachable!("a prefix of good frames is sound")
        };
        self.records.truncate(self.synced);
        let read = |payload| serde_json::from_slice(&bytes[payload]).expect("what a protocol wrote it can read");
        self.records.extend(payloads.into_iter().map(read));
        json!({ "synced": self.synced, "written": written, "kept": self.records.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(written: &[&str], synced: usize) -> Disk<String> {
        let mut disk = Disk::new();
        for (place, record) in written.iter().enumerate() {
            if place == synced {
                disk.sync();
            }
            disk.write((*record).to_owned());
        }
        disk
    }

    #[test]
    fn a_tear_keeps_whole_frames_of_the_share_and_all_that_was_synced() {
        // Frames of 8 + 3 bytes each: three of them are not synced.
        for (share, left) in [(0.0, 1), (0.3, 1), (0.34, 2), (0.66, 2), (0.67, 3), (0.99, 3), (1.0, 4)] {
            let mut disk = disk(&["a", "b", "c", "d"], 1);
            let proof = disk.damage(Damage::Tear { share });
            assert_eq!((disk.records().len(), proof["kept"].as_u64()), (left, Some(left as u64)), "share {share}");
        }
    }

    #[test]
    fn a_kill_takes_nothing_and_a_wipe_all() {
        let mut disk = disk(&["a", "b"], 1);
        disk.damage(Damage::Keep);
        assert_eq!(disk.records().len(), 2);
        disk.damage(Damage::Wipe);
        assert!(disk.records().is_empty());
    }
}
