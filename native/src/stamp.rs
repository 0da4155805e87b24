//! Canonical times of a batch's events: in their keys, and at the end of their stored envelopes.

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;

use crate::rows::{EVENT_KEY_BYTES, TIME_BYTES};
use crate::time;

pub const SIGN: u64 = 1 << 63;
pub const MEMBER: &[u8] = b",\"canonicalTruthTime\":\"";
pub const END: &[u8] = b"\"}";
const LAST_DIGITS: std::ops::Range<usize> = time::NORMAL_CHARS - 5..time::NORMAL_CHARS - 1;
const LAST_DIGITS_NS: i64 = 10_000;

/// What a stored envelope has behind its body.
pub const BYTES: usize = MEMBER.len() + time::NORMAL_CHARS + END.len();

/// Whether a text is what stamps an event with the time of this text.
pub fn is_stamp(text: &[u8], time: &[u8]) -> bool {
    text.strip_prefix(MEMBER).and_then(|text| text.strip_suffix(END)) == Some(time)
}

/// The event key of a canonical time and a series.
pub fn event_key(ns: i64, series: u32) -> [u8; EVENT_KEY_BYTES] {
    let mut key = [0; EVENT_KEY_BYTES];
    key[..TIME_BYTES].copy_from_slice(&((ns as u64) ^ SIGN).to_be_bytes());
    key[TIME_BYTES..].copy_from_slice(&series.to_be_bytes());
    key
}

/// The normal texts of times that follow each other: of most only the last digits differ.
pub struct StampText {
    ns: i64,
    text: [u8; time::NORMAL_CHARS],
}

impl StampText {
    pub fn new(ns: i64) -> StampText {
        StampText { ns, text: time::normal_text(ns) }
    }

    pub fn at(&mut self, ns: i64) -> &[u8] {
        let shared = ns.div_euclid(LAST_DIGITS_NS);
        if shared != self.ns.div_euclid(LAST_DIGITS_NS) {
            self.text = time::normal_text(ns);
        } else {
            let mut rest = ns.rem_euclid(LAST_DIGITS_NS);
            for digit in self.text[LAST_DIGITS].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        self.ns = ns;
        &self.text
    }
}

pub fn require_room(first_ns: i64, count: usize) -> PyResult<()> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match first_ns.checked_add(count) {
        Some(_) => Ok(()),
        None => Err(PyOverflowError::new_err("the last time is beyond int64 nanoseconds")),
    }
}
