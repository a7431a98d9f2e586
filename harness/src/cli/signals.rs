//! Ctrl-C and SIGTERM: the first one asks for an orderly end, the second one ends at once.

use std::io;

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::output;
use crate::exit::ExitCode;

/// Watches for both from now on; must be called inside of a runtime. The receiver has the first signal once there was
/// one.
pub(crate) fn install() -> io::Result<watch::Receiver<Option<Signal>>> {
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
            output::tell("stopping: no new operations; once more ends at once");
            sender.send_replace(Some(caught));
        }
    });
    Ok(receiver)
}
