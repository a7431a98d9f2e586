//! Digests: short names for values and for log prefixes, so that notes of different nodes can be compared.

use std::sync::OnceLock;

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

    /// Two for each byte.
    fn digits(self) -> String {
        let mut digits = String::with_capacity(16);
        for byte in self.0.to_be_bytes() {
            digits.extend([byte >> 4, byte & 15].map(|digit| char::from(HEXADECIMAL[usize::from(digit)])));
        }
        digits
    }

    /// The hash as a number, for a place on a ring.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Digest {
    /// Sixteen hexadecimal digits: JSON's numbers would lose some.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.digits())
    }
}

impl From<Digest> for serde_json::Value {
    /// The same digits, as they stand in notes.
    fn from(digest: Digest) -> Self {
        digest.digits().into()
    }
}

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// The place of a value in a chain of digests, kept beside the value: whoever puts the same value behind the same chain, as
/// nodes with equal logs do, need not hash it again.
#[derive(Clone, Debug, Default)]
pub struct Link(OnceLock<(Digest, Digest)>);

impl Link {
    /// The same as `before.then(value)`. It must be the same `value` each time.
    pub fn join(&self, before: Digest, value: &impl Serialize) -> Digest {
        let (known, after) = *self.0.get_or_init(|| (before, before.then(value)));
        if known == before { after } else { before.then(value) }
    }
}

impl PartialEq for Link {
    /// What is remembered of a value is no part of it.
    fn eq(&self, _other: &Self) -> bool {
        true
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
        for number in [0, 9, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(Digest(number).to_string(), format!("{number:016x}"));
            assert_eq!(serde_json::Value::from(Digest(number)), format!("{number:016x}"));
        }
    }

    #[test]
    fn a_link_gives_each_chain_its_own_digest() {
        let (link, chain) = (Link::default(), Digest::of(&"a"));
        for before in [chain, Digest::EMPTY, chain, Digest::EMPTY] {
            assert_eq!(link.join(before, &"b"), before.then(&"b"));
        }
    }
}
