//! The faults of a run as intervals with their proof, from the controller's own events.

use schism_checker::history::{Event, History, Process};
use serde::Serialize;
use serde_json::Value;

use crate::report::{inert, words};

/// How much of a target, a link or a proof is shown.
const CHARACTERS_MAX: usize = 400;

/// A fault from its begin to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fault {
    /// Its entry in the plan.
    pub id: u64,
    /// `partition`, `kill`, …
    pub kind: String,
    /// In nanoseconds since the start.
    pub begin: u64,
    /// When it was proved to be in force, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force: Option<u64>,
    /// When it ended, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// The nodes that it was aimed at.
    pub targets: Vec<String>,
    /// The links that it cut: `n1->n3`.
    pub cut: Vec<String>,
    /// The shape of a cut: `ring`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// What proved it, as it was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// What became of it: `proved`, `moot`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fate: Option<String>,
}

/// All faults, in the order of their begins.
pub fn faults(history: &History) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let nemesis = |event: &&Event| matches!(&event.process, Process::Named(name) if &**name == "nemesis");
    for event in history.events.iter().filter(nemesis).filter(|event| &*event.f != "final") {
        let (Some(time), Some(id)) = (event.time, event.extra.get("id").and_then(Value::as_u64)) else { continue };
        let phase = event.extra.get("phase").and_then(Value::as_str);
        let known = faults.iter_mut().rev().find(|fault| fault.id == id && fault.kind == *event.f);
        match (phase, known) {
            (Some("begin"), _) => faults.push(begun(event, id, time)),
            (Some("in-force" | "in force"), Some(fault)) => {
                fault.in_force = Some(time);
                let proof = event.value.get("proof").unwrap_or(&event.value);
                fault.proof = Some(inert::value(proof, CHARACTERS_MAX));
            }
            (Some("end"), Some(fault)) => {
                fault.end = Some(time);
                fault.fate = event.value.get("fate").map(|fate| inert::value(fate, CHARACTERS_MAX));
            }
            _ => {}
        }
    }
    faults
}

fn begun(event: &Event, id: u64, begin: u64) -> Fault {
    let texts = |name: &str| {
        let all = event.value.get(name).and_then(Value::as_array).into_iter().flatten();
        all.map(|text| inert::value(text, CHARACTERS_MAX)).collect()
    };
    Fault {
        id,
        kind: inert::short(&event.f, CHARACTERS_MAX),
        begin,
        in_force: None,
        end: None,
        targets: texts("targets"),
        cut: texts("cut"),
        shape: event.value.get("shape").map(|shape| inert::value(shape, CHARACTERS_MAX)),
        proof: None,
        fate: None,
    }
}

impl Fault {
    /// Whether it had begun and not ended in some moment of this time.
    pub fn overlaps(&self, from: u64, to: u64) -> bool {
        self.begin <= to && self.end.is_none_or(|end| end >= from)
    }

    /// `partition (ring) from 1.321 to 2.739 s: n1->n3, n2->n1 cut`.
    pub fn told(&self) -> String {
        let shape = self.shape.as_ref().map_or_else(String::new, |shape| format!(" ({shape})"));
        let end = self.end.map_or_else(|| "the end".to_owned(), |end| format!("{} s", words::seconds(end)));
        let whom = if self.cut.is_empty() { self.targets.join(", ") } else { format!("{} cut", self.cut.join(", ")) };
        let whom = if whom.is_empty() { whom } else { format!(": {whom}") };
        format!("{}{shape} from {} s to {end}{whom}", self.kind, words::seconds(self.begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_fault_has_its_begin_its_proof_and_its_end() {
        let faults = faults(&sample::history());
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].begin, faults[0].in_force, faults[0].end),
            (5_200_000_000, Some(5_201_000_000), Some(6_300_000_000))
        );
        assert_eq!(faults[0].proof.as_deref(), Some(r#"{"probes":{"n1->n3":"lost"}}"#));
        assert_eq!(faults[0].told(), "partition from 5.200 s to 6.300 s");
        assert!(faults[0].overlaps(0, 5_200_000_000) && !faults[0].overlaps(6_300_000_001, u64::MAX));
    }
}
