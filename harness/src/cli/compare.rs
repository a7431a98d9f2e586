//! `schism compare`: two systems with the same seeds and the same plans, in one table.

use comfy_table::{Table, presets};
use schism_checker::verdict::Outcome;

use crate::cli::args::CompareArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::series::{Series, with_series};
use crate::cli::{chosen, list, net, output, replay, values};
use crate::exit::ExitCode;
use crate::options::RunOptions;
use crate::report::words;
use crate::verdict::{Quantiles, Verdict};

/// What one of the two systems has shown so far.
#[derive(Debug, Default)]
struct Side {
    verdicts: Vec<Verdict>,
}

pub(crate) fn compare(args: &CompareArgs, unknown: Vec<Problem>) -> Result<ExitCode, Failure> {
    let mut problems = Problems(unknown);
    let sides =
        [&args.a, &args.b].map(|system| resolve::load(&mut problems, system, None, &args.load, &args.net, &args.out));
    let [a, b] = sides.each_ref().map(RunOptions::rung);
    problems.0.extend(net::mixed(a, b, args.mixed_net));
    let seeds = problems.read("--seeds", &args.seeds, 0..1, values::seeds);
    let mut found = problems.0;
    if found.is_empty() {
        found.extend(sides.iter().flat_map(chosen::undrawable));
    }
    // What is wrong with both is told once.
    let mut told = std::collections::BTreeSet::new();
    found.retain(|problem| told.insert(problem.to_string()));
    Problems(found).finish(()).map_err(Failure::usage)?;
    with_series(sides.iter().map(RunOptions::rung), args.quietly, false, async |series| {
        all(series, &sides, seeds).await
    })
}

/// Runs both sides for each seed, A B B A, so that neither has the better half of the time.
async fn all(series: &Series, sides: &[RunOptions; 2], seeds: std::ops::Range<u64>) -> Result<ExitCode, Failure> {
    let mut shown = [Side::default(), Side::default()];
    let mut code = ExitCode::Done;
    let scratch = replay::scratch()?;
    'seeds: for (place, seed) in seeds.enumerate() {
        let order = if place % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut plan = None;
        for side in order {
            let options = RunOptions { seed, plan: plan.clone(), ..sides[side].clone() };
            match series.run(&options).await {
                Ok(finished) => {
                    plan = Some(replay::stored(scratch.path(), &format!("seed-{seed}"), &finished.run.plan)?);
                    shown[side].verdicts.push(finished.verdict);
                }
                Err(failure) => {
                    output::tell_problems(&failure.problems);
                    code = failure.code;
                    break 'seeds;
                }
            }
            if let Some(signal) = series.interrupted() {
                code = signal;
                break 'seeds;
            }
        }
    }
    let table = table(&sides.each_ref().map(|options| options.system.to_string()), &shown);
    Ok(code.worst(output::emit(&table)))
}

fn table(names: &[String; 2], sides: &[Side; 2]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([String::new(), names[0].clone(), names[1].clone()]);
    let mut row = |name: &str, cell: &dyn Fn(&Side) -> String| {
        table.add_row([name.to_owned(), cell(&sides[0]), cell(&sides[1])]);
    };
    row("verdict", &Side::verdict);
    row("runs", &|side| side.verdicts.len().to_string());
    row("operations ok", &|side| words::thousands(side.sum(|verdict| verdict.coverage.total().ok)));
    row("operations fail", &|side| words::thousands(side.sum(|verdict| verdict.coverage.total().fail)));
    row("operations info", &|side| words::thousands(side.sum(|verdict| verdict.coverage.total().info)));
    for kind in ["read", "write", "cas"] {
        for (name, quantile) in [("p50", (|quantiles| quantiles.p50) as fn(&Quantiles) -> u64), ("p99", |q| q.p99)] {
            row(&format!("{kind} {name}"), &|side| side.latency(kind, quantile));
        }
    }
    row("violating seeds", &Side::violating);
    list::rendered(&table)
}

impl Side {
    fn sum(&self, part: impl Fn(&Verdict) -> u64) -> u64 {
        self.verdicts.iter().map(part).sum()
    }

    /// The worst outcome of all runs.
    fn verdict(&self) -> String {
        let worst = self.verdicts.iter().map(|verdict| verdict.outcome).max();
        let failed = self.verdicts.iter().any(|verdict| verdict.harness_failure.is_some());
        let word = worst.map_or("none", words::outcome);
        if failed { format!("{word} (the harness failed)") } else { word.to_owned() }
    }

    /// The middle one of the runs' quantiles, the lower where there are two.
    fn latency(&self, kind: &str, quantile: fn(&Quantiles) -> u64) -> String {
        let mut all: Vec<u64> =
            self.verdicts.iter().filter_map(|verdict| verdict.coverage.latency_us.get(kind)).map(quantile).collect();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) / 2).map_or_else(|| "-".to_owned(), |middle| words::latency(*middle))
    }

    fn violating(&self) -> String {
        let seeds: Vec<String> = self
            .verdicts
            .iter()
            .filter(|verdict| verdict.outcome == Outcome::Invalid)
            .map(|verdict| verdict.seed.to_string())
            .collect();
        if seeds.is_empty() { "none".to_owned() } else { seeds.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn both_systems_stand_side_by_side() {
        let broken = Side { verdicts: vec![sample::valid(), sample::invalid(), sample::invalid()] };
        let sound = Side { verdicts: vec![sample::valid()] };
        insta::assert_snapshot!(table(&["nwr:n=3,r=1,w=1".to_owned(), "raft".to_owned()], &[broken, sound]));
    }
}
