//! What a run folder or a manifest may make this program do.

use crate::support::Bench;
use crate::systems::{has, kv};

#[test]
fn a_stored_command_line_is_not_run_without_trust() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let short = ["--net", "loopback", "--time", "2s", "--rate", "50", "--faults", "none", "-q"];
    bench.schism(&[&["run", &kv()], &short[..]].concat()).expect(0);
    let refused = bench.schism(&["replay", "latest"]);
    refused.expect(64);
    let error = refused.one_error();
    assert!(error.contains("python3") && error.contains("--trust"), "{error}");
    bench.schism(&["replay", "latest", "--trust", "-q"]).expect(0);
}

#[test]
fn all_that_is_wrong_with_a_manifest_is_told_before_anything_starts() {
    let bench = Bench::new();
    fs_err::write(bench.folder().join("bad.toml"), "kind = \"system\"\nname = 5\n").unwrap();
    let ended = bench.schism(&["run", "bad.toml"]);
    ended.expect(64);
    assert!(ended.one_error().contains("line 2"), "{ended:?}");
    let ended = bench.schism(&["run", "missing.toml"]);
    ended.expect(64);
    assert!(ended.one_error().contains("missing.toml"));
    bench.schism(&["run", "etcd:reads=sometimes"]).expect(64);
    let ended = bench.schism(&["run", "etdc"]);
    ended.expect(64);
    assert!(ended.one_error().contains("etcd"), "{ended:?}");
    let ended = bench.schism(&["sim", &kv()]);
    ended.expect(64);
    assert!(ended.stderr.contains("virtual time"), "{ended:?}");
    assert!(bench.runs().is_empty());
}

#[test]
fn real_systems_are_listed_with_their_parameters() {
    let listed = Bench::new().schism(&["list", "systems"]);
    listed.expect(0);
    for name in ["etcd", "redis", "zookeeper", "nats", "serializable"] {
        assert!(listed.stdout.contains(name), "{name} is missing: {}", listed.stdout);
    }
}
