//! Steps, and the one rule about them: whatever a step persists is durable before anything of that step leaves, and then
//! its effects leave in the order in which they were made.

use std::io;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use super::clock::machine_now;
use super::control::Command;
use super::envelope::{Outgoing, Reply};
use super::node_loop::{End, NodeLoop, Queued, controller_gone};
use crate::control::{Down, TrapAction, Up};
use crate::cx::{Cx, Effect, Surroundings};
use crate::id::{NodeId, RequestId};
use crate::note::Note;
use crate::protocol::{Event, Protocol, step};
use crate::request::Outcome;

/// How long a trap waits for sockets to take what was sent before it.
const TRAP_PATIENCE: Duration = Duration::from_secs(1);

impl<P: Protocol> NodeLoop<P> {
    /// Commits the protocol's start, says that the node is ready, and lets go what the start has sent.
    pub(super) fn begin(&mut self, ready: &Up) -> Result<(), End> {
        // A trap in the first step waits for links that are being dialled.
        self.sockets.on_time(machine_now());
        self.causes.push((self.effects.len(), None));
        self.run_timers(0);
        self.commit()?;
        self.sockets.control.push(ready);
        self.release()?;
        self.flush()
    }

    /// Steps what waits, timers that are due first, and commits and releases it together. With a trap armed it is one
    /// event at a time, so that the node can stop exactly at the note that springs it.
    pub(super) fn step_batch(&mut self) -> Result<(), End> {
        let limit = if self.traps.any_armed() { 1 } else { self.boot.storage.batch.max(1) };
        let now = self.clock.now(machine_now());
        for _ in 0..limit {
            let due = self.timers.pop_due(now).map(|timer| Queued { event: Event::Timer(timer), cause: None });
            let Some(queued) = due.or_else(|| self.queue.pop_front()) else { break };
            self.step(queued);
        }
        if !self.causes.is_empty() {
            self.commit()?;
            self.release()?;
        }
        Ok(())
    }

    fn step(&mut self, queued: Queued<P>) {
        let machine = machine_now();
        let before = self.effects.len();
        let mut cx = Cx::new(Surroundings {
            me: self.boot.node,
            incarnation: self.boot.incarnation,
            nodes: &self.universe,
            now: self.clock.now(machine),
            wall: self.clock.wall(machine),
            rng: &mut self.rng,
            sequence: &mut self.sequence,
            effects: &mut self.effects,
        });
        step(&mut self.node, queued.event, &mut cx);
        self.causes.push((self.effects.len(), queued.cause));
        self.run_timers(before);
    }

    /// Starts and stops timers at once: they do not leave the node, and the next step of the same batch may be one of
    /// them.
    fn run_timers(&mut self, from: usize) {
        let now = self.clock.now(machine_now());
        for effect in &self.effects[from..] {
            match effect {
                Effect::SetTimer { timer, after } => self.timers.set(timer.clone(), now + *after),
                Effect::CancelTimer(timer) => self.timers.cancel(timer),
                _ => {}
            }
        }
    }

    /// Writes what the steps persist, and makes it durable if one of them waits for that.
    fn commit(&mut self) -> Result<(), End> {
        let (mut any, mut waits) = (false, false);
        for effect in &self.effects {
            match effect {
                Effect::Persist(record) => {
                    self.wal.append(record);
                    (any, waits) = (true, true);
                }
                Effect::PersistLazily(record) => {
                    self.wal.append(record);
                    any = true;
                }
                _ => {}
            }
        }
        if !any {
            return Ok(());
        }
        self.wal.write().map_err(End::Disk)?;
        if !self.boot.storage.sync {
            return Ok(());
        }
        if waits {
            self.wal.sync().map_err(End::Disk)?;
            self.flush_at = None;
        } else if self.flush_at.is_none() {
            self.flush_at = Some(machine_now() + self.boot.storage.flush_ms * 1_000_000);
        }
        Ok(())
    }

    /// Lets the effects go, in order.
    fn release(&mut self) -> Result<(), End> {
        let mut effects = mem::take(&mut self.effects);
        let mut causes = mem::take(&mut self.causes);
        let mut step = 0;
        for (index, effect) in effects.drain(..).enumerate() {
            while causes[step].0 <= index {
                step += 1;
            }
            self.release_effect(effect, causes[step].1.as_ref())?;
        }
        causes.clear();
        (self.effects, self.causes) = (effects, causes);
        Ok(())
    }

