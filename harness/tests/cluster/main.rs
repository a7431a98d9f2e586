//! Clusters of real processes.

mod death;
mod life;
mod orphans;
mod start;
mod support;
mod traps;
