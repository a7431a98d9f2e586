//! Reading and writing histories and notes, over the crate's public face.

mod damage;
mod documentation;
mod formats;
mod notes;
mod paired;
mod real_histories;
mod round_trip;
