//! Base64 as msgspec prints it: the standard alphabet, padded, without leftover bits.

use crate::Unsure;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NONE: u8 = 0xff;
const VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        table[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    table
}

/// Append the bytes of a text that would be printed the same again.
pub fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), Unsure> {
    if text.len() % 4 != 0 {
        return Err(Unsure);
    }
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let (whole, last) = text.split_at(if padding == 0 { text.len() } else { text.len() - 4 });
    out.reserve(text.len() / 4 * 3);
    for four in whole.chunks_exact(4) {
        let values = [four[0], four[1], four[2], four[3]].map(|byte| VALUES[byte as usize]);
        if values.iter().fold(0, |all, value| all | value) == NONE {
            return Err(Unsure);
        }
        let bits = values.iter().fold(0, |bits, value| bits << 6 | u32::from(*value));
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    if padding == 0 {
        return Ok(());
    }
    let values = &last[..4 - padding];
    if values.iter().any(|byte| VALUES[*byte as usize] == NONE) {
        return Err(Unsure);
    }
    let bits = values.iter().fold(0, |bits, byte| bits << 6 | u32::from(VALUES[*byte as usize]));
    let spare = 2 * padding as u32;
    if bits & ((1 << spare) - 1) != 0 {
        return Err(Unsure);
    }
    let bits = bits >> spare;
    out.extend_from_slice(&bits.to_be_bytes()[4 - (3 - padding)..]);
    Ok(())
}
