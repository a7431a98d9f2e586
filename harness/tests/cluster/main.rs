//! Clusters of real processes.

mod start;
mod support;
