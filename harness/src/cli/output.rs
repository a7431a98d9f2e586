//! Where results and diagnostics go: results to stdout and nothing else to it, diagnostics to stderr.
//!
//! A closed or full stdout must neither panic nor change what was found out.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::problem::Problem;
use crate::exit::ExitCode;
use crate::report::terminal::Style;

/// Set once it was said that stdout is closed, so that it is said once.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Writes a result to stdout. The code says whether that worked: a reader that has gone away is no failure, a full disk
/// is one of the harness. Either is told in one line on stderr.
#[must_use]
pub(crate) fn emit(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            if !CLOSED.swap(true, Ordering::Relaxed) {
                tell("error: stdout was closed before the result was written");
            }
            ExitCode::Done
        }
        Err(error) => {
            tell(&format!("error: the result cannot be written to stdout: {error}"));
            ExitCode::Harness
        }
    }
}

/// Writes a line to stderr. Where that does not work there is nobody left to tell.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes lines to stderr while a live line may stand there, which is drawn again below them.
pub(crate) fn interject(text: &str) {
    let clear = if io::stderr().is_terminal() { "\r\u{1b}[K" } else { "" };
    tell(&format!("{clear}{text}"));
}

/// Writes problems to stderr, an empty line between two.
pub(crate) fn tell_problems(problems: &[Problem]) {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    tell(&texts.join("\n\n"));
}

/// How reports may look on this stdout.
pub(crate) fn style(verbose: bool) -> Style {
    let terminal = io::stdout().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style { colours, width: if terminal { width() } else { None }, verbose, ..Style::default() }
}

/// The width of the terminal in columns, if there is one.
pub(crate) fn width() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from).filter(|width| *width > 0)
}
