//! The one grammar for everything with parameters: `NAME[:KEY=VALUE,…]`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A name with parameters, for systems, models, faults and workloads: `nwr:n=3,w=2,r=1`. A value may be JSON; commas
/// inside its brackets, braces and quotes are its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spec {
    /// What it is.
    pub name: String,
    /// With what, in the order of their names.
    pub params: BTreeMap<String, String>,
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (place, (key, value)) in self.params.iter().enumerate() {
            write!(f, "{}{key}={value}", if place == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}
