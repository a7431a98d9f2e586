//! What the machine says about a process: whether it has stopped, runs, or is gone.

use std::io;

/// What a process does, as the kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessState {
    /// At least one thread may run.
    Running,
    /// Every thread is stopped.
    Stopped,
    /// It has ended.
    Gone,
}

/// The state of all threads of a process.
#[cfg(target_os = "linux")]
pub(crate) fn process_state(pid: u32) -> io::Result<ProcessState> {
    let threads = match fs_err::read_dir(format!("/proc/{pid}/task")) {
        Ok(threads) => threads,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ProcessState::Gone),
        Err(error) => return Err(error),
    };
    let mut letters = Vec::new();
    for thread in threads {
        match fs_err::read_to_string(thread?.path().join("stat")) {
            Ok(stat) => letters.extend(state_letter(&stat)),
            // A thread that ended while we looked has no state, and no vote.
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(of_letters(&letters))
}

#[cfg(target_os = "linux")]
const ESRCH: i32 = nix::errno::Errno::ESRCH as i32;

/// The third field of `/proc/<pid>/stat`. The second is the program's name in parentheses, which may hold anything.
#[cfg(target_os = "linux")]
fn state_letter(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Where there is no `/proc`, `ps` knows the state of the process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_state(pid: u32) -> io::Result<ProcessState> {
    let output = std::process::Command::new("ps").args(["-o", "state=", "-p", &pid.to_string()]).output()?;
    let letters: Vec<char> = String::from_utf8_lossy(&output.stdout).trim().chars().take(1).collect();
    Ok(of_letters(&letters))
}

fn of_letters(letters: &[char]) -> ProcessState {
    let gone = |letter: &char| matches!(letter, 'Z' | 'X' | 'x');
    if letters.iter().all(gone) {
        ProcessState::Gone
    } else if letters.iter().filter(|letter| !gone(letter)).all(|letter| *letter == 'T') {
        ProcessState::Stopped
    } else {
        ProcessState::Running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_stopped_only_when_all_its_threads_are() {
        for (letters, state) in [
            ("", ProcessState::Gone),
            ("Z", ProcessState::Gone),
            ("T", ProcessState::Stopped),
            ("TTT", ProcessState::Stopped),
            ("TST", ProcessState::Running),
            ("RT", ProcessState::Running),
            ("ZT", ProcessState::Stopped),
            ("t", ProcessState::Running),
        ] {
            assert_eq!(of_letters(&letters.chars().collect::<Vec<_>>()), state, "{letters:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_name_of_a_program_does_not_deceive() {
        assert_eq!(state_letter("17 (a) Z (b)) T 1 17"), Some('T'));
        assert_eq!(state_letter("garbage"), None);
    }

    #[test]
    fn this_process_runs_and_no_process_is_gone() {
        assert_eq!(process_state(std::process::id()).unwrap(), ProcessState::Running);
        assert_eq!(process_state(u32::MAX).unwrap(), ProcessState::Gone);
    }
}
