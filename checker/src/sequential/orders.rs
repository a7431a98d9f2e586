//! What each process did, in its order, with the inputs and keys numbered.

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::history::{Ending, Operation};
use crate::linearizability::CheckError;
use crate::model::Model;

/// The number of an object: of a key, or 0 where the model has one object.
pub(super) type Object = usize;

/// An operation with its input and its object.
pub(super) struct Placed<'a, I> {
    pub(super) call: Call<'a, I>,
    pub(super) object: Object,
    /// Equal for equal inputs on the same object.
    pub(super) input: u32,
}

/// A class of crashed operations that do the same.
pub(super) struct Class {
    /// One of them, in the list of all crashed ones.
    pub(super) example: usize,
    /// For each of them, which process it is of and how many operations that process has to have done.
    pub(super) after: Vec<(usize, u32)>,
}

/// The operations by process.
pub(super) struct Orders<'a, I> {
    /// For each process what it did and ended ok.
    pub(super) processes: Vec<Vec<Placed<'a, I>>>,
    pub(super) crashed: Vec<Placed<'a, I>>,
    pub(super) classes: Vec<Class>,
    pub(super) keys: Vec<Option<&'a Value>>,
    failed: usize,
    dropped: usize,
}

impl<'a, I: Clone + Eq + std::hash::Hash> Orders<'a, I> {
    pub(super) fn of<M: Model<Input = I>>(model: &M, operations: &'a [Operation]) -> Result<Orders<'a, I>, CheckError> {
        let (processes, crashed, classes, keys) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut orders = Orders { processes, crashed, classes, keys, failed: 0, dropped: 0 };
        let mut objects: FxHashMap<Option<&Value>, Object> = FxHashMap::default();
        let mut inputs: FxHashMap<(Object, I), u32> = FxHashMap::default();
        let mut numbers: FxHashMap<u64, usize> = FxHashMap::default();
        let mut class_of: FxHashMap<u32, usize> = FxHashMap::default();
        // They are in this order, unless a caller made them.
        let mut by_begin: Vec<&Operation> = operations.iter().collect();
        by_begin.sort_by_key(|operation| operation.invoked);
        for operation in by_begin {
            if operation.ending == Ending::Fail {
                orders.failed += 1;
                continue;
            }
            let input = understood(model, operation)?;
            if operation.ending == Ending::Info && model.is_pure(&input) {
                orders.dropped += 1;
                continue;
            }
            let key = operation.key.as_deref().filter(|_| model.partitions_by_key());
            let object = *objects.entry(key).or_insert_with(|| {
                orders.keys.push(key);
                orders.keys.len() - 1
            });
            let next = u32::try_from(inputs.len()).expect("four billion inputs do not fit in memory");
            let number = *inputs.entry((object, input.clone())).or_insert(next);
            let process = *numbers.entry(operation.process).or_insert_with(|| {
                orders.processes.push(Vec::new());
                orders.processes.len() - 1
            });
            let placed = Placed { call: Call::new(operation, input), object, input: number };
            if operation.ending == Ending::Ok {
                orders.processes[process].push(placed);
                continue;
            }
            let class = *class_of.entry(number).or_insert_with(|| {
                orders.classes.push(Class { example: orders.crashed.len(), after: Vec::new() });
                orders.classes.len() - 1
            });
            let done = u32::try_from(orders.processes[process].len()).expect("they fit in memory");
            orders.classes[class].after.push((process, done));
            orders.crashed.push(placed);
        }
        Ok(orders)
    }

    /// How many operations have to be placed.
    pub(super) fn obliged(&self) -> usize {
        self.processes.iter().map(Vec::len).sum()
    }

    pub(super) fn figures(&self) -> Map<String, Value> {
        let crashed = self.crashed.len() + self.dropped;
        super::figures(&[
            ("operations", self.obliged() + crashed),
            ("crashed", crashed),
            ("failed", self.failed),
            ("processes", self.processes.len()),
        ])
    }
}

fn understood<M: Model>(model: &M, operation: &Operation) -> Result<M::Input, CheckError> {
    model.input(operation).map_err(|why| CheckError::Operation {
        model: model.name().to_owned(),
        f: operation.f.to_string(),
        process: operation.process,
        invoked: operation.invoked,
        why,
    })
}
