//! What the controller does to a cell, which it knows by the process id of the outermost of its processes.
//!
//! All members descend from the cell's init, since whoever loses its parent is left to that. So the tree of processes tells
//! who they are, whatever they do; it needs no permission to look at.

use std::collections::BTreeMap;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fs_err as fs;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cluster::process_state::{ProcessState, process_state};

/// How long the init of a cell may take to show itself.
const INIT_LIMIT: Duration = Duration::from_secs(2);
/// How long members that fork may run away from being stopped.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// How often one looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Sends a signal to what is in a cell: SIGKILL to its init, by which everything in it ends; SIGSTOP and SIGCONT to all
/// members, and after SIGSTOP none of them runs; any other signal to the program alone.
pub fn signal(cell: u32, signal: Signal) -> io::Result<()> {
    match signal {
        Signal::SIGKILL => send(init(cell)?.unwrap_or(cell), signal),
        Signal::SIGSTOP => stop(cell),
        Signal::SIGCONT => members(cell)?.into_iter().try_for_each(|member| send(member, signal)),
        _ => match init(cell)?.map(|init| Processes::look().map(|all| all.children(init))).transpose()? {
            Some(programs) => programs.into_iter().min().map_or(Ok(()), |program| send(program, signal)),
            None => Ok(()),
        },
    }
}

/// What the members of a cell do, taken together: stopped only if all of them are, gone only if there is none.
pub(crate) fn state(cell: u32) -> io::Result<ProcessState> {
    let mut states = members(cell)?.into_iter().map(process_state).collect::<io::Result<Vec<_>>>()?;
    states.retain(|state| *state != ProcessState::Gone);
    Ok(if states.is_empty() {
        ProcessState::Gone
    } else if states.iter().all(|state| *state == ProcessState::Stopped) {
        ProcessState::Stopped
    } else {
        ProcessState::Running
    })
}

/// The processes in a cell without its init, as the controller numbers them.
pub fn members(cell: u32) -> io::Result<Vec<u32>> {
    let Some(init) = init(cell)? else { return Ok(Vec::new()) };
    Ok(Processes::look()?.descendants(init))
}

/// Stops members until a pass finds none that runs: one that is running may fork, and its child has to be stopped too.
fn stop(cell: u32) -> io::Result<()> {
    let deadline = Instant::now() + STOP_LIMIT;
    loop {
        let mut running = 0;
        for member in members(cell)? {
            if process_state(member)? == ProcessState::Running {
                send(member, Signal::SIGSTOP)?;
                running += 1;
            }
        }
        if running == 0 {
            return Ok(());
        } else if Instant::now() >= deadline {
            return Err(io::Error::other(format!("{running} processes were still running after SIGSTOP")));
        }
        sleep(LOOK_AGAIN);
    }
}

/// The init of a cell: the one child that the cell has as soon as it has come so far. None if it ended before.
fn init(cell: u32) -> io::Result<Option<u32>> {
    let deadline = Instant::now() + INIT_LIMIT;
    loop {
        let processes = Processes::look()?;
        if let Some(init) = processes.children(cell).first() {
            return Ok(Some(*init));
        } else if process_state(cell)? == ProcessState::Gone || Instant::now() >= deadline {
            return Ok(None);
        }
        sleep(LOOK_AGAIN);
    }
}

/// Sends a signal; one that is gone needs none.
fn send(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).expect("process ids are positive 32-bit numbers");
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Who is whose child, at one look.
struct Processes(BTreeMap<u32, Vec<u32>>);

impl Processes {
    fn look() -> io::Result<Self> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that ended meanwhile is nobody's child.
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            if let Some(parent) = parent(&stat) {
                children.entry(parent).or_default().push(pid);
            }
        }
        Ok(Processes(children))
    }

    fn children(&self, of: u32) -> Vec<u32> {
        self.0.get(&of).cloned().unwrap_or_default()
    }

    fn descendants(&self, of: u32) -> Vec<u32> {
        let mut found = self.children(of);
        let mut next = 0;
        while let Some(process) = found.get(next) {
            found.extend(self.children(*process));
            next += 1;
        }
        found
    }
}

/// The fourth field of `/proc/<pid>/stat`. The second is the program's name in parentheses, which may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_processes_tells_who_descends_from_whom() {
        let processes = Processes(BTreeMap::from([(1, vec![2, 3]), (3, vec![4]), (4, vec![5]), (9, vec![6])]));
        assert_eq!(processes.descendants(1), [2, 3, 4, 5]);
        assert!(processes.descendants(5).is_empty());
        assert_eq!(parent("17 (a) S 9 (b)) T 4 17 0"), Some(4));
    }

    #[test]
    fn this_process_is_its_parents_child() {
        let parent = nix::unistd::getppid().as_raw().unsigned_abs();
        assert!(Processes::look().unwrap().children(parent).contains(&std::process::id()));
    }
}
