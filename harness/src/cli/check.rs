//! `schism check`: judges recorded histories.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use schism_checker::linearizability::Options;
use schism_checker::models::ModelSpec;
use schism_checker::weaker::{Level, NoLevel};

use crate::cli::args::CheckArgs;
use crate::cli::check_file::{self, Became};
use crate::cli::check_table::{Fate, Row};
use crate::cli::histories::{Candidate, Unusable};
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::signals::Stopper;
use crate::cli::values::{self, Wrong};
use crate::cli::{check_shown, check_table, follow, histories, model, output};
use crate::exit::ExitCode;
use crate::report::words;
use crate::spec::suggest;

/// What was asked of every file.
pub(super) struct Asked<'a> {
    pub(super) args: &'a CheckArgs,
    pub(super) model: Option<ModelSpec>,
    pub(super) levels: Vec<Level>,
    pub(super) options: Options,
    pub(super) time: Duration,
    pub(super) memory: u64,
    pub(super) stopper: &'a Stopper,
}

pub(crate) fn check(args: &CheckArgs, unknown: Vec<Problem>) -> Result<ExitCode, Failure> {
    let mut problems = Problems(unknown);
    let model = args.model.as_deref().and_then(|text| model::given(&mut problems, text));
    let levels = problems.read("--consistency", &args.judging.consistency, vec![Level::Linearizable], levels);
    let weaker = levels != [Level::Linearizable];
    let failed_cas_asserts = problems.read("--failed-cas", &args.failed_cas, false, asserts);
    let (time, memory) = resolve::budget(&mut problems, &args.judging);
    if args.proof.is_some() && (weaker || failed_cas_asserts) {
        let what = "there are proofs of linearizability alone, with failed operations dropped";
        problems.0.push(Problem::new(what, "--proof", "the same without --proof"));
    }
    if args.follow && (weaker || failed_cas_asserts || args.files.len() > 1) {
        let what = "what is followed is one file, and whether it is linearizable, with failed operations dropped";
        problems.0.push(Problem::new(what, "--follow", "the same without --follow"));
    }
    let idle = args.idle.as_deref().map(|text| problems.read("--idle", text, Duration::ZERO, values::positive_time));
    problems.finish(()).map_err(Failure::usage)?;
    let options = Options { failed_cas_asserts, ..Options::default() };
    let results = resolve::results(&args.out);
    if args.follow {
        let stopper = Stopper::install()?;
        let asked = Asked { args, model, levels, options, time, memory, stopper: &stopper };
        return Ok(followed(&asked, &results, idle).unwrap_or_else(|problem| told(&problem)));
    }
    let files: Vec<_> = args.files.iter().flat_map(|name| histories::all(&results, name)).collect();
    if args.proof.is_some() && files.len() > 1 {
        return Err(Problem::new("a proof is of one history", "--proof", "one file at a time").into());
    }
    let stopper = Stopper::install()?;
    let asked = Asked { args, model, levels, options, time, memory, stopper: &stopper };
    let mut tally = Tally { json: args.json, ..Tally::default() };
    Ok(tally.all(&files, || stopper.stopped(), |candidate| check_file::one(&asked, candidate)))
}

fn followed(asked: &Asked<'_>, results: &Path, idle: Option<Duration>) -> Result<ExitCode, Problem> {
    let [name] = &asked.args.files[..] else { unreachable!("several files were refused") };
    let path = histories::one(results, name)?;
    follow::follow(asked, &Candidate::named(path), idle)
}

/// What became of the files up to now.
#[derive(Default)]
struct Tally {
    json: bool,
    worst: ExitCode,
    rows: Vec<Row>,
    skipped: usize,
}

impl Tally {
    /// Judges one file after the other, and tells the worst code. One that cannot be judged says nothing about the others.
    fn all(
        &mut self,
        files: &[Result<Candidate, Unusable>],
        stopped: impl Fn() -> Option<ExitCode>,
        judge: impl Fn(&Candidate) -> Result<Became, Problem>,
    ) -> ExitCode {
        for file in files {
            match file {
                _ if stopped().is_some() => self.not_begun(file),
                Ok(candidate) => self.one(candidate, &judge),
                Err(Unusable { name, problem }) => self.failed(name, problem),
            }
        }
        self.worst(stopped().unwrap_or_default());
        if self.rows.is_empty() && self.skipped > 0 {
            let hint = "a folder with histories, or the path of one";
            self.worst(told(&Problem::new("none of these files is a history", "the command line", hint)));
        }
        if self.rows.len() > 1 && !self.json {
            self.worst(output::emit(&format!("\n{}", check_table::table(&self.rows))));
        }
        self.worst
    }

