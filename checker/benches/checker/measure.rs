//! Measures one row of the table: its time, and the most memory that it held.

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

/// Counts every byte that this program asks for, so that the table can say what a row held at most. What the system
/// needs besides, such as the allocator's own, is not in it.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How often each thing is measured.
pub(crate) const ROUNDS: usize = 5;

/// What a row cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// The most bytes that were held at the same time, over what was held before.
    pub(crate) bytes: usize,
}

/// What `work` costs.
pub(crate) fn cost(work: impl FnOnce()) -> Cost {
    let before = held_bytes();
    MEMORY.reset_peak_usage();
    let begin = Instant::now();
    work();
    let time = begin.elapsed();
    Cost { time, bytes: MEMORY.peak_usage().saturating_sub(before) }
}

/// The bytes that this program holds now.
pub(crate) fn held_bytes() -> usize {
    MEMORY.current_usage()
}

/// Does `work` several times, prints the row and returns its median time with its greatest memory.
pub(crate) fn measure(what: &str, work: impl FnMut()) -> Cost {
    measure_besides(what, 0, work)
}

/// Like [`measure`], for work on something that takes so many bytes itself, which count as well.
pub(crate) fn measure_besides(what: &str, held_bytes: usize, mut work: impl FnMut()) -> Cost {
    let with_what_is_held = |cost: Cost| Cost { bytes: cost.bytes + held_bytes, ..cost };
    print(what, &(0..ROUNDS).map(|_| with_what_is_held(cost(&mut work))).collect::<Vec<_>>())
}

/// What `work` costs as a rule: the median of several rounds.
pub(crate) fn median(mut work: impl FnMut()) -> Cost {
    summary(&(0..ROUNDS).map(|_| cost(&mut work)).collect::<Vec<_>>())
}

/// The head of the table.
pub(crate) fn print_head() {
    println!("{:<66} {:>12} {:>12} {:>10}", "", "median", "worst", "peak");
}

/// Prints a row, and returns its median time with its greatest memory.
pub(crate) fn print(what: &str, costs: &[Cost]) -> Cost {
    let worst = costs.iter().map(|cost| cost.time).max().unwrap_or_default();
    let shown = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let row = summary(costs);
    println!("{what:<66} {:>12} {:>12} {:>10}", shown(row.time), shown(worst), megabytes(row.bytes));
    row
}

/// Prints how much more one row cost than another.
pub(crate) fn print_ratio(what: &str, many: Cost, one: Cost) {
    let time = many.time.as_secs_f64() / one.time.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a ratio of two digits is shown")]
    let bytes = many.bytes as f64 / one.bytes as f64;
    println!("{what:<66} {:>12} {:>12} {:>10}", format!("x {time:.1}"), "", format!("x {bytes:.1}"));
}

fn summary(costs: &[Cost]) -> Cost {
    let mut times: Vec<Duration> = costs.iter().map(|cost| cost.time).collect();
    times.sort_unstable();
    let bytes = costs.iter().map(|cost| cost.bytes).max().unwrap_or_default();
    Cost { time: times.get(times.len() / 2).copied().unwrap_or_default(), bytes }
}

fn megabytes(bytes: usize) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
