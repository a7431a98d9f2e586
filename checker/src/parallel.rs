//! Does the same for several things, on several threads where the feature `parallel` is on.

/// What `act` makes of each of `things` with its number, in their order.
pub(crate) fn each<T: Send, R: Send>(things: Vec<T>, act: impl Fn((usize, T)) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "parallel")]
    if things.len() > 1 {
        use rayon::prelude::*;
        return things.into_par_iter().enumerate().with_max_len(1).map(act).collect();
    }
    things.into_iter().enumerate().map(act).collect()
}
