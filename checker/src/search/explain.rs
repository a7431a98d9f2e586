//! The counterexample of a search: the operation that cannot be placed, why each state refuses it, and what was going on
//! meanwhile.

use crate::call::Call;
use crate::model::Model;
use crate::search::Stuck;
use crate::sorting;
use crate::verdict::Counterexample;
use crate::words;

/// What part the operation plays that cannot be placed.
pub(crate) const STUCK: &str = "cannot have happened anywhere";

/// No more concurrent operations than this are shown.
const CONCURRENT_SHOWN: usize = 10;

/// Explains why there is no linearization, without the key.
pub(crate) fn counterexample<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    stuck: &Stuck<M::State>,
) -> Counterexample {
    tell(model, calls, stuck, STUCK, |state| model.step(state, &calls[stuck.call].input).err())
}

/// Explains it in the words of `model` and with the reasons of another one, in whose states the search was; the operation that
/// cannot be placed plays this `part`.
pub(crate) fn tell<M: Model, S>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    stuck: &Stuck<S>,
    part: &str,
    refuses: impl Fn(&S) -> Option<String>,
) -> Counterexample {
    let mut because: Vec<String> = Vec::new();
    for reason in stuck.refusing.iter().filter_map(refuses) {
        if !because.contains(&reason) {
            because.push(reason);
        }
    }
    let hidden = stuck.refusing_count - stuck.refusing.len();
    if hidden > 0 {
        because.push(format!("and {hidden} more states refuse it as well"));
    }
    if stuck.allowing_count > 0 {
        because.push(format!(
            "{} of the possible states allow it, but there another operation has no place then",
            stuck.allowing_count
        ));
    }
    let (concurrent, left_out) = concurrent(calls, stuck.call);
    if left_out > 0 {
        because.push(format!("{left_out} more operations were concurrent or had crashed, and do not help either"));
    }
    let mut shown: Vec<usize> = concurrent.into_iter().chain([stuck.call]).collect();
    sorting::sort_by_key(&mut shown, &|call| calls[call].operation.invoked);
    let rows = shown.into_iter().map(|call| {
        let role = match &calls[call] {
            _ if call == stuck.call => part,
            other if other.crashed() => "may have happened at any time since",
            _ => "concurrent",
        };
        words::witness(model, &calls[call], role.to_owned())
    });
    Counterexample { operations: rows.collect(), because, ..Counterexample::default() }
}

/// The calls that could have happened on either side of this one, as far as they are shown: those that returned first, then the
/// crashed ones that began last. And how many others there are.
fn concurrent<I>(calls: &[Call<'_, I>], stuck: usize) -> (Vec<usize>, usize) {
    let (begin, end) = (calls[stuck].operation.invoked, calls[stuck].end);
    let overlaps = |call: &Call<'_, I>| {
        end.is_none_or(|end| call.operation.invoked <= end) && call.end.is_none_or(|its_end| its_end >= begin)
    };
    let mut all: Vec<usize> = (0..calls.len()).filter(|&call| call != stuck && overlaps(&calls[call])).collect();
    sorting::sort_by_key(&mut all, &|call| (calls[call].crashed(), calls[call].operation.invoked.abs_diff(begin)));
    let left_out = all.len().saturating_sub(CONCURRENT_SHOWN);
    all.truncate(CONCURRENT_SHOWN);
    (all, left_out)
}
