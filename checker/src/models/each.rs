//! Does something with whichever model a [`ModelSpec`] names.

use crate::model::Model;
use crate::models::ModelSpec;

/// Something to do that works with every model.
pub(crate) trait WithModel {
    /// What comes out.
    type Output;

    /// Does it.
    fn with<M: Model>(self, model: &M) -> Self::Output;
}

impl ModelSpec {
    /// Does it with the model that this names.
    pub(crate) fn with<W: WithModel>(&self, what: W) -> W::Output {
        match self {
            ModelSpec::Register(model) => what.with(model),
            ModelSpec::MultiRegister(model) => what.with(model),
            ModelSpec::Kv(model) => what.with(model),
            ModelSpec::Mutex(model) => what.with(model),
            ModelSpec::Semaphore(model) => what.with(model),
            ModelSpec::Set(model) => what.with(model),
            ModelSpec::Counter(model) => what.with(model),
            ModelSpec::Collection(model) => what.with(model),
            ModelSpec::AppendList(model) => what.with(model),
            ModelSpec::Log(model) => what.with(model),
        }
    }
}
