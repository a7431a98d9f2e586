//! Invalid histories of a cas-register with many crashed operations.

use schism_checker::verdict::Outcome;

use crate::made::{self, Kind};
use crate::measure::{median, print};
use crate::{check_made, model};

/// Seeds of the histories.
const SEEDS: std::ops::Range<u64> = 1..11;

pub(crate) fn rows() {
    for crashes in [12, 23, 32] {
        let what = format!("cas-register, 300 operations, {crashes} crashed, invalid");
        let kind = Kind { clients: 5, operations: 300, crashes, values: Some(5), cas: true };
        let histories: Vec<_> = SEEDS.map(|seed| made::invalid(kind, seed)).collect();
        let model = model("cas-register", "null");
        let costs =
            histories.iter().map(|operations| median(|| check_made(operations, &model, true, Outcome::Invalid)));
        print(&format!("{what}, {} seeds", histories.len()), &costs.collect::<Vec<_>>());
    }
}
