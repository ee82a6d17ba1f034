//! The fields of a stored message, one after the other as they lie in its bytes. What is read goes
//! straight into the model: messages in between, let go at once, took a tenth of the workers' time
//! among a million instances (`docs/performance.md`). Writing is left to prost. Knows no particular
//! message.

use prost::encoding::{WireType, decode_varint};

use super::Corrupt;

/// What a field holds, as far as its bytes tell.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wire<'a> {
    /// A number, in as many bytes as it needs.
    Varint(u64),
    /// A number in eight bytes.
    Fixed(u64),
    /// A text, a message, or a list of numbers.
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    /// A list or a message without anything in it.
    pub(super) const NOTHING: Self = Self::Bytes(&[]);

    #[inline]
    pub(super) fn number(self) -> Result<u64, Corrupt> {
        match self {
            Self::Varint(number) | Self::Fixed(number) => Ok(number),
            Self::Bytes(_) => Err(Corrupt::new("there are bytes where a number should be")),
        }
    }

    #[inline]
    pub(super) fn bytes(self) -> Result<&'a [u8], Corrupt> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed(_) => {
                Err(Corrupt::new("there is a number where bytes should be"))
            }
        }
    }

    pub(super) fn text(self) -> Result<&'a str, Corrupt> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Corrupt::new("it is no text"))
    }

    /// The number that a signed one was made of: small ones have few bytes, negative ones too.
    pub(super) fn signed(self) -> Result<i64, Corrupt> {
        self.number().map(unfold)
    }

    /// The fields of the message that this is.
    #[inline]
    pub(super) fn fields(self) -> Result<Fields<'a>, Corrupt> {
        self.bytes().map(|bytes| Fields(Rest { bytes, broken: false }))
    }

    /// The list of numbers that this is.
    pub(super) fn numbers(self) -> Result<Numbers<'a>, Corrupt> {
        self.bytes().map(|bytes| Numbers(Rest { bytes, broken: false }))
    }

    /// The list of numbers that this is, of eight bytes each.
    pub(super) fn fixed_numbers(self) -> Result<impl ExactSizeIterator<Item = u64>, Corrupt> {
        let (numbers, rest) = self.bytes()?.as_chunks();
        if !rest.is_empty() {
            return Err(breaks_off());
        }
        Ok(numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)))
    }
}

/// Signed numbers are kept as 0, -1, 1, -2, 2, …
fn unfold(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn breaks_off() -> Corrupt {
    Corrupt::new("it breaks off")
}

/// Bytes that are still to be read. Damage ends them, and is told at the end: most of what is read
/// are single bytes, and a refusal for each would cost more than they do.
#[derive(Debug)]
struct Rest<'a> {
    bytes: &'a [u8],
    broken: bool,
}

impl<'a> Rest<'a> {
    #[inline]
    fn varint(&mut self) -> Option<u64> {
        match self.bytes {
            [byte @ 0..0x80, rest @ ..] => {
                self.bytes = rest;
                Some(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Option<u64> {
        let number = decode_varint(&mut self.bytes).ok();
        self.unless_broken(number)
    }

    #[inline]
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let taken = usize::try_from(length).ok().and_then(|it| self.bytes.split_off(..it));
        self.unless_broken(taken)
    }

    #[inline]
    fn unless_broken<T>(&mut self, read: Option<T>) -> Option<T> {
        if read.is_none() {
            (self.bytes, self.broken) = (&[], true);
        }
        read
    }

    fn finish(&self) -> Result<(), Corrupt> {
        if self.broken { Err(breaks_off()) } else { Ok(()) }
    }
}

/// The fields of a message, each with its number. Whoever has read them calls [`Fields::finish`].
#[derive(Debug)]
pub(super) struct Fields<'a>(Rest<'a>);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Wire<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Self(rest) = self;
        if rest.bytes.is_empty() {
            return None;
        }
        let key = rest.varint()?;
        let content = match key & 0b111 {
            VARINT => rest.varint().map(Wire::Varint),
            LENGTH_DELIMITED => rest.varint().and_then(|it| rest.take(it)).map(Wire::Bytes),
            EIGHT_BYTES => rest.take(8).map(|bytes| {
                Wire::Fixed(u64::from_le_bytes(bytes.try_into().expect("eight were taken")))
            }),
            _ => rest.unless_broken(None),
        };
        let number = rest.unless_broken(u32::try_from(key >> 3).ok())?;
        Some((number, content?))
    }
}

