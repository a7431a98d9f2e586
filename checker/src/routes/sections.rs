//! Locks that have owners: the times during which each process held them.
//!
//! **Assumption:** a process does nothing on the lock after an operation of it whose end is not known.
//!
//! A process does one thing at a time, so its operations have one order, and whether it holds the lock is known at each of them.
//! From the acquisition that takes the lock to the release that frees it nothing of any other process can happen: that is a
//! **section**, which stands together. A section whose release crashed, or that has none, ends when everything has. A last
//! acquisition that crashed is dropped: after it nobody could do anything, or it changed nothing for the others.
//!
//! **Theorem** (after Gibbons and Korach): the history is linearizable if and only if each process by itself takes and frees
//! the lock in turn, and the sections have an order ([`blocks`](super::blocks)); with fences, that of their fences, and no fence
//! twice. A section comes before another if its acquisition ended before the other's release began.

use std::collections::BTreeMap;

use super::blocks::{self, Block};
use super::{Contradiction, Decided, History, NEVER};
use crate::meter::{Share, Stop};
use crate::model::{Action, LockAction, LockKind};

/// From an acquisition to the release that frees the lock.
struct Section {
    acquire: usize,
    release: Option<usize>,
    /// Acquisitions and releases in between, by the same process.
    within: Vec<usize>,
    fence: Option<i64>,
}

/// Decides a lock; none where a process went on after a crash, or a fence is not known.
pub(super) fn decide(
    history: &dyn History,
    actions: &[Action<'_>],
    kind: LockKind,
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    let mut by_process: BTreeMap<u64, Vec<(usize, LockAction)>> = BTreeMap::new();
    for (call, action) in actions.iter().enumerate() {
        let &Action::Lock(its, action) = action else { return Ok(None) };
        let (LockAction::Acquire { process, .. } | LockAction::Release { process }) = action;
        let calls = by_process.entry(process).or_default();
        let after_all = |&(earlier, _): &(usize, LockAction)| history.span(earlier).end < history.span(call).begin;
        if its != kind || !calls.last().is_none_or(after_all) {
            return Ok(None);
        }
        calls.push((call, action));
    }
    share.ask(actions.len() * 4 * size_of::<Section>())?;
    let decided = |contradiction| Ok(Some(Decided { route: "sections", contradiction }));
    let mut sections = Vec::new();
    for calls in by_process.values() {
        if let Err(wrong) = of_one_process(history, calls, kind, &mut sections) {
            return decided(Some(wrong));
        }
    }
    if kind == LockKind::Fenced {
        if sections.iter().any(|section| section.fence.is_none()) {
            return Ok(None);
        }
        sections.sort_by_key(|section| section.fence);
        return decided(against_fences(history, &sections));
    }
    let block = |(number, section): (usize, &Section)| Block {
        number,
        first_end: Some(history.span(section.acquire).end),
        last_begin: begin_of_release(history, section),
    };
    let pair = blocks::contradiction(sections.iter().enumerate().map(block));
    decided(pair.map(|(one, other)| overlap(history, &sections[one], &sections[other])))
}

fn begin_of_release(history: &dyn History, section: &Section) -> u64 {
    section.release.map_or(NEVER, |release| history.span(release).begin)
}

/// Adds the sections of a process.
fn of_one_process(
    history: &dyn History,
    calls: &[(usize, LockAction)],
    kind: LockKind,
    sections: &mut Vec<Section>,
) -> Result<(), Contradiction> {
    let mut open: Option<(Section, u32)> = None;
    let mut freed = None;
    for &(call, action) in calls {
        let crashed = history.crashed(call);
        // Between the two, one after the other, the process did nothing that would have allowed it.
        let wrong = |since: Option<usize>, why: &str| {
            let because = format!("{}, and {why}", history.sentence(call));
            Err(Contradiction::new(since.into_iter().chain([call]), because))
        };
        match (action, open.take()) {
            (LockAction::Acquire { .. }, held) if crashed => open = held,
            (LockAction::Acquire { fence, .. }, None) => {
                open = Some((Section { acquire: call, release: None, within: Vec::new(), fence }, 1));
            }
            (LockAction::Acquire { .. }, Some((mut section, depth))) if kind == LockKind::Reentrant => {
                section.within.push(call);
                open = Some((section, depth + 1));
            }
            (LockAction::Acquire { .. }, Some((section, _))) => {
                return wrong(Some(section.acquire), "held the lock already");
            }
            (LockAction::Release { .. }, Some((section, 1))) => {
                freed = Some(call);
                sections.push(Section { release: Some(call), ..section });
            }
            (LockAction::Release { .. }, Some((mut section, depth))) => {
                section.within.push(call);
                open = Some((section, depth - 1));
            }
            (LockAction::Release { .. }, None) if crashed => {}
            (LockAction::Release { .. }, None) => return wrong(freed, "did not hold the lock"),
        }
    }
    sections.extend(open.map(|(section, _)| section));
    Ok(())
}

/// Two sections of which the one with the smaller fence must come after the other. They are sorted by fence.
fn against_fences(history: &dyn History, sections: &[Section]) -> Option<Contradiction> {
    if let Some([one, other]) = sections.array_windows().find(|[one, other]| one.fence == other.fence) {
        let (one, other) = (one.acquire, other.acquire);
        let because = format!("{}, {}, and no fence is given twice", history.sentence(one), history.sentence(other));
        return Some(Contradiction::new([one, other], because));
    }
    let mut earliest: Option<&Section> = None;
    let end = |section: &Section| history.span(section.acquire).end;
    for section in sections.iter().rev() {
        if let Some(later) = earliest.filter(|later| end(later) < begin_of_release(history, section)) {
            let calls = [section.acquire, later.acquire].into_iter().chain(section.release);
            let because = match section.release {
                Some(release) => history.in_order(later.acquire, release),
                None => format!("{} was never released", history.sentence(section.acquire)),
            };
            let fences = format!("yet by their fences {} came first", history.sentence(section.acquire));
            return Some(Contradiction::new(calls, because).and(fences));
        }
        earliest = earliest.filter(|earliest| end(earliest) <= end(section)).or(Some(section));
    }
    None
}

fn overlap(history: &dyn History, one: &Section, other: &Section) -> Contradiction {
    let calls = [one, other]
        .into_iter()
        .flat_map(|section| [section.acquire].into_iter().chain(section.within.iter().copied()).chain(section.release));
    let held = |holder: &Section, meanwhile: &Section| match meanwhile.release {
        Some(release) => history.in_order(holder.acquire, release),
        None => format!("{}, and never released it", history.sentence(meanwhile.acquire)),
    };
    Contradiction::new(calls, held(one, other)).and(held(other, one)).and("so both held the lock at the same time")
}
