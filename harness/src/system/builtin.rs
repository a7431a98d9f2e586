//! The protocols of this workspace as systems under test: every node is this very program, as `schism node`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schism_nodes::catalog::{self, CatalogError};
use schism_nodes::config::Consistency;
use schism_nodes::control::Storage;
use schism_nodes::{LinkOrder, Params, ProtocolInfo, RequestKind};

use crate::client::Dialler;
use crate::client::maelstrom::MaelstromDialler;
use crate::spec::Spec;
use crate::system::{Launch, LaunchKind, Place, Scene, System};

/// A protocol by its name and parameters.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    spec: Spec,
    info: ProtocolInfo,
    promise: Consistency,
    serves: Vec<&'static str>,
    beside_clients: bool,
    storage: Storage,
    program: PathBuf,
}

impl BuiltIn {
    /// The protocol that `spec` names, in a universe of `nodes` nodes; everything that is wrong with it is reported at once.
    /// `program` is the node executable: the running program where absent.
    pub fn new(spec: Spec, nodes: u16, program: Option<PathBuf>) -> Result<Self, CatalogError> {
        let params = Params(spec.params.clone());
        let promise = catalog::promise(&spec.name, &params, nodes)?;
        let serves = catalog::serves(&spec.name, &params, nodes)?;
        let beside_clients = catalog::beside_clients(&spec.name, &params, nodes)?;
        let storage = catalog::storage(&spec.name, &params)?;
        let info = catalog::info(&spec.name).expect("its parameters have just been read");
        let program = program.unwrap_or_else(running_program);
        Ok(BuiltIn { spec, info, promise, serves, beside_clients, storage, program })
    }
}

/// The program that runs. On Linux by its link in `/proc`, which is followed by the child itself and leads to the very file
/// that runs, also when that has been rebuilt or deleted meanwhile.
pub fn running_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("schism"))
}

impl System for BuiltIn {
    fn label(&self) -> String {
        self.spec.to_string()
    }

    fn requests(&self) -> Vec<String> {
        self.serves.iter().map(ToString::to_string).collect()
    }

    fn has_leader(&self) -> bool {
        self.info.has_leader
    }

    fn links(&self) -> LinkOrder {
        self.info.links
    }

    fn recovery(&self) -> Duration {
        self.info.recovery
    }

    fn promise(&self) -> Consistency {
        self.promise
    }

    fn beside_clients(&self) -> bool {
        self.beside_clients
    }

    fn midway(&self, request: &RequestKind) -> Option<&'static str> {
        catalog::midway(&self.spec.name, request)
    }

    fn launch(&self, _place: &Place<'_>) -> io::Result<Launch> {
        let protocol = (self.spec.name.clone(), self.spec.params.clone());
        Ok(Launch {
            program: self.program.clone(),
            arguments: vec!["node".to_owned()],
            environment: BTreeMap::new(),
            kind: LaunchKind::Node { protocol, storage: self.storage },
        })
    }

    fn dialler(&self, scene: &Scene<'_>) -> io::Result<Box<dyn Dialler>> {
        Ok(Box::new(MaelstromDialler::new(scene.run, Arc::clone(&scene.network))))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schism_nodes::NodeId;

    use super::*;

    fn built_in(text: &str, nodes: u16) -> Result<BuiltIn, String> {
        BuiltIn::new(text.parse().unwrap(), nodes, None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_protocol_tells_what_it_is() {
        let system = built_in("nwr:n=3,r=2,sync=off,w=2", 5).unwrap();
        assert_eq!(system.label(), "nwr:n=3,r=2,sync=off,w=2");
        assert!(!system.has_leader());
        let place = Place { node: NodeId(2), folder: Path::new("."), hosts: &BTreeMap::new() };
        let launch = system.launch(&place).unwrap();
        assert_eq!(launch.arguments, ["node"]);
        let LaunchKind::Node { protocol, storage } = launch.kind else { unreachable!("it is a node of ours") };
        assert_eq!((protocol.0.as_str(), storage.sync), ("nwr", false));
        assert!(built_in("raft", 5).unwrap().has_leader());
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let error = built_in("nwr:w=9,color=red,batch=0", 3).unwrap_err();
        for part in ["color", "w=9", "batch=0"] {
            assert!(error.contains(part), "{part} is missing: {error}");
        }
        assert!(built_in("paxoss", 3).unwrap_err().contains("paxoss"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_running_program_starts_itself() {
        // Listed by whatever runs under the name that we got, in a process of its own: only this very program has this test.
        let output = std::process::Command::new(running_program()).arg("--list").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("the_running_program_starts_itself"));
    }
}
