//! Any of our models behind pointers, so that all of them are one type.
//!
//! What works with any model is compiled once for each type of model, and is most of this crate. Registers are what
//! people check millions of operations of, and keep a type of their own; the other models share this one, which costs
//! them an allocation for each input and state. Nothing here knows what any model means.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use crate::history::{Ending, Operation};
use crate::model::{Access, Action, Model, Strand};

/// One of our models, whichever.
pub(crate) struct Erased<'m>(&'m dyn AnyModel);

impl<'m> Erased<'m> {
    pub(crate) fn new<M>(model: &'m M) -> Erased<'m>
    where
        M: Model<State: 'static, Input: 'static>,
    {
        Erased(model)
    }
}

/// A value that is equal to others of its own type alone.
trait Equal: Any + fmt::Debug {
    fn boxed(&self) -> Box<dyn Equal>;
    fn equals(&self, other: &dyn Equal) -> bool;
    fn hash_into(&self, hasher: &mut dyn Hasher);
}

impl<T: Any + Clone + Eq + Hash + fmt::Debug> Equal for T {
    fn boxed(&self) -> Box<dyn Equal> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn Equal) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }

    fn hash_into(&self, mut hasher: &mut dyn Hasher) {
        self.hash(&mut hasher);
    }
}

/// A state of some model.
pub(crate) struct State(Box<dyn Equal>);

/// An input of some model.
pub(crate) struct Input(Box<dyn EqualInput>);

/// Inputs go to other threads.
trait EqualInput: Equal + Send + Sync {
    fn boxed_input(&self) -> Box<dyn EqualInput>;
}

impl<T: Equal + Clone + Send + Sync> EqualInput for T {
    fn boxed_input(&self) -> Box<dyn EqualInput> {
        Box::new(self.clone())
    }
}

impl Clone for State {
    fn clone(&self) -> State {
        State((*self.0).boxed())
    }
}

impl Clone for Input {
    fn clone(&self) -> Input {
        Input((*self.0).boxed_input())
    }
}

impl PartialEq for State {
    fn eq(&self, other: &State) -> bool {
        (*self.0).equals(&*other.0)
    }
}

impl PartialEq for Input {
    fn eq(&self, other: &Input) -> bool {
        (*self.0).equals(&*other.0)
    }
}

impl Eq for State {}
impl Eq for Input {}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (*self.0).hash_into(hasher);
    }
}

impl Hash for Input {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (*self.0).hash_into(hasher);
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`Model`], with its states and inputs behind pointers.
trait AnyModel: Sync {
    fn name(&self) -> &str;
    fn initial(&self) -> State;
    fn input(&self, operation: &Operation) -> Result<Input, String>;
    fn step(&self, state: &State, input: &Input) -> Result<State, String>;
    fn is_pure(&self, input: &Input) -> bool;
    fn can_refuse(&self, input: &Input) -> bool;
    fn partitions_by_key(&self) -> bool;
    fn part(&self, input: &Input) -> Option<u64>;
    fn strand(&self, input: &Input) -> Strand;
    fn access<'a>(&self, input: &'a Input) -> Option<Access<&'a Value>>;
    fn register_initial(&self) -> Option<&Value>;
    fn action<'a>(&self, input: &'a Input) -> Option<Action<'a>>;
    fn describe(&self, input: &Input, ending: Ending) -> String;
    fn state_bytes(&self, state: &State) -> usize;
}

impl State {
    fn of<T: 'static>(&self) -> &T {
        let state: &dyn Any = &*self.0;
        state.downcast_ref().expect("states go back to the model that made them")
    }
}

impl Input {
    fn of<T: 'static>(&self) -> &T {
        let input: &dyn Any = &*self.0;
        input.downcast_ref().expect("inputs go back to the model that made them")
    }
}

impl<M> AnyModel for M
where
    M: Model<State: 'static, Input: 'static>,
{
    fn name(&self) -> &str {
        Model::name(self)
    }

    fn initial(&self) -> State {
        State(Box::new(Model::initial(self)))
    }

    fn input(&self, operation: &Operation) -> Result<Input, String> {
        Ok(Input(Box::new(Model::input(self, operation)?)))
    }

    fn step(&self, state: &State, input: &Input) -> Result<State, String> {
        Ok(State(Box::new(Model::step(self, state.of(), input.of())?)))
    }

    fn is_pure(&self, input: &Input) -> bool {
        Model::is_pure(self, input.of())
    }

    fn can_refuse(&self, input: &Input) -> bool {
        Model::can_refuse(self, input.of())
    }

    fn partitions_by_key(&self) -> bool {
        Model::partitions_by_key(self)
    }

    fn part(&self, input: &Input) -> Option<u64> {
        Model::part(self, input.of())
    }

    fn strand(&self, input: &Input) -> Strand {
        Model::strand(self, input.of())
    }

    fn access<'a>(&self, input: &'a Input) -> Option<Access<&'a Value>> {
        Model::access(self, input.of())
    }

    fn register_initial(&self) -> Option<&Value> {
        Model::register_initial(self)
    }

    fn action<'a>(&self, input: &'a Input) -> Option<Action<'a>> {
        Model::action(self, input.of())
    }

    fn describe(&self, input: &Input, ending: Ending) -> String {
        Model::describe(self, input.of(), ending)
    }

    fn state_bytes(&self, state: &State) -> usize {
        size_of::<State>() + Model::state_bytes(self, state.of())
    }
}

impl Model for Erased<'_> {
    type State = State;
    type Input = Input;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn initial(&self) -> State {
        self.0.initial()
    }

    fn input(&self, operation: &Operation) -> Result<Input, String> {
        self.0.input(operation)
    }

    fn step(&self, state: &State, input: &Input) -> Result<State, String> {
        self.0.step(state, input)
    }

    fn is_pure(&self, input: &Input) -> bool {
        self.0.is_pure(input)
    }

    fn can_refuse(&self, input: &Input) -> bool {
        self.0.can_refuse(input)
    }

    fn partitions_by_key(&self) -> bool {
        self.0.partitions_by_key()
    }

    fn part(&self, input: &Input) -> Option<u64> {
        self.0.part(input)
    }

    fn strand(&self, input: &Input) -> Strand {
        self.0.strand(input)
    }

    fn access<'a>(&self, input: &'a Input) -> Option<Access<&'a Value>> {
        self.0.access(input)
    }

    fn register_initial(&self) -> Option<&Value> {
        self.0.register_initial()
    }

    fn action<'a>(&self, input: &'a Input) -> Option<Action<'a>> {
        self.0.action(input)
    }

    fn describe(&self, input: &Input, ending: Ending) -> String {
        self.0.describe(input, ending)
    }

    fn state_bytes(&self, state: &State) -> usize {
        self.0.state_bytes(state)
    }
}
