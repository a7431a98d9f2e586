//! Ctrl-C and SIGTERM: the first one asks for an orderly end, the second one ends at once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::budget::Canceller;
use crate::cli::output;
use crate::cli::problem::{Failure, Problem};
use crate::exit::ExitCode;

/// What is told at the first signal by a command that runs clusters, and by one that computes.
pub(crate) const RUNNING: &str = "stopping: no new operations; once more ends at once";
const COMPUTING: &str = "stopping: what goes on is told as far as it came; once more ends at once";

/// Watches for both from now on, and says at the first one what follows; must be called inside of a runtime. The receiver has the first
/// signal once there was one.
pub(crate) fn install(says: &'static str) -> io::Result<watch::Receiver<Option<Signal>>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        loop {
            let caught = tokio::select! {
                Some(()) = interrupt.recv() => Signal::SIGINT,
                Some(()) = terminate.recv() => Signal::SIGTERM,
                else => return,
            };
            if sender.borrow().is_some() {
                // What this process started ends with it, by itself: see the cluster.
                std::process::exit(i32::from(ExitCode::of_signal(caught as i32).number()));
            }
            output::tell(says);
            sender.send_replace(Some(caught));
        }
    });
    Ok(receiver)
}

/// Stops checks at the first signal.
pub(crate) struct Stopper {
    caught: watch::Receiver<Option<Signal>>,
    /// The check that goes on.
    current: Arc<Mutex<Option<Canceller>>>,
    /// It watches for as long as it lives.
    runtime: tokio::runtime::Runtime,
}

impl Stopper {
    /// Watches from now on, on a thread of its own.
    pub(crate) fn install() -> Result<Stopper, Failure> {
        let unable = |error: io::Error| {
            let what = format!("signals cannot be watched: {error}");
            Failure::harness(Problem::new(what, "this process", "the same command again"))
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build().map_err(unable)?;
        let caught = runtime.block_on(async { install(COMPUTING) }).map_err(unable)?;
        let current = Arc::new(Mutex::new(None::<Canceller>));
        let (mut signal, canceller) = (caught.clone(), Arc::clone(&current));
        runtime.spawn(async move {
            if signal.wait_for(Option::is_some).await.is_ok()
                && let Some(canceller) = &*canceller.lock().expect("nobody panics while holding a canceller")
            {
                canceller.cancel();
            }
        });
        Ok(Stopper { caught, current, runtime })
    }

    /// A check begins; it is stopped at once if there was a signal before.
    pub(crate) fn watch(&self, canceller: Canceller) {
        let mut current = self.current.lock().expect("nobody panics while holding a canceller");
        if self.stopped().is_some() {
            canceller.cancel();
        }
        *current = Some(canceller);
    }

    /// A flag that is raised by the first signal.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        let flag = Arc::new(AtomicBool::new(false));
        let (mut caught, raised) = (self.caught.clone(), Arc::clone(&flag));
        self.runtime.spawn(async move {
            if caught.wait_for(Option::is_some).await.is_ok() {
                raised.store(true, Ordering::Relaxed);
            }
        });
        flag
    }

    /// The code of the signal, once there was one.
    pub(crate) fn stopped(&self) -> Option<ExitCode> {
        self.caught.borrow().map(|signal| ExitCode::of_signal(signal as i32))
    }
}
