//! What is left of a system while it is cut, in the words of BASE and PACELC, each with what exactly is meant by it.
//!
//! BASE (Pritchett 2008; Fox et al. 1997): *basically available*, as the share of reads and writes of all clients that were answered within
//! a second while it was cut, beside that of before; *soft state*, of which nothing is known but how it ended, since nodes are asked for what
//! they hold in the end alone; *eventually consistent*, as the time from healing to when all replicas answered alike.
//!
//! PACELC (Abadi 2012): if cut, A where every side was available and C where not and the history is linearizable; else, L where its
//! median read before the cut took at most 1.3 times as long as that of the fastest system in the comparison, and C where it took longer.

use serde::{Deserialize, Serialize};

use super::card::{Card, Class};
use super::{Compared, Comparison};
use crate::measure::{Met, Pace, Split};
use crate::report::words;

/// A read may take so many times as long as the fastest, and still is called fast.
const LATENCY_RATIO: f64 = 1.3;

/// What a system gave while it was cut, against before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// How many reads and writes were answered within a second before …
    pub before: Met,
    /// … and while it was cut, on all sides.
    pub during: Met,
    /// The slower of the 99th percentiles of reads and writes before, in milliseconds …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_before_ms: Option<f64>,
    /// … and while it was cut, of those that were answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_during_ms: Option<f64>,
    /// The median of reads before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_p50_before_ms: Option<f64>,
    /// From healing to equal replicas; absent where they never were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converge_ms: Option<f64>,
}

impl Base {
    pub(super) fn of(split: &Split, converge_ms: Option<f64>) -> Self {
        let slower = |pace: &std::collections::BTreeMap<String, Pace>| {
            let reads_and_writes = ["read", "write"].into_iter().filter_map(|kind| pace.get(kind));
            reads_and_writes.map(|pace| pace.p99_ms).reduce(f64::max)
        };
        Base {
            before: split.before,
            during: split.during,
            p99_before_ms: slower(&split.pace_before),
            p99_during_ms: slower(&split.pace_during),
            read_p50_before_ms: split.pace_before.get("read").map(|pace| pace.p50_ms),
            converge_ms,
        }
    }

    /// `answered 52.1 % in 1 s while cut (99.9 % before); …`.
    pub(super) fn told(&self) -> String {
        let share =
            |met: Met| met.share().map_or_else(|| "nothing".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        let ratio = match (self.p99_before_ms, self.p99_during_ms) {
            (Some(before), Some(during)) if before > 0.0 => {
                format!("p99 of what was answered {during:.1} ms ({before:.1} ms before)")
            }
            _ => "p99 not known".to_owned(),
        };
        let eventually = match self.converge_ms {
            Some(ms) => format!("replicas equal {} after healing", words::latency(micros(ms))),
            None => "replicas not seen equal in the end".to_owned(),
        };
        format!(
            "BASE: {} answered in 1 s while cut ({} before); {ratio}; {eventually}; how far they differed meanwhile is not known",
            share(self.during),
            share(self.before)
        )
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are not below 0")]
fn micros(ms: f64) -> u64 {
    (ms * 1_000.0).round() as u64
}

/// `PACELC: PC/EL, …` of a card; what cannot be told is said.
pub(super) fn pacelc(comparison: &Comparison, card: &Card) -> Option<String> {
    let base = card.base.as_ref()?;
    let (cut, why_cut) = match card.class {
        Class::Ap | Class::ApLossy => ("PA", "every side was available while cut"),
        Class::Cp | Class::Blocked => ("PC", "linearizable, and not available on every side while cut"),
        Class::Neither => ("P-", "neither linearizable nor available on every side with equal replicas after it"),
        Class::Impossible | Class::Inconclusive => return Some("PACELC: not known, as the class is not".to_owned()),
    };
    let others = comparison.systems.iter().flat_map(|system: &Compared| &system.cards);
    let reads: Vec<f64> = others.filter_map(|card| card.base.as_ref()?.read_p50_before_ms).collect();
    let (healthy, why_healthy) = match (base.read_p50_before_ms, reads.iter().copied().reduce(f64::min)) {
        (Some(_), _) if comparison.systems.len() < 2 => {
            ("E?", "one system alone has nothing to be slower than".to_owned())
        }
        (Some(own), Some(fastest)) => {
            let letters = if own <= LATENCY_RATIO * fastest { "EL" } else { "EC" };
            (letters, format!("median read {own:.1} ms before it, the fastest of these {fastest:.1} ms"))
        }
        _ => ("E?", "no read was answered before it".to_owned()),
    };
    Some(format!("PACELC: {cut}/{healthy}, {why_cut}; {why_healthy}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::sample;

    fn with(reads: [f64; 2]) -> Comparison {
        let mut comparison = sample::comparison();
        for (system, read) in comparison.systems.iter_mut().zip(reads) {
            system.cards[0].base.as_mut().unwrap().read_p50_before_ms = Some(read);
        }
        comparison
    }

    fn letters(comparison: &Comparison, place: usize) -> String {
        let told = pacelc(comparison, &comparison.systems[place].cards[0]).unwrap();
        told.split([' ', ',']).nth(1).unwrap().to_owned()
    }

    #[test]
    fn letters_follow_from_the_class_and_the_fastest_read() {
        assert_eq!((letters(&with([2.0, 2.6]), 0), letters(&with([2.0, 2.6]), 1)), ("PC/EL".into(), "P-/EL".into()));
        assert_eq!((letters(&with([2.7, 2.0]), 0), letters(&with([2.7, 2.0]), 1)), ("PC/EC".into(), "P-/EL".into()));
        let mut alone = with([2.0, 2.0]);
        alone.systems.truncate(1);
        assert_eq!(letters(&alone, 0), "PC/E?", "one system alone has no fastest");
        alone.systems[0].cards[0].class = Class::Inconclusive;
        assert_eq!(pacelc(&alone, &alone.systems[0].cards[0]).unwrap(), "PACELC: not known, as the class is not");
    }

    #[test]
    fn what_was_not_measured_is_said_to_be_unknown() {
        let nothing = Met { ms: 1_000, ok: 0, of: 0 };
        let base = Base {
            before: nothing,
            during: Met { ms: 1_000, ok: 1, of: 2 },
            p99_before_ms: None,
            p99_during_ms: Some(3.0),
            read_p50_before_ms: None,
            converge_ms: None,
        };
        let told = base.told();
        for part in ["50.0 % answered in 1 s while cut (nothing before)", "p99 not known", "not seen equal"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
