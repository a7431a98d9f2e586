//! All rows, section by section, and which ones a name means.

use serde::Serialize;

use super::row::{File, Row, State};

/// Rows that belong together.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// Its name, as it can be typed: `nwr`.
    pub name: &'static str,
    /// What its rows are about.
    pub about: &'static str,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// See the module's head.
#[derive(Clone, Debug, Serialize)]
pub struct Catalogue {
    /// In the order in which they are shown.
    pub sections: Vec<Section>,
}

/// How many rows there are of each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Whose demonstrations come out as predicted.
    pub holds: usize,
    /// Whose demonstrations come out otherwise.
    pub deviates: usize,
    /// Without a demonstration yet.
    pub waits: usize,
    /// Of which the seed is wrong.
    pub wrong: usize,
}

/// Each section's name, what it is about, and its file.
const FILES: [(&str, &str, &str); 9] = [
    ("cap", "CAP, BASE and levels of consistency", include_str!("rows/cap.toml")),
    ("system", "What a distributed system is", include_str!("rows/system.toml")),
    ("commit", "Two-phase and three-phase commit", include_str!("rows/commit.toml")),
    ("nwr", "Quorums", include_str!("rows/nwr.toml")),
    ("gossip", "Gossip", include_str!("rows/gossip.toml")),
    ("redis", "Redis Cluster's membership", include_str!("rows/redis.toml")),
    ("paxos", "Paxos", include_str!("rows/paxos.toml")),
    ("raft", "Raft", include_str!("rows/raft.toml")),
    ("other", "ZAB, leases and the rest", include_str!("rows/other.toml")),
];

impl Catalogue {
    /// The rows that this program was built with.
    ///
    /// # Panics
    ///
    /// Where a file of rows cannot be read: a test reads each.
    pub fn new() -> Self {
        let sections = FILES.map(|(name, about, text)| {
            let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("rows/{name}.toml: {error}"));
            Section { name, about, rows: with_plans(file) }
        });
        Catalogue { sections: sections.into() }
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    /// The row of an id, in whatever case it is written.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows().find(|row| row.id.eq_ignore_ascii_case(id))
    }

    /// The row whose runs demonstrate this one: itself, or the one that it names.
    pub fn demonstrated_by<'a>(&'a self, row: &'a Row) -> &'a Row {
        row.same_as.as_deref().and_then(|id| self.row(id)).unwrap_or(row)
    }

    /// The rows that one of `words` means: a section, an id or its beginning, or a word of the text. All without words.
    #[must_use]
    pub fn filtered(mut self, words: &[String]) -> Self {
        if !words.is_empty() {
            for section in &mut self.sections {
                let name = section.name;
                section.rows.retain(|row| words.iter().any(|word| means(word, name, row)));
            }
            self.sections.retain(|section| !section.rows.is_empty());
        }
        self
    }

    /// How many rows there are of each state.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in self.rows() {
            match row.state() {
                State::Holds => counts.holds += 1,
                State::Deviates => counts.deviates += 1,
                State::Waits => counts.waits += 1,
            }
            counts.wrong += usize::from(row.wrong.is_some());
        }
        counts
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Catalogue::new()
    }
}

/// The rows of a file, each run with the entries of the plan that it names.
fn with_plans(file: File) -> Vec<Row> {
    let mut rows = file.rows;
    for run in rows.iter_mut().flat_map(|row| &mut row.runs) {
        let plan = file.plans.iter().find(|plan| Some(&plan.name) == run.plan.as_ref());
        run.entries.extend(plan.into_iter().flat_map(|plan| plan.entries.clone()));
    }
    rows
}

/// Whether a word means a row: its section, the beginning of its id, or something that it says.
fn means(word: &str, section: &str, row: &Row) -> bool {
    let word = word.to_lowercase();
    let says = |text: &str| text.to_lowercase().contains(&word);
    if section == word || row.id.to_lowercase().starts_with(&word) {
        return true;
    }
    // What looks like an id is no word of a text.
    let is_id = word.len() <= 3 && word.chars().skip(1).all(|c| c.is_ascii_digit());
    let texts = [Some(&row.claim), row.wrong.as_ref(), row.unclear.as_ref(), row.waits.as_ref(), Some(&row.shows)];
    !is_id && texts.into_iter().flatten().any(|text| says(text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ids(words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Catalogue::new().filtered(&words).rows().map(|row| row.id.clone()).collect()
    }

    #[test]
    fn words_mean_sections_ids_their_beginnings_and_texts() {
        assert_eq!(ids(&["n02"]), ["N02"]);
        assert_eq!(ids(&["nwr"]), ids(&["N"]));
        assert_eq!(ids(&["C4", "N01"]), ["C40", "C41", "C42", "N01"]);
        assert!(ids(&["leases"]).contains(&"F21".to_owned()));
        assert!(ids(&["nonsense"]).is_empty());
    }

    #[test]
    fn each_row_either_is_demonstrated_or_waits() {
        let all = Catalogue::new();
        let mut seen = BTreeSet::new();
        for row in all.rows() {
            let planless = row.runs.iter().find(|run| run.plan.is_some() && run.entries.is_empty());
            assert!(planless.is_none(), "{} plays a plan that there is not", row.id);
            assert!(seen.insert(row.id.clone()), "{} occurs twice", row.id);
            let by = all.demonstrated_by(row);
            assert_eq!(row.waits.is_none(), !by.runs.is_empty(), "{} must wait or have runs", row.id);
            assert!(row.same_as.is_none() || by.id != row.id, "{} names no other row", row.id);
            assert!(row.deviates.is_none() || row.waits.is_none(), "{} cannot deviate before it is run", row.id);
        }
        let counts = all.counts();
        assert_eq!(counts.holds + counts.deviates + counts.waits, seen.len());
    }
}
