//! A cluster in virtual time, and the oracles that watch it.

pub(crate) mod oracle;
pub(crate) mod world;
