//! What the machine is and how starved it was: a starved machine must never look like a bad system.

use serde::{Deserialize, Serialize};

/// How starved the machine was during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Strain {
    /// The longest time by which a timer of the controller itself came late, in milliseconds.
    pub scheduler_lag_ms_max: f64,
    /// The median of the same.
    pub scheduler_lag_ms_p50: f64,
    /// The share of processor time that the hypervisor gave to others, 0..=1.
    pub stolen_cpu: f64,
}

/// The machine that a run ran on. No host, user or home names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture, such as `linux x86_64`.
    pub platform: String,
    /// The kernel's release.
    pub kernel: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The file system of the nodes' data, such as `ext4`; on `tmpfs` nothing is said about durability.
    pub filesystem: String,
    /// The median latency of a small write with `fdatasync` there, in microseconds.
    pub sync_us_p50: u64,
}
