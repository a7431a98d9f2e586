//! The protocols by name. Whoever needs one by the name that a person typed asks here; nobody else lists them.

use crate::common;
use crate::config::{ConfigError, Consistency, Params, ProtocolInfo};
use crate::control::Storage;
use crate::nwr::Nwr;
use crate::protocol::Protocol;
use crate::raft::Raft;

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
