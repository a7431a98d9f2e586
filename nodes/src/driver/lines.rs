//! Lines on sockets: how bytes that came become lines of bounded length, and how lines wait, bounded, to be sent.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::ops::Range;

/// A piece of what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without its end.
    Whole(&'a [u8]),
    /// A line that is longer than the limit; it was thrown away. Told once, when the limit is passed or at its end.
    TooLong,
}

/// Cuts a stream of bytes into lines.
#[derive(Debug)]
pub(super) struct LineReader {
    bytes: Vec<u8>,
    /// Where the first line that was not taken begins.
    start: usize,
    /// Up to where no line ends.
    scanned: usize,
    /// The longest line that is kept, in bytes.
    limit: usize,
    /// The rest of a line that was too long is thrown away.
    skipping: bool,
}

impl LineReader {
    /// For lines of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        LineReader { bytes: Vec::new(), start: 0, scanned: 0, limit, skipping: false }
    }

    /// Another limit, for the lines that follow.
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes bytes that came.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line, if it came whole.
    pub(super) fn next_line(&mut self) -> Option<Line<'_>> {
        loop {
            let Some(length) = self.bytes[self.scanned..].iter().position(|&byte| byte == b'\n') else {
                self.scanned = self.bytes.len();
                return self.refuse_long_line();
            };
            let line = self.start..self.scanned + length;
            self.start = line.end + 1;
            self.scanned = self.start;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            return Some(if line.len() > self.limit { Line::TooLong } else { Line::Whole(&self.bytes[line]) });
        }
    }

    /// Throws away the begin of a line that is too long already, so that nobody can make us keep it.
    fn refuse_long_line(&mut self) -> Option<Line<'_>> {
        if !self.skipping && self.bytes.len() - self.start <= self.limit {
            return None;
        }
        self.bytes.clear();
        (self.start, self.scanned) = (0, 0);
        let told = std::mem::replace(&mut self.skipping, true);
        (!told).then_some(Line::TooLong)
    }
}

/// Lines that wait to be sent. When there are too many, the oldest whole one is dropped: the protocol never waits for a
/// socket.
#[derive(Debug)]
pub(super) struct OutQueue {
    bytes: Vec<u8>,
    /// Where in `bytes` the lines lie that wait, oldest first. The first may have been sent in part.
    lines: VecDeque<Range<usize>>,
    /// Bytes that wait.
    waiting: usize,
    /// Whether the first line was sent in part: it has to be finished.
    begun: bool,
    limit: OutLimit,
    /// The socket took no more: there is no use in trying before it says that it does.
    blocked: bool,
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutLimit {
    /// At most so many lines.
    pub(super) lines: usize,
    /// At most so many bytes.
    pub(super) bytes: usize,
}

impl OutQueue {
    /// An empty one.
    pub(super) fn new(limit: OutLimit) -> Self {
        OutQueue { bytes: Vec::new(), lines: VecDeque::new(), waiting: 0, begun: false, limit, blocked: false }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds a line, which `write` writes without its end, and drops the oldest ones if there are too many now. How many
    /// were dropped.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> u64 {
        let start = self.bytes.len();
        write(&mut self.bytes).expect("what is sent can be written as JSON");
        self.bytes.push(b'\n');
        self.waiting += self.bytes.len() - start;
        self.lines.push_back(start..self.bytes.len());
        let mut dropped = 0;
        while self.lines.len() > self.limit.lines || self.waiting > self.limit.bytes {
            let Some(line) = self.lines.remove(usize::from(self.begun)) else { break };
            self.waiting -= line.len();
            dropped += 1;
        }
        self.reclaim();
        dropped
    }

