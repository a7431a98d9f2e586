//! `schism list`: what there is to choose from.

use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::args::ListArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::{catalog, output, resolve};
use crate::exit::ExitCode;
use crate::folder;
use crate::report::words;
use crate::system::embedded;
use crate::system::manifest::Manifest;

/// What can be listed, in the order of a list without a name.
const TOPICS: [&str; 6] = ["systems", "workloads", "faults", "models", "bugs", "runs"];

pub(crate) fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let topics: Vec<&str> = match args.what.as_deref() {
        None => TOPICS.iter().copied().filter(|topic| *topic != "runs").collect(),
        Some(wanted) => match TOPICS.iter().find(|topic| **topic == wanted) {
            Some(topic) => vec![*topic],
            None => return Err(Problem::unknown("list", wanted, wanted, &TOPICS, &TOPICS.join(", ")).into()),
        },
    };
    let alone = topics.len() == 1;
    let texts: Vec<String> = topics
        .iter()
        .map(|topic| {
            let text = rendered(&table(topic, args));
            if alone { text } else { format!("{topic}\n{text}") }
        })
        .collect();
    Ok(output::emit(&texts.join("\n")))
}

fn table(topic: &str, args: &ListArgs) -> Table {
    match topic {
        "systems" => systems(),
        "workloads" => workloads(),
        "faults" => faults(),
        "models" => models(),
        "bugs" => bugs(),
        _ => runs(args),
    }
}

/// Each system, then its parameters.
fn systems() -> Table {
    let mut table = headed(["system", "parameter", "values", "default", ""]);
    for info in catalog::systems() {
        table.add_row([info.name, "", "", "", info.about]);
        for parameter in info.parameters {
            table.add_row(["", parameter.name, parameter.values, parameter.default, parameter.about]);
        }
    }
    for manifest in embedded::ALL.iter().filter_map(|embedded| Manifest::read(embedded.text).ok()) {
        table.add_row([manifest.name.as_str(), "", "", "", manifest.about.as_str()]);
        for (name, choice) in &manifest.parameters {
            let values = choice.values.join("|");
            table.add_row(["", name, &values, &choice.default, &choice.about]);
        }
    }
    table
}

/// Each workload, then its mix and its parameters.
fn workloads() -> Table {
    let mut table = headed(["workload", "parameter", "values", "default", ""]);
    for workload in catalog::workloads() {
        table.add_row([workload.name, "", "", "", workload.about]);
        table.add_row(["", "--mix", &workload.kinds.join(", "), &mix_text(workload.mix), "weights of what is done"]);
        for parameter in workload.parameters {
            table.add_row(["", parameter.name, parameter.values, parameter.default, parameter.about]);
        }
    }
    table
}

/// A mix as it is typed.
fn mix_text(mix: &[(&str, u32)]) -> String {
    mix.iter().map(|(kind, weight)| format!("{kind}={weight}")).collect::<Vec<_>>().join(",")
}

/// Each kind of fault, then its parameters.
fn faults() -> Table {
    let mut table = headed(["fault", "parameter", "values", "default", ""]);
    for fault in catalog::faults() {
        table.add_row([fault.name, "", "", "", fault.about]);
        table.add_row(["", "on", "a target", fault.on, "leader, one, minority, majority, all, or names such as n3"]);
        for parameter in fault.parameters {
            table.add_row(["", parameter.name, parameter.values, parameter.default, parameter.about]);
        }
    }
    table
}

fn models() -> Table {
    let mut table = headed(["model", ""]);
    for model in catalog::models() {
        table.add_row([model.name, model.about]);
    }
    table
}

/// Each deliberate bug by its name beside its id; `bug=` takes either.
fn bugs() -> Table {
    let mut table = headed(["bug", "id", "what is wrong", "what clients see", "faults that find it"]);
    for info in catalog::systems() {
        for bug in info.bugs {
            table.add_row([&format!("{}:bug={}", info.name, bug.name), bug.id, bug.about, bug.anomaly, bug.faults]);
        }
    }
    table
}

/// The runs of the results folder, the newest last.
fn runs(args: &ListArgs) -> Table {
    let mut table = headed(["run", "system", "seed", "verdict", "where"]);
    for run in folder::all(&resolve::results(&args.out)) {
        let verdict = run.verdict();
        let outcome = verdict.as_ref().map_or("none", |verdict| words::outcome(verdict.outcome));
        let (system, seed) = run.run_file().map_or_else(
            |_| ("unreadable".to_owned(), String::new()),
            |file| (file.options.system.to_string(), file.seed.to_string()),
        );
        let place = run.path.display().to_string();
        table.add_row([&run.id, &system, &seed, outcome, &place].map(words::printable));
    }
    table
}

fn headed<const N: usize>(names: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(names);
    match output::style(false).width {
        Some(_) => table.set_content_arrangement(ContentArrangement::Dynamic),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// A table as text, without spaces at its edges.
pub(crate) fn rendered(table: &Table) -> String {
    // Each cell has a space before and behind it; the first one's and the last one's would only be in the way.
    table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned() + "\n").collect()
}
