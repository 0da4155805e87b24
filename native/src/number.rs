//! Numbers as the stored envelope prints them (like msgspec) and as RFC 8785 does.

use crate::Unsure;

const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
const SURE_DIGITS: usize = 15;
/// Integers of so many digits at most are safe; longer ones are compared.
const EXACT_DIGITS: usize = 16;
/// Integers of more digits than 64 bits hold are no integers in every reader.
const INTEGER_DIGITS: usize = 18;

/// Both printed forms of one number: appended to `stored` and `canonical`. Returns the end of its
/// text.
pub fn print(text: &[u8], start: usize, stored: &mut Vec<u8>, canonical: &mut Vec<u8>) -> Result<usize, Unsure> {
    let mut at = start + usize::from(text[start] == b'-');
    let whole = at;
    at = skip_digits(text, at);
    let whole_digits = at - whole;
    if whole_digits == 0 || (whole_digits > 1 && text[whole] == b'0') {
        return Err(Unsure);
    }
    let point = at;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        at = skip_digits(text, at + 1);
        fraction = at - point - 1;
        if fraction == 0 {
            return Err(Unsure);
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        let end = skip_digits(text, at);
        if end == at {
            return Err(Unsure);
        }
        print_float(&text[start..end], stored, canonical)?;
        return Ok(end);
    }
    let number = &text[start..at];
    if fraction == 0 {
        require_safe(&text[whole..at], whole > start)?;
        stored.extend_from_slice(number);
        canonical.extend_from_slice(number);
    } else if is_integral(&text[whole..point], &text[point + 1..at]) {
        stored.extend_from_slice(&text[start..point]);
        stored.extend_from_slice(b".0");
        canonical.extend_from_slice(&text[start..point]);
    } else if is_shortest(&text[whole..point], &text[point + 1..at]) {
        stored.extend_from_slice(number);
        canonical.extend_from_slice(number);
    } else {
        print_float(number, stored, canonical)?;
    }
    Ok(at)
}

/// The end of a number, and its value as a float.
pub fn value(text: &[u8], start: usize) -> Result<(usize, f64), Unsure> {
    let is_negative = text[start] == b'-';
    let whole = start + usize::from(is_negative);
    let mut at = skip_digits(text, whole);
    let whole_digits = at - whole;
    if whole_digits == 0 || (whole_digits > 1 && text[whole] == b'0') {
        return Err(Unsure);
    }
    let mut is_integer = true;
    if text.get(at) == Some(&b'.') {
        is_integer = false;
        let end = skip_digits(text, at + 1);
        if end == at + 1 {
            return Err(Unsure);
        }
        at = end;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        is_integer = false;
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let end = skip_digits(text, at);
        if end == at {
            return Err(Unsure);
        }
        at = end;
    }
    if is_integer && (whole_digits > INTEGER_DIGITS || (is_negative && text[whole] == b'0')) {
        return Err(Unsure);
    }
    let value: f64 = std::str::from_utf8(&text[start..at]).ok().and_then(|text| text.parse().ok()).ok_or(Unsure)?;
    if value.is_finite() { Ok((at, value)) } else { Err(Unsure) }
}

fn skip_digits(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// An integer beyond 2^53 has no RFC 8785 form, and -0 is an integer in one reader and not in others.
fn require_safe(digits: &[u8], is_negative: bool) -> Result<(), Unsure> {
    if digits.len() < EXACT_DIGITS {
        return if is_negative && digits == b"0" { Err(Unsure) } else { Ok(()) };
    }
    let value: u64 = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(Unsure)?;
    if value > SAFE_INTEGER_MAX { Err(Unsure) } else { Ok(()) }
}

fn is_integral(whole: &[u8], fraction: &[u8]) -> bool {
    whole != b"0" && whole.len() <= SURE_DIGITS && fraction.iter().all(|digit| *digit == b'0')
}

/// Whether a plain decimal is printed the same by everyone. Decimals of up to 15 digits all differ
/// as floats, so none is shorter for the same float.
fn is_shortest(whole: &[u8], fraction: &[u8]) -> bool {
    let is_small = whole == b"0" && fraction.starts_with(b"000");
    whole.len() + fraction.len() <= SURE_DIGITS && fraction.last() != Some(&b'0') && !is_small
}

fn print_float(text: &[u8], stored: &mut Vec<u8>, canonical: &mut Vec<u8>) -> Result<(), Unsure> {
    let value: f64 = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Unsure)?;
    if !value.is_finite() {
        return Err(Unsure);
    }
    if value == 0.0 {
        stored.extend_from_slice(if value.is_sign_negative() { b"-0.0" } else { b"0.0" });
        canonical.push(b'0');
        return Ok(());
    }
    let mut buffer = ryu::Buffer::new();
    let shortest = Decimal::parse(buffer.format_finite(value.abs()).as_bytes());
    if value < 0.0 {
        stored.push(b'-');
        canonical.push(b'-');
    }
    shortest.print_stored(stored);
    shortest.print_canonical(canonical);
    Ok(())
}

/// The shortest digits of a positive float: 0.d₁d₂… × 10^`point`.
struct Decimal {
    digits: [u8; 20],
    count: usize,
    point: i32,
}

impl Decimal {
    /// From a text like `0.001`, `15.0` or `1.5e-7`.
    fn parse(text: &[u8]) -> Decimal {
        let mut found = Decimal { digits: [0; 20], count: 0, point: 0 };
        let mut is_behind_point = false;
        let mut exponent = 0;
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'.' => is_behind_point = true,
                b'e' => {
                    exponent = std::str::from_utf8(&text[at + 1..]).ok().and_then(|e| e.parse().ok()).unwrap_or(0);
                    break;
                }
                b'0' if found.count == 0 => found.point -= i32::from(is_behind_point),
                _ => {
                    if found.count < found.digits.len() {
                        found.digits[found.count] = byte;
                        found.count += 1;
                    }
                    found.point += i32::from(!is_behind_point);
                }
            }
        }
        while found.count > 1 && found.digits[found.count - 1] == b'0' {
            found.count -= 1;
        }
        found.point += exponent;
        found
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.count]
    }

    fn print_stored(&self, out: &mut Vec<u8>) {
        if self.point > 16 || self.point < -4 {
            self.print_exponent(out, false);
        } else {
            self.print_plain(out);
            if self.point >= self.count as i32 {
                out.extend_from_slice(b".0");
            }
        }
    }

    fn print_canonical(&self, out: &mut Vec<u8>) {
        if self.point > 21 || self.point < -5 {
            self.print_exponent(out, true);
        } else {
            self.print_plain(out);
        }
    }

    fn print_plain(&self, out: &mut Vec<u8>) {
        let digits = self.digits();
        if self.point <= 0 {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + self.point.unsigned_abs() as usize, b'0');
            out.extend_from_slice(digits);
        } else if self.point as usize >= digits.len() {
            out.extend_from_slice(digits);
            out.resize(out.len() + self.point as usize - digits.len(), b'0');
        } else {
            let (whole, fraction) = digits.split_at(self.point as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
    }

    fn print_exponent(&self, out: &mut Vec<u8>, has_plus: bool) {
        let digits = self.digits();
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let exponent = self.point - 1;
        out.extend_from_slice(if exponent >= 0 && has_plus { b"e+" } else { b"e" });
        out.extend_from_slice(exponent.to_string().as_bytes());
    }
}
