//! Plans: what is read is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schism::plan;

fuzz_target!(|text: &str| {
    let Ok(plan) = plan::parse(text, "fuzzed") else { return };
    let written = plan.to_json();
    let again = plan::parse(&written, "written").expect("what was written can be read");
    assert_eq!(again.to_json(), written);
});
