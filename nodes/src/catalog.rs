//! The protocols by name. Whoever needs one by the name that a person typed asks here; nobody else lists them.

use crate::common;
use crate::config::{ConfigError, Consistency, Params, ProtocolInfo};
use crate::control::Storage;
use crate::nwr::Nwr;
use crate::protocol::Protocol;
use crate::raft::Raft;
use crate::request::RequestKind;

/// Why a protocol cannot be had by a name and parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// There is no such protocol.
    #[error("there is no protocol {name:?}: there are {}", known.join(", "))]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// It does not take these parameters.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Generic code that is to run for a protocol known by its name only.
pub trait Visitor {
    /// What it makes.
    type Output;

    /// Runs for the protocol, with the configuration that was asked for.
    fn visit<P: Protocol + 'static>(self, config: P::Config) -> Self::Output;
}

/// All protocols, in the order in which they are listed.
pub fn protocols() -> Vec<ProtocolInfo> {
    vec![Raft::info(), Nwr::info()]
}

/// What the protocol of a name says of itself.
pub fn info(name: &str) -> Option<ProtocolInfo> {
    protocols().into_iter().find(|info| info.name == name)
}

/// Whether a protocol takes these parameters in a universe of `nodes` nodes; all that is wrong is reported at once.
pub fn validate(name: &str, params: &Params, nodes: u16) -> Result<(), CatalogError> {
    with_protocol(name, params, nodes, Ignore)
}

/// What a configuration promises, its deliberate bug apart.
pub fn promise(name: &str, params: &Params, nodes: u16) -> Result<Consistency, CatalogError> {
    with_protocol(name, params, nodes, Promise)
}

/// The request types that a configuration serves.
pub fn serves(name: &str, params: &Params, nodes: u16) -> Result<Vec<&'static str>, CatalogError> {
    with_protocol(name, params, nodes, Serves)
}

/// Whether a configuration has coordinators beside its clients.
pub fn beside_clients(name: &str, params: &Params, nodes: u16) -> Result<bool, CatalogError> {
    with_protocol(name, params, nodes, BesideClients)
}

/// The note that a coordinator of this protocol makes in the middle of a request, if it makes one.
pub fn midway(name: &str, request: &RequestKind) -> Option<&'static str> {
    match name {
        "raft" => Raft::midway(request),
        "nwr" => Nwr::midway(request),
        _ => None,
    }
}

/// How the driver is to keep stable storage: the parameters that all protocols have.
pub fn storage(name: &str, params: &Params) -> Result<Storage, CatalogError> {
    let info = info(name).ok_or_else(|| unknown(name))?;
    Ok(common::storage(params, &info)?)
}

/// Runs generic code for a protocol by name.
pub fn with_protocol<V: Visitor>(
    name: &str,
    params: &Params,
    nodes: u16,
    visitor: V,
) -> Result<V::Output, CatalogError> {
    match name {
        "raft" => visit::<Raft, V>(params, nodes, visitor),
        "nwr" => visit::<Nwr, V>(params, nodes, visitor),
        _ => Err(unknown(name)),
    }
}

fn visit<P: Protocol + 'static, V: Visitor>(
    params: &Params,
    nodes: u16,
    visitor: V,
) -> Result<V::Output, CatalogError> {
    let storage = common::storage(params, &P::info());
    match (P::configure(params, nodes), storage) {
        (Ok(config), Ok(_)) => Ok(visitor.visit::<P>(config)),
        (config, storage) => {
            let own = config.err().into_iter().flat_map(|error| error.0);
            let common = storage.err().into_iter().flat_map(|error| error.0);
            Err(ConfigError(own.chain(common).collect()).into())
        }
    }
}

fn unknown(name: &str) -> CatalogError {
    CatalogError::Unknown { name: name.to_owned(), known: protocols().iter().map(|info| info.name).collect() }
}

struct Ignore;

impl Visitor for Ignore {
    type Output = ();

