//! Each deliberate bug has a directed plan that shows it every time, and that its correct twin survives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schism_nodes::catalog;

use crate::shown_by::expected;
use crate::support::{Bench, json, json_lines};

/// How often each plan is played here; `.ci/nightly` says ten.
const TIMES: &str = "SCHISM_TEST_TIMES";
/// How often a plan is played at most of which an entry meets nothing.
const PLAYS: usize = 3;

/// A protocol's plan.
struct Directed {
    protocol: String,
    bug: String,
    path: PathBuf,
}

impl Directed {
    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// The system that the plan was written for.
    fn mutant(&self) -> String {
        json(&self.path)["system"].as_str().unwrap().to_owned()
    }

    /// The same without its bug.
    fn twin(&self) -> String {
        let mutant = self.mutant();
        let (name, parameters) = mutant.split_once(':').unwrap();
        let others: Vec<&str> = parameters.split(',').filter(|parameter| !parameter.starts_with("bug=")).collect();
        if others.is_empty() { name.to_owned() } else { format!("{name}:{}", others.join(",")) }
    }
}

fn plans() -> Vec<Directed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nodes/plans");
    let mut plans = Vec::new();
    for protocol in fs_err::read_dir(root).unwrap() {
        let protocol = protocol.unwrap();
        for plan in fs_err::read_dir(protocol.path()).unwrap() {
            let path = plan.unwrap().path();
            let system = json(&path)["system"].as_str().unwrap().to_owned();
            let bug = system.split([':', ',']).find_map(|part| part.strip_prefix("bug=")).unwrap().to_owned();
            plans.push(Directed { protocol: protocol.file_name().into_string().unwrap(), bug, path });
        }
    }
    plans.sort_by(|one, other| one.path.cmp(&other.path));
    plans
}

#[test]
fn each_bug_of_the_catalogue_has_a_plan_and_each_plan_a_bug() {
    let listed: BTreeSet<(String, String)> = catalog::protocols()
        .into_iter()
        .flat_map(|protocol| protocol.bugs.into_iter().map(|bug| (protocol.name.to_owned(), bug.name.to_owned())))
        .collect();
    let planned: BTreeSet<(String, String)> =
        plans().into_iter().map(|plan| (plan.protocol.clone(), plan.bug.clone())).collect();
    assert_eq!(listed, planned);
    for plan in plans() {
        assert!(plan.mutant().starts_with(&plan.protocol), "{}", plan.mutant());
        // A second plan of a bug has the name of its script behind the bug's.
        assert!(plan.path.file_stem().unwrap().to_str().unwrap().starts_with(&plan.bug), "{}", plan.path());
    }
}

#[test]
fn each_plan_shows_its_bug_and_its_twin_survives_it() {
    let times: u32 = std::env::var(TIMES).map_or(1, |times| times.parse().unwrap());
    let mut wrong = Vec::new();
    for plan in plans() {
        for _ in 0..times {
            wrong.extend(shows(&plan));
            wrong.extend(survives(&plan));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Plays a plan on its mutant; what is wrong with how that ended. On a machine that does much else an entry may come too
/// late to meet anything: then it was not the plan that was played, and it is played again.
fn shows(plan: &Directed) -> Option<String> {
    let mut wrong = None;
    for _ in 0..PLAYS {
        let bench = Bench::new();
        wrong = Some(play(plan, &bench)?);
        if met_all(&bench) {
            break;
        }
    }
    wrong
}

/// Whether each entry of the plan met somebody in the only run, or there was none.
fn met_all(bench: &Bench) -> bool {
    let verdict = bench.runs().pop().map(|run| run.join("verdict.json")).filter(|verdict| verdict.exists());
    let faults = verdict.map(|verdict| json(&verdict)["coverage"]["faults"].clone());
    faults.and_then(|faults| Some(faults.as_object()?.values().all(|fault| fault["moot"] == 0))).unwrap_or(true)
}

/// Plays a plan on its mutant once.
fn play(plan: &Directed, bench: &Bench) -> Option<String> {
    let ended = bench.schism(&["run", "--plan", plan.path(), "-q"]);
    if ended.code() != 1 {
        return Some(format!("{} was not shown ({}): {}{}", plan.bug, ended.code(), ended.stdout, ended.stderr));
    }
    let run = bench.run();
    let verdict = json(&run.join("verdict.json"));
    let shown = |name: &str| {
        let properties = verdict["properties"].as_array().unwrap();
        properties.iter().any(|property| property["name"] == name && property["outcome"] == "invalid")
    };
    let expected = expected(&plan.protocol, &plan.bug);
    if !expected.iter().all(|name| shown(name)) {
        return Some(format!("{} was not shown by {expected:?}: {}", plan.path(), ended.stdout));
    }
    let acted = json_lines(&run.join("events.jsonl"))
        .iter()
        .any(|note| note["note"] == "bug" && note["fields"]["bug"] == plan.bug.as_str());
    (!acted).then(|| format!("{} never acted: {}", plan.bug, ended.stdout))
}

/// Plays a plan on the correct twin; what is wrong with how that ended.
fn survives(plan: &Directed) -> Option<String> {
    let bench = Bench::new();
    let ended = bench.schism(&["run", &plan.twin(), "--plan", plan.path(), "-q"]);
    let twin = plan.twin();
    (ended.code() != 0).then(|| format!("{twin} ({}): {}{}", ended.code(), ended.stdout, ended.stderr))
}

#[test]
fn an_expected_violation_is_done_and_its_absence_is_told() {
    let bench = Bench::new();
    let plan = plans().into_iter().find(|plan| plan.bug == "leader-local-reads").unwrap();
    for expected in ["invalid", "invalid:linearizable"] {
        bench.schism(&["run", "--plan", plan.path(), "-q", "--expect", expected]).expect(0);
    }
    bench.schism(&["run", "--plan", plan.path(), "-q", "--expect", "invalid:no-crash"]).expect(1);
    bench.schism(&["run", &plan.twin(), "--plan", plan.path(), "-q", "--expect", "invalid"]).expect(5);
}
