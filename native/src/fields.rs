//! The scalar fields of a series' events as columns: numbers with booleans, and texts.

use std::collections::HashMap;
use std::str;

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};

use crate::json::{plain_string, skip_space};
use crate::{number, time, Unsure};

/// Deeper values than any field are skipped down to here; what lies deeper is left to Python.
const NESTED_MAX: usize = 64;

/// The values of one field, and the rows of the events that have them.
#[derive(Default)]
pub struct Values {
    pub path: Vec<u8>,
    pub values: Vec<f64>,
    pub rows: Vec<i64>,
    /// Of a text field the different texts; a value is a place among them.
    pub texts: Option<Vec<String>>,
    pub are_booleans: bool,
    places: HashMap<String, usize>,
}

/// The source times of events in ns, and their fields.
#[derive(Default)]
pub struct Fields {
    pub times: Vec<i64>,
    pub fields: Vec<Values>,
    by_path: HashMap<(Vec<u8>, bool), usize>,
}

/// The members that objects at one path had so far, in the order in which they came.
#[derive(Default)]
struct Shape {
    /// What the paths of its members begin with.
    head: Vec<u8>,
    members: Vec<Member>,
    by_key: HashMap<Vec<u8>, usize>,
}

/// A member at a path: its number field and text field once it had such values, its own members,
/// and the last event that had it.
struct Member {
    key: Vec<u8>,
    path: Vec<u8>,
    number: Option<usize>,
    text: Option<usize>,
    shape: Option<usize>,
    last_row: usize,
}

struct Reader {
    found: Fields,
    shapes: Vec<Shape>,
    row: usize,
    unescaped: Vec<u8>,
}

/// The path of a field, whether it is a text field, its values, their rows (none: each event has
/// one), its texts, and whether all values are booleans.
type Field<'py> = (
    String,
    bool,
    Bound<'py, PyByteArray>,
    Option<Bound<'py, PyByteArray>>,
    Option<Vec<String>>,
    bool,
);

/// Source times as int64, and fields, whose values are float64 and whose rows are int64.
type Columns<'py> = (Bound<'py, PyByteArray>, Vec<Field<'py>>);

/// The columns of stored envelopes; None if Python has to read them. Other threads run meanwhile.
#[pyfunction]
pub fn field_columns<'py>(
    py: Python<'py>,
    stored: Vec<Bound<'py, PyBytes>>,
    depth: usize,
) -> PyResult<Option<Columns<'py>>> {
    let texts: Vec<&[u8]> = stored.iter().map(|envelope| envelope.as_bytes()).collect();
    let Ok(found) = py.detach(|| read(&texts, depth)) else { return Ok(None) };
    let mut fields = Vec::with_capacity(found.fields.len());
    for field in found.fields {
        let Ok(path) = String::from_utf8(field.path) else { return Ok(None) };
        let is_text = field.texts.is_some();
        let values = bytes_of(field.values.iter().map(|value| value.to_ne_bytes()));
        let is_whole = field.rows.len() == stored.len();
        let rows = (!is_whole).then(|| bytes_of(field.rows.iter().map(|row| row.to_ne_bytes())));
        fields.push((
            path,
            is_text,
            PyByteArray::new(py, &values),
            rows.map(|rows| PyByteArray::new(py, &rows)),
            field.texts,
            field.are_booleans,
        ));
    }
    let times = bytes_of(found.times.iter().map(|time| time.to_ne_bytes()));
    Ok(Some((PyByteArray::new(py, &times), fields)))
}

fn bytes_of(numbers: impl Iterator<Item = [u8; 8]>) -> Vec<u8> {
    numbers.flatten().collect()
}

const ROOT: usize = 0;
const NO_ROW: usize = usize::MAX;

/// Read stored envelopes; objects more than `depth` levels below a payload have no fields.
pub fn read(stored: &[&[u8]], depth: usize) -> Result<Fields, Unsure> {
    let shapes = vec![Shape::default()];
    let mut reader = Reader { found: Fields::default(), shapes, row: 0, unescaped: Vec::new() };
    for (row, envelope) in stored.iter().enumerate() {
        reader.row = row;
        reader.envelope(envelope, depth)?;
    }
    let mut found = reader.found;
    // In the order of the first event that has them, then by path, numbers before texts.
    found.fields.sort_by(|one, other| {
        let first = |field: &Values| field.rows.first().copied();
        let is_text = |field: &Values| field.texts.is_some();
        (first(one), &one.path, is_text(one)).cmp(&(first(other), &other.path, is_text(other)))
    });
    Ok(found)
}

