//! Parameters that every protocol has, because the driver serves them: how stable storage is kept.

use crate::config::{ConfigError, Parameter, Params};
use crate::config::{ParamReader, ProtocolInfo};
use crate::control::Storage;

/// The common parameters; every protocol ends its own list with them.
pub fn parameters() -> Vec<Parameter> {
    vec![
        Parameter {
            name: "sync",
            values: "on|off",
            default: "on",
            about: "whether a step's output waits for fdatasync; off claims nothing about power losses",
        },
        Parameter {
            name: "batch",
            values: "1..65536",
            default: "256",
            about: "the most events that one sync releases",
        },
        Parameter {
            name: "flush",
            values: "a time",
            default: "200ms",
            about: "when lazily persisted records are synced at the latest",
        },
    ]
}

/// Reads the common parameters; all others are passed over.
pub fn storage(params: &Params, info: &ProtocolInfo) -> Result<Storage, ConfigError> {
    let names: Vec<&str> = parameters().iter().map(|parameter| parameter.name).collect();
    let own = params.0.iter().filter(|(name, _)| names.contains(&name.as_str()));
    let own = Params(own.map(|(name, value)| (name.clone(), value.clone())).collect());
    let mut reader = ParamReader::new(&own, info);
    let sync = reader.word("sync", &["on", "off"]) == 0;
    let batch = usize::try_from(reader.number("batch", 1..=65_536, 256)).expect("at most 65536");
    let flush = reader.time("flush", std::time::Duration::from_millis(200));
    let flush_ms = u64::try_from(flush.as_millis()).unwrap_or(u64::MAX);
    reader.finish(Storage { sync, batch, flush_ms })
}
