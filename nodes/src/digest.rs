//! Digests: short names for values and for log prefixes, so that notes of different nodes can be compared.

use serde::Serialize;

/// A 64-bit FNV-1a hash that goes on from an earlier one. It tells accidents apart, not attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl Digest {
    /// The digest of nothing.
    pub const EMPTY: Digest = Digest(OFFSET);

    /// The digest of one value.
    pub fn of(value: &impl Serialize) -> Self {
        Digest::EMPTY.then(value)
    }

    /// The digest of all that this one stands for, and of `value` after it.
    #[must_use]
    pub fn then(self, value: &impl Serialize) -> Self {
        let mut hasher = Hasher(self.0);
        serde_json::to_writer(&mut hasher, value).expect("a hasher takes every byte, and our types serialise");
        Digest(hasher.0)
    }

    /// The hash as a number, for a place on a ring.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Digest {
    /// Sixteen hexadecimal digits: JSON's numbers would lose some.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

struct Hasher(u64);

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_digest_depends_on_every_value_and_on_their_order() {
        let ab = Digest::of(&"a").then(&"b");
        assert_eq!(ab, Digest::of(&"a").then(&"b"));
        assert_ne!(ab, Digest::of(&"b").then(&"a"));
        assert_ne!(ab, Digest::of(&"a"));
        assert_eq!(ab.to_string().len(), 16);
    }
}
