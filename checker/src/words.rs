//! Operations of a counterexample in words.

use crate::call::Call;
use crate::model::Model;
use crate::verdict::Witness;

/// `process 1 wrote 5 at n1`.
pub(crate) fn sentence<M: Model>(model: &M, call: &Call<'_, M::Input>) -> String {
    let operation = call.operation;
    let did = model.describe(&call.input, operation.ending);
    match &operation.node {
        Some(node) => format!("process {} {did} at {node}", operation.process),
        None => format!("process {} {did}", operation.process),
    }
}

/// A row of a counterexample.
pub(crate) fn witness<M: Model>(model: &M, call: &Call<'_, M::Input>, role: String) -> Witness {
    let operation = call.operation;
    Witness {
        process: operation.process,
        did: model.describe(&call.input, operation.ending),
        role,
        node: operation.node.as_ref().map(ToString::to_string),
        invoked: operation.invoked,
        completed: operation.completed,
        invoked_at: operation.invoked_at,
        completed_at: operation.completed_at,
    }
}

/// How long after the end of `earlier` `later` began, where the clock was recorded.
pub(crate) fn gap<I>(earlier: &Call<'_, I>, later: &Call<'_, I>) -> Option<String> {
    let gap_ns = later.operation.invoked_at?.checked_sub(earlier.operation.completed_at?)?;
    Some(duration(gap_ns))
}

/// A duration with a unit that suits it.
fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_a_suitable_unit() {
        let told = [0, 999, 1_000, 228_400_000, 999_999_999, 1_000_000_000, 61_290_000_000].map(duration);
        assert_eq!(told, ["0 ns", "999 ns", "1 µs", "228 ms", "999 ms", "1.0 s", "61.2 s"]);
    }
}
