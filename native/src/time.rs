//! The normal times of envelopes: UTC with up to nine digits of a second.

use crate::Unsure;

const SECOND_CHARS: usize = b"2026-01-01T00:00:00".len();
const NS_DIGITS: usize = 9;
pub const NORMAL_CHARS: usize = SECOND_CHARS + 1 + NS_DIGITS + 1;
const NS_PER_SECOND: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;
/// Years that int64 nanoseconds hold as a whole.
const YEARS: std::ops::RangeInclusive<i64> = 1678..=2261;

/// A source time: as it is hashed, and in nanoseconds since 1970.
pub struct NormalTime {
    pub text: [u8; NORMAL_CHARS],
    pub ns: i64,
}

pub fn parse(text: &[u8]) -> Result<NormalTime, Unsure> {
    if text.len() <= SECOND_CHARS || text.last() != Some(&b'Z') {
        return Err(Unsure);
    }
    let second = whole_second(&text[..SECOND_CHARS])?;
    let fraction = &text[SECOND_CHARS..text.len() - 1];
    let digits = match fraction.split_first() {
        None => &[][..],
        Some((b'.', digits)) if !digits.is_empty() && digits.len() <= NS_DIGITS => digits,
        Some(_) => return Err(Unsure),
    };
    let mut normal = *b"0000-00-00T00:00:00.000000000Z";
    normal[..SECOND_CHARS].copy_from_slice(&text[..SECOND_CHARS]);
    normal[SECOND_CHARS + 1..SECOND_CHARS + 1 + digits.len()].copy_from_slice(digits);
    let nanosecond = number(&normal[SECOND_CHARS + 1..SECOND_CHARS + 1 + NS_DIGITS])?;
    Ok(NormalTime { text: normal, ns: second * NS_PER_SECOND + nanosecond })
}

fn whole_second(text: &[u8]) -> Result<i64, Unsure> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(place, mark)| text[*place] != *mark) {
        return Err(Unsure);
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?);
    let (hour, minute, second) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..])?);
    let is_valid = YEARS.contains(&year) && (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
    if !is_valid || day < 1 || day > days_of(year, month) {
        return Err(Unsure);
    }
    Ok(days_since_1970(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> Result<i64, Unsure> {
    digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Ok(value * 10 + i64::from(digit - b'0')),
        _ => Err(Unsure),
    })
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted from March, so that the leap day ends a year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The normal form of a time.
pub fn normal_text(ns: i64) -> [u8; NORMAL_CHARS] {
    let (second, nanosecond) = (ns.div_euclid(NS_PER_SECOND), ns.rem_euclid(NS_PER_SECOND));
    let (day, of_day) = (second.div_euclid(DAY_S), second.rem_euclid(DAY_S));
    let (year, month, day) = civil(day);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let fields = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, of_day / 3600),
        (14..16, of_day / 60 % 60),
        (17..19, of_day % 60),
        (20..29, nanosecond),
    ];
    for (place, mut value) in fields {
        for digit in text[place].iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    text
}

/// Year, month and day of a number of days since 1970; the reverse of `days_since_1970`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + of_years + i64::from(month >= 10);
    (year, if month < 10 { month + 3 } else { month - 9 }, day)
}
