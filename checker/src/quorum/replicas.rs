//! Walks through what each replica noted, in its own order, and knows at each moment what it has: the one place that keeps a
//! replica's state. Rules about single replicas are asked at each step; rules about quorums get the replies that coordinators may
//! have counted, each with what was durable when it was made.
//!
//! What a replica has survives its restarts unless a fault wiped its disk (or the configuration says that a restart may lose it).
//! A key that is absent because its tombstone was collected counts with the tombstone's tag.

use rustc_hash::FxHashMap;

use super::evidence::{At, DIGEST_OF_NULL, Deed, Event, Evidence, NONE};
use super::rules::{repair, tags_never_go_back};
use super::tag::Tag;
use super::tally::Tally;

/// What a replica has of a key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    /// The newest that it has.
    pub(super) current: Option<Tag>,
    /// The newest of that which is on stable storage.
    pub(super) durable: Option<Tag>,
    /// The highest that it stored durably, acknowledged or served, and when.
    pub(super) owed: Option<(Tag, At)>,
    /// When it last stored something.
    pub(super) stored: Option<At>,
    /// What it has is a tombstone that it collected.
    pub(super) collected: bool,
    /// What it has stands for null: it may be a tombstone.
    pub(super) is_null: bool,
}

/// A reply that a replica made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) op: u32,
    pub(super) at: At,
    /// An acknowledgement of a store, or else an answer to a query.
    pub(super) acknowledges: bool,
    /// What it said.
    pub(super) said: Option<Tag>,
    /// What that counts as: a tombstone that was collected counts as what it was.
    pub(super) tag: Option<Tag>,
    /// The newest tag that was durable then.
    pub(super) durable: Option<Tag>,
    /// When it last stored something for the key.
    pub(super) stored: Option<At>,
}

/// A moment at which a replica had less of a key than before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub(super) at: At,
    pub(super) how: How,
    pub(super) from: Option<Tag>,
    pub(super) to: Option<Tag>,
}

/// How a replica came to have less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// A fault wiped its disk, or it starts with nothing.
    Wiped,
    /// It had less when it started again.
    Restarted,
    /// It stored something older: the place of that event in the replica's list.
    Overwritten(u32),
}

/// What of a key is durable at a replica changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) key: u32,
    pub(super) at: At,
    pub(super) from: Option<Tag>,
    pub(super) to: Option<Tag>,
}

/// What the walk has found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Sorted by operation.
    made: Vec<Made>,
    /// By operation: where its replies begin in there. Each rule asks for them again.
    first: Vec<u32>,
    losses: FxHashMap<(u32, u32), Vec<Loss>>,
    pub(super) changes: Vec<Change>,
    /// What replicas said in the end that they hold, by node and key.
    pub(super) held: FxHashMap<(u32, u32), Option<Tag>>,
    /// Tombstones that were dropped and nothing stored since, by node and key.
    pub(super) collected: FxHashMap<(u32, u32), Tag>,
    /// Which nodes told in the end what they hold, and how many hints they keep.
    pub(super) dumped: FxHashMap<u32, u64>,
    pub(super) never_back: Tally,
    pub(super) repairs: Tally,
    /// Queries that a replica answered after a wipe with less than it had owed before.
    pub(super) served_forgetful: u64,
}

impl Walked {
    /// The replies that were made to an operation.
    pub(super) fn made_for(&self, op: u32) -> &[Made] {
        let op = op as usize;
        let Some(&[begin, end]) = self.first.get(op..op + 2).and_then(|ends| ends.as_array()) else { return &[] };
        &self.made[begin as usize..end as usize]
    }

    /// Puts the replies in the order of their operations, and of one operation in that of their notes.
    fn sort(&mut self, operations: usize) {
        // They are large: what is moved while it is sorted is where they stand.
        let place = |(place, made): (u32, &Made)| (made.op, made.at.order, place);
        let mut places: Vec<(u32, u32, u32)> = (0..).zip(&self.made).map(place).collect();
        places.sort_unstable();
        self.first = vec![0; operations + 1];
        for &(op, ..) in &places {
            self.first[op as usize + 1] += 1;
        }
        for op in 0..operations {
            self.first[op + 1] += self.first[op];
        }
        self.made = places.into_iter().map(|(.., place)| self.made[place as usize]).collect();
    }

