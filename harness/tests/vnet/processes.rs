//! Processes in the cells of nodes.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Instant;

use nix::sys::signal::Signal;
use schism::cluster::cell::outside::{members, signal};
use schism::network::Network as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::runtime::Handle;

use crate::support::{LIMIT, N1, in_network};

#[test]
fn a_child_ends_as_its_program_does() {
    in_network(|network| {
        let site = network.site(N1).unwrap();
        for (script, code, by_signal) in
            [("exit 0", Some(0), None), ("exit 7", Some(7), None), ("kill -TERM $$", None, Some(15))]
        {
            let mut command = site.command(OsStr::new("/bin/sh"));
            command.args(["-c", script]);
            let status = Handle::current().block_on(async {
                let mut child = site.spawn(command).await.unwrap();
                child.wait().await.unwrap()
            });
            assert_eq!((status.code(), status.signal()), (code, by_signal), "{script}");
        }
    });
}

#[test]
fn a_kill_takes_along_what_has_forked_away() {
    in_network(|network| {
        let site = network.site(N1).unwrap();
        let mut command = site.command(OsStr::new("/bin/sh"));
        // A grandchild in a session of its own, whose parent is gone, holds the end of the pipe.
        command.args(["-c", "setsid sh -c '(sleep 1000 & echo away)'; echo here; exec sleep 1000"]);
        command.stdout(Stdio::piped());
        Handle::current().block_on(async {
            let mut child = site.spawn(command).await.unwrap();
            let cell = child.id().unwrap();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            let mut lines = String::new();
            while !lines.contains("here") {
                assert!(output.read_line(&mut lines).await.unwrap() > 0, "{lines}");
            }
            assert_eq!(members(cell).unwrap().len(), 2, "the program and what has forked away");
            signal(cell, Signal::SIGSTOP).unwrap();
            signal(cell, Signal::SIGKILL).unwrap();
            assert_eq!(child.wait().await.unwrap().signal(), Some(9));
            let rest = tokio::time::timeout(LIMIT, output.read_to_string(&mut lines));
            rest.await.expect("somebody still holds the pipe").unwrap();
        });
    });
}

#[test]
fn nothing_that_forks_runs_away_from_being_stopped() {
    in_network(|network| {
        let site = network.site(N1).unwrap();
        let mut command = site.command(OsStr::new("/bin/sh"));
        command.args(["-c", "while :; do sh -c ': & :' & wait; done"]).stdin(Stdio::null());
        Handle::current().block_on(async {
            let mut child = site.spawn(command).await.unwrap();
            let cell = child.id().unwrap();
            let deadline = Instant::now() + LIMIT;
            while members(cell).unwrap().is_empty() {
                assert!(Instant::now() < deadline);
            }
            signal(cell, Signal::SIGSTOP).unwrap();
            let stopped = members(cell).unwrap();
            assert!(!stopped.is_empty());
            assert_eq!(members(cell).unwrap(), stopped, "one that stands still forks nobody");
            signal(cell, Signal::SIGKILL).unwrap();
            child.wait().await.unwrap();
        });
    });
}
