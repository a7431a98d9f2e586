//! A run as text that people read: one line an event, in fixed columns, with a legend. The same bytes each time.

use std::fmt::{self, Write as _};

use crate::sim::agenda::Moment;

/// The lines so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Vec<(Moment, String)>,
}

/// What the columns say.
const LEGEND: &str = "\
# time: milliseconds since the first operation could begin, before it with a minus
# who:  a node n1, a worker c1, or the plan
# what: start boot died  kill pause resume clock trap go      a node's life, and what is done to it
#       step note persist synced send recv cut lost dropped   what a node does, and what becomes of its messages
#       invoke retries ok fail info refused ended             a worker's operations
#       begin over skipped phase                              the plan's entries, and the phases of the run
";

impl Trace {
    /// One more line.
    pub(crate) fn line(&mut self, now: Moment, who: impl fmt::Display, what: &str, detail: fmt::Arguments<'_>) {
        let mut line = format!("{who:<5} {what:<8} ");
        let start = line.len();
        write!(line, "{detail}").expect("a text takes what is written");
        // What comes from clients and plans may hold anything; a line stays a line.
        if line[start..].contains(|c: char| c.is_control()) {
            let clean: String = line[start..].chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            line.replace_range(start.., &clean);
        }
        self.lines.push((now, line));
    }

    /// The whole text, with times from `start` on.
    pub(crate) fn finish(self, head: &str, start: Moment) -> String {
        let mut text = String::with_capacity(self.lines.len() * 80);
        for line in head.lines() {
            writeln!(text, "# {line}").expect("a text takes what is written");
        }
        text.push_str(LEGEND);
        for (now, line) in self.lines {
            let (sign, distance) = if now < start { ("-", start - now) } else { ("", now - start) };
            let time = format!("{sign}{}.{:06}", distance / 1_000_000, distance % 1_000_000);
            writeln!(text, "{time:>13} {}", line.trim_end()).expect("a text takes what is written");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_fixed_and_lines_stay_lines() {
        let mut trace = Trace::default();
        trace.line(1_000_000, "n1", "boot", format_args!("life 1"));
        trace.line(3_500_000, "c12", "invoke", format_args!("write x=\"a\nb\""));
        let text = trace.finish("seed 7", 2_000_000);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# seed 7");
        assert_eq!(lines[lines.len() - 2], "    -1.000000 n1    boot     life 1");
        assert_eq!(lines[lines.len() - 1], "     1.500000 c12   invoke   write x=\"a\u{fffd}b\"");
    }
}
