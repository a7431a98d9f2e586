//! `schism report`: the page of a run again, from what is kept of it.

use std::path::{Path, PathBuf};

use crate::cli::args::ReportArgs;
use crate::cli::look::Look;
use crate::cli::output;
use crate::cli::problem::{Failure, Problem};
use crate::exit::ExitCode;
use crate::folder::file;
use crate::report::html;

pub(crate) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let look = Look::at(&args.look)?;
    let beside = look.beside(&html::windows(&look.verdict));
    let page = html::html(look.run.as_ref(), &look.verdict, &look.history, &beside);
    let path = args.output.clone().unwrap_or_else(|| place(&look));
    if path.as_os_str() == "-" {
        return Ok(output::emit(&page));
    }
    fs_err::write(&path, page)
        .map_err(|error| Problem::new(error.to_string(), path.display().to_string(), "--output FILE"))?;
    Ok(output::emit(&format!("{}\n", path.display())))
}

/// In the run folder where there is one that stays, else here.
fn place(look: &Look) -> PathBuf {
    let folder = look.input.folder.as_ref().filter(|_| !Path::new(&look.input.name).is_file());
    folder.map_or_else(|| PathBuf::from(file::REPORT), |folder| folder.file(file::REPORT))
}
