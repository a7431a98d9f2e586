//! What `schism check`, `verify` and `export` take, and what becomes of the others where one of several cannot be judged, from outside.

#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn schism(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("schism"));
    command.args(words).current_dir(folder).env_remove("SCHISM_RESULTS").env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn told(Output { status, stdout, stderr }: Output) -> (Option<i32>, String, String) {
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn output(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    told(schism(folder, words).output().unwrap())
}

/// With this on stdin.
fn fed(folder: &Path, words: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = schism(folder, words).stdin(Stdio::piped()).spawn().unwrap();
    // Who has seen enough closes it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    told(child.wait_with_output().unwrap())
}

/// A read of null after a write, in its first 300 bytes, and many operations after that which contradict nothing.
fn stale() -> String {
    let event = |kind: &str, f: &str, value: &str| {
        format!("{{\"process\":0,\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value}}}\n")
    };
    let operation =
        |f: &str, value: &str| event("invoke", f, if f == "read" { "null" } else { value }) + &event("ok", f, value);
    let rest: String = (2..50).map(|value: u32| operation("write", &value.to_string())).collect();
    operation("write", "1") + &operation("read", "null") + &rest
}

/// A history without violation.
fn good() -> String {
    stale().replace("\"f\":\"read\",\"value\":null", "\"f\":\"read\",\"value\":1")
}

fn packed(folder: &Path, name: &str, text: &str) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    fs_err::write(folder.join(name), packed.finish().unwrap()).unwrap();
}

#[test]
fn nothing_is_lost_of_what_comes_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in ["-", "/dev/stdin"] {
        let (code, shown, told) = fed(at, &["check", name], &stale());
        assert_eq!(code, Some(1), "{shown}{told}");
        assert!(shown.starts_with(&format!("checked  {name}: 100 events, ")), "{shown}");
        let malformed = stale().replacen("\"ok\"", "\"info\"", 1);
        let (code, _, told) = fed(at, &["check", "--strict", name], &malformed);
        assert_eq!(code, Some(64), "{told}");
        assert!(told.contains(&format!("at: {name}, line 3, byte")), "{told}");
    }
    nix::unistd::mkfifo(&at.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let child = schism(at, &["check", "--strict", "pipe"]).spawn().unwrap();
    fs_err::write(at.join("pipe"), stale()).unwrap();
    let (code, shown, _) = told(child.wait_with_output().unwrap());
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.starts_with("checked  pipe: 100 events, "), "{shown}");
    let (code, _, told) = output(at, &["check", "--follow", "--model", "register", "pipe"]);
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("only a file can be followed"), "{told}");
}

#[test]
fn what_never_ends_and_is_no_history_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, told) = output(folder.path(), &["check", "/dev/zero"]);
    assert_eq!(code, Some(64), "{told}");
    assert!(told.starts_with("error: /dev/zero is no history"), "{told}");
}

#[test]
fn a_file_is_called_as_the_user_called_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    packed(at, "a.gz", &good());
    packed(at, "b.gz", &good().replacen("\"ok\"", "\"wrong\"", 1));
    let (code, shown, told) = fed(at, &["check", "a.gz", "b.gz", "-"], &stale());
    assert_eq!(code, Some(1), "{shown}{told}");
    for line in ["checked  a.gz: ", "checked  -: ", "\na.gz ", "\nb.gz ", "\n- "] {
        assert!(shown.contains(line), "{line:?}: {shown}");
    }
    assert!(told.contains("b.gz, line 2, byte"), "{told}");
    assert!(!shown.contains("/.tmp") && !told.contains("/.tmp"), "{shown}{told}");
    let (_, json, _) = fed(at, &["check", "--json", "a.gz", "b.gz", "-"], &stale());
    let json = serde_json::Deserializer::from_str(&json).into_iter::<serde_json::Value>();
    let files: Vec<String> = json.map(|file| file.unwrap()["file"].as_str().unwrap().to_owned()).collect();
    assert_eq!(files, ["a.gz", "b.gz", "-"]);
}

#[test]
fn a_file_that_is_not_there_has_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs_err::write(at.join("good"), good()).unwrap();
    let (code, shown, told) = output(at, &["check", "nowhere", "good"]);
    assert_eq!(code, Some(64), "{told}");
    let rows: Vec<&str> = shown.split("\n\n").last().unwrap().lines().collect();
    assert!(rows[1].starts_with("nowhere ") && rows[1].contains(" no verdict "), "{shown}");
    assert!(rows[2].starts_with("good ") && rows[2].contains(" valid "), "{shown}");
}

#[test]
fn a_proof_that_cannot_be_written_hides_no_violation() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, text, code) in [("stale", stale(), 1), ("good", good(), 4)] {
        fs_err::write(at.join(name), text).unwrap();
        let (got, shown, told) = output(at, &["check", "--proof", "nowhere/proof", name]);
        assert_eq!(got, Some(code), "{shown}{told}");
        assert!(shown.starts_with("checked  ") && told.contains("at: nowhere/proof"), "{shown}{told}");
    }
}

#[test]
fn verify_and_export_take_what_check_takes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let run = at.join("results/raft-register-standard/20260824T021700Z-7f3a");
    fs_err::create_dir_all(&run).unwrap();
    fs_err::write(run.join("run.json"), "{}").unwrap();
    fs_err::write(run.join("history.jsonl"), stale()).unwrap();
    fs_err::write(at.join("stale"), stale()).unwrap();
    packed(at, "stale.gz", &stale());
    assert_eq!(output(at, &["check", "--proof", "proof", "stale"]).0, Some(1));
    let exported = output(at, &["export", "--format", "csv", "stale"]).1;
    assert_eq!(exported.lines().count(), 101);
    for name in ["stale", "stale.gz", "-", "7f3a", "latest", "results/raft-register-standard/20260824T021700Z-7f3a"] {
        let (code, shown, told) = fed(at, &["verify", "--out", "results", "proof", name], &stale());
        assert_eq!(code, Some(0), "{name}: {shown}{told}");
        assert!(shown.starts_with(&format!("HOLDS  {name}, ")), "{shown}");
        let (code, shown, told) = fed(at, &["export", "--out", "results", "--format", "csv", name], &stale());
        assert_eq!((code, shown), (Some(0), exported.clone()), "{name}: {told}");
    }
    for words in [&["verify", "proof", "./nowhere"][..], &["export", "--format", "csv", "./nowhere"]] {
        let (code, _, told) = output(at, words);
        assert_eq!(code, Some(64), "{words:?}");
        assert!(told.starts_with("error: there is no such file"), "{told}");
    }
}
