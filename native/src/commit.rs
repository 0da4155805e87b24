//! What a commit writes of a batch: which events are new in it, their keys and stored envelopes, the
//! rows of all families, and how many events each bucket of the rollups has.

use std::collections::HashSet;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::columns::{BytesBuilder, BytesColumn, BytesItems, NumberItems};
use crate::key_set::KeyHash;
use crate::rows::{EVENT_KEY_BYTES, ID_HEAD, SERIES_BYTES, SOURCE_ROW_BYTES, TIME_BYTES};
use crate::stamp::{self, event_key, require_room, StampText};
use crate::stream::KEY_BYTES;

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
    py: Python<'py>,
    keys: BytesItems<'py>,
    last: &[u8],
) -> (Option<Vec<usize>>, Vec<usize>, Option<Bound<'py, PyBytes>>) {
    let mut seen: HashSet<&[u8], KeyHash> = HashSet::with_capacity_and_hasher(keys.len(), KeyHash::default());
    let (mut first, mut old, mut newest) = (Vec::with_capacity(keys.len()), Vec::new(), None);
    for (place, key) in keys.iter().enumerate() {
        if !seen.insert(key) {
            continue;
        }
        first.push(place);
        if key <= last {
            old.push(place);
        }
        newest = newest.max(Some(key));
    }
    let newest = newest.map(|key| PyBytes::new(py, key));
    (if first.len() == keys.len() { None } else { Some(first) }, old, newest)
}

/// The events of a batch at `places` (None: all) as they are stored, 1 ns apart from `first_ns` on:
/// event keys, order keys and stored envelopes. `series` are indexes into `numbers`, those of the
/// series.
#[pyfunction]
pub fn stamped_rows<'py>(
    columns: (BytesItems<'py>, NumberItems<'py>, BytesItems<'py>),
    places: Option<Vec<usize>>,
    numbers: Vec<u32>,
    first_ns: i64,
) -> PyResult<(BytesColumn, BytesColumn, BytesColumn)> {
    let (keys, series, bodies) = &columns;
    let count = places.as_ref().map_or(keys.len(), Vec::len);
    require_room(first_ns, count)?;
    let bytes: usize = bodies.iter().map(<[u8]>::len).sum();
    let mut event_keys = BytesBuilder::with_capacity(count, count * EVENT_KEY_BYTES);
    let mut stored = BytesBuilder::with_capacity(count, bytes + count * stamp::BYTES);
    let mut text = StampText::new(first_ns);
    for (index, ns) in (0..count).zip(first_ns..) {
        let place = places.as_ref().map_or(index, |places| places[index]);
        let body = bodies.get(place)?;
        let of_batch = series.as_slice().get(place).map(|number| *number as usize);
        let number = of_batch.and_then(|number| numbers.get(number));
        let number = number.ok_or_else(|| PyValueError::new_err("a series has no number"))?;
        event_keys.push(&[&event_key(ns, *number)]);
        stored.push(&[body, stamp::MEMBER, text.at(ns), stamp::END]);
    }
    Ok((event_keys.finish(), keys.chosen(places.as_deref())?, stored.finish()))
}

/// The end of the envelopes from `start` to before `end` for which there is room: at least one, and
/// the one that fills it.
#[pyfunction]
pub fn fitting_end(stored: BytesItems<'_>, start: usize, end: usize, room: i64) -> PyResult<usize> {
    let mut size = 0;
    for place in start..end {
        size += stored.get(place)?.len() as i64;
        if size >= room {
            return Ok(place + 1);
        }
    }
    Ok(end)
}

/// A frame of the commit feed: `head`, and the events of these parts, each of event keys and stored
/// envelopes, as MessagePack.
#[pyfunction]
pub fn commit_frame<'py>(
    py: Python<'py>,
    head: &[u8],
    parts: Vec<(BytesItems<'py>, BytesItems<'py>)>,
) -> PyResult<Bound<'py, PyBytes>> {
    let count: usize = parts.iter().map(|(keys, _)| keys.len()).sum();
    let events = || parts.iter().flat_map(|(keys, stored)| keys.iter().zip(stored.iter()));
    let bytes: usize = events().map(|(key, stored)| 1 + binary_bytes(key) + binary_bytes(stored)).sum();
    let count = array_head(u32::try_from(count)?);
    PyBytes::new_with(py, head.len() + count.len() + bytes, |out| {
        let mut out = Output { out };
        out.put(head);
        out.put(&count);
        for (key, stored) in events() {
            out.put(&[0x92]);
            out.binary(key);
            out.binary(stored);
        }
        Ok(())
    })
}

/// Bytes that are being written.
struct Output<'a> {
    out: &'a mut [u8],
}

impl Output<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let (place, rest) = std::mem::take(&mut self.out).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        self.out = rest;
    }

    fn binary(&mut self, bytes: &[u8]) {
        let size = (bytes.len() as u32).to_be_bytes();
        match binary_bytes(bytes) - bytes.len() {
            2 => self.put(&[0xc4, size[3]]),
            3 => self.put(&[0xc5, size[2], size[3]]),
            _ => self.put(&[0xc6, size[0], size[1], size[2], size[3]]),
        }
        self.put(bytes);
    }
}

