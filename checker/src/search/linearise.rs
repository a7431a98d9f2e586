//! Finds one order in which the calls of an object can have happened, for the proof of a valid verdict.
//!
//! It goes along the recorded order as the frontier search does, but depth first: it follows one configuration and comes back
//! when that one dies. So it knows the way that it came, and needs no back pointers. Each configuration is followed once, and
//! none that has used a superset of the crashed calls of one that was followed before, with the same state and the same
//! placed calls at the same moment: that one could have done whatever this one can, and did not get through, or is still being
//! followed. Pure calls are placed as soon as they are legal, as the frontier search does and for the same reason.
//!
//! Memory grows with the history, unlike that of the verdict: a way is as long as the history.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::call::Call;
use crate::meter::{Share, Stop, units_of_state};
use crate::model::{Action, CollectionAction, Discipline, Model};
use crate::search::places::{table_bytes, vec_bytes};
use crate::sorting;

/// A call by its place.
type CallId = u32;
/// A state by its number.
type StateId = u32;
/// Crashed calls that do the same.
type Class = u32;

/// Something that happens to a call.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Begin(CallId),
    Crash(Class),
    End(CallId),
}

/// The calls in an order that the model and real time allow: every call with an end, and the crashed ones that were needed.
/// None if there is no such order.
pub(crate) fn linearise<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    share: &mut Share<'_>,
) -> Result<Option<Vec<usize>>, Stop> {
    let mut way = Way::new(model, calls);
    let found = way.find(share)?;
    Ok(found.then(|| way.order.iter().map(|&call| call as usize).collect()))
}

/// How things stand just before a moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Config {
    moment: usize,
    state: StateId,
    /// The open calls that have been placed, sorted.
    placed: Vec<CallId>,
}

/// How many crashed calls of each class were used, sorted by class.
type Used = Vec<(Class, u32)>;

/// A configuration whose next call returns and has no place yet, and what may be tried there.
struct Fork {
    config: Config,
    used: Used,
    /// How long the order was.
    order: usize,
    /// What is left to try, last first.
    tries: Vec<Try>,
}

impl Fork {
    /// What it holds besides itself, and what is noted of it among those that were followed.
    fn heap_bytes(&self) -> usize {
        let noted = size_of_val(&*self.config.placed) + size_of_val(&*self.used);
        noted * 2 + size_of::<Used>() + self.tries.capacity() * size_of::<Try>()
    }
}

/// One thing to place next.
#[derive(Clone, Copy, Debug)]
enum Try {
    Open(CallId),
    Crashed(Class),
}

struct Way<'c, 'a, M: Model> {
    model: &'c M,
    calls: &'c [Call<'a, M::Input>],
    moments: Vec<Moment>,
    pure: Vec<bool>,
    /// What is tried first: the smaller the number of a call, the earlier. Empty where the one that returns is.
    ranks: Vec<u64>,
    /// The crashed calls of each class, earliest first.
    classes: Vec<Vec<CallId>>,
    states: Vec<M::State>,
    numbers: FxHashMap<M::State, StateId>,
    state_bytes: usize,
    /// For each state the units of work that it is to copy it.
    units_of: Vec<u32>,
    /// Those of the copies since the last unit.
    copied_units: u32,
    cursor: Cursor,
    /// What has been placed, in order.
    order: Vec<CallId>,
    forks: Vec<Fork>,
    /// What the forks hold besides themselves.
    forks_bytes: usize,
    followed: FxHashMap<Config, Vec<Used>>,
}

/// What is open just before a moment.
struct Cursor {
    moment: usize,
    open: BTreeSet<CallId>,
    /// How many crashed calls of each class have begun.
    begun: Vec<u32>,
}

