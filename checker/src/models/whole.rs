//! All keys of an object as one: what is checked where keys are not taken apart.
//!
//! Keys are independent, so the verdict is the same either way (Herlihy and Wing's locality), and is found much faster key by
//! key. This is for measuring, and for comparing with checkers that cannot take histories apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::history::{Ending, Operation};
use crate::model::Model;

/// A map from keys to objects of a model that would be checked key by key, as one object: for
/// [`check_with`](crate::linearizability::check_with).
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole<M>(pub M);

/// A key as JSON text; empty where there is none.
type Key = Arc<str>;

impl<M: Model> Model for Whole<M> {
    /// The objects that are not as at the beginning.
    type State = BTreeMap<Key, M::State>;
    type Input = (Key, M::Input);

    fn name(&self) -> &str {
        self.0.name()
    }

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn input(&self, operation: &Operation) -> Result<Self::Input, String> {
        let key = operation.key.as_ref().map_or_else(String::new, ToString::to_string);
        Ok((key.into(), self.0.input(operation)?))
    }

    fn step(&self, state: &Self::State, (key, input): &Self::Input) -> Result<Self::State, String> {
        let initial = self.0.initial();
        let before = state.get(key).unwrap_or(&initial);
        let after = self.0.step(before, input).map_err(|why| format!("key {key}: {why}"))?;
        let mut all = state.clone();
        if after == initial {
            all.remove(key);
        } else {
            all.insert(Arc::clone(key), after);
        }
        Ok(all)
    }

    fn is_pure(&self, (_, input): &Self::Input) -> bool {
        self.0.is_pure(input)
    }

    fn can_refuse(&self, (_, input): &Self::Input) -> bool {
        self.0.can_refuse(input)
    }

    fn describe(&self, (key, input): &Self::Input, ending: Ending) -> String {
        format!("{} (key {key})", self.0.describe(input, ending))
    }

    fn state_bytes(&self, state: &Self::State) -> usize {
        size_of::<Self::State>() + state.values().map(|object| 48 + self.0.state_bytes(object)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use crate::budget::Unlimited;
    use crate::formats::read_bytes;
    use crate::linearizability::{Options, check_with};
    use crate::models::{Kv, Whole};
    use crate::verdict::{Outcome, Property};

    fn whole(second_answer: &str) -> Property {
        let events = [
            r#"{"process":1,"type":"invoke","f":"put","key":"x","value":"a"}"#.to_owned(),
            r#"{"process":2,"type":"invoke","f":"get","key":"y"}"#.to_owned(),
            r#"{"process":1,"type":"ok","f":"put","key":"x","value":"a"}"#.to_owned(),
            format!(r#"{{"process":2,"type":"ok","f":"get","key":"y","value":"{second_answer}"}}"#),
        ];
        let history = read_bytes((events.join("\n") + "\n").as_bytes(), "test").unwrap();
        let operations = history.operations().unwrap();
        check_with(&operations, &Whole(Kv::default()), &Options::default(), &Unlimited).unwrap()
    }

    #[test]
    fn all_keys_are_one_object_with_a_value_for_each() {
        let valid = whole("");
        assert_eq!((valid.outcome, &valid.figures["keys"]), (Outcome::Valid, &1.into()));
        let invalid = whole("a").counterexample.unwrap();
        assert_eq!(invalid.because[0], r#"key "y": cannot get "a" where "" is stored"#);
    }
}
