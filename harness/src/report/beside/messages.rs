//! Messages between nodes, from `messages.jsonl`.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Window, lines, touches};
use crate::report::inert;

/// No more messages than this are kept.
const MESSAGES_MAX: usize = 6_000;
const NAME_CHARACTERS: usize = 60;

/// A message and what became of it. Times are nanoseconds since the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Who sent it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// Its type in the protocol.
    pub kind: String,
    /// When it was read from its sender.
    pub sent: u64,
    /// When its fate was decided.
    pub ended: u64,
    /// `delivered`, `cut`, `lost`, …
    pub fate: String,
    /// The process of the client whose request caused it, where one did.
    pub process: Option<u64>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    link: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    cause: Option<Cow<'a, str>>,
    sent: u64,
    ended: u64,
    #[serde(borrow)]
    fate: Cow<'a, str>,
}

/// The messages that touch the windows, by the time at which they were sent. Probes of the harness are none of the system's.
pub(super) fn read(path: &Path, windows: &[Window]) -> Result<Vec<Message>, String> {
    let mut messages = Vec::new();
    for line in lines(path)?.skip(1) {
        let line = line.map_err(|error| error.to_string())?;
        let Ok(line) = serde_json::from_str::<Line<'_>>(&line) else { continue };
        if line.kind == "probe" || !touches(windows, line.sent, line.ended) {
            continue;
        }
        let (from, to) = line.link.split_once("->").unwrap_or((&line.link, "?"));
        let name = |text: &str| inert::short(text, NAME_CHARACTERS);
        messages.push(Message {
            from: name(from),
            to: name(to),
            kind: name(&line.kind),
            sent: line.sent,
            ended: line.ended,
            fate: name(&line.fate),
            process: line.cause.as_deref().and_then(process),
        });
    }
    messages.sort_by_key(|message| message.sent);
    messages.truncate(MESSAGES_MAX);
    Ok(messages)
}

/// The process in a cause such as `c4.3#36`: client, process, number of the request.
fn process(cause: &str) -> Option<u64> {
    cause.split_once('.')?.1.split_once('#')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_windows_are_kept_and_damage_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.jsonl");
        let text = r#"{"schism":"messages","format":1,"run":"r","messages":4,"forgotten":0}
{"link":"n1->n2","type":"Store","cause":"c4.3#36","sent":50,"ended":70,"fate":"delivered"}
{"link":"n2->n1","type":"Store","sent":10,"ended":20,"fate":"cut"}
{"link":"n2->n1","type":"probe","sent":60,"ended":60,"fate":"cut"}
no JSON"#;
        fs_err::write(&path, text).unwrap();
        let messages = read(&path, &[(65, 90)]).unwrap();
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].from.as_str(), messages[0].to.as_str(), messages[0].process), ("n1", "n2", Some(3)));
        assert!(read(&folder.path().join("none"), &[]).is_err());
    }
}
