//! The arrows between the crates, and nothing else: the harness uses all, workloads use the checker, nodes and checker
//! use none of ours.

#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

use std::collections::BTreeSet;
use std::path::Path;

/// What each crate may use of ours.
const ALLOWED: [(&str, &[&str]); 4] = [
    ("checker", &[]),
    ("nodes", &[]),
    ("workloads", &["schism-checker"]),
    ("harness", &["schism-checker", "schism-nodes", "schism-workloads"]),
];

fn manifest(path: &Path) -> toml::Table {
    let text = fs_err::read_to_string(path).unwrap();
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The crates of ours that a manifest names, in any of its tables of dependencies, by any name.
fn used(manifest: &toml::Table) -> BTreeSet<String> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let places = targets.filter_map(toml::Value::as_table).chain([manifest]);
    places
        .flat_map(|place| tables.iter().filter_map(|table| place.get(*table)?.as_table()))
        .flat_map(|dependencies| {
            dependencies.iter().map(|(name, how)| {
                let renamed = how.get("package").and_then(toml::Value::as_str);
                assert!(how.get("path").is_none(), "{name}: paths stand in the workspace's manifest alone");
                renamed.unwrap_or(name).to_owned()
            })
        })
        .filter(|name| name.starts_with("schism"))
        .collect()
}

#[test]
fn the_crates_use_each_other_only_along_the_arrows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let workspace = manifest(&root.join("Cargo.toml"));
    let members: BTreeSet<&str> =
        workspace["workspace"]["members"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(members, ALLOWED.iter().map(|(name, _)| *name).collect(), "a new crate needs its arrows here");
    for (name, allowed) in ALLOWED {
        let used = used(&manifest(&root.join(name).join("Cargo.toml")));
        let allowed: BTreeSet<String> = allowed.iter().map(ToString::to_string).collect();
        assert!(used.is_subset(&allowed), "{name} uses {used:?}, and may use only {allowed:?}");
    }
}