impl Reader {
    fn envelope(&mut self, text: &[u8], depth: usize) -> Result<(), Unsure> {
        let (mut has_time, mut has_body) = (false, false);
        let end = members(text, 0, |at, key| match key {
            b"sourceTruthTime" if !has_time => {
                has_time = true;
                if text.get(at) != Some(&b'"') {
                    return Err(Unsure);
                }
                let end = plain_string(text, at + 1)?;
                self.found.times.push(time::parse(&text[at + 1..end])?.ns);
                Ok(end + 1)
            }
            b"payload" | b"data" if !has_body => {
                has_body = true;
                self.object(text, at, ROOT, depth)
            }
            b"sourceTruthTime" | b"payload" | b"data" => Err(Unsure),
            _ => skip(text, at, NESTED_MAX),
        })?;
        if has_time && skip_space(text, end) == text.len() { Ok(()) } else { Err(Unsure) }
    }

    fn object(&mut self, text: &[u8], at: usize, shape: usize, depth: usize) -> Result<usize, Unsure> {
        let mut expected = 0;
        members(text, at, |at, key| {
            let place = self.member(shape, expected, key)?;
            expected = place + 1;
            self.value(text, at, shape, place, depth)
        })
    }

    /// The place of a member; mostly that behind the one before.
    fn member(&mut self, shape: usize, expected: usize, key: &[u8]) -> Result<usize, Unsure> {
        let row = self.row;
        let Shape { head, members, by_key } = &mut self.shapes[shape];
        let place = match members.get(expected) {
            Some(member) if member.key == key => expected,
            _ => *by_key.entry(key.to_vec()).or_insert(members.len()),
        };
        if place == members.len() {
            members.push(Member {
                key: key.to_vec(),
                path: [&head[..], key].concat(),
                number: None,
                text: None,
                shape: None,
                last_row: NO_ROW,
            });
        }
        if members[place].last_row == row {
            return Err(Unsure); // The last of equal names counts.
        }
        members[place].last_row = row;
        Ok(place)
    }

    fn value(&mut self, text: &[u8], at: usize, shape: usize, place: usize, depth: usize) -> Result<usize, Unsure> {
        match text.get(at) {
            Some(b'{') if depth > 0 => {
                let inner = self.inner_shape(shape, place);
                self.object(text, at, inner, depth - 1)
            }
            Some(b'"') => self.text(text, at + 1, shape, place),
            Some(b't') => self.boolean(text, at, b"true", shape, place),
            Some(b'f') => self.boolean(text, at, b"false", shape, place),
            Some(b'-' | b'0'..=b'9') => {
                let (end, value) = number::value(text, at)?;
                self.put(shape, place, value, false)?;
                Ok(end)
            }
            _ => skip(text, at, NESTED_MAX),
        }
    }

    fn inner_shape(&mut self, shape: usize, place: usize) -> usize {
        if let Some(inner) = self.shapes[shape].members[place].shape {
            return inner;
        }
        let inner = self.shapes.len();
        let head = [&self.shapes[shape].members[place].path[..], b"."].concat();
        self.shapes.push(Shape { head, ..Shape::default() });
        self.shapes[shape].members[place].shape = Some(inner);
        inner
    }

    fn boolean(&mut self, text: &[u8], at: usize, word: &[u8], shape: usize, place: usize) -> Result<usize, Unsure> {
        if !text[at..].starts_with(word) {
            return Err(Unsure);
        }
        self.put(shape, place, f64::from(u8::from(word == b"true")), true)?;
        Ok(at + word.len())
    }

    fn put(&mut self, shape: usize, place: usize, value: f64, is_boolean: bool) -> Result<(), Unsure> {
        let field = self.field(shape, place, false);
        let field = &mut self.found.fields[field];
        field.are_booleans &= is_boolean;
        field.push(self.row, value)
    }

    fn text(&mut self, text: &[u8], at: usize, shape: usize, place: usize) -> Result<usize, Unsure> {
        let end = string(text, at, &mut self.unescaped)?;
        let value = if self.unescaped.is_empty() { &text[at..end] } else { &self.unescaped[..] };
        let value = str::from_utf8(value).map_err(|_| Unsure)?.to_owned();
        let field = self.field(shape, place, true);
        let field = &mut self.found.fields[field];
        let place = match field.places.get(&value) {
            Some(place) => *place,
            None => {
                let texts = field.texts.get_or_insert_default();
                texts.push(value.clone());
                field.places.insert(value, texts.len() - 1);
                texts.len() - 1
            }
        };
        field.push(self.row, place as f64)?;
        Ok(end + 1)
    }

