//! When the writes of one register began and ended, and which of them a read may have seen.

use crate::call::Call;
use crate::model::Model;
use crate::registers::ValueId;
use crate::weaker::by_key::Register;

/// A write, or what a compare-and-set that succeeded left.
#[derive(Clone, Copy, Debug)]
struct Write {
    value: ValueId,
    begin: u64,
    /// None where it crashed: it may take effect at any later time.
    end: Option<u64>,
    call: usize,
}

/// The writes of one register.
pub(super) struct Writes {
    /// By value, then by begin.
    of_values: Vec<Write>,
    /// For each of `of_values`: the place of the one, among those of its value up to there, that ended last, and of the second.
    last_ended: Vec<[Option<usize>; 2]>,
    /// Those that ended, by their ends; each with the begin and the call of the one, among those up to there, that began last.
    ended: Vec<(u64, u64, usize)>,
    begins: Vec<u64>,
    initial: ValueId,
}

/// Where a value may have come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It was there at the beginning.
    Initial,
    /// This call wrote it.
    Write(usize),
}

/// What is wrong with a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Nobody wrote its value.
    Unwritten,
    /// It ended before the first write of its value began.
    FromTheFuture { write: usize },
    /// Its value was replaced by the write `by`, which began after the value's write had ended, and ended before the read began.
    Overwritten { source: Source, by: usize },
}

impl Writes {
    pub(super) fn of<M: Model>(register: &Register<'_, '_, M>) -> Writes {
        let mut of_values: Vec<Write> = Vec::new();
        for (call, (access, it)) in register.accesses.accesses.iter().zip(register.calls).enumerate() {
            if let Some(value) = access.produced() {
                of_values.push(Write { value, begin: it.operation.invoked, end: it.end, call });
            }
        }
        let mut begins: Vec<u64> = of_values.iter().map(|write| write.begin).collect();
        begins.sort_unstable();
        let mut ended: Vec<(u64, u64, usize)> =
            of_values.iter().filter_map(|write| Some((write.end?, write.begin, write.call))).collect();
        ended.sort_unstable();
        for place in 1..ended.len() {
            let (_, begin, call) = ended[place - 1];
            if begin > ended[place].1 {
                (ended[place].1, ended[place].2) = (begin, call);
            }
        }
        of_values.sort_unstable_by_key(|write| (write.value, write.begin));
        let last_ended = last_ended(&of_values);
        Writes { of_values, last_ended, ended, begins, initial: register.accesses.initial }
    }

    /// How many bytes this takes for so many calls, at most.
    pub(super) fn bytes(calls: usize) -> usize {
        calls * (size_of::<Write>() + size_of::<[Option<usize>; 2]>() + size_of::<(u64, u64, usize)>() + 8)
    }

    /// Of the writes that ended before this event, when the last one of them to begin did, and which it is.
    pub(super) fn newest_before(&self, event: u64) -> Option<(u64, usize)> {
        let count = self.ended.partition_point(|&(end, ..)| end < event);
        count.checked_sub(1).map(|last| (self.ended[last].1, self.ended[last].2))
    }

    /// Whether a write overlaps a call that observed something; the call itself does not count.
    pub(super) fn overlap<I>(&self, call: &Call<'_, I>, writes_itself: bool) -> bool {
        let begun = self.begins.partition_point(|&begin| call.end.is_none_or(|end| begin <= end));
        let over = self.ended.partition_point(|&(end, ..)| end < call.operation.invoked);
        begun > over + usize::from(writes_itself)
    }

    /// What is wrong with a call that observed `value`.
    ///
    /// It may have seen any write of the value that began no later than it ended, and that no other write replaced before it
    /// began; of several the one that ended last is the least likely to have been replaced.
    pub(super) fn wrong<I>(&self, calls: &[Call<'_, I>], reader: usize, value: ValueId) -> Option<Wrong> {
        let read = &calls[reader];
        let first = self.of_values.partition_point(|write| write.value < value);
        let all = self.of_values[first..].partition_point(|write| write.value == value);
        let begun =
            self.of_values[first..first + all].partition_point(|write| read.end.is_none_or(|end| write.begin <= end));
        let seen = begun.checked_sub(1).and_then(|last| {
            let two = self.last_ended[first + last].into_iter().flatten();
            two.map(|place| self.of_values[place]).find(|write| write.call != reader)
        });
        let newest = self.newest_before(read.operation.invoked);
        let (source, end) = match seen {
            Some(write) => (Source::Write(write.call), write.end),
            None if value == self.initial => (Source::Initial, None),
            None => {
                let others = self.of_values[first..first + all].iter().find(|write| write.call != reader);
                return Some(others.map_or(Wrong::Unwritten, |write| Wrong::FromTheFuture { write: write.call }));
            }
        };
        let (replaced_from, by) = newest?;
        let replaced = match (source, end) {
            (Source::Initial, _) => true,
            (Source::Write(_), Some(end)) => end < replaced_from,
            // It may have taken effect after everything else.
            (Source::Write(_), None) => false,
        };
        replaced.then_some(Wrong::Overwritten { source, by })
    }
}

/// For each place the two of its value, up to there, that ended last.
fn last_ended(writes: &[Write]) -> Vec<[Option<usize>; 2]> {
    let later = |one: usize, other: usize| match (writes[one].end, writes[other].end) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one > other,
    };
    let mut all: Vec<[Option<usize>; 2]> = Vec::with_capacity(writes.len());
    for place in 0..writes.len() {
        let before = all.last().filter(|_| writes[place - 1].value == writes[place].value).copied();
        let [first, second] = before.unwrap_or_default();
        all.push(match (first, second) {
            (None, _) => [Some(place), None],
            (Some(one), _) if later(place, one) => [Some(place), first],
            (_, None) => [first, Some(place)],
            (_, Some(two)) if later(place, two) => [first, Some(place)],
            _ => [first, second],
        });
    }
    all
}
