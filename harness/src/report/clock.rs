//! How moments are told: in seconds since the start of a run, or by the clock on the wall.

use crate::report::words;

/// See the module's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Seconds since the start.
    #[default]
    Run,
    /// Universal time; the run began at this moment.
    Wall(jiff::Timestamp),
}

impl Clock {
    /// A moment, in nanoseconds since the start: `5.870`, `02:17:05.870Z`.
    pub fn told(self, nanoseconds: u64) -> String {
        match self {
            Clock::Run => words::seconds(nanoseconds),
            Clock::Wall(start) => wall(start, nanoseconds).unwrap_or_else(|| words::seconds(nanoseconds)),
        }
    }

    /// From one moment to another: `5.870..5.873 s`.
    pub fn interval(self, from: u64, to: Option<u64>) -> String {
        match self {
            Clock::Run => words::span(from, to),
            Clock::Wall(_) => format!("{}..{}", self.told(from), to.map_or_else(String::new, |to| self.told(to))),
        }
    }
}

fn wall(start: jiff::Timestamp, nanoseconds: u64) -> Option<String> {
    let since = jiff::SignedDuration::from_nanos(i64::try_from(nanoseconds).ok()?);
    Some(start.checked_add(since).ok()?.strftime("%H:%M:%S.%3fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_either_clock() {
        let wall = Clock::Wall("2026-08-24T02:17:00.123456789Z".parse().unwrap());
        assert_eq!(Clock::Run.interval(5_870_123_456, Some(5_873_000_000)), "5.870..5.873 s");
        assert_eq!(Clock::Run.interval(5_870_123_456, Some(5_870_200_000)), "5.870123..5.870200 s");
        assert_eq!(Clock::Run.interval(5_870_123_456, None), "5.870.. s");
        assert_eq!(wall.interval(5_870_123_456, Some(65_000_000_000)), "02:17:05.993Z..02:18:05.123Z");
        assert_eq!(wall.interval(0, None), "02:17:00.123Z..");
    }
}
