//! Sets of configurations, with dominance over crashed operations.
//!
//! A configuration says how things may stand at a moment: the state, which open operations have been placed, and how many
//! crashed ones of each class were used up on the way.
//!
//! **Dominance.** Of two configurations with the same state and the same placed operations, where one used a subset of the
//! crashed operations that the other used, the other can be forgotten: a crashed operation is never obliged to happen, so
//! the first can do whatever the second can, and may leave the rest unused. So for each state and mask an antichain of used
//! sets is kept. Without dominance all different sets are kept.

use rustc_hash::FxHashMap;

use crate::search::mask::Mask;
use crate::search::states::StateId;

/// The number of a class of crashed operations that do the same.
pub(super) type Class = u32;

/// How things may stand at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Config {
    pub(super) state: StateId,
    /// Which of the open operations have been placed.
    pub(super) placed: Mask,
    /// The crashed operations that have been placed.
    pub(super) used: Used,
}

/// How many crashed operations of each class were used, by class; classes of which none was are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Used {
    /// How many all together.
    total: u32,
    /// A bit for each class, modulo 64: most sets that are no part of another can be told apart by this alone.
    signature: u64,
    counts: Vec<(Class, u32)>,
}

impl Used {
    fn new(counts: Vec<(Class, u32)>) -> Used {
        let total = counts.iter().map(|entry| entry.1).sum();
        let signature = counts.iter().fold(0, |bits, entry| bits | signature_bit(entry.0));
        Used { total, signature, counts }
    }

    /// How many crashed operations were used.
    pub(super) fn total(&self) -> u32 {
        self.total
    }

    pub(super) fn count(&self, class: Class) -> u32 {
        self.counts.binary_search_by_key(&class, |entry| entry.0).map_or(0, |place| self.counts[place].1)
    }

    pub(super) fn add(&mut self, class: Class) {
        match self.counts.binary_search_by_key(&class, |entry| entry.0) {
            Ok(place) => self.counts[place].1 += 1,
            Err(place) => self.counts.insert(place, (class, 1)),
        }
        self.total += 1;
        self.signature |= signature_bit(class);
    }

    /// What both have used.
    pub(super) fn common(&self, other: &Used) -> Used {
        let shared = self.counts.iter().map(|&(class, count)| (class, count.min(other.count(class))));
        Used::new(shared.filter(|entry| entry.1 > 0).collect())
    }

    /// This without `common`, which must be part of it.
    pub(super) fn without(&self, common: &Used) -> Used {
        let rest = self.counts.iter().map(|&(class, count)| (class, count - common.count(class)));
        Used::new(rest.filter(|entry| entry.1 > 0).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Class, u32)> + '_ {
        self.counts.iter().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Whether `other` used at least as much of everything.
    fn within(&self, other: &Used) -> bool {
        self.total <= other.total
            && self.signature & !other.signature == 0
            && self.counts.iter().all(|&(class, count)| count <= other.count(class))
    }

    /// The same for `other` with one more of this class.
    fn within_more(&self, other: &Used, more: Class) -> bool {
        self.total <= other.total + 1
            && self.signature & !(other.signature | signature_bit(more)) == 0
            && self.counts.iter().all(|&(class, count)| count <= other.count(class) + u32::from(class == more))
    }

    fn heap_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<(Class, u32)>()
    }
}

fn signature_bit(class: Class) -> u64 {
    1 << (class % 64)
}

/// The used sets of one state and mask: usually one.
#[derive(Debug)]
struct Antichain {
    first: Used,
    rest: Vec<Used>,
}

/// A set of configurations.
#[derive(Debug)]
pub(super) struct Frontier {
    places: FxHashMap<(StateId, Mask), Antichain>,
    dominance: bool,
    len: usize,
    heap_bytes: usize,
}

impl Frontier {
    pub(super) fn new(dominance: bool) -> Frontier {
        Frontier { places: FxHashMap::default(), dominance, len: 0, heap_bytes: 0 }
    }

    /// How many configurations there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.places.capacity() * (size_of::<((StateId, Mask), Antichain)>() + 1) + self.heap_bytes
    }

    /// Adds a configuration, unless it is there or dominated; forgets those that it dominates. Says whether it was added.
    pub(super) fn insert(&mut self, config: Config) -> bool {
        let bytes = config.placed.heap_bytes() + config.used.heap_bytes();
        let key = (config.state, config.placed);
        let Some(chain) = self.places.get_mut(&key) else {
            self.places.insert(key, Antichain { first: config.used, rest: Vec::new() });
            self.len += 1;
            self.heap_bytes += bytes;
            return true;
        };
        let before = 1 + chain.rest.len();
        if !chain.insert(config.used, self.dominance) {
            return false;
        }
        self.len = self.len + 1 + chain.rest.len() - before;
        self.heap_bytes += bytes + size_of::<Used>();
        true
    }

    /// Whether a configuration with this state and these places is dominated that used one more of a class than `used`.
    /// It asks before such a configuration is made, as most of them are dominated.
    pub(super) fn dominates(&self, state: StateId, placed: &Mask, used: &Used, more: Class) -> bool {
        self.dominance
            && self.places.get(&(state, placed.clone())).is_some_and(|chain| {
                chain.first.within_more(used, more) || chain.rest.iter().any(|member| member.within_more(used, more))
            })
    }

    /// Whether this very configuration is in the set: it may have been dominated after it was added.
    pub(super) fn contains(&self, config: &Config) -> bool {
        let key = (config.state, config.placed.clone());
        self.places.get(&key).is_some_and(|chain| chain.first == config.used || chain.rest.contains(&config.used))
    }

    /// All configurations, in an order that depends on nothing but how they were added.
    pub(super) fn into_configs(self) -> impl Iterator<Item = Config> {
        self.places.into_iter().flat_map(|((state, placed), chain)| {
            std::iter::once(chain.first).chain(chain.rest).map(move |used| Config {
                state,
                placed: placed.clone(),
                used,
            })
        })
    }

    /// The states of all configurations, some of them several times.
    pub(super) fn states(&self) -> impl Iterator<Item = StateId> + '_ {
        self.places.keys().map(|key| key.0)
    }

    /// What all configurations have used.
    pub(super) fn used_by_all(&self) -> Used {
        let mut all = self.places.values().flat_map(|chain| std::iter::once(&chain.first).chain(&chain.rest));
        let Some(first) = all.next() else { return Used::default() };
        let mut common = first.clone();
        for used in all {
            if common.is_empty() {
                break;
            }
            common = common.common(used);
        }
        common
    }
}

impl Antichain {
    fn insert(&mut self, new: Used, dominance: bool) -> bool {
        let mut members = std::iter::once(&self.first).chain(&self.rest);
        if members.any(|member| if dominance { member.within(&new) } else { *member == new }) {
            return false;
        }
        if dominance {
            self.rest.retain(|member| !new.within(member));
            if new.within(&self.first) {
                self.first = new;
                return true;
            }
        }
        self.rest.push(new);
        true
    }
}
