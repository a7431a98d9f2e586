//! All keys of an object as one: what is checked where keys are not taken apart.
//!
//! Keys are independent, so the verdict is the same either way (Herlihy and Wing's locality), and is found much faster key by
//! key. This is for measuring, and for comparing with checkers that cannot take histories apart.

use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use crate::history::{Ending, Operation};
use crate::model::Model;

/// A map from keys to objects of a model that would be checked key by key, as one object: for
/// [`check_with`](crate::linearizability::check_with).
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole<M>(pub M);

/// A key as JSON text; empty where there is none.
type Key = Arc<str>;

/// The objects that are not as at the beginning, in the order of their keys. A search holds many states that differ in one
/// object; the others are there once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Objects<S>(Vec<Rc<Object<S>>>);

/// An object with its hash, which is asked for much more often than it changes.
#[derive(Debug, PartialEq, Eq)]
struct Object<S> {
    hash: u64,
    key: Key,
    state: S,
}

impl<S: Hash> Object<S> {
    fn new(key: &Key, state: S) -> Object<S> {
        Object { hash: FxBuildHasher.hash_one((key, &state)), key: Arc::clone(key), state }
    }
}

impl<S> Hash for Object<S> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

impl<M: Model> Model for Whole<M> {
    type State = Objects<M::State>;
    type Input = (Key, M::Input);

    fn name(&self) -> &str {
        self.0.name()
    }

    fn initial(&self) -> Self::State {
        Objects(Vec::new())
    }

    fn input(&self, operation: &Operation) -> Result<Self::Input, String> {
        let key = operation.key.as_ref().map_or_else(String::new, ToString::to_string);
        Ok((key.into(), self.0.input(operation)?))
    }

    fn step(&self, state: &Self::State, (key, input): &Self::Input) -> Result<Self::State, String> {
        let initial = self.0.initial();
        let place = state.0.binary_search_by(|object| object.key.cmp(key));
        let before = place.map_or(&initial, |place| &state.0[place].state);
        let after = self.0.step(before, input).map_err(|why| format!("key {key}: {why}"))?;
        let mut all = state.clone();
        match place {
            _ if after == *before => {}
            Ok(place) if after == initial => drop(all.0.remove(place)),
            Ok(place) => all.0[place] = Rc::new(Object::new(key, after)),
            Err(place) => all.0.insert(place, Rc::new(Object::new(key, after))),
        }
        Ok(all)
    }

    fn is_pure(&self, (_, input): &Self::Input) -> bool {
        self.0.is_pure(input)
    }

    fn can_refuse(&self, (_, input): &Self::Input) -> bool {
        self.0.can_refuse(input)
    }

    fn part(&self, (key, _): &Self::Input) -> Option<u64> {
        Some(FxBuildHasher.hash_one(key))
    }

    fn describe(&self, (key, input): &Self::Input, ending: Ending) -> String {
        format!("{} (key {key})", self.0.describe(input, ending))
    }

    fn state_bytes(&self, state: &Self::State) -> usize {
        // A state has one object of its own, the one that changed; it shares the others.
        let changed = state.0.iter().map(|object| size_of::<Object<()>>() + self.0.state_bytes(&object.state)).max();
        size_of::<Self::State>() + size_of_val(&*state.0) + changed.unwrap_or(0)
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
