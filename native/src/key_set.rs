//! Sets of order keys: which events a commit has.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::columns::BytesColumn;
use crate::stream::KEY_BYTES;

/// Hashes order keys by the end of their eventId, which is a SHA-256 itself, with a secret.
#[derive(Clone)]
pub struct KeyHash {
    secret: u64,
}

impl Default for KeyHash {
    fn default() -> KeyHash {
        KeyHash { secret: RandomState::new().hash_one(0u64) | 1 }
    }
}

impl BuildHasher for KeyHash {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher { state: self.secret, secret: self.secret }
    }
}

pub struct KeyHasher {
    state: u64,
    secret: u64,
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let last = match bytes.last_chunk::<8>() {
            Some(last) => u64::from_le_bytes(*last),
            None => bytes.iter().fold(1, |number, byte| number << 8 | u64::from(*byte)),
        };
        let product = u128::from(self.state ^ last) * u128::from(self.secret ^ 0x9e37_79b9_7f4a_7c15);
        self.state = (product >> 64) as u64 ^ product as u64;
    }

    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.state
    }
}

/// Order keys, and other keys, that are taken.
#[pyclass]
#[derive(Default, Clone)]
pub struct KeySet {
    events: HashSet<[u8; KEY_BYTES], KeyHash>,
    others: HashSet<Vec<u8>>,
}

impl KeySet {
    fn insert(&mut self, key: &[u8]) {
        match key.try_into() {
            Ok(key) => self.events.insert(key),
            Err(_) => self.others.insert(key.to_vec()),
        };
    }
}

#[pymethods]
impl KeySet {
    #[new]
    fn new() -> KeySet {
        KeySet::default()
    }

    /// Add keys.
    fn update(&mut self, keys: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(column) = keys.cast::<BytesColumn>() {
            self.events.reserve(column.get().len());
            column.get().iter().for_each(|key| self.insert(key));
            return Ok(());
        }
        keys.try_iter()?.try_for_each(|key| {
            self.insert(key?.cast::<PyBytes>()?.as_bytes());
            Ok(())
        })
    }

    fn __contains__(&self, key: &Bound<'_, PyBytes>) -> bool {
        let key = key.as_bytes();
        match <&[u8; KEY_BYTES]>::try_from(key) {
            Ok(key) => self.events.contains(key),
            Err(_) => self.others.contains(key),
        }
    }

    fn __len__(&self) -> usize {
        self.events.len() + self.others.len()
    }

    fn __eq__(&self, other: &KeySet) -> bool {
        self.events == other.events && self.others == other.others
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> KeySet {
        self.clone()
    }
}
