//! Random plans. Pure: the same seed and options, the same plan.
//!
//! The kinds come in shuffled rounds, so that each occurs. What is drawn for the k-th fault of a kind comes from a stream
//! that is named after the kind and k, so that leaving a kind out leaves what the others do as it was.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_nodes::note::NotePattern;
use serde_json::{Map, Value};

use crate::chance::stream;
use crate::faults::catalog::{own_parameters, parameters};
use crate::faults::{Aims, Faults, Kind};
use crate::plan::ground::Ground;
use crate::plan::problem::{Problem, Problems};
use crate::plan::read::FORMAT;
use crate::plan::{Entry, Plan};
use crate::spec::Spec;

/// The shortest fault, in seconds, of a system that recovers within half a second.
const SHORTEST: f64 = 0.3;
/// The longest.
const LONGEST: f64 = 1.5;

/// A fault that waits for a note waits for so many of them at most, in its first round, at any one node.
const NOTES_APART: u64 = 200;

/// What a random plan is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Chance<'a> {
    /// The kinds of faults, each with the parameters that are fixed; none for an empty plan.
    pub faults: &'a [Spec],
    /// Faults a second, on average; above 0.
    pub rate: f64,
    /// Before the first fault.
    pub quiet: Duration,
    /// The main phase, in which the last fault ends.
    pub time: Duration,
    /// The seed of all chance.
    pub seed: u64,
}

/// Draws a plan. The errors are unknown or refused faults, and a main phase too short for one fault of each kind.
pub fn draw(chance: &Chance<'_>, ground: &Ground, faults: &Faults) -> Result<Plan, Problems> {
    faults.check(chance.faults, ground)?;
    let empty = Plan { kind: "plan".to_owned(), format: FORMAT, workload: true, ..Plan::default() };
    if chance.faults.is_empty() {
        return Ok(empty);
    }
    let starts = starts(chance, ground).map_err(|problem| Problems(vec![problem]))?;
    let order = order(chance, starts.len());
    let mut entries = Vec::with_capacity(starts.len());
    for ((id, start), (spec, round)) in (1..).zip(starts).zip(order) {
        let kind = faults.get(&spec.name).expect("the faults were checked");
        let whole = entry(id, start, spec, round, kind, chance.seed, ground);
        let mut rng = stream(chance.seed, &format!("plan/{spec}/{round}/spread"));
        entries.extend(kind.spread(whole, ground, &mut rng));
    }
    for (id, entry) in (1..).zip(&mut entries) {
        entry.id = id;
    }
    Ok(Plan { entries, ..empty })
}

/// The smallest rate at which a plan has one fault of each of `kinds` kinds; none where the time is too short for any.
pub(crate) fn least_rate(kinds: usize, quiet: Duration, time: Duration, ground: &Ground) -> Option<f64> {
    let room = time.as_secs_f64() - quiet.as_secs_f64() - LONGEST * ground.scale();
    (room > 0.0).then(|| real(kinds) * ground.scale() / room)
}

/// When the faults start: one in each of as many equal slots as the rate wants, at a drawn place within it.
fn starts(chance: &Chance<'_>, ground: &Ground) -> Result<Vec<Duration>, Problem> {
    let longest = LONGEST * ground.scale();
    let slot = ground.scale() / chance.rate;
    if !slot.is_finite() || slot <= 0.0 {
        return Err(
            Problem::new("--fault-rate", format!("{} faults a second cannot be", chance.rate)).hint("such as 1")
        );
    }
    let quiet = chance.quiet.as_secs_f64();
    let room = chance.time.as_secs_f64() - quiet - longest;
    let count = whole((room / slot + 1e-9).max(0.0));
    if count < chance.faults.len() {
        let needed = quiet + longest + slot * real(chance.faults.len());
        let needed = (needed * 10.0).ceil() / 10.0;
        let what = format!("{} s are too short for one fault of each kind", chance.time.as_secs_f64());
        return Err(
            Problem::new("--time", what).hint(format!("--time {needed}s, fewer faults, or a higher --fault-rate"))
        );
    }
    let mut rng = stream(chance.seed, "plan/times");
    Ok((0..count).map(|place| seconds(quiet + (real(place) + rng.random::<f64>()) * room / real(count))).collect())
}

