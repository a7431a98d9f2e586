//! `schism doctor`: what this machine permits, what that rules out, and what would allow it.

use std::fmt::Write as _;

use crate::cli::args::DoctorArgs;
use crate::cli::output;
use crate::cli::problem::{Failure, Problem};
use crate::exit::ExitCode;

/// Tries the steps of a virtual network, and tells.
pub(crate) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    if let Some(stranger) = args.require.as_deref().filter(|rung| !["vnet", "proxy"].contains(rung)) {
        return Err(Problem::new("there is no such network", format!("--require {stranger}"), "vnet or proxy").into());
    }
    let (mut text, works) = steps(args)?;
    let _ = writeln!(text, "\nproxy    works: built-in systems, cut and disturbed message by message");
    let _ = if works {
        writeln!(text, "vnet     works: real servers, and faults on all IP traffic (--net vnet)")
    } else {
        writeln!(text, "vnet     does not work: no real servers, no flipped bits, no limited rates, no captures")
    };
    let told = output::emit(&text);
    let is_missing = args.require.as_deref() == Some("vnet") && !works;
    Ok(if is_missing { told.worst(ExitCode::Harness) } else { told })
}

#[cfg(target_os = "linux")]
fn steps(args: &DoctorArgs) -> Result<(String, bool), Failure> {
    use crate::network::Enclosure;
    use crate::network::vnet::examine;

    if args.user_namespace {
        let refused = |refusal| Failure::harness(Problem::new(format!("{refusal}"), "schism doctor", "as root"));
        return Enclosure::of_user().map(|_| (String::new(), true)).map_err(refused);
    }
    let mut again = std::process::Command::new("/proc/self/exe");
    again.args(["doctor", "--user-namespace"]);
    let (findings, works) = examine(again);
    let mut text = String::new();
    for finding in findings {
        let (Ok(said) | Err(said)) = &finding.outcome;
        let no = if finding.outcome.is_err() { "no: " } else { "" };
        let said = crate::report::words::printable(said);
        let _ = writeln!(text, "{:<46}{no}{said}", finding.what);
        if let Some(line) = finding.allow {
            let _ = writeln!(text, "{:<46}to allow it: {line}", "");
        }
    }
    Ok((text, works))
}

#[cfg(not(target_os = "linux"))]
fn steps(_: &DoctorArgs) -> Result<(String, bool), Failure> {
    Ok(("namespaces                                    no: they are Linux's\n".to_owned(), false))
}
