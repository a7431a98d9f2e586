//! What is to be compared: systems that can be driven alike, or runs that were.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::cli::args::CompareArgs;
use crate::cli::problem::Problem;
use crate::cli::resolve::{self, Problems};
use crate::cli::{catalog, chosen, net, values};
use crate::compare::Ran;
use crate::folder::{self, RunFile, RunFolder};
use crate::options::RunOptions;
use crate::plan::Ground;
use crate::plan::shapes::SHAPES;
use crate::system::embedded;

/// The shape of the cut of a card, where nobody asks for others.
const SHAPE: &str = "isolate";
/// Columns have letters.
const SYSTEMS_MAX: usize = 26;

/// What is to be compared.
pub(super) enum Asked {
    /// Runs that were made before.
    Runs(Vec<RunFolder>),
    /// Systems, to be run.
    Systems(Systems),
}

/// Systems, each with options that are the same for all but for the system.
pub(super) struct Systems {
    pub(super) options: Vec<RunOptions>,
    pub(super) seeds: Range<u64>,
    /// Shapes of partitions for the cards; empty for no cards.
    pub(super) shapes: Vec<String>,
    /// What plans are drawn for: what all of the systems have.
    pub(super) ground: Ground,
    /// Which requests are left out since not all systems serve them.
    pub(super) left_out: Option<String>,
}

/// Everything that is wrong with what was asked, or what it means.
pub(super) fn asked(args: &CompareArgs, unknown: Vec<Problem>) -> Result<Asked, Vec<Problem>> {
    let results = resolve::results(&args.out);
    let known: Vec<&str> = catalog::systems().iter().map(|info| info.name).collect();
    let is_system = |text: &&String| {
        let name = text.split(':').next().unwrap_or_default();
        known.contains(&name) || embedded::find(name).is_some() || chosen::is_manifest(name)
    };
    let runs: Vec<RunFolder> = args
        .systems
        .iter()
        .filter(|text| !is_system(text))
        .filter_map(|text| folder::find(&results, text).ok())
        .collect();
    if unknown.is_empty() && !runs.is_empty() && runs.len() == args.systems.len() {
        return Ok(Asked::Runs(runs));
    }
    if !runs.is_empty() {
        let what = "systems that are to be run and runs that were do not go together";
        return Err(vec![Problem::new(what, args.systems.join(" "), "systems alone, or runs alone")]);
    }
    systems(args, unknown).map(Asked::Systems)
}

fn systems(args: &CompareArgs, unknown: Vec<Problem>) -> Result<Systems, Vec<Problem>> {
    let mut problems = Problems(unknown);
    let load = |problems: &mut Problems, system: &String| {
        resolve::load(problems, system, None, &args.load, &args.net, &args.out)
    };
    let mut systems: Vec<RunOptions> = args.systems.iter().map(|system| load(&mut problems, system)).collect();
    let seeds = problems.read("--seeds", &args.seeds, 0..1, values::seeds);
    if systems.len() > SYSTEMS_MAX {
        let hint = format!("at most {SYSTEMS_MAX} at a time");
        problems.0.push(Problem::new("these are too many systems for one table", "schism compare", hint));
    }
    let shapes = shapes(&mut problems, args);
    let left_out = same_requests(&mut systems);
    same_nodes(&mut problems, &systems);
    let rungs = systems.iter().map(|options| options.rung().to_string()).collect();
    problems.0.extend(net::mixed(&rungs, args.mixed_net));
    if problems.0.is_empty() {
        problems.0.extend(systems.iter().flat_map(chosen::undrawable));
    }
    // What is wrong with all of them is told once.
    let mut told = BTreeSet::new();
    problems.0.retain(|problem| told.insert(problem.to_string()));
    let ground = common(&systems);
    problems.finish(Systems { options: systems, seeds, shapes, ground, left_out })
}

fn shapes(problems: &mut Problems, args: &CompareArgs) -> Vec<String> {
    let Some(list) = &args.shapes else {
        return if args.card { vec![SHAPE.to_owned()] } else { Vec::new() };
    };
    let mut shapes = Vec::new();
    for shape in list.split(',') {
        if SHAPES.contains(&shape) {
            shapes.push(shape.to_owned());
        } else {
            let at = format!("--shapes {list}");
            problems.0.push(Problem::unknown("shape", shape, at, &SHAPES, "schism list faults"));
        }
    }
    shapes
}

