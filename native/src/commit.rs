//! What a commit writes of a batch: which events are new in it, their keys and stored envelopes, the
//! rows of all families, and how many events each bucket of the rollups has.

use std::collections::HashSet;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::rows::{EVENT_KEY_BYTES, ID_HEAD, SERIES_BYTES, SOURCE_ROW_BYTES, TIME_BYTES};
use crate::stamp::{event_key, require_room, stored_envelope, StampText};
use crate::stream::KEY_BYTES;

/// Event keys, order keys and stored envelopes.
type Stamped<'py> = (Bound<'py, PyList>, Bound<'py, PyList>, Bound<'py, PyList>);

/// What the rows of an event are sorted by, and its place.
#[derive(Clone, Copy)]
struct SourceRow {
    series: u32,
    time: u64,
    place: usize,
}

/// Of the events with one key the first: their places (None: no two have one key), of these the
/// places whose key is not after `last`, and the last key of all.
#[pyfunction]
pub fn first_places<'py>(
    keys: Vec<Bound<'py, PyBytes>>,
    last: &[u8],
) -> (Option<Vec<usize>>, Vec<usize>, Option<Bound<'py, PyBytes>>) {
    let mut seen: HashSet<&[u8]> = HashSet::with_capacity(keys.len());
    let (mut first, mut old, mut newest) = (Vec::with_capacity(keys.len()), Vec::new(), None);
    for (place, key) in keys.iter().enumerate() {
        let text = key.as_bytes();
        if !seen.insert(text) {
            continue;
        }
        first.push(place);
        if text <= last {
            old.push(place);
        }
        if newest.is_none_or(|newest: &Bound<'_, PyBytes>| newest.as_bytes() < text) {
            newest = Some(key);
        }
    }
    let newest = newest.cloned();
    (if first.len() == keys.len() { None } else { Some(first) }, old, newest)
}

/// The events of a batch at `places` (None: all) as they are stored, 1 ns apart from `first_ns` on.
/// `series` are indexes into `numbers`, those of the series.
#[pyfunction]
pub fn stamped_rows<'py>(
    py: Python<'py>,
    columns: (Bound<'py, PyList>, Bound<'py, PyList>, Bound<'py, PyList>),
    places: Option<Vec<usize>>,
    numbers: Vec<u32>,
    first_ns: i64,
) -> PyResult<Stamped<'py>> {
    let (keys, series, bodies) = &columns;
    let count = places.as_ref().map_or(keys.len(), Vec::len);
    require_room(first_ns, count)?;
    let mut rows = (Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count));
    let mut text = StampText::new(first_ns);
    for (index, ns) in (0..count).zip(first_ns..) {
        let place = places.as_ref().map_or(index, |places| places[index]);
        let of_batch: usize = series.get_item(place)?.extract()?;
        let number = numbers.get(of_batch).ok_or_else(|| PyValueError::new_err("a series has no number"))?;
        rows.0.push(PyBytes::new(py, &event_key(ns, *number)));
        rows.1.push(keys.get_item(place)?);
        let body = bodies.get_item(place)?.cast_into::<PyBytes>()?;
        rows.2.push(stored_envelope(py, body.as_bytes(), text.at(ns))?);
    }
    Ok((PyList::new(py, rows.0)?, PyList::new(py, rows.1)?, PyList::new(py, rows.2)?))
}

