//! The quorum checker: each rule by notes made by hand, and all of them on random executions of a correct protocol, with single
//! lies in it, and against their definitions.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod definitions;
mod evidence;
mod lies;
mod quorums_by_hand;
mod random;
mod record;
mod replicas_by_hand;
mod script;
mod world;
