//! What a rule of chance does to one message.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::network::Rule;

/// The longest that a message is kept by one drawn delay: an exponential tail has no end of its own.
pub(super) const DELAY_MAX: Duration = Duration::from_mins(1);

/// What a draw says about one message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    /// It is lost.
    Lose,
    /// It is delivered twice.
    Duplicate,
    /// One of its bits, which this draw names, is another one.
    Corrupt(u64),
    /// How long the message and its copy, if there is one, wait.
    Slow([Duration; 2]),
}

/// Draws what a rule of chance does to one message. It draws equally often whatever comes out.
pub(super) fn draw(rule: &Rule, rng: &mut ChaCha8Rng) -> Option<Effect> {
    match rule {
        Rule::Cut | Rule::Limit { .. } | Rule::Hold { .. } | Rule::Drop { .. } => None,
        Rule::Lose { share } => (fraction(rng) < *share).then_some(Effect::Lose),
        Rule::Duplicate { share } => (fraction(rng) < *share).then_some(Effect::Duplicate),
        Rule::Corrupt { share } => {
            let (hit, bit) = (fraction(rng) < *share, rng.next_u64());
            hit.then_some(Effect::Corrupt(bit))
        }
        Rule::Delay { base, tail, share } => {
            let hit = fraction(rng) < *share;
            let waits =
                [fraction(rng), fraction(rng)].map(|draw| base.saturating_add(exponential(*tail, draw)).min(DELAY_MAX));
            hit.then_some(Effect::Slow(waits))
        }
        Rule::Reorder { share, window } => {
            let hit = fraction(rng) < *share;
            let waits = [fraction(rng), fraction(rng)].map(|draw| (*window).min(DELAY_MAX).mul_f64(draw));
            hit.then_some(Effect::Slow(waits))
        }
    }
}

/// Uniform in 0..1, in steps of 2^-53.
fn fraction(rng: &mut ChaCha8Rng) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds exactly")]
    let bits = (rng.next_u64() >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

/// A value of the exponential distribution with this mean, by the inverse of its distribution function.
fn exponential(mean: Duration, draw: f64) -> Duration {
    Duration::try_from_secs_f64(-mean.as_secs_f64() * (-draw).ln_1p()).unwrap_or(DELAY_MAX)
}
