//! Gathers notes into evidence, one at a time, as they were made or read.
//!
//! Notes are hostile: one that lacks a field that it needs, or has it in another form, is a defect of the evidence and never a
//! panic. Notes that no rule knows count for their numbers alone.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::clients;
use super::evidence::{
    Answer, At, Deed, Event, Evidence, HintEnd, Kind, NONE, Origin, Outcome, Phase, PhaseKind, Reply,
};
use super::told::{Digest, Fields, Object, Text};
use crate::history::History;

/// Who made a note, and when.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The node, or the coordinator beside a client.
    pub node: &'a str,
    /// In which of its lives, from 1; 0 for somebody who has only one.
    pub incarnation: u64,
    /// Counts up from 1 within the incarnation; 0 where nobody counts.
    pub seq: u64,
    /// In nanoseconds, on one clock for all.
    pub time: u64,
}

/// See the module's head.
#[derive(Clone, Debug, Default)]
pub struct Gatherer {
    evidence: Evidence,
    homes: FxHashMap<Vec<u32>, u32>,
    /// The last number of the node's current life, by node.
    last: Vec<(u32, u64)>,
    home: Vec<u32>,
}

/// What a note lacks.
struct Lacks(&'static str);

impl Gatherer {
    /// Takes a note that is in memory.
    pub fn note<'a>(&mut self, source: &Source<'_>, name: &str, fields: impl Iterator<Item = (&'a str, &'a Value)>) {
        if let Some(at) = self.heard(source, name) {
            match Fields::of(fields) {
                Some(fields) => self.known(at, name, &fields),
                None => self.malformed(at, name, "a field that can be read"),
            }
        }
    }

    /// Takes a note that was read.
    #[cfg(feature = "formats")]
    pub(super) fn read(&mut self, source: &Source<'_>, name: &str, fields: &Fields<'_>) {
        if let Some(at) = self.heard(source, name) {
            self.known(at, name, fields);
        }
    }

    /// Takes a note of which only this is known: its fields cannot be read.
    #[cfg(feature = "formats")]
    pub(super) fn unreadable(&mut self, source: &Source<'_>, name: &str) {
        if let Some(at) = self.heard(source, name) {
            self.malformed(at, name, "a field that can be read");
        }
    }

    /// The notes end in the middle of one.
    pub fn cut(&mut self) {
        if !std::mem::replace(&mut self.evidence.cut, true) {
            self.evidence.defects.add(None, || "the notes end in the middle of one".to_owned());
        }
    }

    /// The evidence, with what clients saw and what faults did.
    pub fn finish(self, history: &History) -> Evidence {
        let mut evidence = self.evidence;
        evidence.phases.sort_by_key(|phase| (phase.op, phase.at.order));
        evidence.operations.resize_with(evidence.ops.len(), Default::default);
        let mut at = 0;
        for phases in evidence.phases.chunk_by(|one, other| one.op == other.op) {
            let end = at + u32::try_from(phases.len()).expect("there are fewer phases than notes");
            if let Some(operation) = evidence.operations.get_mut(phases[0].op as usize) {
                operation.phases = at..end;
            }
            at = end;
        }
        clients::link(&mut evidence, history);
        evidence
    }
}

/// Whether a rule knows notes of this name.
fn is_known(name: &str) -> bool {
    matches!(
        name,
        "begun"
            | "coordinated"
            | "phase"
            | "answered"
            | "served"
            | "stored"
            | "acked"
            | "hint-stored"
            | "hint-delivered"
            | "hint-expired"
            | "hint-superseded"
            | "collected"
            | "recovered"
            | "restarted"
            | "amnesia"
            | "caught-up"
            | "held"
            | "hints-pending"
    )
}

