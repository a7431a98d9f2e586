//! A recorded history in, a verdict with its reasons out.
//!
//! This crate is pure: no clock, no socket, no async. Reading a history is its only input; the same history with the
//! same options gives the same verdict, byte for byte. The one exception is a [`budget`] that ends, and the verdict then
//! says so. It owns the documented JSON of histories and notes, and knows nothing of nodes or workloads.

pub mod budget;
mod call;
pub mod formats;
pub mod history;
pub mod linearizability;
mod meter;
pub mod model;
pub mod models;
pub mod note;
mod registers;
mod routes;
mod search;
pub mod verdict;
mod words;
mod zones;
