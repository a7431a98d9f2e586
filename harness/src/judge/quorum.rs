//! The rules of quorums, from what coordinators and replicas noted: which system they are for, and what its configuration promises.
//!
//! The one place outside of the protocol that knows its parameters; the rules are the checker's.

use std::path::Path;

use schism_checker::formats::ReadError;
use schism_checker::history::History;
use schism_checker::quorum::{self, Gatherer, Level, Promises, Quorums};
use schism_checker::verdict::Property;
use schism_nodes::config::Consistency;
use schism_nodes::nwr::{Config, Nwr, Repair, Versions, Writeback};
use schism_nodes::{NodeId, Params, Protocol};

use crate::spec::Spec;

/// What a system's quorums promise; nothing for one without quorums, or whose versions no tag orders. In virtual time links are cut
/// and healed at exactly the moments that the history tells.
pub fn promises(system: &Spec, nodes: u16, is_virtual: bool) -> Option<Promises> {
    if system.name != Nwr::info().name {
        return None;
    }
    let config = Nwr::configure(&Params(own(system)), nodes).ok()?;
    (config.version != Versions::Siblings && !config.causal).then(|| of(&config, nodes, is_virtual))
}

/// The parameters of the protocol itself: those that all have are read by others.
fn own(system: &Spec) -> std::collections::BTreeMap<String, String> {
    let known = Nwr::info().parameters;
    let shared: Vec<&str> = schism_nodes::common::parameters().iter().map(|parameter| parameter.name).collect();
    let is_own = |name: &str| known.iter().any(|parameter| parameter.name == name) && !shared.contains(&name);
    system.params.iter().filter(|(name, _)| is_own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn of(config: &Config, nodes: u16, is_virtual: bool) -> Promises {
    let size = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let quorums = Quorums { n: size(config.n), w: size(config.w), r: size(config.r) };
    let names = NodeId::universe(nodes).iter().map(ToString::to_string).collect();
    let writeback = config.writeback != Writeback::Off || config.repair == Repair::Sync;
    Promises {
        sloppy: config.sloppy,
        queries_before_writes: config.version == Versions::Tag,
        level: match config.promise() {
            Consistency::Linearizable => Level::Linearizable,
            Consistency::Regular => Level::Regular,
            _ => Level::None,
        },
        // Each has its time, after which it is given up.
        keeps_hints: false,
        exact_cuts: is_virtual,
        ..Promises::plain(quorums, names, writeback)
    }
}

/// What became of the rules, with notes that were gathered while they were made.
pub fn properties(gathered: Gatherer, history: &History, promises: &Promises) -> Vec<Property> {
    quorum::check(gathered, history, promises).properties()
}

/// What became of the rules in the files of a run.
pub fn of_files(history: &Path, notes: &Path, promises: &Promises) -> Result<Vec<Property>, ReadError> {
    let (history, gathered) = quorum::read_run(history, notes)?;
    Ok(properties(gathered, &history, promises))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promised(system: &str) -> Option<Promises> {
        promises(&system.parse().unwrap(), 5, true)
    }

    #[test]
    fn the_parameters_of_a_system_say_what_its_quorums_promise() {
        let plain = promised("nwr:n=3").unwrap();
        assert_eq!(plain.quorums, Quorums { n: 3, w: 2, r: 2 });
        assert_eq!((plain.level, plain.writeback, plain.nodes.len()), (Level::Regular, false, 5));
        let atomic = promised("nwr:n=3,writeback=fast,batch=1").unwrap();
        assert_eq!((atomic.level, atomic.writeback), (Level::Linearizable, true));
        assert_eq!(promised("nwr:w=2,r=2").unwrap().level, Level::None);
        assert!(!promised("nwr:version=lww").unwrap().queries_before_writes);
        assert!(promised("nwr:n=3,hints=on,sloppy=on").unwrap().sloppy);
        assert_eq!(promised("nwr:version=siblings"), None);
        assert_eq!(promised("nwr:causal=vv,w=1"), None);
        assert_eq!(promised("raft"), None);
    }
}
