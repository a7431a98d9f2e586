//! Logs whose appends answer their offsets.
//!
//! **Assumption:** the values of crashed appends differ from each other.
//!
//! What stands at an offset is known from the append that answered it, or from somebody who read it there; then a crashed append
//! of that value put it there. An offset before one that was seen, of which nothing is known, was filled by one of the other
//! crashed appends. An entry is **needed** by the first end of an operation that shows that the log reached it: an append or a
//! reader at its offset or behind it. Which of the other crashed appends fills which of the unknown offsets: the one that
//! began first the one that is needed first.
//!
//! **Theorem:** the history is linearizable if and only if no offset has two entries, everything that was read was appended, there
//! are enough crashed appends, no entry's append began after the entry is needed, and nobody who found the end at an offset
//! began after the entry there was needed. *It is enough:* let each entry be appended at the moment at which it is needed, in the
//! order of the offsets, each reader read at its end, and whoever found the end at its begin, before the appends of that moment.
//! *It is needed:* clear for all but the choice of crashed appends, and there any choice that fits can be exchanged for this one.
//! It takes O(n log n) and is our own.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{Contradiction, Decided, History, NEVER};
use crate::meter::{Share, Stop};
use crate::model::{Action, LogAction};

/// What is known of an offset.
#[derive(Clone, Copy, Debug, Default)]
struct Entry<'a> {
    append: Option<usize>,
    value: Option<&'a Value>,
    /// Who says what its value is.
    by: Option<usize>,
    /// The operation with the first end that shows that the log reached it.
    needed_by: Option<usize>,
}

