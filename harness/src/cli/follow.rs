//! `schism check --follow`: judges a history while it is being written, and tells a violation as soon as it is there.

use std::cell::OnceCell;
use std::path::Path;
use std::time::{Duration, Instant};

use schism_checker::formats::ReadError;
use schism_checker::history::{Cut, History};
use schism_checker::linearizability::{CheckError, Options};
use schism_checker::streaming::{Follower, Found, Standing, Violation};

use crate::budget::{CheckBudget, Measured};
use crate::cli::check::Asked;
use crate::cli::check_file::{self, Seen};
use crate::cli::check_table::Judged;
use crate::cli::histories::Candidate;
use crate::cli::model::{self, Chosen};
use crate::cli::problem::Problem;
use crate::cli::{check_shown, output};
use crate::exit::ExitCode;
use crate::folder::file;
use crate::report::words;
use crate::tail::{self, LOOK_EVERY, Look, Tail};

/// How often is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// A file that is followed may grow for days; what ends a check of it is the effort for an event, not the time.
const FOR_EVER: Duration = Duration::MAX;

/// How a file that was followed ended.
enum Ended {
    /// It is another one now.
    Replaced,
    /// There is a violation.
    Violated(Box<Violation>),
    /// It does not grow any more, or nobody wants to know any more.
    Over,
}

/// A history as far as it was followed.
struct Following<'a> {
    asked: &'a Asked<'a>,
    candidate: &'a Candidate,
    budget: &'a Measured,
    chosen: &'a OnceCell<Chosen>,
    follower: Option<Follower<'a>>,
    tail: Tail,
    cut: Option<Cut>,
}

/// Follows a file to its end, and tells the code.
pub(super) fn follow(asked: &Asked<'_>, candidate: &Candidate, idle: Option<Duration>) -> Result<ExitCode, Problem> {
    let path = &candidate.path;
    if path.exists() && !path.is_file() {
        let what = "only a file can be followed: what comes through a pipe is gone once it was read";
        return Err(Problem::new(what, &candidate.name, "the same without --follow"));
    }
    loop {
        let (chosen, budget) = (OnceCell::new(), Measured::new(CheckBudget::new(FOR_EVER, asked.memory)));
        let tail = Tail::open(path).map_err(|error| unreadable(&error, candidate))?;
        let mut following =
            Following { asked, candidate, budget: &budget, chosen: &chosen, follower: None, tail, cut: None };
        let began = Instant::now();
        let ended = match following.run(idle)? {
            Ended::Over => following.finish()?,
            ended => ended,
        };
        match ended {
            Ended::Violated(violation) => return violated(asked, candidate, chosen.get(), &violation, began),
            Ended::Over => return over(following, began),
            Ended::Replaced => output::tell("the file was replaced or cut short: beginning again"),
        }
    }
}

impl<'a> Following<'a> {
    /// Follows the file until there is a violation, or until it is over.
    fn run(&mut self, idle: Option<Duration>) -> Result<Ended, Problem> {
        let mut grew = Instant::now();
        let mut told = (Instant::now(), Standing::default());
        loop {
            if self.asked.stopper.stopped().is_some() {
                return Ok(Ended::Over);
            }
            // Looked at before the file is: so what comes before the end of a run is read.
            let is_over = run_is_over(&self.candidate.path) || idle.is_some_and(|idle| grew.elapsed() >= idle);
            match self.tail.look().map_err(|error| unreadable(&error, self.candidate))? {
                Look::Replaced => return Ok(Ended::Replaced),
                Look::Grown(events) => {
                    grew = Instant::now();
                    for event in events {
                        if let Some(violation) = self.take(|follower, budget| follower.event(&event, budget))? {
                            return Ok(Ended::Violated(Box::new(violation)));
                        }
                    }
                }
                Look::Same if is_over => return Ok(Ended::Over),
                Look::Same => std::thread::park_timeout(LOOK_EVERY),
            }
            self.tell(&mut told);
        }
    }

    /// The file is over: what is open has crashed.
    fn finish(&mut self) -> Result<Ended, Problem> {
        let (last, cut) = self.tail.end().map_err(|error| unreadable(&error, self.candidate))?;
        self.cut = cut;
        let mut seen = None;
        if let Some(event) = last {
            seen = self.take(|follower, budget| follower.event(&event, budget))?;
        }
        if seen.is_none() && self.follower.is_some() {
            seen = self.take(|follower, budget| follower.finish(budget))?;
        }
        Ok(seen.map_or(Ended::Over, |violation| Ended::Violated(Box::new(violation))))
    }

