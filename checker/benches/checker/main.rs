//! How long checks take, and how much memory: real histories, where they lie beside the project, and made ones that are the
//! same each time.
//!
//! `cargo bench -p schism-checker --bench checker` prints a table: the median and the worst of several rounds, and the most
//! bytes that were held. With `-- crashed` it is that part alone; the parts are real, crashed, routes, long, weaker, reading,
//! small and quorum.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod crashed;
mod invalid;
mod long;
mod made;
mod measure;
mod objects;
mod quorum;
#[path = "../../tests/linearizability/random.rs"]
mod random;
mod reading;
mod real;
mod routes;
mod small;
mod weaker;

use std::collections::BTreeMap;

use schism_checker::budget::Unlimited;
use schism_checker::history::Operation;
use schism_checker::linearizability::{Options, check_operations};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;

/// Operations, or events, of the long ones.
const MILLION: usize = 1_000_000;

fn main() {
    // Test runners start this program as well, and expect it to be quick.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    measure::print_head();
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let parts: [(&str, fn()); 8] = [
        ("real", real::rows),
        ("crashed", crashed::rows),
        ("routes", routes::rows),
        ("long", long::rows),
        ("weaker", weaker::rows),
        ("reading", reading::rows),
        ("small", small::rows),
        ("quorum", quorum::rows),
    ];
    for (_, part) in parts.iter().filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == name)) {
        part();
    }
}

fn model(name: &str, initial: &str) -> ModelSpec {
    ModelSpec::parse(name, &BTreeMap::from([("init".to_owned(), initial.to_owned())])).expect("the model is known")
}

fn check_made(operations: &[Operation], model: &ModelSpec, zones: bool, expected: Outcome) {
    let options = Options { zones, ..Options::default() };
    let property = check_operations(operations, model, &options, &Unlimited).expect("the history is sound");
    assert_eq!(property.outcome, expected, "{}", property.summary);
}
