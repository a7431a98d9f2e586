//! Which of the open operations have been placed already: a set of slots, as wide as the history needs.

/// A set of slots. All masks of one search have the same width.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mask {
    /// Slots 0 to 63: enough for most histories, and then nothing is allocated.
    low: u64,
    high: Option<Box<[u64]>>,
}

impl Mask {
    /// The empty set among `width` slots.
    pub(super) fn empty(width: usize) -> Mask {
        let words_above = width.div_ceil(64).saturating_sub(1);
        Mask { low: 0, high: (words_above > 0).then(|| vec![0; words_above].into_boxed_slice()) }
    }

    pub(super) fn contains(&self, slot: usize) -> bool {
        let word = match (slot / 64, &self.high) {
            (0, _) => self.low,
            (above, Some(high)) => high[above - 1],
            (_, None) => 0,
        };
        word & bit(slot) != 0
    }

    pub(super) fn insert(&mut self, slot: usize) {
        *self.word(slot) |= bit(slot);
    }

    /// Takes a slot out, and says whether it was in.
    pub(super) fn remove(&mut self, slot: usize) -> bool {
        let word = self.word(slot);
        let was_in = *word & bit(slot) != 0;
        *word &= !bit(slot);
        was_in
    }

    /// Whether all slots of this set, which is as wide, are in `other`.
    pub(super) fn within(&self, other: &Mask) -> bool {
        let high = self.high.iter().flatten().zip(other.high.iter().flatten());
        self.low & !other.low == 0 && high.into_iter().all(|(one, other)| one & !other == 0)
    }

    /// The same set among `width` slots, which must not be fewer than it was made for.
    pub(super) fn widened(mut self, width: usize) -> Mask {
        let mut wide = Mask::empty(width);
        wide.low = self.low;
        if let (Some(to), Some(from)) = (&mut wide.high, self.high.take()) {
            to[..from.len()].copy_from_slice(&from);
        }
        wide
    }

    /// Bytes outside of the value itself.
    pub(super) fn heap_bytes(&self) -> usize {
        self.high.as_ref().map_or(0, |high| size_of_val(&**high))
    }

    fn word(&mut self, slot: usize) -> &mut u64 {
        match slot / 64 {
            0 => &mut self.low,
            above => &mut self.high.as_mut().expect("the mask is as wide as the history needs")[above - 1],
        }
    }
}

fn bit(slot: usize) -> u64 {
    1 << (slot % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_slots_on_both_sides_of_a_word() {
        for width in [1, 64, 65, 128, 200] {
            let mut mask = Mask::empty(width);
            let slots: Vec<usize> = (0..width).filter(|slot| slot % 3 == 0 || slot % 64 == 63).collect();
            for &slot in &slots {
                mask.insert(slot);
            }
            assert_eq!((0..width).filter(|&slot| mask.contains(slot)).collect::<Vec<_>>(), slots);
            for &slot in &slots {
                assert!(mask.remove(slot));
            }
            assert_eq!(mask, Mask::empty(width));
        }
    }
}
