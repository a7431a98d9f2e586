//! Notes of the nodes, from `events.jsonl`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Window, lines, touches};
use crate::report::inert;

/// Notes of a kind of which a whole run has no more than this are landmarks, wherever they are: leaders, restarts.
const RARE: usize = 120;
/// No more notes of the windows than this are kept.
const NOTES_MAX: usize = 3_000;
const TEXT_CHARACTERS: usize = 300;

/// What a node told about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Who.
    pub node: String,
    /// In which of its lives.
    pub life: u64,
    /// Nanoseconds since the start.
    pub at: u64,
    /// Its name: `leader`.
    pub name: String,
    /// What it says: `epoch 3, index 17`.
    pub says: String,
    /// Whether the run has few of its kind.
    pub rare: bool,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    node: Cow<'a, str>,
    #[serde(default)]
    incarnation: u64,
    #[serde(borrow)]
    note: Cow<'a, str>,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// The beginning of a line, which tells whether the rest is worth reading.
#[derive(Deserialize)]
struct Head<'a> {
    time: u64,
    #[serde(borrow)]
    note: Cow<'a, str>,
}

/// Notes of rare kinds, and those that fall into the windows, by time.
pub(super) fn read(path: &Path, windows: &[Window]) -> Result<Vec<Note>, String> {
    let mut all = lines(path)?;
    let header = all.next().ok_or("the file is empty")?.map_err(|error| error.to_string())?;
    let header: Value = serde_json::from_str(&header).map_err(|error| error.to_string())?;
    let zero = header.get("zero").and_then(Value::as_u64);
    let zero = zero.ok_or("the file does not tell where its clock stands to that of the history")?;
    // Of each kind: how many there are, and those that are kept if there are few.
    let mut kinds: BTreeMap<String, (usize, Vec<Note>)> = BTreeMap::new();
    let mut near = Vec::new();
    for line in all {
        let text = line.map_err(|error| error.to_string())?;
        let Ok(head) = serde_json::from_str::<Head<'_>>(&text) else { continue };
        let at = head.time.saturating_sub(zero);
        if !kinds.contains_key(&*head.note) {
            kinds.insert(head.note.clone().into_owned(), (0, Vec::new()));
        }
        let (count, few) = kinds.get_mut(&*head.note).expect("it was inserted");
        *count += 1;
        let touched = near.len() < NOTES_MAX && touches(windows, at, at);
        if *count <= RARE || touched {
            let Ok(line) = serde_json::from_str::<Line<'_>>(&text) else { continue };
            let note = told(&line, at);
            if touched {
                near.push(note);
            } else {
                few.push(note);
            }
        } else if *count == RARE + 1 {
            few.clear();
        }
    }
    let mut notes: Vec<Note> = kinds.values_mut().flat_map(|(_, few)| std::mem::take(few)).chain(near).collect();
    for note in &mut notes {
        note.rare = kinds.get(&note.name).is_some_and(|(count, _)| *count <= RARE);
        note.name = inert::short(&note.name, TEXT_CHARACTERS);
    }
    notes.sort_by_key(|note| note.at);
    Ok(notes)
}

fn told(line: &Line<'_>, at: u64) -> Note {
    let fields = line.fields.iter().filter(|(_, value)| !value.is_null());
    let fields = fields.map(|(name, value)| format!("{name} {}", inert::value(value, TEXT_CHARACTERS)));
    Note {
        node: inert::short(&line.node, TEXT_CHARACTERS),
        life: line.incarnation,
        at,
        name: line.note.clone().into_owned(),
        says: inert::short(&fields.collect::<Vec<_>>().join(", "), TEXT_CHARACTERS),
        rare: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(header: &str, windows: &[Window]) -> Result<Vec<Note>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let many = (0..200).map(|time| format!("{{\"node\":\"n2\",\"time\":{},\"note\":\"stored\"}}\n", 1_000 + time));
        let leader = "{\"node\":\"n1\",\"incarnation\":2,\"seq\":1,\"time\":1500,\"note\":\"leader\",\"fields\":{\"epoch\":3}}\n";
        fs_err::write(&path, format!("{header}\n{}{leader}torn", many.collect::<String>())).unwrap();
        read(&path, windows)
    }

    #[test]
    fn rare_notes_are_kept_wherever_they_are_and_others_near_what_matters() {
        let notes = kept(r#"{"schism":"events","format":1,"zero":1000}"#, &[(150, 160)]).unwrap();
        let leader = notes.last().unwrap();
        assert_eq!(
            (leader.name.as_str(), leader.says.as_str(), leader.at, leader.rare),
            ("leader", "epoch 3", 500, true)
        );
        assert_eq!(notes.len(), 12, "{notes:?}");
        assert!(notes[..11].iter().all(|note| (150..=160).contains(&note.at) && !note.rare));
    }

    #[test]
    fn without_a_common_clock_no_note_is_placed() {
        assert!(kept(r#"{"schism":"events","format":1}"#, &[]).unwrap_err().contains("clock"));
    }
}
