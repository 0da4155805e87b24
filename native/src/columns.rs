//! Columns of bytes and of numbers, which Python reads as sequences: an item becomes an object only
//! when it is asked for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PySlice};

/// Where one item is: in which of the texts, from where to where.
#[derive(Clone, Copy)]
struct Span {
    text: usize,
    start: usize,
    end: usize,
}

/// Items of bytes, which stand in a few texts.
#[derive(Clone, Default)]
struct Items {
    texts: Vec<Arc<Vec<u8>>>,
    spans: Vec<Span>,
}

impl Items {
    fn get(&self, place: usize) -> &[u8] {
        let span = self.spans[place];
        &self.texts[span.text][span.start..span.end]
    }
}

/// Collects the items of a column.
#[derive(Default)]
pub struct BytesBuilder {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl BytesBuilder {
    pub fn with_capacity(items: usize, bytes: usize) -> BytesBuilder {
        BytesBuilder { text: Vec::with_capacity(bytes), ends: Vec::with_capacity(items) }
    }

    pub fn push(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.text.extend_from_slice(part);
        }
        self.ends.push(self.text.len());
    }

    pub fn finish(self) -> BytesColumn {
        BytesColumn::of_text(self.text, self.ends.into_iter())
    }
}

/// A sequence of bytes that does not change.
#[pyclass(frozen)]
pub struct BytesColumn {
    items: Arc<Items>,
    start: usize,
    end: usize,
}

impl BytesColumn {
    /// The items of a text, whose ends are given.
    pub fn of_text(text: Vec<u8>, ends: impl Iterator<Item = usize>) -> BytesColumn {
        let mut start = 0;
        let spans: Vec<Span> = ends
            .map(|end| {
                let span = Span { text: 0, start, end };
                start = end;
                span
            })
            .collect();
        BytesColumn::of_items(Items { texts: vec![Arc::new(text)], spans })
    }

    fn of_items(items: Items) -> BytesColumn {
        let end = items.spans.len();
        BytesColumn { items: Arc::new(items), start: 0, end }
    }

    pub fn len(&self) -> usize {
        self.end - self.start
    }

    pub fn get(&self, place: usize) -> Option<&[u8]> {
        (place < self.len()).then(|| self.items.get(self.start + place))
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (self.start..self.end).map(|place| self.items.get(place))
    }

    fn part(&self, start: usize, end: usize) -> BytesColumn {
        BytesColumn { items: self.items.clone(), start: self.start + start, end: self.start + end }
    }
}

#[pymethods]
impl BytesColumn {
    /// A column of these items.
    #[new]
    fn new(items: Vec<Bound<'_, PyBytes>>) -> BytesColumn {
        let mut column = BytesBuilder::default();
        items.iter().for_each(|item| column.push(&[item.as_bytes()]));
        column.finish()
    }

    fn __len__(&self) -> usize {
        self.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, place: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = place.cast::<PySlice>() {
            let (start, end) = whole_slice(slice, self.len())?;
            return Ok(Bound::new(py, self.part(start, end))?.into_any());
        }
        Ok(PyBytes::new(py, self.items.get(self.start + index(place, self.len())?)).into_any())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        if let Ok(column) = other.cast::<BytesColumn>() {
            return Ok(self.iter().eq(column.get().iter()));
        }
        let Ok(list) = other.cast::<PyList>() else {
            return Ok(false);
        };
        let mut places = list.iter().zip(self.iter());
        Ok(list.len() == self.len()
            && places.all(|(one, item)| one.cast::<PyBytes>().is_ok_and(|one| one.as_bytes() == item)))
    }

