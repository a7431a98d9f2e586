//! `show`, `report` and `check` on what is no run folder: bare histories, archives, Jepsen's store, standard input.

#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

const STALE: &str = r#"{"schism":"history","format":1,"system":"nwr:n=3","model":"register","initial":null,"start":"2026-08-24T02:17:00Z"}
{"index":0,"time":1000000000,"process":1,"type":"invoke","f":"write","key":"x","value":5,"node":"n1"}
{"index":1,"time":1100000000,"process":1,"type":"ok","f":"write","key":"x","value":5,"node":"n1"}
{"index":2,"time":1500000000,"process":"nemesis","type":"info","f":"partition","value":{"targets":["n3"],"cut":["n1->n3"]},"id":1,"phase":"begin"}
{"index":3,"time":2000000000,"process":3,"type":"invoke","f":"read","key":"x","value":null,"node":"n3"}
{"index":4,"time":2100000000,"process":3,"type":"ok","f":"read","key":"x","value":null,"node":"n3"}
{"index":5,"time":3000000000,"process":"nemesis","type":"info","f":"partition","value":{"fate":"proved"},"id":1,"phase":"end"}
"#;

const EDN: &str = "{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 1}
";

fn schism(words: &[&str], stdin: &str) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("schism"));
    let output = command.args(words).env("SCHISM_RESULTS", "/nonexistent").write_stdin(stdin).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs_err::write(&path, content).unwrap();
    path
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_bare_history_is_judged_and_what_it_cannot_tell_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let history = file(&folder, "history.jsonl", STALE.as_bytes());
    for (word, stdin) in [(name(&history), ""), ("-", STALE)] {
        let (code, shown, _) = schism(&["show", word], stdin);
        assert_eq!(code, 0, "{shown}");
        for told in [
            "INVALID",
            "process 1 wrote 5 at n1",
            "process 3 read null at n3",
            "while    partition from 1.500 s",
            "absent",
        ] {
            assert!(shown.contains(told), "{told}: {shown}");
        }
    }
    let (_, shown, _) = schism(&["show", name(&history), "--clock", "utc"], "");
    assert!(shown.contains("02:17:01.000Z..02:17:01.100Z"), "{shown}");
}

#[test]
fn slices_and_moments_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let history = file(&folder, "history.jsonl", STALE.as_bytes());
    let (_, shown, _) = schism(&["show", name(&history), "--ops", "process=3 t=2s..3s"], "");
    assert!(shown.contains("read → null") && shown.ends_with("1 of 2 operations\n"), "{shown}");
    let (_, shown, _) = schism(&["show", name(&history), "--ops", "key=x", "--json"], "");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap()[0]["input"], 5);
    let (_, shown, _) = schism(&["show", name(&history), "--around", "4"], "");
    assert!(shown.contains("process 3 read → null at n3") && shown.contains("fault    partition"), "{shown}");
    let (code, _, told) = schism(&["show", name(&history), "--ops", "colour=red", "--clock", "moon"], "");
    assert_eq!((code, told.matches("error: ").count()), (64, 2), "{told}");
    let (code, _, told) = schism(&["show", name(&history), "--around", "99"], "");
    assert!(code == 64 && told.contains("no operation has an event 99"), "{told}");
}

#[test]
fn archives_and_stores_are_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let mut zipped = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zipped.start_file("results/run/history.jsonl", zip::write::SimpleFileOptions::default()).unwrap();
    zipped.write_all(STALE.as_bytes()).unwrap();
    let zipped = file(&folder, "artifact.zip", &zipped.finish().unwrap().into_inner());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(EDN.as_bytes()).unwrap();
    let packed = file(&folder, "history.edn.gz", &packed.finish().unwrap());
    let store = folder.path().join("store/etcd/20260101T000000");
    fs_err::create_dir_all(&store).unwrap();
    fs_err::write(store.join("history.edn"), EDN).unwrap();
    let store = folder.path().join("store");
    for (path, word, code) in [(&zipped, "INVALID", 1), (&packed, "VALID", 0), (&store, "VALID", 0)] {
        let (_, shown, told) = schism(&["show", name(path)], "");
        assert!(shown.contains(&format!("\n{word}  ")), "{shown}{told}");
        let checked = schism(&["check", name(path)], "");
        assert!(checked.0 == code && checked.1.contains(word), "{checked:?}");
        let page = folder.path().join("page.html");
        let (code, _, told) = schism(&["report", name(path), "--output", name(&page)], "");
        assert_eq!(code, 0, "{told}");
        assert!(fs_err::read_to_string(&page).unwrap().contains(&format!(">{word}<")));
    }
    assert_eq!(schism(&["check", "-"], EDN).0, 0);
}

#[test]
fn what_is_no_run_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = file(&folder, "a.zip", b"PK\x03\x04 and nothing else");
    let text = file(&folder, "a.txt", b"this is no history\n");
    for path in [&damaged, &text, &folder.path().join("none")] {
        for command in ["show", "report"] {
            let (code, shown, told) = schism(&[command, name(path)], "");
            assert!(
                code == 64 && shown.is_empty() && told.contains(name(path)),
                "{command} {}: {told}",
                path.display()
            );
        }
    }
}
