//! Does the same for several things, on several threads where the feature `parallel` is on.

#[cfg(feature = "parallel")]
use std::sync::{Mutex, PoisonError};

/// What `act` makes of each of `things` with its number, in their order.
pub(crate) fn each<T: Send, R: Send>(things: Vec<T>, act: impl Fn((usize, T)) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "parallel")]
    if things.len() > 1 {
        let things: Vec<Mutex<(Option<T>, Option<R>)>> =
            things.into_iter().map(|thing| Mutex::new((Some(thing), None))).collect();
        at_once(things.len(), &|number| {
            let mut place = things[number].lock().unwrap_or_else(PoisonError::into_inner);
            place.1 = place.0.take().map(|thing| act((number, thing)));
        });
        let done = |place: Mutex<(Option<T>, Option<R>)>| place.into_inner().unwrap_or_else(PoisonError::into_inner).1;
        return things.into_iter().map(|place| done(place).expect("each was asked for")).collect();
    }
    things.into_iter().enumerate().map(act).collect()
}

/// Acts for each number. Apart from [`each`], since this does not depend on the kinds of things: there are many, one for each
/// model, and what rayon makes of a closure takes long to compile.
#[cfg(feature = "parallel")]
fn at_once(count: usize, act: &(dyn Fn(usize) + Sync)) {
    use rayon::prelude::*;
    (0..count).into_par_iter().with_max_len(1).for_each(act);
}

/// What both make, each on a thread of its own.
pub(crate) fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    #[cfg(feature = "parallel")]
    return rayon::join(one, other);
    #[cfg(not(feature = "parallel"))]
    (one(), other())
}
