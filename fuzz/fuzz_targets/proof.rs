//! Proofs: what is read is written and read again as the same, and no proof makes the verifier panic.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use schism_checker::formats;
use schism_checker::models::{self, ModelSpec};
use schism_checker::{proof, verify};

const HISTORY: &str = r#"{"type":"invoke","process":0,"f":"write","value":1}
{"type":"invoke","process":1,"f":"read","value":null}
{"type":"ok","process":0,"f":"write","value":1}
{"type":"ok","process":1,"f":"read","value":1}
{"type":"invoke","process":1,"f":"read","value":null}
{"type":"ok","process":1,"f":"read","value":null}
{"type":"invoke","process":2,"f":"write","value":2}
"#;

fuzz_target!(|text: &str| {
    let Ok(proof) = proof::read(text) else { return };
    assert_eq!(proof::read(&proof::write(&proof)).expect("what was written can be read"), proof);
    let history = formats::read_bytes(HISTORY.as_bytes(), "fuzzed").expect("the history is sound");
    let operations = history.operations().expect("the history is sound");
    for model in models::list() {
        let model = ModelSpec::parse(model.name, &BTreeMap::new()).expect("a model of the list is known");
        // Whether it holds is of no interest here.
        let _ = verify::verify(&operations, &model, &proof);
    }
});