    /// Sends as much as the socket takes.
    pub(super) fn write_to(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while !self.blocked && !self.lines.is_empty() {
            let run = self.first_run();
            match socket.write(&self.bytes[run]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => self.sent(sent),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.reclaim();
        Ok(())
    }

    /// The socket takes bytes again.
    pub(super) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// The connection is lost. What waits goes out on the next one, from the begin of a line: the one that was begun is
    /// lost with the connection.
    pub(super) fn connection_lost(&mut self) {
        self.blocked = false;
        if std::mem::take(&mut self.begun)
            && let Some(line) = self.lines.pop_front()
        {
            self.waiting -= line.len();
        }
        self.reclaim();
    }

    /// The lines at the front that lie without a gap.
    fn first_run(&self) -> Range<usize> {
        let mut lines = self.lines.iter();
        let Some(mut run) = lines.next().cloned() else { return 0..0 };
        for line in lines {
            if line.start != run.end {
                break;
            }
            run.end = line.end;
        }
        run
    }

    fn sent(&mut self, mut sent: usize) {
        self.waiting -= sent;
        while let Some(line) = self.lines.front_mut() {
            if sent < line.len() {
                self.begun |= sent > 0;
                line.start += sent;
                return;
            }
            sent -= line.len();
            self.begun = false;
            self.lines.pop_front();
        }
    }

    /// Gives back the room of what was sent or dropped, when that is most of it.
    fn reclaim(&mut self) {
        let Some(first) = self.lines.front() else {
            self.bytes.clear();
            return;
        };
        let (start, gap) = (first.start, self.bytes.len() - self.waiting);
        if self.begun && gap > self.waiting + 4096 {
            // The line that was begun stays, and those behind it were dropped: there is a hole in the middle.
            let rest = self.lines.get(1).map_or(self.bytes.len(), |line| line.start);
            let end = first.end;
            self.bytes.drain(end..rest);
            self.shift(1, rest - end);
        }
        if start > self.waiting + 4096 {
            self.bytes.drain(..start);
            self.shift(0, start);
        }
    }

    fn shift(&mut self, from: usize, by: usize) {
        for line in self.lines.iter_mut().skip(from) {
            *line = line.start - by..line.end - by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMY: OutLimit = OutLimit { lines: 1000, bytes: 1 << 20 };

    /// A socket that takes so many bytes and then no more until it is told.
    struct Socket {
        room: usize,
        got: Vec<u8>,
    }

    impl Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(self.room);
            self.room -= taken;
            self.got.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn push(queue: &mut OutQueue, text: &str) -> u64 {
        queue.push(|bytes| {
            bytes.extend_from_slice(text.as_bytes());
            Ok(())
        })
    }

    fn send(queue: &mut OutQueue, socket: &mut Socket, room: usize) {
        socket.room = room;
        queue.unblock();
        queue.write_to(socket).unwrap();
    }

    #[test]
    fn lines_come_out_however_the_bytes_were_cut() {
        let stream = b"one\n\nthree is longer than that\nfour\nrest";
        for piece in 1..stream.len() {
            let mut reader = LineReader::new(10);
            let mut lines = Vec::new();
            for bytes in stream.chunks(piece) {
                reader.feed(bytes);
                while let Some(line) = reader.next_line() {
                    lines.push(match line {
                        Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
                        Line::TooLong => "too long".to_owned(),
                    });
                }
            }
            assert_eq!(lines, ["one", "", "too long", "four"], "in pieces of {piece}");
        }
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut reader = LineReader::new(100);
        for round in 0..1000 {
            reader.feed(&[b'x'; 64]);
            assert_eq!(reader.next_line().is_some(), round == 1, "round {round}");
            assert!(reader.bytes.len() <= 128);
        }
    }

    #[test]
    fn the_oldest_whole_line_is_dropped_and_never_one_that_was_begun() {
        let mut queue = OutQueue::new(OutLimit { lines: 3, bytes: 1000 });
        let mut socket = Socket { room: 0, got: Vec::new() };
        push(&mut queue, "first");
        send(&mut queue, &mut socket, 2);
        for (line, dropped) in [("second", 0), ("third", 0), ("fourth", 1), ("fifth", 1)] {
            assert_eq!(push(&mut queue, line), dropped, "{line}");
        }
        send(&mut queue, &mut socket, 1000);
        assert_eq!(String::from_utf8(socket.got).unwrap(), "first\nfourth\nfifth\n");
        assert!(queue.is_empty());
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut queue = OutQueue::new(OutLimit { lines: 1000, bytes: 20 });
        assert_eq!(push(&mut queue, "123456789"), 0);
        assert_eq!(push(&mut queue, "abcdefghi"), 0);
        assert_eq!(push(&mut queue, "x"), 1);
        assert_eq!(push(&mut queue, &"y".repeat(30)), 3, "what is too long alone is dropped itself");
        assert!(queue.is_empty());
    }

    #[test]
    fn a_new_connection_begins_with_a_whole_line() {
        let mut queue = OutQueue::new(ROOMY);
        let mut socket = Socket { room: 0, got: Vec::new() };
        push(&mut queue, "first");
        push(&mut queue, "second");
        send(&mut queue, &mut socket, 3);
        queue.connection_lost();
        socket.got.clear();
        send(&mut queue, &mut socket, 1000);
        assert_eq!(String::from_utf8(socket.got).unwrap(), "second\n");
    }

    #[test]
    fn a_full_queue_takes_no_more_room_than_its_limit_allows_and_stays_in_order() {
        let mut queue = OutQueue::new(OutLimit { lines: 10, bytes: 1 << 20 });
        let mut socket = Socket { room: 0, got: Vec::new() };
        push(&mut queue, "begun");
        send(&mut queue, &mut socket, 1);
        for number in 0..10_000 {
            push(&mut queue, &format!("{number:0>100}"));
            assert!(queue.bytes.len() < 16_384, "{} bytes are kept", queue.bytes.len());
        }
        send(&mut queue, &mut socket, 1 << 20);
        let sent = String::from_utf8(socket.got).unwrap();
        let expected: Vec<String> = (9991..10_000).map(|number| format!("{number:0>100}")).collect();
        assert_eq!(sent, format!("begun\n{}\n", expected.join("\n")));
    }
}
