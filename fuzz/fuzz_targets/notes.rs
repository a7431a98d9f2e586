//! Notes of nodes, between the run's own lines.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schism_checker::note;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(notes) = note::read(bytes, "fuzzed")
        && let Some(cut) = notes.cut
    {
        assert!(cut.offset <= bytes.len() as u64, "cut at {} of {}", cut.offset, bytes.len());
    }
});
