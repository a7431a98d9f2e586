//! What breaks in a run of hundreds of operations is shrunk to a plan with a few, which breaks the same property, and is a
//! file that repeats to the byte.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use schism::budget::CheckBudget;
use schism::options::RunOptions;
use schism::plan;
use schism::sim::shrink::{Shrink, Shrunk};
use schism::sim::{Played, Scenario, Watch};

use crate::support::{options, plan_options, plans, play};

/// The options of the first seed that breaks a property.
fn broken(system: &str, nodes: u16, faults: bool, property: &str) -> RunOptions {
    let mut base = options(system, nodes, 0);
    base.time = Duration::from_secs(8);
    if !faults {
        base.faults.clear();
    }
    let seeds = (0..300).map(|seed| RunOptions { seed, ..base.clone() });
    let mut broken = seeds.filter(|options| play(options, false).broken().any(|name| name == property));
    broken.next().unwrap_or_else(|| panic!("{system} never breaks {property}"))
}

fn shrunk(options: &RunOptions, property: Option<&str>, runs: u64) -> Shrunk {
    let (cancelled, property) = (AtomicBool::new(false), property.map(str::to_owned));
    let shrink = Shrink { options: options.clone(), property, runs, wall: None, cancelled: &cancelled };
    shrink.run(|_| {}).unwrap().expect("it breaks something")
}

/// Plays the plan as it is read from its file, with the options that `schism sim --plan` has where nothing is said.
fn replayed(shrunk: &Shrunk) -> Played {
    let plan = plan::parse(&shrunk.plan.to_json(), "the shrunk plan").unwrap();
    assert_eq!(plan, shrunk.plan);
    let base = options(plan.system.as_deref().unwrap(), plan.nodes.unwrap(), 99);
    let budget = CheckBudget::new(Duration::from_mins(1), 1 << 30);
    let scenario = Scenario::of_plan(&base, plan).unwrap();
    let watch = Watch::of(&scenario.options().system.name);
    scenario.play(watch, true, &budget).unwrap()
}

/// Shrinks the first run that breaks a property, and holds the result against what is promised of it.
fn holds(system: &str, nodes: u16, faults: bool, property: &str, runs: u64) -> Shrunk {
    let options = broken(system, nodes, faults, property);
    let shrunk = shrunk(&options, Some(property), runs);
    assert_eq!(shrunk.property, property);
    let (before, after) = (shrunk.before.events(), shrunk.after.events());
    let what = format!("{} with seed {}: {}", options.system, options.seed, shrunk.plan.to_json());
    assert!(after * 4 <= before, "{after} of {before} events are left of {what}");
    let (one, other) = (replayed(&shrunk), replayed(&shrunk));
    assert!(one.broken().any(|name| name == shrunk.property), "{} does not break: {what}", shrunk.property);
    assert!(one.trace == other.trace, "the traces differ: {what}");
    assert_eq!(one.history.events, shrunk.played.history.events, "{what}");
    shrunk
}

#[test]
fn a_stale_read_takes_a_write_and_a_read() {
    let shrunk = holds("nwr:n=3,w=1,r=1", 3, false, "linearizable", 1_500);
    assert!(shrunk.minimal && shrunk.after.events() <= 4, "{}", shrunk.plan.to_json());
    assert!(shrunk.after.clients <= 2 && shrunk.after.keys == 1, "{:?}", shrunk.after);
}

#[test]
fn reads_that_went_back_in_time_stay_few() {
    holds("nwr:n=3,w=2,r=2", 3, true, "linearizable", 6_000);
}

#[test]
fn what_a_leader_lost_stays_lost() {
    holds("raft:bug=reply-at-append", 5, true, "linearizable", 1_000);
}

#[test]
fn a_followers_old_answer_stays_old() {
    holds("raft:bug=follower-local-reads", 3, false, "linearizable", 1_000);
}

#[test]
fn two_leaders_of_a_term_take_few_events() {
    holds("raft:bug=small-quorum-votes", 5, true, "election-safety", 1_000);
}

#[test]
fn a_tag_that_two_values_have_takes_few_events() {
    holds("nwr:n=3,w=2,r=2,writeback=on,bug=tag-reuse", 3, true, "unique-tags", 1_000);
}

#[test]
fn the_same_run_shrinks_to_the_same_plan() {
    let options = broken("nwr:n=3,w=1,r=1", 3, true, "linearizable");
    let (one, other) = (shrunk(&options, None, 150), shrunk(&options, None, 150));
    assert_eq!(one.plan.to_json(), other.plan.to_json());
    assert_eq!((one.runs, one.minimal), (other.runs, other.minimal));
}

#[test]
fn a_directed_plan_is_shrunk_as_a_drawn_one_is() {
    let path = plans().into_iter().find(|path| path.ends_with("raft/forget-vote.json")).unwrap();
    let shrunk = shrunk(&plan_options(&path, 1), None, 300);
    assert!(shrunk.after.events() <= shrunk.before.events());
    assert!(replayed(&shrunk).broken().any(|name| name == shrunk.property));
}

#[test]
fn there_is_nothing_to_shrink_where_nothing_breaks() {
    let cancelled = AtomicBool::new(false);
    let run = RunOptions { time: Duration::from_secs(5), ..options("raft", 3, 1) };
    let shrink = Shrink { options: run, property: None, runs: 10, wall: None, cancelled: &cancelled };
    assert!(shrink.run(|_| {}).unwrap().is_none());
    let other = broken("nwr:n=3,w=1,r=1", 3, false, "linearizable");
    let shrink = Shrink { options: other, property: Some("no-crash".to_owned()), ..shrink };
    assert!(shrink.run(|_| {}).unwrap().is_none(), "another property breaks");
}