/// The kinds in shuffled rounds, each with its round. Each kind draws its own place in the round, so that leaving one
/// out leaves the others in their order.
fn order<'a>(chance: &Chance<'a>, count: usize) -> Vec<(&'a Spec, usize)> {
    let mut order = Vec::with_capacity(count + chance.faults.len());
    for round in 0.. {
        if order.len() >= count {
            break;
        }
        let place = |spec: &Spec| stream(chance.seed, &format!("plan/{spec}/{round}/place")).random::<u64>();
        let mut kinds: Vec<&Spec> = chance.faults.iter().collect();
        kinds.sort_by_key(|spec| (place(spec), *spec));
        order.extend(kinds.into_iter().map(|spec| (spec, round)));
    }
    order.truncate(count);
    order
}

fn entry(id: u64, start: Duration, spec: &Spec, round: usize, kind: &Kind, seed: u64, ground: &Ground) -> Entry {
    let mut rng = stream(seed, &format!("plan/{spec}/{round}"));
    let given = parameters(spec);
    let fixed = own_parameters(&given);
    let length = seconds(rng.random_range(SHORTEST..=LONGEST) * ground.scale());
    let info = kind.info();
    let on_leader = leader_turn(info.aims, ground, &mut rng);
    let drawn = kind.draw(&fixed, ground, &mut rng);
    let mut args: Map<String, Value> = drawn.args;
    if on_leader && args.get("shape") == Some(&"ring".into()) {
        // In a ring there are no targets; the leader's turn needs a shape that has some.
        args.insert("shape".to_owned(), "isolate".into());
    }
    args.extend(fixed);
    let on = if on_leader { "leader" } else { drawn.on };
    // The k-th fault of a kind waits for a later note than the one before it.
    let nth = NOTES_APART * (round as u64) + rng.random_range(1..=NOTES_APART);
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    let duration = text("for").unwrap_or_else(|| written(length));
    let when = text("note").map(|note| NotePattern { note, node: None, fields: Map::new(), nth });
    let role = if when.is_some() { "that" } else { on };
    Entry {
        id,
        at: when.is_none().then(|| written(start)),
        when,
        action: spec.name.clone(),
        on: Some(text("on").unwrap_or_else(|| role.to_owned())),
        duration: info.lasts.then_some(duration),
        args,
        ..Entry::default()
    }
}

/// Half of the faults are on the leader. The draw is made in any case, so that the others stay as they are.
fn leader_turn(aims: Aims, ground: &Ground, rng: &mut ChaCha8Rng) -> bool {
    let turn = rng.random::<bool>();
    turn && ground.has_leader && aims != Aims::Workers
}

