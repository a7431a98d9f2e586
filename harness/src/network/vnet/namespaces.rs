//! Network namespaces. A namespace belongs to a thread, so that a socket that a thread makes, and a process that it
//! starts, are in the namespace that the thread has entered.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::thread;

use fs_err as fs;
use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace. It is there as long as this, or anything in it, is.
#[derive(Debug)]
pub(super) struct NetNs(File);

impl NetNs {
    /// The one of this thread.
    pub(super) fn current() -> io::Result<Self> {
        Ok(NetNs(fs::File::open("/proc/thread-self/ns/net")?.into_file()))
    }

    /// A new one, without any link but a loopback that is down. This thread stays where it is.
    pub(super) fn create() -> io::Result<Self> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            NetNs::current()
        })
    }

    /// Moves this thread into it.
    pub(super) fn enter(&self) -> io::Result<()> {
        Ok(setns(&self.0, CloneFlags::CLONE_NEWNET)?)
    }

    /// Does something in it, on a thread of its own.
    pub(super) fn within<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_a_thread(|| {
            self.enter()?;
            work()
        })
    }

    /// Its number among the descriptors of this process, for the kernel.
    pub(super) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, work)?;
        worker.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace panicked")))
    })
}

/// Sets a value under `/proc/sys/net` of the namespace that this thread is in.
pub(super) fn set(name: &str, value: &str) -> io::Result<()> {
    fs::write(format!("/proc/sys/net/{name}"), value)
}
