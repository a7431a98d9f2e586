//! What the rules in force do to the messages of one directed link: a pure state machine, with the time passed in.
//!
//! It knows no socket and no clock, so that a simulated network can be built on the same rules. Each fault draws from a
//! stream of its own, found by the link's seed and the fault's number, and draws for every message whatever the other
//! faults do with it: taking one fault away leaves the draws of the others as they were.

mod bottleneck;
mod chance;
mod message;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use schism_nodes::{Incarnation, LinkOrder, Seed};

pub use self::message::{Header, Offer, Waiting};

use self::bottleneck::Bottleneck;
use self::chance::Effect;
use crate::network::{FaultId, Rule, Touched};

/// One directed link: its rules, and the messages that are delayed or held.
#[derive(Debug)]
pub struct LinkEngine<M> {
    seed: Seed,
    order: LinkOrder,
    faults: BTreeMap<FaultId, FaultHere>,
    touched: BTreeMap<FaultId, Touched>,
    delayed: BTreeMap<(Duration, u64), Waiting<M>>,
    held: BTreeMap<FaultId, VecDeque<Waiting<M>>>,
    sequence: u64,
    last_due: Duration,
    bytes: usize,
    effects: Vec<(FaultId, Effect)>,
}

/// The rules that one fault has put on this link.
#[derive(Debug)]
struct FaultHere {
    rules: Vec<ActiveRule>,
    rng: ChaCha8Rng,
}

impl FaultHere {
    fn cuts(&self) -> bool {
        self.rules.iter().any(|active| active.rule == Rule::Cut)
    }
}

#[derive(Debug)]
struct ActiveRule {
    rule: Rule,
    /// Of a hold or drop: how many messages it may still take.
    left: Option<u64>,
    /// Of a limit: what has to pass before.
    bottleneck: Bottleneck,
}

/// What becomes of a message that is neither held nor lost.
#[derive(Clone, Copy, Debug, Default)]
struct Treatment {
    /// Whether it is delivered twice.
    twice: bool,
    /// How long it and its copy wait.
    waits: [Duration; 2],
    /// The bit that is another one.
    corrupted: Option<u64>,
}

impl<M: Clone> LinkEngine<M> {
    /// A link without rules, whose chance comes from `seed`. On a `fifo` link no message overtakes another, whatever
    /// its delay.
    pub fn new(seed: Seed, order: LinkOrder) -> Self {
        LinkEngine {
            seed,
            order,
            faults: BTreeMap::new(),
            touched: BTreeMap::new(),
            delayed: BTreeMap::new(),
            held: BTreeMap::new(),
            sequence: 0,
            last_due: Duration::ZERO,
            bytes: 0,
            effects: Vec::new(),
        }
    }

