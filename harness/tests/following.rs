//! `schism check --follow` from outside: files that grow, end, are cut short or replaced while they are followed.

#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const HEADER: &str = "{\"schism\":\"history\",\"format\":1,\"model\":\"register\",\"initial\":null}\n";
const WRITE: &str = "{\"index\":0,\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"key\":\"x\",\"value\":1}\n\
    {\"index\":1,\"process\":0,\"type\":\"ok\",\"f\":\"write\",\"key\":\"x\",\"value\":1}\n";
/// How long anything may take that is sure to happen, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

/// A read of `value` by a process of its own, with these indexes.
fn read(first: u64, value: &str) -> String {
    let next = first + 1;
    format!(
        "{{\"index\":{first},\"process\":{first},\"type\":\"invoke\",\"f\":\"read\",\"key\":\"x\"}}\n\
         {{\"index\":{next},\"process\":{first},\"type\":\"ok\",\"f\":\"read\",\"key\":\"x\",\"value\":{value}}}\n"
    )
}

fn schism(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("schism"));
    command.arg("check").args(words).current_dir(folder).env_remove("SCHISM_RESULTS").env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null());
    command
}

fn output(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = schism(folder, words).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A follower that runs; what it says on stderr comes line by line.
struct Running {
    child: Child,
    told: mpsc::Receiver<String>,
}

fn start(folder: &Path, words: &[&str]) -> Running {
    let mut child = schism(folder, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (sender, told) = mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    Running { child, told }
}

impl Running {
    /// Waits for the end: the code, and what was said on stdout.
    fn end(mut self) -> (Option<i32>, String) {
        let mut stdout = self.child.stdout.take().unwrap();
        let (sender, shown) = mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stdout.read_to_string(&mut text);
            sender.send(text)
        });
        let shown = shown.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            self.child.kill().unwrap();
            panic!("it does not end")
        });
        (self.child.wait().unwrap().code(), shown)
    }

    /// Puts files in the place of this one until the follower has seen it.
    fn replace_until_seen(&self, path: &Path, text: &str) {
        let other = path.with_extension("other");
        for _ in 0..PATIENCE.as_millis() / 200 {
            fs_err::write(&other, text).unwrap();
            fs_err::rename(&other, path).unwrap();
            if let Ok(line) = self.told.recv_timeout(Duration::from_millis(200)) {
                assert_eq!(line, "the file was replaced or cut short: beginning again");
                return;
            }
        }
        panic!("it never saw that the file was replaced");
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs_err::File::options().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_violation_is_told_while_the_file_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    fs_err::write(&path, HEADER).unwrap();
    let running = start(folder.path(), &["--follow", "history"]);
    append(&path, WRITE);
    // An operation that is open holds nothing up that began before it, and half a line is none.
    append(&path, &read(2, "null"));
    append(&path, &read(4, "1")[..30]);
    let (code, shown) = running.end();
    assert_eq!(code, Some(1), "{shown}");
    let first =
        "checked  history: 4 events, model register (named by the history)\nINVALID  register is not linearizable";
    assert!(shown.starts_with(first), "{shown}");
    assert!(shown.contains("process 2 read null"), "{shown}");

    let (code, shown, _) = output(folder.path(), &["--follow", "--json", "history"]);
    let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, &json["events"], &json["property"]["outcome"]), (Some(1), &4.into(), &"invalid".into()));
}

#[test]
fn it_ends_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    fs_err::create_dir(&run).unwrap();
    let path = run.join("history.jsonl");
    fs_err::write(&path, HEADER).unwrap();
    let running = start(folder.path(), &["--follow", "run"]);
    append(&path, WRITE);
    append(&path, &read(2, "1"));
    fs_err::write(run.join("verdict.json"), "{}").unwrap();
    let (code, shown) = running.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("run/history.jsonl: 4 events"), "{shown}");
    assert!(shown.ends_with("VALID  register is linearizable (frontier search)\n"), "{shown}");
}

