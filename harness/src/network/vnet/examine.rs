//! What this machine permits of a virtual network: every step is tried, in the order in which a run takes them.

use std::ffi::OsStr;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fs_err as fs;
use schism_nodes::NodeId;

use super::namespaces::NetNs;
use super::{Refusal, VirtualNetwork, VirtualOptions};
use crate::network::{Enclosure, Network as _};

/// How long a frame may take through the switch.
const LIMIT: Duration = Duration::from_secs(2);

/// After how long another frame is sent where none has arrived.
const PROBE_AGAIN: Duration = Duration::from_millis(100);

/// A step that was tried.
#[derive(Debug)]
pub struct Finding {
    /// What was tried.
    pub what: &'static str,
    /// How it went, in words; an error where the machine refused.
    pub outcome: Result<String, String>,
    /// The line that would allow it, where there is one.
    pub allow: Option<String>,
}

impl Finding {
    fn new(what: &'static str, outcome: Result<String, String>, allow: impl FnOnce() -> Option<String>) -> Self {
        let allow = if outcome.is_err() { allow() } else { None };
        Finding { what, outcome, allow }
    }
}

/// Tries everything, and says whether a virtual network works. This process must have one thread, and is in another
/// namespace afterwards. `user_namespace` is a command of this program that does [`Enclosure::of_user`] and tells by its
/// exit code.
pub fn examine(mut user_namespace: Command) -> (Vec<Finding>, bool) {
    let as_root = NetNs::create().map(drop);
    let mut findings = vec![Finding::new("namespaces as root", told(as_root), || None)];
    let user = user_namespace.output().and_then(|output| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it did not say why").trim_start_matches("error: ").to_owned();
        if output.status.success() { Ok(()) } else { Err(io::Error::other(said)) }
    });
    findings.push(Finding::new("namespaces without root", told(user), || Some(allow_user_namespaces())));
    let entered = Enclosure::enter().map_err(|Refusal { step, error }| format!("{step}: {error}"));
    let works = match entered {
        Ok(enclosure) => {
            let steps = network(enclosure);
            let works = steps.iter().all(|step| step.outcome.is_ok());
            findings.extend(steps);
            findings.push(retransmission());
            works
        }
        Err(why) => {
            let allow = || {
                Some(
                    "sudo schism …, or a container with --cap-add SYS_ADMIN --security-opt apparmor=unconfined"
                        .to_owned(),
                )
            };
            findings.push(Finding::new("a network namespace of one's own", Err(why), allow));
            false
        }
    };
    (findings, works)
}

/// Makes a network of two nodes, sends a frame through it, and starts a process in it.
fn network(enclosure: Enclosure) -> Vec<Finding> {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::new("threads", Err(error.to_string()), || None)],
    };
    runtime.block_on(async {
        let options = VirtualOptions { stock_tcp: false, epoch: Instant::now(), program: None, capture: None };
        let seeds = Arc::new(|_: &crate::network::Link| [0; 32]);
        let what = "links between namespaces and packet sockets";
        let made = VirtualNetwork::start(enclosure, &NodeId::universe(2), seeds, options);
        let network = match made {
            Ok(network) => network,
            Err(error) => return vec![Finding::new(what, Err(error.to_string()), || None)],
        };
        vec![
            Finding::new(what, Ok("yes".to_owned()), || None),
            Finding::new("a frame through the switch", frame_passes(&network).await, || None),
            Finding::new("a process in namespaces of its own", process_runs(&network).await, || None),
        ]
    })
}

async fn frame_passes(network: &VirtualNetwork) -> Result<String, String> {
    let mut arrivals = network.arrivals().ok_or("there are no probes")?;
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < LIMIT {
        // A link that has just come up may lose the first frames: one that is lost says nothing.
        number += 1;
        let sent = Instant::now();
        network.probe(number);
        if let Ok(Ok(_)) = tokio::time::timeout(PROBE_AGAIN, arrivals.recv()).await {
            return Ok(format!("yes, in {} us", sent.elapsed().as_micros()));
        }
    }
    Err(format!("none of {number} arrived within {} s", LIMIT.as_secs()))
}

async fn process_runs(network: &VirtualNetwork) -> Result<String, String> {
    let site = network.site(NodeId(1)).ok_or("there is no such node")?;
    let mut command = site.command(OsStr::new("/proc/self/exe"));
    command.arg("--version").stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let mut child = site.spawn(command).await.map_err(|error| error.to_string())?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok("yes".to_owned()) } else { Err(format!("it ended with {status}")) }
}

/// Whether the kernel has a limit of TCP's patience that a namespace may set.
fn retransmission() -> Finding {
    let set = fs::metadata("/proc/sys/net/ipv4/tcp_rto_max_ms").map(drop);
    let outcome = match told(set) {
        Ok(yes) => Ok(yes),
        Err(_) => Ok("no, so that healing may take as long as a cut did; Linux 6.15 has it".to_owned()),
    };
    Finding::new("a limit of TCP's retransmission", outcome, || None)
}

fn told(result: io::Result<()>) -> Result<String, String> {
    result.map(|()| "yes".to_owned()).map_err(|error| error.to_string())
}

/// Which switch of the machine keeps users from having namespaces, and how it is turned.
fn allow_user_namespaces() -> String {
    let is = |name: &str, value: &str| {
        fs::read_to_string(format!("/proc/sys/{name}")).is_ok_and(|text| text.trim() == value)
    };
    if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0".to_owned()
    } else if is("kernel/unprivileged_userns_clone", "0") {
        "sudo sysctl -w kernel.unprivileged_userns_clone=1".to_owned()
    } else if is("user/max_user_namespaces", "0") || is("user/max_net_namespaces", "0") {
        "sudo sysctl -w user.max_user_namespaces=10000 user.max_net_namespaces=10000".to_owned()
    } else {
        "in a container: --security-opt seccomp=unconfined, or --cap-add SYS_ADMIN".to_owned()
    }
}
