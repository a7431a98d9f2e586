//! A register with compare-and-set whose refusals count: one that failed because the value was another one says so.
//!
//! Jepsen drops what failed, since most failures say nothing about the object. A refusal that names the mismatch says
//! something: at some moment between its begin and its end the register was different. It is asked for, never assumed.

use std::borrow::Cow;

use serde_json::Value;

use crate::history::{Ending, Operation};
use crate::model::{Access, Model};
use crate::models::{Register, RegisterInput};

/// The `f` of a compare-and-set that was refused.
const REFUSED: &str = "cas-refused";

/// Words by which systems say that the value was another one; letters and digits alone count.
const WORDS: [&str; 6] =
    ["mismatch", "casfailed", "comparefailed", "preconditionfailed", "didnotsucceed", "valuediffers"];

/// The number that Maelstrom's protocol gives to a failed precondition.
const PRECONDITION_FAILED: u64 = 22;

/// A register that takes the operations of [`asserting`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertingRegister(pub Register);

/// An operation on such a register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AssertingInput {
    /// As on any register.
    Plain(RegisterInput),
    /// The value was not this.
    Not(Value),
}

/// The operations with each refused compare-and-set as one that ended ok: what it says is that the value was another one.
/// Refused is one that ended `fail` with an error that names the mismatch: 22, or words such as `precondition-failed`.
pub fn asserting(operations: &[Operation]) -> Cow<'_, [Operation]> {
    if !operations.iter().any(is_refusal) {
        return Cow::Borrowed(operations);
    }
    let changed = operations.iter().map(|operation| {
        if is_refusal(operation) {
            Operation { f: REFUSED.into(), ending: Ending::Ok, ..operation.clone() }
        } else {
            operation.clone()
        }
    });
    Cow::Owned(changed.collect())
}

fn is_refusal(operation: &Operation) -> bool {
    operation.ending == Ending::Fail && &*operation.f == "cas" && operation.error.as_deref().is_some_and(names_mismatch)
}

fn names_mismatch(error: &Value) -> bool {
    match error {
        Value::Number(code) => code.as_u64() == Some(PRECONDITION_FAILED),
        Value::String(text) => {
            let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
            WORDS.iter().any(|word| letters.to_ascii_lowercase().starts_with(word))
        }
        // Code or keyword first, then words for a person.
        Value::Array(parts) => parts.first().is_some_and(names_mismatch),
        Value::Object(fields) => ["code", "type"].iter().any(|name| fields.get(*name).is_some_and(names_mismatch)),
        Value::Null | Value::Bool(_) => false,
    }
}

impl Model for AssertingRegister {
    type State = Value;
    type Input = AssertingInput;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn initial(&self) -> Value {
        self.0.initial()
    }

    fn input(&self, operation: &Operation) -> Result<AssertingInput, String> {
        match (&*operation.f, operation.input.as_array().map(Vec::as_slice)) {
            (REFUSED, Some([from, _])) => Ok(AssertingInput::Not(from.clone())),
            (REFUSED, _) => Err(format!("the value of cas is [from, to], not {}", operation.input)),
            _ => self.0.input(operation).map(AssertingInput::Plain),
        }
    }

    fn step(&self, state: &Value, input: &AssertingInput) -> Result<Value, String> {
        match input {
            AssertingInput::Plain(input) => self.0.step(state, input),
            AssertingInput::Not(value) if value == state => {
                Err(format!("cannot refuse to change {value}: the register is {state}"))
            }
            AssertingInput::Not(_) => Ok(state.clone()),
        }
    }

    fn is_pure(&self, input: &AssertingInput) -> bool {
        match input {
            AssertingInput::Plain(input) => self.0.is_pure(input),
            AssertingInput::Not(_) => true,
        }
    }

    fn can_refuse(&self, input: &AssertingInput) -> bool {
        match input {
            AssertingInput::Plain(input) => self.0.can_refuse(input),
            AssertingInput::Not(_) => true,
        }
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn access<'a>(&self, input: &'a AssertingInput) -> Option<Access<&'a Value>> {
        match input {
            AssertingInput::Plain(input) => self.0.access(input),
            AssertingInput::Not(_) => None,
        }
    }

    fn register_initial(&self) -> Option<&Value> {
        self.0.register_initial()
    }

    fn describe(&self, input: &AssertingInput, ending: Ending) -> String {
        match input {
            AssertingInput::Plain(input) => self.0.describe(input, ending),
            AssertingInput::Not(value) => format!("was refused to change {value}"),
        }
    }

    fn state_bytes(&self, state: &Value) -> usize {
        self.0.state_bytes(state)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::budget::Unlimited;
    use crate::linearizability::{Options, check_with};
    use crate::verdict::Outcome;

    #[test]
    fn only_an_answer_that_names_the_mismatch_is_one() {
        for error in [
            json!([22, "expected 4, found 5"]),
            json!(22),
            json!("precondition-failed"),
            json!(["Precondition failed", 3]),
            json!("did-not-succeed"),
            json!({"code": 22}),
        ] {
            assert!(names_mismatch(&error), "{error}");
        }
        for error in [
            json!("connection refused"),
            json!("TLS hostname mismatch"),
            json!([11, "mismatch"]),
            json!(null),
            json!("timeout"),
            json!([]),
        ] {
            assert!(!names_mismatch(&error), "{error}");
        }
    }

    /// Two operations of one client: a write of 1, then a compare-and-set from 1 that was refused.
    fn outcome(error: &Value) -> Outcome {
        let text = format!(
            r#"{{"process":1,"type":"invoke","f":"write","value":1}}
            {{"process":1,"type":"ok","f":"write","value":1}}
            {{"process":1,"type":"invoke","f":"cas","value":[1,2]}}
            {{"process":1,"type":"fail","f":"cas","value":[1,2],"error":{error}}}
            "#
        );
        let operations = crate::formats::read_bytes(text.as_bytes(), "test").unwrap().operations().unwrap();
        let register = Register { initial: Value::Null, null_is_any: false, compare_and_set: true };
        let options = Options { trivially_valid: true, ..Options::default() };
        check_with(&asserting(&operations), &AssertingRegister(register), &options, &Unlimited).unwrap().outcome
    }

    #[test]
    fn a_wrong_refusal_is_a_violation() {
        assert_eq!(outcome(&json!([22, "found 0"])), Outcome::Invalid);
        assert_eq!(outcome(&json!("connection refused")), Outcome::Valid);
    }
}