#[test]
fn it_ends_when_the_file_has_been_idle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    fs_err::write(&path, format!("{HEADER}{WRITE}{}", read(2, "1").trim_end())).unwrap();
    let words = ["--follow", "--idle", "10ms", "history"];
    let (code, shown, _) = output(folder.path(), &words);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.starts_with("checked  history: 4 events") && !shown.contains("cut "), "{shown}");
    // What ends in the middle of a line is judged by what it has.
    append(&path, &format!("\n{}", &read(4, "1")[..30]));
    let (code, shown, _) = output(folder.path(), &words);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("the file ends in the middle of line 6"), "{shown}");
    // A violation that is only there if what is open has crashed is there at the end.
    let open = "{\"index\":4,\"process\":9,\"type\":\"invoke\",\"f\":\"read\",\"key\":\"x\"}\n";
    fs_err::write(&path, format!("{HEADER}{WRITE}{}{open}{}", read(2, "1"), read(5, "null"))).unwrap();
    let (code, shown, _) = output(folder.path(), &words);
    assert_eq!(code, Some(1), "{shown}");
    // Nothing follows from nothing.
    fs_err::write(&path, HEADER).unwrap();
    assert_eq!(output(folder.path(), &words).0, Some(3));
}

#[test]
fn a_file_that_is_replaced_is_followed_anew_until_somebody_interrupts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    fs_err::write(&path, format!("{HEADER}{WRITE}")).unwrap();
    let running = start(folder.path(), &["--follow", "history"]);
    running.replace_until_seen(&path, &format!("{HEADER}{WRITE}{}", read(2, "1")));
    kill(Pid::from_raw(i32::try_from(running.child.id()).unwrap()), Signal::SIGINT).unwrap();
    let (code, shown) = running.end();
    assert_eq!(code, Some(130), "{shown}");

    // What was right of the one file does not count for the other.
    let running = start(folder.path(), &["--follow", "history"]);
    running.replace_until_seen(&path, &format!("{HEADER}{WRITE}{}", read(2, "1")));
    fs_err::write(folder.path().join("stale"), format!("{HEADER}{WRITE}{}", read(2, "null"))).unwrap();
    fs_err::rename(folder.path().join("stale"), &path).unwrap();
    assert_eq!(running.end().0, Some(1));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs_err::write(at.join("edn"), "{:process 0 :type :invoke :f :read :value nil}\n").unwrap();
    fs_err::write(at.join("headless"), WRITE).unwrap();
    fs_err::write(at.join("history"), format!("{HEADER}{WRITE}")).unwrap();
    fs_err::write(at.join("disorder"), format!("{HEADER}{WRITE}{WRITE}")).unwrap();
    let table: [(&[&str], &str); 8] = [
        (&["edn"], "only JSON lines can be read while they grow"),
        (&["headless"], "the history names no model, and none can be guessed from a history that is not over"),
        (&["disorder"], "at: disorder, line 4"),
        (&["nothing"], "there is no such file, and no such run"),
        (&["history", "edn"], "what is followed is one file"),
        (&["history", "--failed-cas", "asserts"], "with failed operations dropped"),
        (&["history", "--strict"], "cannot be used with"),
        (&["history", "--idle", "soon"], "this is not a time"),
    ];
    for (words, said) in table {
        let (code, _, told) = output(at, &[&["--follow"], words].concat());
        assert_eq!(code, Some(64), "{words:?}: {told}");
        assert!(told.contains(said), "{words:?}: {told}");
        assert_eq!(told.lines().count(), 3, "{words:?}: {told}");
    }
    let (code, ..) = output(at, &["--follow", "--idle", "10ms", "--model", "register", "headless"]);
    assert_eq!(code, Some(0));
    assert_eq!(output(at, &["--idle", "1s", "history"]).0, Some(64));
}
