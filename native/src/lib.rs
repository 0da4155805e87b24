//! `nova.native`: checks records of known streams as `nova.sdk.events.checker` does, without the
//! interpreter. Whatever it is not sure of, errors included, it leaves to Python, so that there is
//! one validator.

mod base64;
mod columns;
mod commit;
mod envelope;
mod fields;
mod frame;
mod json;
mod key_set;
mod number;
mod proof;
mod rows;
mod stamp;
mod stream;
mod time;

use std::sync::{Mutex, MutexGuard};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use columns::{BytesColumn, NumberColumn};
use envelope::NAMES;
use frame::FrameRecords;
use key_set::KeySet;
use proof::RowSum;
use stream::{Checker, Columns, Kind, Stream, KEY_BYTES};

/// Raised with every change of what is here; `nova.sdk.native` uses only the one that it knows.
const API: u32 = 8;

/// Not an event of a known stream that is plain in every respect.
#[derive(Debug)]
pub struct Unsure;

/// A checked batch: order keys, stream numbers, bodies, and the places of unsure records.
type Checked = (BytesColumn, NumberColumn, BytesColumn, Vec<usize>);

#[pyclass(frozen)]
struct RecordChecker {
    checker: Mutex<Checker>,
}

impl RecordChecker {
    fn lock(&self) -> MutexGuard<'_, Checker> {
        self.checker.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[pymethods]
impl RecordChecker {
    #[new]
    fn new(max_bytes: usize) -> Self {
        RecordChecker { checker: Mutex::new(Checker::new(max_bytes)) }
    }

    /// Learn a stream: how its records name it, and the texts that its events share.
    fn learn(
        &self,
        py: Python<'_>,
        address: Option<&str>,
        names: Vec<Option<String>>,
        number: u32,
        lane: u8,
        kind: &str,
        texts: Vec<Vec<u8>>,
    ) -> PyResult<()> {
        let names: Vec<Option<&[u8]>> = names.iter().map(|name| name.as_deref().map(str::as_bytes)).collect();
        let names: [Option<&[u8]>; NAMES.len()] =
            names.try_into().map_err(|_| PyValueError::new_err("names: one for each known member"))?;
        let [hashed_head, before_time, after_time, before_payload, after_payload]: [Vec<u8>; 5] =
            texts.try_into().map_err(|_| PyValueError::new_err("texts: five are needed"))?;
        let kind = match kind {
            "raw" => Kind::Raw,
            "parsed" => Kind::Parsed,
            "ui" => Kind::Ui,
            _ => return Err(PyValueError::new_err("kind: raw, parsed or ui")),
        };
        let stream = Stream { number, lane, kind, hashed_head, before_time, after_time, before_payload, after_payload };
        py.detach(|| self.lock().learn(address.map(str::as_bytes), &names, stream));
        Ok(())
    }

    /// Forget all streams.
    fn clear(&self, py: Python<'_>) {
        py.detach(|| self.lock().clear());
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().len())
    }

    /// Check records, which are tuples that begin with an address and bytes. Other threads run
    /// meanwhile.
    fn check(&self, py: Python<'_>, records: &Bound<'_, PyAny>) -> PyResult<Checked> {
        if let Ok(frame) = records.cast::<FrameRecords>() {
            let slices = frame.get().slices(py);
            return Ok(py.detach(|| checked(self.lock().check(&slices))));
        }
        // They hold what is read below, whatever becomes of the sequence meanwhile.
        let mut held: Vec<Option<(Option<Bound<'_, PyString>>, Bound<'_, PyBytes>)>> = Vec::new();
        for record in records.try_iter()? {
            held.push(parts(&record?));
        }
        let slices: Vec<Option<(Option<&str>, &[u8])>> = held
            .iter()
            .map(|parts| {
                let (address, record) = parts.as_ref()?;
                let address = match address {
                    None => None,
                    Some(text) => Some(text.to_str().ok()?),
                };
                Some((address, record.as_bytes()))
            })
            .collect();
        Ok(py.detach(|| checked(self.lock().check(&slices))))
    }

