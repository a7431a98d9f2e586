//! `schism keeper`, `schism cell` and `schism cell-init`: this program as the processes around a node's own. Linux only.

use std::ffi::OsString;
use std::process::ExitCode;

#[cfg(target_os = "linux")]
use crate::cluster::cell::inside;

/// The init of a run's PID namespace.
pub(crate) fn keeper() -> ExitCode {
    with_code(inside::keeper())
}

/// A program in a cell.
pub(crate) fn cell(program: &[OsString]) -> ExitCode {
    with_code(inside::cell(program))
}

/// The init of a cell.
pub(crate) fn cell_init(program: &[OsString]) -> ExitCode {
    with_code(inside::cell_init(program))
}

fn with_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(not(target_os = "linux"))]
mod inside {
    use std::ffi::OsString;

    pub(super) fn keeper() -> i32 {
        127
    }

    pub(super) fn cell(_: &[OsString]) -> i32 {
        127
    }

    pub(super) fn cell_init(_: &[OsString]) -> i32 {
        127
    }
}
