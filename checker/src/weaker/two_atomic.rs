//! Whether the writes of a register have an order in which each read returns one of the last two values: *limited
//! backtracking* (Golab, Hurwitz and Li, *On the k-atomicity-verification problem*, 2013), in O(n log n + c n) steps for up to c
//! writes at a time.
//!
//! **What is decided.** Of each write w: when it began, when it had certainly taken effect (`first_end`, no later than any read
//! of it ended), and when its last read began. An order of the writes extends real time if u comes before w wherever
//! `first_end(u) < begin(w)`. A write u is *needed close* by w if `first_end(u) < last_read(w)`: the reads of w then stand behind
//! u. There is an order of all operations in which each read returns one of the last two values if and only if there is one
//! of the writes in which each u stands at most one place behind every w that needs it close. (Each read goes to the first
//! place that is behind its write and all writes that took effect before it began; the order of reads among each other follows,
//! since a read that ended has its write's `first_end` before that.)
//!
//! **How.** From the last write to the first. The last one w may not have to come before any that is left; at most one other write
//! may need it close, and then that is the one before w, for which the same has to hold: an *epoch* is such a chain, which ends
//! when nobody needs its first write close. Which chain is taken does not matter: what is left has an order if all had one, and
//! with an order for what is left all have one. So all chains that can begin are followed at the same time, a step each, until
//! one ends; if none does, there is no order.

use rustc_hash::FxHashSet;

use crate::meter::{Share, Stop};
use crate::weaker::clusters::Cluster;
use crate::zones::Point;

/// The number of a write among those looked at.
type Number = u32;

struct Write {
    begin: u64,
    first_end: u64,
    last_read: Option<u64>,
}

/// Whether there is such an order. All clusters must be of something that happened.
pub(super) fn is_two_atomic(clusters: &[Cluster], share: &mut Share<'_>) -> Result<bool, Stop> {
    let number = |point| match point {
        Point::Beginning => 0,
        Point::At(index) => index.saturating_add(1),
        Point::Never => u64::MAX,
    };
    let writes: Vec<Write> = clusters
        .iter()
        .map(|cluster| Write {
            begin: number(cluster.begin),
            first_end: number(cluster.first_end),
            last_read: cluster.last_read.map(|(begin, _)| number(Point::At(begin))),
        })
        .collect();
    let bytes = clusters.len() * (size_of::<Write>() + 6 * size_of::<Number>());
    share.ask(bytes)?;
    let mut left = Left::of(&writes);
    while let Some(newest) = left.begins.first() {
        share.work(|| bytes)?;
        let candidates: Vec<Number> =
            left.ends.iter().take_while(|&it| writes[it as usize].first_end >= writes[newest as usize].begin).collect();
        let alone = candidates.iter().find(|&&it| !left.is_needed_close(&writes, it));
        let epoch = match alone {
            Some(&alone) => vec![alone],
            None => match epoch(&writes, &left, &candidates, bytes, share)? {
                Some(epoch) => epoch,
                None => return Ok(false),
            },
        };
        for it in epoch {
            left.remove(it);
        }
    }
    Ok(true)
}

/// The chain that ends first.
fn epoch(
    writes: &[Write],
    left: &Left,
    candidates: &[Number],
    bytes: usize,
    share: &mut Share<'_>,
) -> Result<Option<Vec<Number>>, Stop> {
    let mut chains: Vec<Chain> = candidates.iter().map(|&last| Chain::ending_with(last, left)).collect();
    while !chains.is_empty() {
        for at in (0..chains.len()).rev() {
            share.work(|| bytes + chains.iter().map(|chain| chain.placed.order.len() * 32).sum::<usize>())?;
            match chains[at].step(writes, left) {
                Some(Need::Nobody) => return Ok(Some(chains.swap_remove(at).placed.order)),
                Some(Need::One(before)) => chains[at].next = before,
                Some(Need::Several) | None => drop(chains.swap_remove(at)),
            }
        }
    }
    Ok(None)
}

/// The last writes of an order, from the last one on.
struct Chain {
    placed: Placed,
    /// The one before them.
    next: Number,
    /// The first two of `last_reads`, and the first of `begins`, that are not placed; these only go on.
    needing: [Number; 2],
    newest: Number,
}

impl Chain {
    fn ending_with(last: Number, left: &Left) -> Chain {
        let first = left.last_reads.next(left.last_reads.end());
        let needing = [first, left.last_reads.next(first)];
        Chain { placed: Placed::default(), next: last, needing, newest: left.begins.next(left.begins.end()) }
    }

