//! Long histories of registers, valid: a million operations and ten million. What the operations take counts as well.

use schism_checker::budget::Unlimited;
use schism_checker::formats::read_paired_path;
use schism_checker::history::Operation;
use schism_checker::linearizability::{Options, check_paired};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;

use crate::made::{self, Cas, Kind};
use crate::measure::{Cost, held_bytes, measure, measure_besides, print_ratio};
use crate::reading::json_lines;
use crate::{MILLION, check_made, model};

pub(crate) fn rows() {
    let searched = Kind { clients: 5, operations: MILLION, crashes: 0, values: Some(10), cas: Cas::Guessing };
    one_and_ten("cas-register, 5 clients: search", &model("cas-register", "null"), searched, false);
    let distinct = Kind { clients: 20, values: None, cas: Cas::None, ..searched };
    one_and_ten("register, distinct values, 20 clients: zones", &model("register", "null"), distinct, true);
}

fn one_and_ten(what: &str, model: &ModelSpec, kind: Kind, zones: bool) {
    let one = row(&format!("{what}, 1,000,000 operations"), model, kind, zones);
    file("  the same, read from a file of JSON lines", model, kind);
    let ten = Kind { operations: 10 * MILLION, ..kind };
    let ten = row(&format!("{what}, 10,000,000 operations"), model, ten, zones);
    print_ratio("  ten million to one", ten, one);
}

/// All that `schism check` does with a file.
fn file(what: &str, model: &ModelSpec, kind: Kind) {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("history.jsonl");
    std::fs::write(&path, json_lines(&made::events(&made::valid(kind, 1)))).expect("there is room for the file");
    measure(what, || {
        let history = read_paired_path(&path, false).expect("what was written can be read");
        let property = check_paired(&history, model, &Options::default(), &Unlimited).expect("the history is sound");
        assert_eq!(property.outcome, Outcome::Valid, "{}", property.summary);
    });
}

fn row(what: &str, model: &ModelSpec, kind: Kind, zones: bool) -> Cost {
    let before = held_bytes();
    let operations: Vec<Operation> = made::valid(kind, 1);
    let operations_bytes = held_bytes() - before;
    measure_besides(what, operations_bytes, || check_made(&operations, model, zones, Outcome::Valid))
}
