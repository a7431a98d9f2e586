//! What is weaker than linearizable on a million operations: of a register that is linearizable, and of one whose reads lag behind.

use std::collections::VecDeque;

use schism_checker::budget::Unlimited;
use schism_checker::history::Operation;
use schism_checker::linearizability::Options;
use schism_checker::models::Register;
use schism_checker::weaker::{Level, check_with};
use serde_json::Value;

use crate::MILLION;
use crate::made::{self, Object, Random};
use crate::measure::measure;

/// Clients of every history.
const CLIENTS: usize = 20;

pub(crate) fn rows() {
    for (what, behind, keys) in
        [("a fresh register", 0, 1), ("up to 3 versions behind", 3, 1), ("5 keys, up to 3", 3, 5)]
    {
        let operations = history(behind, keys);
        for level in Level::LADDER.into_iter().chain([Level::KAtomic { k: 1 }, Level::KAtomic { k: 3 }]) {
            if matches!(level, Level::Linearizable | Level::Sequential | Level::CausalMemory) {
                continue;
            }
            let judge = || {
                let property = check_with(&operations, &Register::new(), level, &Options::default(), &Unlimited);
                property.expect("the history is sound").outcome
            };
            let verdict = format!("{:?}", judge()).to_lowercase();
            measure(&format!("{what}: {level} ({verdict})"), || {
                judge();
            });
        }
    }
}

/// Operations with times, on so many keys.
fn history(behind: usize, keys: usize) -> Vec<Operation> {
    let registers = Lagging { behind, values: vec![VecDeque::from([Value::Null]); keys], random: Random(7) };
    let mut operations = made::run(registers, CLIENTS, MILLION, 100, 1);
    for operation in &mut operations {
        operation.key = Some((number(&operation.input) % keys).into());
        operation.invoked_at = Some(operation.invoked * 50_000);
        operation.completed_at = operation.completed.map(|completed| completed * 50_000);
    }
    operations
}

/// The number of an operation, which is its input, and by which it chooses its key.
fn number(input: &Value) -> usize {
    input.as_u64().and_then(|number| usize::try_from(number).ok()).expect("every operation is given its number")
}

/// Registers some of whose reads return a value that was replaced.
struct Lagging {
    behind: usize,
    /// By key, the newest first.
    values: Vec<VecDeque<Value>>,
    random: Random,
}

impl Object for Lagging {
    fn request(&mut self, number: usize, crashes: bool, random: &mut Random) -> (&'static str, Value) {
        // A crashed read says nothing, and is left out by every checker.
        let f = if random.below(2) == 0 && !crashes { "read" } else { "write" };
        (f, number.into())
    }

    fn take_effect(&mut self, _process: u64, f: &str, input: &Value) -> Option<Value> {
        let keys = self.values.len();
        let values = &mut self.values[number(input) % keys];
        if f == "write" {
            values.push_front(input.clone());
            values.truncate(self.behind + 1);
            return Some(input.clone());
        }
        // One read of ten may be behind.
        let behind = if self.random.below(10) == 0 { self.random.below(self.behind + 1) } else { 0 };
        Some(values[behind.min(values.len() - 1)].clone())
    }
}
