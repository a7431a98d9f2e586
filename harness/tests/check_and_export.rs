//! `schism check` on many files, with its switches, and `schism export`, from outside.

#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn schism(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("schism"));
    command.args(words).current_dir(folder).env_remove("SCHISM_RESULTS").env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null());
    command
}

fn output(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = schism(folder, words).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Writes events as JSON lines, from `process type f value`.
fn history(folder: &Path, name: &str, events: &[(u64, &str, &str, &str)]) {
    let line = |(process, kind, f, value): &(u64, &str, &str, &str)| {
        format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value}}}\n")
    };
    let path = folder.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, events.iter().map(line).collect::<String>()).unwrap();
}

/// A write of 1, and then a read of `value`.
fn write_and_read(folder: &Path, name: &str, value: &str) {
    let events =
        [(0, "invoke", "write", "1"), (0, "ok", "write", "1"), (1, "invoke", "read", "null"), (1, "ok", "read", value)];
    history(folder, name, &events);
}

#[test]
fn a_folder_is_searched_and_what_is_no_history_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_and_read(at, "all/b/good.jsonl", "1");
    write_and_read(at, "all/a/run/history.jsonl", "1");
    fs_err::write(at.join("all/a/run/run.json"), "{}").unwrap();
    fs_err::write(at.join("all/README.md"), "# Histories\n").unwrap();
    fs_err::write(at.join("all/notes.txt"), "").unwrap();
    fs_err::write(at.join("all/verdict.json"), "{\n  \"schism\": \"verdict\"\n}\n").unwrap();

    let (code, shown, told) = output(at, &["check", "all"]);
    assert_eq!(code, Some(0), "{shown}{told}");
    let skipped: Vec<&str> = told.lines().map(|line| line.split([':', ' ', ',']).nth(2).unwrap()).collect();
    assert_eq!(skipped, ["all/README.md", "all/notes.txt", "all/verdict.json"], "{told}");
    let table: Vec<&str> = shown.split("\n\n").last().unwrap().lines().collect();
    assert!(table[0].starts_with("file ") && table.len() == 3, "{shown}");
    assert!(table[1].starts_with("all/a/run/history.jsonl ") && table[1].contains(" valid "), "{shown}");
    assert!(table[2].starts_with("all/b/good.jsonl "), "{shown}");

    // Named directly it is an error, and so is a folder without any history.
    for words in [["check", "all/README.md"], ["check", "all/notes.txt"]] {
        let (code, ..) = output(at, &words);
        assert!(matches!(code, Some(64 | 3)), "{words:?}: {code:?}");
    }
    fs_err::create_dir(at.join("none")).unwrap();
    fs_err::write(at.join("none/README.md"), "nothing").unwrap();
    let (code, _, told) = output(at, &["check", "none"]);
    assert_eq!(code, Some(64), "{told}");
    assert!(told.ends_with("  try: a folder with histories, or the path of one\n"), "{told}");
}

#[test]
fn the_worst_file_stands_and_a_broken_history_is_not_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_and_read(at, "all/good", "1");
    write_and_read(at, "all/damaged", "1");
    let broken = fs_err::read_to_string(at.join("all/damaged")).unwrap() + "nonsense\n";
    fs_err::write(at.join("all/damaged"), broken).unwrap();
    let (code, shown, told) = output(at, &["check", "all"]);
    assert_eq!(code, Some(64), "{shown}");
    assert!(told.contains("damaged, line 5"), "{told}");
    assert!(shown.contains("no verdict"), "{shown}");

    write_and_read(at, "all/stale", "null");
    let (code, shown, _) = output(at, &["check", "all"]);
    assert_eq!(code, Some(1), "{shown}");
    // A program gets objects alone, with what they cost.
    let (_, json, _) = output(at, &["check", "--json", "all"]);
    let files: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(&json).into_iter().map(Result::unwrap).collect();
    let (judged, unjudged): (Vec<_>, Vec<_>) = files.iter().partition(|file| file["property"].is_object());
    assert_eq!(judged.len(), 2);
    assert!(judged.iter().all(|file| file["took_us"].is_u64() && file["memory_bytes"].as_u64() > Some(0)), "{json}");
    assert_eq!(unjudged.len(), 1);
    assert_eq!(unjudged[0]["file"], "all/damaged");
    assert!(unjudged[0]["error"].as_str().unwrap().contains("line 5"), "{json}");
}

