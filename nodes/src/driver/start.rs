//! How a node begins: from its boot line to a loop that turns, and what happens when it cannot.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::clock::{Clock, machine_now, machine_wall};
use super::connection::own_hello;
use super::control::Control;
use super::log;
use super::node_loop::{End, NodeLoop};
use super::notes::Notes;
use super::sockets::{Listening, Sockets};
use super::timers::Timers;
use super::traps::Traps;
use super::wal::{Recovered, Wal, WalError};
use crate::control::{Boot, Up, exit};
use crate::cx::{Cx, Seed, Surroundings};
use crate::id::NodeId;
use crate::protocol::Protocol;

/// How much is read from a socket at a time, in bytes.
const READ_BYTES: usize = 64 << 10;

/// Runs one node of protocol `P` from its boot line to its end. What it returns is the code with which the process shall
/// exit, one of [`crate::control::exit`]; a broken invariant of the protocol panics.
///
/// `notes` is the writing end of the note pipe. A crash point returns like any end: the caller exits at once.
pub fn run<P: Protocol>(config: P::Config, boot: Boot, control: Control, notes: OwnedFd) -> i32 {
    let (mut node_loop, ready) = match start::<P>(config, boot, control, notes) {
        Ok(started) => started,
        Err(code) => return code,
    };
    let Err(end) = node_loop.begin(&ready).and_then(|()| node_loop.turn_until_end());
    match end {
        End::Done => exit::DONE,
        End::CrashPoint => exit::CRASH_POINT,
        End::Disk(error) => disk_failed(&mut node_loop.sockets.control, &error.to_string()),
        End::Machine(error) => panic!("the poll loop of {} cannot go on: {error}", node_loop.boot.node),
    }
}

fn disk_failed(control: &mut Control, error: &str) -> i32 {
    log::tell(format_args!("stable storage failed: {error}"));
    control.last_word(&Up::DiskFailed { error: error.to_owned() });
    exit::DISK_FAILED
}

/// Takes the node up to its first step, whose effects wait to be committed. The error is an exit code; the controller
/// has been told why.
fn start<P: Protocol>(
    config: P::Config,
    boot: Boot,
    mut control: Control,
    notes: OwnedFd,
) -> Result<(NodeLoop<P>, Up), i32> {
    let (seed, clock) = match check(&boot) {
        Ok(checked) => checked,
        Err(why) => return Err(control.refuse(why)),
    };
    let notes = match Notes::new(notes, boot.node, boot.incarnation) {
        Ok(notes) => notes,
        Err(error) => return Err(control.refuse(format!("the note pipe cannot be used: {error}"))),
    };
    let (wal, Recovered { records, torn }) = match Wal::open::<P::Record>(&boot.data, boot.storage.sync) {
        Ok(opened) => opened,
        Err(WalError::Io(error)) => return Err(disk_failed(&mut control, &error.to_string())),
        Err(error) => return Err(control.refuse(error.to_string())),
    };
    let listening = match Listening::open(boot.listen, &mut control) {
        Ok(listening) => listening,
        Err(error) => return Err(control.refuse(format!("{} cannot listen on {}: {error}", boot.node, boot.listen))),
    };
    let sockets = Sockets::new(&boot, control, listening);
    let ready = Up::Ready { records: records.len(), torn };

    let universe = NodeId::universe(boot.nodes);
    let (mut rng, mut sequence, mut effects) = (ChaCha8Rng::from_seed(seed), 0, Vec::new());
    let machine = machine_now();
    let mut cx = Cx::new(Surroundings {
        me: boot.node,
        incarnation: boot.incarnation,
        nodes: &universe,
        now: clock.now(machine),
        wall: clock.wall(machine),
        rng: &mut rng,
        sequence: &mut sequence,
        effects: &mut effects,
    });
    let node = P::start(config, records, &mut cx);
    node.check();

    let mut traps = Traps::default();
    boot.traps.iter().for_each(|trap| traps.arm(trap.clone()));
    let node_loop = NodeLoop {
        hello: own_hello(&boot.run, boot.node, boot.incarnation),
        boot,
        universe,
        served: P::info().requests,
        node,
        rng,
        sequence,
        clock,
        timers: Timers::new(),
        wal,
        flush_at: None,
        notes,
        traps,
        sockets,
        deferred: VecDeque::new(),
        queue: VecDeque::new(),
        effects,
        causes: Vec::new(),
        pending: BTreeMap::new(),
        clients: BTreeMap::new(),
        buffer: vec![0; READ_BYTES],
    };
    Ok((node_loop, ready))
}

/// What can be wrong with a boot line that is well formed.
fn check(boot: &Boot) -> Result<(Seed, Clock), String> {
    let universe = NodeId::universe(boot.nodes);
    if !universe.contains(&boot.node) && !boot.node.is_coordinator() {
        return Err(format!("{} is none of {} nodes", boot.node, boot.nodes));
    }
    let others = universe.iter().filter(|&&node| node != boot.node);
    // Coordinators beside clients do not speak with each other.
    let counts = |peer: &&NodeId| !peer.is_coordinator() || boot.node.is_coordinator();
    if !boot.peers.keys().filter(counts).eq(others) {
        return Err(format!("{} needs an address for each other node, and for no stranger", boot.node));
    }
    let seed = read_seed(&boot.seed).ok_or_else(|| "the seed is not 64 hexadecimal digits".to_owned())?;
    let clock = Clock::start(boot.clock, machine_now(), machine_wall()).map_err(|error| error.to_string())?;
    Ok((seed, clock))
}

fn read_seed(digits: &str) -> Option<Seed> {
    let mut seed = Seed::default();
    if digits.len() != 2 * seed.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in seed.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_64_hexadecimal_digits() {
        let seed = read_seed(&"0aF1".repeat(16)).unwrap();
        assert_eq!(seed[..4], [0x0a, 0xf1, 0x0a, 0xf1]);
        for wrong in ["", "0a", &"0g".repeat(32), &"+1".repeat(32), &"é".repeat(32)] {
            assert_eq!(read_seed(wrong), None, "{wrong}");
        }
    }
}
