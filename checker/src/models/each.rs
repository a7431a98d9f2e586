//! Does something with whichever model a [`ModelSpec`] names.

use crate::model::Model;
use crate::models::ModelSpec;
use crate::models::erased::Erased;

/// Something to do that works with every model.
pub(crate) trait WithModel {
    /// What comes out.
    type Output;

    /// Does it.
    fn with<M: Model>(self, model: &M) -> Self::Output;
}

impl ModelSpec {
    /// Does it with the model that this names: one that keeps its type, or one of those that share a type.
    pub(crate) fn with<W: WithModel>(&self, what: W) -> W::Output {
        match self {
            ModelSpec::Register(model) => what.with(model),
            ModelSpec::MultiRegister(model) => what.with(&Erased::new(model)),
            ModelSpec::Kv(model) => what.with(&Erased::new(model)),
            ModelSpec::Mutex(model) => what.with(&Erased::new(model)),
            ModelSpec::Semaphore(model) => what.with(&Erased::new(model)),
            ModelSpec::Set(model) => what.with(&Erased::new(model)),
            ModelSpec::Counter(model) => what.with(&Erased::new(model)),
            ModelSpec::Collection(model) => what.with(&Erased::new(model)),
            ModelSpec::AppendList(model) => what.with(&Erased::new(model)),
            ModelSpec::Log(model) => what.with(&Erased::new(model)),
        }
    }
}