    fn release_effect(&mut self, effect: Effect<P>, cause: Option<&Rc<str>>) -> Result<(), End> {
        match effect {
            Effect::Persist(_) | Effect::PersistLazily(_) | Effect::SetTimer { .. } | Effect::CancelTimer(_) => {}
            Effect::Send { to, message } if to == self.boot.node => {
                let event = Event::Message { from: to, message };
                self.queue.push_back(Queued { event, cause: cause.cloned() });
            }
            Effect::Send { to, message } => self.send(to, &message, cause.map(|cause| &**cause)),
            Effect::Reply { id, outcome } => self.reply(id, &outcome),
            Effect::Tell { client, body } => {
                if let Some(&token) = self.clients.get(&client) {
                    let src = &self.hello.from;
                    self.sockets.push(token, |dest, bytes| {
                        serde_json::to_writer(bytes, &Outgoing { src, dest, cause: None, body })
                    });
                }
            }
            Effect::Note(note) => self.note(&note)?,
        }
        Ok(())
    }

    fn send(&mut self, to: NodeId, message: &P::Message, cause: Option<&str>) {
        let src = &self.hello.from;
        let link = self.sockets.links.get_mut(&to).unwrap_or_else(|| panic!("{src} sends to {to}, which is no node"));
        link.send(|dest, bytes| serde_json::to_writer(bytes, &Outgoing { src, dest, cause, body: message }));
    }

    /// Answers a request, unless it is none of ours or was answered before.
    fn reply(&mut self, id: RequestId, outcome: &Outcome) {
        if (id.node, id.incarnation) != (self.boot.node, self.boot.incarnation) {
            return;
        }
        let Some(pending) = self.pending.remove(&id.sequence) else { return };
        let body = Reply { in_reply_to: Some(pending.serial), kind: pending.kind, outcome };
        let src = &self.hello.from;
        self.sockets.push(pending.token, |dest, bytes| {
            serde_json::to_writer(bytes, &Outgoing { src, dest, cause: None, body })
        });
    }

    /// Writes a protocol's note when all that was sent before it is out, and stops there if a trap says so.
    fn note(&mut self, note: &Note) -> Result<(), End> {
        self.flush()?;
        let sprung = self.traps.spring(self.boot.node, note);
        self.write_note(note)?;
        for (trap, action) in sprung {
            self.sockets.flush_to_kernel(TRAP_PATIENCE).map_err(controller_gone)?;
            match action {
                TrapAction::Crash => return Err(End::CrashPoint),
                TrapAction::Hold => self.stand_still(trap, note.clone())?,
            }
        }
        Ok(())
    }

    /// Writes a note, be it the protocol's or the driver's own.
    pub(super) fn write_note(&mut self, note: &Note) -> Result<(), End> {
        self.notes.write(note).map_err(controller_gone)
    }

    /// Does nothing but listen to the controller, as after a SIGSTOP, until it is told to go on.
    fn stand_still(&mut self, trap: u64, note: Note) -> Result<(), End> {
        self.sockets.control.push(&Up::Held { trap, note });
        loop {
            self.flush()?;
            match self.next_command()? {
                Command::Down(Down::Go) => break,
                Command::Down(Down::Disarm { id }) => {
                    self.traps.disarm(id);
                    if id == trap {
                        break;
                    }
                }
                Command::Down(Down::Arm(trap)) => self.traps.arm(trap),
                Command::Down(down) => self.deferred.push_back(down),
                Command::Unreadable(why) => self.sockets.control.push(&Up::Refused { id: 0, why }),
                Command::Nothing => self.sockets.wait(None).map_err(End::Machine)?,
                Command::Ended => return Err(End::Done),
            }
        }
        self.sockets.mark_stale();
        Ok(())
    }

    /// The next command from the controller.
    pub(super) fn next_command(&mut self) -> Result<Command, End> {
        let next: io::Result<Command> = self.sockets.control.next_command();
        next.map_err(controller_gone)
    }
}