    /// Whether no rule is in force.
    pub fn is_open(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether a message may go on as if the link were not there: no rule is in force, and none is under way.
    pub fn is_idle(&self) -> bool {
        self.faults.is_empty() && self.delayed.is_empty()
    }

    /// Bytes of the messages that are delayed or held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages a fault has touched here, also after its end.
    pub fn touched(&self, fault: FaultId) -> Touched {
        self.touched.get(&fault).copied().unwrap_or(0)
    }

    /// Puts one more rule of a fault in force.
    pub fn apply(&mut self, fault: FaultId, rule: &Rule) {
        let left = match rule {
            Rule::Hold { count, .. } | Rule::Drop { count, .. } => *count,
            _ => None,
        };
        let seed = self.seed;
        let here = self.faults.entry(fault).or_insert_with(|| {
            let mut rng = ChaCha8Rng::from_seed(seed);
            rng.set_stream(fault);
            FaultHere { rules: Vec::new(), rng }
        });
        here.rules.push(ActiveRule { rule: rule.clone(), left, bottleneck: Bottleneck::default() });
    }

    /// Ends all rules of a fault. What it held is delivered, or returned where `deliver` is false.
    pub fn lift(&mut self, fault: FaultId, deliver: bool, now: Duration) -> Vec<Waiting<M>> {
        self.faults.remove(&fault);
        self.release(fault, usize::MAX, deliver, now).1
    }

    /// When the messages that a fault holds were offered, oldest first.
    pub fn held(&self, fault: FaultId) -> impl Iterator<Item = Duration> {
        self.held.get(&fault).into_iter().flatten().map(|waiting| waiting.offered)
    }

    /// Lets go of up to `count` messages that a fault holds, oldest first: how many there were, and those that are
    /// dropped because `deliver` is false. A message that another fault holds as well stays there.
    pub fn release(&mut self, fault: FaultId, count: usize, deliver: bool, now: Duration) -> (u64, Vec<Waiting<M>>) {
        let Some(held) = self.held.get_mut(&fault) else { return (0, Vec::new()) };
        let released: Vec<Waiting<M>> = held.drain(..count.min(held.len())).collect();
        if held.is_empty() {
            self.held.remove(&fault);
        }
        let number = released.len() as u64;
        self.bytes -= released.iter().map(|waiting| waiting.bytes).sum::<usize>();
        if !deliver {
            return (number, released);
        }
        for waiting in released {
            self.keep(waiting, Some(fault), now);
        }
        (number, Vec::new())
    }

    /// A message arrives at the link. `make` is called only if the link has to keep it.
    pub fn offer(&mut self, now: Duration, header: &Header<'_>, make: impl FnOnce() -> M) -> Offer {
        if self.is_idle() {
            return Offer::Pass;
        }
        self.draw();
        if self.is_dropped(header) {
            return Offer::Dropped;
        }
        let holder = self.holder(header.kind, header.probe, None);
        if holder.is_some() && header.probe {
            // A probe tells how the link is now: kept for later, it would tell what is no longer so.
            return Offer::Dropped;
        }
        if holder.is_none() && self.is_lost(header) {
            return Offer::Lost;
        }
        let mut treatment = if holder.is_none() { self.treatment(header) } else { Treatment::default() };
        if holder.is_none() && !self.is_carried(header, now, &mut treatment.waits) {
            return Offer::Lost;
        }
        let message = make();
        for (copy, wait) in treatment.waits.into_iter().enumerate().take(1 + usize::from(treatment.twice)) {
            let waiting = Waiting {
                message: message.clone(),
                copy: copy > 0,
                offered: now,
                corrupted: treatment.corrupted,
                kind: header.kind.into(),
                probe: header.probe,
                incarnation: header.incarnation,
                bytes: header.bytes,
            };
            match holder {
                Some(fault) => self.hold(fault, waiting),
                None => self.delay(waiting, now + wait),
            }
        }
        Offer::Kept
    }

    /// The next message that is due, whether it is cut or not: that is [`LinkEngine::is_cut`]'s to say.
    pub fn next(&mut self, now: Duration) -> Option<Waiting<M>> {
        let entry = self.delayed.first_entry().filter(|entry| entry.key().0 <= now)?;
        let waiting = entry.remove();
        self.bytes -= waiting.bytes;
        Some(waiting)
    }

    /// When the next message is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.delayed.keys().next().map(|(due, _)| *due)
    }

    /// Whether a message that would be delivered now is cut.
    pub fn is_cut(&self) -> bool {
        self.faults.values().any(FaultHere::cuts)
    }

    /// A message was discarded because the link is cut: every fault that cuts it has touched the message.
    pub fn count_cut(&mut self, probe: bool) {
        for (fault, _) in self.faults.iter().filter(|(_, here)| !probe && here.cuts()) {
            *self.touched.entry(*fault).or_default() += 1;
        }
    }

    /// The sender has a new incarnation: what is under way of earlier ones is taken out.
    pub fn forget_before(&mut self, incarnation: Incarnation) -> Vec<Waiting<M>> {
        let mut dead: Vec<Waiting<M>> =
            self.delayed.extract_if(.., |_, waiting| waiting.incarnation < incarnation).map(|(_, dead)| dead).collect();
        for held in self.held.values_mut() {
            let (old, new) = held.drain(..).partition(|waiting| waiting.incarnation < incarnation);
            *held = new;
            dead.extend::<VecDeque<_>>(old);
        }
        self.held.retain(|_, held| !held.is_empty());
        self.bytes -= dead.iter().map(|waiting| waiting.bytes).sum::<usize>();
        dead
    }

    /// What a client's message meets, which has no relay to be kept in: whether it is lost, and how long it waits.
    /// Rules that do not fit a client's link do nothing.
    pub fn passage(&mut self) -> (bool, Duration) {
        self.draw();
        let header = Header { kind: "", probe: false, incarnation: 0, bytes: 0 };
        if self.is_cut() {
            self.count_cut(false);
            return (true, Duration::ZERO);
        }
        if self.is_lost(&header) {
            return (true, Duration::ZERO);
        }
        self.effects.retain(|(_, effect)| matches!(effect, Effect::Slow(_)));
        (false, self.treatment(&header).waits[0])
    }

    /// Draws what each fault does to one message.
    fn draw(&mut self) {
        self.effects.clear();
        for (fault, here) in &mut self.faults {
            for active in &here.rules {
                if let Some(effect) = chance::draw(&active.rule, &mut here.rng) {
                    self.effects.push((*fault, effect));
                }
            }
        }
    }

