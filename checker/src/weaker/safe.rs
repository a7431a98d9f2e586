//! Safe registers (Lamport, *On interprocess communication*, 1986): a read that overlaps no write returns a value that no other
//! write had replaced when it began; one that overlaps a write may return anything.
//!
//! **Theorem.** For a read without overlapping write this is [regularity](super::regular): each write either ended before it
//! began or began after it ended. So each read is judged by itself, in O(n log n), whatever the values are.
//!
//! Several writers may have written at the same time; then their writes have an order, each read may see its own, and the
//! last one may be any that no other came after. A crashed write overlaps all that began after it.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::safe;
//!
//! let recorder = Recorder::new();
//! let writing = recorder.invoke(1, Write("x", 5));
//! recorder.invoke(2, Read("x")).ok(77); // while somebody writes, a safe register may return anything
//! writing.ok(());
//! let judge = || safe::check(&recorder.history().operations().unwrap(), &Register::new(), &Options::default(), &Unlimited);
//! assert_eq!(judge().unwrap().outcome, Outcome::Valid);
//! recorder.invoke(2, Read("x")).ok(77);
//! assert_eq!(judge().unwrap().outcome, Outcome::Invalid);
//! ```

use crate::budget::Budget;
use crate::history::Operation;
use crate::linearizability::{CheckError, Options};
use crate::model::Model;
use crate::verdict::Property;
use crate::weaker::Case;
use crate::weaker::regular::{reads, words};

/// Judges each register of a history. The property is named `safe`.
pub fn check<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    reads(Case { operations, model, options, budget }, &words("safe", "safe"), |register, writes, reader| {
        let writes_itself = register.accesses.accesses[reader].produced().is_some();
        !writes.overlap(&register.calls[reader], writes_itself)
    })
}
