//! A checker that tries every order, written without the crate's models: it shares only the type of an operation.

use std::collections::{BTreeMap, HashSet};

use schism_checker::history::{Ending, Operation};
use serde_json::{Value, json};

/// What an object does, in the plainest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Register,
    CasRegister,
    MultiRegister,
    Kv,
    Mutex,
}

/// A compare-and-set that says that the value was another one.
pub(crate) const MISMATCH: &str = "cas-mismatch";

/// Values by key and register; what is absent is initial.
pub(crate) type State = BTreeMap<String, Value>;

/// Whether the operations, of several keys perhaps, are linearizable.
pub(crate) fn linearizable(object: Object, initial: &Value, operations: &[Operation]) -> bool {
    let happened: Vec<&Operation> = operations.iter().filter(|operation| operation.ending != Ending::Fail).collect();
    assert!(happened.len() <= 32, "brute force is for small histories");
    let obliged = (0..happened.len()).filter(|&i| happened[i].ending == Ending::Ok).map(|i| 1_u32 << i).sum();
    let mut dead = HashSet::new();
    finishes(object, initial, &happened, obliged, 0, &State::new(), &mut dead)
}

fn finishes(
    object: Object,
    initial: &Value,
    all: &[&Operation],
    obliged: u32,
    done: u32,
    state: &State,
    dead: &mut HashSet<(u32, State)>,
) -> bool {
    if obliged & !done == 0 {
        return true;
    }
    if dead.contains(&(done, state.clone())) {
        return false;
    }
    let open = |i: usize| done & (1 << i) == 0;
    let deadline =
        (0..all.len()).filter(|&i| open(i) && all[i].ending == Ending::Ok).filter_map(|i| all[i].completed).min();
    for i in (0..all.len()).filter(|&i| open(i) && deadline.is_none_or(|deadline| all[i].invoked <= deadline)) {
        if let Some(after) = apply(object, initial, state, all[i])
            && finishes(object, initial, all, obliged, done | (1 << i), &after, dead)
        {
            return true;
        }
    }
    dead.insert((done, state.clone()));
    false
}

/// The state afterwards, if the operation with its answer is possible.
pub(crate) fn apply(object: Object, initial: &Value, state: &State, operation: &Operation) -> Option<State> {
    let key = operation.key.as_deref().map_or_else(String::new, Value::to_string);
    let mut after = state.clone();
    let now = |state: &State, key: &str| state.get(key).unwrap_or(initial).clone();
    let answer = operation.answer().clone();
    let known = operation.ending == Ending::Ok;
    match (object, &*operation.f) {
        (Object::Register | Object::CasRegister, "read") | (Object::Kv, "get") => {
            return (!known || answer == now(state, &key)).then_some(after);
        }
        (Object::Register | Object::CasRegister, "write") | (Object::Kv, "put") => {
            after.insert(key, operation.input.to_value());
        }
        (Object::CasRegister, MISMATCH) => return (operation.input[0] != now(state, &key)).then_some(after),
        (Object::CasRegister, "cas") => {
            if now(state, &key) != operation.input[0] {
                return None;
            }
            after.insert(key, operation.input[1].clone());
        }
        (Object::Kv, "append") => {
            let text = format!("{}{}", now(state, &key).as_str()?, operation.input.as_str()?);
            after.insert(key, json!(text));
        }
        (Object::Mutex, "acquire") => {
            if !now(state, &key).is_null() {
                return None;
            }
            after.insert(key, json!(operation.process));
        }
        (Object::Mutex, "release") => {
            if now(state, &key) != json!(operation.process) {
                return None;
            }
            after.insert(key, Value::Null);
        }
        (Object::MultiRegister, "txn") => {
            let steps = if known { &answer } else { &operation.input };
            for step in steps.as_array()? {
                let register = step[1].as_str()?;
                match step[0].as_str()? {
                    "read" if known && step[2] != now(&after, register) => return None,
                    "read" => {}
                    _ => {
                        after.insert(register.to_owned(), step[2].clone());
                    }
                }
            }
        }
        (object, f) => unreachable!("{object:?} is not asked to {f}"),
    }
    Some(after)
}
