//! How far a correct configuration's promise goes: plans that show what it does not promise, every time, while what it promises holds;
//! and that with write-back nothing of it is left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schism::options::RunOptions;
use schism::sim::{Played, directed};
use schism_checker::verdict::Outcome;

use crate::support::{plan_options, play};

/// How often each is played, with another seed each time.
const SEEDS: u64 = 10;

fn limits() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nodes/limits");
    directed::plans(&root).unwrap().into_iter().collect()
}

fn outcomes(played: &Played) -> BTreeMap<&str, (Outcome, bool)> {
    let properties = &played.verdict.properties;
    properties.iter().map(|property| (property.name.as_str(), (property.outcome, property.judged))).collect()
}

#[test]
fn what_is_promised_holds_where_the_rest_is_broken() {
    for path in limits() {
        for seed in 0..SEEDS {
            let options = RunOptions { consistency: "declared".to_owned(), ..plan_options(&path, seed) };
            let played = play(&options, false);
            let outcomes = outcomes(&played);
            let shown = || format!("{} with seed {seed}: {outcomes:?}", path.display());
            assert_eq!(played.verdict.outcome, Outcome::Valid, "{}", shown());
            assert_eq!(outcomes["regular"], (Outcome::Valid, true), "{}", shown());
            for broken in ["linearizable", "written-back"] {
                assert_eq!(outcomes[broken], (Outcome::Invalid, false), "{}", shown());
            }
        }
    }
}

#[test]
fn with_write_back_nothing_is_broken() {
    for path in limits() {
        for seed in 0..SEEDS {
            let mut options = plan_options(&path, seed);
            options.system.params.insert("writeback".to_owned(), "on".to_owned());
            let played = play(&options, false);
            let shown = || format!("{} with seed {seed}: {:#?}", path.display(), played.verdict.properties);
            assert_eq!(played.verdict.outcome, Outcome::Valid, "{}", shown());
            assert_eq!(outcomes(&played)["written-back"], (Outcome::Valid, true), "{}", shown());
        }
    }
}
