//! A recorded history in, a verdict with its reasons out: whether what concurrent clients saw of an object can have happened.
//!
//! **In a test**: record what is done, and have it judged. [`recorder`] shows a wrong one, [`models`] what objects there are,
//! [`Model`](model::Model) how to write one in twenty lines.
//!
//! ```
//! use schism_checker::models::Register;
//! use schism_checker::recorder::{Read, Recorder, Write};
//!
//! let recorder = Recorder::new();
//! let op = recorder.invoke(1, Write("x", 5)); // client 1 is about to send
//! op.ok(()); // it was answered; or op.fail(): it certainly did not happen; or op.info(), or dropped: nobody knows
//! recorder.invoke(2, Read("x")).ok(5);
//! recorder.history().check(&Register::new()).assert_valid(); // panics with the explanation
//! ```
//!
//! **A file** of Schism, Jepsen, elle-cli or Porcupine (feature `formats`), against any of our models:
//!
//! ```
//! # #[cfg(feature = "formats")] {
//! use schism_checker::{budget::Unlimited, formats, linearizability, models::ModelSpec, verdict::Outcome};
//!
//! let text = "{:process 0 :type :invoke :f :read :value nil}\n{:process 0 :type :ok :f :read :value 3}\n";
//! let history = formats::read_bytes(text.as_bytes(), "history.edn")?; // or read_path
//! let model = ModelSpec::parse("cas-register", &[("init".into(), "0".into())].into())?;
//! let verdict = linearizability::check(&history, &model, &linearizability::Options::default(), &Unlimited)?;
//! assert_eq!(verdict.outcome, Outcome::Invalid);
//! assert_eq!(verdict.route.as_deref(), Some("zones")); // which algorithm decided
//! let proof = linearizability::prove(&history.operations()?, &model, &verdict, &Unlimited)?;
//! schism_checker::verify::verify(&history.operations()?, &model, &proof)?; // shares nothing with the search
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **While it grows**: [`streaming`]. **Weaker** than linearizable: [`sequential`] and [`weaker`]. **Limits** of time, memory and patience: implement [`Budget`](budget::Budget);
//! what a check cannot settle within them is `unknown`, never a guess.
//!
//! This crate is pure: no clock, no socket, no async, no thread but those of rayon (feature `parallel`; keys are then checked
//! at the same time). The same history with the same options gives the same verdict, byte for byte, unless a budget ends. Both
//! features are on by default. It needs Rust 1.95, and knows nothing of nodes or workloads.

pub mod budget;
mod call;
#[cfg(feature = "formats")]
pub mod formats;
pub mod history;
pub mod invariants;
pub mod judgement;
pub mod linearizability;
mod meter;
pub mod model;
pub mod models;
#[cfg(feature = "formats")]
pub mod note;
mod parallel;
pub mod proof;
pub mod quorum;
pub mod recorder;
mod registers;
mod routes;
mod search;
pub mod sequential;
mod sorting;
pub mod streaming;
mod suspects;
pub mod verdict;
pub mod verify;
pub mod weaker;
mod words;
mod zones;