    fn __repr__(&self) -> String {
        format!("<BytesColumn of {}>", self.len())
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    /// The items at these places.
    fn chosen(&self, places: Places) -> PyResult<BytesColumn> {
        if places.is_all(self.len()) {
            return Ok(self.part(0, self.len()));
        }
        let spans = &self.items.spans[self.start..self.end];
        let found: Option<Vec<Span>> = places.0.iter().map(|place| spans.get(*place).copied()).collect();
        let spans = found.ok_or_else(beyond)?;
        Ok(BytesColumn::of_items(Items { texts: self.items.texts.clone(), spans }))
    }

    /// This column with `more` inserted, so that these are at `places` of the new one, ascending.
    fn merged(&self, places: Places, more: Vec<Bound<'_, PyBytes>>) -> PyResult<BytesColumn> {
        let mut text = BytesBuilder::default();
        more.iter().for_each(|item| text.push(&[item.as_bytes()]));
        let mut texts = self.items.texts.clone();
        let (number, mut start) = (texts.len(), 0);
        let added: Vec<Span> = text
            .ends
            .into_iter()
            .map(|end| {
                let span = Span { text: number, start, end };
                start = end;
                span
            })
            .collect();
        texts.push(Arc::new(text.text));
        let spans = inserted(&self.items.spans[self.start..self.end], &places.0, added)?;
        Ok(BytesColumn::of_items(Items { texts, spans }))
    }
}

/// A sequence of numbers that does not change.
#[pyclass(frozen)]
pub struct NumberColumn {
    pub numbers: Vec<u32>,
}

#[pymethods]
impl NumberColumn {
    /// A column of these numbers.
    #[new]
    fn new(numbers: Vec<u32>) -> NumberColumn {
        NumberColumn { numbers }
    }

    fn __len__(&self) -> usize {
        self.numbers.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, place: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(slice) = place.cast::<PySlice>() {
            let (start, end) = whole_slice(slice, self.numbers.len())?;
            let part = NumberColumn { numbers: self.numbers[start..end].to_vec() };
            return Ok(Bound::new(py, part)?.into_any());
        }
        Ok(self.numbers[index(place, self.numbers.len())?].into_pyobject(py)?.into_any())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        if let Ok(column) = other.cast::<NumberColumn>() {
            return self.numbers == column.get().numbers;
        }
        other.extract::<Vec<u32>>().is_ok_and(|numbers| numbers == self.numbers)
    }

    fn __repr__(&self) -> String {
        format!("<NumberColumn of {}>", self.numbers.len())
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    /// The numbers at these places.
    fn chosen(&self, places: Places) -> PyResult<NumberColumn> {
        let found: Option<Vec<u32>> = places.0.iter().map(|place| self.numbers.get(*place).copied()).collect();
        Ok(NumberColumn { numbers: found.ok_or_else(beyond)? })
    }

    /// This column with `more` inserted, so that these are at `places` of the new one, ascending.
    fn merged(&self, places: Places, more: Vec<u32>) -> PyResult<NumberColumn> {
        Ok(NumberColumn { numbers: inserted(&self.numbers, &places.0, more)? })
    }

    /// Of these places (None: all) the indexes of those that have one of the wanted numbers.
    fn places_of(&self, wanted: Vec<u32>, places: Option<Vec<usize>>) -> PyResult<Vec<usize>> {
        let wanted: HashSet<u32> = wanted.into_iter().collect();
        let is_wanted = |(index, number): (usize, &u32)| wanted.contains(number).then_some(index);
        let Some(places) = places else {
            return Ok(self.numbers.iter().enumerate().filter_map(is_wanted).collect());
        };
        let chosen = self.chosen(Places(places))?.numbers;
        Ok(chosen.iter().enumerate().filter_map(is_wanted).collect())
    }

    /// The different numbers in the order in which they are first here, and the place among them of
    /// each number.
    fn distinct(&self) -> (Vec<u32>, NumberColumn) {
        let (mut distinct, mut place_of) = (Vec::new(), HashMap::new());
        let place = |number: &u32| {
            *place_of.entry(*number).or_insert_with(|| {
                distinct.push(*number);
                distinct.len() as u32 - 1
            })
        };
        let numbers = self.numbers.iter().map(place).collect();
        (distinct, NumberColumn { numbers })
    }
}

/// `known` with `more` inserted at `places` of the result, which are ascending.
fn inserted<T: Copy>(known: &[T], places: &[usize], more: Vec<T>) -> PyResult<Vec<T>> {
    if places.len() != more.len() {
        return Err(PyValueError::new_err("as many places as items are needed"));
    }
    let mut all = Vec::with_capacity(known.len() + more.len());
    let mut rest = known;
    for (place, item) in places.iter().zip(more) {
        let before = place.checked_sub(all.len()).ok_or_else(beyond)?;
        let (head, tail) = rest.split_at_checked(before).ok_or_else(beyond)?;
        all.extend_from_slice(head);
        all.push(item);
        rest = tail;
    }
    all.extend_from_slice(rest);
    Ok(all)
}

fn beyond() -> PyErr {
    PyIndexError::new_err("a place is beyond the column")
}

/// A place of a column of `len` items; negative ones count from the end.
fn index(place: &Bound<'_, PyAny>, len: usize) -> PyResult<usize> {
    if !place.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err("a place is an int or a slice"));
    }
    let place: isize = place.extract()?;
    let place = if place < 0 { len.checked_sub(place.unsigned_abs()) } else { Some(place as usize) };
    place.filter(|place| *place < len).ok_or_else(beyond)
}

