//! The step into a network namespace of the controller's own, in which it may make links: as root, or in a user namespace,
//! which needs no rights at all where the machine allows it.

use std::fmt;
use std::io;

use fs_err as fs;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};

use super::netlink::Netlink;
use crate::network::Enclosure;

/// Why the step cannot be taken.
#[derive(Debug)]
pub struct Refusal {
    /// What was tried.
    pub step: &'static str,
    /// What the machine said.
    pub error: io::Error,
}

impl Enclosure {
    /// Takes the step in a user namespace, also as root. The process must have one thread only.
    pub fn of_user() -> Result<Self, Refusal> {
        enter_user_namespace()?;
        enter_network_namespace()
    }

    /// Takes the step. Without root the process must have one thread only, since a user namespace is the whole process's.
    pub fn enter() -> Result<Self, Refusal> {
        enter_network_namespace().or_else(|_| Enclosure::of_user())
    }
}

fn enter_network_namespace() -> Result<Enclosure, Refusal> {
    let refused = |step| move |error: io::Error| Refusal { step, error };
    unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from).map_err(refused("a network namespace"))?;
    let loopback = Netlink::open().and_then(|mut netlink| netlink.up("lo"));
    loopback.map_err(refused("a loopback link in a network namespace"))?;
    Ok(Enclosure(()))
}

/// A user namespace in which this user is root.
fn enter_user_namespace() -> Result<(), Refusal> {
    let (user, group) = (getuid(), getgid());
    let refused = |step| move |error: io::Error| Refusal { step, error };
    unshare(CloneFlags::CLONE_NEWUSER).map_err(io::Error::from).map_err(refused("a user namespace"))?;
    // Without this the group cannot be mapped by one who is not root.
    fs::write("/proc/self/setgroups", "deny").map_err(refused("a user namespace's groups"))?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1")).map_err(refused("a user namespace's users"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1")).map_err(refused("a user namespace's groups"))?;
    Ok(())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was refused: {}", self.step, self.error)
    }
}

impl std::error::Error for Refusal {}