    fn visit<P: Protocol + 'static>(self, _config: P::Config) {}
}

struct Promise;

impl Visitor for Promise {
    type Output = Consistency;

    fn visit<P: Protocol + 'static>(self, config: P::Config) -> Consistency {
        P::promise(&config)
    }
}

struct Serves;

impl Visitor for Serves {
    type Output = Vec<&'static str>;

    fn visit<P: Protocol + 'static>(self, config: P::Config) -> Vec<&'static str> {
        P::serves(&config)
    }
}

struct BesideClients;

impl Visitor for BesideClients {
    type Output = bool;

    fn visit<P: Protocol + 'static>(self, config: P::Config) -> bool {
        P::beside_clients(&config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft;

    fn params(text: &str) -> Params {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        Params(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn every_protocol_is_found_and_takes_its_defaults() {
        for info in protocols() {
            assert_eq!(validate(info.name, &Params::default(), 5), Ok(()));
            assert_eq!(info.name, super::info(info.name).expect("it is listed").name);
            for bug in &info.bugs {
                for name in [bug.name, bug.id, &bug.id.to_lowercase()] {
                    assert_eq!(validate(info.name, &params(&format!("bug={name}")), 5), Ok(()), "{name}");
                }
            }
        }
        let error = validate("rafd", &Params::default(), 3).unwrap_err();
        assert_eq!(error.to_string(), "there is no protocol \"rafd\": there are raft, nwr");
    }

    #[test]
    fn all_that_is_wrong_is_reported_at_once() {
        let error = validate("raft", &params("reads=lease,color=red,batch=0,sync=maybe,heartbeat=1s"), 5).unwrap_err();
        let CatalogError::Config(ConfigError(errors)) = &error else { panic!("{error}") };
        assert_eq!(errors.len(), 5, "{error}");
    }

    #[test]
    fn common_parameters_are_read_for_every_protocol() {
        let storage = |text| storage("nwr", &params(text)).unwrap();
        assert_eq!(storage(""), Storage { sync: true, batch: 256, flush_ms: 200 });
        assert_eq!(storage("w=1,sync=off,batch=1,flush=2s"), Storage { sync: false, batch: 1, flush_ms: 2000 });
    }

    #[test]
    fn a_promise_is_of_the_configuration_without_its_bug() {
        for (name, text, expected) in [
            ("raft", "reads=readindex,bug=RAFT-B6", Consistency::Linearizable),
            ("nwr", "w=1,r=1", Consistency::None),
            ("nwr", "w=2,r=2", Consistency::Regular),
            ("nwr", "w=2,r=2,writeback=on,bug=no-writeback", Consistency::Linearizable),
        ] {
            assert_eq!(promise(name, &params(text), 3), Ok(expected), "{name}:{text}");
        }
    }

    #[test]
    fn sets_are_served_where_siblings_are_kept() {
        let sets = |text| serves("nwr", &params(text), 3).unwrap().contains(&"add");
        assert!(sets("version=siblings"));
        assert!(!sets("") && !sets("version=lww"));
        assert_eq!(serves("raft", &params(""), 3).unwrap(), info("raft").unwrap().requests);
    }

    #[test]
    fn quorums_are_coordinated_by_nodes_unless_beside_clients() {
        let beside = |name, text| beside_clients(name, &params(text), 3).unwrap();
        assert!(beside("nwr", "coordinator=client"));
        assert!(!beside("nwr", "") && !beside("nwr", "coordinator=node") && !beside("raft", ""));
        let write = RequestKind::Write { key: "x".to_owned(), value: 1.into() };
        assert_eq!((midway("nwr", &write), midway("raft", &write)), (Some("store-sent"), None));
    }

    #[test]
    fn half_a_bug_id_means_the_half_that_every_partition_shows() {
        let config = raft::Raft::configure(&params("bug=raft-b9"), 3).unwrap();
        assert_eq!(config.bug, Some(raft::Bug::SmallQuorumCommit));
    }
}