/// Decides a log; none where crashed appends have equal values.
pub(super) fn decide(
    history: &dyn History,
    actions: &[Action<'_>],
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    let decided = |contradiction| Ok(Some(Decided { route: "offsets", contradiction }));
    let mut crashed: FxHashMap<&Value, usize> = FxHashMap::default();
    let mut reached = 0;
    for (call, action) in actions.iter().enumerate() {
        let Action::Log(action) = *action else { return Ok(None) };
        match action {
            LogAction::Append { value, offset: None } => {
                if !history.crashed(call) || crashed.insert(value, call).is_some() {
                    return Ok(None);
                }
            }
            LogAction::Append { offset: Some(offset), .. } => reached = reached.max(offset.saturating_add(1)),
            LogAction::Entries { from, values } => reached = reached.max(from.saturating_add(values.len() as u64)),
            LogAction::End { .. } | LogAction::Nonsense | LogAction::Nothing => {}
        }
    }
    // What nobody can have appended need not be looked at entry by entry.
    let appends = actions.iter().filter(|action| matches!(action, Action::Log(LogAction::Append { .. }))).count();
    let Some(reached) = usize::try_from(reached).ok().filter(|&reached| reached <= appends) else {
        return decided(Some(too_far(history, actions, appends)));
    };
    share.ask((reached + actions.len()) * 2 * size_of::<Entry<'_>>())?;
    let found = entries(history, actions, reached, share)?;
    decided(found.and_then(|entries| contradiction(history, actions, entries, crashed)).err())
}

/// Somebody who saw an offset that all appends together do not reach.
fn too_far(history: &dyn History, actions: &[Action<'_>], appends: usize) -> Contradiction {
    let reached = |action: &Action<'_>| match *action {
        Action::Log(LogAction::Append { offset: Some(offset), .. }) => Some(offset),
        Action::Log(LogAction::Entries { from, values }) => Some(from.saturating_add(values.len() as u64 - 1)),
        _ => None,
    };
    let call = (0..actions.len()).max_by_key(|&call| reached(&actions[call])).expect("somebody saw an offset");
    let all = (0..actions.len()).filter(|&call| matches!(actions[call], Action::Log(LogAction::Append { .. })));
    let because = format!("{}, and there are no more than {appends} appends", history.sentence(call));
    Contradiction::new(all.chain([call]), because)
}

type Entries<'a> = Result<Vec<Entry<'a>>, Contradiction>;

/// What stands at each offset that was seen, and by when it is needed.
fn entries<'a>(
    history: &dyn History,
    actions: &[Action<'a>],
    reached: usize,
    share: &mut Share<'_>,
) -> Result<Entries<'a>, Stop> {
    let mut entries = vec![Entry::default(); reached];
    let at = |offset: u64| usize::try_from(offset).expect("it was reached, so it is small");
    for (call, action) in actions.iter().enumerate() {
        share.work(|| (reached + actions.len()) * 2 * size_of::<Entry<'_>>())?;
        let (from, values, appends) = match *action {
            Action::Log(LogAction::Append { value, offset: Some(offset) }) => {
                (at(offset), std::slice::from_ref(value), true)
            }
            Action::Log(LogAction::Entries { from, values }) => (at(from), values, false),
            Action::Log(LogAction::Nonsense) => {
                let because = format!("{}, which is no answer of a log", history.sentence(call));
                return Ok(Err(Contradiction::new([call], because)));
            }
            _ => continue,
        };
        for (offset, (entry, value)) in (from..).zip(entries[from..].iter_mut().zip(values)) {
            let twice = entry.append.filter(|_| appends);
            if let Some(other) = twice.or(entry.by.filter(|_| entry.value != Some(value))) {
                let (one, other_one) = (history.sentence(other), history.sentence(call));
                let because = match entry.value.filter(|there| *there != value) {
                    Some(there) => format!("{one}, {other_one}: at offset {offset} it was {there} and {value}"),
                    None => format!("{one}, {other_one}, and at offset {offset} there is one entry"),
                };
                return Ok(Err(Contradiction::new([other, call], because)));
            }
            entry.value = Some(value);
            entry.by.get_or_insert(call);
            if appends {
                entry.append = Some(call);
            }
        }
        let last = &mut entries[from + values.len() - 1];
        let end = history.span(call).end;
        last.needed_by = last.needed_by.filter(|&by| history.span(by).end <= end).or(Some(call));
    }
    for place in (1..entries.len()).rev() {
        let behind = entries[place].needed_by;
        let end = |call: usize| history.span(call).end;
        let entry = &mut entries[place - 1];
        entry.needed_by = match (entry.needed_by, behind) {
            (Some(own), Some(behind)) if end(behind) < end(own) => Some(behind),
            (own, behind) => own.or(behind),
        };
    }
    Ok(Ok(entries))
}

/// An error where the entries contradict each other or those who found the end.
fn contradiction<'a>(
    history: &dyn History,
    actions: &[Action<'a>],
    mut entries: Vec<Entry<'a>>,
    mut crashed: FxHashMap<&'a Value, usize>,
) -> Result<(), Contradiction> {
    let needed = |entry: &Entry<'_>| entry.needed_by.expect("what was reached is needed");
    for entry in entries.iter_mut().filter(|entry| entry.append.is_none()) {
        let (Some(value), Some(by)) = (entry.value, entry.by) else { continue };
        let Some(append) = crashed.remove(value) else {
            let because = format!("{}, and no append can have put that there", history.sentence(by));
            let of_value = (0..actions.len()).filter(
                |&call| matches!(actions[call], Action::Log(LogAction::Append { value: its, .. }) if its == value),
            );
            // Another offset may have it, as the readers of that one say.
            let elsewhere = entries_of(actions, value);
            return Err(Contradiction::new(of_value.chain(elsewhere).chain([by]), because));
        };
        entry.append = Some(append);
    }
    let mut others: Vec<usize> = crashed.into_values().collect();
    others.sort_unstable_by_key(|&call| (history.span(call).begin, call));
    let mut others = others.into_iter();
    for (offset, entry) in entries.iter_mut().enumerate().filter(|(_, entry)| entry.append.is_none()) {
        let by = needed(entry);
        let fits = others.next().filter(|&append| history.span(append).begin <= history.span(by).end);
        let Some(append) = fits else {
            let because =
                format!("{}, and nothing can have been appended at offset {offset} by then", history.sentence(by));
            // Whatever else there is stands elsewhere.
            return Err(Contradiction::new(0..actions.len(), because));
        };
        entry.append = Some(append);
    }
    for entry in &entries {
        let (append, by) = (entry.append.expect("each has one by now"), needed(entry));
        if history.span(by).end < history.span(append).begin {
            let because = format!("{}, which needs what stands before it", history.in_order(by, append));
            let shown = [append, by].into_iter().chain(entry.by);
            return Err(Contradiction::new(shown, because));
        }
    }
    found_the_end(history, actions, &entries)
}

/// Everybody who read this value.
fn entries_of<'x>(actions: &'x [Action<'_>], value: &'x Value) -> impl Iterator<Item = usize> + 'x {
    (0..actions.len()).filter(
        move |&call| matches!(actions[call], Action::Log(LogAction::Entries { values, .. }) if values.contains(value)),
    )
}

/// Nobody found the end before something that was needed.
fn found_the_end(history: &dyn History, actions: &[Action<'_>], entries: &[Entry<'_>]) -> Result<(), Contradiction> {
    for (call, action) in actions.iter().enumerate() {
        let Action::Log(LogAction::End { from }) = *action else { continue };
        let entry = usize::try_from(from).ok().and_then(|from| entries.get(from));
        let Some(by) = entry.and_then(|entry| entry.needed_by) else { continue };
        if history.span(by).end != NEVER && history.span(by).end < history.span(call).begin {
            let because = history.in_order(by, call);
            let why = format!("the first needs an entry at offset {from}, and the second found none there");
            return Err(Contradiction::new([by, call], because).and(why));
        }
    }
    Ok(())
}
