//! What a run covered, from its history.

use std::collections::BTreeMap;
use std::sync::Arc;

use hdrhistogram::Histogram;
use schism_checker::history::{Ending, History, HistoryError, Operation};

use crate::verdict::{Coverage, Endings, Quantiles};

/// Latencies beyond an hour count as an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Operations by their endings and latencies; what else a [`Coverage`] holds is not in a history.
pub fn cover(history: &History) -> Result<Coverage, HistoryError> {
    Ok(covered_by(history.operations()?))
}

/// The same of operations.
pub(super) fn covered_by(operations: Vec<Operation>) -> Coverage {
    let mut kinds: BTreeMap<Arc<str>, (Endings, Option<Histogram<u64>>)> = BTreeMap::new();
    let mut span: Option<(u64, u64)> = None;
    for operation in operations {
        let (endings, latencies) = kinds.entry(operation.f).or_default();
        *ending_of(endings, operation.ending) += 1;
        let (Some(from), Some(to)) = (operation.invoked_at, operation.completed_at) else { continue };
        span = Some(span.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
        if operation.ending == Ending::Ok {
            let histogram = latencies.get_or_insert_with(|| {
                Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order and far apart")
            });
            histogram.saturating_record(to.saturating_sub(from) / 1_000);
        }
    }
    let seconds = span.map_or(0.0, |(first, last)| std::time::Duration::from_nanos(last - first).as_secs_f64());
    let mut coverage = Coverage { seconds, ..Coverage::default() };
    for (f, (endings, latencies)) in kinds {
        coverage.latency_us.extend(latencies.map(|histogram| (f.to_string(), quantiles(&histogram))));
        coverage.operations.insert(f.to_string(), endings);
    }
    coverage
}

fn ending_of(endings: &mut Endings, ending: Ending) -> &mut u64 {
    match ending {
        Ending::Ok => &mut endings.ok,
        Ending::Fail => &mut endings.fail,
        Ending::Info => &mut endings.info,
    }
}

fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    Quantiles {
        count: histogram.len(),
        p50: histogram.value_at_quantile(0.5),
        p95: histogram.value_at_quantile(0.95),
        p99: histogram.value_at_quantile(0.99),
        max: histogram.max(),
    }
}