    /// The first loss at a replica between two moments that left it with less than `tag`.
    pub(super) fn loss(&self, node: u32, key: u32, (after, before): (u32, u32), tag: Tag) -> Option<&Loss> {
        let losses = self.losses.get(&(node, key))?;
        let begin = losses.partition_point(|loss| loss.at.order <= after);
        losses[begin..].iter().take_while(|loss| loss.at.order <= before).find(|loss| loss.to < Some(tag))
    }
}

/// Walks through the notes of all replicas.
pub(super) fn walk(evidence: &Evidence) -> Walked {
    let mut walked = Walked::default();
    for (node, events) in (0..).zip(&evidence.replicas) {
        let mut replica = Replica::new(evidence, node);
        for (place, event) in (0..).zip(events) {
            replica.step(event, place, &mut walked);
        }
        if let Some(last) = events.last() {
            replica.life(u32::MAX, last.at, &mut walked);
        }
    }
    walked.sort(evidence.ops.len());
    walked
}

struct Replica<'e> {
    evidence: &'e Evidence,
    node: u32,
    life: u32,
    kept: FxHashMap<u32, Kept>,
    /// What it has found so far at the start of this life.
    recovered: FxHashMap<u32, Tag>,
    /// What it owed before it was wiped.
    forgotten: FxHashMap<u32, Tag>,
    /// Since when it has known that it lost its disk, and not what was on it.
    recovering: Option<At>,
}

impl<'e> Replica<'e> {
    fn new(evidence: &'e Evidence, node: u32) -> Self {
        let (kept, recovered, forgotten) = Default::default();
        Replica { evidence, node, life: 0, kept, recovered, forgotten, recovering: None }
    }

    fn step(&mut self, event: &Event, place: u32, walked: &mut Walked) {
        if event.at.life != self.life {
            self.life(event.at.life, event.at, walked);
        }
        match event.deed {
            Deed::Served { op, tag } => self.served(event, op, tag, walked),
            Deed::Acked { op, tag } => {
                let kept = self.kept.entry(event.key).or_default();
                kept.owe(tag, event.at);
                walked.made.push(kept.made(event.at, op, true, (tag, tag)));
            }
            Deed::Stored { .. } => self.stored(event, place, walked),
            Deed::Collected { tag } => {
                walked.collected.insert((self.node, event.key), tag);
                let kept = self.kept.entry(event.key).or_default();
                kept.collected = kept.current <= Some(tag);
                kept.current = kept.current.max(Some(tag));
            }
            Deed::Recovered { tag } => drop(self.recovered.insert(event.key, tag)),
            Deed::Restarted => self.restarted(event, walked),
            Deed::Amnesia => self.recovering = Some(event.at),
            Deed::CaughtUp => self.recovering = None,
            Deed::Held { tag } => drop(walked.held.insert((self.node, event.key), tag)),
            Deed::HintsPending { count } => drop(walked.dumped.insert(self.node, count)),
            Deed::HintStored { .. } | Deed::HintEnded { .. } => {}
        }
    }

    /// Another life begins; that is known from `at` on.
    fn life(&mut self, life: u32, at: At, walked: &mut Walked) {
        let node = self.evidence.nodes.name(self.node);
        if self.evidence.faults.wiped_between(node, self.life, life) {
            self.wiped(at, walked);
        }
        self.recovered.clear();
        // It may have caught up and died before it could note that.
        self.recovering = None;
        self.life = life;
    }

    fn wiped(&mut self, at: At, walked: &mut Walked) {
        for (key, kept) in self.kept.drain() {
            walked.lost(at, key, How::Wiped, kept.current, None);
            walked.changes.push(Change { key, at, from: kept.durable, to: None });
            if let Some((owed, _)) = kept.owed {
                self.forgotten.insert(key, owed);
            }
        }
    }