    fn one(&mut self, candidate: &Candidate, judge: impl Fn(&Candidate) -> Result<Became, Problem>) {
        match catch_unwind(AssertUnwindSafe(|| judge(candidate))) {
            Ok(Ok(Became::Judged(code, judged))) => {
                self.worst(code);
                for judged in judged {
                    self.row(&candidate.name, Fate::Judged(Box::new(judged)));
                }
            }
            Ok(Ok(Became::Skipped(why))) => {
                self.skipped += 1;
                output::tell(&format!("skipped  {}", words::printable(&why)));
            }
            Ok(Err(problem)) => self.failed(&candidate.name, &problem),
            Err(panic) => self.panicked(&candidate.name, &*panic),
        }
    }

    fn failed(&mut self, name: &str, problem: &Problem) {
        self.worst(told(problem));
        self.unjudged(name, &problem.what, Fate::NoVerdict);
    }

    /// Where it panicked was told already.
    fn panicked(&mut self, name: &str, panic: &(dyn Any + Send)) {
        let message = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        self.worst(ExitCode::Harness);
        let what = format!("the harness panicked: {}", message.unwrap_or("without a message"));
        self.unjudged(name, &what, Fate::NoVerdict);
    }

    fn not_begun(&mut self, file: &Result<Candidate, Unusable>) {
        let name = match file {
            Ok(candidate) => &candidate.name,
            Err(unusable) => &unusable.name,
        };
        self.unjudged(name, "not begun: the check was interrupted", Fate::NotBegun);
    }

    fn unjudged(&mut self, name: &str, what: &str, fate: Fate) {
        if self.json {
            self.worst(output::emit(&check_shown::unjudged(name, what)));
        }
        self.row(name, fate);
    }

    fn row(&mut self, name: &str, fate: Fate) {
        self.rows.push(Row { file: name.to_owned(), fate });
    }

    fn worst(&mut self, code: ExitCode) {
        self.worst = self.worst.worst(code);
    }
}

pub(super) fn told(problem: &Problem) -> ExitCode {
    output::tell_problems(std::slice::from_ref(problem));
    ExitCode::Usage
}

fn levels(text: &str) -> Result<Vec<Level>, Wrong> {
    Level::parse(text).map_err(|error| match &error {
        NoLevel::Unknown { name } if name == "declared" => {
            let what = "a history does not tell what its system promises: declared is judged by schism run";
            Wrong::new(what, Level::NAMES.join(", "))
        }
        NoLevel::Unknown { name } => {
            let near = suggest(name, &Level::NAMES).map_or_else(|| Level::NAMES.join(", "), str::to_owned);
            Wrong::new("there is no such level", near)
        }
        _ => Wrong::new(error.to_string(), "with what it takes"),
    })
}

fn asserts(text: &str) -> Result<bool, Wrong> {
    one_of("a failed compare-and-set cannot be taken so", text, [("dropped", false), ("asserts", true)])
}

fn one_of(what: &str, text: &str, known: [(&str, bool); 2]) -> Result<bool, Wrong> {
    let names = known.map(|(name, _)| name);
    let found = known.iter().find(|(name, _)| *name == text);
    let near = || suggest(text, &names).map_or_else(|| names.join(" or "), str::to_owned);
    found.map(|&(_, meant)| meant).ok_or_else(|| Wrong::new(what, near()))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn candidate(name: &str) -> Candidate {
        Candidate::named(name.into())
    }

    #[test]
    fn a_panic_ends_the_check_of_its_own_file_alone() {
        let files = ["good", "terrible", "bad"].map(|name| Ok(candidate(name)));
        let judged = RefCell::new(Vec::new());
        let judge = |candidate: &Candidate| {
            judged.borrow_mut().push(candidate.name.clone());
            match &*candidate.name {
                "terrible" => panic!("it was terrible"),
                name => Ok(Became::Judged(if name == "bad" { ExitCode::Invalid } else { ExitCode::Done }, Vec::new())),
            }
        };
        assert_eq!(Tally::default().all(&files[..2], || None, judge), ExitCode::Harness);
        assert_eq!(Tally::default().all(&files, || None, judge), ExitCode::Invalid);
        assert_eq!(judged.into_inner(), ["good", "terrible", "good", "terrible", "bad"]);
    }

    #[test]
    fn a_file_that_cannot_be_judged_has_a_row_and_one_that_was_not_begun_as_well() {
        let problem = Problem::new("it is gone", "gone", "another one");
        let gone = Err(Unusable { name: "gone".to_owned(), problem });
        let files = [Ok(candidate("damaged")), gone, Ok(candidate("last"))];
        let looks = Cell::new(0);
        let stopped = || {
            looks.set(looks.get() + 1);
            (looks.get() > 2).then_some(ExitCode::Interrupted)
        };
        let mut tally = Tally::default();
        let code = tally.all(&files, stopped, |_| Err(Problem::new("it is damaged", "damaged", "another one")));
        assert_eq!(code, ExitCode::Interrupted);
        let rows: Vec<_> = tally.rows.iter().map(|row| (row.file.as_str(), &row.fate)).collect();
        assert!(
            matches!(&rows[..], [("damaged", Fate::NoVerdict), ("gone", Fate::NoVerdict), ("last", Fate::NotBegun)]),
            "{rows:?}"
        );
    }
}