/// Leaves those kinds of requests that all systems have in their mixes; what is left out, in a sentence.
fn same_requests(systems: &mut [RunOptions]) -> Option<String> {
    let kinds = |options: &RunOptions| options.mix.iter().map(|(kind, _)| kind.clone()).collect::<BTreeSet<_>>();
    let all = systems.iter().map(kinds).reduce(|all, more| all.union(&more).cloned().collect())?;
    let common = systems.iter().map(kinds).reduce(|common, more| common.intersection(&more).cloned().collect())?;
    let mix: Vec<(String, u32)> =
        systems.first()?.mix.iter().filter(|(kind, _)| common.contains(kind)).cloned().collect();
    for options in systems.iter_mut() {
        options.mix.clone_from(&mix);
    }
    let lacking: Vec<String> = all.difference(&common).cloned().collect();
    (!lacking.is_empty()).then(|| format!("without {}, which not all of the systems serve", lacking.join(" and ")))
}

/// One plan is for one number of nodes.
fn same_nodes(problems: &mut Problems, systems: &[RunOptions]) {
    let counts: BTreeSet<u16> = systems.iter().map(|options| options.nodes).collect();
    if let (Some(least), true) = (counts.first(), counts.len() > 1) {
        let named: Vec<String> =
            systems.iter().map(|options| format!("{} has {}", options.system, options.nodes)).collect();
        let what = format!("the systems have different numbers of nodes: {}", named.join(", "));
        problems.0.push(Problem::new(what, "schism compare", format!("--nodes {least}")));
    }
}

/// What all of the systems have: plans for them name no leader that one lacks, keep the order of links that one needs, and give
/// the slowest time to recover.
fn common(systems: &[RunOptions]) -> Ground {
    let grounds = systems.iter().map(chosen::ground);
    let merged = grounds.reduce(|all, more| Ground {
        has_leader: all.has_leader && more.has_leader,
        links: if all.links == more.links { all.links } else { schism_nodes::LinkOrder::Fifo },
        requests: all.requests.into_iter().filter(|request| more.requests.contains(request)).collect(),
        recovery: all.recovery.max(more.recovery),
        ours: all.ours && more.ours,
        ..all
    });
    merged.expect("clap asks for at least one system")
}

/// Runs on different networks, or of different workloads, do not compare.
pub(super) fn comparable(seen: &[(RunFile, Ran)], mixed_net: bool) -> Result<(), Vec<Problem>> {
    let of = |part: &dyn Fn(&RunFile) -> String| seen.iter().map(|(file, _)| part(file)).collect::<BTreeSet<_>>();
    let list = |all: BTreeSet<String>| all.into_iter().collect::<Vec<_>>().join(", ");
    let mut problems: Vec<Problem> = net::mixed(&of(&|file| file.rung.clone()), mixed_net).into_iter().collect();
    let workloads = of(&|file| file.options.workload.to_string());
    if workloads.len() > 1 {
        let what = format!("these runs had different workloads: {}", list(workloads));
        problems.push(Problem::new(what, "schism compare", "runs of one workload"));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn with_mix(kinds: &[(&str, u32)]) -> RunOptions {
        let mix = kinds.iter().map(|(kind, weight)| ((*kind).to_owned(), *weight)).collect();
        RunOptions { mix, ..sample::options() }
    }

    #[test]
    fn requests_are_those_that_all_serve() {
        let mut systems =
            [with_mix(&[("read", 50), ("write", 40), ("cas", 10)]), with_mix(&[("read", 5), ("write", 5)])];
        let told = same_requests(&mut systems);
        assert_eq!(told.as_deref(), Some("without cas, which not all of the systems serve"));
        for options in &systems {
            assert_eq!(options.mix, [("read".to_owned(), 50), ("write".to_owned(), 40)]);
        }
        assert_eq!(same_requests(&mut systems), None);
    }

    #[test]
    fn plans_name_no_leader_that_a_system_lacks() {
        let raft = RunOptions { system: sample::spec("raft"), nodes: 3, ..sample::options() };
        assert!(common(std::slice::from_ref(&raft)).has_leader);
        let both = common(&[raft, sample::options()]);
        assert!(!both.has_leader);
        assert!(both.requests.contains(&"read".to_owned()) && !both.requests.contains(&"cas".to_owned()));
    }
}
