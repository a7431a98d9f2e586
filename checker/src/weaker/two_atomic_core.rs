//! The few writes, with their reads, that have no order in which each read returns one of the last two values.
//!
//! What has no order has none with more writes either, so the writes are tried in the order in which they took effect: the
//! shortest beginning without an order, of that the shortest end, and of that each write that can go.

use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::Counterexample;
use crate::weaker::by_key::Register;
use crate::weaker::clusters::Cluster;
use crate::weaker::pairs;
use crate::weaker::two_atomic::is_two_atomic;

/// Writes are taken away one by one only where there are no more than this.
const ONE_BY_ONE: usize = 500;

pub(super) fn tell<M: Model>(
    register: &Register<'_, '_, M>,
    known: &[Cluster],
    share: &mut Share<'_>,
) -> Result<Counterexample, Stop> {
    let core = smallest(known, share)?;
    let because = vec![format!(
        "of these {} values there is no order in which each read returns one of the last two, and what ended comes \
         before what began after it",
        core.len()
    )];
    let shown = core.iter().flat_map(|cluster| {
        let last = cluster.last_read.map(|(_, call)| call);
        cluster.write.into_iter().chain(cluster.first_to_end).chain(last)
    });
    Ok(Counterexample { operations: pairs::rows(register, shown.collect()), because, ..Counterexample::default() })
}

fn smallest(known: &[Cluster], share: &mut Share<'_>) -> Result<Vec<Cluster>, Stop> {
    let mut left = known.to_vec();
    left.sort_unstable_by_key(|cluster| (cluster.first_end, cluster.value));
    let length = least(left.len(), |length| Ok(!is_two_atomic(&left[..length], share)?))?;
    left.truncate(length);
    let length = least(left.len(), |length| Ok(!is_two_atomic(&left[left.len() - length..], share)?))?;
    left.drain(..left.len() - length);
    if left.len() <= ONE_BY_ONE {
        for place in (0..left.len()).rev() {
            let taken = left.remove(place);
            if is_two_atomic(&left, share)? {
                left.insert(place, taken);
            }
        }
    }
    Ok(left)
}

/// The least number up to `most` for which `holds`; it does for `most`, and for all above one for which it does.
fn least(most: usize, mut holds: impl FnMut(usize) -> Result<bool, Stop>) -> Result<usize, Stop> {
    let (mut below, mut found) = (0, most);
    while below < found {
        let middle = usize::midpoint(below, found);
        if holds(middle)? { found = middle } else { below = middle + 1 }
    }
    Ok(found)
}
