//! What of the runs is wanted, from the address of a page.

use schism_checker::verdict::Outcome;
use serde::Deserialize;

use super::index::{Entry, State};

/// Filters and order of a list of runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// Words that all have to occur in a run's id, label, system, workload or seed.
    pub(super) q: String,
    /// `valid`, `invalid`, `unknown`, `vacuous`, `failed`, `running` or `damaged`; all where empty.
    pub(super) outcome: String,
    /// `time` (the newest first, the default), `system`, `outcome` or `ok`.
    pub(super) sort: String,
    /// The label of a test, for its trend.
    pub(super) label: String,
    /// A system, a workload and faults, each whole as it stands in the list; all where empty.
    pub(super) system: String,
    pub(super) workload: String,
    pub(super) faults: String,
}

impl Wanted {
    /// The runs that are wanted, in the order that is.
    pub(super) fn of<'a>(&self, all: &'a [Entry]) -> Vec<&'a Entry> {
        let is = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        let needles: Vec<String> = self.q.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<&Entry> = all
            .iter()
            .filter(|entry| is(&self.outcome, entry.state.word()) && is(&self.label, &entry.label))
            .filter(|entry| is(&self.system, &entry.system) && is(&self.workload, &entry.workload))
            .filter(|entry| is(&self.faults, &entry.faults))
            .filter(|entry| {
                let hay = entry.hay();
                needles.iter().all(|needle| hay.contains(needle))
            })
            .collect();
        // The newest first; then by what was asked for, which keeps that order among equals.
        found.sort_by(|a, b| b.id.cmp(&a.id));
        match self.sort.as_str() {
            "system" => found.sort_by(|a, b| a.system.cmp(&b.system)),
            "outcome" => found.sort_by_key(|entry| std::cmp::Reverse(worst(&entry.state))),
            "ok" => found.sort_by_key(|entry| std::cmp::Reverse(entry.ok)),
            _ => {}
        }
        found
    }
}

/// What asks for attention comes first.
fn worst(state: &State) -> u8 {
    match state {
        State::Judged(Outcome::Invalid) => 6,
        State::Failed => 5,
        State::Damaged(_) => 4,
        State::Judged(Outcome::Vacuous) => 3,
        State::Judged(Outcome::Unknown) => 2,
        State::Running => 1,
        State::CutOff | State::Judged(Outcome::Valid) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, system: &str, state: State) -> Entry {
        Entry {
            label: format!("{system}-register-standard"),
            id: id.to_owned(),
            system: system.to_owned(),
            state,
            ..Entry::default()
        }
    }

    #[test]
    fn runs_are_filtered_searched_and_sorted() {
        let all = [
            entry("1", "raft", State::Judged(Outcome::Valid)),
            entry("2", "nwr:w=1", State::Judged(Outcome::Invalid)),
            entry("3", "raft", State::Damaged("no".to_owned())),
        ];
        let ids = |wanted: Wanted| wanted.of(&all).iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>();
        assert_eq!(ids(Wanted::default()), ["3", "2", "1"]);
        assert_eq!(ids(Wanted { q: "RAFT register".to_owned(), ..Wanted::default() }), ["3", "1"]);
        assert_eq!(ids(Wanted { outcome: "invalid".to_owned(), ..Wanted::default() }), ["2"]);
        assert_eq!(ids(Wanted { sort: "outcome".to_owned(), ..Wanted::default() }), ["2", "3", "1"]);
        assert_eq!(ids(Wanted { sort: "system".to_owned(), ..Wanted::default() }), ["2", "3", "1"]);
    }
}
