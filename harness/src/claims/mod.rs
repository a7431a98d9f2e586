//! What the seed documents claim, row by row, and the runs that show whether it is so.
//!
//! The rows are data, a file for each section in `rows/`. A row says what is claimed and where, what is true instead where the claim
//! is wrong, and how it is demonstrated: runs with what each must keep and break, and figures that must compare in a certain way. A row
//! without runs says what it waits for. Nothing here knows how a protocol or a checker works.
//!
//! | | |
//! |---|---|
//! | `row` | the rows, as they are written |
//! | `catalogue` | all of them, and which ones a name means |
//! | `play` | from a run of a row to the run of the harness, in virtual time |
//! | `evidence` | what a run has left: history, notes, verdict |
//! | `figures`, `note_figures` | numbers from that |
//! | `prediction` | how figures must compare |
//! | `judge` | what was predicted against what came |
//! | `cells`, `cell_figures` | rows that are derived: a choice of N, W and R, and what its runs have left |

pub mod catalogue;
pub mod cell_figures;
pub mod cells;
pub mod evidence;
pub mod figures;
pub mod judge;
mod note_figures;
pub mod play;
pub mod prediction;
pub mod row;

pub use catalogue::Catalogue;
pub use row::{Row, RowRun, State};
