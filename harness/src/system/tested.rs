//! What was tested: the programs of somebody else's system by their paths, sizes, digests and versions, and its manifest.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::foreign::found;
use super::{Launch, LaunchKind};
use crate::cluster::{Beside, run_to_end};

/// How long a program may take to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// How much of a version is kept.
const VERSION_MAX: usize = 120;

/// What was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// The programs of the servers and of a client of one's own, and the files that their command lines name.
    pub programs: Vec<Program>,
    /// What the program says of its version, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The manifest, verbatim.
    pub manifest: String,
    /// Where the manifest comes from.
    pub origin: String,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Where it is, links followed.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// What there is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Files.
    pub programs: Vec<PathBuf>,
    /// The command that tells the version.
    pub version: Option<(PathBuf, Vec<String>)>,
    /// The manifest, verbatim.
    pub manifest: String,
    /// Where it comes from.
    pub origin: String,
}

/// The files that a command line names: its program, and the arguments that are files in the manifest's folder.
pub(crate) fn programs_of(program: &Path, command: &[String], here: &Path) -> Vec<PathBuf> {
    let arguments = command.iter().skip(1).map(|word| here.join(word.replace("${here}", &here.display().to_string())));
    found(program, std::env::var_os("PATH").as_deref())
        .into_iter()
        .chain(arguments.filter(|path| path.is_file()))
        .collect()
}

impl Inspection {
    /// Looks at everything; `folder` is where the version is asked.
    pub async fn look(self, folder: &Path) -> io::Result<Tested> {
        let programs = self.programs;
        let looked = tokio::task::spawn_blocking(move || programs.iter().map(|path| look(path)).collect());
        let programs: io::Result<Vec<Program>> = looked.await.map_err(io::Error::other)?;
        let version = match self.version {
            Some((program, arguments)) => version(program, arguments, folder).await,
            None => None,
        };
        Ok(Tested { programs: programs?, version, manifest: self.manifest, origin: self.origin })
    }
}

fn look(path: &Path) -> io::Result<Program> {
    let path = fs_err::canonicalize(path)?;
    let mut file = fs_err::File::open(&path)?;
    let mut digest = Sha256::new();
    let size = io::copy(&mut file, &mut digest)?;
    let sha256 = digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Ok(Program { path, size, sha256 })
}

/// The first line that a program says of its version; none where it says nothing.
async fn version(program: PathBuf, arguments: Vec<String>, folder: &Path) -> Option<String> {
    let kind = LaunchKind::Server(Box::default());
    let launch = Launch { program, arguments, environment: std::collections::BTreeMap::new(), kind };
    let (_, said) = run_to_end(Beside { launch, folder: folder.to_owned() }, VERSION_LIMIT).await.ok()?;
    let line = said.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(VERSION_MAX).collect())
}

impl Tested {
    /// In a few words: the version, or the beginning of the first digest.
    pub fn in_short(&self) -> String {
        let digest = self.programs.first().map(|program| {
            let name = program.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            format!("{name} sha256 {}…", program.sha256.chars().take(12).collect::<String>())
        });
        [self.version.clone(), digest].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
