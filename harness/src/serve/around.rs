//! The moment of one operation: what `schism show --around` tells, with the messages between the nodes, for any operation of a run and
//! not only for those of which the report has them.

use std::path::Path;

use maud::html;
use schism_checker::formats;
use serde::Deserialize;

use super::pages::{Head, Page, framed, run_address};
use crate::folder::{RunFolder, file};
use crate::report::beside::Beside;
use crate::report::clock::Clock;
use crate::report::moment::{self, Moment};
use crate::report::words;

/// How deep a run folder has what is read here: `nodes/n1/log`.
const DEPTH_MAX: usize = 3;

/// Which operation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Around {
    /// The index of its invocation or completion, as it was typed.
    pub(super) op: String,
}

/// The page of a moment, or why there is none.
pub(super) fn page(label: &str, folder: &RunFolder, around: &Around) -> Page {
    let told = told(folder, around.op.trim());
    let body = html! {
        h1 { "Around event " (words::printable(&around.op)) }
        p { "of run " a href=(run_address(label, &folder.id)) { (words::printable(&folder.id)) } }
        form method="get" {
            input type="search" name="op" inputmode="numeric" value=(around.op) placeholder="index of an event" aria-label="index of an event";
            button type="submit" { "Show" }
        }
        @match &told {
            Ok(text) => div.wide { pre { (text) } },
            Err(why) => p.bad { (words::printable(why)) },
        }
    };
    Page::ok(framed(&Head { title: "around", refresh: None }, &body))
}

fn told(folder: &RunFolder, op: &str) -> Result<String, String> {
    let index: u64 =
        op.parse().map_err(|_| format!("{op:?} is no index of an event: reports name them, such as 5489"))?;
    // Files are opened by their names here, so that none of them may be a link to somewhere else; whoever put one there after this
    // was seen is the run's own node, and that is over when there is a verdict.
    if !folder.file(file::VERDICT).is_file() {
        return Err("this run has no verdict yet; schism show tells its moments as well".to_owned());
    }
    if has_links(&folder.path, 0) {
        return Err("this folder has symbolic links, which are not followed here; schism show does".to_owned());
    }
    let history = formats::read_path(&folder.file(file::HISTORY)).map_err(|error| error.to_string())?;
    let moment = Moment::find(&history, index).ok_or_else(|| format!("no operation has an event {index}"))?;
    let start = history.header.as_ref().and_then(|header| header.start.as_deref());
    let beside = Beside::read(&folder.path, &moment.windows(), start);
    Ok(moment::text(&moment, &beside, Clock::Run))
}

/// Whether anything that could be read is a symbolic link.
fn has_links(folder: &Path, depth: usize) -> bool {
    fs_err::read_dir(folder).into_iter().flatten().flatten().any(|entry| match fs_err::symlink_metadata(entry.path()) {
        Ok(metadata) if metadata.is_dir() => depth < DEPTH_MAX && has_links(&entry.path(), depth + 1),
        Ok(metadata) => metadata.is_symlink(),
        Err(_) => true,
    })
}
