//! Resume tokens: a reader's place in the event feed, as opaque text.
//!
//! A token stands for the store's incarnation and one event number per partition. It carries a
//! checksum, so that a mangled one is told from a foreign one by nobody: both are unknown.

use sha2::{Digest, Sha256};

use crate::store::Identity;

/// The form's version; another one is unknown.
const FORM: u8 = 1;
const INCARNATION_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;

/// The tokens of one store.
pub(super) struct Tokens {
    /// What each of them begins with.
    start: [u8; 1 + INCARNATION_BYTES],
    partitions: u16,
}

impl Tokens {
    /// Those of this store and of no other.
    pub(super) fn of(identity: &Identity) -> Self {
        let digest = Sha256::digest(identity.incarnation.as_bytes());
        let mut start = [FORM; 1 + INCARNATION_BYTES];
        start[1..].copy_from_slice(&digest[..INCARNATION_BYTES]);
        Self { start, partitions: identity.partitions }
    }

    /// Writes the place after the given event of each partition.
    pub(super) fn write(&self, positions: &[u64]) -> String {
        let mut bytes = Vec::with_capacity(self.start.len() + 3 * positions.len());
        bytes.extend(self.start);
        for position in positions {
            write_varint(&mut bytes, *position);
        }
        let checksum = Sha256::digest(&bytes);
        bytes.extend(&checksum[..CHECKSUM_BYTES]);
        to_hexadecimal(&bytes)
    }

    /// Reads a token of this store; none for anything else.
    pub(super) fn read(&self, text: &str) -> Option<Vec<u64>> {
        let bytes = from_hexadecimal(text)?;
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
        if Sha256::digest(content)[..CHECKSUM_BYTES] != checksum[..] {
            return None;
        }
        let mut rest = content.strip_prefix(&self.start)?;
        let mut positions = Vec::with_capacity(usize::from(self.partitions));
        for _ in 0..self.partitions {
            positions.push(read_varint(&mut rest)?);
        }
        rest.is_empty().then_some(positions)
    }
}

fn write_varint(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [.., last] = number.to_be_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(last);
            return;
        }
        bytes.push(last | 0x80);
    }
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn to_hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
    text
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|each| each.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, odd) = digits.as_chunks::<2>();
    odd.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(incarnation: &str, partitions: u16) -> Tokens {
        let incarnation = incarnation.to_owned();
        Tokens::of(&Identity { incarnation, partitions, simulated_clock: false })
    }

    #[test]
    fn a_token_is_read_back_by_its_own_store_only() {
        let positions = vec![0, 1, 300, u64::MAX];
        let token = tokens("here", 4).write(&positions);
        assert_eq!(tokens("here", 4).read(&token), Some(positions));
        assert_eq!(tokens("there", 4).read(&token), None);
        assert_eq!(tokens("here", 5).read(&token), None);
    }

    #[test]
    fn a_mangled_token_is_unknown() {
        let here = tokens("here", 4);
        let token = here.write(&[1, 2, 3, 4]);
        for at in 0..token.len() {
            let mut mangled = token.clone().into_bytes();
            mangled[at] = if mangled[at] == b'0' { b'1' } else { b'0' };
            let mangled = String::from_utf8(mangled).unwrap();
            assert_eq!(here.read(&mangled), None, "digit {at}");
        }
        for text in ["", "0", "zz", "文", &token[..token.len() - 2]] {
            assert_eq!(here.read(text), None, "{text}");
        }
    }
}
