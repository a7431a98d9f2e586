//! The CAP cards: each system is cut in two once for each shape, under open-loop clients that stay with their nodes.

use std::time::Duration;

use schism_checker::formats;
use serde_json::json;

use super::resolve::Systems;
use super::runs::{self, Made};
use super::{Card, observed};
use crate::cli::problem::{Failure, Problem};
use crate::cli::series::Series;
use crate::cli::{output, replay};
use crate::compare::Ran;
use crate::exit::ExitCode;
use crate::folder::{RunFolder, file};
use crate::measure;
use crate::options::RunOptions;
use crate::plan::Plan;

/// How long the system is healthy, cut, and healed.
const HEALTHY: Duration = Duration::from_secs(5);
const CUT: Duration = Duration::from_secs(10);
const HEALED: Duration = Duration::from_secs(5);
/// A system that did not keep up before it was cut is asked again for half as much, so often altogether.
const ATTEMPTS_MAX: u32 = 3;
/// Clients of each node.
const CLIENTS_EACH: usize = 2;

/// The cards of all systems, each with the system's place.
pub(super) async fn all(series: &Series, asked: &Systems) -> Result<(Vec<(usize, Card)>, ExitCode), Failure> {
    let scratch = replay::scratch()?;
    let mut cards = Vec::new();
    for shape in &asked.shapes {
        for (place, options) in asked.options.iter().enumerate() {
            let plan = replay::stored(scratch.path(), &format!("card-{shape}"), &plan(shape, options.nodes))?;
            let mut options = RunOptions { seed: asked.seeds.start, plan: Some(plan), ..driven(options) };
            for attempt in 1..=ATTEMPTS_MAX {
                let mut made = Made::new();
                let code = runs::one(series, &options, Some((place, &mut made))).await;
                let found = made.first().map(|(_, folder)| card(shape, folder)).transpose()?.flatten();
                let again = found.as_ref().is_some_and(Card::may_do_better_at_less) && attempt < ATTEMPTS_MAX;
                cards.extend(found.filter(|_| !again).map(|card| (place, card)));
                if code != ExitCode::Done {
                    return Ok((cards, code));
                }
                if !again {
                    break;
                }
                options.rate /= 2.0;
                let system = &options.system;
                output::tell(&format!(
                    "{system} or its clients did not keep up: once more, at {} a second",
                    options.rate
                ));
            }
        }
    }
    Ok((cards, ExitCode::Done))
}

/// One partition of that shape, between named nodes: not all systems have a leader.
fn plan(shape: &str, nodes: u16) -> Plan {
    let minority: Vec<String> = (1..=nodes.saturating_sub(1) / 2).map(|node| format!("n{node}")).collect();
    let on = if minority.is_empty() { "n1".to_owned() } else { minority.join(",") };
    let entry = json!({
        "id": 1, "at": format!("{}s", HEALTHY.as_secs()), "do": "partition", "on": on,
        "for": format!("{}s", CUT.as_secs()), "args": { "shape": shape },
    });
    let plan = json!({ "kind": "plan", "format": 1, "workload": true, "entries": [entry] });
    serde_json::from_value(plan).expect("it is written as plans are")
}

/// Clients whose operations are due whatever became of those before: who waits for answers asks a blocked side little.
fn driven(options: &RunOptions) -> RunOptions {
    RunOptions {
        open_loop: true,
        concurrency: CLIENTS_EACH * usize::from(options.nodes),
        time: HEALTHY + CUT + HEALED,
        faults: Vec::new(),
        ..options.clone()
    }
}

fn card(shape: &str, folder: &RunFolder) -> Result<Option<Card>, Failure> {
    let (run, ran): (_, Ran) = observed(folder)?;
    let path = folder.file(file::HISTORY);
    let history = formats::read_path(&path)
        .map_err(|error| Problem::new(error.to_string(), path.display().to_string(), "schism check of this file"))?;
    Ok(measure::split(&history).map(|split| Card { rate: Some(run.options.rate), ..Card::of(shape, &ran, &split) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_takes_the_smaller_part_away() {
        for (nodes, on) in [(1, "n1"), (2, "n1"), (3, "n1"), (5, "n1,n2")] {
            let plan = serde_json::to_value(plan("isolate", nodes)).unwrap();
            assert_eq!(plan["entries"][0]["on"], on, "{nodes} nodes");
        }
    }
}