fn written(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a plan has fewer entries than a float has whole numbers")]
fn real(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the caller's number is not negative")]
fn whole(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use schism_nodes::{LinkOrder, NodeId};

    use super::*;
    use crate::network::Rung;
    use crate::plan::entry::{Start, steps};

    fn ground(has_leader: bool, recovery_ms: u64) -> Ground {
        Ground {
            system: "raft".to_owned(),
            nodes: NodeId::universe(5),
            beside_clients: false,
            has_leader,
            links: LinkOrder::Any,
            requests: vec!["read".to_owned()],
            rung: Rung::Proxy,
            recovery: Duration::from_millis(recovery_ms),
            ours: true,
        }
    }

    fn specs(list: &str) -> Vec<Spec> {
        Faults::default().expand(list, &ground(true, 500)).unwrap()
    }

    fn spec(name: &str, params: &[(&str, &str)]) -> Spec {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Spec { name: name.to_owned(), params }
    }

    fn chance(faults: &[Spec], seconds: u64, seed: u64) -> Chance<'_> {
        Chance { faults, rate: 1.0, quiet: Duration::from_secs(1), time: Duration::from_secs(seconds), seed }
    }

    fn drawn(faults: &[Spec], seconds: u64, seed: u64) -> Plan {
        draw(&chance(faults, seconds, seed), &ground(true, 500), &Faults::default()).unwrap()
    }

    #[test]
    fn the_same_seed_draws_the_same_plan_and_another_seed_another() {
        let faults = specs("all");
        let plans: BTreeSet<String> = (0..50).map(|seed| drawn(&faults, 60, seed).to_json()).collect();
        assert_eq!(plans.len(), 50);
        assert!((0..50).all(|seed| plans.contains(&drawn(&faults, 60, seed).to_json())));
    }

    #[test]
    fn every_kind_occurs_and_every_plan_can_be_played() {
        for (list, seconds) in [("standard", 6), ("standard", 15), ("all", 13), ("all", 60)] {
            for seed in 0..100 {
                let faults = specs(list);
                let plan = drawn(&faults, seconds, seed);
                let kinds: BTreeSet<&str> = plan.entries.iter().map(|entry| entry.action.as_str()).collect();
                assert_eq!(kinds.len(), faults.len(), "seed {seed}");
                let steps = steps(&plan, &ground(true, 500), &Faults::default(), "drawn").unwrap();
                for step in steps {
                    let Start::At(at) = step.start else { panic!("drawn entries have times") };
                    let length = step.duration.unwrap_or_default();
                    assert!(at >= Duration::from_millis(999), "quiet until then");
                    assert!(at + length <= Duration::from_secs(seconds), "the last ends before the end");
                    if let Some(length) = step.duration {
                        assert!((300..=1500).contains(&length.as_millis()), "{length:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn there_is_about_one_fault_a_second_and_half_of_them_are_on_the_leader() {
        let faults = specs("standard");
        let plans: Vec<Plan> = (0..100).map(|seed| drawn(&faults, 62, seed)).collect();
        assert!(plans.iter().all(|plan| plan.entries.len() == 59), "{}", plans[0].entries.len());
        let all = plans.iter().flat_map(|plan| &plan.entries);
        let on_leader = all.filter(|entry| entry.on.as_deref() == Some("leader")).count();
        assert!((2600..3300).contains(&on_leader), "of 5900: {on_leader}");
    }

    #[test]
    fn without_a_leader_none_is_named() {
        let faults = specs("all");
        let plan = draw(&chance(&faults, 60, 1), &ground(false, 500), &Faults::default()).unwrap();
        assert!(plan.entries.iter().all(|entry| entry.on.as_deref() != Some("leader")));
    }

    /// What the faults of a kind do, without their times and numbers.
    fn deeds(plan: &Plan, kind: &str) -> Vec<Entry> {
        let of_kind = plan.entries.iter().filter(|entry| entry.action == kind);
        of_kind.map(|entry| Entry { id: 0, at: None, ..entry.clone() }).collect()
    }

    #[test]
    fn leaving_a_kind_out_leaves_what_the_others_do_as_it_was() {
        let (all, fewer) = (specs("partition,kill,pause,clock"), specs("partition,pause,clock"));
        for seed in 0..50 {
            let (with, without) = (drawn(&all, 60, seed), drawn(&fewer, 60, seed));
            for kind in ["partition", "pause", "clock"] {
                let (some, more) = (deeds(&with, kind), deeds(&without, kind));
                assert!(!some.is_empty() && more.starts_with(&some), "seed {seed}, {kind}");
            }
        }
    }

    #[test]
    fn shapes_and_targets_all_occur() {
        let plans = (0..50).flat_map(|seed| drawn(&specs("partition"), 60, seed).entries);
        let mut shapes: BTreeMap<String, u32> = BTreeMap::new();
        for entry in plans {
            *shapes.entry(entry.args["shape"].to_string()).or_default() += 1;
        }
        let rare = ["chain", "quorum-loss", "clients"];
        assert_eq!(
            shapes.len() + rare.len(),
            crate::plan::shapes::SHAPES.len(),
            "these have to be asked for: {shapes:?}"
        );
        let vnet = Ground { rung: Rung::Vnet, ..ground(true, 500) };
        let faults = specs("partition");
        let plans =
            (0..50).flat_map(|seed| draw(&chance(&faults, 60, seed), &vnet, &Faults::default()).unwrap().entries);
        let shapes: BTreeSet<String> = plans.map(|entry| entry.args["shape"].to_string()).collect();
        assert_eq!(shapes.len(), crate::plan::shapes::SHAPES.len(), "on a network of their own all: {shapes:?}");
    }

    #[test]
    fn a_swizzle_is_an_entry_for_each_of_its_nodes() {
        for seed in 0..50 {
            let faults = specs("swizzle");
            let plan = drawn(&faults, 20, seed);
            assert!(plan.entries.len() >= 2 * 17, "{}", plan.entries.len());
            assert!(plan.entries.iter().zip(1..).all(|(entry, id)| entry.id == id && entry.action == "swizzle"));
            let steps = steps(&plan, &ground(true, 500), &Faults::default(), "drawn").unwrap();
            for step in steps {
                let Start::At(at) = step.start else { panic!("drawn entries have times") };
                assert!(at + step.duration.unwrap() <= Duration::from_secs(20), "the last ends before the end");
            }
        }
    }

    #[test]
    fn fixed_parameters_are_kept() {
        let faults = [
            spec("partition", &[("shape", "majority"), ("on", "leader")]),
            spec("clock", &[("offset", "500ms"), ("for", "2s")]),
            spec("kill", &[("on", "[\"n1\",\"n2\"]")]),
            spec("loss", &[("share", "0.05")]),
        ];
        for entry in drawn(&faults, 60, 3).entries {
            match entry.action.as_str() {
                "partition" => {
                    assert_eq!((entry.on.as_deref(), &entry.args["shape"]), (Some("leader"), &"majority".into()));
                }
                "clock" => {
                    assert_eq!(entry.args, Map::from_iter([("offset".to_owned(), "500ms".into())]));
                    assert_eq!(entry.duration.as_deref(), Some("2s"));
                }
                "kill" => assert_eq!(entry.on.as_deref(), Some("n1,n2")),
                _ => assert_eq!(entry.args["share"], "0.05"),
            }
        }
    }

    #[test]
    fn lengths_and_distances_scale_with_the_recovery() {
        let faults = specs("kill");
        let plan = draw(&chance(&faults, 60, 1), &ground(true, 2500), &Faults::default()).unwrap();
        assert_eq!(plan.entries.len(), 10);
        let steps = steps(&plan, &ground(true, 2500), &Faults::default(), "drawn").unwrap();
        assert!(steps.iter().all(|step| step.duration.is_some_and(|time| time >= Duration::from_millis(1500))));
    }

    #[test]
    fn a_time_too_short_for_one_round_is_refused_with_the_time_that_it_takes() {
        let faults = specs("standard");
        let refused = |seconds| draw(&chance(&faults, seconds, 1), &ground(true, 500), &Faults::default());
        let Problems(problems) = refused(4).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].hint.as_ref().unwrap().contains("--time 5.5s"), "{problems:?}");
        assert!(refused(6).is_ok());
        let all = Chance { rate: 0.0, ..chance(&faults, 60, 1) };
        assert!(draw(&all, &ground(true, 500), &Faults::default()).is_err());
        assert_eq!(draw(&chance(&[], 1, 1), &ground(true, 500), &Faults::default()).unwrap().entries, []);
    }
}
