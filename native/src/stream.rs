//! Streams that are known, and what all events of a stream share.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::base64;
use crate::envelope::{split, stream_key, Envelope, NAMES};
use crate::json::Printed;
use crate::time;
use crate::Unsure;

/// The lanes with most events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Raw,
    Parsed,
    Ui,
}

/// What all events of a stream share: the texts of their stored envelopes before and after the time,
/// what is hashed before the time, and what is hashed before and after the payload.
pub struct Stream {
    pub number: u32,
    pub lane: u8,
    pub kind: Kind,
    pub hashed_head: Vec<u8>,
    pub before_time: Vec<u8>,
    pub after_time: Vec<u8>,
    pub before_payload: Vec<u8>,
    pub after_payload: Vec<u8>,
}

/// The events of a batch as columns, and the places of the records that Python has to check.
#[derive(Default)]
pub struct Columns {
    pub keys: Vec<u8>,
    pub bodies: Vec<u8>,
    pub body_ends: Vec<usize>,
    pub streams: Vec<u32>,
    pub unsure: Vec<usize>,
}

impl Columns {
    pub fn clear(&mut self) {
        self.keys.clear();
        self.bodies.clear();
        self.body_ends.clear();
        self.streams.clear();
        self.unsure.clear();
    }
}

pub const KEY_BYTES: usize = 8 + 1 + 32;
const SIGN: u64 = 1 << 63;

/// Checks records of known streams.
pub struct Checker {
    max_bytes: usize,
    streams: HashMap<Vec<u8>, Stream>,
    payload: Printed,
    frame: Vec<u8>,
    key: Vec<u8>,
}

impl Checker {
    pub fn new(max_bytes: usize) -> Checker {
        Checker {
            max_bytes,
            streams: HashMap::new(),
            payload: Printed::default(),
            frame: Vec::new(),
            key: Vec::new(),
        }
    }

    pub fn learn(&mut self, address: Option<&[u8]>, names: &[Option<&[u8]>; NAMES.len()], stream: Stream) {
        stream_key(address, names, &mut self.key);
        self.streams.insert(self.key.clone(), stream);
    }

    pub fn clear(&mut self) {
        self.streams.clear();
    }

    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// `records` are addresses and bytes; those that are no text or bytes are None.
    pub fn check(&mut self, records: &[Option<(Option<&str>, &[u8])>]) -> Columns {
        let mut columns = Columns::default();
        let bytes: usize = records.iter().flatten().map(|(_, record)| record.len() + 128).sum();
        columns.bodies.reserve(bytes);
        columns.keys.reserve(records.len() * KEY_BYTES);
        for (place, record) in records.iter().enumerate() {
            let is_sure = record.is_some_and(|(address, record)| {
                self.check_one(address.map(str::as_bytes), record, &mut columns).is_ok()
            });
            if !is_sure {
                columns.unsure.push(place);
            }
        }
        columns
    }

    pub fn check_one(&mut self, address: Option<&[u8]>, record: &[u8], columns: &mut Columns) -> Result<(), Unsure> {
        if record.len() > self.max_bytes || std::str::from_utf8(record).is_err() {
            return Err(Unsure);
        }
        self.payload.clear();
        let envelope = split(record, &mut self.payload)?;
        stream_key(address, &envelope.names, &mut self.key);
        let stream = self.streams.get(&self.key).ok_or(Unsure)?;
        require_members(&envelope, stream.kind)?;
        let written = envelope.time.ok_or(Unsure)?;
        let time = time::parse(written)?;
        let mut hashed = Sha256::new();
        hashed.update(&stream.hashed_head);
        hashed.update(time.text);
        hashed.update(b"\n");
        if stream.kind == Kind::Raw {
            self.frame.clear();
            base64::decode(envelope.frame.ok_or(Unsure)?, &mut self.frame)?;
            hashed.update(&self.frame);
        } else {
            hashed.update(&stream.before_payload);
            hashed.update(&self.payload.canonical);
            hashed.update(&stream.after_payload);
        }
        let event_id: [u8; 32] = hashed.finalize().into();
        let text = hex(&event_id);
        if envelope.event_id.is_some_and(|given| given != text) {
            return Err(Unsure);
        }
        columns.keys.extend_from_slice(&((time.ns as u64) ^ SIGN).to_be_bytes());
        columns.keys.push(stream.lane);
        columns.keys.extend_from_slice(&event_id);
        columns.streams.push(stream.number);
        print_body(&text, &envelope, stream, written, &self.payload.stored, &mut columns.bodies);
        columns.body_ends.push(columns.bodies.len());
        Ok(())
    }
}

/// The members that each kind must have and may not have; names are in the stream's key already.
fn require_members(envelope: &Envelope, kind: Kind) -> Result<(), Unsure> {
    let is_raw = envelope.frame.is_some();
    let has_raw_only = is_raw || envelope.connection.is_some() || envelope.sequence.is_some();
    let is_valid = match kind {
        Kind::Raw => is_raw && !envelope.has_payload && !envelope.has_data,
        Kind::Parsed => envelope.has_payload && !has_raw_only,
        Kind::Ui => envelope.has_data && !has_raw_only,
    };
    if is_valid { Ok(()) } else { Err(Unsure) }
}

/// Append a stored envelope up to where its canonicalTruthTime goes.
fn print_body(
    event_id: &[u8],
    envelope: &Envelope,
    stream: &Stream,
    time: &[u8],
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"eventId\":\"");
    out.extend_from_slice(event_id);
    out.extend_from_slice(&stream.before_time);
    out.extend_from_slice(time);
    out.extend_from_slice(&stream.after_time);
    if stream.kind != Kind::Raw {
        out.extend_from_slice(payload);
        return;
    }
    out.extend_from_slice(envelope.frame.unwrap_or_default());
    out.push(b'"');
    if let Some(connection) = envelope.connection {
        out.extend_from_slice(b",\"connectionId\":\"");
        out.extend_from_slice(connection);
        out.push(b'"');
    }
    if let Some(sequence) = envelope.sequence {
        out.extend_from_slice(b",\"sequence\":");
        out.extend_from_slice(sequence);
    }
}

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    for (place, byte) in bytes.iter().enumerate() {
        text[2 * place] = b"0123456789abcdef"[usize::from(byte >> 4)];
        text[2 * place + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    text
}
