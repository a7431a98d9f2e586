//! How many crashed operations of each class a configuration has used, packed so that two of them are compared a word at a
//! time.
//!
//! Each class has a lane of a few bits, the highest of which stays free. Whether one set is within another is then one
//! subtraction for many lanes: the free bit of a lane survives where nothing had to be borrowed from it.

/// Words that are stored without allocating: enough for 32 classes of up to seven operations each.
const WORDS_INLINE: usize = 2;

/// How the lanes of one search lie in words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    /// The width of a lane, a power of two.
    lane_bits: u32,
    /// The highest bit of each lane.
    guards: u64,
}

impl Packing {
    /// Lanes that can count to `most`.
    pub(super) fn for_counts(most: u32) -> Packing {
        let lane_bits = (u32::BITS - most.leading_zeros() + 1).next_power_of_two().max(2);
        let lanes = u64::BITS / lane_bits;
        let guards = (0..lanes).fold(0, |bits, lane| bits | 1 << ((lane + 1) * lane_bits - 1));
        Packing { lane_bits, guards }
    }

    /// The word and the shift of a lane.
    fn place(self, lane: u32) -> (usize, u32) {
        let lanes = u64::BITS / self.lane_bits;
        ((lane / lanes) as usize, lane % lanes * self.lane_bits)
    }

    fn mask(self) -> u64 {
        u64::MAX >> (u64::BITS - self.lane_bits + 1)
    }

    fn word_within(self, one: u64, other: u64) -> bool {
        ((other | self.guards) - one) & self.guards == self.guards
    }
}

/// How many crashed operations were used, by the lane of their class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    low: [u64; WORDS_INLINE],
    /// The words above that are not zero, with their places, in order: of very many classes few are used.
    high: Vec<(u32, u64)>,
    /// How many all together.
    total: u32,
}

impl Used {
    /// How many crashed operations were used.
    pub(super) fn total(&self) -> u32 {
        self.total
    }

    pub(super) fn count(&self, lane: u32, packing: Packing) -> u32 {
        let (word, shift) = packing.place(lane);
        let word = if word < WORDS_INLINE { self.low[word] } else { self.high_word(word) };
        u32::try_from(word >> shift & packing.mask()).expect("a lane is not wider than a count")
    }

    /// Uses so many more of a class.
    pub(super) fn add(&mut self, lane: u32, more: u32, packing: Packing) {
        let (word, shift) = packing.place(lane);
        *self.word(word) += u64::from(more) << shift;
        self.total += more;
    }

    /// Takes so many of a class back, which must have been used.
    pub(super) fn remove(&mut self, lane: u32, fewer: u32, packing: Packing) {
        let (word, shift) = packing.place(lane);
        *self.word(word) -= u64::from(fewer) << shift;
        self.total -= fewer;
        self.high.retain(|&(_, bits)| bits != 0);
    }

    /// Whether `other` used at least as much of everything.
    pub(super) fn within(&self, other: &Used, packing: Packing) -> bool {
        let low = self.low.iter().zip(&other.low);
        packing.word_within(self.low[0], other.low[0])
            && low.skip(1).all(|(&one, &other)| packing.word_within(one, other))
            && self.high.len() <= other.high.len()
            && self.high.iter().all(|&(word, bits)| packing.word_within(bits, other.high_word(word as usize)))
    }

    /// Bytes outside of the value itself.
    pub(super) fn heap_bytes(&self) -> usize {
        self.high.capacity() * size_of::<(u32, u64)>()
    }

    fn high_word(&self, word: usize) -> u64 {
        self.high.binary_search_by_key(&word, |entry| entry.0 as usize).map_or(0, |place| self.high[place].1)
    }

    fn word(&mut self, word: usize) -> &mut u64 {
        if word < WORDS_INLINE {
            return &mut self.low[word];
        }
        let place = match self.high.binary_search_by_key(&word, |entry| entry.0 as usize) {
            Ok(place) => place,
            Err(place) => {
                let number = u32::try_from(word).expect("there are no more words than lanes");
                self.high.insert(place, (number, 0));
                place
            }
        };
        &mut self.high[place].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_compares_in_every_width() {
        for most in [1, 2, 3, 7, 8, 127, 128, 40_000] {
            let packing = Packing::for_counts(most);
            let lanes = [0, 1, 7, 31, 32, 63, 64, 200];
            let mut used = Used::default();
            for lane in lanes {
                used.add(lane, most, packing);
                assert_eq!(used.count(lane, packing), most, "{most} in lane {lane}");
            }
            for lane in lanes {
                let mut fewer = used.clone();
                fewer.remove(lane, 1, packing);
                assert_eq!(fewer.count(lane, packing), most - 1);
                assert!(fewer.within(&used, packing) && !used.within(&fewer, packing), "{most} in lane {lane}");
                let mut other = fewer.clone();
                other.add(2, 1, packing);
                assert!(!other.within(&used, packing) && !used.within(&other, packing));
            }
            for lane in lanes {
                used.remove(lane, most, packing);
            }
            assert_eq!(used, Used::default(), "nothing is left");
        }
    }
}
