//! How far a correct configuration's promise goes, on real processes: what it does not promise its plan shows every time, what it
//! promises holds, and with write-back nothing is broken.

use std::path::{Path, PathBuf};

use crate::support::{Bench, json};

/// How often each plan is played here; `.ci/nightly` says ten.
const TIMES: &str = "SCHISM_TEST_TIMES";

fn limits() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nodes/limits/nwr");
    fs_err::read_dir(root).unwrap().map(|plan| plan.unwrap().path()).collect()
}

/// Plays a plan on a system, which keeps what it promises; the outcomes of some properties.
fn outcomes(plan: &Path, system: &str, names: &[&str]) -> Vec<String> {
    let bench = Bench::new();
    let arguments = ["run", system, "--plan", plan.to_str().unwrap(), "--consistency", "declared", "-q"];
    bench.schism(&arguments).expect(0);
    let verdict = json(&bench.run().join("verdict.json"));
    let properties = verdict["properties"].as_array().unwrap();
    let outcome = |name: &&str| {
        let found = properties.iter().find(|property| property["name"] == **name);
        found.unwrap_or_else(|| panic!("no property {name}: {verdict}"))["outcome"].as_str().unwrap().to_owned()
    };
    names.iter().map(outcome).collect()
}

#[test]
fn each_limit_is_shown_and_write_back_lifts_it() {
    let times: u32 = std::env::var(TIMES).map_or(1, |times| times.parse().unwrap());
    for plan in limits() {
        let system = json(&plan)["system"].as_str().unwrap().to_owned();
        for _ in 0..times {
            let shown = outcomes(&plan, &system, &["regular", "linearizable", "written-back"]);
            assert_eq!(shown, ["valid", "invalid", "invalid"], "{}", plan.display());
            let lifted = outcomes(&plan, &format!("{system},writeback=on"), &["linearizable", "written-back"]);
            assert_eq!(lifted, ["valid", "valid"], "{}", plan.display());
        }
    }
}
