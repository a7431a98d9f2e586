//! The clusters of one register whose values name their writes: each value's write and reads, as [`zones`](crate::zones) have
//! them, and what of them matters where reads may be stale.

use crate::call::Call;
use crate::model::{Access, Model};
use crate::registers::ValueId;
use crate::weaker::by_key::{Found, Register};
use crate::weaker::intervals::Wrong;
use crate::weaker::regular::tell;
use crate::zones::Point;

/// A value's write and reads. A crashed write that nobody read has none: it need not have happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    pub(super) value: ValueId,
    /// None for the initial value.
    pub(super) write: Option<usize>,
    /// When the write began.
    pub(super) begin: Point,
    /// When the first of the write and the reads ended, and which it was. The write has taken effect by then.
    pub(super) first_end: Point,
    pub(super) first_to_end: Option<usize>,
    /// When the last of the reads began, and which it was; none where there is no read.
    pub(super) last_read: Option<(u64, usize)>,
}

impl Cluster {
    /// When the last of the write and the reads began.
    pub(super) fn last_begin(&self) -> Point {
        self.last_read.map_or(self.begin, |(begin, _)| self.begin.max(Point::At(begin)))
    }

    fn ends<I>(&mut self, call: usize, calls: &[Call<'_, I>]) {
        let end = calls[call].end.map_or(Point::Never, Point::At);
        if end < self.first_end {
            (self.first_end, self.first_to_end) = (end, Some(call));
        }
    }

    /// A read of this value.
    pub(super) fn read<I>(&mut self, call: usize, calls: &[Call<'_, I>]) {
        self.ends(call, calls);
        let begin = calls[call].operation.invoked;
        if self.last_read.is_none_or(|(last, _)| begin > last) {
            self.last_read = Some((begin, call));
        }
    }
}

/// The clusters by value, those included that nobody saw; `reads` says which reads count. Values must name their writes, and
/// no counted read may be wrong by itself.
pub(super) fn all<M: Model>(register: &Register<'_, '_, M>, reads: impl Fn(usize) -> bool) -> Vec<Cluster> {
    let accesses = register.accesses;
    let empty = |value| {
        let (begin, first_end) =
            if value == accesses.initial { (Point::Beginning, Point::Beginning) } else { (Point::Never, Point::Never) };
        Cluster { value, write: None, begin, first_end, first_to_end: None, last_read: None }
    };
    let mut clusters: Vec<Cluster> = (0..).take(accesses.produced.len()).map(empty).collect();
    for (call, access) in accesses.accesses.iter().enumerate() {
        if let Some(value) = access.produced() {
            let cluster = &mut clusters[value as usize];
            cluster.write = Some(call);
            cluster.begin = Point::At(register.calls[call].operation.invoked);
            cluster.ends(call, register.calls);
        }
        if let Some(value) = observed(register, call, *access)
            && reads(call)
        {
            clusters[value as usize].read(call, register.calls);
        }
    }
    clusters
}

/// What this call certainly saw.
pub(super) fn observed<M: Model>(
    register: &Register<'_, '_, M>,
    call: usize,
    access: Access<ValueId>,
) -> Option<ValueId> {
    access.observed().filter(|_| !register.calls[call].crashed())
}

/// Whether the cluster is of something that happened.
pub(super) fn happened(cluster: &Cluster) -> bool {
    cluster.first_end != Point::Never
}

/// Why the register cannot be judged by its clusters: a value does not name its write, or a read is wrong whatever the others
/// are.
pub(super) fn obstacle<M: Model>(register: &Register<'_, '_, M>) -> Option<Found> {
    let accesses = register.accesses;
    let two_writers =
        (0..accesses.produced.len()).find(|&value| accesses.produced[value] && accesses.only_producer[value].is_none());
    if two_writers.is_some() {
        return Some(Found::Undecided("a value was written twice, so that it does not tell its write".to_owned()));
    }
    let mut wrong: Option<(Option<u64>, usize, Wrong)> = None;
    for (reader, access) in accesses.accesses.iter().enumerate() {
        let Some(value) = observed(register, reader, *access).filter(|&value| value != accesses.initial) else {
            continue;
        };
        let end = register.calls[reader].end;
        let found = match accesses.only_producer[value as usize] {
            None => Wrong::Unwritten,
            Some(write) if write == reader => Wrong::FromTheFuture { write },
            Some(write) if end.is_some_and(|end| end < register.calls[write].operation.invoked) => {
                Wrong::FromTheFuture { write }
            }
            Some(_) => continue,
        };
        if wrong.is_none_or(|(earliest, ..)| end < earliest) {
            wrong = Some((end, reader, found));
        }
    }
    wrong.map(|(_, reader, wrong)| Found::Broken(tell(register, reader, wrong)))
}
