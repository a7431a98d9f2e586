//! The command line from outside: help, usage errors, exit codes, and a stdout that is closed or full.

#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn schism(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("schism"));
    command
        .args(words)
        .current_dir(folder)
        .env_remove("SCHISM_RESULTS")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null());
    command
}

fn output(words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    schism(folder.path(), words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a wrong command says on stderr. It prints nothing on stdout, and its code is 64.
fn refused(words: &[&str]) -> String {
    let output = output(words);
    assert_eq!(output.status.code(), Some(64), "{words:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{words:?}: {output:?}");
    text(&output.stderr)
}

const REGISTER: &str = r#"{"schism":"history","format":1,"model":"register","initial":null}
{"index":0,"time":1000000,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":2000000,"process":0,"type":"ok","f":"write","key":"x","value":1}
{"index":2,"time":3000000,"process":1,"type":"invoke","f":"read","key":"x","value":null}
"#;

/// A history in which a read returns `value` after 1 was written.
fn history(folder: &Path, name: &str, value: &str) {
    let read = format!(r#"{{"index":3,"time":4000000,"process":1,"type":"ok","f":"read","key":"x","value":{value}}}"#);
    fs_err::write(folder.join(name), format!("{REGISTER}{read}\n")).unwrap();
}

#[test]
fn help_shows_the_defaults() {
    let output = output(&["run", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for default in ["register", "15s", "1000", "2n", "5", "1s", "30s", "1", "linearizable", "60s", "1GiB"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default} is missing:\n{help}");
    }
    for hidden in ["--time-limit", "--nemesis", "--node-count", "--test-count"] {
        assert!(!help.contains(hidden), "{hidden} is shown:\n{help}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let words = ["run", "nwr:n=3,w=9,colour=red", "--nodes", "0", "--tiem", "3", "--rate", "x", "--faults", "partiton"];
    let more = ["--fault", "kill:disk=wip", "-w", "reg", "--expect", "valid", "--seeds", "5..5", "--mix", "cas=1"];
    insta::assert_snapshot!(refused(&[&words[..], &more].concat()));
}

#[test]
fn each_mistake_has_three_lines_and_the_nearest_name() {
    let table: [(&[&str], &str); 12] = [
        (&["run", "--time", "2s"], "error: 2 s are too short for one fault of each kind\n  at: --time\n"),
        (&["run", "raftt"], "error: there is no system \"raftt\"\n  at: raftt\n  try: raft, or schism list systems\n"),
        (&["rnu"], "error: unrecognized subcommand 'rnu'\n  at: rnu\n  try: schism run\n"),
        (&[], "error: no command is given\n  at: the command line\n  try: schism run\n"),
        (&["list", "bugz"], "error: there is no list \"bugz\"\n"),
        (&["run", "--nodes", "0"], "error: this number is out of range\n  at: --nodes 0\n"),
        (&["run", "nwr:n=7", "--nodes", "5"], "error: n=7: a whole number from 1 to 5\n  at: nwr:n=7\n"),
        (&["run", "--plan", "nothing.json"], "error: "),
        (&["run", "nwr:n"], "error: \"n\" in \"nwr:n\" is not KEY=VALUE\n"),
        (&["check", "nothing"], "error: there is no such file, and no such run\n  at: nothing\n"),
        (
            &["check", "--model", "register,init=0", "nothing"],
            "error: \"register,init=0\" does not begin with a name; write NAME or NAME:KEY=VALUE,…\n  \
             at: --model register,init=0\n  try: register:init=0\n",
        ),
        (&["replay", "7f3a"], "error: no run \"7f3a\" in "),
    ];
    for (words, beginning) in table {
        let told = refused(words);
        assert!(told.starts_with(beginning), "{words:?}: {told}");
        assert_eq!(told.lines().count(), 3, "{words:?}: {told}");
    }
}

#[test]
fn all_that_is_wrong_with_a_matrix_is_told_at_once() {
    let told = refused(&["quorum", "0", "--measure", "--jobs", "0", "--seeds", "5..5", "--time", "soon"]);
    for at in ["  at: 0\n", "  at: --jobs 0\n", "  at: --seeds 5..5\n", "  at: --time soon\n"] {
        assert!(told.contains(at), "{at} is missing: {told}");
    }
    for short in [&["--time", "100ms"][..], &["--time", "2s", "--real"]] {
        let told = refused(&[&["quorum", "3", "--measure"][..], short].concat());
        assert!(told.contains("too short") && told.contains("  at: --time ") && told.lines().count() == 3, "{told}");
    }
    let told = refused(&["quorum", "3", "--real"]);
    assert!(told.contains("--measure") && told.lines().count() == 3, "{told}");
}

#[test]
fn a_plan_is_read_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let plan = r#"{"kind":"plan","format":1,"entries":[{"id":1,"at":"soon","do":"kil","on":"n9"}]}"#;
    fs_err::write(folder.path().join("plan.json"), plan).unwrap();
    let output = schism(folder.path(), &["run", "--plan", "plan.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let told = text(&output.stderr);
    assert!(told.contains("  at: plan.json: entry 1"), "{told}");
    assert!(!folder.path().join("schism-results").exists(), "a run was begun");
}

#[test]
fn other_tools_spellings_are_understood() {
    // A mistake of our own keeps the run from starting.
    let words = ["run", "--time-limit", "10", "--nemesis", "partition,kill", "--nemesis-interval", "5"];
    let told = refused(&[&words[..], &["--node-count", "3", "--test-count", "2", "--keys", "0"]].concat());
    assert_eq!(told.lines().next(), Some("error: this number is out of range"), "{told}");
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn a_history_is_judged_and_its_model_is_said() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), "good", "1");
    history(folder.path(), "bad", "null");
    let good = schism(folder.path(), &["check", "good"]).output().unwrap();
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert!(text(&good.stdout).starts_with("checked  good: 4 events, model register (named by the history)\nVALID  "));
    let bad = schism(folder.path(), &["check", "bad"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    insta::assert_snapshot!(text(&bad.stdout));
    let both = schism(folder.path(), &["check", "--json", "bad", "good"]).output().unwrap();
    assert_eq!(both.status.code(), Some(1), "the worst one stands");
    let json: Vec<serde_json::Value> =
        serde_json::Deserializer::from_slice(&both.stdout).into_iter().map(Result::unwrap).collect();
    let outcomes: Vec<&serde_json::Value> = json.iter().map(|file| &file["property"]["outcome"]).collect();
    assert_eq!(outcomes, ["invalid", "valid"]);
}

#[test]
fn a_cut_history_is_judged_by_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("cut"), format!("{REGISTER}{{\"index\":3,\"ti")).unwrap();
    let output = schism(folder.path(), &["check", "cut"]).output().unwrap();
    assert!(text(&output.stdout).contains("the file ends in the middle of line 5"), "{output:?}");
    assert_ne!(output.status.code(), Some(64), "{output:?}");
}

#[test]
fn a_damaged_file_does_not_hide_a_violation_in_another() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), "bad", "null");
    fs_err::write(folder.path().join("damaged"), format!("{REGISTER}nonsense\n{REGISTER}")).unwrap();
    let alone = schism(folder.path(), &["check", "damaged"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(64), "{alone:?}");
    assert!(text(&alone.stderr).contains("line 5"), "{alone:?}");
    let both = schism(folder.path(), &["check", "damaged", "bad"]).output().unwrap();
    assert_eq!(both.status.code(), Some(1), "{both:?}");
}

#[test]
fn a_stdout_that_was_closed_keeps_the_code() {
    let folder = tempfile::tempdir().unwrap();
    for (value, code) in [("1", 0), ("null", 1)] {
        history(folder.path(), "history", value);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child =
            schism(folder.path(), &["check", "history"]).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(told, "error: stdout was closed before the result was written\n");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_stdout_that_is_full_is_a_failure_of_the_harness() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), "history", "1");
    let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap().into_file();
    let output = schism(folder.path(), &["check", "history"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told = text(&output.stderr);
    assert!(told.starts_with("error: the result cannot be written to stdout: "), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn lists_name_bugs_beside_their_ids() {
    let output = output(&["list", "bugs"]);
    assert_eq!(output.status.code(), Some(0));
    let listed = text(&output.stdout);
    for (name, id) in [("raft:bug=ack-before-fsync", "RAFT-B3"), ("nwr:bug=no-writeback", "NWR-B1")] {
        assert!(listed.lines().any(|line| line.contains(name) && line.contains(id)), "{name}: {listed}");
    }
}

/// A proof of the history that [`history`] writes with this value for the read.
fn proof(folder: &Path, claim: &str) {
    let head = r#""schism":"proof","format":1,"model":"register","operations":2"#;
    fs_err::write(folder.join("proof.json"), format!("{{{head},\"claim\":{claim}}}\n")).unwrap();
}

#[test]
fn proofs_are_verified_and_wrong_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let valid = |order: &str| format!(r#"{{"outcome":"valid","orders":[{{"key":"x","order":{order}}}]}}"#);
    let invalid = |numbers: &str| {
        let core = format!(r#"{{"operations":[],"minimal":true,"cut":3,"numbers":{numbers}}}"#);
        format!(r#"{{"outcome":"invalid","key":"x","core":{core}}}"#)
    };
    let table = [
        ("1", valid("[0,1]"), 0, "HOLDS"),
        ("1", valid("[1,0]"), 1, "cannot read 1 from register null"),
        ("null", valid("[1,0]"), 1, "one that began after its end"),
        ("1", valid("[0]"), 1, "leaves out operation 1"),
        ("2", valid("[0,1]"), 1, "cannot read 2 from register 1"),
        ("null", invalid("[0,1]"), 0, "HOLDS"),
        ("2", invalid("[1]"), 0, "HOLDS"),
        ("null", invalid("[1]"), 1, "do not contradict each other"),
        ("1", invalid("[1]"), 1, "leaves out operation 0"),
    ];
    for (read, claim, code, said) in table {
        history(folder.path(), "history.jsonl", read);
        proof(folder.path(), &claim);
        let output = schism(folder.path(), &["verify", "proof.json", "history.jsonl"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{read}, {claim}: {output:?}");
        assert!(text(&output.stdout).contains(said), "{read}, {claim}: {output:?}");
    }
    fs_err::write(folder.path().join("proof.json"), r#"{"schism":"proof","format":2}"#).unwrap();
    let output = schism(folder.path(), &["verify", "proof.json", "history.jsonl"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(text(&output.stderr).contains("has format 2; this version reads 1"), "{output:?}");
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_runs() {
    let different = refused(&["compare", "raft:n=3", "nwr:n=5"]);
    assert!(different.contains("raft:n=3 has 3, nwr:n=5 has 5"), "{different}");
    assert!(different.contains("try: --nodes 3"), "{different}");
    let shape = refused(&["compare", "raft:n=3", "--card", "--shapes", "halfs"]);
    assert!(shape.contains("unknown shape") || shape.contains("halves"), "{shape}");
    let unknown = refused(&["compare", "raft", "no-such-system"]);
    assert!(unknown.contains("no-such-system"), "{unknown}");
}

/// A panic over the log would be taken for a bug of the protocol.
#[test]
#[cfg(target_os = "linux")]
fn a_node_whose_log_has_no_room_ends_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut node = schism(folder.path(), &["node"]);
    let status = node.stdin(Stdio::null()).stdout(Stdio::null()).stderr(full.into_parts().0).status().unwrap();
    assert_eq!(status.code(), Some(78), "nobody says what to run");
}
