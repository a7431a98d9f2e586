//! Takes a history apart: what the model understands of each operation, by key where keys are independent.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::call::Call;
use crate::history::{Ending, Operation};
use crate::linearizability::CheckError;
use crate::meter::Share;
use crate::model::Model;

/// The operations of one object.
pub(crate) struct Part<'a, I> {
    /// Its key; none where there is only one object.
    pub(crate) key: Option<Value>,
    /// In the order of the history.
    pub(crate) calls: Vec<Call<'a, I>>,
}

/// A history by objects.
pub(crate) struct Parts<'a, I> {
    /// In the order of their keys.
    pub(crate) parts: Vec<Part<'a, I>>,
    pub(crate) counts: Counts,
}

/// How many operations there were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) ok: usize,
    pub(crate) failed: usize,
    pub(crate) crashed: usize,
    /// Those that ended ok, and that the model could have refused.
    pub(crate) refusable: usize,
}

impl<'a, I> Parts<'a, I> {
    /// None where the budget ends meanwhile.
    pub(crate) fn of<M: Model<Input = I>>(
        model: &M,
        operations: &'a [Operation],
        share: &mut Share<'_>,
    ) -> Result<Option<Parts<'a, I>>, CheckError> {
        let mut counts = Counts::default();
        let mut numbers: FxHashMap<Option<&Value>, usize> = FxHashMap::default();
        let mut parts: Vec<Part<'a, I>> = Vec::new();
        for (done, operation) in operations.iter().enumerate() {
            if share.work(|| done * size_of::<Call<'a, I>>()).is_err() {
                return Ok(None);
            }
            let input = input(model, operation)?;
            counts.count(model, operation.ending, input.as_ref());
            let Some(input) = input else { continue };
            let key = operation.key.as_deref().filter(|_| model.partitions_by_key());
            let number = *numbers.entry(key).or_insert_with(|| {
                // Where there is one object, all that follows is its.
                let room = if key.is_none() { operations.len() - done } else { 0 };
                parts.push(Part { key: key.cloned(), calls: Vec::with_capacity(room) });
                parts.len() - 1
            });
            parts[number].calls.push(Call::new(operation, input));
        }
        parts.sort_by(|one, other| compare_keys(one.key.as_ref(), other.key.as_ref()));
        Ok(Some(Parts { parts, counts }))
    }

    /// How many bytes the calls take, without what their inputs hold besides.
    pub(crate) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| size_of_val(&*part.calls)).sum()
    }
}

impl Counts {
    /// Counts an operation, which was understood as `input`; none where it cannot matter.
    pub(crate) fn count<M: Model>(&mut self, model: &M, ending: Ending, input: Option<&M::Input>) {
        match ending {
            Ending::Ok => self.ok += 1,
            Ending::Info => self.crashed += 1,
            Ending::Fail => self.failed += 1,
        }
        let answered = input.filter(|_| ending == Ending::Ok);
        self.refusable += usize::from(answered.is_some_and(|input| model.can_refuse(input)));
    }
}

/// The operation as the model understands it; none where it cannot matter.
pub(crate) fn input<M: Model>(model: &M, operation: &Operation) -> Result<Option<M::Input>, CheckError> {
    if operation.ending == Ending::Fail {
        return Ok(None);
    }
    let &Operation { process, invoked, .. } = operation;
    let f = || operation.f.to_string();
    let input = model.input(operation).map_err(|why| CheckError::Operation {
        model: model.name().to_owned(),
        f: f(),
        process,
        invoked,
        why,
    })?;
    if operation.ending == Ending::Ok && operation.completed.is_none_or(|completed| completed < invoked) {
        return Err(CheckError::Completion { f: f(), process, invoked });
    }
    Ok(Some(input).filter(|input| operation.ending == Ending::Ok || !model.is_pure(input)))
}

/// No key first, then null, booleans, numbers by size, strings, and the rest by its text.
fn compare_keys(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    fn rank(key: &Value) -> u8 {
        match key {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Number(_) => 2,
            Value::String(_) => 3,
            Value::Array(_) => 4,
            Value::Object(_) => 5,
        }
    }
    let (Some(one), Some(other)) = (one, other) else { return one.is_some().cmp(&other.is_some()) };
    let within = match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => one.as_f64().unwrap_or(f64::NAN).total_cmp(&other.as_f64().unwrap_or(f64::NAN)),
        },
        (Value::String(one), Value::String(other)) => one.cmp(other),
        _ => Ordering::Equal,
    };
    rank(one).cmp(&rank(other)).then(within).then_with(|| one.to_string().cmp(&other.to_string()))
}
