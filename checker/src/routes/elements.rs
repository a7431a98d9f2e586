//! Sets of which each operation concerns one element: element by element.
//!
//! **Assumption:** no operation asks for several elements at a time.
//!
//! **Theorem** (locality: Herlihy and Wing, *Linearizability: a correctness condition for concurrent objects*, 1990): a history
//! of several objects is linearizable if and only if that of each object is. A set of which each operation concerns one
//! element is an object for each element, which is there or not. Each is searched alone, in no more than two states, which is
//! linear where no element is the object of many operations at the same time. Values need not be distinct.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::call::Call;
use crate::model::{Action, Model, SetAction};

/// The calls of a set by their elements.
pub(crate) struct Elements {
    /// The numbers of the calls, in the order of their elements' first calls.
    pub(crate) calls: Vec<Vec<usize>>,
}

impl Elements {
    /// None where an operation does not concern one element alone.
    pub(crate) fn of<M: Model>(model: &M, calls: &[Call<'_, M::Input>]) -> Option<Elements> {
        let mut numbers: FxHashMap<&Value, usize> = FxHashMap::default();
        let mut by_element: Vec<Vec<usize>> = Vec::new();
        for (number, call) in calls.iter().enumerate() {
            match model.action(&call.input)? {
                Action::Set(SetAction::Add(element) | SetAction::Element(element)) => {
                    let place = *numbers.entry(element).or_insert_with(|| {
                        by_element.push(Vec::new());
                        by_element.len() - 1
                    });
                    by_element[place].push(number);
                }
                Action::Set(SetAction::Nothing) => {}
                _ => return None,
            }
        }
        (by_element.len() > 1).then_some(Elements { calls: by_element })
    }
}
