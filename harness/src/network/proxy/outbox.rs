//! The messages that only wait for their receiver's socket: their bytes in a row, so that many go out in one write.

use std::collections::VecDeque;
use std::time::Duration;

use schism_nodes::Incarnation;

/// More than this is given back to the allocator when the outbox is empty again, in bytes.
const KEPT_CAPACITY: usize = 1 << 20;
/// Bytes that are already written are taken away when there are this many of them.
const WRITTEN_MAX: usize = 1 << 16;

/// What is known of a message without its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parcel {
    /// When it was read from its sender.
    pub(super) sent: Duration,
    /// Its type, by its place in the link's list.
    pub(super) kind: u16,
    /// The request that caused it.
    pub(super) cause: Option<Box<str>>,
    /// Whether it is one of the controller's probes.
    pub(super) probe: bool,
    /// Whether it is the second copy of a duplicated message.
    pub(super) copy: bool,
    /// Which life of the sender it comes from.
    pub(super) incarnation: Incarnation,
    /// Its size in bytes, with the end of its line.
    pub(super) length: usize,
}

/// Messages in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// Up to here all of `bytes` is written.
    begin: usize,
    parcels: VecDeque<Parcel>,
    /// How much of the first parcel is written.
    head_written: usize,
}

impl Outbox {
    /// Appends a message with its whole line.
    pub(super) fn push(&mut self, parcel: Parcel, line: &[u8]) {
        debug_assert_eq!(parcel.length, line.len(), "a parcel is as long as its line");
        self.bytes.extend_from_slice(line);
        self.parcels.push_back(parcel);
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// The bytes that wait.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.begin..]
    }

    /// Some of the rest has been written: the messages that are thereby complete.
    pub(super) fn advance(&mut self, written: usize) -> impl Iterator<Item = Parcel> + use<> {
        self.begin += written;
        self.head_written += written;
        let mut complete = 0;
        for parcel in &self.parcels {
            if self.head_written < parcel.length {
                break;
            }
            self.head_written -= parcel.length;
            complete += 1;
        }
        let rest = self.parcels.split_off(complete);
        let done = std::mem::replace(&mut self.parcels, rest);
        self.tidy();
        done.into_iter()
    }

    /// Takes out all messages of which no byte is written yet. One whose first bytes have gone out has to be finished,
    /// or what follows it could not be read.
    pub(super) fn take_whole(&mut self) -> VecDeque<Parcel> {
        let kept = usize::from(self.head_written > 0);
        let head_rest = self.parcels.front().map_or(0, |head| kept * (head.length - self.head_written));
        self.bytes.truncate(self.begin + head_rest);
        let whole = self.parcels.split_off(kept);
        self.tidy();
        whole
    }

    /// Takes out everything. The connection cannot be used again if a message was half written.
    pub(super) fn take_all(&mut self) -> VecDeque<Parcel> {
        self.head_written = 0;
        self.begin = self.bytes.len();
        let all = std::mem::take(&mut self.parcels);
        self.tidy();
        all
    }

    /// The connection is gone: takes out the message that was half written, if one was.
    pub(super) fn take_head(&mut self) -> Option<Parcel> {
        if self.head_written == 0 {
            return None;
        }
        let head = self.parcels.pop_front()?;
        self.begin += head.length - self.head_written;
        self.head_written = 0;
        self.tidy();
        Some(head)
    }

    fn tidy(&mut self) {
        if self.begin == self.bytes.len() {
            self.begin = 0;
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            } else {
                self.bytes.clear();
            }
        } else if self.begin > WRITTEN_MAX && self.begin > self.bytes.len() / 2 {
            self.bytes.drain(..self.begin);
            self.begin = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(lines: &[&str]) -> Outbox {
        let mut outbox = Outbox::default();
        for (kind, line) in (0..).zip(lines) {
            let parcel = Parcel {
                sent: Duration::ZERO,
                kind,
                cause: None,
                probe: false,
                copy: false,
                incarnation: 1,
                length: line.len(),
            };
            outbox.push(parcel, line.as_bytes());
        }
        outbox
    }

    fn kinds(parcels: impl IntoIterator<Item = Parcel>) -> Vec<u16> {
        parcels.into_iter().map(|parcel| parcel.kind).collect()
    }

    #[test]
    fn a_message_is_complete_when_its_last_byte_is_written() {
        let mut outbox = outbox(&["one\n", "two\n", "three\n"]);
        assert_eq!(kinds(outbox.advance(3)), [] as [u16; 0]);
        assert_eq!(kinds(outbox.advance(5)), [0, 1]);
        assert_eq!(outbox.rest(), b"three\n");
        assert_eq!(kinds(outbox.advance(6)), [2]);
        assert!(outbox.is_empty() && outbox.rest().is_empty());
    }

    #[test]
    fn a_half_written_message_stays_when_whole_ones_are_taken_out() {
        let mut outbox = outbox(&["one\n", "two\n", "three\n"]);
        assert_eq!(kinds(outbox.advance(2)), [] as [u16; 0]);
        assert_eq!(kinds(outbox.take_whole()), [1, 2]);
        assert_eq!(outbox.rest(), b"e\n");
        assert_eq!(kinds(outbox.advance(2)), [0]);
    }

    #[test]
    fn whole_messages_outlive_their_connection() {
        let mut outbox = outbox(&["one\n", "two\n"]);
        assert_eq!(outbox.take_head(), None);
        assert_eq!(kinds(outbox.advance(1)), [] as [u16; 0]);
        assert_eq!(outbox.take_head().map(|head| head.kind), Some(0));
        assert_eq!(outbox.rest(), b"two\n");
        assert_eq!(kinds(outbox.take_all()), [1]);
        assert!(outbox.rest().is_empty());
    }
}
