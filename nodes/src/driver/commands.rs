//! What the controller asks of a running node.

use super::clock::{machine_now, machine_wall};
use super::control::Command;
use super::envelope::Outgoing;
use super::node_loop::{End, NodeLoop};
use crate::control::{ClockFault, Down, Up};
use crate::id::Time;
use crate::protocol::Protocol;
use crate::wire::Probe;

impl<P: Protocol> NodeLoop<P> {
    /// Obeys all that was asked, first what came while the node stood still.
    pub(super) fn serve_control(&mut self) -> Result<(), End> {
        while let Some(down) = self.deferred.pop_front() {
            self.obey(down)?;
        }
        while self.sockets.control_ready {
            match self.next_command()? {
                Command::Down(down) => self.obey(down)?,
                Command::Unreadable(why) => self.sockets.control.push(&Up::Refused { id: 0, why }),
                Command::Nothing => self.sockets.control_ready = false,
                Command::Ended => return Err(End::Done),
            }
        }
        Ok(())
    }

    fn obey(&mut self, down: Down) -> Result<(), End> {
        let answer = match down {
            Down::Boot(_) => Up::Refused { id: 0, why: format!("{} runs already", self.boot.node) },
            Down::Clock { id, fault } => self.bend_clock(id, fault),
            Down::Dump { id, last } => {
                if last {
                    self.tell_held()?;
                }
                Up::Dumped { id, dump: self.node.dump() }
            }
            Down::Fire { id, timer } => self.fire(id, &timer),
            Down::Arm(trap) => {
                self.traps.arm(trap);
                return Ok(());
            }
            Down::Disarm { id } => {
                self.traps.disarm(id);
                return Ok(());
            }
            Down::Probe { number } => {
                self.probe(number);
                return Ok(());
            }
            // It goes already: the trap was disarmed before this came.
            Down::Go => return Ok(()),
        };
        self.sockets.control.push(&answer);
        Ok(())
    }

    /// Tells of what the replica holds, past the traps: the run is over.
    fn tell_held(&mut self) -> Result<(), End> {
        self.node.held().iter().try_for_each(|note| self.write_note(note))
    }

    fn bend_clock(&mut self, id: u64, fault: ClockFault) -> Up {
        let machine_now = machine_now();
        match self.clock.changed(fault, machine_now) {
            Ok(clock) => {
                self.clock = clock;
                let (Time(now), Time(wall)) = (clock.now(machine_now), clock.wall(machine_now));
                Up::ClockRead { id, now, wall, machine_now, machine_wall: machine_wall() }
            }
            Err(error) => Up::Refused { id, why: error.to_string() },
        }
    }

    /// The timer is due since ever, so it is the next event of all; the running one of that name is replaced by it.
    fn fire(&mut self, id: u64, name: &str) -> Up {
        match name.parse() {
            Ok(timer) => {
                self.timers.set(timer, Time(0));
                Up::Fired { id }
            }
            Err(_) => Up::Refused { id, why: format!("{} has no timer {name:?}", self.boot.protocol) },
        }
    }

    /// Sends a probe on each link that is up: one that waited for its link would prove nothing about now.
    fn probe(&mut self, number: u64) {
        let (src, from) = (&self.hello.from, self.boot.node);
        for link in self.sockets.links.values_mut().filter(|link| link.is_open()) {
            link.send(|dest, bytes| {
                serde_json::to_writer(bytes, &Outgoing { src, dest, cause: None, body: Probe { number, from } })
            });
        }
    }
}