impl Gatherer {
    /// Counts the note; its place, if a rule knows its name.
    fn heard(&mut self, source: &Source<'_>, name: &str) -> Option<At> {
        let evidence = &mut self.evidence;
        if evidence.notes == 0 {
            evidence.begin = source.time;
        }
        evidence.begin = evidence.begin.min(source.time);
        let order = u32::try_from(evidence.notes).unwrap_or(u32::MAX);
        evidence.notes += 1;
        let node = evidence.nodes.number(source.node);
        let life = u32::try_from(source.incarnation).unwrap_or(u32::MAX);
        let at = At { node, life, time: source.time, order };
        if self.last.len() <= node as usize {
            self.last.resize(node as usize + 1, (0, 0));
            evidence.replicas.resize_with(node as usize + 1, Vec::new);
        }
        let (last_life, last) = &mut self.last[node as usize];
        if *last_life != life {
            (*last_life, *last) = (life, 0);
        }
        if source.seq > 0 {
            if source.seq != last.saturating_add(1) {
                let (last, name) = (*last, source.node);
                evidence.gaps.insert((node, life));
                evidence
                    .defects
                    .add(Some(at), || format!("after note {last} of {name}'s life {life} comes note {}", source.seq));
            }
            *last = source.seq;
        }
        is_known(name).then_some(at)
    }

    fn known(&mut self, at: At, name: &str, fields: &Fields<'_>) {
        if let Err(Lacks(what)) = self.take(at, name, fields) {
            self.malformed(at, name, what);
        }
    }

    fn malformed(&mut self, at: At, name: &str, what: &str) {
        // Whatever it said is missing.
        self.evidence.gaps.insert((at.node, at.life));
        self.evidence.defects.add(Some(at), || format!("a note {name} lacks {what}"));
    }

    fn take(&mut self, at: At, name: &str, fields: &Fields<'_>) -> Result<(), Lacks> {
        match name {
            "begun" => self.begun(fields),
            "coordinated" => self.given(at, fields),
            "phase" => self.phase(at, fields),
            "answered" => self.answered(at, fields),
            _ => self.deed(at, name, fields),
        }
    }

    fn begun(&mut self, fields: &Fields<'_>) -> Result<(), Lacks> {
        let (op, key) = (self.op(fields)?, self.key(fields)?);
        let kind = Kind::of(text(fields.f.as_ref(), "f")?);
        let operation = self.operation(op);
        (operation.key, operation.kind) = (key, kind);
        Ok(())
    }

    /// A write has got its tag; without one it is no write, or its versions have none.
    fn given(&mut self, at: At, fields: &Fields<'_>) -> Result<(), Lacks> {
        let (op, key) = (self.op(fields)?, self.key(fields)?);
        self.evidence.given.extend(fields.tag.map(|tag| (op, key, tag, at)));
        Ok(())
    }

    fn phase(&mut self, at: At, fields: &Fields<'_>) -> Result<(), Lacks> {
        let (op, key) = (self.op(fields)?, self.key(fields)?);
        let kind = PhaseKind::of(text(fields.phase.as_ref(), "phase")?).ok_or(Lacks("a phase that is known"))?;
        let (home, replies) = (self.home(at, key, fields)?, self.replies(fields)?);
        let (tag, digest) = (fields.tag, fields.digest.map(|Digest(digest)| digest));
        self.operation(op).key = key;
        self.evidence.phases.push(Phase { op, at, kind, key, home, replies, tag, digest });
        Ok(())
    }

    fn home(&mut self, at: At, key: u32, fields: &Fields<'_>) -> Result<u32, Lacks> {
        let names = fields.home.as_ref().ok_or(Lacks("home"))?;
        let evidence = &mut self.evidence;
        self.home.clear();
        self.home.extend(names.iter().map(|Text(name)| evidence.nodes.number(name)));
        self.home.sort_unstable();
        self.home.dedup();
        let home = if let Some(home) = self.homes.get(&self.home) {
            *home
        } else {
            let home = u32::try_from(evidence.homes.len()).map_err(|_| Lacks("home replicas that can be counted"))?;
            evidence.homes.push(self.home.clone());
            self.homes.insert(self.home.clone(), home);
            home
        };
        if *evidence.home_of.entry(key).or_insert(home) != home {
            let key = evidence.keys.name(key);
            evidence.defects.add(Some(at), || format!("key {key} has other home replicas than before"));
        }
        Ok(home)
    }

    fn replies(&mut self, fields: &Fields<'_>) -> Result<std::ops::Range<u32>, Lacks> {
        let replies = fields.replies.as_ref().ok_or(Lacks("replies"))?;
        let evidence = &mut self.evidence;
        let place = |count: usize| u32::try_from(count).map_err(|_| Lacks("replies that can be counted"));
        let begin = place(evidence.replies.len())?;
        for Object(reply) in replies {
            let replica = evidence.nodes.number(&reply.replica.0);
            let stands_for = reply.stands_for.as_ref().map(|Text(name)| evidence.nodes.number(name));
            evidence.replies.push(Reply { replica, life: reply.incarnation, tag: reply.tag, stands_for });
        }
        Ok(begin..place(evidence.replies.len())?)
    }