#[test]
fn keys_are_taken_out_of_tuples() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let edn = "{:process 0 :type :invoke :f :write :value [:x 1]}\n{:process 0 :type :ok :f :write :value [:x 1]}\n\
               {:process 1 :type :invoke :f :read :value [:y nil]}\n{:process 1 :type :ok :f :read :value [:y nil]}\n";
    fs_err::write(at.join("history.edn"), edn).unwrap();
    let (code, shown, _) = output(at, &["check", "--model", "register", "history.edn"]);
    assert_eq!(code, Some(1), "as one register it is wrong: {shown}");
    let (code, shown, told) = output(at, &["check", "history.edn"]);
    assert_eq!((code, shown.as_str()), (Some(64), ""), "which it is has to be said");
    assert!(told.contains("try: schism check --independent, or --model NAME"), "{told}");
    let (code, shown, _) = output(at, &["check", "--independent", "history.edn"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("2 keys"), "{shown}");
    let (code, ..) = output(at, &["check", "--independent", "--proof", "proof.json", "history.edn"]);
    assert_eq!(code, Some(0));
    let (code, shown, told) = output(at, &["verify", "proof.json", "history.edn"]);
    assert_eq!(code, Some(0), "the proof knows how the history was taken: {shown}{told}");

    write_and_read(at, "plain", "1");
    let (code, _, told) = output(at, &["check", "--independent", "plain"]);
    assert_eq!(code, Some(64));
    assert!(told.contains("the value of write is 1, not a pair") && told.contains("at: plain, line 1"), "{told}");
}

#[test]
fn a_stale_read_is_sequential() {
    let folder = tempfile::tempdir().unwrap();
    write_and_read(folder.path(), "stale", "null");
    let (code, shown, _) = output(folder.path(), &["check", "--consistency", "sequential", "stale"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("VALID  register is sequentially consistent (sequential search)"), "{shown}");
    let (code, _, told) = output(folder.path(), &["check", "--consistency", "declared", "stale"]);
    assert_eq!(code, Some(64));
    assert!(told.contains("declared is judged by schism run\n  at: --consistency declared\n"), "{told}");
    let (code, _, told) = output(folder.path(), &["check", "--consistency", "delcared", "stale"]);
    assert_eq!(code, Some(64));
    assert!(told.starts_with("error: there is no such level\n"), "{told}");
}

#[test]
fn several_levels_are_judged_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_and_read(at, "stale", "null");
    let (code, shown, _) = output(at, &["check", "--consistency", "regular", "stale"]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("INVALID  register is not regular (intervals)"), "{shown}");
    let (code, shown, _) = output(at, &["check", "--consistency", "k-atomic:k=2,sessions,safe", "stale"]);
    assert_eq!(code, Some(1), "the worst one stands: {shown}");
    for told in ["register is 2-atomic", "register keeps read-your-writes", "register is not safe", "property"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    let (code, shown, _) = output(at, &["check", "--json", "--consistency", "k-atomic,regular,safe", "stale"]);
    assert_eq!(code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let names: Vec<_> = json["properties"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["k-atomic", "regular", "safe"]);
    assert_eq!(json["property"]["name"], "regular", "the first of the worst");
    assert_eq!(json["properties"][0]["figures"]["versions_behind"]["max"], 1);
    let (code, shown, told) = output(at, &["check", "--consistency", "all", "stale"]);
    assert_eq!((code, shown.matches("\nstale ").count()), (Some(1), 14), "a row for each level: {shown}{told}");
}

#[test]
fn a_level_of_other_objects_is_refused_alone_and_passed_over_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_and_read(at, "register", "1");
    let (code, _, told) = output(at, &["check", "--consistency", "set-full", "register"]);
    assert_eq!(code, Some(64));
    assert!(told.contains("set-full is a property of sets, and register is none"), "{told}");
    let (code, shown, told) = output(at, &["check", "--consistency", "set-full,regular", "register"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(told.contains("skipped  set-full is a property of sets"), "{told}");
    let (code, _, told) = output(at, &["check", "--consistency", "regluar", "register"]);
    assert_eq!(code, Some(64));
    assert!(told.contains("--consistency regular"), "the nearest one is named: {told}");
}

#[test]
fn a_refused_compare_and_set_asserts_where_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let text = r#"{"process":0,"type":"invoke","f":"write","value":1}
{"process":0,"type":"ok","f":"write","value":1}
{"process":0,"type":"invoke","f":"cas","value":[1,2]}
{"process":0,"type":"fail","f":"cas","value":[1,2],"error":[22,"expected 1, found 1"]}
"#;
    fs_err::write(at.join("history"), text).unwrap();
    assert_eq!(output(at, &["check", "history"]).0, Some(0));
    let (code, shown, _) = output(at, &["check", "--failed-cas", "asserts", "history"]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("was refused to change 1"), "{shown}");
    assert_eq!(output(at, &["check", "--failed-cas", "maybe", "history"]).0, Some(64));
}

#[test]
fn a_strict_check_refuses_what_no_sound_recorder_writes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let events =
        [(0, "invoke", "write", "1"), (0, "info", "write", "1"), (0, "invoke", "read", "null"), (0, "ok", "read", "1")];
    history(at, "history", &events);
    assert_eq!(output(at, &["check", "history"]).0, Some(0));
    let (code, _, told) = output(at, &["check", "--strict", "history"]);
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("process 0 invokes after an info") && told.contains("at: history, line 3"), "{told}");
}

