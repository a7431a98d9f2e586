//! The virtual network with real namespaces. Where the machine forbids them the tests say that they were skipped, unless
//! `SCHISM_TEST_VNET=1` demands them.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

mod links;
mod processes;
mod runs;
mod support;
