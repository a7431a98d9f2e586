//! `--check-live`: checks the history while the run goes on, and tells a violation at once.
//!
//! It reads the run's own `history.jsonl` as anybody could. So the recorder never waits for it and loses nothing to it, and what
//! it has not come to yet lies on the disk and not in memory. It is one thread, and on Linux one of the lowest priority: the
//! nodes, the clients and the network go first for the processor. The verdict of the run is that of the check at the end, as always.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use schism_checker::linearizability::Options;
use schism_checker::models::ModelSpec;
use schism_checker::streaming::{Follower, Found, Violation};

use super::error::HarnessError;
use crate::budget::{Canceller, CheckBudget};
use crate::folder::{RunFolder, file};
use crate::options::RunOptions;
use crate::report::terminal::{self, Style};
use crate::report::words;
use crate::tail::{self, LOOK_EVERY, Look, Tail};

/// How long the explanation of a violation may take while the run goes on.
const EXPLAIN_LIMIT: Duration = Duration::from_secs(10);

/// See the module's head.
pub(super) struct LiveCheck {
    stop: Arc<AtomicBool>,
    canceller: Canceller,
    thread: JoinHandle<Option<Violation>>,
}

/// What the thread has.
struct Watch {
    path: PathBuf,
    model: ModelSpec,
    memory: u64,
    stop: Arc<AtomicBool>,
    budget: CheckBudget,
    news: fn(&str),
}

impl LiveCheck {
    /// Starts checking the history in this folder, if that was asked for.
    pub(super) fn start(
        options: &RunOptions,
        model: &ModelSpec,
        folder: &RunFolder,
        news: fn(&str),
    ) -> Result<Option<LiveCheck>, HarnessError> {
        if !options.check_live {
            return Ok(None);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let budget = CheckBudget::new(Duration::MAX, options.check_memory);
        let canceller = budget.canceller();
        let (path, model, memory) = (folder.file(file::HISTORY), model.clone(), options.check_memory);
        let watch = Watch { path, model, memory, stop: stop.clone(), budget, news };
        let thread = std::thread::Builder::new().name("live check".to_owned()).spawn(move || watch.run());
        let thread = thread.map_err(|error| HarnessError::failed(format!("no thread for the live check: {error}")))?;
        Ok(Some(LiveCheck { stop, canceller, thread }))
    }

    /// Ends it: what it has not read yet, the check at the end reads. The first violation that it saw.
    pub(super) fn finish(self) -> Option<Violation> {
        self.stop.store(true, Ordering::Relaxed);
        self.canceller.cancel();
        self.thread.thread().unpark();
        // A panic in it has told itself.
        self.thread.join().ok().flatten()
    }
}

impl Watch {
    fn run(self) -> Option<Violation> {
        give_way();
        // What it cannot read, the check at the end tells.
        self.watch().unwrap_or_else(|why| {
            (self.news)(&format!("the live check ends: {}", words::printable(&why)));
            None
        })
    }

    /// Reads until there is a violation or the run is over.
    fn watch(&self) -> Result<Option<Violation>, String> {
        let mut tail = Tail::open(&self.path).map_err(|error| error.to_string())?;
        let mut follower = Follower::new(&self.model, &Options::default());
        while !self.stopped() {
            match tail.look().map_err(|error| error.to_string())? {
                Look::Replaced => return Err("the history was replaced".to_owned()),
                Look::Same => std::thread::park_timeout(LOOK_EVERY),
                Look::Grown(events) => {
                    for event in events {
                        let found = follower.event(&event, &self.budget).map_err(|error| error.to_string())?;
                        if let Some(violation) = self.tell(found) {
                            return Ok(Some(violation));
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    /// Tells what was found; a violation, if there is one.
    fn tell(&self, found: Vec<Found>) -> Option<Violation> {
        for found in found {
            match found {
                Found::Violation(violation) => {
                    self.explain(&violation);
                    return Some(violation);
                }
                Found::GivenUp(_) if self.stopped() => {}
                Found::GivenUp(given_up) => (self.news)(&words::given_up(&given_up)),
            }
        }
        None
    }

    /// Tells a violation as a check of the history up to it explains it, or else as it was seen.
    fn explain(&self, violation: &Violation) {
        let options = Options::default();
        let explained = || {
            let history = tail::up_to(Path::new(&self.path), violation.seen, || self.stopped()).ok()??;
            let budget = CheckBudget::new(EXPLAIN_LIMIT, self.memory);
            tail::explained(violation, &history, &self.model, &options, &budget).ok()
        };
        let property = explained().unwrap_or_else(|| violation.property(self.model.name(), &options));
        (self.news)(&terminal::seen_live(&property, violation.seen_at, Style::default()));
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Lets everybody else have the processor first. Where the system does not let a single thread do so, it stays as it is.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // Without a process, Linux takes the calling thread alone. That it may not be nicer does not matter.
        let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
    }
}

/// As nice as can be.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;
