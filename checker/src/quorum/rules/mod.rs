//! The rules, one a file. A rule takes what concerns it and puts what became of it into its tally; it knows no other rule.

pub(super) mod available;
pub(super) mod copies;
pub(super) mod durable_acks;
pub(super) mod fresh_reads;
pub(super) mod home;
pub(super) mod quorums_meet;
pub(super) mod read_quorum;
pub(super) mod repair;
mod shared;
pub(super) mod tag_order;
pub(super) mod tags_never_go_back;
pub(super) mod unique_tags;
pub(super) mod write_quorum;
pub(super) mod writes_meet;
pub(super) mod written_back;