#[test]
fn a_proof_is_written_and_holds() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, value, code) in [("good", "1", 0), ("stale", "null", 1)] {
        write_and_read(at, name, value);
        assert_eq!(output(at, &["check", "--proof", "proof", name]).0, Some(code));
        let (code, shown, told) = output(at, &["verify", "proof", name]);
        assert_eq!(code, Some(0), "{shown}{told}");
        assert!(shown.starts_with("HOLDS"), "{shown}");
    }
    assert_eq!(output(at, &["check", "--proof", "proof", "good", "stale"]).0, Some(64));
    assert_eq!(output(at, &["check", "--proof", "proof", "--consistency", "sequential", "good"]).0, Some(64));
}

#[test]
fn what_is_exported_is_judged_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let text = r#"{"schism":"history","format":1,"model":"register","initial":null}
{"index":0,"time":1,"process":0,"type":"invoke","f":"write","key":"x","value":1,"node":"n1"}
{"index":1,"time":2,"process":0,"type":"ok","f":"write","key":"x","value":1,"node":"n1"}
{"index":2,"time":3,"process":1,"type":"invoke","f":"read","key":"x","value":null,"node":"n2"}
{"index":3,"time":4,"process":2,"type":"invoke","f":"write","key":"7","value":1}
{"index":4,"time":5,"process":1,"type":"ok","f":"read","key":"x","value":null,"node":"n2"}
"#;
    fs_err::create_dir(at.join("run")).unwrap();
    fs_err::write(at.join("run/history.jsonl"), text).unwrap();
    for format in ["jepsen-edn", "elle-json", "csv"] {
        let (code, shown, told) = output(at, &["export", "run", "--format", format]);
        assert_eq!((code, told.as_str()), (Some(0), ""));
        let (code, ..) = output(at, &["export", "run", "--format", format, "--output", "exported"]);
        assert_eq!((code, fs_err::read_to_string(at.join("exported")).unwrap()), (Some(0), shown));
        let (code, shown, _) = output(at, &["check", "exported"]);
        assert_eq!(code, Some(1), "{format}: {shown}");
        assert!(shown.contains("key x") && shown.contains("at n2"), "{format}: {shown}");
    }
    let (_, alone, _) = output(at, &["export", "run", "--format", "jepsen-edn", "--key", "x"]);
    assert_eq!(alone.lines().count(), 5);
    assert!(!alone.contains(":key"), "{alone}");
    let (_, alone, _) = output(at, &["export", "run", "--format", "csv", "--key", "7"]);
    assert_eq!(alone.lines().count(), 2, "the key is a text that looks like a number: {alone}");
    assert_eq!(output(at, &["export", "run", "--format", "csv", "--key", "y"]).0, Some(64));
    let (code, _, told) = output(at, &["export", "run", "--format", "jepsen"]);
    assert_eq!(code, Some(64));
    assert!(told.contains("try: jepsen-edn"), "{told}");
}

/// A signal ends the check that goes on, and what was found up to then stands.
#[test]
fn an_interrupted_check_says_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_and_read(at, "first", "1");
    // Nobody can have read -1; every order of the writes is tried.
    let mut events = Vec::new();
    let numbers: Vec<String> = (0..4_000).map(|number| number.to_string()).collect();
    for (client, number) in (0..10).cycle().zip(&numbers) {
        events.extend([(client, "invoke", "write", number.as_str()), (client, "ok", "write", number)]);
    }
    events.extend([(11, "invoke", "read", "null"), (11, "ok", "read", "-1")]);
    history(at, "second", &events);
    let words = ["check", "--consistency", "sequential", "--check-memory", "64GiB", "first", "second", "first"];
    let mut child = schism(at, &words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("checked  first"));
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    // The signal may also have come before the second file was begun.
    let judged = rest.iter().filter(|line| line.starts_with("checked")).count();
    assert!(judged <= 1, "{rest:?}");
    assert!(rest.last().unwrap().contains(" not begun "), "each file has its row: {rest:?}");
    let told = |line: &String| line.contains("the check was cancelled before");
    assert!(judged == 0 || rest.iter().any(told), "{rest:?}");
}

#[test]
fn values_of_any_length_are_told_in_lines_that_people_read_and_kept_whole_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (first, second) = (format!("\"{}\"", "ä".repeat(100_000)), format!("\"{}\"", "b c ".repeat(2_000)));
    let events = [
        (0, "invoke", "write", first.as_str()),
        (0, "ok", "write", &first),
        (1, "invoke", "read", "null"),
        (1, "ok", "read", &second),
    ];
    history(at, "long", &events);
    let (code, shown, told) = output(at, &["check", "long"]);
    assert_eq!((code, told.as_str()), (Some(1), ""), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() < 500), "{shown}");
    assert!(shown.contains("characters left out"), "{shown}");
    let (code, json, _) = output(at, &["check", "--json", "long"]);
    assert_eq!(code, Some(1));
    assert!(json.contains(&"b c ".repeat(2_000)), "programs get all of it");
}
