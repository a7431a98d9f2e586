//! Random plans. Pure: the same seed and options, the same plan.
//!
//! The kinds come in shuffled rounds, so that each occurs. What is drawn for the k-th fault of a kind comes from a stream
//! that is named after the kind and k, so that leaving a kind out leaves what the others do as it was.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
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
        entries.push(entry(id, start, spec, round, kind, chance.seed, ground));
    }
    Ok(Plan { entries, ..empty })
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
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    let duration = text("for").unwrap_or_else(|| written(length));
    Entry {
        id,
        at: Some(written(start)),
        action: spec.name.clone(),
        on: Some(text("on").unwrap_or_else(|| on.to_owned())),
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