    /// Whether any drop takes the message. All that would have taken it have touched it.
    fn is_dropped(&mut self, header: &Header<'_>) -> bool {
        let mut dropped = false;
        for (fault, here) in &mut self.faults {
            let mut takes = false;
            for active in &mut here.rules {
                if let Rule::Drop { kind, count } = &active.rule {
                    takes |= take_one(kind.as_deref(), *count, &mut active.left, header.kind, header.probe);
                }
            }
            if takes && !header.probe {
                *self.touched.entry(*fault).or_default() += 1;
            }
            dropped |= takes;
        }
        dropped
    }

    /// The first fault, after a given one, that holds the message.
    fn holder(&mut self, message_kind: &str, probe: bool, after: Option<FaultId>) -> Option<FaultId> {
        let later = self.faults.iter_mut().filter(|(fault, _)| after.is_none_or(|after| **fault > after));
        for (fault, here) in later {
            for active in &mut here.rules {
                if let Rule::Hold { kind, count } = &active.rule
                    && take_one(kind.as_deref(), *count, &mut active.left, message_kind, probe)
                {
                    return Some(*fault);
                }
            }
        }
        None
    }

    /// Whether any draw loses the message. All that do have touched it.
    fn is_lost(&mut self, header: &Header<'_>) -> bool {
        let losers = self.effects.iter().filter(|(_, effect)| matches!(effect, Effect::Lose)).map(|(fault, _)| *fault);
        let mut lost = false;
        for fault in losers {
            lost = true;
            if !header.probe {
                *self.touched.entry(fault).or_default() += 1;
            }
        }
        lost
    }

    /// What the draws do to a message. Delays of several faults add up.
    fn treatment(&mut self, header: &Header<'_>) -> Treatment {
        let mut treatment = Treatment::default();
        let mut last = None;
        for (fault, effect) in &self.effects {
            match effect {
                Effect::Lose => continue,
                Effect::Duplicate => treatment.twice = true,
                Effect::Corrupt(bit) => treatment.corrupted = Some(*bit),
                Effect::Slow(more) => {
                    treatment.waits = [treatment.waits[0] + more[0], treatment.waits[1] + more[1]];
                }
            }
            // The rules of a fault stand together: a message that two of them touch is touched by the fault once.
            if !header.probe && last != Some(*fault) {
                *self.touched.entry(*fault).or_default() += 1;
            }
            last = Some(*fault);
        }
        treatment
    }

    /// Sends a message through every limit, each of which adds to its waits; false if the queue before one is full. All
    /// that it meets have touched it.
    fn is_carried(&mut self, header: &Header<'_>, now: Duration, waits: &mut [Duration; 2]) -> bool {
        for (fault, here) in &mut self.faults {
            for active in &mut here.rules {
                let Rule::Limit { bits_per_second } = active.rule else { continue };
                if !header.probe {
                    *self.touched.entry(*fault).or_default() += 1;
                }
                let Some(wait) = active.bottleneck.pass(bits_per_second, header.bytes, now) else { return false };
                *waits = waits.map(|other| other + wait);
            }
        }
        true
    }

    /// A message that one hold has let go of: to the next one, or to be delivered now.
    fn keep(&mut self, waiting: Waiting<M>, after: Option<FaultId>, now: Duration) {
        match self.holder(&waiting.kind, waiting.probe, after) {
            Some(fault) => self.hold(fault, waiting),
            None => self.delay(waiting, now),
        }
    }

    fn hold(&mut self, fault: FaultId, waiting: Waiting<M>) {
        self.bytes += waiting.bytes;
        *self.touched.entry(fault).or_default() += 1;
        self.held.entry(fault).or_default().push_back(waiting);
    }

    fn delay(&mut self, waiting: Waiting<M>, due: Duration) {
        let due = if self.order == LinkOrder::Fifo { due.max(self.last_due) } else { due };
        self.last_due = self.last_due.max(due);
        self.sequence += 1;
        self.bytes += waiting.bytes;
        self.delayed.insert((due, self.sequence), waiting);
    }
}

/// Whether a hold or drop takes a message; counts it if it counts. A probe is no message that anyone would count.
fn take_one(kind: Option<&str>, count: Option<u64>, left: &mut Option<u64>, message_kind: &str, probe: bool) -> bool {
    if kind.is_some_and(|kind| kind != message_kind) || (probe && count.is_some()) {
        return false;
    }
    match left {
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
        None => true,
    }
}

#[cfg(test)]
mod tests;
