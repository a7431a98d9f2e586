//! What a run of a demonstration has left, whoever made it: what clients saw, what nodes told, what was judged.

use schism_checker::budget::Budget;
use schism_checker::history::{History, Operation};
use schism_checker::linearizability::Options;
use schism_checker::models::ModelSpec;
use schism_checker::note::Note;
use schism_checker::verdict::{Outcome, Property};
use schism_checker::weaker::{self, Level};

use crate::verdict::Verdict;

/// Behind the name of a level: judged by versions.
const BY_VERSIONS: &str = " by versions";

/// See the module's head.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What clients saw.
    pub history: History,
    /// What nodes told, in the order of their times on each node.
    pub notes: Vec<Note>,
    /// What the run came to.
    pub verdict: Verdict,
    /// How many nodes there were.
    pub nodes: u16,
}

impl Evidence {
    /// What became of a property: one that the run judged or measured, or a level of consistency, which is checked now, with `by versions`
    /// behind it by the versions that answers tell. `None` where there is no such property, and where the history cannot be checked.
    pub fn property(&self, name: &str, budget: &dyn Budget) -> Option<Property> {
        if let Some(level) = name.strip_suffix(BY_VERSIONS) {
            return self.level(level, &self.operations()?, budget);
        }
        let known = self.verdict.properties.iter().find(|property| property.name == name);
        known.cloned().or_else(|| {
            // What clients saw is judged by what they saw: versions are the system's own account of it.
            let without_version = |operation| Operation { version: None, ..operation };
            let operations: Vec<Operation> = self.operations()?.into_iter().map(without_version).collect();
            self.level(name, &operations, budget)
        })
    }

    /// What became of a property, unknown where nothing can be said.
    pub fn outcome(&self, name: &str, budget: &dyn Budget) -> Outcome {
        self.property(name, budget).map_or(Outcome::Unknown, |property| property.outcome)
    }

    fn operations(&self) -> Option<Vec<Operation>> {
        self.history.operations().ok()
    }

    fn level(&self, name: &str, operations: &[Operation], budget: &dyn Budget) -> Option<Property> {
        let level = Level::parse(name).ok()?.first().copied()?;
        let header = self.history.header.as_ref()?;
        let initial = Some(&header.initial).filter(|initial| !initial.is_null());
        let parameters = initial.map(|initial| ("init".to_owned(), initial.to_string())).into_iter().collect();
        let model = ModelSpec::parse(header.model.as_deref()?, &parameters).ok()?;
        weaker::check_operations(operations, &model, level, &Options::default(), budget).ok()
    }
}

#[cfg(test)]
mod tests {
    use schism_checker::budget::Unlimited;
    use schism_checker::formats;

    use super::*;

    /// Two writes of one client, the second of which got the lower version.
    const OVERTAKEN: &str = r#"{"schism":"history","format":1,"model":"register","initial":null}
{"index":0,"time":1,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":2,"process":0,"type":"ok","f":"write","key":"x","value":1,"quorum":{"version":9}}
{"index":2,"time":3,"process":0,"type":"invoke","f":"write","key":"x","value":2}
{"index":3,"time":4,"process":0,"type":"ok","f":"write","key":"x","value":2,"quorum":{"version":4}}
{"index":4,"time":5,"process":1,"type":"invoke","f":"read","key":"x","value":null}
{"index":5,"time":6,"process":1,"type":"ok","f":"read","key":"x","value":1,"quorum":{"version":9}}
"#;

    #[test]
    fn what_values_cannot_tell_versions_do() {
        let history = formats::read_bytes(OVERTAKEN.as_bytes(), "overtaken").unwrap();
        let verdict = crate::report::sample::valid();
        let evidence = Evidence { history, notes: Vec::new(), verdict, nodes: 3 };
        let outcome = |name: &str| evidence.outcome(name, &Unlimited);
        assert_eq!(outcome("monotonic-writes"), Outcome::Valid);
        assert_eq!(outcome("monotonic-writes by versions"), Outcome::Invalid);
        assert_eq!(outcome("nonsense by versions"), Outcome::Unknown);
    }
}
