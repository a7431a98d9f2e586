//! Regularity (Lamport, *On interprocess communication*, 1986; for several writers the weak form of Shao, Welch, Pierce and
//! Lee, 2011): a read returns the value of a write that overlaps it, or of one that no other write had replaced when it began.
//!
//! **Theorem.** For a read r there is an order of all writes and r that extends real time and in which r returns the last
//! value written before it, if and only if some write w of its value did not begin after r ended, and no other write began
//! after w had ended and ended before r began. (If there is none such, place before r all that ended before it began and
//! what these need, w last: only what began after w ended would have to stand behind w, and none of that has to stand
//! before r.) The initial value has a write that ended before everything.
//!
//! Each read is judged by itself: two reads may see two writes in different orders, one after the other, and a new value may be
//! followed by an old one while the write goes on. That is what quorums with W+R > N give without write-back. Values need not be
//! distinct. A crashed write overlaps all that began after it; what failed did not happen. A compare-and-set that succeeded
//! counts as a read of what it found and a write of what it left.
//!
//! O(n log n): the writes by their ends, with the latest begin up to each, and the writes of each value by their begins.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::regular;
//!
//! let recorder = Recorder::new();
//! recorder.invoke(1, Write("x", 4)).ok(());
//! let writing = recorder.invoke(1, Write("x", 5));
//! recorder.invoke(2, Read("x")).ok(5);
//! recorder.invoke(2, Read("x")).ok(4); // not linearizable, but the write goes on: a regular register may
//! writing.ok(());
//! let judge = || regular::check(&recorder.history().operations().unwrap(), &Register::new(), &Options::default(), &Unlimited);
//! assert_eq!(judge().unwrap().outcome, Outcome::Valid);
//! recorder.invoke(2, Read("x")).ok(4); // now 5 was acknowledged
//! assert_eq!(judge().unwrap().outcome, Outcome::Invalid);
//! ```

use crate::budget::Budget;
use crate::history::Operation;
use crate::linearizability::{CheckError, Options};
use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::{Counterexample, Property};
use crate::weaker::Case;
use crate::weaker::by_key::{Found, Register, Words, judge};
use crate::weaker::intervals::{Source, Writes, Wrong};
use crate::words;

/// Judges each register of a history. The property is named `regular`.
pub fn check<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let words = words("regular", "regular");
    reads(Case { operations, model, options, budget }, &words, |_, _, _| true)
}

pub(super) fn words(name: &'static str, adjective: &str) -> Words {
    Words { name, holds: format!("is {adjective}"), broken: format!("is not {adjective}"), route: "intervals" }
}

/// Reads by what is wrong with them.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    reads: usize,
    stale: usize,
    unwritten: usize,
    from_the_future: usize,
}

/// Judges those reads that `counts` says that matter.
pub(super) fn reads<M: Model>(
    case: Case<'_, M>,
    words: &Words,
    counts: impl Fn(&Register<'_, '_, M>, &Writes, usize) -> bool + Sync + Send,
) -> Result<Property, CheckError> {
    let (mut property, all) = judge(case, words, |register, share| of_register(register, &counts, share))?;
    let sum = |part: fn(&Counts) -> usize| all.iter().map(part).sum::<usize>();
    for (name, figure) in [
        ("reads", sum(|it| it.reads)),
        ("stale_reads", sum(|it| it.stale)),
        ("unwritten_reads", sum(|it| it.unwritten)),
        ("reads_from_the_future", sum(|it| it.from_the_future)),
    ] {
        property.figures.insert(name.to_owned(), figure.into());
    }
    Ok(property)
}

fn of_register<M: Model>(
    register: &Register<'_, '_, M>,
    matters: &impl Fn(&Register<'_, '_, M>, &Writes, usize) -> bool,
    share: &mut Share<'_>,
) -> Result<(Found, Counts), Stop> {
    let bytes = Writes::bytes(register.calls.len());
    share.ask(bytes)?;
    let writes = Writes::of(register);
    let mut counts = Counts::default();
    let mut first: Option<(Option<u64>, usize, Wrong)> = None;
    for (reader, access) in register.accesses.accesses.iter().enumerate() {
        share.work(|| bytes)?;
        let Some(value) = access.observed().filter(|_| !register.calls[reader].crashed()) else { continue };
        counts.reads += 1;
        if !matters(register, &writes, reader) {
            continue;
        }
        let Some(wrong) = writes.wrong(register.calls, reader, value) else { continue };
        match wrong {
            Wrong::Unwritten => counts.unwritten += 1,
            Wrong::FromTheFuture { .. } => counts.from_the_future += 1,
            Wrong::Overwritten { .. } => counts.stale += 1,
        }
        let end = register.calls[reader].end;
        if first.is_none_or(|(earliest, ..)| end < earliest) {
            first = Some((end, reader, wrong));
        }
    }
    let found = first.map_or(Found::Kept, |(_, reader, wrong)| Found::Broken(tell(register, reader, wrong)));
    Ok((found, counts))
}

/// Why a read is wrong.
pub(super) fn tell<M: Model>(register: &Register<'_, '_, M>, reader: usize, wrong: Wrong) -> Counterexample {
    let Register { model, calls, .. } = *register;
    let sentence = |call: usize| words::sentence(model, &calls[call]);
    let row = |call: usize, role: &str| words::witness(model, &calls[call], role.to_owned());
    let after = |earlier: usize, later: usize| {
        let gap = words::gap(&calls[earlier], &calls[later]);
        gap.map_or_else(|| "began after that was over".to_owned(), |gap| format!("began {gap} after that"))
    };
    let read = sentence(reader);
    let (operations, because) = match wrong {
        Wrong::Unwritten => (vec![row(reader, "")], vec![format!("{read}, and nobody wrote that")]),
        Wrong::FromTheFuture { write } => (
            vec![row(reader, ""), row(write, &after(reader, write))],
            vec![format!("{read}, and that was over before {}", sentence(write))],
        ),
        Wrong::Overwritten { source, by } => {
            let replaced = match source {
                Source::Initial => format!("{} replaced what was there at the beginning", sentence(by)),
                Source::Write(write) => {
                    format!("{} replaced it, since it began after {} had ended", sentence(by), sentence(write))
                }
            };
            let mut rows = Vec::new();
            let mut role = "acknowledged".to_owned();
            if let Source::Write(write) = source {
                rows.push(row(write, "acknowledged"));
                role = format!("{}, acknowledged", after(write, by));
            }
            rows.extend([row(by, &role), row(reader, &after(by, reader))]);
            (rows, vec![replaced, format!("{read}, and began after that write had ended")])
        }
    };
    Counterexample { operations, because, ..Counterexample::default() }
}