    /// Places the next write: who needs it close, or nothing where it has to come before something that is left.
    fn step(&mut self, writes: &[Write], left: &Left) -> Option<Need> {
        let write = self.next;
        let first_end = writes[write as usize].first_end;
        self.placed.add(write);
        while self.newest != left.begins.end() && self.placed.has(self.newest) {
            self.newest = left.begins.next(self.newest);
        }
        if self.newest != left.begins.end() && writes[self.newest as usize].begin > first_end {
            return None;
        }
        let list = &left.last_reads;
        let [mut one, mut two] = self.needing;
        while one != list.end() && self.placed.has(one) {
            one = list.next(one);
            if one == two {
                two = list.next(one);
            }
        }
        while two != list.end() && self.placed.has(two) {
            two = list.next(two);
        }
        self.needing = [one, two];
        let needs = |it: Number| it != list.end() && writes[it as usize].last_read > Some(first_end);
        Some(match (needs(one), needs(two)) {
            (false, _) => Need::Nobody,
            (true, false) => Need::One(one),
            (true, true) => Need::Several,
        })
    }
}

#[derive(Default)]
struct Placed {
    order: Vec<Number>,
    /// The same, once there are many.
    set: FxHashSet<Number>,
}

impl Placed {
    const FEW: usize = 12;

    fn add(&mut self, write: Number) {
        self.order.push(write);
        if self.order.len() == Self::FEW {
            self.set.extend(&self.order);
        } else if self.order.len() > Self::FEW {
            self.set.insert(write);
        }
    }

    fn has(&self, write: Number) -> bool {
        if self.order.len() < Self::FEW { self.order.contains(&write) } else { self.set.contains(&write) }
    }
}

/// Who needs a write close.
#[derive(Clone, Copy)]
enum Need {
    Nobody,
    One(Number),
    Several,
}

/// The writes that have no place yet.
struct Left {
    /// The newest first.
    begins: List,
    /// Those that took effect last first.
    ends: List,
    /// Those that were read, the one whose last read began last first.
    last_reads: List,
}

impl Left {
    fn of(writes: &[Write]) -> Left {
        let all = || (0..).take(writes.len());
        let list = |mut order: Vec<Number>, key: fn(&Write) -> u64| {
            order.sort_unstable_by_key(|&it| (std::cmp::Reverse(key(&writes[it as usize])), it));
            List::of(&order, writes.len())
        };
        Left {
            begins: list(all().collect(), |write| write.begin),
            ends: list(all().collect(), |write| write.first_end),
            last_reads: list(all().filter(|&it: &Number| writes[it as usize].last_read.is_some()).collect(), |write| {
                write.last_read.unwrap_or(0)
            }),
        }
    }

    fn remove(&mut self, write: Number) {
        self.begins.remove(write);
        self.ends.remove(write);
        self.last_reads.remove(write);
    }

    /// Whether another write needs this one close.
    fn is_needed_close(&self, writes: &[Write], write: Number) -> bool {
        let mut needing = self.last_reads.iter().filter(|&it| it != write);
        needing.next().is_some_and(|it| writes[it as usize].last_read > Some(writes[write as usize].first_end))
    }
}

/// A list from which anything can be taken at once.
struct List {
    /// By number; the last place stands for both ends.
    next: Vec<Number>,
    previous: Vec<Number>,
}

impl List {
    fn of(order: &[Number], all: usize) -> List {
        let end = Number::try_from(all).expect("four billion writes do not fit in memory");
        // What is not in the list is its own neighbour, so that taking it out changes nothing.
        let mut list = List { next: (0..=end).collect(), previous: (0..=end).collect() };
        let mut before = end;
        for &it in order.iter().chain([&end]) {
            list.next[before as usize] = it;
            list.previous[it as usize] = before;
            before = it;
        }
        list
    }

    fn iter(&self) -> impl Iterator<Item = Number> {
        let end = self.end();
        std::iter::successors(Some(self.next(end)), |&it| Some(self.next(it))).take_while(move |&it| it != end)
    }

    /// The place before the first and behind the last.
    fn end(&self) -> Number {
        Number::try_from(self.next.len() - 1).expect("it was a number when the list was made")
    }

    fn next(&self, it: Number) -> Number {
        self.next[it as usize]
    }

    fn first(&self) -> Option<Number> {
        self.iter().next()
    }

    fn remove(&mut self, it: Number) {
        let (previous, next) = (self.previous[it as usize], self.next[it as usize]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
    }
}
