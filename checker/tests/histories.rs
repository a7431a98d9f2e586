//! Real histories, whose verdicts their own projects state.

use std::collections::BTreeMap;
use std::path::Path;

use schism_checker::budget::Unlimited;
use schism_checker::formats;
use schism_checker::linearizability::{NoProof, Options, check, prove};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;
use schism_checker::verify::{Verified, VerifyError, verify};

/// Every operation of this one failed: it is linearizable, and nothing follows from it.
const ONLY_FAILURES: &str = "knossos/cas-register-good-mongodb-v0-ack-rollback-10.edn";

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so, and sizes are to be looked at")]
fn every_known_verdict_is_reached() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    let Ok(table) = fs_err::read_to_string(folder.join("verdicts.tsv")) else {
        eprintln!("SKIPPED every_known_verdict_is_reached: there is no {}", folder.display());
        return;
    };
    let mut wrong = Vec::new();
    let mut checked = 0;
    let mut cores = Vec::new();
    for line in table.lines().skip(1) {
        let [file, model, initial, verdict] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("verdicts.tsv has four columns: {line}");
        };
        let model = ModelSpec::parse(model, &BTreeMap::from([("init".to_owned(), initial.to_owned())])).unwrap();
        let history = formats::read_path(&folder.join(file)).unwrap();
        let as_stated = Options { trivially_valid: true, ..Options::default() };
        let property = check(&history, &model, &as_stated, &Unlimited).unwrap();
        let expected = if verdict == "valid" { Outcome::Valid } else { Outcome::Invalid };
        if file == ONLY_FAILURES {
            let as_a_run = check(&history, &model, &Options::default(), &Unlimited).unwrap();
            assert_eq!(as_a_run.outcome, Outcome::Vacuous, "{}", as_a_run.summary);
        }
        if property.outcome != expected {
            wrong.push(format!("{file}: {:?}, not {verdict}: {}", property.outcome, property.summary));
        }
        let operations = history.operations().unwrap();
        match prove(&operations, &model, &property, &Unlimited) {
            Err(NoProof::Undecided) => {}
            Err(other) => panic!("{file}: {other}"),
            Ok(proof) => match verify(&operations, &model, &proof) {
                Ok(Verified::Linearizable { .. }) => {}
                Ok(Verified::NotLinearizable { core }) => cores.push(core),
                Err(VerifyError::TooLarge) => cores.push(usize::MAX),
                other => panic!("{file}: {other:?}"),
            },
        }
        checked += 1;
    }
    cores.sort_unstable();
    eprintln!("sizes of the cores of {} real invalid histories: {cores:?}", cores.len());
    let small = cores.iter().filter(|&&size| size <= 10).count();
    assert!(small * 10 >= cores.len() * 9, "{small} of {} cores have at most ten operations: {cores:?}", cores.len());
    assert!(checked > 0, "verdicts.tsv names no file");
    assert!(wrong.is_empty(), "{} of {checked} verdicts are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