/// How many bytes a binary has in MessagePack.
fn binary_bytes(bytes: &[u8]) -> usize {
    bytes.len()
        + match bytes.len() {
            0..=0xff => 2,
            0x100..=0xffff => 3,
            _ => 5,
        }
}

fn array_head(count: u32) -> Vec<u8> {
    let size = count.to_be_bytes();
    match count {
        0..=15 => vec![0x90 | count as u8],
        16..=0xffff => vec![0xdc, size[2], size[3]],
        _ => [&[0xdd], &size[..]].concat(),
    }
}

/// Event keys, order keys and stored envelopes of events.
type Part<'py> = (BytesItems<'py>, BytesItems<'py>, BytesItems<'py>);

/// The bytes that a write batch has for the rows of events with these envelopes.
#[pyfunction]
pub fn rows_bytes(stored: BytesItems<'_>) -> usize {
    stored.iter().map(|envelope| ROWS_BYTES + varint_bytes(envelope.len()) + envelope.len()).sum()
}

/// In each row of a write batch its kind, its family, and the sizes of key and value, of which only
/// that of an envelope takes more than a byte.
const ROWS_BYTES: usize =
    4 * 3 + 3 + 3 * EVENT_KEY_BYTES + KEY_BYTES + SOURCE_ROW_BYTES + TIME_BYTES;

fn varint_bytes(number: usize) -> usize {
    (usize::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

/// Put the rows of events into a write batch, with `put`, its method. `families` are the handles of
/// `canonical`, `source`, `series_canonical` and `series_source`. Rows of all parts are put in the
/// order of their keys: inserting them behind each other is cheaper.
#[pyfunction]
pub fn put_events<'py>(
    py: Python<'py>,
    put: &Bound<'py, PyAny>,
    families: (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>),
    parts: Vec<Part<'py>>,
) -> PyResult<()> {
    let (canonical, source, series_canonical, series_source) = &families;
    let source_keys: Vec<&[u8]> = parts.iter().flat_map(|(_, source_keys, _)| source_keys.iter()).collect();
    let mut rows = Vec::with_capacity(source_keys.len());
    for part in &parts {
        source_rows(part, &mut rows)?;
    }
    let mut event_keys = Vec::with_capacity(rows.len());
    for (keys, _, stored) in &parts {
        for (key, envelope) in keys.iter().zip(stored.iter()) {
            let key = PyBytes::new(py, key);
            put_row(put, &key, &PyBytes::new(py, envelope), canonical)?;
            event_keys.push(key);
        }
    }
    let key_of = |row: &SourceRow| source_keys[row.place];
    rows.sort_by(|one, other| one.time.cmp(&other.time).then_with(|| key_of(one).cmp(key_of(other))));
    for row in &rows {
        put_row(put, &PyBytes::new(py, key_of(row)), &event_keys[row.place], source)?;
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

fn source_rows(part: &Part<'_>, rows: &mut Vec<SourceRow>) -> PyResult<()> {
    let (event_keys, source_keys, stored) = part;
    if event_keys.len() != source_keys.len() || event_keys.len() != stored.len() {
        return Err(PyValueError::new_err("as many source keys and envelopes as event keys are needed"));
    }
    for (event_key, source_key) in event_keys.iter().zip(source_keys.iter()) {
        if event_key.len() != EVENT_KEY_BYTES || source_key.len() != KEY_BYTES {
            return Err(PyValueError::new_err("a key is too short or too long"));
        }
        let series = u32::from_be_bytes(event_key[TIME_BYTES..].try_into()?);
        rows.push(SourceRow { series, time: time_of(source_key)?, place: rows.len() });
    }
    Ok(())
}

fn time_of(key: &[u8]) -> PyResult<u64> {
    let time = key.get(..TIME_BYTES).ok_or_else(|| PyValueError::new_err("a key is too short or too long"))?;
    Ok(u64::from_be_bytes(time.try_into()?))
}

/// How many events each bucket of `2^level` ns has of each lane: bucket, lane and count.
#[pyfunction]
pub fn bucket_counts(source_keys: BytesItems<'_>, level: u32) -> PyResult<Vec<(u64, u8, u64)>> {
    if level >= u64::BITS {
        return Err(PyValueError::new_err("the level has to be below 64"));
    }
    let mut found = Vec::with_capacity(source_keys.len());
    for key in source_keys.iter() {
        let lane = *key.get(TIME_BYTES).ok_or_else(|| PyValueError::new_err("a key is too short or too long"))?;
        found.push((time_of(key)? >> level, lane));
    }
    found.sort();
    let counts = found.chunk_by(|one, other| one == other);
    Ok(counts.map(|run| (run[0].0, run[0].1, run.len() as u64)).collect())
}
