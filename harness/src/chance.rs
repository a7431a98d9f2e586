//! All chance of a run: streams that are found by name under the one seed, so that taking one away leaves the others as
//! they were.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The stream of chance called `name` under `seed`.
///
/// The 32 bytes of a `ChaCha8` key are four words. Word `i` is FNV-1a (64 bit) over the seed as eight little-endian bytes, the
/// byte `i` and the name, finished by the mixer of `SplitMix64`. This is written down so that a seed means the same in every
/// release; two names share a stream only if all four words collide.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key(seed, name))
}

/// The key of that stream, for a node that makes it itself.
pub fn key(seed: u64, name: &str) -> [u8; 32] {
    let mut key = [0; 32];
    for (lane, word) in (0_u8..).zip(key.chunks_exact_mut(8)) {
        let bytes = seed.to_le_bytes().into_iter().chain([lane]).chain(name.bytes());
        word.copy_from_slice(&mix(fnv(bytes)).to_le_bytes());
    }
    key
}

/// FNV-1a, 64 bit.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finaliser of `SplitMix64`: every bit of the input reaches every bit of the output.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::*;

    #[test]
    fn a_stream_is_found_by_seed_and_name() {
        let draws = |seed, name: &str| {
            let mut rng = stream(seed, name);
            [rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(draws(7, "plan/kill"), draws(7, "plan/kill"));
        let names = ["", "a", "b", "ab", "plan/kill", "plan/kill/0", "plan/kill/1"];
        let different: BTreeSet<_> = (0..50).flat_map(|seed| names.map(|name| draws(seed, name))).collect();
        assert_eq!(different.len(), 50 * names.len());
    }

    #[test]
    fn a_seed_means_the_same_in_every_release() {
        assert_eq!(stream(1, "worker/c1").next_u64(), FIRST_DRAW);
    }

    /// Changing this number makes every stored seed mean another run.
    const FIRST_DRAW: u64 = 3_940_755_138_197_515_136;
}
