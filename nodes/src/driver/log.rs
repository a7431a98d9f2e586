//! A node's log: standard error, which the controller keeps in a file.

use std::fmt::Display;
use std::io::Write as _;

/// Writes a line. What cannot be written is lost and nothing else: where the disk is full, the node still ends as it should,
/// and not by a panic over its log, which would count as a bug of the protocol.
pub fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
