//! The directed plans, written for real processes, show in virtual time what they show there, and their correct twins
//! survive them.

use schism::options::RunOptions;
use schism_checker::verdict::Outcome;

use crate::shown_by::expected;
use crate::support::{plan_options, plans, play};

/// How often each is played, with another seed each time.
const SEEDS: u64 = 10;

#[test]
fn each_plan_shows_its_bug_and_its_twin_survives_it() {
    let mut wrong = Vec::new();
    for path in plans() {
        let system = plan_options(&path, 0).system;
        let (bug, plan) = (system.params["bug"].clone(), path.display());
        let expected = expected(&system.name, &bug);
        for seed in 0..SEEDS {
            let options = plan_options(&path, seed);
            let played = play(&options, false);
            let broken: Vec<&str> = played.broken().collect();
            if !expected.iter().all(|name| broken.contains(name)) || !played.acted.contains_key(&bug) {
                wrong.push(format!(
                    "{plan} breaks {broken:?}, not {expected:?}, with seed {seed}: {:#?}",
                    played.report.entries
                ));
            }
            let mut twin: RunOptions = options;
            twin.system.params.remove("bug");
            let played = play(&twin, false);
            if played.verdict.outcome != Outcome::Valid {
                wrong.push(format!("the twin of {plan} is broken by seed {seed}: {:#?}", played.verdict.properties));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n\n"));
}
