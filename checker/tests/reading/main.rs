//! Reading and writing histories and notes, over the crate's public face.
#![expect(missing_docs, reason = "these are tests")]

mod damage;
mod formats;
mod notes;
mod real_histories;
mod round_trip;
