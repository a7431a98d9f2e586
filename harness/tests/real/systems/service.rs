//! Somebody's own service over HTTP, asked by templates.

use std::path::Path;

use crate::support::{Bench, json, json_lines};
use crate::systems::has;

const MANIFEST: &str = r#"
kind = "system"
name = "service"
nodes = 1
secret = ["KV_TOKEN"]
command = ["python3", "HERE/service.py", "${address}", "${port.client}"]
ports = { client = 7200 }
ready = [{ tcp = "client" }]
requests = ["read", "write", "cas"]
promise = "linearizable"
recovery = "500ms"

[client]
driver = "http"
http.read = { method = "GET", path = "/kv/${key}", ok = [200], absent = [404], value = "/node/value" }
http.write = { method = "PUT", path = "/kv/${key}", body = "${value}", ok = [200], fail = [429] }
http.cas = { method = "PUT", path = "/kv/${key}?old=${from}", body = "${to}", ok = [200], fail = [412, 429] }
"#;

#[test]
fn a_service_is_asked_by_templates_and_its_secrets_are_not_repeated() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/systems");
    fs_err::write(bench.folder().join("service.toml"), MANIFEST.replace("HERE", here.to_str().unwrap())).unwrap();
    let words = ["run", "service.toml", "--net", "loopback", "--time", "2s", "--rate", "200", "--faults", "none", "-q"];
    // Each request has to end in each way, however few of them a busy machine does.
    let mixed = ["--mix", "read=20,write=40,cas=40"];
    let mut command = bench.command(&[&words[..], &mixed].concat());
    command.env("KV_TOKEN", "hunter2secret");
    bench.end(command).expect(0);
    let run = bench.run();
    let events = json_lines(&run.join("history.jsonl"));
    let ended = |f: &str, kind: &str| events.iter().filter(|event| event["f"] == f && event["type"] == kind).count();
    for (f, kind) in [("read", "ok"), ("write", "ok"), ("cas", "ok"), ("write", "fail"), ("cas", "fail")] {
        assert!(ended(f, kind) > 0, "no {f} ended {kind}");
    }
    assert_eq!(ended("write", "info") + ended("cas", "info"), 0, "each status has a meaning");
    let read = events.iter().any(|event| event["f"] == "read" && event["type"] == "ok" && event["value"].is_u64());
    assert!(read, "values come out of the answers");
    let history = fs_err::read_to_string(run.join("history.jsonl")).unwrap();
    assert!(history.contains("too many requests with ***") && !history.contains("hunter2"), "the secret is masked");
    assert_eq!(json(&run.join("verdict.json"))["coverage"]["operations"]["read"]["fail"], 0);
}
