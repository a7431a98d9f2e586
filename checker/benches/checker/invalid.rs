//! What it costs to say why a history is invalid, besides the verdict itself.

use std::time::Duration;

use schism_checker::budget::Unlimited;
use schism_checker::history::Operation;
use schism_checker::linearizability::{Options, check_operations};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::{Outcome, Property};

use crate::measure::{Cost, median, print};

/// Prints a row for the verdict alone, one for the verdict with its explanation, and what the cores cost and how large they
/// are. Whether the bounds hold that are promised: the explanation costs no more than the verdict, or a millisecond; and the
/// core no more than ten times the verdict, or 50 ms.
pub(crate) fn rows(what: &str, histories: &[Vec<Operation>], model: &ModelSpec) {
    let verdict = Options { explain: false, core_effort: 0, ..Options::default() };
    let explained = Options { core_effort: 0, ..Options::default() };
    let whole = Options::default();
    let verdicts = costs(histories, model, &verdict);
    let explanations = costs(histories, model, &explained);
    let wholes = costs(histories, model, &whole);
    print(what, &verdicts);
    print("  with its explanation", &explanations);
    print("  with its core", &wholes);
    let pairs = || verdicts.iter().zip(&explanations).map(|(verdict, explained)| (verdict.time, explained.time));
    let dear = pairs().filter(|&(verdict, explained)| explained > (2 * verdict).max(verdict + MILLISECOND)).count();
    let ratio = pairs().map(|(verdict, explained)| explained.as_secs_f64() / verdict.as_secs_f64()).fold(0.0, f64::max);
    let core = |(one, other): (&Cost, &Cost)| one.time.saturating_sub(other.time);
    let dear_cores = wholes.iter().zip(&explanations).zip(&verdicts);
    let dear_cores = dear_cores
        .filter(|&((whole, explained), verdict)| core((whole, explained)) > (10 * verdict.time).max(50 * MILLISECOND));
    let sizes: Vec<usize> = histories
        .iter()
        .map(|operations| {
            let counterexample = checked(operations, model, &whole).counterexample;
            counterexample.and_then(|it| it.core).map_or(usize::MAX, |core| core.operations.len())
        })
        .collect();
    let small = sizes.iter().filter(|&&size| size <= 10).count();
    let none = sizes.iter().filter(|&&size| size == usize::MAX).count();
    let largest = sizes.iter().filter(|&&size| size < usize::MAX).max().copied().unwrap_or(0);
    println!(
        "  explained: x {ratio:.2} at most, {dear} too dear; cores: {small} of {} have at most 10 operations, the largest \
         {largest}, {none} without, {} too dear",
        sizes.len(),
        dear_cores.count(),
    );
}

const MILLISECOND: Duration = Duration::from_millis(1);

fn costs(histories: &[Vec<Operation>], model: &ModelSpec, options: &Options) -> Vec<Cost> {
    let cost = |operations: &Vec<Operation>| median(|| drop(checked(operations, model, options)));
    histories.iter().map(cost).collect()
}

fn checked(operations: &[Operation], model: &ModelSpec, options: &Options) -> Property {
    let property = check_operations(operations, model, options, &Unlimited).expect("the history is sound");
    assert_eq!(property.outcome, Outcome::Invalid, "{}", property.summary);
    property
}