/// The ends of a slice without steps.
fn whole_slice(slice: &Bound<'_, PySlice>, len: usize) -> PyResult<(usize, usize)> {
    let found = slice.indices(len as isize)?;
    if found.step != 1 {
        return Err(PyValueError::new_err("a slice of a column has no steps"));
    }
    let start = found.start as usize;
    Ok((start, start + found.slicelength))
}

/// Places in a column: of all its items if it is a range.
pub struct Places(pub Vec<usize>);

impl Places {
    fn is_all(&self, len: usize) -> bool {
        self.0.len() == len && self.0.iter().enumerate().all(|(index, place)| index == *place)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Places {
    type Error = PyErr;

    fn extract(places: Borrowed<'a, 'py, PyAny>) -> PyResult<Places> {
        places.extract().map(Places)
    }
}

/// What functions take as bytes: a column, or a list.
#[derive(FromPyObject)]
pub enum BytesItems<'py> {
    Column(Bound<'py, BytesColumn>),
    List(Vec<Bound<'py, PyBytes>>),
}

impl<'py> BytesItems<'py> {
    pub fn len(&self) -> usize {
        match self {
            BytesItems::Column(column) => column.get().len(),
            BytesItems::List(items) => items.len(),
        }
    }

    pub fn get(&self, place: usize) -> PyResult<&[u8]> {
        let item = match self {
            BytesItems::Column(column) => column.get().get(place),
            BytesItems::List(items) => items.get(place).map(|item| item.as_bytes()),
        };
        item.ok_or_else(beyond)
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|place| self.get(place).unwrap_or_default())
    }

    /// The items at these places (None: all) as a column.
    pub fn chosen(&self, places: Option<&[usize]>) -> PyResult<BytesColumn> {
        if let (BytesItems::Column(column), None) = (self, places) {
            return Ok(column.get().part(0, column.get().len()));
        }
        let count = places.map_or(self.len(), <[usize]>::len);
        let mut chosen = BytesBuilder::with_capacity(count, count * self.iter().next().map_or(0, <[u8]>::len));
        for index in 0..count {
            chosen.push(&[self.get(places.map_or(index, |places| places[index]))?]);
        }
        Ok(chosen.finish())
    }
}

/// What functions take as numbers: a column, or a list.
#[derive(FromPyObject)]
pub enum NumberItems<'py> {
    Column(Bound<'py, NumberColumn>),
    List(Vec<u32>),
}

impl NumberItems<'_> {
    pub fn as_slice(&self) -> &[u32] {
        match self {
            NumberItems::Column(column) => &column.get().numbers,
            NumberItems::List(numbers) => numbers,
        }
    }
}