    /// Prove rows of `canonical`: for each, whether it is proved (one byte), and its order key.
    /// Other threads run meanwhile.
    fn prove<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyList>,
        series: &[u8],
    ) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
        let held = held_rows(rows);
        let slices: Vec<Option<(&[u8], &[u8])>> = held
            .iter()
            .map(|row| row.as_ref().map(|(key, stored)| (key.as_bytes(), stored.as_bytes())))
            .collect();
        let proved = py.detach(|| self.lock().prove(&slices, series));
        (PyBytes::new(py, &proved.is_right), PyBytes::new(py, &proved.source_keys))
    }
}

/// Rows of a family as Python reads them; what else a list has is None.
fn held_rows<'py>(rows: &Bound<'py, PyList>) -> Vec<Option<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>> {
    let row = |row: Bound<'py, PyAny>| {
        let fields = row.cast_into::<PyTuple>().ok()?;
        let key = fields.get_item(0).ok()?.cast_into::<PyBytes>().ok()?;
        Some((key, fields.get_item(1).ok()?.cast_into::<PyBytes>().ok()?))
    };
    rows.iter().map(row).collect()
}

/// The sum of rows, modulo 2^64.
#[pyfunction]
fn rows_sum(rows: &Bound<'_, PyList>, secret: (u64, u64)) -> PyResult<u64> {
    let sum = RowSum::new(secret);
    rows.iter().try_fold(0u64, |total, row| {
        let row = row.cast::<PyTuple>()?;
        let (key, value) = (row.get_item(0)?, row.get_item(1)?);
        let (key, value) = (key.cast::<PyBytes>()?, value.cast::<PyBytes>()?);
        Ok(total.wrapping_add(sum.hash(&[key.as_bytes()], value.as_bytes())))
    })
}

/// The sums of the index rows of events, whose keys stand one behind the other.
#[pyfunction]
fn index_sums(
    py: Python<'_>,
    event_keys: &[u8],
    source_keys: &[u8],
    secret: (u64, u64),
) -> (u64, u64, u64) {
    py.detach(|| RowSum::new(secret).of_events(event_keys, source_keys)).into()
}

/// The address and the bytes of a record; None if they are of other types.
fn parts<'py>(record: &Bound<'py, PyAny>) -> Option<(Option<Bound<'py, PyString>>, Bound<'py, PyBytes>)> {
    let fields = record.cast::<PyTuple>().ok()?;
    let address = fields.get_item(0).ok()?;
    let address = if address.is_none() { None } else { Some(address.cast_into::<PyString>().ok()?) };
    Some((address, fields.get_item(1).ok()?.cast_into::<PyBytes>().ok()?))
}

fn checked(columns: Columns) -> Checked {
    let keys = (KEY_BYTES..=columns.keys.len()).step_by(KEY_BYTES);
    (
        BytesColumn::of_text(columns.keys, keys),
        NumberColumn { numbers: columns.streams },
        BytesColumn::of_text(columns.bodies, columns.body_ends.into_iter()),
        columns.unsure,
    )
}

#[pymodule]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("API", API)?;
    module.add_class::<RecordChecker>()?;
    module.add_class::<BytesColumn>()?;
    module.add_class::<NumberColumn>()?;
    module.add_class::<KeySet>()?;
    module.add_function(wrap_pyfunction!(frame::publish_frame, module)?)?;
    module.add_function(wrap_pyfunction!(fields::field_columns, module)?)?;
    module.add_function(wrap_pyfunction!(rows_sum, module)?)?;
    module.add_function(wrap_pyfunction!(index_sums, module)?)?;
    module.add_function(wrap_pyfunction!(commit::first_places, module)?)?;
    module.add_function(wrap_pyfunction!(commit::stamped_rows, module)?)?;
    module.add_function(wrap_pyfunction!(commit::put_events, module)?)?;
    module.add_function(wrap_pyfunction!(commit::fitting_end, module)?)?;
    module.add_function(wrap_pyfunction!(commit::rows_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(commit::commit_frame, module)?)?;
    module.add_function(wrap_pyfunction!(commit::bucket_counts, module)?)
}
