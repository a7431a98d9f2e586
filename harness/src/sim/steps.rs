//! The duties of a driver in virtual time: one thing after another, output commit, group commit, traps. See
//! `schism_nodes::driver` for what they are. Where timers are due and messages wait, it is drawn which comes first; a real
//! node takes timers first.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::RngExt;
use schism_nodes::cx::Surroundings;
use schism_nodes::driver::clock::Clock;
use schism_nodes::{Cx, Effect, Event, Incarnation, NodeId, Note, Protocol, Time, protocol};

use crate::cluster::Disk;
use crate::sim::agenda::Moment;
use crate::sim::node::{Process, SimNode};
use crate::sim::panics;
use crate::sim::watch::Noted;
use crate::sim::wires::{Fate, Parcel};
use crate::sim::world::{Happening, World};

/// What a batch of steps came to.
enum Batch {
    /// Nothing waited.
    Nothing,
    /// Its output waits for a sync, or not.
    Stepped { waits: bool },
    /// An invariant of the protocol is broken.
    Panicked(String),
}

impl<P: Protocol> World<P> {
    /// Lets a node do all that it can do now.
    pub(crate) fn run_node(&mut self, place: usize) {
        while self.nodes[place].steps() {
            match self.step_batch(place) {
                Batch::Nothing => return self.plan_wake(place),
                Batch::Panicked(why) => return self.died(place, &why),
                Batch::Stepped { waits } => {
                    if !self.commit(place, waits) {
                        return;
                    }
                    self.release(place);
                }
            }
        }
        // Whoever waits for a sync or stands still looks at its timers when that is over.
    }

    /// Steps what waits, as much as one sync releases; with a trap armed one event at a time.
    fn step_batch(&mut self, place: usize) -> Batch {
        let SimNode { id, incarnation, process: Some(process), disk, clock, rng, .. } = &mut self.nodes[place] else {
            return Batch::Nothing;
        };
        let setting = Setting::new(*id, *incarnation, &self.universe, clock, self.now);
        let batch = if process.traps.any_armed() { 1 } else { self.storage.batch.max(1) };
        let (mut waits, mut stepped) = (false, 0);
        let stepping = panics::quietly(|| {
            catch_unwind(AssertUnwindSafe(|| {
                while stepped < batch
                    && let Some(event) = process.next_event(setting.local, rng)
                {
                    stepped += 1;
                    if let Some(trace) = &mut self.trace {
                        trace.line(self.now, setting.id, "step", format_args!("{}", Told(&event)));
                    }
                    process.step(event, &setting);
                    waits |= process.take_effects(setting.local, |record| disk.write(record));
                }
            }))
        });
        self.steps += stepped as u64;
        match stepping {
            Err(panic) => Batch::Panicked(panics::message(&*panic)),
            Ok(()) if stepped == 0 => Batch::Nothing,
            Ok(()) => Batch::Stepped { waits },
        }
    }

    /// Makes durable what the steps have written, if their output waits for that. Whether it may leave now.
    pub(crate) fn commit(&mut self, place: usize, waits: bool) -> bool {
        if !self.storage.sync {
            return true;
        }
        let incarnation = self.nodes[place].incarnation;
        if !waits {
            let lazy = self.process(place).is_some_and(|process| mem::take(&mut process.lazy) && !process.flushing);
            if lazy {
                self.process(place).expect("it has just stepped").flushing = true;
                self.after(self.storage.flush_ms * 1_000_000, Happening::Flush { node: place, incarnation });
            }
            return true;
        }
        let node = &mut self.nodes[place];
        let takes = self.weather.sync.draw(&mut node.rng);
        if takes == 0 {
            node.disk.sync();
            return true;
        }
        node.process.as_mut().expect("it has just stepped").syncing = true;
        self.after(takes, Happening::Synced { node: place, incarnation });
        false
    }

    /// A sync is done: its output leaves.
    pub(crate) fn synced(&mut self, place: usize, incarnation: Incarnation) {
        if self.nodes[place].incarnation != incarnation {
            return;
        }
        let Some(process) = self.process(place) else { return };
        process.syncing = false;
        self.nodes[place].disk.sync();
        self.tell(
            &self.nodes[place].id.clone(),
            "synced",
            format_args!("{} records", self.nodes[place].disk.records().len()),
        );
        // A process that was stopped during the sync lets nothing out before it goes on.
        if self.nodes[place].state == crate::cluster::NodeState::Up {
            self.release(place);
            self.run_node(place);
        }
    }

