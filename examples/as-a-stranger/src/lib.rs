//! The objects that the tests beside this crate judge: what somebody has written who never heard of Schism.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// A map that several threads share.
#[derive(Debug, Default)]
pub struct Store {
    entries: Mutex<BTreeMap<String, u64>>,
}

impl Store {
    /// The value of a key, if it has one.
    pub fn get(&self, key: &str) -> Option<u64> {
        self.lock().get(key).copied()
    }

    /// Sets the value of a key.
    pub fn set(&self, key: &str, value: u64) {
        self.lock().insert(key.to_owned(), value);
    }

    /// Sets the value if it is `from`; says whether it was.
    pub fn compare_and_set(&self, key: &str, from: u64, to: u64) -> bool {
        let mut entries = self.lock();
        let fits = entries.get(key) == Some(&from);
        if fits {
            entries.insert(key.to_owned(), to);
        }
        fits
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Hands out numbers, each once and in order.
#[derive(Debug, Default)]
pub struct Dispenser {
    next: u64,
}

impl Dispenser {
    /// The next number.
    pub fn take(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
