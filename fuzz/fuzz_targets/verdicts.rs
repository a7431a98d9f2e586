//! Small histories of every model: all ways to a verdict agree, and each verdict is proved.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use schism_checker::budget::Unlimited;
use schism_checker::history::Operation;
use schism_checker::linearizability::{Options, Reductions, check_operations, prove};
use schism_checker::models::{self, ModelSpec};
use schism_checker::verdict::Outcome;
use schism_checker::verify::verify;
use schism_fuzz::{Bytes, history};

const NO_REDUCTIONS: Reductions = Reductions {
    dominance: false,
    classes: false,
    greedy: false,
    drop_unobserved: false,
    evidence: false,
    parts: false,
};

fuzz_target!(|bytes: &[u8]| {
    let bytes = Bytes::new(bytes);
    let models = models::list();
    let model = models[bytes.below(models.len())].name;
    let model = ModelSpec::parse(model, &BTreeMap::new()).expect("a model of the list is known");
    let operations = history::small(&model, &bytes);
    let Ok(verdict) = check_operations(&operations, &model, &Options::default(), &Unlimited) else { return };
    let outcome = |options: &Options| outcome(&operations, &model, options);
    let searched = Options { zones: false, ..Options::default() };
    assert_eq!(outcome(&searched), verdict.outcome, "without the routes: {operations:#?}");
    let plain = Options { reductions: NO_REDUCTIONS, ..searched };
    assert_eq!(outcome(&plain), verdict.outcome, "without reductions: {operations:#?}");
    if matches!(verdict.outcome, Outcome::Valid | Outcome::Invalid) {
        match prove(&operations, &model, &verdict, &Unlimited) {
            Ok(proof) => {
                verify(&operations, &model, &proof).expect("a proof of ours holds");
            }
            // A core is looked for with limited effort; an order is always there.
            Err(error) => assert_eq!(verdict.outcome, Outcome::Invalid, "no proof: {error}; {operations:#?}"),
        }
    }
});

fn outcome(operations: &[Operation], model: &ModelSpec, options: &Options) -> Outcome {
    check_operations(operations, model, options, &Unlimited).expect("it could be checked before").outcome
}