    /// What was written lazily is synced at last.
    pub(crate) fn flush(&mut self, place: usize, incarnation: Incarnation) {
        if self.nodes[place].incarnation == incarnation
            && let Some(process) = self.process(place)
        {
            process.flushing = false;
            self.nodes[place].disk.sync();
        }
    }

    /// Lets the effects go, in order, up to a trap.
    pub(crate) fn release(&mut self, place: usize) {
        let id = self.nodes[place].id;
        let Some(process) = self.process(place) else { return };
        let mut outgoing = mem::take(&mut process.outgoing);
        while let Some(effect) = outgoing.pop_front() {
            match effect {
                Effect::Send { to, message } if to == id => {
                    let process = self.process(place).expect("it lets its effects go");
                    process.inbox.push_back(Event::Message { from: id, message });
                }
                Effect::Send { to, message } => self.send(place, to, message),
                Effect::Reply { id, outcome } => self.reply(place, id, outcome),
                Effect::Tell { client, body } => self.tell(&id, "tell", format_args!("{client} {body}")),
                Effect::Note(note) => {
                    if self.noted(place, &note) {
                        break;
                    }
                }
                Effect::Persist(_) | Effect::PersistLazily(_) | Effect::SetTimer { .. } | Effect::CancelTimer(_) => {}
            }
        }
        if let Some(process) = self.process(place) {
            process.outgoing = outgoing;
        }
    }

    /// A note leaves a node; whether the node stands still there, or dies.
    pub(crate) fn noted(&mut self, place: usize, note: &Note) -> bool {
        let SimNode { id, incarnation, .. } = self.nodes[place];
        self.tell(&id, "note", format_args!("{note}"));
        let epoch =
            if note.name == "leader" { note.fields.get("epoch").and_then(serde_json::Value::as_u64) } else { None };
        if let Some(epoch) = epoch.filter(|epoch| self.leader.is_none_or(|(highest, _)| *epoch >= highest)) {
            self.leader = Some((epoch, id));
        }
        let time = self.recording.time(self.now);
        self.watch.hear(&Noted { node: &self.nodes[place].name, incarnation, time, note });
        if self.nodes[place].dies_at.is_some_and(|last| last == note.name) {
            self.kill(place, Disk::Keep);
            return true;
        }
        let process = self.process(place).expect("whoever makes a note lives");
        if !process.traps.any_armed() {
            return false;
        }
        let sprung: Vec<u64> = process.traps.spring(id, note).into_iter().map(|(trap, _)| trap).collect();
        process.standing.extend(&sprung);
        self.nodes[place].reached.extend(&sprung);
        self.stand_still(place);
        !sprung.is_empty()
    }

    /// A message leaves a node for another.
    fn send(&mut self, place: usize, to: NodeId, message: P::Message) {
        let from = self.nodes[place].id;
        let wire = self.wires.wire(place, self.place(to));
        let shown = self.trace.is_some().then(|| message.to_string());
        let fate = self.wires.send(self.now, wire, message);
        if let Some(shown) = shown {
            let what = match &fate {
                Fate::Lost => "lost",
                Fate::Dropped => "dropped",
                Fate::Arrives(..) | Fate::Kept => "send",
            };
            self.tell(&from, what, format_args!("-> {to}  {shown}"));
        }
        match fate {
            Fate::Arrives(when, parcel) => self.agenda.enter(when, Happening::Arrive { wire, parcel }),
            Fate::Kept => self.plan_due(wire),
            Fate::Lost | Fate::Dropped => {}
        }
    }

    /// Sees to it that a link lets go of its next message when that is due.
    fn plan_due(&mut self, wire: usize) {
        if let Some(when) = self.wires.plan(wire) {
            self.agenda.enter(when, Happening::Due { wire });
        }
    }

    /// The time has come that was planned for a link.
    pub(crate) fn due(&mut self, wire: usize) {
        self.wires.planned(wire);
        self.let_go(wire);
    }

    /// A link lets go of what is due.
    pub(crate) fn let_go(&mut self, wire: usize) {
        while let Some((when, parcel)) = self.wires.due(self.now, wire) {
            self.agenda.enter(when, Happening::Arrive { wire, parcel });
        }
        self.plan_due(wire);
    }

    /// A message has come to the end of its link.
    pub(crate) fn arrive(&mut self, wire: usize, parcel: Parcel<P::Message>) {
        let (from, to) = self.wires.ends(wire);
        let passes = self.wires.delivers(wire, parcel.incarnation);
        let (from, alive) = (self.nodes[from].id, self.nodes[to].is_alive());
        if self.trace.is_some() {
            let what = if passes && alive { "recv" } else { "cut" };
            self.tell(&self.nodes[to].id.clone(), what, format_args!("<- {from}  {}", parcel.message));
        }
        if passes && alive {
            let process = self.process(to).expect("who lives has a process");
            process.inbox.push_back(Event::Message { from, message: *parcel.message });
            self.run_node(to);
        }
    }

