//! Index rows of a commit's events, for the families whose keys begin with the series.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

pub const TIME_BYTES: usize = 8;
pub const SERIES_BYTES: usize = 4;
pub const EVENT_KEY_BYTES: usize = TIME_BYTES + SERIES_BYTES;
pub const ID_HEAD: std::ops::Range<usize> = 9..25;
pub const SOURCE_ROW_BYTES: usize = SERIES_BYTES + TIME_BYTES + 16;

/// Keys in `series_canonical`, keys in `series_source`, and the values of the latter.
type Rows<'py> = (Bound<'py, PyList>, Bound<'py, PyList>, Bound<'py, PyList>);

/// The rows of events in both families, grouped by series in the order of their numbers.
#[pyfunction]
pub fn series_rows<'py>(
    py: Python<'py>,
    event_keys: Vec<Bound<'py, PyBytes>>,
    source_keys: Vec<Bound<'py, PyBytes>>,
) -> PyResult<Rows<'py>> {
    let mut events = Vec::with_capacity(event_keys.len());
    if event_keys.len() != source_keys.len() {
        return Err(PyValueError::new_err("as many source keys as event keys are needed"));
    }
    for (event_key, source_key) in event_keys.iter().zip(&source_keys) {
        if event_key.as_bytes().len() != EVENT_KEY_BYTES || source_key.as_bytes().len() < ID_HEAD.end {
            return Err(PyValueError::new_err("a key is too short or too long"));
        }
        let mut key = [0; EVENT_KEY_BYTES];
        key[..SERIES_BYTES].copy_from_slice(&event_key.as_bytes()[TIME_BYTES..]);
        key[SERIES_BYTES..].copy_from_slice(&event_key.as_bytes()[..TIME_BYTES]);
        events.push((key, source_key));
    }
    events.sort_by_key(|(key, _)| <[u8; SERIES_BYTES]>::try_from(&key[..SERIES_BYTES]).unwrap_or_default());
    let canonical = PyList::new(py, events.iter().map(|(key, _)| PyBytes::new(py, key)))?;
    let source = PyList::new(
        py,
        events.iter().map(|(key, source_key)| {
            let mut row = [0; SOURCE_ROW_BYTES];
            row[..SERIES_BYTES].copy_from_slice(&key[..SERIES_BYTES]);
            row[SERIES_BYTES..EVENT_KEY_BYTES].copy_from_slice(&source_key.as_bytes()[..TIME_BYTES]);
            row[EVENT_KEY_BYTES..].copy_from_slice(&source_key.as_bytes()[ID_HEAD]);
            PyBytes::new(py, &row)
        }),
    )?;
    let values = PyList::new(py, events.iter().map(|(key, _)| PyBytes::new(py, &key[SERIES_BYTES..])))?;
    Ok((canonical, source, values))
}
