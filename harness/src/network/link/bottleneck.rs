//! A link that carries so many bits a second and no more.

use std::time::Duration;

/// How long what is sent faster may wait before it is dropped, as at a router with a queue that holds so much.
pub(super) const QUEUE: Duration = Duration::from_millis(200);

/// The one place through which everything goes, a piece after the other.
#[derive(Debug, Default)]
pub(super) struct Bottleneck {
    free_at: Duration,
}

impl Bottleneck {
    /// How long it takes until a message has passed; `None` if the queue before it is full.
    pub(super) fn pass(&mut self, bits_per_second: u64, bytes: usize, now: Duration) -> Option<Duration> {
        let begin = self.free_at.max(now);
        if begin.saturating_sub(now) > QUEUE {
            return None;
        }
        let nanos = (bytes as u128 * 8 * 1_000_000_000).div_ceil(u128::from(bits_per_second.max(1)));
        self.free_at = begin + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(self.free_at.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_pass_one_after_the_other_and_a_full_queue_takes_none() {
        let mut bottleneck = Bottleneck::default();
        let ms = Duration::from_millis;
        assert_eq!(bottleneck.pass(8_000, 100, ms(5)), Some(ms(100)));
        assert_eq!(bottleneck.pass(8_000, 100, ms(5)), Some(ms(200)));
        assert_eq!(bottleneck.pass(8_000, 100, ms(5)), Some(ms(300)));
        assert_eq!(bottleneck.pass(8_000, 100, ms(5)), None);
        assert_eq!(bottleneck.pass(8_000, 100, ms(400)), Some(ms(100)), "it has come to rest meanwhile");
    }
}
