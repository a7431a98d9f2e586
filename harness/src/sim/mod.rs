//! Whole runs in virtual time, in one thread and without a process: the same protocols, plans, faults, workloads and
//! judges as in a real run, thousands of times faster, and the same bytes each time.
//!
//! A [`Scenario`] is everything that a run depends on: options, plan, weather and seed. [`Scenario::play`] builds a world
//! of it in which nothing happens but by its agenda, lets that run to its end, and judges the history as that of a real run
//! is judged. Time jumps from event to event; every choice comes from a stream found by its name, so that leaving something
//! out leaves the rest as it was.
//!
//! | | |
//! |---|---|
//! | `world`, `agenda` | what is going to happen, and who does it |
//! | `node`, `steps`, `lives`, `disk` | a node: the driver's duties, start and death, stable storage |
//! | `wires` | the network, on the rules of the relays of real runs |
//! | `workers` | clients that time out, give up, try again and go on |
//! | `player` | the plan |
//! | `phases` | from the start to the final reads |
//! | `watch` | who listens to the notes: cluster-wide invariants, deliberate bugs |
//! | `mixture`, `weather` | what a seed is made of |
//! | `recording`, `trace` | the history, and the same run as text |
//! | `scenario` | from options to a run to its verdict |
//! | `sweep`, `bugs`, `directed` | many seeds; every deliberate bug, by chance and by its plans |
//! | `shrink` | a run that breaks something, made small |

mod agenda;
pub mod bugs;
pub mod defaults;
pub mod directed;
mod disk;
mod lives;
mod mixture;
mod node;
pub mod panics;
mod phases;
mod player;
mod recording;
mod scenario;
pub mod shrink;
mod steps;
pub mod sweep;
mod trace;
mod watch;
mod weather;
mod wires;
mod workers;
mod world;

pub use mixture::Mixture;
pub use scenario::{Played, Scenario, Simulated};
pub use watch::Watch;
pub use weather::{Spread, Weather};