    /// The field of a member's values; members at different places may share a path.
    fn field(&mut self, shape: usize, place: usize, is_text: bool) -> usize {
        let member = &mut self.shapes[shape].members[place];
        let known = if is_text { &mut member.text } else { &mut member.number };
        if let Some(known) = known {
            return *known;
        }
        let Fields { fields, by_path, .. } = &mut self.found;
        let field = *by_path.entry((member.path.clone(), is_text)).or_insert_with(|| {
            let texts = is_text.then(Vec::new);
            fields.push(Values { path: member.path.clone(), texts, are_booleans: !is_text, ..Values::default() });
            fields.len() - 1
        });
        *known = Some(field);
        field
    }
}

impl Values {
    fn push(&mut self, row: usize, value: f64) -> Result<(), Unsure> {
        if self.rows.last() == Some(&(row as i64)) {
            return Err(Unsure); // Of members that share a path one counts.
        }
        self.rows.push(row as i64);
        self.values.push(value);
        Ok(())
    }
}

/// Call `each` with the place of each member's value and its key, which has no escapes; it returns
/// the end of the value. Returns the end of the object.
fn members<'a>(
    text: &'a [u8],
    at: usize,
    mut each: impl FnMut(usize, &'a [u8]) -> Result<usize, Unsure>,
) -> Result<usize, Unsure> {
    if text.get(at) != Some(&b'{') {
        return Err(Unsure);
    }
    let mut at = skip_space(text, at + 1);
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        if text.get(at) != Some(&b'"') {
            return Err(Unsure);
        }
        let key_end = plain_string(text, at + 1)?;
        let key = &text[at + 1..key_end];
        at = skip_space(text, key_end + 1);
        if text.get(at) != Some(&b':') {
            return Err(Unsure);
        }
        at = skip_space(text, each(skip_space(text, at + 1), key)?);
        match text.get(at) {
            Some(b',') => at = skip_space(text, at + 1),
            Some(b'}') => return Ok(at + 1),
            _ => return Err(Unsure),
        }
    }
}

/// The end of a value that is no field.
fn skip(text: &[u8], at: usize, depth: usize) -> Result<usize, Unsure> {
    match text.get(at) {
        Some(b'"') => Ok(string(text, at + 1, &mut Vec::new())? + 1),
        Some(b'{') if depth > 0 => members(text, at, |at, _| skip(text, at, depth - 1)),
        Some(b'[') if depth > 0 => skip_array(text, at + 1, depth - 1),
        Some(b'-' | b'0'..=b'9') => Ok(number::value(text, at)?.0),
        Some(b't') if text[at..].starts_with(b"true") => Ok(at + 4),
        Some(b'f') if text[at..].starts_with(b"false") => Ok(at + 5),
        Some(b'n') if text[at..].starts_with(b"null") => Ok(at + 4),
        _ => Err(Unsure),
    }
}

fn skip_array(text: &[u8], at: usize, depth: usize) -> Result<usize, Unsure> {
    let mut at = skip_space(text, at);
    if text.get(at) == Some(&b']') {
        return Ok(at + 1);
    }
    loop {
        at = skip_space(text, skip(text, at, depth)?);
        match text.get(at) {
            Some(b',') => at = skip_space(text, at + 1),
            Some(b']') => return Ok(at + 1),
            _ => return Err(Unsure),
        }
    }
}

/// The end of a string's content, `at` being behind its opening quote. With escapes, the content is
/// in `unescaped`.
fn string(text: &[u8], mut at: usize, unescaped: &mut Vec<u8>) -> Result<usize, Unsure> {
    let mut start = at;
    unescaped.clear();
    loop {
        match text.get(at) {
            Some(b'"') => {
                if !unescaped.is_empty() {
                    unescaped.extend_from_slice(&text[start..at]);
                }
                return Ok(at);
            }
            Some(b'\\') => {
                unescaped.extend_from_slice(&text[start..at]);
                at = escape(text, at + 1, unescaped)?;
                start = at;
            }
            Some(byte) if *byte >= 0x20 => at += 1,
            _ => return Err(Unsure),
        }
    }
}

fn escape(text: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, Unsure> {
    out.push(match text.get(at) {
        Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => {
            let digits = text.get(at + 1..at + 5).ok_or(Unsure)?;
            let code = digits.iter().try_fold(0, |code, digit| {
                Some(code << 4 | char::from(*digit).to_digit(16)?)
            });
            let character = char::from_u32(code.ok_or(Unsure)?).ok_or(Unsure)?;
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(at + 5);
        }
        _ => return Err(Unsure),
    });
    Ok(at + 1)
}
