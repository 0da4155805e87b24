//! The check of an archive: which stored events are those of known streams, and sums of rows.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::rows::{EVENT_KEY_BYTES, ID_HEAD, TIME_BYTES};
use crate::stamp::{self, SIGN};
use crate::stream::{Checker, Columns, KEY_BYTES};
use crate::time;

/// What is found of the rows of `canonical`: for each, whether it is proved, and its order key.
pub struct Proved {
    pub is_right: Vec<u8>,
    pub source_keys: Vec<u8>,
}

impl Checker {
    /// Prove rows: the content of an envelope has its eventId, its text is the one that is stored of
    /// such an event, and its key has its series and its canonical time. `series` are the series
    /// bytes of the streams by number.
    pub fn prove(&mut self, rows: &[Option<(&[u8], &[u8])>], series: &[u8]) -> Proved {
        let (mut columns, mut record) = (Columns::default(), Vec::new());
        let mut proved = Proved {
            is_right: Vec::with_capacity(rows.len()),
            source_keys: Vec::with_capacity(rows.len() * KEY_BYTES),
        };
        for row in rows {
            columns.clear();
            let is_right = row.is_some_and(|(key, stored)| {
                self.is_proved(key, stored, series, &mut record, &mut columns)
            });
            proved.is_right.push(u8::from(is_right));
            match is_right {
                true => proved.source_keys.extend_from_slice(&columns.keys),
                false => proved.source_keys.extend_from_slice(&[0; KEY_BYTES]),
            }
        }
        proved
    }

    fn is_proved(
        &mut self,
        key: &[u8],
        stored: &[u8],
        series: &[u8],
        record: &mut Vec<u8>,
        columns: &mut Columns,
    ) -> bool {
        let Some((body, stamp)) = stored.split_at_checked(stored.len().wrapping_sub(stamp::BYTES)) else {
            return false;
        };
        let Some((time, tail)) = key.split_first_chunk::<TIME_BYTES>() else {
            return false;
        };
        record.clear();
        record.extend_from_slice(body);
        record.push(b'}');
        if self.check_one(None, record, columns).is_err() || columns.bodies != body {
            return false;
        }
        let first = columns.streams[0] as usize * tail.len();
        let canonical = time::normal_text((u64::from_be_bytes(*time) ^ SIGN) as i64);
        key.len() == EVENT_KEY_BYTES
            && series.get(first..first + tail.len()) == Some(tail)
            && stamp::is_stamp(stamp, &canonical)
    }
}

/// Hashes rows with a secret.
#[derive(Clone, Copy)]
pub struct RowSum {
    hasher: SipHasher13,
}

impl RowSum {
    pub fn new(secret: (u64, u64)) -> RowSum {
        RowSum { hasher: SipHasher13::new_with_keys(secret.0, secret.1) }
    }

    pub fn hash(&self, key: &[&[u8]], value: &[u8]) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_usize(key.iter().map(|part| part.len()).sum());
        for part in key {
            hasher.write(part);
        }
        hasher.write(value);
        hasher.finish()
    }

    /// The sums of the rows that events must have in `source`, `series_canonical` and
    /// `series_source`.
    pub fn of_events(&self, event_keys: &[u8], source_keys: &[u8]) -> [u64; 3] {
        let events = event_keys.chunks_exact(EVENT_KEY_BYTES).zip(source_keys.chunks_exact(KEY_BYTES));
        events.fold([0; 3], |sums, (event_key, source_key)| {
            let (time, series) = event_key.split_at(TIME_BYTES);
            let in_source = [series, &source_key[..TIME_BYTES], &source_key[ID_HEAD]];
            [
                sums[0].wrapping_add(self.hash(&[source_key], event_key)),
                sums[1].wrapping_add(self.hash(&[series, time], b"")),
                sums[2].wrapping_add(self.hash(&in_source, time)),
            ]
        })
    }
}
