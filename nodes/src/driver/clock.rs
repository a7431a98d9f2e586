//! A node's two clocks, which faults bend: `now` is monotonic and may run fast or slow, `wall` may jump as well.
//!
//! Both are computed from the machine's monotonic clock alone, so that nothing that happens to the machine's wall clock
//! later gets in.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::control::ClockFault;
use crate::id::Time;

/// `CLOCK_MONOTONIC` of the machine, in nanoseconds.
pub(super) fn machine_now() -> u64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC)
}

/// The machine's wall clock, in nanoseconds since the epoch.
pub(super) fn machine_wall() -> u64 {
    nanoseconds(ClockId::CLOCK_REALTIME)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = Duration::from(clock_gettime(clock).expect("every Unix has a monotonic and a wall clock"));
    u64::try_from(time.as_nanos()).expect("no clock has run for 584 years")
}

/// A fault that no clock can have.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a clock cannot run at rate {0}: a rate is a number from 0 to 1000, and 1 is right")]
pub struct ImpossibleRate(f64);

/// The clocks, as of the last change.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    fault: ClockFault,
    /// The machine's monotonic clock at the last change.
    machine: u64,
    /// The node's `now` then.
    now: u64,
    /// The node's `wall` then, without the offset.
    wall: u64,
}

impl Clock {
    /// Clocks that are bent from the start: `now` begins as the machine's monotonic clock.
    pub fn start(fault: ClockFault, machine: u64, machine_wall: u64) -> Result<Self, ImpossibleRate> {
        let clock = Clock { fault: ClockFault::default(), machine, now: machine, wall: machine_wall };
        clock.changed(fault, machine)
    }

    /// The same clocks, bent in another way from `machine` on. `now` goes on from where it is.
    pub fn changed(self, fault: ClockFault, machine: u64) -> Result<Self, ImpossibleRate> {
        if !(0.0..=1000.0).contains(&fault.rate) {
            return Err(ImpossibleRate(fault.rate));
        }
        let elapsed = self.elapsed(machine);
        Ok(Clock { fault, machine, now: self.now.saturating_add(elapsed), wall: self.wall.saturating_add(elapsed) })
    }

    /// The node's monotonic clock when the machine's shows `machine`.
    pub fn now(&self, machine: u64) -> Time {
        Time(self.now.saturating_add(self.elapsed(machine)))
    }

    /// The node's wall clock when the machine's monotonic one shows `machine`.
    pub fn wall(&self, machine: u64) -> Time {
        Time(self.wall.saturating_add(self.elapsed(machine)).saturating_add_signed(self.fault.offset_ns))
    }

    /// How long the machine has to wait until `now` reaches `deadline`; none if it never will.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a wait in nanoseconds: a float is exact to the nanosecond up to 104 days, and saturates"
    )]
    pub fn wait_until(&self, deadline: Time, machine: u64) -> Option<Duration> {
        let left = deadline.0.saturating_sub(self.now(machine).0);
        if left == 0 {
            return Some(Duration::ZERO);
        }
        let wait = (left as f64 / self.fault.rate).ceil();
        wait.is_finite().then(|| Duration::from_nanos(wait as u64))
    }

    /// How far the node's clocks have run since the last change.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is exact to the nanosecond up to 104 days, and rates are not negative"
    )]
    fn elapsed(&self, machine: u64) -> u64 {
        (machine.saturating_sub(self.machine) as f64 * self.fault.rate) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn fault(offset_ns: i64, rate: f64) -> ClockFault {
        ClockFault { offset_ns, rate }
    }

    #[test]
    fn both_clocks_run_at_the_rate_and_only_the_wall_clock_jumps() {
        let clock = Clock::start(fault(0, 1.0), 5 * SECOND, 100 * SECOND).unwrap();
        assert_eq!((clock.now(6 * SECOND), clock.wall(6 * SECOND)), (Time(6 * SECOND), Time(101 * SECOND)));

        let fast = clock.changed(fault(10_000_000_000, 2.0), 6 * SECOND).unwrap();
        assert_eq!((fast.now(6 * SECOND), fast.wall(6 * SECOND)), (Time(6 * SECOND), Time(111 * SECOND)));
        assert_eq!((fast.now(8 * SECOND), fast.wall(8 * SECOND)), (Time(10 * SECOND), Time(115 * SECOND)));

        let healed = fast.changed(fault(0, 1.0), 8 * SECOND).unwrap();
        assert_eq!((healed.now(9 * SECOND), healed.wall(9 * SECOND)), (Time(11 * SECOND), Time(106 * SECOND)));
    }

    #[test]
    fn now_never_goes_back_whatever_happens_to_its_rate() {
        let mut clock = Clock::start(fault(0, 1.0), 7, 100).unwrap();
        let mut last = clock.now(7);
        let rates = [0.0, 3.7, 0.001, 1000.0, 1.0, 0.333];
        for (step, machine) in (7..40_000_u64).step_by(13).enumerate() {
            if step % 5 == 0 {
                clock = clock.changed(fault(-50, rates[step / 5 % rates.len()]), machine).unwrap();
            }
            assert!(clock.now(machine) >= last, "went back at {machine}");
            last = clock.now(machine);
        }
    }

    #[test]
    fn waits_are_in_the_machines_time() {
        for (rate, wait) in [(1.0, Some(100)), (2.0, Some(50)), (0.5, Some(200)), (0.0, None)] {
            let clock = Clock::start(fault(0, rate), SECOND, 0).unwrap();
            let deadline = clock.now(SECOND) + Duration::from_millis(100);
            assert_eq!(clock.wait_until(deadline, SECOND), wait.map(Duration::from_millis), "rate {rate}");
        }
    }

    #[test]
    fn after_the_wait_the_deadline_has_come() {
        for rate in [0.3, 0.7, 1.0, 1.1, 3.0, 997.0] {
            let clock = Clock::start(fault(0, rate), 12_345, 0).unwrap();
            for nanoseconds in [1, 3, 1000, 999_999_937] {
                let deadline = clock.now(12_345) + Duration::from_nanos(nanoseconds);
                let wait = clock.wait_until(deadline, 12_345).unwrap();
                let later = 12_345 + u64::try_from(wait.as_nanos()).unwrap();
                assert!(clock.now(later + 1) >= deadline, "rate {rate}, {nanoseconds} ns");
            }
        }
    }

    #[test]
    fn impossible_rates_are_refused() {
        for rate in [-1.0, f64::NAN, f64::INFINITY, 1001.0] {
            assert!(Clock::start(fault(0, rate), 0, 0).is_err(), "{rate}");
        }
    }

    #[test]
    fn a_wall_clock_before_the_epoch_stands_at_the_epoch() {
        let clock = Clock::start(fault(-500, 1.0), 0, 100).unwrap();
        assert_eq!(clock.wall(0), Time(0));
    }
}
