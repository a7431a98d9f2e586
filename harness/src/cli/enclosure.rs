//! The step into a network namespace of its own, for commands that make runs on `vnet`.

use crate::cli::problem::{Failure, Problem};
use crate::network::Enclosure;

/// Takes the step, or says why the machine does not allow it.
#[cfg(target_os = "linux")]
pub(crate) fn enter() -> Result<Enclosure, Failure> {
    Enclosure::enter().map_err(|refusal| {
        let hint = "schism doctor, which says what would allow it; or --net proxy (for servers of somebody else, --net loopback)";
        Failure::harness(Problem::new(refusal.to_string(), "--net vnet", hint))
    })
}

/// Namespaces are Linux's.
#[cfg(not(target_os = "linux"))]
pub(crate) fn enter() -> Result<Enclosure, Failure> {
    Err(Failure::harness(Problem::new("a virtual network needs Linux", "--net vnet", "--net proxy")))
}
