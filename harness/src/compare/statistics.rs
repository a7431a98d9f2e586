//! What a few runs say about many: medians with bootstrap intervals, and shares with Wilson's.
//!
//! Seeds are few and their figures far from normal, so that nothing here assumes a distribution.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::chance;

/// How often a sample is drawn again.
const RESAMPLES: usize = 2_000;
/// The share of resamples on either side of an interval: 95 % lie within.
const TAIL: f64 = 0.025;
/// The quantile of the normal distribution that leaves 2.5 % above it.
const NORMAL: f64 = 1.959_964;

/// A figure with the interval that 95 of 100 such samples would put around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure itself.
    pub value: f64,
    /// The low end.
    pub low: f64,
    /// The high end.
    pub high: f64,
}

/// The median of a sample with its percentile bootstrap interval (Efron 1979); none of no sample.
///
/// The resamples come from a stream that belongs to `name`, so that the same runs give the same interval.
pub fn median(sample: &[f64], name: &str) -> Option<Estimate> {
    let value = middle(sample.to_vec())?;
    let mut rng = chance::stream(0, &format!("bootstrap/{name}"));
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| middle((0..sample.len()).map(|_| sample[rng.random_range(0..sample.len())]).collect()))
        .collect();
    medians.sort_by(f64::total_cmp);
    Some(Estimate { value, low: quantile(&medians, TAIL), high: quantile(&medians, 1.0 - TAIL) })
}

/// How many of so many, as a share with Wilson's interval (1927), which stays within 0..=1 and says something even of none
/// out of few.
pub fn share(hits: usize, all: usize) -> Option<Estimate> {
    let n = float(all);
    (all > 0).then(|| {
        let value = float(hits) / n;
        let square = NORMAL * NORMAL;
        let centre = (value + square / (2.0 * n)) / (1.0 + square / n);
        let spread = (value * (1.0 - value) / n + square / (4.0 * n * n)).sqrt() * NORMAL / (1.0 + square / n);
        Estimate { value, low: (centre - spread).max(0.0), high: (centre + spread).min(1.0) }
    })
}

/// The middle one, or the mean of the two in the middle.
fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// The value that this share of the sorted values does not exceed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[(share * float(sorted.len() - 1)).round() as usize]
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^53")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_in_the_middle_and_its_interval_around_it() {
        assert_eq!(median(&[], "x"), None);
        assert_eq!(median(&[3.0], "x"), Some(Estimate { value: 3.0, low: 3.0, high: 3.0 }));
        let even = median(&[4.0, 1.0, 3.0, 2.0], "x").unwrap();
        assert_eq!((even.value, even.low >= 1.0, even.high <= 4.0), (2.5, true, true));
        let wide: Vec<f64> = (0..101).map(f64::from).collect();
        let estimate = median(&wide, "x").unwrap();
        assert!((estimate.value - 50.0).abs() < f64::EPSILON);
        // The exact interval by order statistics: the 41st to the 61st of 101.
        assert!((33.0..47.0).contains(&estimate.low) && (53.0..67.0).contains(&estimate.high), "{estimate:?}");
    }

    #[test]
    fn the_same_sample_has_the_same_interval() {
        let sample = [1.0, 5.0, 2.0, 8.0, 3.0];
        assert_eq!(median(&sample, "x"), median(&sample, "x"));
    }

    #[test]
    fn shares_have_the_intervals_of_the_book() {
        assert_eq!(share(0, 0), None);
        // Brown, Cai and DasGupta (2001) give these for none and for all of ten.
        for (hits, low, high) in [(0, 0.0, 0.277_5), (10, 0.722_5, 1.0), (5, 0.236_6, 0.763_4)] {
            let found = share(hits, 10).unwrap();
            assert!((found.low - low).abs() < 1e-3 && (found.high - high).abs() < 1e-3, "{hits}: {found:?}");
        }
    }
}
