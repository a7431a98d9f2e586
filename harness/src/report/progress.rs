//! What is shown while a run goes on, on stderr: a live line on a terminal, else a plain line now and then.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::report::words;
use crate::run::Progress;

/// How often a line is printed where stderr is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(5);
/// How often the live line is drawn anew.
const LIVE_EVERY: Duration = Duration::from_millis(200);

/// `06.2s  4,981 ok  12 fail  31 info  996/s  partition {n1,n2 | n3}`. `rate` is in operations a second.
pub fn line(progress: &Progress, rate: f64) -> String {
    let counts = [(progress.ok, "ok"), (progress.fail, "fail"), (progress.info, "info")]
        .map(|(number, word)| format!("{} {word}", words::thousands(number)))
        .join("  ");
    let doing = words::printable(&progress.doing);
    format!("{:04.1}s  {counts}  {rate:.0}/s  {doing}", progress.elapsed.as_secs_f64()).trim_end().to_owned()
}

/// Operations a second between two moments of a run.
pub fn rate(before: &Progress, now: &Progress) -> f64 {
    let ended = |progress: &Progress| progress.ok + progress.fail + progress.info;
    let seconds = now.elapsed.saturating_sub(before.elapsed).as_secs_f64();
    let operations = u32::try_from(ended(now).saturating_sub(ended(before))).unwrap_or(u32::MAX);
    if seconds > 0.0 { f64::from(operations) / seconds } else { 0.0 }
}

/// Shows the progress of a run on stderr until its sender is gone. `width` is the terminal's, in columns.
pub async fn show(progress: watch::Receiver<Progress>, width: Option<usize>) {
    let live = std::io::stderr().is_terminal();
    let mut ticks = tokio::time::interval(if live { LIVE_EVERY } else { PLAIN_EVERY });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut before = Progress::default();
    let mut ended = progress.clone();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = closed(&mut ended) => break,
        }
        let now = progress.borrow().clone();
        let text = line(&now, rate(&before, &now));
        // A stderr that is closed or full must not end a run: what is lost is only the progress.
        let _ = if live { draw(&text, width) } else { writeln!(std::io::stderr(), "{text}") };
        if !live || now.elapsed.saturating_sub(before.elapsed) > Duration::from_secs(1) {
            before = now;
        }
    }
    if live {
        let _ = draw("", width);
    }
}

async fn closed(progress: &mut watch::Receiver<Progress>) {
    while progress.changed().await.is_ok() {}
}

/// Draws the live line over the one before.
fn draw(text: &str, width: Option<usize>) -> std::io::Result<()> {
    let shown: String = text.chars().take(width.unwrap_or(80).saturating_sub(1)).collect();
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "\r\u{1b}[K{shown}")?;
    stderr.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, ok: u64) -> Progress {
        Progress {
            elapsed: Duration::from_millis(seconds * 1000 + 200),
            ok,
            fail: 12,
            info: 31,
            doing: "partition {n1,n2 | n3}".to_owned(),
        }
    }

    #[test]
    fn a_line_says_how_far_it_is_and_what_is_done() {
        let (before, now) = (at(5, 3985), at(6, 4981));
        let text = line(&now, rate(&before, &now));
        assert_eq!(text, "06.2s  4,981 ok  12 fail  31 info  996/s  partition {n1,n2 | n3}");
        assert!((rate(&now, &now)).abs() < f64::EPSILON);
    }
}
