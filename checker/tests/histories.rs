//! Real histories, whose verdicts their own projects state.

use std::collections::BTreeMap;
use std::path::Path;

use schism_checker::budget::Unlimited;
use schism_checker::formats;
use schism_checker::linearizability::{Options, check};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;

/// Every operation of this one failed. Knossos calls that valid; here it is vacuous, since nothing follows from it.
const ONLY_FAILURES: &str = "knossos/cas-register-good-mongodb-v0-ack-rollback-10.edn";

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn every_known_verdict_is_reached() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    let Ok(table) = fs_err::read_to_string(folder.join("verdicts.tsv")) else {
        eprintln!("SKIPPED every_known_verdict_is_reached: there is no {}", folder.display());
        return;
    };
    let mut wrong = Vec::new();
    let mut checked = 0;
    for line in table.lines().skip(1) {
        let [file, model, initial, verdict] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("verdicts.tsv has four columns: {line}");
        };
        let model = ModelSpec::parse(model, &BTreeMap::from([("init".to_owned(), initial.to_owned())])).unwrap();
        let history = formats::read_path(&folder.join(file)).unwrap();
        let property = check(&history, &model, &Options::default(), &Unlimited).unwrap();
        let expected = match verdict {
            _ if file == ONLY_FAILURES => Outcome::Vacuous,
            "valid" => Outcome::Valid,
            _ => Outcome::Invalid,
        };
        if property.outcome != expected {
            wrong.push(format!("{file}: {:?}, not {verdict}: {}", property.outcome, property.summary));
        }
        checked += 1;
    }
    assert!(checked > 0, "verdicts.tsv names no file");
    assert!(wrong.is_empty(), "{} of {checked} verdicts are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
