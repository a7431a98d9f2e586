//! What is typed to look at the machine, and by this program for processes of its own.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Whether the program is to see itself as somebody without privileges
    #[arg(long)]
    pub(crate) unprivileged: bool,
    /// The program and its arguments
    #[arg(required = true, last = true)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Exit 4 if this does not work here: vnet
    #[arg(long, value_name = "RUNG")]
    pub(crate) require: Option<String>,
    /// Only try a user namespace, for a doctor that tries everything
    #[arg(long, hide = true)]
    pub(crate) user_namespace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CellArgs {
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub(crate) program: Vec<std::ffi::OsString>,
}