    fn answered(&mut self, at: At, fields: &Fields<'_>) -> Result<(), Lacks> {
        let (op, key) = (self.op(fields)?, self.key(fields)?);
        let outcome = match fields.outcome.as_ref().map_or("ok", |Text(text)| text) {
            "ok" => Outcome::Ok,
            "fail" => Outcome::Fail,
            "info" => Outcome::Info,
            _ => return Err(Lacks("an outcome that is known")),
        };
        let kind = fields.f.as_ref().map(|Text(word)| Kind::of(word));
        let answer = Answer { at, tag: fields.tag, digest: fields.digest.map(|Digest(digest)| digest), outcome };
        let operation = self.operation(op);
        operation.key = key;
        operation.kind = kind.unwrap_or(operation.kind);
        if operation.answer.replace(answer).is_some() {
            let name = self.evidence.ops.name(op);
            self.evidence.defects.add(Some(at), || format!("{name} was answered twice"));
        }
        Ok(())
    }

    fn deed(&mut self, at: At, name: &str, fields: &Fields<'_>) -> Result<(), Lacks> {
        let tag = || fields.tag.ok_or(Lacks("a tag"));
        let deed = match name {
            "served" => Deed::Served { op: self.op(fields)?, tag: fields.tag },
            "stored" => Deed::Stored {
                tag: tag()?,
                digest: fields.digest.map(|Digest(digest)| digest),
                old: fields.old,
                origin: Origin::of(fields.cause.as_ref().map_or("", |Text(word)| word)),
                durable: fields.durable.unwrap_or(true),
            },
            "acked" => Deed::Acked { op: self.op(fields)?, tag: fields.tag },
            "hint-stored" => Deed::HintStored { hint: self.hint(fields)?, durable: fields.durable.unwrap_or(true) },
            "hint-delivered" => Deed::HintEnded { hint: self.hint(fields)?, end: HintEnd::Delivered },
            "hint-expired" => Deed::HintEnded { hint: self.hint(fields)?, end: HintEnd::Expired },
            "hint-superseded" => Deed::HintEnded { hint: self.hint(fields)?, end: HintEnd::Superseded },
            "collected" => Deed::Collected { tag: tag()? },
            "recovered" => Deed::Recovered { tag: tag()? },
            "restarted" => Deed::Restarted,
            "amnesia" => Deed::Amnesia,
            "caught-up" => Deed::CaughtUp,
            "held" => Deed::Held { tag: fields.tag },
            _ => Deed::HintsPending { count: fields.count.ok_or(Lacks("count"))? },
        };
        let keyless = matches!(
            deed,
            Deed::Restarted
                | Deed::Amnesia
                | Deed::CaughtUp
                | Deed::HintsPending { .. }
                | Deed::HintStored { .. }
                | Deed::HintEnded { .. }
        );
        let key = if keyless { NONE } else { self.key(fields)? };
        self.evidence.replicas[at.node as usize].push(Event { at, key, deed });
        Ok(())
    }

    fn op(&mut self, fields: &Fields<'_>) -> Result<u32, Lacks> {
        Ok(self.evidence.ops.number(text(fields.op.as_ref(), "op")?))
    }

    fn key(&mut self, fields: &Fields<'_>) -> Result<u32, Lacks> {
        Ok(self.evidence.keys.number(text(fields.key.as_ref(), "key")?))
    }

    fn hint(&mut self, fields: &Fields<'_>) -> Result<u32, Lacks> {
        Ok(self.evidence.hints.number(text(fields.hint.as_ref(), "hint")?))
    }

    fn operation(&mut self, op: u32) -> &mut super::evidence::Operation {
        let operations = &mut self.evidence.operations;
        if operations.len() <= op as usize {
            operations.resize_with(op as usize + 1, Default::default);
        }
        &mut operations[op as usize]
    }
}

fn text<'f>(field: Option<&'f Text<'_>>, name: &'static str) -> Result<&'f str, Lacks> {
    field.map(|Text(text)| &**text).ok_or(Lacks(name))
}
