//! Canonical times of a batch's events: in their keys, and at the end of their stored envelopes.

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::time;

pub const SIGN: u64 = 1 << 63;
const MEMBER: &[u8] = b",\"canonicalTruthTime\":\"";
const END: &[u8] = b"\"}";

/// What a stored envelope has behind its body.
pub const BYTES: usize = MEMBER.len() + time::NORMAL_CHARS + END.len();

/// Whether a text is what stamps an event with the time of this text.
pub fn is_stamp(text: &[u8], time: &[u8]) -> bool {
    text.strip_prefix(MEMBER).and_then(|text| text.strip_suffix(END)) == Some(time)
}

/// Event keys of events that are 1 ns apart from `first_ns` on.
#[pyfunction]
pub fn event_keys<'py>(py: Python<'py>, first_ns: i64, series: Vec<u32>) -> PyResult<Bound<'py, PyList>> {
    require_room(first_ns, series.len())?;
    let keys = series.iter().zip(first_ns..).map(|(number, ns)| {
        let mut key = [0; 12];
        key[..8].copy_from_slice(&((ns as u64) ^ SIGN).to_be_bytes());
        key[8..].copy_from_slice(&number.to_be_bytes());
        PyBytes::new(py, &key)
    });
    PyList::new(py, keys.collect::<Vec<_>>())
}

/// Stored envelopes of bodies that lack their closing brace; each is 1 ns after the one before.
#[pyfunction]
pub fn stamped<'py>(
    py: Python<'py>,
    bodies: Vec<Bound<'py, PyBytes>>,
    first_ns: i64,
) -> PyResult<Bound<'py, PyList>> {
    require_room(first_ns, bodies.len())?;
    let stored: PyResult<Vec<_>> = bodies
        .iter()
        .zip(first_ns..)
        .map(|(body, ns)| {
            let (body, text) = (body.as_bytes(), time::normal_text(ns));
            let parts = [body, MEMBER, &text, END];
            PyBytes::new_with(py, parts.iter().map(|part| part.len()).sum(), |mut out| {
                for part in parts {
                    let (place, rest) = out.split_at_mut(part.len());
                    place.copy_from_slice(part);
                    out = rest;
                }
                Ok(())
            })
        })
        .collect();
    PyList::new(py, stored?)
}

fn require_room(first_ns: i64, count: usize) -> PyResult<()> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match first_ns.checked_add(count) {
        Some(_) => Ok(()),
        None => Err(PyOverflowError::new_err("the last time is beyond int64 nanoseconds")),
    }
}
