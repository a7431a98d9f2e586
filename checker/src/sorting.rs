//! Sorts what functions that work with any model have to sort.
//!
//! A closure in such a function is another type for each model, and a sort that is given it is compiled as often. This one asks
//! for keys through a pointer, and is compiled once for each kind of element and key: the crate builds in much less time.

/// Sorts by a key of each element; those of equal keys keep their order.
#[inline(never)]
pub(crate) fn sort_by_key<T: Copy, K: Ord>(all: &mut [T], key: &dyn Fn(T) -> K) {
    all.sort_by_key(|&it| key(it));
}
