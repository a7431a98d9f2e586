//! What a check may cost. The crate knows no clock: the caller implements [`Budget`].

/// Asked regularly by every worker of a check, from several threads; when it says stop, all of them do within 100 ms.
pub trait Budget: Sync {
    /// Whether to stop, and why. `bytes` is what the check holds by its own count, summed over its workers.
    fn exhausted(&self, bytes: usize) -> Option<Exhausted>;
}

/// Why a check stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exhausted {
    /// The time was up.
    Time,
    /// The memory was used up.
    Memory,
    /// Somebody asked it to stop.
    Cancelled,
}

/// No limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        None
    }
}
