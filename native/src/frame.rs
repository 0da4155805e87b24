//! Frames of publishers over the local transport: MessagePack, whose records stay where they are
//! until they are asked for.

use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySlice};

use crate::Unsure;

/// From where to where something is in a frame.
type Span = (usize, usize);

/// The records of a frame: a sequence of what `record` makes of an address and bytes.
#[pyclass(frozen)]
pub struct FrameRecords {
    frame: Py<PyBytes>,
    record: Py<PyAny>,
    spans: Vec<(Option<Span>, Span)>,
}

impl FrameRecords {
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Addresses and bytes.
    pub fn slices<'a>(&'a self, py: Python<'a>) -> Vec<Option<(Option<&'a str>, &'a [u8])>> {
        let frame = self.frame.as_bytes(py);
        let slice = |(address, value): &(Option<Span>, Span)| {
            let address = match address {
                None => None,
                Some((start, end)) => Some(std::str::from_utf8(&frame[*start..*end]).ok()?),
            };
            Some((address, &frame[value.0..value.1]))
        };
        self.spans.iter().map(slice).collect()
    }

    fn object<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Bound<'py, PyAny>> {
        let (address, value) = self.spans[place];
        let frame = self.frame.as_bytes(py);
        let address = match address {
            None => None,
            Some((start, end)) => Some(String::from_utf8(frame[start..end].to_vec())?),
        };
        self.record.bind(py).call1((address, PyBytes::new(py, &frame[value.0..value.1])))
    }
}

#[pymethods]
impl FrameRecords {
    fn __len__(&self) -> usize {
        self.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, place: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = place.cast::<PySlice>() {
            let found = slice.indices(self.len() as isize)?;
            let places = (0..found.slicelength as isize).map(|index| (found.start + index * found.step) as usize);
            let objects = places.map(|place| self.object(py, place)).collect::<PyResult<Vec<_>>>()?;
            return Ok(PyList::new(py, objects)?.into_any());
        }
        let place: isize =
            place.extract().map_err(|_| PyTypeError::new_err("a place is an int or a slice"))?;
        let place = if place < 0 { self.len().checked_sub(place.unsigned_abs()) } else { Some(place as usize) };
        let place = place.filter(|place| *place < self.len());
        self.object(py, place.ok_or_else(|| PyIndexError::new_err("a place is beyond the frame"))?)
    }
}

/// The number of a publisher's frame, `[ref, [[address, bytes], …]]`, and its records; None if it is
/// anything else.
#[pyfunction]
pub fn publish_frame(frame: &Bound<'_, PyAny>, record: Py<PyAny>) -> Option<(u64, FrameRecords)> {
    let frame = frame.cast::<PyBytes>().ok()?;
    let (number, spans) = split(frame.as_bytes()).ok()?;
    Some((number, FrameRecords { frame: frame.clone().unbind(), record, spans }))
}

fn split(frame: &[u8]) -> Result<(u64, Vec<(Option<Span>, Span)>), Unsure> {
    let mut at = Reader { frame, at: 0 };
    at.require(0x92)?;
    let number = at.number()?;
    let count = at.array()?;
    let mut spans = Vec::with_capacity(count.min(frame.len()));
    for _ in 0..count {
        at.require(0x92)?;
        spans.push((at.text()?, at.binary()?));
    }
    if at.at == frame.len() { Ok((number, spans)) } else { Err(Unsure) }
}

/// Reads MessagePack.
struct Reader<'a> {
    frame: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Unsure> {
        let byte = *self.frame.get(self.at).ok_or(Unsure)?;
        self.at += 1;
        Ok(byte)
    }

    fn require(&mut self, byte: u8) -> Result<(), Unsure> {
        if self.byte()? == byte { Ok(()) } else { Err(Unsure) }
    }

    /// A number of so many bytes.
    fn big_endian(&mut self, bytes: usize) -> Result<u64, Unsure> {
        (0..bytes).try_fold(0, |number, _| Ok(number << 8 | u64::from(self.byte()?)))
    }

    fn number(&mut self) -> Result<u64, Unsure> {
        match self.byte()? {
            byte @ 0..=0x7f => Ok(u64::from(byte)),
            0xcc => self.big_endian(1),
            0xcd => self.big_endian(2),
            0xce => self.big_endian(4),
            0xcf => self.big_endian(8),
            _ => Err(Unsure),
        }
    }

    fn array(&mut self) -> Result<usize, Unsure> {
        match self.byte()? {
            byte @ 0x90..=0x9f => Ok(usize::from(byte & 15)),
            0xdc => Ok(self.big_endian(2)? as usize),
            0xdd => Ok(self.big_endian(4)? as usize),
            _ => Err(Unsure),
        }
    }

    fn text(&mut self) -> Result<Option<Span>, Unsure> {
        let bytes = match self.byte()? {
            0xc0 => return Ok(None),
            byte @ 0xa0..=0xbf => u64::from(byte & 31),
            0xd9 => self.big_endian(1)?,
            0xda => self.big_endian(2)?,
            0xdb => self.big_endian(4)?,
            _ => return Err(Unsure),
        };
        let span = self.span(bytes)?;
        match std::str::from_utf8(&self.frame[span.0..span.1]) {
            Ok(_) => Ok(Some(span)),
            Err(_) => Err(Unsure),
        }
    }

    fn binary(&mut self) -> Result<Span, Unsure> {
        let bytes = match self.byte()? {
            0xc4 => self.big_endian(1)?,
            0xc5 => self.big_endian(2)?,
            0xc6 => self.big_endian(4)?,
            _ => return Err(Unsure),
        };
        self.span(bytes)
    }

    fn span(&mut self, bytes: u64) -> Result<Span, Unsure> {
        let start = self.at;
        let end = start.checked_add(bytes as usize).filter(|end| *end <= self.frame.len()).ok_or(Unsure)?;
        self.at = end;
        Ok((start, end))
    }
}
