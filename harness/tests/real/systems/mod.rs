//! Somebody else's systems from outside: manifests, clients of one's own, hostile servers, and real ones.

mod hostile;
mod own;
mod real_servers;
mod service;
mod trust;

use std::path::{Path, PathBuf};

/// The examples of this repository.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples/systems")
}

/// The example's manifest.
pub(crate) fn kv() -> String {
    examples().join("kv.toml").to_str().unwrap().to_owned()
}

/// Whether a program is on this machine; the test says so where it is not.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !there {
        eprintln!("SKIPPED: there is no {program} on this machine");
    }
    there
}
