//! What a node tells of its quorums, so that others can judge them: who was counted and not how many, with which lives and
//! which versions. What a coordinator notes is what it counted, its deliberate bug included.

use serde_json::{Map, Value, json};

use super::coordinator::{Counted, Operation};
use super::message::Phase;
use super::version::Version;
use crate::digest::Digest;
use crate::id::{NodeId, RequestId};
use crate::note::Note;

/// Adds what a version is called: its tag (null where there is none) with the digest of its value, or its siblings' dots.
pub(super) fn with_version(note: Note, version: Option<&Version>) -> Note {
    match version {
        None => note.with("tag", Value::Null),
        Some(Version::Tagged(tagged)) => {
            note.with("tag", tagged.tag.json()).with("digest", Digest::of(&tagged.value).to_string())
        }
        Some(version @ Version::Siblings(siblings)) => {
            let dots: Vec<Value> = siblings.dots().map(|dot| json!(dot)).collect();
            note.with("dots", dots).with("digest", version.digest().to_string())
        }
    }
}

/// What a version is called, alone.
fn tag(version: Option<&Version>) -> Value {
    version.and_then(Version::tag).map_or(Value::Null, super::Tag::json)
}

/// An operation was taken up.
pub(super) fn begun(op: RequestId, key: &str, f: &str, value: Option<&Value>) -> Note {
    let note = about(Note::new("begun"), op, key).with("f", f);
    value.map_or_else(|| note.clone(), |value| note.clone().with("digest", Digest::of(value).to_string()))
}

/// A phase of an operation is decided: these answers were counted, and this was chosen.
pub(super) fn phase(op: RequestId, operation: &Operation, phase: Phase, need: usize, chosen: Option<&Version>) -> Note {
    let names = |nodes: &mut dyn Iterator<Item = NodeId>| nodes.map(|node| json!(node)).collect::<Vec<Value>>();
    let replies: Vec<Value> = operation.counted.iter().map(|counted| reply(counted, phase, chosen)).collect();
    let note = about(Note::new("phase"), op, &operation.key)
        .with("phase", phase.to_string())
        .with("attempt", operation.attempt)
        .with("need", need)
        .with("home", names(&mut operation.home.iter().copied()))
        .with("sent", names(&mut operation.asked.iter().copied()))
        .with("replies", replies);
    with_version(note, chosen)
}

/// An answer that was counted. The digest stands where the coordinator knows it.
fn reply(counted: &Counted, phase: Phase, chosen: Option<&Version>) -> Value {
    let mut reply = Map::new();
    reply.insert("replica".to_owned(), json!(counted.replica));
    reply.insert("incarnation".to_owned(), counted.incarnation.into());
    let version = if phase == Phase::Query { counted.version.as_ref() } else { chosen };
    if let Some(newer) = counted.newer {
        reply.insert("tag".to_owned(), newer.json());
    } else {
        reply.insert("tag".to_owned(), tag(version));
        reply.extend(version.map(|version| ("digest".to_owned(), version.digest().to_string().into())));
    }
    reply.extend(counted.stands_for.map(|home| ("for".to_owned(), json!(home))));
    Value::Object(reply)
}

/// An answer is about to leave. `need` replicas have to have stored what it tells of.
pub(super) fn answered(
    op: RequestId,
    key: &str,
    f: &str,
    version: Option<&Version>,
    need: usize,
    outcome: &str,
) -> Note {
    let note = about(Note::new("answered"), op, key).with("f", f);
    with_version(note, version).with("need", need).with("outcome", outcome)
}

/// A note about an operation on a key.
pub(super) fn about(note: Note, op: RequestId, key: &str) -> Note {
    note.with("op", op.to_string()).with("key", key)
}