const VARINT: u64 = WireType::Varint as u64;
const EIGHT_BYTES: u64 = WireType::SixtyFourBit as u64;
const LENGTH_DELIMITED: u64 = WireType::LengthDelimited as u64;

impl Fields<'_> {
    /// Refuses what could not be read to its end.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), Corrupt> {
        self.0.finish()
    }
}

/// A list of numbers. Whoever has read them calls [`Numbers::finish`].
#[derive(Debug)]
pub(super) struct Numbers<'a>(Rest<'a>);

impl Iterator for Numbers<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.bytes.is_empty() { None } else { self.0.varint() }
    }
}

impl Numbers<'_> {
    /// How many they are: each has one last byte.
    pub(super) fn count_ahead(&self) -> usize {
        self.0.bytes.iter().filter(|byte| **byte < 0x80).count()
    }

    /// Refuses what could not be read to its end.
    pub(super) fn finish(&self) -> Result<(), Corrupt> {
        self.0.finish()
    }

    /// The next one of those that were kept as the difference of each to the one before it, which
    /// is `sum`, and the next one afterwards.
    #[inline]
    pub(super) fn next_sum(&mut self, sum: &mut i64) -> Option<i64> {
        *sum = sum.wrapping_add(unfold(self.next()?));
        Some(*sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T>(result: Result<T, Corrupt>) -> String {
        result.err().expect("it is refused").to_string()
    }

    #[test]
    fn signed_numbers_unfold() {
        let folded = [0, 1, 2, 3, u64::MAX - 1, u64::MAX].map(unfold);
        assert_eq!(folded, [0, -1, 1, -2, i64::MAX, i64::MIN]);
    }

    #[test]
    fn what_breaks_off_is_told_at_its_end() {
        // Field 1: of a text of 5 bytes two are there, of a number of 8 bytes three.
        for cut in [&[0x08, 7, 0x0a, 5, b'a', b'b'][..], &[0x08, 7, 0x09, 1, 2, 3]] {
            let mut fields = Wire::Bytes(cut).fields().expect("bytes");
            assert!(matches!(fields.next(), Some((1, Wire::Varint(7)))));
            assert!(fields.finish().is_ok() && fields.next().is_none() && fields.next().is_none());
            assert_eq!(told(fields.finish()), "it breaks off");
        }
        let mut numbers = Wire::Bytes(&[7, 0xff]).numbers().expect("bytes");
        assert_eq!((numbers.next(), numbers.next(), numbers.next()), (Some(7), None, None));
        assert_eq!(told(numbers.finish()), "it breaks off");
        assert_eq!(told(Wire::Bytes(&[1; 9]).fixed_numbers().map(drop)), "it breaks off");
    }

    #[test]
    fn numbers_of_several_bytes_are_counted_and_added_up() {
        // 300, -1 and 1 as differences: 150, then 1 less, then 1 less and 2 more.
        let mut numbers = Wire::Bytes(&[0xac, 0x02, 1, 2]).numbers().expect("bytes");
        assert_eq!(numbers.count_ahead(), 3);
        let mut sum = 0;
        let sums: Vec<i64> = std::iter::from_fn(|| numbers.next_sum(&mut sum)).collect();
        assert_eq!((sums, numbers.finish()), (vec![150, 149, 150], Ok(())));
    }

    #[test]
    fn a_field_of_another_form_is_refused() {
        // Field 1, as a group and as four bytes.
        for form in [0x0b, 0x0d] {
            let bytes = [form, 0, 0, 0, 0];
            let mut fields = Wire::Bytes(&bytes).fields().expect("bytes");
            assert!(fields.next().is_none());
            assert_eq!(told(fields.finish()), "it breaks off");
        }
        assert!(told(Wire::Varint(3).text()).contains("a number where bytes"));
        assert!(told(Wire::Bytes(b"x").number()).contains("bytes where a number"));
        assert_eq!(told(Wire::Bytes(&[0xff]).text()), "it is no text");
    }
}
