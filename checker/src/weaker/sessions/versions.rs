//! Versions as the system tells them: numbers, texts, or lists of these such as `[4,"n2",1,17]`, compared part by part. A number at
//! the end of a text counts as a number, so that n10 stands behind n2.

use serde_json::Value;

use crate::model::Model;
use crate::weaker::whole::{OpId, Whole};

/// The place of each version among those of its key.
pub(super) struct Ranks {
    /// None where nobody told the version: the write crashed and was not read.
    pub(super) of_writes: Vec<Option<u32>>,
    /// Whether no two writes of a key have the same version.
    pub(super) differ: bool,
    /// For each operation whether it wrote.
    writes: Vec<bool>,
}

impl Ranks {
    pub(super) fn writes(&self, op: OpId) -> bool {
        self.writes[op as usize]
    }
}

/// A version that can be compared with others of its length.
type Version = Vec<(String, Option<u64>)>;

/// None unless every read and every acknowledged write told its version, all who saw a write told the same of it, and all versions can be
/// compared.
pub(super) fn ranks<M: Model>(whole: &Whole<'_, '_, M>) -> Option<Ranks> {
    let mut told: Vec<Option<Version>> = vec![None; whole.op_of_write.len()];
    let mut keys: Vec<u32> = vec![0; whole.op_of_write.len()];
    for (id, op) in whole.numbered() {
        keys[op.write as usize] = op.key;
        let operation = whole.call(id).operation;
        // What a compare-and-set tells is the version that it wrote.
        if !op.writes && &*operation.f != "read" {
            continue;
        }
        let version = operation.version.as_deref().filter(|version| !version.is_null());
        if whole.is_initial(op.write) {
            // What was never written has no version.
            if version.is_some() {
                return None;
            }
            continue;
        }
        match (version, op.end) {
            (Some(version), _) => {
                let version = parts(version)?;
                if told[op.write as usize].replace(version.clone()).is_some_and(|before| before != version) {
                    return None;
                }
            }
            (None, None) => {}
            (None, Some(_)) => return None,
        }
    }
    let mut all: Vec<(u32, &Version, usize)> =
        told.iter().enumerate().filter_map(|(write, version)| Some((keys[write], version.as_ref()?, write))).collect();
    all.sort_unstable();
    let mut ranks = Ranks {
        of_writes: vec![None; told.len()],
        differ: true,
        writes: whole.ops.iter().map(|op| op.writes).collect(),
    };
    for &initial in &whole.initials {
        ranks.of_writes[initial as usize] = Some(0);
    }
    let mut rank = 0;
    for (place, &(key, version, write)) in all.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| all[before]).filter(|&(of, ..)| of == key);
        match before {
            None => rank = 1,
            Some((_, older, _)) if older.len() != version.len() => return None,
            Some((_, older, _)) if older == version => ranks.differ = false,
            Some(_) => rank += 1,
        }
        ranks.of_writes[write] = Some(rank);
    }
    Some(ranks)
}

fn parts(version: &Value) -> Option<Version> {
    match version {
        Value::Array(all) => all.iter().map(part).collect(),
        other => part(other).map(|part| vec![part]),
    }
}

fn part(part: &Value) -> Option<(String, Option<u64>)> {
    match part {
        Value::Number(number) => Some((String::new(), Some(number.as_u64()?))),
        Value::String(text) => {
            let digits = text.len() - text.bytes().rev().take_while(u8::is_ascii_digit).count();
            let number: Option<u64> = text[digits..].parse().ok();
            // A number that is not written as usual says something else.
            let usual = number.filter(|number| number.to_string() == text[digits..]);
            Some(usual.map_or_else(|| (text.clone(), None), |number| (text[..digits].to_owned(), Some(number))))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_compared_part_by_part_and_numbers_as_numbers() {
        let ascending =
            [json!([1, "n2", 1, 9]), json!([1, "n10", 1, 1]), json!([2, "n1", 1, 1]), json!([10, "n1", 1, 1])];
        let read: Vec<Version> = ascending.iter().map(|version| parts(version).unwrap()).collect();
        assert!(read.is_sorted());
        assert!(parts(&json!({"n1": 3})).is_none(), "a vector has no order");
        assert!(parts(&json!([1, [2]])).is_none());
        assert!(parts(&json!("a07")).unwrap() != parts(&json!("a7")).unwrap());
    }
}
