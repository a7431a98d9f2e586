//! What lies beneath the faults of a run in virtual time: how long messages, syncs and starts take when nothing is done to
//! them. Whole numbers only, so that every machine and every build draws the same.

use std::fmt;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weather {
    /// How long a message is on its way.
    pub delay: Spread,
    /// How long a sync takes.
    pub sync: Spread,
    /// How long a node takes from its start until it is ready.
    pub boot: Spread,
}

/// A distribution of times: evenly from `least_us` to `most_us`, but for `slow_per_mille` of a thousand, which take up to
/// `slow_us`. All in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The shortest time.
    pub least_us: u32,
    /// The longest time of most.
    pub most_us: u32,
    /// How many of a thousand are slower.
    #[serde(default)]
    pub slow_per_mille: u32,
    /// The longest time of those.
    #[serde(default)]
    pub slow_us: u32,
}

impl Weather {
    /// As on one machine with a good disk: what plans are played in that say nothing else.
    pub const CALM: Weather =
        Weather { delay: Spread::even(50, 150), sync: Spread::even(100, 300), boot: Spread::even(5_000, 15_000) };
}

impl Spread {
    /// Evenly between two times in microseconds.
    pub const fn even(least_us: u32, most_us: u32) -> Self {
        Spread { least_us, most_us, slow_per_mille: 0, slow_us: 0 }
    }

    /// A time in nanoseconds. One draw, whatever comes of it.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> u64 {
        let bits = rng.next_u64();
        let slow = ((bits & 0xffff_ffff) * 1000) >> 32 < u64::from(self.slow_per_mille);
        let most = if slow { self.slow_us.max(self.most_us) } else { self.most_us };
        let (least, most) = (u64::from(self.least_us) * 1000, u64::from(most) * 1000);
        let width = u128::from(most.saturating_sub(least));
        let share = (width * u128::from(bits >> 32)) >> 32;
        least + u64::try_from(share).expect("below the width")
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages {}, syncs {}, starts {}", self.delay, self.sync, self.boot)
    }
}

impl fmt::Display for Spread {
    /// `0.2..1.5 ms, 3 of 1000 up to 40 ms`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{} ms", Millis(self.least_us), Millis(self.most_us))?;
        if self.slow_per_mille > 0 {
            write!(f, " ({} of 1000 up to {} ms)", self.slow_per_mille, Millis(self.slow_us))?;
        }
        Ok(())
    }
}

/// Microseconds as milliseconds.
struct Millis(u32);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        let text = format!("{whole}.{rest:03}");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::stream;

    #[test]
    fn times_lie_where_the_spread_says() {
        let spread = Spread { least_us: 200, most_us: 1500, slow_per_mille: 100, slow_us: 40_000 };
        let mut rng = stream(1, "spread");
        let drawn: Vec<u64> = (0..10_000).map(|_| spread.draw(&mut rng)).collect();
        assert!(drawn.iter().all(|time| (200_000..40_000_000).contains(time)));
        let slow = drawn.iter().filter(|time| **time > 1_500_000).count();
        assert!((850..1_150).contains(&slow), "{slow}");
        assert_eq!(Spread::even(7, 7).draw(&mut rng), 7_000);
    }

    #[test]
    fn it_reads_as_a_sentence() {
        let slow = Spread { slow_per_mille: 30, slow_us: 40_000, ..Spread::even(200, 1500) };
        assert_eq!(slow.to_string(), "0.2..1.5 ms (30 of 1000 up to 40 ms)");
        assert_eq!(Spread::even(0, 0).to_string(), "0..0 ms");
    }
}
