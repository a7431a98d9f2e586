//! Invalid histories of a cas-register with many crashed operations.

use crate::made::{self, Cas, Kind};
use crate::{invalid, model};

/// Seeds of the histories.
const SEEDS: std::ops::Range<u64> = 1..11;

pub(crate) fn rows() {
    let guessing = (Cas::Guessing, 5, "invalid");
    let knowing = (Cas::Knowing, 3, "invalid, most cas succeed");
    for (cas, values, how) in [guessing, knowing] {
        for crashes in [12, 23, 32] {
            let kind = Kind { clients: 5, operations: 300, crashes, values: Some(values), cas };
            let histories: Vec<_> = SEEDS.map(|seed| made::invalid(kind, seed)).collect();
            let what = format!("cas-register, 300 operations, {crashes} crashed, {how}");
            invalid::rows(&what, &histories, &model("cas-register", "null"));
        }
    }
}