    /// A node looks at its timers.
    pub(crate) fn wake(&mut self, place: usize, incarnation: Incarnation) {
        let now = self.now;
        if self.nodes[place].incarnation == incarnation
            && let Some(process) = self.process(place)
            && process.wakes_at == now
        {
            process.wakes_at = u64::MAX;
            self.run_node(place);
        }
    }

    /// Sees to it that the node looks at its timers when the next one is due.
    pub(crate) fn plan_wake(&mut self, place: usize) {
        let now = self.now;
        let SimNode { incarnation, process: Some(process), clock, .. } = &mut self.nodes[place] else { return };
        let Some(deadline) = process.timers.next_deadline() else { return };
        if process.wakes_at != Moment::MAX && process.wakes_for == deadline {
            return;
        }
        let Some(wait) = clock.wait_until(deadline, now) else { return };
        let when = now.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
        if when < process.wakes_at {
            (process.wakes_at, process.wakes_for) = (when, deadline);
            self.agenda.enter(when, Happening::Wake { node: place, incarnation: *incarnation });
        }
    }

    /// A node's process, while there is one.
    pub(crate) fn process(&mut self, place: usize) -> Option<&mut Process<P>> {
        self.nodes[place].process.as_mut()
    }
}

/// What a process sees around itself.
pub(crate) struct Setting<'a> {
    pub(crate) id: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) universe: &'a [NodeId],
    /// The node's own clock, which stands still while it steps.
    pub(crate) local: Time,
    wall: Time,
}

impl<'a> Setting<'a> {
    /// What a process sees at a moment.
    pub(crate) fn new(
        id: NodeId,
        incarnation: Incarnation,
        universe: &'a [NodeId],
        clock: &Clock,
        now: Moment,
    ) -> Self {
        Setting { id, incarnation, universe, local: clock.now(now), wall: clock.wall(now) }
    }

    /// What one step sees of it.
    pub(crate) fn around<P: Protocol>(
        &'a self,
        rng: &'a mut rand_chacha::ChaCha8Rng,
        sequence: &'a mut u64,
        effects: &'a mut Vec<Effect<P>>,
    ) -> Cx<'a, P> {
        Cx::new(Surroundings {
            me: self.id,
            incarnation: self.incarnation,
            nodes: self.universe,
            now: self.local,
            wall: self.wall,
            rng,
            sequence,
            effects,
        })
    }
}

impl<P: Protocol> Process<P> {
    /// What is stepped next. A timer that was fired by hand comes before everything.
    fn next_event(&mut self, now: Time, rng: &mut rand_chacha::ChaCha8Rng) -> Option<Event<P>> {
        let due = self.timers.next_deadline().filter(|deadline| *deadline <= now);
        let timer_first = due.is_some_and(|due| due == Time(0) || self.inbox.is_empty() || rng.random());
        if timer_first { self.timers.pop_due(now).map(Event::Timer) } else { self.inbox.pop_front() }
    }

    fn step(&mut self, event: Event<P>, setting: &Setting<'_>) {
        let mut cx = setting.around(&mut self.rng, &mut self.sequence, &mut self.effects);
        protocol::step(&mut self.protocol, event, &mut cx);
    }

    /// Starts and stops timers and writes records at once; the rest waits to be released. Whether that waits for a sync.
    pub(crate) fn take_effects(&mut self, now: Time, mut write: impl FnMut(P::Record)) -> bool {
        let mut waits = false;
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Persist(record) => {
                    write(record);
                    waits = true;
                }
                Effect::PersistLazily(record) => {
                    write(record);
                    self.lazy = true;
                }
                Effect::SetTimer { timer, after } => self.timers.set(timer, now + after),
                Effect::CancelTimer(timer) => self.timers.cancel(&timer),
                other => self.outgoing.push_back(other),
            }
        }
        waits
    }
}

/// An event as the trace tells it.
struct Told<'a, P: Protocol>(&'a Event<P>);

impl<P: Protocol> std::fmt::Display for Told<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Event::Message { from, message } => write!(f, "{from}  {message}"),
            Event::Timer(timer) => write!(f, "timer {timer}"),
            Event::Request { id, client, request } => {
                write!(f, "{client}#{} {} {} as {id}", request.serial, request.kind.name(), request.kind.key())
            }
            Event::Disconnect { client } => write!(f, "{client} is gone"),
        }
    }
}
