//! Long histories of objects that are decided without a search where their values allow it: valid, and with one violation.

use schism_checker::history::Operation;
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;

use crate::made::{self, Random};
use crate::measure::{held_bytes, measure_besides};
use crate::objects::{Kind, Made};
use crate::{check_made, invalid};

const CLIENTS: usize = 20;
const OPERATIONS: usize = 100_000;

pub(crate) fn rows() {
    for kind in Kind::ALL {
        let model: ModelSpec = kind.model();
        let before = held_bytes();
        let mut operations = made::run(Made::new(kind), CLIENTS, OPERATIONS, 0, 1);
        let operations_bytes = held_bytes() - before;
        let what = format!("{}, 100,000 operations, 20 clients", kind.name());
        measure_besides(&format!("{what}: valid"), operations_bytes, || {
            check_made(&operations, &model, true, Outcome::Valid);
        });
        spoil(kind, &mut operations);
        measure_besides(&format!("{what}: invalid"), operations_bytes, || {
            check_made(&operations, &model, true, Outcome::Invalid);
        });
        invalid::rows("  its verdict", std::slice::from_ref(&operations), &model);
    }
}

/// Puts one violation into the middle: an answer that another operation got long before.
fn spoil(kind: Kind, operations: &mut [Operation]) {
    let answering: Vec<usize> =
        (0..operations.len()).filter(|&number| kind.can_be_wrong(&operations[number])).collect();
    let mut random = Random(1);
    let late = answering[answering.len() / 2 + random.below(answering.len() / 4)];
    let early = answering[answering.len() / 4];
    kind.spoil(operations, early, late);
}