    fn served(&mut self, event: &Event, op: u32, said: Option<Tag>, walked: &mut Walked) {
        let kept = self.kept.entry(event.key).or_default();
        let tag = if said.is_none() && kept.collected { kept.current } else { said };
        tags_never_go_back::served(&mut walked.never_back, self.evidence, event, tag, (kept, self.recovering));
        if self.forgotten.get(&event.key).is_some_and(|forgotten| tag < Some(*forgotten)) {
            walked.served_forgetful += 1;
        }
        kept.owe(tag, event.at);
        walked.made.push(kept.made(event.at, op, false, (said, tag)));
    }

    fn stored(&mut self, event: &Event, place: u32, walked: &mut Walked) {
        let Deed::Stored { tag, digest, durable, .. } = event.deed else { return };
        let kept = self.kept.entry(event.key).or_default();
        let before = *kept;
        if before.collected {
            walked.collected.remove(&(self.node, event.key));
        }
        tags_never_go_back::stored(&mut walked.never_back, self.evidence, event, &before);
        repair::stored(&mut walked.repairs, self.evidence, event, &before);
        if before.current > Some(tag) {
            walked.lost(event.at, event.key, How::Overwritten(place), before.current, Some(tag));
        }
        let is_null = digest == Some(DIGEST_OF_NULL);
        *kept = Kept { current: Some(tag), stored: Some(event.at), collected: false, is_null, ..before };
        if durable {
            kept.durable = Some(tag);
            kept.owe(Some(tag), event.at);
            walked.changes.push(Change { key: event.key, at: event.at, from: before.durable, to: Some(tag) });
        }
    }

    /// All that was recovered has been told.
    fn restarted(&mut self, event: &Event, walked: &mut Walked) {
        let recovered = std::mem::take(&mut self.recovered);
        let mut kept = std::mem::take(&mut self.kept);
        let mut keys: Vec<u32> = kept.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            let before = kept[&key];
            let found = recovered.get(&key).copied();
            // A tombstone may have been collected without a note: the node died before that left it.
            if found.is_none() && (before.collected || before.is_null) {
                kept.insert(key, Kept { collected: true, ..before });
                walked.collected.extend(before.current.map(|tag| ((self.node, key), tag)));
                continue;
            }
            tags_never_go_back::restarted(&mut walked.never_back, self.evidence, event, key, found, &before);
            if before.current > found {
                walked.lost(event.at, key, How::Restarted, before.current, found);
            }
            if before.durable != found {
                walked.changes.push(Change { key, at: event.at, from: before.durable, to: found });
            }
            if found.is_none() {
                kept.remove(&key);
            }
        }
        for (key, tag) in recovered {
            if kept.get(&key).is_none_or(|before| before.durable.is_none()) {
                walked.changes.push(Change { key, at: event.at, from: None, to: Some(tag) });
            }
            let (current, durable) = (Some(tag), Some(tag));
            kept.insert(key, Kept { current, durable, owed: Some((tag, event.at)), ..Kept::default() });
        }
        self.kept = kept;
    }
}

impl Kept {
    /// What it told it owes from then on. What it told of others' versions, which it keeps for them, it does not.
    fn owe(&mut self, tag: Option<Tag>, at: At) {
        if let Some(tag) = tag.min(self.current)
            && self.owed.is_none_or(|(owed, _)| owed < tag)
        {
            self.owed = Some((tag, at));
        }
    }

    fn made(&self, at: At, op: u32, acknowledges: bool, (said, tag): (Option<Tag>, Option<Tag>)) -> Made {
        // What was collected is gone by intention, not by want of a disk.
        let durable = if self.collected { self.current } else { self.durable };
        Made { op, at, acknowledges, said, tag, durable, stored: self.stored }
    }
}

impl Walked {
    fn lost(&mut self, at: At, key: u32, how: How, from: Option<Tag>, to: Option<Tag>) {
        debug_assert_ne!(key, NONE, "what is lost has a key");
        self.losses.entry((at.node, key)).or_default().push(Loss { at, how, from, to });
    }
}
