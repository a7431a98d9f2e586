//! From what was asked for to a system: a manifest in a file, one that comes with Schism, or a built-in protocol.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BuiltIn, Foreign, System, embedded};
use crate::options::RunOptions;

/// A manifest in a file, as it was when the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Where it is, as it was typed.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// What is wrong with a system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct MakeError {
    /// What.
    pub what: String,
    /// What to try.
    pub hint: String,
}

/// The system that is asked for, or all that is wrong with it.
pub fn system(options: &RunOptions) -> Result<Arc<dyn System>, Vec<MakeError>> {
    if let Some(foreign) = foreign(options) {
        return Ok(Arc::new(foreign?));
    }
    let built = BuiltIn::new(options.system.clone(), options.nodes, options.node_program.clone());
    let error = |error: schism_nodes::catalog::CatalogError| {
        vec![MakeError { what: error.to_string(), hint: "schism list systems".to_owned() }]
    };
    Ok(Arc::new(built.map_err(error)?))
}

/// The system of a manifest, where one is asked for.
pub fn foreign(options: &RunOptions) -> Option<Result<Foreign, Vec<MakeError>>> {
    let (text, origin, here) = if let Some(file) = &options.manifest {
        (file.text.as_str(), file.path.display().to_string(), file.path.parent().unwrap_or(Path::new("")))
    } else {
        (embedded::find(&options.system.name)?.text, "comes with schism".to_owned(), Path::new(""))
    };
    let made = Foreign::new(options.system.clone(), text, &origin, here, options.client.as_deref());
    Some(
        made.map_err(|errors| {
            errors.into_iter().map(|error| MakeError { what: error.what, hint: error.hint }).collect()
        }),
    )
}
