//! A history's verdict as a test wants it: one call that fails with the explanation.

use std::fmt;

use crate::budget::{Budget, Exhausted};
use crate::history::History;
use crate::linearizability::{CheckError, Options, check_with};
use crate::model::Model;
use crate::verdict::{Outcome, Property, Witness};

/// A check of a test may hold so much; a history that needs more is `unknown`, and the test fails.
const TEST_MEMORY_BYTES: usize = 1 << 30;

struct TestBudget;

impl Budget for TestBudget {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        (bytes > TEST_MEMORY_BYTES).then_some(Exhausted::Memory)
    }
}

impl History {
    /// Judges whether this history is linearizable, within 1 GiB of memory; what takes a test too long is for
    /// [`check_within`](History::check_within).
    pub fn check<M: Model>(&self, model: &M) -> Judgement {
        self.check_within(model, &TestBudget)
    }

    /// Like [`check`](History::check), within the caller's budget.
    pub fn check_within<M: Model>(&self, model: &M, budget: &dyn Budget) -> Judgement {
        // A test may have had no operation whose answer could be wrong; one that recorded nothing is to be told.
        let options = Options { trivially_valid: true, ..Options::default() };
        let operations = self.operations().map_err(CheckError::History);
        Judgement(operations.and_then(|operations| check_with(&operations, model, &options, budget)))
    }
}

/// What is known of a history. As a text it is the explanation.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a history that nobody asks about proves nothing: assert_valid"]
pub struct Judgement(Result<Property, CheckError>);

impl Judgement {
    /// Panics with the explanation unless the history is valid: on a violation, but also where the budget ended, where
    /// nothing was recorded, and where the model does not understand an operation.
    #[track_caller]
    pub fn assert_valid(&self) {
        assert!(self.outcome() == Some(Outcome::Valid), "{self}");
    }

    /// Panics unless the history is invalid: for a test of an object that is known to be wrong.
    #[track_caller]
    pub fn assert_invalid(&self) {
        assert!(self.outcome() == Some(Outcome::Invalid), "the history had to be invalid\n{self}");
    }

    /// What is known; none where the history could not be checked.
    pub fn outcome(&self) -> Option<Outcome> {
        self.0.as_ref().ok().map(|property| property.outcome)
    }

    /// The whole verdict, or why there is none.
    pub fn property(&self) -> Result<&Property, &CheckError> {
        self.0.as_ref()
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let property = match &self.0 {
            Ok(property) => property,
            Err(error) => return write!(out, "{error}"),
        };
        out.write_str(&property.summary)?;
        let Some(counterexample) = &property.counterexample else { return Ok(()) };
        operations(out, &counterexample.operations)?;
        for reason in &counterexample.because {
            write!(out, "\n  because {reason}")?;
        }
        let which = |of: &[Witness]| of.iter().map(|it| (it.process, it.invoked)).collect::<Vec<_>>();
        let core = counterexample.core.as_ref();
        if let Some(core) = core.filter(|core| which(&core.operations) != which(&counterexample.operations)) {
            match core.operations.len() {
                1 => out.write_str("\nthis alone is impossible")?,
                count => write!(out, "\nthese {count} alone contradict each other")?,
            }
            for grant in &core.even_if {
                write!(out, ", {grant}")?;
            }
            operations(out, &core.operations)?;
        }
        for suspect in &property.suspects {
            write!(out, "\nsuspect: {suspect}")?;
        }
        Ok(())
    }
}

fn operations(out: &mut fmt::Formatter<'_>, operations: &[Witness]) -> fmt::Result {
    for Witness { process, did, role, invoked, completed, .. } in operations {
        let comma = if role.is_empty() { "" } else { ", " };
        let end = completed.map_or_else(|| "?".to_owned(), |end| end.to_string());
        write!(out, "\n  events {invoked}..{end}  process {process} {did}{comma}{role}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Unlimited;
    use crate::models::Register;
    use crate::recorder::{Invocation, Read, Recorder, Write};

    struct Nothing;

    impl Budget for Nothing {
        fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
            Some(Exhausted::Time)
        }
    }

    fn panic_of(judgement: &Judgement) -> String {
        let judgement = judgement.clone();
        let panic = std::thread::spawn(move || judgement.assert_valid()).join().expect_err("it has to panic");
        panic.downcast_ref::<String>().expect("a message").clone()
    }

    #[test]
    fn whatever_is_not_valid_panics_with_the_reason() {
        let recorder = Recorder::new();
        let nothing = recorder.history().check(&Register::new());
        assert!(panic_of(&nothing).starts_with("nothing follows for register"));
        recorder.invoke(1, Write("x", 5)).ok(());
        recorder.history().check(&Register::new()).assert_valid();
        let unknown = recorder.history().check_within(&Register::new(), &Nothing);
        assert!(panic_of(&unknown).starts_with("the time was up"));
        recorder.invoke(2, Read("x")).ok(());
        let invalid = recorder.history().check_within(&Register::new(), &Unlimited);
        let said = panic_of(&invalid);
        let first = "register is not linearizable (key x; zones)\n  events 0..1  process 1 wrote 5";
        assert!(said.starts_with(first) && said.contains("\n  because "), "{said}");
        recorder.invoke(2, Invocation::new("dance")).ok(());
        assert!(panic_of(&recorder.history().check(&Register::new())).contains("not dance"));
    }

    #[test]
    fn what_is_behind_a_violation_is_told_as_well() {
        let recorder = Recorder::new();
        for value in [1, 1] {
            recorder.invoke(1, Write("x", value)).ok(());
        }
        recorder.invoke(2, Read("x")).ok(None::<u8>);
        let said = recorder.history().check(&Register::new()).to_string();
        assert!(said.contains("\nthese 2 alone contradict each other\n  events "), "{said}");
        recorder.invoke(2, Write("y", 1)).ok(());
        recorder.invoke(2, Write("a", 7)).fail();
        recorder.invoke(3, Read("a")).ok(7);
        let said = recorder.history().check(&Register::new()).to_string();
        assert!(
            said.contains("\nsuspect: process 3 saw 7 (event 10), which only an operation that failed wrote"),
            "{said}"
        );
    }
}
