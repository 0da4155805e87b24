//! One pass over a JSON value, which prints it twice: in its own order for the stored envelope, and
//! by RFC 8785 for the eventId.

use crate::number;
use crate::Unsure;

/// Deeper values are left to Python, whose own limit depends on its stack.
const DEPTH_MAX: usize = 64;

/// The two printed forms of a value, and room to sort members.
#[derive(Default)]
pub struct Printed {
    pub stored: Vec<u8>,
    pub canonical: Vec<u8>,
    members: Vec<Member>,
    sorted: Vec<u8>,
}

/// Where `canonical` has one member of an object: its key within the quotes, and the whole member.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    key_end: usize,
    end: usize,
}

pub fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The end of a string's content without escapes, `at` being behind its opening quote.
pub fn plain_string(text: &[u8], mut at: usize) -> Result<usize, Unsure> {
    loop {
        match text.get(at) {
            Some(b'"') => return Ok(at),
            Some(b'\\') | None => return Err(Unsure),
            Some(byte) if *byte < 0x20 => return Err(Unsure),
            Some(_) => at += 1,
        }
    }
}

impl Printed {
    pub fn clear(&mut self) {
        self.stored.clear();
        self.canonical.clear();
        self.members.clear();
    }

    /// Print the object at `at`; returns its end.
    pub fn print_object(&mut self, text: &[u8], at: usize) -> Result<usize, Unsure> {
        if text.get(at) != Some(&b'{') {
            return Err(Unsure);
        }
        self.object(text, at + 1, DEPTH_MAX)
    }

    fn push(&mut self, byte: u8) {
        self.stored.push(byte);
        self.canonical.push(byte);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.stored.extend_from_slice(bytes);
        self.canonical.extend_from_slice(bytes);
    }

    fn value(&mut self, text: &[u8], at: usize, depth: usize) -> Result<usize, Unsure> {
        match text.get(at) {
            Some(b'"') => self.string(text, at + 1),
            Some(b'{') if depth > 0 => self.object(text, at + 1, depth - 1),
            Some(b'[') if depth > 0 => self.array(text, at + 1, depth - 1),
            Some(b'-' | b'0'..=b'9') => number::print(text, at, &mut self.stored, &mut self.canonical),
            Some(b't') => self.word(text, at, b"true"),
            Some(b'f') => self.word(text, at, b"false"),
            Some(b'n') => self.word(text, at, b"null"),
            _ => Err(Unsure),
        }
    }

    fn word(&mut self, text: &[u8], at: usize, word: &[u8]) -> Result<usize, Unsure> {
        if !text[at..].starts_with(word) {
            return Err(Unsure);
        }
        self.extend(word);
        Ok(at + word.len())
    }

    fn array(&mut self, text: &[u8], at: usize, depth: usize) -> Result<usize, Unsure> {
        self.push(b'[');
        let mut at = skip_space(text, at);
        if text.get(at) == Some(&b']') {
            self.push(b']');
            return Ok(at + 1);
        }
        loop {
            at = skip_space(text, self.value(text, at, depth)?);
            match text.get(at) {
                Some(b',') => self.push(b','),
                Some(b']') => {
                    self.push(b']');
                    return Ok(at + 1);
                }
                _ => return Err(Unsure),
            }
            at = skip_space(text, at + 1);
        }
    }

    fn object(&mut self, text: &[u8], at: usize, depth: usize) -> Result<usize, Unsure> {
        self.push(b'{');
        let mut at = skip_space(text, at);
        if text.get(at) == Some(&b'}') {
            self.push(b'}');
            return Ok(at + 1);
        }
        let first = self.members.len();
        let begin = self.canonical.len();
        loop {
            if text.get(at) != Some(&b'"') {
                return Err(Unsure);
            }
            let start = self.canonical.len();
            let key_end = plain_string(text, at + 1)?;
            let key = &text[at..key_end + 1];
            if key.iter().any(|byte| *byte >= 0xf0) {
                return Err(Unsure); // RFC 8785 sorts by UTF-16, where these are before some others.
            }
            self.extend(key);
            at = skip_space(text, key_end + 1);
            if text.get(at) != Some(&b':') {
                return Err(Unsure);
            }
            self.push(b':');
            let key_end = start + key.len() - 1;
            at = skip_space(text, self.value(text, skip_space(text, at + 1), depth)?);
            let end = self.canonical.len();
            self.members.push(Member { start, key_end, end });
            match text.get(at) {
                Some(b',') => self.push(b','),
                Some(b'}') => break,
                _ => return Err(Unsure),
            }
            at = skip_space(text, at + 1);
        }
        self.sort_members(first, begin)?;
        self.push(b'}');
        Ok(at + 1)
    }

    /// Sort the members from index `first` on, which `canonical` has from `begin` on.
    fn sort_members(&mut self, first: usize, begin: usize) -> Result<(), Unsure> {
        let Printed { canonical, members, sorted, .. } = self;
        let of_object = &mut members[first..];
        let key = |member: &Member| &canonical[member.start + 1..member.key_end];
        if !of_object.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])) {
            of_object.sort_unstable_by(|one, other| key(one).cmp(key(other)));
            if of_object.windows(2).any(|pair| key(&pair[0]) == key(&pair[1])) {
                return Err(Unsure);
            }
            sorted.clear();
            for member in of_object.iter() {
                sorted.extend_from_slice(&canonical[member.start..member.end]);
                sorted.push(b',');
            }
            sorted.pop();
            canonical[begin..].copy_from_slice(sorted);
        }
        members.truncate(first);
        Ok(())
    }

    /// A string whose content begins at `at`. Both forms escape the same characters alike.
    fn string(&mut self, text: &[u8], at: usize) -> Result<usize, Unsure> {
        self.push(b'"');
        let mut start = at;
        let mut at = at;
        loop {
            match text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.extend(&text[start..at]);
                    at = self.escape(text, at + 1)?;
                    start = at;
                }
                Some(byte) if *byte >= 0x20 => at += 1,
                _ => return Err(Unsure),
            }
        }
        self.extend(&text[start..at + 1]);
        Ok(at + 1)
    }

    fn escape(&mut self, text: &[u8], at: usize) -> Result<usize, Unsure> {
        let short = match text.get(at) {
            Some(byte @ (b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't')) => *byte,
            Some(b'/') => {
                self.push(b'/');
                return Ok(at + 1);
            }
            Some(b'u') => return self.code_point(text, at + 1),
            _ => return Err(Unsure),
        };
        self.extend(&[b'\\', short]);
        Ok(at + 1)
    }

    /// `\uXXXX` of a character that is no surrogate.
    fn code_point(&mut self, text: &[u8], at: usize) -> Result<usize, Unsure> {
        let digits = text.get(at..at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok()).ok_or(Unsure)?;
        let code = u32::from_str_radix(digits, 16).map_err(|_| Unsure)?;
        let character = char::from_u32(code).ok_or(Unsure)?;
        match character {
            '"' => self.extend(b"\\\""),
            '\\' => self.extend(b"\\\\"),
            '\u{8}' => self.extend(b"\\b"),
            '\u{c}' => self.extend(b"\\f"),
            '\n' => self.extend(b"\\n"),
            '\r' => self.extend(b"\\r"),
            '\t' => self.extend(b"\\t"),
            '\0'..='\u{1f}' => self.extend(format!("\\u{code:04x}").as_bytes()),
            _ => self.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        Ok(at + 4)
    }
}
