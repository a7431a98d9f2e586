//! The log of messages: which, when, because of what, and what became of each. Bounded; what does not fit is counted.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::network::Link;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Written to its receiver.
    Delivered,
    /// The second copy of a duplicated message, written to its receiver.
    Duplicated,
    /// Discarded by a cut.
    Cut,
    /// Lost by chance.
    Lost,
    /// Dropped by a rule, or when what held it ended.
    Dropped,
    /// Dropped because the link's queue was full.
    Overflow,
    /// Dropped because its sender had been started again since.
    DeadSender,
    /// Dropped because its receiver did not run.
    DeadReceiver,
}

/// One message in the log.
#[derive(Debug)]
pub(super) struct Record {
    /// Which link, by its place in the log's list.
    pub(super) link: u16,
    /// Which type, by its place in the link's list.
    pub(super) kind: u16,
    /// What became of it.
    pub(super) fate: Fate,
    /// When it was read from its sender.
    pub(super) sent: Duration,
    /// When its fate was decided.
    pub(super) ended: Duration,
    /// The request that caused it.
    pub(super) cause: Option<Box<str>>,
}

impl Record {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.cause.as_ref().map_or(0, |cause| cause.len())
    }
}

/// The newest records, in the order in which fates were decided on each link.
#[derive(Debug)]
pub(super) struct MessageLog {
    records: VecDeque<Record>,
    bytes: usize,
    bytes_max: usize,
    forgotten: u64,
}

/// What the header of a log says beside its format.
#[derive(Debug)]
pub(super) struct LogLinks<'a> {
    /// The run.
    pub(super) run: &'a str,
    /// The links with the types of message that were seen there.
    pub(super) links: &'a [(Link, Vec<Box<str>>)],
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    schism: &'static str,
    format: u32,
    run: &'a str,
    messages: usize,
    forgotten: u64,
}

#[derive(Serialize)]
struct RecordLine<'a> {
    link: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    sent: u64,
    ended: u64,
    fate: Fate,
}

impl MessageLog {
    /// An empty log that keeps at most `bytes_max` bytes in memory.
    pub(super) fn new(bytes_max: usize) -> Self {
        MessageLog { records: VecDeque::new(), bytes: 0, bytes_max, forgotten: 0 }
    }

    /// Appends records and leaves `records` empty; the oldest give way.
    pub(super) fn append(&mut self, records: &mut Vec<Record>) {
        for record in records.drain(..) {
            self.bytes += record.bytes();
            self.records.push_back(record);
        }
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.forgotten += 1;
        }
    }

    /// Takes everything out, so that it can be written while messages go on.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, MessageLog::new(self.bytes_max))
    }

    /// Writes `{"schism":"messages","format":1,…}` and a line for each message, with times in nanoseconds.
    pub(super) fn write(&self, path: &Path, names: &LogLinks<'_>) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 18, fs_err::File::create(path)?);
        let header = HeaderLine {
            schism: "messages",
            format: 1,
            run: names.run,
            messages: self.records.len(),
            forgotten: self.forgotten,
        };
        serde_json::to_writer(&mut file, &header)?;
        file.write_all(b"\n")?;
        let links: Vec<String> = names.links.iter().map(|(link, _)| link.to_string()).collect();
        for record in &self.records {
            let place = usize::from(record.link);
            let line = RecordLine {
                link: &links[place],
                kind: &names.links[place].1[usize::from(record.kind)],
                cause: record.cause.as_deref(),
                sent: nanoseconds(record.sent),
                ended: nanoseconds(record.ended),
                fate: record.fate,
            };
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
