//! `schism sim --bugs`: every deliberate bug, how chance finds it, and how its directed plans show it.

use std::sync::atomic::AtomicBool;

use comfy_table::{Table, presets};
use serde_json::json;

use crate::cli::args::SimArgs;
use crate::cli::run::as_json;
use crate::cli::{catalog, list, output};
use crate::exit::ExitCode;
use crate::options::RunOptions;
use crate::run::HarnessError;
use crate::sim::bugs::{Hunt, HuntFate, STARTS, hunt};
use crate::sim::directed::{self, Directed};
use crate::sim::sweep::Sweep;
use crate::spec::Spec;

/// Hunts the bugs of the system that was named, or of all. A bug that never acted fails.
pub(crate) fn hunt_all(sweep: &Sweep, args: &SimArgs, cancelled: &AtomicBool) -> Result<ExitCode, HarnessError> {
    let mut hunts: Vec<Hunt> = Vec::new();
    for info in catalog::systems() {
        let named = args.system.is_some() && sweep.options.system.name != info.name;
        if named {
            continue;
        }
        let options = options(sweep, info.name);
        for bug in &info.bugs {
            if cancelled.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            let found = hunt(&Sweep { options: options.clone(), ..sweep.clone() }, bug, cancelled)?;
            if !args.quietly && !args.json {
                output::tell(&format!("{}: {}", found.words(&sweep.options.workload), words(&found)));
            }
            hunts.push(found);
        }
    }
    let directed = directed(sweep, args, cancelled)?;
    let text = match (args.json, directed.is_empty()) {
        (true, _) => as_json(&json!({ "chance": hunts, "directed": directed })),
        (false, true) => list::rendered(&table(&hunts, &sweep.options.workload)),
        (false, false) => {
            list::rendered(&table(&hunts, &sweep.options.workload)) + "\n" + &list::rendered(&directed_table(&directed))
        }
    };
    let idle = hunts.iter().any(|hunt| hunt.fate == HuntFate::NeverActed);
    let unreliable = directed.iter().any(|directed| !directed.is_reliable());
    let code = if idle || unreliable { ExitCode::NotBroken } else { ExitCode::Done };
    Ok(code.worst(output::emit(&text)))
}

/// Plays the directed plans that were asked for, of the system that was named, or of all.
fn directed(sweep: &Sweep, args: &SimArgs, cancelled: &AtomicBool) -> Result<Vec<Directed>, HarnessError> {
    let Some(folder) = &args.plans else { return Ok(Vec::new()) };
    let plans = directed::plans(folder).map_err(|error| HarnessError::usage(error).at(folder.display()))?;
    let mut played = Vec::new();
    for plan in plans {
        let other = directed::options(&plan)?.system.name != sweep.options.system.name;
        if (args.system.is_some() && other) || cancelled.load(std::sync::atomic::Ordering::Relaxed) {
            continue;
        }
        played.push(directed::play(&plan, sweep.jobs, cancelled)?);
    }
    Ok(played)
}

fn directed_table(played: &[Directed]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["plan", "shown", "twin valid", "by"]);
    for directed in played {
        let by: Vec<&str> = directed.properties.keys().map(String::as_str).collect();
        table.add_row([
            directed.plan.clone(),
            format!("{} of {}", directed.shown, directed::SEEDS),
            format!("{} of {}", directed.twin_valid, directed::SEEDS),
            by.join(", "),
        ]);
    }
    table
}

/// The options for a system: what was typed, if that is it; else it alone, without kinds of operations that it does not
/// serve.
fn options(sweep: &Sweep, name: &str) -> RunOptions {
    let options = &sweep.options;
    if options.system.name == name {
        return options.clone();
    }
    let serves =
        catalog::systems().into_iter().find(|info| info.name == name).map(|info| info.requests).unwrap_or_default();
    let mix = options.mix.iter().filter(|(kind, _)| serves.contains(&kind.as_str())).cloned().collect();
    let system = Spec { name: name.to_owned(), params: std::collections::BTreeMap::new() };
    RunOptions { system, mix, ..options.clone() }
}

fn table(hunts: &[Hunt], asked: &Spec) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["bug", "id", "found", "median seeds", "by", "acted in"]);
    for hunt in hunts {
        let by: Vec<&str> = hunt.properties.keys().map(String::as_str).collect();
        table.add_row([
            hunt.words(asked),
            hunt.id.to_owned(),
            format!("{} of {STARTS}", hunt.found()),
            hunt.median().map_or_else(|| "-".to_owned(), |seeds| seeds.to_string()),
            by.join(", "),
            format!("{} of {} runs", hunt.acted, hunt.runs),
        ]);
    }
    table
}

fn words(hunt: &Hunt) -> String {
    match hunt.fate {
        HuntFate::NeverActed => format!("never acted in {} runs", hunt.runs),
        HuntFate::NotFound => format!("acted in {} of {} runs, not found", hunt.acted, hunt.runs),
        HuntFate::Found => {
            let by: Vec<&str> = hunt.properties.keys().map(String::as_str).collect();
            let median = hunt.median().map_or_else(String::new, |seeds| format!(", after {seeds} seeds (median)"));
            format!("found in {} of {STARTS} starts by {}{median}", hunt.found(), by.join(", "))
        }
    }
}