/// Put the rows of events into a write batch, with `put`, its method. `families` are the handles of
/// `canonical`, `source`, `series_canonical` and `series_source`. Rows are put in the order of their
/// keys: inserting them behind each other is cheaper.
#[pyfunction]
pub fn put_events<'py>(
    py: Python<'py>,
    put: &Bound<'py, PyAny>,
    families: (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>),
    event_keys: Vec<Bound<'py, PyBytes>>,
    source_keys: Vec<Bound<'py, PyBytes>>,
    stored: Vec<Bound<'py, PyBytes>>,
) -> PyResult<()> {
    let (canonical, source, series_canonical, series_source) = &families;
    let mut rows = source_rows(&event_keys, &source_keys)?;
    if stored.len() != rows.len() {
        return Err(PyValueError::new_err("as many envelopes as event keys are needed"));
    }
    for (event_key, envelope) in event_keys.iter().zip(&stored) {
        put_row(put, event_key, envelope, canonical)?;
    }
    let key_of = |row: &SourceRow| source_keys[row.place].as_bytes();
    rows.sort_by(|one, other| one.time.cmp(&other.time).then_with(|| key_of(one).cmp(key_of(other))));
    for row in &rows {
        put_row(put, &source_keys[row.place], &event_keys[row.place], source)?;
    }
    rows.sort_by_key(|row| row.series);
    for row in &rows {
        let event_key = event_keys[row.place].as_bytes();
        let (head, key) = (&event_key[TIME_BYTES..], key_of(row));
        let mut row_key = [0; SOURCE_ROW_BYTES];
        row_key[..SERIES_BYTES].copy_from_slice(head);
        row_key[SERIES_BYTES..EVENT_KEY_BYTES].copy_from_slice(&key[..TIME_BYTES]);
        row_key[EVENT_KEY_BYTES..].copy_from_slice(&key[ID_HEAD]);
        let time = PyBytes::new(py, &event_key[..TIME_BYTES]);
        put_row(put, &PyBytes::new(py, &row_key), &time, series_source)?;
    }
    rows.sort_by_key(|row| (row.series, row.place));
    let nothing = PyBytes::new(py, b"");
    for row in &rows {
        let event_key = event_keys[row.place].as_bytes();
        let mut row_key = [0; EVENT_KEY_BYTES];
        row_key[..SERIES_BYTES].copy_from_slice(&event_key[TIME_BYTES..]);
        row_key[SERIES_BYTES..].copy_from_slice(&event_key[..TIME_BYTES]);
        put_row(put, &PyBytes::new(py, &row_key), &nothing, series_canonical)?;
    }
    Ok(())
}

/// Call `put(key, value, family)`. PyO3 would make a tuple of the arguments for each call, because
/// the module is for several versions of Python.
fn put_row<'py>(
    put: &Bound<'py, PyAny>,
    key: &Bound<'py, PyBytes>,
    value: &Bound<'py, PyBytes>,
    family: &Bound<'py, PyAny>,
) -> PyResult<()> {
    let end = std::ptr::null_mut::<ffi::PyObject>();
    // Safe: the arguments are references that live until it returns, and it returns one of its own.
    let returned = unsafe {
        let returned =
            ffi::PyObject_CallFunctionObjArgs(put.as_ptr(), key.as_ptr(), value.as_ptr(), family.as_ptr(), end);
        Bound::from_owned_ptr_or_err(put.py(), returned)
    };
    returned.map(drop)
}

fn source_rows(event_keys: &[Bound<'_, PyBytes>], source_keys: &[Bound<'_, PyBytes>]) -> PyResult<Vec<SourceRow>> {
    if event_keys.len() != source_keys.len() {
        return Err(PyValueError::new_err("as many source keys as event keys are needed"));
    }
    let rows = event_keys.iter().zip(source_keys).enumerate().map(|(place, (event_key, source_key))| {
        let (event_key, source_key) = (event_key.as_bytes(), source_key.as_bytes());
        if event_key.len() != EVENT_KEY_BYTES || source_key.len() != KEY_BYTES {
            return Err(PyValueError::new_err("a key is too short or too long"));
        }
        let series = u32::from_be_bytes(event_key[TIME_BYTES..].try_into()?);
        Ok(SourceRow { series, time: time_of(source_key)?, place })
    });
    rows.collect()
}

fn time_of(key: &[u8]) -> PyResult<u64> {
    let time = key.get(..TIME_BYTES).ok_or_else(|| PyValueError::new_err("a key is too short or too long"))?;
    Ok(u64::from_be_bytes(time.try_into()?))
}

/// How many events each bucket of `2^level` ns has of each lane: bucket, lane and count.
#[pyfunction]
pub fn bucket_counts(source_keys: Vec<Bound<'_, PyBytes>>, level: u32) -> PyResult<Vec<(u64, u8, u64)>> {
    if level >= u64::BITS {
        return Err(PyValueError::new_err("the level has to be below 64"));
    }
    let mut found = Vec::with_capacity(source_keys.len());
    for key in &source_keys {
        let key = key.as_bytes();
        let lane = *key.get(TIME_BYTES).ok_or_else(|| PyValueError::new_err("a key is too short or too long"))?;
        found.push((time_of(key)? >> level, lane));
    }
    found.sort();
    let counts = found.chunk_by(|one, other| one == other);
    Ok(counts.map(|run| (run[0].0, run[0].1, run.len() as u64)).collect())
}
