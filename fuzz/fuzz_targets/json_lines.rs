//! Our JSON lines.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use schism_checker::formats::Format;

fuzz_target!(|bytes: &[u8]| -> Corpus { schism_fuzz::read_history(Format::JsonLines, bytes) });
