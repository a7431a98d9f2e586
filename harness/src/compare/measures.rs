//! What is measured of each run, in the order of the table.

use crate::report::words;

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name in `comparison.json` and in tables for programs.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// In what it counts.
    pub unit: Unit,
    /// Which way is better, if one is.
    pub better: Better,
}

/// In what a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A number of things for each of something else.
    Ratio,
    /// A share in 0..=1.
    Share,
    /// Milliseconds.
    Milliseconds,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More.
    More,
    /// Less.
    Less,
    /// It depends.
    Neither,
}

const fn measure(name: &'static str, title: &'static str, unit: Unit, better: Better) -> Measure {
    Measure { name, title, unit, better }
}

/// All of them.
pub const MEASURES: [Measure; 38] = [
    measure("stale_per_1000", "stale reads of 1,000", Unit::Ratio, Better::Less),
    measure("versions_behind", "versions behind at most", Unit::Count, Better::Less),
    measure("stale_ms_p99", "staleness p99", Unit::Milliseconds, Better::Less),
    measure("stale_ms_max", "staleness at most", Unit::Milliseconds, Better::Less),
    measure("lost_writes", "acknowledged writes lost", Unit::Count, Better::Less),
    measure("resurrected_writes", "resurrected writes", Unit::Count, Better::Less),
    measure("read_majority", "reads ok in 1 s, majority side", Unit::Share, Better::More),
    measure("read_minority", "reads ok in 1 s, minority side", Unit::Share, Better::More),
    measure("write_majority", "writes ok in 1 s, majority side", Unit::Share, Better::More),
    measure("write_minority", "writes ok in 1 s, minority side", Unit::Share, Better::More),
    measure("detect_ms", "fault to next write, larger side", Unit::Milliseconds, Better::Less),
    measure("detect_partition_ms", "… after a partition", Unit::Milliseconds, Better::Less),
    measure("detect_kill_ms", "… after a kill", Unit::Milliseconds, Better::Less),
    measure("detect_powerloss_ms", "… after a power loss", Unit::Milliseconds, Better::Less),
    measure("detect_pause_ms", "… after a pause", Unit::Milliseconds, Better::Less),
    measure("detect_delay_ms", "… after a delay", Unit::Milliseconds, Better::Less),
    measure("detect_loss_ms", "… after a loss", Unit::Milliseconds, Better::Less),
    measure("detect_clock_ms", "… after a clock fault", Unit::Milliseconds, Better::Less),
    measure("unavailable_ms", "unavailable a fault, larger side", Unit::Milliseconds, Better::Less),
    measure("recover_ms", "heal to steady answers", Unit::Milliseconds, Better::Less),
    measure("converge_ms", "heal to equal replicas", Unit::Milliseconds, Better::Less),
    measure("messages_per_op", "messages an operation", Unit::Ratio, Better::Less),
    measure("bytes_per_op", "bytes between nodes an operation", Unit::Ratio, Better::Less),
    measure("syncs_per_op", "syncs an operation", Unit::Ratio, Better::Less),
    measure("read_p50_ms", "read p50", Unit::Milliseconds, Better::Less),
    measure("read_p99_ms", "read p99", Unit::Milliseconds, Better::Less),
    measure("write_p50_ms", "write p50", Unit::Milliseconds, Better::Less),
    measure("write_p99_ms", "write p99", Unit::Milliseconds, Better::Less),
    measure("cas_p50_ms", "cas p50", Unit::Milliseconds, Better::Less),
    measure("cas_p99_ms", "cas p99", Unit::Milliseconds, Better::Less),
    measure("read_slow_p99_ms", "read p99 while messages are delayed", Unit::Milliseconds, Better::Less),
    measure("write_slow_p99_ms", "write p99 while messages are delayed", Unit::Milliseconds, Better::Less),
    measure("ok", "operations ok", Unit::Count, Better::Neither),
    measure("fail", "operations fail", Unit::Count, Better::Neither),
    measure("info", "operations info", Unit::Count, Better::Neither),
    measure("faults", "faults proved", Unit::Count, Better::Neither),
    measure("rate_per_s", "operations a second", Unit::Ratio, Better::Neither),
    measure("lag_ms", "controller's lag at most", Unit::Milliseconds, Better::Neither),
];

impl Unit {
    /// A figure for people.
    pub fn shown(self, figure: f64) -> String {
        match self {
            Unit::Ratio if figure.abs() < 10.0 => format!("{figure:.2}"),
            Unit::Count | Unit::Ratio => words::thousands(whole(figure)),
            Unit::Share => format!("{:.1} %", 100.0 * figure),
            Unit::Milliseconds => words::latency(whole(figure * 1_000.0)),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are counts and times, none below 0"
)]
fn whole(figure: f64) -> u64 {
    figure.round() as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn figures_are_shown_in_their_units() {
        for (unit, figure, shown) in [
            (Unit::Count, 14_990.0, "14,990"),
            (Unit::Ratio, 3.456, "3.46"),
            (Unit::Ratio, 996.4, "996"),
            (Unit::Share, 0.998_7, "99.9 %"),
            (Unit::Milliseconds, 0.87, "870 µs"),
            (Unit::Milliseconds, 312.0, "312.0 ms"),
        ] {
            assert_eq!(unit.shown(figure), shown);
        }
    }

    #[test]
    fn no_name_stands_for_two_figures() {
        let names: BTreeSet<&str> = MEASURES.iter().map(|measure| measure.name).collect();
        assert_eq!(names.len(), MEASURES.len());
    }
}