    /// Lets the follower do something, and tells what it does not follow any further; a violation, if there is one.
    fn take(
        &mut self,
        act: impl FnOnce(&mut Follower<'a>, &Measured) -> Result<Vec<Found>, CheckError>,
    ) -> Result<Option<Violation>, Problem> {
        if self.follower.is_none() {
            // The header stands before the first event, so that it is known by now.
            let chosen = named(self.asked, &self.tail, self.candidate)?;
            let chosen = self.chosen.get_or_init(|| chosen);
            self.follower = Some(Follower::new(&chosen.model, &options(self.asked, &self.tail)));
        }
        let follower = self.follower.as_mut().expect("it was made just now");
        let found = act(follower, self.budget).map_err(|error| {
            let model = &self.chosen.get().expect("a follower has a model").model;
            check_file::uncheckable(&error, self.candidate, model)
        })?;
        for found in found {
            match found {
                Found::Violation(violation) => return Ok(Some(violation)),
                Found::GivenUp(given_up) => output::tell(&words::given_up(&given_up)),
            }
        }
        Ok(None)
    }

    /// Tells now and then how far it is, if it came further.
    fn tell(&self, told: &mut (Instant, Standing)) {
        let Some(follower) = &self.follower else { return };
        if told.0.elapsed() < TELL_EVERY {
            return;
        }
        let standing = follower.standing();
        if standing.events != told.1.events {
            output::tell(&line(&standing));
        }
        *told = (Instant::now(), standing);
    }
}

/// `12,345 events  5 keys  3 waiting  no violation so far`.
fn line(standing: &Standing) -> String {
    let count = |number: usize| words::thousands(number as u64);
    let given_up = if standing.given_up == 0 { String::new() } else { format!("  {} given up", standing.given_up) };
    let Standing { events, keys, waiting, .. } = *standing;
    format!("{} events  {} keys  {} waiting{given_up}  no violation so far", count(events), count(keys), count(waiting))
}

/// The model that was given, or that the header names.
fn named(asked: &Asked<'_>, tail: &Tail, candidate: &Candidate) -> Result<Chosen, Problem> {
    model::named(asked.model.as_ref(), tail.header(), &candidate.name)?.ok_or_else(|| {
        let what = "the history names no model, and none can be guessed from a history that is not over";
        Problem::new(what, &candidate.name, "--model NAME, see schism list models")
    })
}

fn options(asked: &Asked<'_>, tail: &Tail) -> Options {
    Options { trivially_valid: tail.header().is_none(), ..asked.options }
}

fn unreadable(error: &ReadError, candidate: &Candidate) -> Problem {
    let hint = "a history of Schism (JSON lines); others can be checked without --follow";
    Problem::new(error.to_string(), &candidate.name, hint)
}

/// Whether this is the history of a run that has its verdict: nothing is recorded after that.
fn run_is_over(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == file::HISTORY) && path.with_file_name(file::VERDICT).exists()
}

/// Tells a violation: reads the history again up to it, and has it explained.
fn violated(
    asked: &Asked<'_>,
    candidate: &Candidate,
    chosen: Option<&Chosen>,
    violation: &Violation,
    began: Instant,
) -> Result<ExitCode, Problem> {
    let chosen = chosen.expect("what has no model has no violation");
    let stopped = || asked.stopper.stopped().is_some();
    // What cannot be read again was seen all the same.
    let history = tail::up_to(&candidate.path, violation.seen, stopped).ok().flatten();
    let budget = Measured::new(CheckBudget::new(asked.time, asked.memory));
    asked.stopper.watch(budget.canceller());
    let events = history.as_ref().map_or(0, |history| history.events.len());
    let options = Options { trivially_valid: false, ..asked.options };
    let explain = |history: &History| tail::explained(violation, history, &chosen.model, &options, &budget);
    let property = history.as_ref().map(explain).transpose();
    let property = property.map_err(|error| check_file::uncheckable(&error, candidate, &chosen.model))?;
    let property = property.unwrap_or_else(|| violation.property(chosen.model.name(), &options));
    let judged = Judged { property, took: began.elapsed(), bytes: budget.most_bytes() };
    Ok(ExitCode::Invalid.worst(check_shown::emit(
        asked,
        &candidate.name,
        &Seen { events, cut: None },
        chosen,
        (&[judged], &[]),
    )))
}

/// Tells what is known of a history without a violation: what was found while it grew, if every key is settled, else what
/// a check of all of it says.
fn over(following: Following<'_>, began: Instant) -> Result<ExitCode, Problem> {
    let Following { asked, candidate, budget, chosen, follower, cut, .. } = following;
    let signal = asked.stopper.stopped().unwrap_or(ExitCode::Done);
    let settled = follower.as_ref().and_then(Follower::settled);
    let (Some(chosen), Some(property), Some(follower)) = (chosen.get(), settled, follower) else {
        return check_file::one(asked, candidate).map(|became| became.code().worst(signal));
    };
    let events = follower.standing().events;
    let outcome = property.outcome;
    let judged = Judged { property, took: began.elapsed(), bytes: budget.most_bytes() };
    let shown = check_shown::emit(asked, &candidate.name, &Seen { events, cut }, chosen, (&[judged], &[]));
    Ok(ExitCode::of_outcome(outcome).worst(signal).worst(shown))
}
