//! What the tests of the whole program share: a few seats, a results folder of their own, and a look at what is left running.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that is sure to happen, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// The distance between two looks at what sends no events: the files and processes of others.
const LOOK: Duration = Duration::from_millis(10);

/// So many clusters may run at the same time: they wait most of the time, and two cores are enough for two of them.
const SEATS: usize = 2;

/// The right to start clusters, and a folder in which that is done. When it ends, nothing may be left running.
pub(crate) struct Bench {
    folder: TempDir,
    _seat: Seat,
}

/// One of the [`SEATS`], until it is dropped.
struct Seat;

static TAKEN: Mutex<usize> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

impl Seat {
    fn take() -> Seat {
        // Another test's failure is no reason not to make this one.
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken == SEATS {
            taken = LEFT.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Seat
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        LEFT.notify_one();
    }
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    stdout: mpsc::Receiver<String>,
    stderr: mpsc::Receiver<String>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Bench { _seat: Seat::take(), folder: tempfile::tempdir().unwrap() }
    }

    /// Where commands run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where runs are kept.
    pub(crate) fn results(&self) -> PathBuf {
        self.folder().join("results")
    }

    /// `schism` with these words, in this folder.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.in_folder(Command::new(assert_cmd::cargo::cargo_bin!("schism")), words)
    }

    /// Any program with these words, which may start `schism` in its turn.
    pub(crate) fn in_folder(&self, mut program: Command, words: &[&str]) -> Command {
        program.args(words).current_dir(self.folder()).stdin(Stdio::null());
        program.env("SCHISM_RESULTS", self.results()).env_remove("RUST_BACKTRACE").env_remove("SCHISM_LOG");
        program
    }

    /// Carries out `schism` with these words.
    pub(crate) fn schism(&self, words: &[&str]) -> Ended {
        self.end(self.command(words))
    }

    /// Carries out a command. Nothing is left running after it.
    pub(crate) fn end(&self, mut command: Command) -> Ended {
        let ended = start(&mut command).end();
        self.nothing_is_left();
        ended
    }

    /// Starts `schism` with these words.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        start(&mut self.command(words))
    }

    /// The folders of all runs, the oldest first; those of comparisons are none.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let mut runs: Vec<PathBuf> = folders(&self.results()).iter().flat_map(|label| folders(label)).collect();
        runs.retain(|folder| !folder.join("comparison.json").exists());
        runs.sort_by_key(|run| run.file_name().map(ToOwned::to_owned));
        runs
    }

    /// The folder of the only run.
    pub(crate) fn run(&self) -> PathBuf {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// Waits until the only run has recorded so many events.
    pub(crate) fn recorded(&self, events: usize) -> PathBuf {
        let history = until("a run begins", || Some(self.runs().first()?.join("history.jsonl")));
        recorded_in(&history, events);
        history
    }

    /// The processes that run in a node's folder, in whatever group and of whatever parent.
    pub(crate) fn nodes(&self) -> Vec<i32> {
        let results = fs_err::canonicalize(self.results()).unwrap_or_else(|_| self.results());
        processes().into_iter().filter(|pid| runs_below(*pid, &results)).collect()
    }

    /// Sees that no process of a run is left. The kernel may still be busy with those that were just killed.
    pub(crate) fn nothing_is_left(&self) {
        self.gone_within(Duration::from_secs(5));
    }

    /// Sees that no process of a run is there any more before so much time is over.
    pub(crate) fn gone_within(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.nodes().is_empty() {
            assert!(Instant::now() < deadline, "left after {limit:?}: {:?}", self.nodes());
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Bench {
    /// A test that fails leaves nothing running either.
    fn drop(&mut self) {
        for pid in self.nodes() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

impl Ended {
    /// The exit code; the test ends if a signal ended the command.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// Sees that this was the code.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
    }

    /// Sees that there was exactly one error, with its three lines, and nothing on stdout; the error.
    #[track_caller]
    pub(crate) fn one_error(&self) -> &str {
        let at = self.stderr.find("error: ").unwrap_or_else(|| panic!("no error: {self:?}"));
        let error = &self.stderr[at..];
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 3, "{error}");
        assert!(lines[1].starts_with("  at: ") && lines[2].starts_with("  try: "), "{error}");
        assert!(self.stdout.is_empty(), "{}", self.stdout);
        error
    }
}

impl Running {
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Waits for a line on stderr that contains this. Lines before it are gone.
    pub(crate) fn told(&self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.stderr.recv_timeout(left).unwrap_or_else(|_| panic!("{part:?} was never told"));
            if line.contains(part) {
                return;
            }
        }
    }

    /// The most memory that it ever had, in bytes: it is watched until it ends.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = PathBuf::from(format!("/proc/{}/status", self.pid()));
        let (mut most, deadline) = (0, Instant::now() + PATIENCE);
        while let Some(peak) = resident_peak(&status) {
            assert!(Instant::now() < deadline, "it runs for longer than {PATIENCE:?}");
            most = peak;
            std::thread::sleep(LOOK);
        }
        most
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let stdout = rest(&self.stdout, deadline);
        let stderr = rest(&self.stderr, deadline);
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            self.child.kill().unwrap();
            panic!("the command did not end within {PATIENCE:?}");
        };
        let status = self.child.wait().unwrap();
        Ended { status, stdout, stderr }
    }
}

/// The most memory that a process ever had, in bytes, while it lives.
fn resident_peak(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    Some(kibibytes.parse::<u64>().ok()? << 10)
}

/// Starts a command and reads what it says. Its streams are its own where they have been set before.
fn start(command: &mut Command) -> Running {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    let stderr = lines(child.stderr.take().unwrap());
    Running { child, stdout, stderr }
}

/// The lines of a stream, as they come.
fn lines(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        use std::io::BufRead as _;
        let mut stream = std::io::BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).unwrap() > 0 {
            // Where nobody listens any more, the rest is read all the same: the command must not be blocked.
            let _ = sender.send(std::mem::take(&mut line));
        }
    });
    receiver
}

/// All that is still to come, or nothing if it does not end in time.
fn rest(lines: &mpsc::Receiver<String>, deadline: Instant) -> Option<String> {
    let mut text = String::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => text.push_str(&line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Some(text),
            Err(mpsc::RecvTimeoutError::Timeout) => return None,
        }
    }
}

/// Waits until a history has so many events.
pub(crate) fn recorded_in(history: &Path, events: usize) {
    until("events are recorded", || {
        let text = fs_err::read_to_string(history).ok()?;
        (text.lines().count() > events).then_some(())
    });
}

/// Looks until there is something to see.
pub(crate) fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(LOOK);
    }
}

/// A file of a run as JSON.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of JSON lines.
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs_err::read_to_string(path).unwrap();
    let parsed =
        |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()));
    text.lines().map(parsed).collect()
}

/// The folders in a folder; `latest`, a link, is none of them.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(parent) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

/// All processes of this machine that have not ended.
fn processes() -> Vec<i32> {
    let entries = fs_err::read_dir("/proc").unwrap();
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether the working folder of a process lies below this one. A process that has ended has none, nor has a zombie.
fn runs_below(pid: i32, folder: &Path) -> bool {
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
}
