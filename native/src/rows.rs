//! Sizes and parts of the keys of rows.

pub const TIME_BYTES: usize = 8;
pub const SERIES_BYTES: usize = 4;
pub const EVENT_KEY_BYTES: usize = TIME_BYTES + SERIES_BYTES;
pub const ID_HEAD: std::ops::Range<usize> = 9..25;
pub const SOURCE_ROW_BYTES: usize = SERIES_BYTES + TIME_BYTES + 16;
