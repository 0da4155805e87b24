//! Splits an envelope into its members, and prints its payload on the way.

use crate::json::{plain_string, skip_space, Printed};
use crate::Unsure;

/// The members whose texts decide which stream an event belongs to, in the order of its key.
pub const NAMES: [&[u8]; 10] = [
    b"lane", b"scopeId", b"systemId", b"containerId", b"uniqueId", b"messageType", b"schemaVersion",
    b"viewId", b"manifestId", b"manifestVersion",
];

/// One envelope. Texts are as written, within their quotes.
#[derive(Default)]
pub struct Envelope<'a> {
    pub names: [Option<&'a [u8]>; NAMES.len()],
    pub event_id: Option<&'a [u8]>,
    pub time: Option<&'a [u8]>,
    pub frame: Option<&'a [u8]>,
    pub connection: Option<&'a [u8]>,
    pub sequence: Option<&'a [u8]>,
    pub has_payload: bool,
    pub has_data: bool,
}

/// Split `text`, which is UTF-8. Every member has one of the known names and occurs once, its value
/// is a string without escapes, and only `payload`, `data` and `sequence` are of other types.
pub fn split<'a>(text: &'a [u8], payload: &mut Printed) -> Result<Envelope<'a>, Unsure> {
    let mut envelope = Envelope::default();
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'{') {
        return Err(Unsure);
    }
    loop {
        at = skip_space(text, at + 1);
        if text.get(at) != Some(&b'"') {
            return Err(Unsure);
        }
        let key_end = plain_string(text, at + 1)?;
        let key = &text[at + 1..key_end];
        at = skip_space(text, key_end + 1);
        if text.get(at) != Some(&b':') {
            return Err(Unsure);
        }
        at = skip_space(text, at + 1);
        at = skip_space(text, member(text, key, at, &mut envelope, payload)?);
        match text.get(at) {
            Some(b',') => {}
            Some(b'}') => break,
            _ => return Err(Unsure),
        }
    }
    if skip_space(text, at + 1) == text.len() { Ok(envelope) } else { Err(Unsure) }
}

/// Read the value at `at`; returns its end.
fn member<'a>(
    text: &'a [u8],
    key: &[u8],
    at: usize,
    envelope: &mut Envelope<'a>,
    payload: &mut Printed,
) -> Result<usize, Unsure> {
    if key == b"payload" || key == b"data" {
        if envelope.has_payload || envelope.has_data {
            return Err(Unsure);
        }
        *(if key == b"data" { &mut envelope.has_data } else { &mut envelope.has_payload }) = true;
        return payload.print_object(text, at);
    }
    if key == b"sequence" {
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = &text[at..at + digits];
        // Shorter than 2^64; zeros in front are no JSON.
        if digits == 0 || digits > 19 || (digits > 1 && number[0] == b'0') {
            return Err(Unsure);
        }
        return put(&mut envelope.sequence, number, at + digits);
    }
    if text.get(at) != Some(&b'"') {
        return Err(Unsure);
    }
    let end = plain_string(text, at + 1)?;
    let value = &text[at + 1..end];
    let place = match key {
        b"eventId" => &mut envelope.event_id,
        b"sourceTruthTime" => &mut envelope.time,
        b"bytes" => &mut envelope.frame,
        b"connectionId" => &mut envelope.connection,
        _ => {
            let place = NAMES.iter().position(|name| *name == key).ok_or(Unsure)?;
            &mut envelope.names[place]
        }
    };
    put(place, value, end + 1)
}

fn put<'a>(place: &mut Option<&'a [u8]>, value: &'a [u8], end: usize) -> Result<usize, Unsure> {
    if place.replace(value).is_some() {
        return Err(Unsure);
    }
    Ok(end)
}

/// Append the key of a stream: the address that a record has, and its names.
pub fn stream_key(address: Option<&[u8]>, names: &[Option<&[u8]>; NAMES.len()], key: &mut Vec<u8>) {
    key.clear();
    let address_bytes = address.map_or(u64::MAX, |address| address.len() as u64);
    key.extend_from_slice(&address_bytes.to_le_bytes());
    key.extend_from_slice(address.unwrap_or_default());
    for name in names {
        // No name contains a control character.
        key.push(if name.is_some() { 0 } else { 1 });
        key.extend_from_slice(name.unwrap_or_default());
    }
}
