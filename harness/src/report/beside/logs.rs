//! Lines of the nodes' logs. Where a line begins with the time of day, it has its place in the run; of a log without times the last
//! lines are all that can be offered.

use std::collections::VecDeque;
use std::path::Path;

use serde::Serialize;

use super::{Window, lines, touches};
use crate::report::inert;

/// No more lines than this of one node.
const LINES_MAX: usize = 200;
/// So many of the end of a log without times.
const TAIL_LINES: usize = 20;
const LINE_CHARACTERS: usize = 500;

/// A line of a node's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Whose.
    pub node: String,
    /// Nanoseconds since the start, where it tells its time.
    pub at: Option<u64>,
    /// What it says.
    pub says: String,
}

/// What the logs in the folder of the nodes say in the windows.
pub(super) fn read(nodes: &Path, windows: &[Window], start: Option<&str>) -> Result<Vec<LogLine>, String> {
    let start: Option<jiff::Timestamp> = start.and_then(|start| start.parse().ok());
    let entries = fs_err::read_dir(nodes).map_err(|error| error.to_string())?;
    let mut names: Vec<String> =
        entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let mut all = Vec::new();
    for name in names {
        let Ok(log) = lines(&nodes.join(&name).join("log")) else { continue };
        let (mut placed, mut last) = (Vec::new(), VecDeque::new());
        let mut timed = false;
        for text in log {
            let text = text.map_err(|error| error.to_string())?;
            let at = start.and_then(|start| since(start, &text));
            timed |= at.is_some();
            let line =
                LogLine { node: inert::short(&name, LINE_CHARACTERS), at, says: inert::short(&text, LINE_CHARACTERS) };
            if at.is_some_and(|at| touches(windows, at, at)) && placed.len() < LINES_MAX {
                placed.push(line);
            } else if !timed {
                last.push_back(line);
                last.drain(..last.len().saturating_sub(TAIL_LINES));
            }
        }
        all.extend(if timed { placed } else { last.into() });
    }
    Ok(all)
}

/// How long after the start a line was written whose first word is a time with its date.
fn since(start: jiff::Timestamp, line: &str) -> Option<u64> {
    let word = line.split([' ', '\t']).find(|word| !word.is_empty())?;
    let written: jiff::Timestamp = word.trim_matches(['[', ']']).parse().ok()?;
    u64::try_from(written.duration_since(start).as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_a_time_have_their_place_and_of_others_the_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = |node: &str, text: &str| {
            fs_err::create_dir(folder.path().join(node)).unwrap();
            fs_err::write(folder.path().join(node).join("log"), text).unwrap();
        };
        log("n1", "2026-08-24T02:17:01Z too early\n2026-08-24T02:17:03.5Z became leader \u{1b}[31m\n  at line 2\n");
        log("n2", "boot\npanicked\n");
        let lines = read(folder.path(), &[(3_000_000_000, 4_000_000_000)], Some("2026-08-24T02:17:00Z")).unwrap();
        let told: Vec<(&str, Option<u64>, &str)> =
            lines.iter().map(|line| (line.node.as_str(), line.at, line.says.as_str())).collect();
        let leader = "2026-08-24T02:17:03.5Z became leader ␛[31m";
        assert_eq!(told, [("n1", Some(3_500_000_000), leader), ("n2", None, "boot"), ("n2", None, "panicked")]);
    }
}
