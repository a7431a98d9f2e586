//! What clients saw, key by key: the finished writes and reads with their tags, in the order of real time. What has no answer in the
//! notes, or none that a client saw, is left out: it orders nothing.

use super::case::{Answered, Case, Set};
use super::evidence::{Client, Kind, PhaseKind};
use super::tag::Tag;

/// A finished write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    pub(super) op: u32,
    pub(super) client: Client,
    pub(super) tag: Tag,
    /// The home replicas that acknowledged it; none where the evidence lacks the phase.
    pub(super) acked: Option<Set>,
}

/// A finished read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) op: u32,
    pub(super) client: Client,
    pub(super) tag: Option<Tag>,
    /// The home replicas that replied to it; none where the evidence lacks the phase.
    pub(super) replied: Option<Set>,
}

/// What clients saw of a key.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) key: u32,
    /// In the order of their completions.
    pub(super) writes: Vec<Write>,
    /// In the order of their invocations.
    pub(super) reads: Vec<Read>,
}

/// A step through what was seen of a key: a write is finished, or a read begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'s> {
    Finished(&'s Write),
    Begins(&'s Read),
}

impl Seen {
    /// Finished writes and beginning reads in the order of real time.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let (mut writes, mut reads) = (self.writes.iter().peekable(), self.reads.iter().peekable());
        std::iter::from_fn(move || match (writes.peek(), reads.peek()) {
            (Some(write), Some(read)) if write.client.completed < read.client.invoked => {
                writes.next().map(Step::Finished)
            }
            (Some(_), None) => writes.next().map(Step::Finished),
            _ => reads.next().map(Step::Begins),
        })
    }
}

/// What clients saw, by key.
pub(super) fn by_key(case: &Case<'_>) -> Vec<Seen> {
    let mut keys: Vec<Seen> = (0..).take(case.evidence.keys.len()).map(|key| Seen { key, ..Seen::default() }).collect();
    for answered in case.answered() {
        let (Some(client), Some(seen)) = (answered.client(), keys.get_mut(answered.operation.key as usize)) else {
            continue;
        };
        take(seen, case, &answered, client);
    }
    for seen in &mut keys {
        seen.writes.sort_unstable_by_key(|write| write.client.completed);
        seen.reads.sort_unstable_by_key(|read| read.client.invoked);
    }
    keys
}

fn take(seen: &mut Seen, case: &Case<'_>, answered: &Answered<'_>, client: Client) {
    let (op, tag) = (answered.op, answered.answer.tag);
    match (answered.kind(), tag) {
        (Kind::Read, _) => {
            let replied = case.replied(answered).map(|counted| counted.claimed);
            // What a read returns as absent may be a tombstone that was collected: it counts as the newest that it saw.
            let tag = tag.or_else(|| collected(case, answered));
            seen.reads.push(Read { op, client, tag, replied });
        }
        (Kind::Write | Kind::Delete, Some(tag)) => {
            let acked = case.acknowledged(answered).map(|counted| counted.claimed);
            seen.writes.push(Write { op, client, tag, acked });
        }
        (Kind::Write | Kind::Delete | Kind::Unknown, _) => {}
    }
}

/// The newest tombstone that a replica had collected when it told a read that it had nothing.
fn collected(case: &Case<'_>, answered: &Answered<'_>) -> Option<Tag> {
    let query = case.phase(answered, PhaseKind::Query)?;
    let absent = case.replies(query).filter(|backed| backed.reply.tag.is_none());
    absent.filter_map(|backed| backed.tag()).max()
}
