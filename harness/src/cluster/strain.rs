//! How starved the machine is while a run goes on: how late our own timers are, and how much processor time others took.

use std::time::Duration;

use fs_err as fs;
use hdrhistogram::Histogram;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::machine::Strain;

/// How often the lag is measured.
const PERIOD: Duration = Duration::from_millis(20);

/// A longer lag counts as that, in microseconds.
const LAG_US_MAX: u64 = 3_600_000_000;

/// Measures from its start until [`StrainGauge::finish`].
#[derive(Debug)]
pub struct StrainGauge {
    before: Option<Jiffies>,
    stop: oneshot::Sender<()>,
    lag: JoinHandle<Histogram<u64>>,
}

impl StrainGauge {
    /// Begins to measure, on the runtime that the rest of the controller uses.
    pub fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        StrainGauge { before: jiffies(), stop, lag: tokio::spawn(measure_lag(stopped)) }
    }

    /// Ends, and says how starved the machine was since the start.
    pub async fn finish(self) -> Strain {
        // A task that has ended by a panic has no receiver any more, and no result.
        let _ = self.stop.send(());
        let stolen = self.before.zip(jiffies()).map_or(0.0, |(before, after)| after.stolen_since(before));
        let Ok(lag) = self.lag.await else { return Strain { stolen_cpu: stolen, ..Strain::default() } };
        Strain {
            scheduler_lag_ms_max: to_ms(lag.max()),
            scheduler_lag_ms_p50: to_ms(lag.value_at_quantile(0.5)),
            stolen_cpu: stolen,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a lag, far below 2^52")]
fn to_ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

async fn measure_lag(mut stopped: oneshot::Receiver<()>) -> Histogram<u64> {
    let mut lag = Histogram::new_with_max(LAG_US_MAX, 3).expect("an hour with three digits is within its range");
    loop {
        let due = Instant::now() + PERIOD;
        tokio::select! {
            _ = &mut stopped => return lag,
            () = tokio::time::sleep_until(due) => {
                lag.saturating_record(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
        }
    }
}

/// Processor time of the whole machine since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Jiffies {
    all: u64,
    stolen: u64,
}

impl Jiffies {
    /// The share that was stolen, 0..=1.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits than a float has")]
    fn stolen_since(self, before: Jiffies) -> f64 {
        let all = self.all.saturating_sub(before.all);
        if all == 0 { 0.0 } else { self.stolen.saturating_sub(before.stolen) as f64 / all as f64 }
    }
}

fn jiffies() -> Option<Jiffies> {
    parse_jiffies(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user.
fn parse_jiffies(stat: &str) -> Option<Jiffies> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(Jiffies { all: fields.iter().sum(), stolen: *fields.get(7)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_a_share_of_all() {
        let before = parse_jiffies("cpu  10 0 10 70 5 0 0 5 3 0\ncpu0 1 1\n").unwrap();
        let after = parse_jiffies("cpu  20 0 20 120 5 0 0 35 9 0\n").unwrap();
        assert_eq!(before, Jiffies { all: 100, stolen: 5 });
        assert!((after.stolen_since(before) - 0.3).abs() < 1e-9);
        assert!(before.stolen_since(before).abs() < 1e-9);
        assert_eq!(parse_jiffies("intr 5"), None);
    }

    #[tokio::test]
    async fn a_thread_that_is_blocked_shows_as_lag() {
        let gauge = StrainGauge::start();
        tokio::time::sleep(PERIOD / 2).await;
        std::thread::sleep(PERIOD * 5);
        tokio::time::sleep(PERIOD).await;
        let strain = gauge.finish().await;
        assert!(strain.scheduler_lag_ms_max >= 50.0, "{strain:?}");
    }
}
