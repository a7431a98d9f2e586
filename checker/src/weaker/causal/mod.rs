//! Causal consistency in three strengths, by the bad patterns of Bouajjani, Enea, Guerraoui and Hamza (*On verifying causal
//! consistency*, 2017), for histories in which values name their writes.
//!
//! An operation **comes before** another one causally if it did so in its session, if it is the write that the other returned, or if
//! there is a chain of these.
//!
//! - **CC** (`causal`): for each read there is an order of what came before it in which it returns the last value. Broken if and
//!   only if the relation has a cycle, a read returned what nobody wrote, or a read returned a value (the initial one
//!   included) though another write of the key came before the read and behind the value's write.
//! - **`CCv`** (`causal-convergence`): one order of all writes does for all reads. Broken if and only if CC is, or the relation
//!   has a cycle together with this one: a write comes before another of its key if it came before a read that returned the other.
//! - **CM** (`causal-memory`): for each session there is one order of all that it depends on in which all of its own reads return the last
//!   value. Broken if and only if CC is, or the least relation of a session that contains what came before its
//!   last operation, and in which a write comes before another one of its key if it comes before one of the session's reads that
//!   returned the other, has a cycle or has a write before a read of the initial value.
//!
//! Both of the latter imply CC, and neither the other. Linearizable histories keep all three, and that is decided first, since it is
//! cheap. What came before an operation is kept as a vector with a number for each process, so CC and `CCv` take O(n p)
//! time and memory for n operations of p processes, which counts against the budget; CM takes that for each session and round until
//! nothing more is implied, mostly two or three.
//!
//! In a session an operation comes before another one if it ended `ok` before that was invoked; a crashed one comes before nothing there,
//! and one whose write nobody read is left out. A session is what the invocations name, else the process.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::causal;
//!
//! let recorder = Recorder::new();
//! recorder.invoke(1, Write("photo", 1)).ok(());
//! recorder.invoke(1, Write("comment", 2)).ok(());
//! recorder.invoke(2, Read("comment")).ok(2);
//! recorder.invoke(2, Read("photo")).ok(None::<u8>); // the comment is there, what it is about is not
//! let operations = recorder.history().operations().unwrap();
//! let verdict = causal::check(&operations, &Register::new(), &Options::default(), &Unlimited).unwrap();
//! assert_eq!(verdict.outcome, Outcome::Invalid);
//! ```

mod explain;
mod memory;
mod order;
mod patterns;

use crate::budget::Budget;
use crate::history::Operation;
use crate::linearizability::{self, CheckError, Options};
use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::{Outcome, Property};
use crate::weaker::Case;
use crate::weaker::by_key::Words;
use crate::weaker::whole::{Verdict, Whole, judge};

/// Judges causal consistency (CC). The property is named `causal`.
pub fn check<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let words = words("causal", "causally consistent");
    decide(Case { operations, model, options, budget }, words, |whole, share| {
        let found = patterns::Found::of(whole, share)?;
        Ok(found.broken.map_or(Verdict::Kept, Verdict::Broken))
    })
}

/// Judges causal convergence (`CCv`). The property is named `causal-convergence`.
pub fn convergence<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let words = words("causal-convergence", "causally convergent");
    decide(Case { operations, model, options, budget }, words, |whole, share| {
        let found = patterns::Found::of(whole, share)?;
        let broken = match found.broken {
            None => patterns::conflict(whole, &found.order, share)?,
            broken => broken,
        };
        Ok(broken.map_or(Verdict::Kept, Verdict::Broken))
    })
}

/// Judges causal memory (CM). The property is named `causal-memory`.
pub fn memory<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let words = words("causal-memory", "a causal memory");
    decide(Case { operations, model, options, budget }, words, |whole, share| {
        let found = patterns::Found::of(whole, share)?;
        let broken = match found.broken {
            None => memory::broken(whole, &found.order, share)?,
            broken => broken,
        };
        Ok(broken.map_or(Verdict::Kept, Verdict::Broken))
    })
}

fn words(name: &'static str, what: &str) -> Words {
    Words { name, holds: format!("is {what}"), broken: format!("is not {what}"), route: "bad patterns" }
}

fn decide<M: Model>(
    case: Case<'_, M>,
    mut words: Words,
    check: impl FnOnce(&Whole<'_, '_, M>, &mut Share<'_>) -> Result<Verdict, Stop>,
) -> Result<Property, CheckError> {
    let Case { operations, model, options, budget } = case;
    // Whether the route is taken that knows stronger properties first.
    if options.zones {
        let stronger = Options { explain: false, core_effort: 0, ..*options };
        let stronger = linearizability::check_with(operations, model, &stronger, budget)?;
        if stronger.outcome == Outcome::Valid {
            let summary = format!("{} {} ({})", model.name(), words.holds, stronger.summary);
            return Ok(Property { name: words.name.to_owned(), summary, ..stronger });
        }
    }
    judge(case, &mut words, |whole, _, share| check(whole, share))
}
