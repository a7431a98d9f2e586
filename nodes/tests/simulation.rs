//! Whole clusters in virtual time: hundreds of seeds, each with its own mix of loss, duplication, delay, partitions and
//! crashes. What must never happen is asserted while it runs: two leaders in a term, two votes of one node in a term,
//! two entries committed at one index, an operation that does not see what ended before it began.

mod common;
mod sim;

use std::panic::{AssertUnwindSafe, catch_unwind};

use schism_nodes::nwr::Nwr;
use schism_nodes::raft::Raft;
use schism_nodes::{Params, Protocol};

use sim::oracle::{NwrOracle, Oracle, RaftOracle};
use sim::world::{Summary, World};

fn params(text: &str) -> Params {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    Params(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn run<P: Protocol, O: Oracle<P>>(text: &str, nodes: u16, seed: u64) -> Summary {
    let config = P::configure(&params(text), nodes).expect("the test's parameters are right");
    World::<P, O>::new(nodes, &config, seed).with_lost_disks(text.contains("restart=amnesia")).run()
}

/// Runs the seeds; a violation names its seed.
fn hold<P: Protocol, O: Oracle<P>>(text: &str, nodes: u16, seeds: std::ops::Range<u64>) -> Summary {
    let mut total = Summary::default();
    for seed in seeds {
        let run = catch_unwind(AssertUnwindSafe(|| run::<P, O>(text, nodes, seed)));
        let summary = run.unwrap_or_else(|_| panic!("{text} on {nodes} nodes broke with seed {seed}"));
        total = total + summary;
    }
    eprintln!("{text} on {nodes} nodes: {total:?}");
    total
}

/// Whether one of the seeds shows a violation.
fn breaks<P: Protocol, O: Oracle<P>>(text: &str, nodes: u16, mut seeds: std::ops::Range<u64>) -> bool {
    seeds.any(|seed| catch_unwind(AssertUnwindSafe(|| run::<P, O>(text, nodes, seed))).is_err())
}

#[test]
fn raft_with_log_reads_keeps_its_invariants() {
    let total = hold::<Raft, RaftOracle>("reads=log", 5, 0..100);
    assert!(total.crashes > 100 && total.ok > 10_000, "too little happened: {total:?}");
}

#[test]
fn raft_with_readindex_keeps_its_invariants() {
    let total = hold::<Raft, RaftOracle>("reads=readindex", 5, 1000..1100);
    assert!(total.crashes > 100 && total.ok > 10_000, "too little happened: {total:?}");
}

#[test]
fn raft_keeps_its_invariants_on_few_nodes_and_with_redirects() {
    hold::<Raft, RaftOracle>("reads=readindex,route=redirect", 3, 2000..2060);
    hold::<Raft, RaftOracle>("reads=readindex", 1, 3000..3020);
    hold::<Raft, RaftOracle>("reads=log", 2, 3100..3120);
}

#[test]
fn nwr_with_writeback_is_atomic() {
    let total = hold::<Nwr, NwrOracle>("writeback=on", 3, 4000..4100);
    assert!(total.crashes > 50 && total.ok > 10_000, "too little happened: {total:?}");
    hold::<Nwr, NwrOracle>("n=3,writeback=on", 5, 5000..5060);
    hold::<Nwr, NwrOracle>("w=1,r=3", 3, 6000..6040);
}

#[test]
fn nwr_is_atomic_with_everything_that_repairs() {
    for (text, nodes, first) in [
        ("writeback=fast,anti_entropy=100ms", 5, 7000),
        ("repair=sync", 3, 7100),
        ("writeback=on,repair=async,hints=on,n=3,handoff=50ms,hint_ttl=1s,anti_entropy=100ms", 5, 7200),
        ("writeback=on,gc_grace=600ms,give_up=500ms,anti_entropy=50ms", 3, 7300),
        ("writeback=fast,gc_grace=1100ms,give_up=500ms,n=3,hints=on,hint_ttl=500ms,handoff=50ms", 5, 7400),
    ] {
        hold::<Nwr, NwrOracle>(text, nodes, first..first + 20);
    }
}

#[test]
fn nwr_is_atomic_although_disks_are_lost() {
    for (text, nodes, first) in [
        ("writeback=on,restart=amnesia", 3, 8000),
        ("writeback=fast,restart=amnesia,anti_entropy=100ms", 5, 8100),
        ("n=3,writeback=on,restart=amnesia,hints=on,handoff=50ms", 5, 8200),
    ] {
        hold::<Nwr, NwrOracle>(text, nodes, first..first + 20);
    }
}

#[test]
fn the_oracles_see_what_is_wrong() {
    for text in ["bug=follower-local-reads", "bug=small-quorum-commit", "bug=small-quorum-votes", "bug=reply-at-append"]
    {
        assert!(breaks::<Raft, RaftOracle>(text, 5, 0..20), "{text}");
    }
    for text in ["bug=no-log-check-on-vote", "bug=leader-local-reads", "bug=fail-on-step-down", "bug=ack-before-fsync"]
    {
        assert!(breaks::<Raft, RaftOracle>(text, 5, 0..60), "{text}");
    }
    assert!(breaks::<Nwr, NwrOracle>("w=1,r=1", 3, 0..10), "w=1,r=1");
    for text in [
        "bug=no-writeback",
        "bug=async-writeback",
        "bug=tag-reuse",
        "bug=wall-clock-tags",
        "bug=no-tie-break",
        "bug=small-read-quorums",
    ] {
        assert!(breaks::<Nwr, NwrOracle>(&format!("writeback=on,{text}"), 3, 0..60), "{text}");
    }
    let amnesia = "writeback=on,restart=amnesia,bug=serve-after-amnesia";
    assert!(breaks::<Nwr, NwrOracle>(amnesia, 3, 0..100), "serve-after-amnesia");
    assert!(breaks::<Nwr, NwrOracle>("w=3,r=1,writeback=on,bug=replies-counted", 3, 0..60), "replies-counted");
    let early = "writeback=on,anti_entropy=50ms,gc_grace=300ms,give_up=300ms,bug=early-collection";
    assert!(breaks::<Nwr, NwrOracle>(early, 3, 0..60), "early-collection");
}
