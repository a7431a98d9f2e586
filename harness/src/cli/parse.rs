//! Reads the command line, and says in our words what is wrong with it. Several unknown flags are found at once.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

use crate::cli::args::Cli;
use crate::cli::problem::Problem;
use crate::spec::suggest;

/// How many unknown arguments are named in one go.
const UNKNOWN_MAX: usize = 20;

/// What the command line turned out to be.
pub(crate) enum Parsed {
    /// A command, and what was wrong with arguments that were left out of it.
    Command(Box<Cli>, Vec<Problem>),
    /// A text that was asked for: help or the version.
    Text(String),
    /// Nothing that could be understood.
    Nothing(Vec<Problem>),
}

/// Reads the words of a command line, the program's name first.
///
/// An unknown flag is remembered, replaced by the one that was probably meant (or left out with its value), and the rest
/// is read again, so that one call tells all.
pub(crate) fn parse(words: Vec<OsString>) -> Parsed {
    let mut words = words;
    let mut problems = Vec::new();
    for _ in 0..UNKNOWN_MAX {
        let error = match Cli::try_parse_from(&words) {
            Ok(cli) => return Parsed::Command(Box::new(cli), problems),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return Parsed::Text(error.to_string()),
            _ => problems.push(problem(&error)),
        }
        if error.kind() != ErrorKind::UnknownArgument || !repaired(&mut words, &error) {
            break;
        }
    }
    Parsed::Nothing(problems)
}

/// Takes the unknown argument out of the words, or puts the proposed one in its place.
fn repaired(words: &mut Vec<OsString>, error: &Error) -> bool {
    let Some(unknown) = context(error, ContextKind::InvalidArg) else { return false };
    let is_it = |word: &OsString| {
        let word = word.to_string_lossy();
        word == unknown || word.starts_with(&format!("{unknown}="))
    };
    let Some(place) = words.iter().position(is_it) else { return false };
    if let Some(meant) = context(error, ContextKind::SuggestedArg) {
        let value = words[place].to_string_lossy().split_once('=').map(|(_, value)| format!("={value}"));
        words[place] = format!("{meant}{}", value.unwrap_or_default()).into();
        return true;
    }
    let has_value = unknown.starts_with("--") && !words[place].to_string_lossy().contains('=');
    words.remove(place);
    if has_value && words.get(place).is_some_and(|word| !word.to_string_lossy().starts_with('-')) {
        words.remove(place);
    }
    true
}

/// One of clap's errors in three lines.
fn problem(error: &Error) -> Problem {
    let rendered = error.to_string();
    let first = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let missing: Vec<&str> =
        rendered.lines().skip(1).take_while(|line| line.starts_with("  ")).map(str::trim).collect();
    let what = [first.trim_end_matches(':')].into_iter().chain(missing).collect::<Vec<_>>().join(" ");
    let at =
        [ContextKind::InvalidArg, ContextKind::InvalidSubcommand].into_iter().find_map(|kind| context(error, kind));
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let hint = suggested.into_iter().find_map(|kind| context(error, kind));
    let help = || match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => "schism run".to_owned(),
        _ => "--help".to_owned(),
    };
    let meant = at.as_deref().filter(|_| error.kind() == ErrorKind::InvalidSubcommand).and_then(nearest_command);
    let hint = meant.or(hint);
    let what = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no command is given".to_owned(),
        _ => what,
    };
    Problem::new(what, at.unwrap_or_else(|| "the command line".to_owned()), hint.unwrap_or_else(help))
}

/// The command that was probably meant.
fn nearest_command(unknown: &str) -> Option<String> {
    let command = Cli::command();
    let known: Vec<&str> =
        command.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
    suggest(unknown, &known).map(|near| format!("schism {near}"))
}

/// What clap says about an error, as one text.
fn context(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(first_word(text)),
        ContextValue::Strings(texts) => texts.first().map(|text| first_word(text)),
        _ => None,
    }
}

/// A flag without the name of its value: `--time` of `--time <TIME>`.
fn first_word(text: &str) -> String {
    text.split(" <").next().unwrap_or(text).to_owned()
}