impl<'c, 'a, M: Model> Way<'c, 'a, M> {
    fn new(model: &'c M, calls: &'c [Call<'a, M::Input>]) -> Way<'c, 'a, M> {
        let mut class_of: FxHashMap<&M::Input, Class> = FxHashMap::default();
        let mut classes: Vec<Vec<CallId>> = Vec::new();
        let mut by_begin: Vec<CallId> = (0..).take(calls.len()).collect();
        sorting::sort_by_key(&mut by_begin, &|call| calls[call as usize].operation.invoked);
        let mut moments = Vec::with_capacity(2 * calls.len());
        for id in by_begin {
            let call = &calls[id as usize];
            if let Some(end) = call.end {
                moments.push((call.operation.invoked, false, Moment::Begin(id)));
                moments.push((end, true, Moment::End(id)));
                continue;
            }
            let next = Class::try_from(classes.len()).expect("there are no more classes than calls");
            let class = *class_of.entry(&call.input).or_insert(next);
            if class == next {
                classes.push(Vec::new());
            }
            classes[class as usize].push(id);
            moments.push((call.operation.invoked, false, Moment::Crash(class)));
        }
        // What begins and what ends at the same event are concurrent.
        sorting::sort_by_key(&mut moments, &|(index, ends, _)| (index, ends));
        let initial = model.initial();
        let initial_bytes = model.state_bytes(&initial);
        let cursor = Cursor { moment: 0, open: BTreeSet::new(), begun: vec![0; classes.len()] };
        Way {
            model,
            calls,
            moments: moments.into_iter().map(|(_, _, moment)| moment).collect(),
            pure: calls.iter().map(|call| model.is_pure(&call.input)).collect(),
            ranks: ranks(model, calls).unwrap_or_default(),
            classes,
            state_bytes: 2 * initial_bytes,
            units_of: vec![units_of_state(initial_bytes)],
            copied_units: 0,
            numbers: FxHashMap::from_iter([(initial.clone(), 0)]),
            states: vec![initial],
            cursor,
            order: Vec::with_capacity(calls.len()),
            forks: Vec::new(),
            forks_bytes: 0,
            followed: FxHashMap::default(),
        }
    }

    fn find(&mut self, share: &mut Share<'_>) -> Result<bool, Stop> {
        let begin = Config { moment: 0, state: 0, placed: Vec::new() };
        if self.advance(begin, Used::new(), share)? {
            return Ok(true);
        }
        while let Some(fork) = self.forks.last_mut() {
            let Some(next) = fork.tries.pop() else {
                self.forks_bytes -= fork.heap_bytes();
                self.forks.pop();
                continue;
            };
            let (config, used, order) = (fork.config.clone(), fork.used.clone(), fork.order);
            self.order.truncate(order);
            self.work(share)?;
            if let Some((config, used)) = self.place(config, used, next)
                && self.advance(config, used, share)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Places one more call, if the state allows it, and then every pure one that is legal.
    fn place(&mut self, mut config: Config, mut used: Used, next: Try) -> Option<(Config, Used)> {
        let call = match next {
            Try::Open(call) => {
                insert(&mut config.placed, call);
                call
            }
            Try::Crashed(class) => {
                let members = &self.classes[class as usize];
                match used.binary_search_by_key(&class, |entry| entry.0) {
                    Ok(place) => {
                        used[place].1 += 1;
                        members[used[place].1 as usize - 1]
                    }
                    Err(place) => {
                        used.insert(place, (class, 1));
                        members[0]
                    }
                }
            }
        };
        let after = self.step(config.state, call)?;
        if matches!(next, Try::Crashed(_)) && after == config.state {
            // It need not happen, so why should it.
            return None;
        }
        config.state = after;
        self.order.push(call);
        self.cursor.seek(config.moment, &self.moments);
        let pure: Vec<CallId> = self.cursor.open.iter().copied().filter(|&call| self.pure[call as usize]).collect();
        for call in pure {
            self.place_pure(&mut config, call);
        }
        Some((config, used))
    }

    fn place_pure(&mut self, config: &mut Config, call: CallId) {
        if config.placed.binary_search(&call).is_err() && self.step(config.state, call) == Some(config.state) {
            insert(&mut config.placed, call);
            self.order.push(call);
        }
    }

    /// Goes on to the next moment at which something has to be decided, or to the end, and says whether it came there.
    fn advance(&mut self, mut config: Config, used: Used, share: &mut Share<'_>) -> Result<bool, Stop> {
        while let Some(&moment) = self.moments.get(config.moment) {
            self.work(share)?;
            match moment {
                Moment::Begin(call) if self.pure[call as usize] => self.place_pure(&mut config, call),
                Moment::Begin(_) | Moment::Crash(_) => {}
                Moment::End(call) => {
                    let Ok(place) = config.placed.binary_search(&call) else {
                        self.fork(config, used, call);
                        return Ok(false);
                    };
                    config.placed.remove(place);
                }
            }
            config.moment += 1;
        }
        Ok(true)
    }

    /// Notes what may be tried where `call` returns and has no place.
    fn fork(&mut self, config: Config, used: Used, call: CallId) {
        let before = self.followed.entry(config.clone()).or_default();
        if before.iter().any(|earlier| within(earlier, &used)) {
            return;
        }
        before.retain(|earlier| !within(&used, earlier));
        before.push(used.clone());
        self.cursor.seek(config.moment, &self.moments);
        let begun = self.cursor.begun.iter().zip(0..).filter(|&(&begun, class)| begun > count(&used, class));
        let mut tries: Vec<Try> = begun.map(|(_, class)| Try::Crashed(class)).collect();
        let open = self.cursor.open.iter().rev().copied();
        let placeable = |other: &CallId| !self.pure[*other as usize] && config.placed.binary_search(other).is_err();
        tries.extend(open.filter(|&other| other != call).filter(placeable).map(Try::Open));
        if !self.pure[call as usize] {
            tries.push(Try::Open(call));
        }
        if !self.ranks.is_empty() {
            sorting::sort_by_key(&mut tries, &|next| match next {
                Try::Crashed(_) => (std::cmp::Reverse(u64::MAX), 0),
                Try::Open(call) => (std::cmp::Reverse(self.ranks[call as usize]), u32::MAX - call),
            });
        }
        let fork = Fork { config, used, order: self.order.len(), tries };
        self.forks_bytes += fork.heap_bytes();
        self.forks.push(fork);
    }

    fn step(&mut self, state: StateId, call: CallId) -> Option<StateId> {
        let after = self.model.step(&self.states[state as usize], &self.calls[call as usize].input).ok()?;
        self.copied_units = self.copied_units.saturating_add(self.units_of[state as usize]);
        if let Some(&known) = self.numbers.get(&after) {
            return Some(known);
        }
        let number = StateId::try_from(self.states.len()).expect("four billion states do not fit in memory");
        let bytes = self.model.state_bytes(&after);
        self.state_bytes += 2 * bytes;
        self.units_of.push(units_of_state(bytes));
        self.states.push(after.clone());
        self.numbers.insert(after, number);
        Some(number)
    }

    /// Counts a unit of work, and what it was to copy states since the last one.
    fn work(&mut self, share: &mut Share<'_>) -> Result<(), Stop> {
        share.weigh(std::mem::take(&mut self.copied_units));
        share.work(|| self.bytes())
    }

    fn bytes(&self) -> usize {
        let followed = size_of::<(Config, Vec<Used>)>();
        let followed = table_bytes(self.followed.len(), self.followed.capacity(), followed) + self.followed.len() * 64;
        let forks = vec_bytes(self.forks.len(), self.forks.capacity(), size_of::<Fork>()) + self.forks_bytes;
        self.state_bytes + forks + followed + self.moments.len() * size_of::<Moment>()
    }
}

impl Cursor {
    /// Moves to just before this moment.
    fn seek(&mut self, to: usize, moments: &[Moment]) {
        while self.moment < to {
            match moments[self.moment] {
                Moment::Begin(call) => drop(self.open.insert(call)),
                Moment::End(call) => drop(self.open.remove(&call)),
                Moment::Crash(class) => self.begun[class as usize] += 1,
            }
            self.moment += 1;
        }
        while self.moment > to {
            self.moment -= 1;
            match moments[self.moment] {
                Moment::Begin(call) => drop(self.open.remove(&call)),
                Moment::End(call) => drop(self.open.insert(call)),
                Moment::Crash(class) => self.begun[class as usize] -= 1,
            }
        }
    }
}

/// Which open operation is tried first in a queue or on a stack: what is taken first was put in first there, and last here. It is a
/// guess, and nearly always right. None where this is neither.
fn ranks<M: Model>(model: &M, calls: &[Call<'_, M::Input>]) -> Option<Vec<u64>> {
    let (discipline, _) = action(model, calls.first()?)?;
    let mut taken: FxHashMap<&Value, u64> = FxHashMap::default();
    for call in calls {
        if let (Some((_, CollectionAction::Take(value))), Some(end)) = (action(model, call), call.end) {
            taken.insert(value, end);
        }
    }
    let rank = |call: &Call<'_, M::Input>| match action(model, call) {
        Some((_, CollectionAction::Insert(value))) => {
            let end = taken.get(value).copied().unwrap_or(u64::MAX);
            if discipline == Discipline::First { end } else { u64::MAX - end / 2 }
        }
        _ => call.end.unwrap_or(u64::MAX),
    };
    Some(calls.iter().map(rank).collect())
}

fn action<'c, M: Model>(model: &M, call: &'c Call<'_, M::Input>) -> Option<(Discipline, CollectionAction<'c>)> {
    match model.action(&call.input)? {
        Action::Collection(discipline @ (Discipline::First | Discipline::Last), action) => Some((discipline, action)),
        _ => None,
    }
}

fn insert(sorted: &mut Vec<CallId>, call: CallId) {
    if let Err(place) = sorted.binary_search(&call) {
        sorted.insert(place, call);
    }
}

fn count(used: &Used, class: Class) -> u32 {
    used.binary_search_by_key(&class, |entry| entry.0).map_or(0, |place| used[place].1)
}

/// Whether `other` used at least as much of everything.
fn within(used: &Used, other: &Used) -> bool {
    used.iter().all(|&(class, number)| number <= count(other, class))
}
