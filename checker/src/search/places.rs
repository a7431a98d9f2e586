//! A table that grows in small steps, so that a search can be stopped in time however much it holds.
//!
//! A hash table moves all of its entries when it is full, which takes a second where there are many millions, and needs the old and
//! the new table at once. So a large one is taken apart by hash, and its parts grow one by one.

use std::hash::{BuildHasher, Hash};

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::meter::UNITS_BETWEEN_QUESTIONS;

/// With so many entries a table is taken apart.
const ENTRIES_IN_ONE: usize = 1 << 16;

/// The number of its parts then, a power of two.
const PARTS: usize = 1 << 8;

/// Which bits of a hash choose the part: not those by which a table chooses its places.
const PART_SHIFT: u32 = 40;

/// A map.
#[derive(Debug)]
pub(super) struct Places<K, V> {
    /// Empty when there are parts.
    whole: FxHashMap<K, V>,
    parts: Vec<FxHashMap<K, V>>,
}

impl<K: Eq + Hash, V> Places<K, V> {
    pub(super) fn new() -> Places<K, V> {
        Places { whole: FxHashMap::default(), parts: Vec::new() }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if self.parts.is_empty() { self.whole.get_mut(key) } else { self.parts[part_of(key)].get_mut(key) }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if !self.parts.is_empty() {
            self.parts[part_of(&key)].insert(key, value);
            return;
        }
        self.whole.insert(key, value);
        if self.whole.len() == ENTRIES_IN_ONE {
            self.parts.resize_with(PARTS, FxHashMap::default);
            for (key, value) in std::mem::take(&mut self.whole) {
                self.parts[part_of(&key)].insert(key, value);
            }
        }
    }

    /// About how many bytes it takes, and will take while it grows next.
    pub(super) fn bytes(&self) -> usize {
        self.tables().map(|table| table_bytes(table.len(), table.capacity(), size_of::<(K, V)>())).sum()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.tables().flat_map(FxHashMap::keys)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.tables().flat_map(FxHashMap::values)
    }

    /// All entries, in an order that depends on nothing but how they were added.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        std::iter::once(self.whole).chain(self.parts).flatten()
    }

    fn tables(&self) -> impl Iterator<Item = &FxHashMap<K, V>> {
        std::iter::once(&self.whole).chain(&self.parts)
    }
}

fn part_of(key: &impl Hash) -> usize {
    (FxBuildHasher.hash_one(key) >> PART_SHIFT) as usize % PARTS
}

/// About how many bytes a hash table takes; with what it needs to grow, where that may come before the budget is asked again.
pub(crate) fn table_bytes(entries: usize, capacity: usize, bytes_of_entry: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    // An eighth of the places stays free, and there is a byte for each to find it by.
    let places = (capacity * 8 / 7).next_power_of_two();
    let grows = capacity - entries.min(capacity) < UNITS_BETWEEN_QUESTIONS as usize;
    places * (bytes_of_entry + 1) * if grows { 3 } else { 1 }
}

/// The same of a vector.
pub(crate) fn vec_bytes(entries: usize, capacity: usize, bytes_of_entry: usize) -> usize {
    let grows = capacity - entries < UNITS_BETWEEN_QUESTIONS as usize;
    capacity * bytes_of_entry * if grows { 3 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_before_and_after_it_is_taken_apart() {
        for entries in [1, ENTRIES_IN_ONE - 1, ENTRIES_IN_ONE, 3 * ENTRIES_IN_ONE] {
            let mut places = Places::new();
            for key in 0..entries {
                places.insert(key, 2 * key);
            }
            assert!((0..entries).all(|key| places.get_mut(&key) == Some(&mut (2 * key))));
            assert_eq!(places.get_mut(&entries), None);
            assert_eq!((places.keys().count(), places.values().sum::<usize>()), (entries, entries * (entries - 1)));
            let mut all: Vec<_> = places.into_entries().collect();
            all.sort_unstable();
            assert!(all.into_iter().eq((0..entries).map(|key| (key, 2 * key))));
        }
    }

    #[test]
    fn a_large_table_grows_in_small_steps() {
        let mut places = Places::new();
        let mut largest_step = 0;
        let table = |places: &Places<usize, usize>| places.tables().map(FxHashMap::capacity).sum::<usize>();
        for key in 0..8 * ENTRIES_IN_ONE {
            let before = table(&places);
            places.insert(key, key);
            if key > 2 * ENTRIES_IN_ONE {
                largest_step = largest_step.max(table(&places).saturating_sub(before));
            }
        }
        assert!((1..ENTRIES_IN_ONE / 8).contains(&largest_step), "{largest_step}");
    }

    #[test]
    fn a_table_that_is_about_to_grow_counts_what_it_will_take() {
        assert_eq!(table_bytes(0, 0, 31), 0);
        assert_eq!(table_bytes(10_000, 14_336, 31), 16_384 * 32);
        assert_eq!(table_bytes(14_000, 14_336, 31), 3 * 16_384 * 32);
    }
}
