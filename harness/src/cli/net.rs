//! What commands have to know of networks: which flags go together, which runs may be set side by side, and the step into a
//! network namespace for runs on `vnet`.

use crate::cli::args::NetArgs;
use crate::cli::problem::{Failure, Problem};
use crate::network::{Enclosure, Rung};

/// Why runs on two networks are not set side by side, unless that is asked for.
pub(crate) fn mixed(a: Rung, b: Rung, allowed: bool) -> Option<Problem> {
    (a != b && !allowed).then(|| {
        let what = format!("{a} and {b} are not alike: what differs may be the network's doing");
        Problem::new(what, "--net", "--net with one of them for all, or --mixed-net")
    })
}

/// Flags that mean something on `vnet` alone, and are given on another network.
pub(crate) fn beyond(args: &NetArgs, rung: Rung) -> impl Iterator<Item = Problem> {
    let flags = [(args.stock_tcp, "--stock-tcp"), (args.pcap, "--pcap")];
    let given = flags.into_iter().filter(move |(given, _)| *given && rung != Rung::Vnet);
    given.map(move |(_, flag)| {
        let what = format!("on {rung} there is no network of the run's own");
        Problem::new(what, flag, format!("--net vnet {flag}"))
    })
}

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
