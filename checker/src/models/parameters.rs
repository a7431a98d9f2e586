//! The parameters of models, as they are written: `init=0`, `kind=fenced`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Discipline, LockKind};
use crate::models::ModelError;

/// The parameters of one model.
pub(super) struct Parameters<'a> {
    model: &'static str,
    given: &'a BTreeMap<String, String>,
}

/// The names of the parameters that a model takes, and how they are written.
fn takes(model: &str) -> (&'static [&'static str], &'static str) {
    match model {
        "register" | "cas-register" | "multi-register" | "kv" => (&["init", "nil"], "init=JSON and nil=any or null"),
        "counter" => (&["init"], "init=a whole number"),
        "mutex" => (&["kind"], "kind=owner, reentrant or fenced"),
        "semaphore" => (&["permits"], "permits=a number"),
        "priority-queue" => (&["first"], "first=smallest or largest"),
        _ => (&[], "none"),
    }
}

impl<'a> Parameters<'a> {
    /// An error where the model does not take one of them.
    pub(super) fn of(model: &'static str, given: &'a BTreeMap<String, String>) -> Result<Parameters<'a>, ModelError> {
        let (names, takes) = takes(model);
        match given.keys().find(|key| !names.contains(&key.as_str())) {
            Some(unknown) => Err(ModelError::UnknownParameter { model, parameter: unknown.clone(), takes }),
            None => Ok(Parameters { model, given }),
        }
    }

    fn bad(&self, parameter: &'static str, why: impl Into<String>) -> ModelError {
        let value = self.given.get(parameter).cloned().unwrap_or_default();
        ModelError::BadValue { model: self.model, parameter, value, why: why.into() }
    }

    fn text(&self, parameter: &str) -> Option<&str> {
        self.given.get(parameter).map(String::as_str)
    }

    fn json(&self) -> Result<Option<Value>, ModelError> {
        let Some(text) = self.text("init") else { return Ok(None) };
        let wrong = |error| self.bad("init", format!("it is not JSON ({error}); a string needs quotes"));
        serde_json::from_str(text).map(Some).map_err(wrong)
    }

    /// The value at the beginning; null where none is given.
    pub(super) fn initial(&self) -> Result<Value, ModelError> {
        Ok(self.json()?.unwrap_or(Value::Null))
    }

    /// The string at the beginning; the empty one where none is given.
    pub(super) fn initial_text(&self) -> Result<String, ModelError> {
        match self.json()? {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.bad("init", "it is a JSON string, such as \"\"")),
        }
    }

    /// The number at the beginning; 0 where none is given.
    pub(super) fn initial_number(&self) -> Result<i64, ModelError> {
        let Some(value) = self.json()? else { return Ok(0) };
        value.as_i64().ok_or_else(|| self.bad("init", "it is a whole number of 64 bits"))
    }

    /// Whether a read of null matches every value.
    pub(super) fn null_is_any(&self) -> Result<bool, ModelError> {
        match self.text("nil") {
            None | Some("null") => Ok(false),
            Some("any") => Ok(true),
            Some(_) => Err(self.bad("nil", "it is any (a read of null matches every value) or null")),
        }
    }

    /// How many permits there are.
    pub(super) fn permits(&self) -> Result<u64, ModelError> {
        let Some(text) = self.text("permits") else { return Ok(1) };
        let permits = text.parse().ok().filter(|&permits| permits > 0);
        permits.ok_or_else(|| self.bad("permits", "it is a number of at least 1"))
    }

    /// What kind of lock it is.
    pub(super) fn kind(&self) -> Result<LockKind, ModelError> {
        match self.text("kind") {
            None | Some("owner") => Ok(LockKind::Owner),
            Some("reentrant") => Ok(LockKind::Reentrant),
            Some("fenced") => Ok(LockKind::Fenced),
            Some(_) => Err(self.bad("kind", "it is owner, reentrant or fenced")),
        }
    }

    /// Which element of a priority queue comes first.
    pub(super) fn first(&self) -> Result<Discipline, ModelError> {
        match self.text("first") {
            None | Some("smallest") => Ok(Discipline::Smallest),
            Some("largest") => Ok(Discipline::Largest),
            Some(_) => Err(self.bad("first", "it is smallest or largest")),
        }
    }
}
