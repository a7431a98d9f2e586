//! Counters that always move by the same step.
//!
//! **Assumption:** everything that is ever added is the same number, crashed additions included.
//!
//! In steps, the counter only grows. Walk along the history and add as late as possible: when an addition returns that was
//! not yet counted, count it; when a read of a greater number returns, count as many open ones as it needs, those that return
//! first first, crashed ones last; where there are not enough there is no linearization, and none if the count was beyond the
//! number read when the read began.
//!
//! **Theorem:** the count of this walk is at every moment the least that is possible, so it refuses only what is impossible; and
//! what it does is a linearization. *The least:* let `j` be the last addition that was counted for a read before its
//! return while it would return after the addition `i` that returns now and is not yet counted, and let `t` be that moment. By
//! `t` every linearization has counted as much. What the walk counted since returned by now and began after `t` (otherwise it
//! would have been counted before `j`), so every linearization counted it after `t`, and `i` as well, which began after `t`
//! likewise. Without such a `j` everything counted has returned by now. The argument is our own; it takes O(n log n).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Contradiction, Decided, History, NEVER};
use crate::meter::{Share, Stop};
use crate::model::{Action, CountAction};

/// No more additions than this are shown.
const SHOWN: usize = 10;

/// Decides a counter; none where steps differ.
pub(super) fn decide(
    history: &dyn History,
    actions: &[Action<'_>],
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    let decided = |contradiction| Ok(Some(Decided { route: "counting", contradiction }));
    let mut step: Option<i64> = None;
    for action in actions {
        match action {
            Action::Count(CountAction::Add(amount)) if *amount != 0 => {
                if *step.get_or_insert(*amount) != *amount {
                    return Ok(None);
                }
            }
            Action::Count(_) => {}
            _ => return Ok(None),
        }
    }
    let mut walk = Walk::default();
    let step = i128::from(step.unwrap_or(1));
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * actions.len());
    let mut wanted: Vec<i128> = vec![0; actions.len()];
    for (call, action) in actions.iter().enumerate() {
        match *action {
            Action::Count(CountAction::Nonsense) => {
                let because = format!("{}, which is no number", history.sentence(call));
                return decided(Some(Contradiction::new([call], because)));
            }
            Action::Count(CountAction::Read(number)) if number % step != 0 || number / step < 0 => {
                let because = format!("{}, and no number of steps leads there", history.sentence(call));
                return decided(Some(Contradiction::new([call], because)));
            }
            Action::Count(CountAction::Read(number)) => wanted[call] = number / step,
            Action::Count(CountAction::Add(amount)) if amount != 0 => {}
            _ => continue,
        }
        let span = history.span(call);
        // Begins before ends where they share an event.
        moments.push((span.begin, false, call));
        moments.extend((span.end != NEVER).then_some((span.end, true, call)));
    }
    moments.sort_unstable();
    walk.counted = vec![false; actions.len()];
    walk.count_at_begin = vec![0; actions.len()];
    share.ask(moments.len() * 4 * size_of::<(u64, bool, usize)>())?;
    for (_, ends, call) in moments {
        share.work(|| actions.len() * 8 * size_of::<(u64, bool, usize)>())?;
        let adds = matches!(actions[call], Action::Count(CountAction::Add(_)));
        match (adds, ends) {
            (true, false) => walk.open.push(Reverse((history.span(call).end, call))),
            (true, true) => walk.add(call),
            (false, false) => walk.count_at_begin[call] = walk.count,
            (false, true) => {
                if let Err(wrong) = walk.read(call, wanted[call]) {
                    return decided(Some(walk.explain(history, actions, (call, wanted[call]), &wrong)));
                }
            }
        }
    }
    decided(None)
}

/// How far the walk has come.
#[derive(Default)]
struct Walk {
    count: i128,
    counted: Vec<bool>,
    /// Additions that began and perhaps are not counted, by their ends.
    open: BinaryHeap<Reverse<(u64, usize)>>,
    count_at_begin: Vec<i128>,
    /// Each addition that was counted before its return, with the read for which it was.
    early: Vec<(usize, usize)>,
}

/// Why a read is impossible.
enum Wrong {
    /// The count was beyond it when it began.
    TooLow,
    /// Not enough had begun when it ended.
    TooHigh,
}

impl Walk {
    fn add(&mut self, call: usize) {
        if !std::mem::replace(&mut self.counted[call], true) {
            self.count += 1;
        }
    }

    fn read(&mut self, call: usize, wanted: i128) -> Result<(), Wrong> {
        if wanted < self.count_at_begin[call] {
            return Err(Wrong::TooLow);
        }
        while self.count < wanted {
            let Some(Reverse((_, next))) = self.open.pop() else { return Err(Wrong::TooHigh) };
            if !self.counted[next] {
                self.add(next);
                self.early.push((next, call));
            }
        }
        Ok(())
    }
}

impl Walk {
    /// The read in words, and the additions that count.
    fn explain(
        &self,
        history: &dyn History,
        actions: &[Action<'_>],
        (read, wanted): (usize, i128),
        wrong: &Wrong,
    ) -> Contradiction {
        let adds = |call: &usize| matches!(actions[*call], Action::Count(CountAction::Add(amount)) if amount != 0);
        let span = history.span(read);
        if let Wrong::TooHigh = wrong {
            let begun = |call: &usize| adds(call) && history.span(*call).begin <= span.end;
            let begun: Vec<usize> = (0..actions.len()).filter(begun).collect();
            let because = format!(
                "{}, which takes {}, and no more than {} had begun when that ended",
                history.sentence(read),
                additions(wanted),
                begun.len()
            );
            return shown(begun, because, &[read]);
        }
        let ended = |call: &usize| adds(call) && history.span(*call).end < span.begin;
        let mut ended: Vec<usize> = (0..actions.len()).filter(ended).collect();
        // The last read for which something was counted that was still open when this one began: all that was counted since
        // began since.
        let still_open =
            |&&(add, by): &&(usize, usize)| history.span(by).end < span.begin && history.span(add).end >= span.begin;
        let Some(&(_, anchor)) = self.early.iter().rev().find(still_open) else {
            let because = format!(
                "{}, which takes {}, and {} had ended before that began",
                history.sentence(read),
                additions(wanted),
                ended.len()
            );
            return shown(ended, because, &[read]);
        };
        ended.retain(|&call| history.span(call).begin > history.span(anchor).end);
        let because = match ended.len() {
            0 => history.in_order(anchor, read),
            since => {
                let since = additions(since as i128);
                format!("{}; {since} began and ended in between", history.in_order(anchor, read))
            }
        };
        shown(ended, because, &[anchor, read]).and("yet the counter only moves in one direction")
    }
}

/// The last few of these, with the number of the others.
fn shown(mut adds: Vec<usize>, because: String, reads: &[usize]) -> Contradiction {
    let hidden = adds.len().saturating_sub(SHOWN);
    adds.drain(..hidden);
    let found = Contradiction::new(adds.iter().chain(reads).copied(), because);
    if hidden > 0 { found.and(format!("of these {} are not shown", additions(hidden as i128))) } else { found }
}

/// `1 addition`, `2 additions`.
fn additions(count: i128) -> String {
    if count == 1 { "1 addition".to_owned() } else { format!("{count} additions") }
}
