//! What a link knows of a message, and what it says about it.

use std::time::Duration;

use schism_nodes::Incarnation;

/// What a link has to know of a message.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The `type` of its body.
    pub kind: &'a str,
    /// Whether it is one of the controller's probes: subject to the rules, but it counts for nothing.
    pub probe: bool,
    /// Which life of the sender it comes from.
    pub incarnation: Incarnation,
    /// Its size in bytes.
    pub bytes: usize,
}

/// What becomes of a message that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It may be delivered at once; the link has kept nothing of it.
    Pass,
    /// The link has it: it comes out of `LinkEngine::next` when it is due, or waits for its release.
    Kept,
    /// It is lost by chance.
    Lost,
    /// It is dropped by a rule.
    Dropped,
}

/// A message that the link keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting<M> {
    /// The message.
    pub message: M,
    /// Whether it is the second copy of a duplicated message.
    pub copy: bool,
    /// When it was offered.
    pub offered: Duration,
    /// A draw that names the bit of it that is another one, if one is.
    pub corrupted: Option<u64>,
    pub(super) kind: Box<str>,
    pub(super) probe: bool,
    pub(super) incarnation: Incarnation,
    pub(super) bytes: usize,
}

impl<M> Waiting<M> {
    /// Whether it is one of the controller's probes.
    pub fn is_probe(&self) -> bool {
        self.probe
    }
}
