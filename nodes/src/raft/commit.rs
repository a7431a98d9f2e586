//! What leader and followers do alike: entries go into the log and into stable storage, and what is committed is applied (§5.3).

use std::sync::Arc;

use super::{Bug, Entry, Index, Raft, Record};
use crate::cx::Cx;
use crate::note::Note;

impl Raft {
    /// Adds entries to the log and to stable storage; the last index.
    pub(super) fn append_and_persist(&mut self, entries: Vec<Arc<Entry>>, cx: &mut Cx<'_, Self>) -> Index {
        let index = self.log.last_index() + 1;
        for entry in &entries {
            self.log.append(Arc::clone(entry));
        }
        let record = Record::Append { index, entries };
        if self.has(Bug::AckBeforeFsync) {
            self.acts(Bug::AckBeforeFsync, cx);
            cx.persist_lazily(record);
        } else {
            cx.persist(record);
        }
        self.log.last_index()
    }

    /// What a note tells of the log up to `index`.
    pub(super) fn with_prefix(&self, note: Note, index: Index) -> Note {
        let term = self.log.term(index).expect("what is noted is in the log");
        note.with("digest", self.log.digest(index)).with("index", index).with("term", term)
    }

    /// Notes which entries are committed and applied now, a note for those of each term.
    fn note_committed(&self, first: Index, last: Index, cx: &mut Cx<'_, Self>) {
        let mut next = first;
        while next <= last {
            let end = self.log.end_of_run(next, last);
            let note = Note::new("committed").with("current_term", self.term);
            cx.note(self.with_prefix(note, end).with("first", next));
            next = end + 1;
        }
    }

    /// "If commitIndex > lastApplied: increment lastApplied, apply log\[lastApplied\] to state machine" (§5.3).
    pub(super) fn commit(&mut self, index: Index, cx: &mut Cx<'_, Self>) {
        let first = self.commit_index + 1;
        self.commit_index = index;
        self.note_committed(first, index, cx);
        for index in first..=index {
            let entry = self.log.get(index).expect("the log has no gaps");
            let reply = self.machine.apply(index, &entry.command);
            self.answer_applied(index, reply, cx);
        }
        self.serve_confirmed_reads(cx);
    }
}
