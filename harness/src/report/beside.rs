//! What a run folder has beside the history, around a few moments: notes of the nodes, messages between them, lines of their logs.
//!
//! These files may be large, so they are read line by line and only what was asked for is kept, with a limit. All times are brought
//! onto the history's clock. What is missing or damaged is said, and takes nothing away from the rest.

mod logs;
mod messages;
mod notes;

use std::path::Path;

use crate::folder::file;

pub use logs::LogLine;
pub use messages::Message;
pub use notes::Note;

/// A stretch of time in nanoseconds since the start, both ends included.
pub type Window = (u64, u64);

/// See the module's head.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Notes in the windows, and those of rare kinds from the whole run, by time.
    pub notes: Vec<Note>,
    /// Messages of which something falls into the windows, by the time at which they were sent.
    pub messages: Vec<Message>,
    /// Lines of the nodes' logs: those of the windows where they tell their time, else the last ones.
    pub logs: Vec<LogLine>,
    /// What could not be had, a sentence each.
    pub absent: Vec<String>,
}

impl Beside {
    /// What a run folder has. `start` is the wall clock at the history's time 0.
    pub fn read(folder: &Path, windows: &[Window], start: Option<&str>) -> Self {
        let mut beside = Beside::default();
        let mut keep = |what: &str, told: Result<(), String>| {
            if let Err(why) = told {
                beside.absent.push(format!("{what}: {why}"));
            }
        };
        keep("notes of the nodes", notes::read(&folder.join(file::EVENTS), windows).map(|notes| beside.notes = notes));
        keep(
            "messages",
            messages::read(&folder.join(file::MESSAGES), windows).map(|messages| beside.messages = messages),
        );
        keep("logs of the nodes", logs::read(&folder.join(file::NODES), windows, start).map(|logs| beside.logs = logs));
        beside
    }
}

/// Whether a stretch of time touches one of the windows.
fn touches(windows: &[Window], from: u64, to: u64) -> bool {
    windows.iter().any(|window| from <= window.1 && to >= window.0)
}

/// The lines of a file as bytes, lossily decoded, each of them bounded: what is longer is damage, and passed over.
fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>> + use<>, String> {
    use std::io::{BufRead as _, Read as _};
    let file = fs_err::File::open(path).map_err(|error| error.to_string())?;
    let mut reader = std::io::BufReader::with_capacity(1 << 18, file);
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(Ok(String::from_utf8_lossy(&line).trim_end().to_owned())),
            Err(error) => Some(Err(error)),
        }
    }))
}

/// The longest line that is looked at.
const LINE_BYTES: u64 = 16 << 20;
