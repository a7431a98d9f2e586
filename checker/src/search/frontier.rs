//! Sets of configurations, with dominance.
//!
//! A configuration says how things may stand at a moment: the state, which open operations have been placed, and how many
//! crashed ones of each class were used up on the way.
//!
//! **Dominance.** Of two configurations with the same state, where the same operations that may change something have been
//! placed, one can be forgotten if the other used a subset of its crashed operations and has placed a superset of its pure
//! ones. A crashed operation is never obliged to happen, so the other can do whatever the one can and leave the rest unused;
//! and a pure operation that it has placed already, it leaves out of that order, which changes no state. So for each state
//! and mask an antichain is kept. Without dominance all different configurations are kept.

use crate::search::mask::Mask;
use crate::search::places::Places;
use crate::search::states::StateId;
use crate::search::used::{Packing, Used};

/// The number of a class of crashed operations that do the same.
pub(super) type Class = u32;

/// How things may stand at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) state: StateId,
    /// Which of the open operations have been placed, those apart that are placed greedily.
    pub(super) placed: Mask,
    /// What remains to be done about the others.
    pub(super) rest: Rest,
}

/// What of a configuration can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// The crashed operations that have been placed.
    pub(super) used: Used,
    /// The open operations that were placed greedily.
    pub(super) settled: Mask,
}

impl Rest {
    fn dominates(&self, other: &Rest, packing: Packing) -> bool {
        self.used.within(&other.used, packing) && other.settled.within(&self.settled)
    }

    fn heap_bytes(&self) -> usize {
        self.used.heap_bytes() + self.settled.heap_bytes()
    }
}

/// The number of a configuration within one frontier, in the order in which they were added.
pub(super) type Number = u32;

#[derive(Debug)]
struct Member {
    rest: Rest,
    number: Number,
}

/// What is known for one state and mask: usually one configuration.
#[derive(Debug)]
struct Antichain {
    first: Member,
    others: Vec<Member>,
}

/// A set of configurations.
#[derive(Debug)]
pub(super) struct Frontier {
    places: Places<(StateId, Mask), Antichain>,
    packing: Packing,
    dominance: bool,
    /// For each configuration that was ever added whether it was dominated later.
    forgotten: Vec<bool>,
    forgotten_count: usize,
    heap_bytes: usize,
}

impl Frontier {
    pub(super) fn new(packing: Packing, dominance: bool) -> Frontier {
        let (forgotten, forgotten_count) = (Vec::new(), 0);
        Frontier { places: Places::new(), packing, dominance, forgotten, forgotten_count, heap_bytes: 0 }
    }

    /// How many configurations there are.
    pub(super) fn len(&self) -> usize {
        self.forgotten.len() - self.forgotten_count
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.places.bytes() + self.heap_bytes + self.forgotten.capacity()
    }

    /// Adds a configuration, unless it is there or dominated; forgets those that it dominates. Its number, if it was added.
    pub(super) fn insert(&mut self, config: Config) -> Option<Number> {
        let number = Number::try_from(self.forgotten.len()).expect("four billion configurations do not fit in memory");
        let bytes = config.placed.heap_bytes() + config.rest.heap_bytes();
        let key = (config.state, config.placed);
        let member = Member { rest: config.rest, number };
        let Some(chain) = self.places.get_mut(&key) else {
            self.places.insert(key, Antichain { first: member, others: Vec::new() });
            self.forgotten.push(false);
            self.heap_bytes += bytes;
            return Some(number);
        };
        if chain.has(&member.rest, self.packing, self.dominance) {
            return None;
        }
        self.forgotten.push(false);
        self.heap_bytes += bytes + size_of::<Member>();
        let forgotten = &mut self.forgotten;
        let mut count = 0;
        let mut forget = |member: &Member| {
            forgotten[member.number as usize] = true;
            count += 1;
        };
        chain.add(member, self.dominance.then_some(self.packing), &mut forget);
        self.forgotten_count += count;
        Some(number)
    }

    /// Whether this configuration was dominated after it was added.
    pub(super) fn has_forgotten(&self, number: Number) -> bool {
        self.forgotten[number as usize]
    }

    /// All configurations, in an order that depends on nothing but how they were added.
    pub(super) fn into_configs(self) -> impl Iterator<Item = Config> {
        self.places.into_entries().flat_map(|((state, placed), chain)| {
            std::iter::once(chain.first).chain(chain.others).map(move |member| Config {
                state,
                placed: placed.clone(),
                rest: member.rest,
            })
        })
    }

    /// The states of all configurations, some of them several times.
    pub(super) fn states(&self) -> impl Iterator<Item = StateId> + '_ {
        self.places.keys().map(|key| key.0)
    }

    /// What each configuration has used.
    pub(super) fn used(&self) -> impl Iterator<Item = &Used> + '_ {
        let members = self.places.values().flat_map(|chain| std::iter::once(&chain.first).chain(&chain.others));
        members.map(|member| &member.rest.used)
    }
}

impl Antichain {
    fn has(&self, new: &Rest, packing: Packing, dominance: bool) -> bool {
        let mut members = std::iter::once(&self.first).chain(&self.others);
        members.any(|member| if dominance { member.rest.dominates(new, packing) } else { member.rest == *new })
    }

    /// Adds what it has not; with dominance, takes out what is dominated.
    fn add(&mut self, new: Member, dominance: Option<Packing>, forget: &mut impl FnMut(&Member)) {
        let Some(packing) = dominance else {
            self.others.push(new);
            return;
        };
        self.others.retain(|member| {
            let dominated = new.rest.dominates(&member.rest, packing);
            if dominated {
                forget(member);
            }
            !dominated
        });
        if new.rest.dominates(&self.first.rest, packing) {
            forget(&self.first);
            self.first = new;
        } else {
            self.others.push(new);
        }
    }
}
