//! The parameters of a workload as they were written, read against what it says of them.

use std::collections::BTreeMap;

use crate::workload::{WorkloadError, WorkloadInfo, WorkloadParameter};

/// Parameters that the workload has; their values are read one by one.
#[derive(Debug)]
pub(crate) struct Params<'a> {
    workload: &'static str,
    parameters: &'static [WorkloadParameter],
    given: &'a BTreeMap<String, String>,
}

impl<'a> Params<'a> {
    /// Refuses a parameter that the workload does not have.
    pub(crate) fn of(info: &WorkloadInfo, given: &'a BTreeMap<String, String>) -> Result<Self, WorkloadError> {
        let known: Vec<&str> = info.parameters.iter().map(|parameter| parameter.name).collect();
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(WorkloadError::Parameter { workload: info.name, parameter: name.clone(), known }),
            None => Ok(Params { workload: info.name, parameters: info.parameters, given }),
        }
    }

    /// A whole number from 1, or `default` where none was given.
    pub(crate) fn number(&self, name: &str, default: usize) -> Result<usize, WorkloadError> {
        let Some(text) = self.given.get(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
        number.ok_or_else(|| self.wrong(name, text))
    }

    /// The place of the word that was given among those that it may be, which are `a|b|c`; 0 where none was.
    pub(crate) fn word(&self, name: &str) -> Result<usize, WorkloadError> {
        let Some(text) = self.given.get(name) else { return Ok(0) };
        let values = self.about(name).map_or("", |parameter| parameter.values);
        values.split('|').position(|word| word == text).ok_or_else(|| self.wrong(name, text))
    }

    fn about(&self, name: &str) -> Option<&'static WorkloadParameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    fn wrong(&self, name: &str, value: &str) -> WorkloadError {
        let (parameter, expected) =
            self.about(name).map_or(("", "of another kind"), |parameter| (parameter.name, parameter.values));
        WorkloadError::Value { workload: self.workload, parameter, value: value.to_owned(), expected }
    }
}
