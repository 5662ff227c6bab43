//! Reader and writer of the presentation language. SPEC §3.

use crate::error::Error;

/// Greatest length that a vector's prefix can state: 30 bits. [WIRE-02]
pub(crate) const VECTOR_MAX: usize = (1 << 30) - 1;

/// Takes fields off the front of a byte string. Never reads past its end, never allocates.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not yet taken.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Exactly `len` bytes.
    pub(crate) fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Error> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(Error::Malformed { field })?;
        self.rest = tail;
        Ok(head)
    }

    /// `opaque field[N]`.
    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], Error> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(Error::Malformed { field })?;
        self.rest = tail;
        Ok(head)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Error> {
        self.array::<1>(field).map(|&[byte]| byte)
    }

    /// Big-endian, two bytes. [WIRE-01]
    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, Error> {
        self.array(field).map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, Error> {
        self.array(field).map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, Error> {
        self.array(field).map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// The length prefix of a vector `<V>`, in its shortest form only. [WIRE-02] [WIRE-03]
    pub(crate) fn length(&mut self, field: &'static str) -> Result<usize, Error> {
        let first = self.u8(field)?;
        let high = u32::from(first & 0x3f);
        let (value, shortest) = match first >> 6 {
            0 => (high, 0),
            1 => ((high << 8) | u32::from(self.u8(field)?), 1 << 6),
            2 => {
                let [a, b, c] = *self.array::<3>(field)?;
                (u32::from_be_bytes([first & 0x3f, a, b, c]), 1 << 14)
            }
            _ => return Err(Error::Malformed { field }),
        };
        if value < shortest {
            return Err(Error::Malformed { field });
        }
        usize::try_from(value).map_err(|_| Error::Malformed { field })
    }

    /// `opaque field<V>`: a vector's bytes.
    pub(crate) fn vector(&mut self, field: &'static str) -> Result<&'a [u8], Error> {
        let len = self.length(field)?;
        self.take(len, field)
    }

    /// Refuses trailing bytes. [WIRE-04]
    pub(crate) const fn finish(&self, field: &'static str) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Malformed { field }) }
    }
}

/// Bytes that the length prefix of a vector of `len` bytes takes: 1, 2 or 4. [WIRE-02]
pub(crate) const fn length_len(len: usize) -> usize {
    if len < 1 << 6 {
        1
    } else if len < 1 << 14 {
        2
    } else {
        4
    }
}

/// The length prefix of a vector of `len` bytes, and how many of the four bytes it takes.
///
/// A caller keeps `len` at most [`VECTOR_MAX`].
pub(crate) fn encode_length(len: usize) -> ([u8; 4], usize) {
    let value = u32::try_from(len.min(VECTOR_MAX)).unwrap_or(u32::MAX);
    let [a, b, c, d] = value.to_be_bytes();
    match length_len(len) {
        1 => ([d, 0, 0, 0], 1),
        2 => ([c | 0x40, d, 0, 0], 2),
        _ => ([a | 0x80, b, c, d], 4),
    }
}

/// Appends the length prefix of a vector of `len` bytes.
#[cfg(feature = "alloc")]
pub(crate) fn push_length(out: &mut alloc::vec::Vec<u8>, len: usize) {
    let (bytes, used) = encode_length(len);
    out.extend_from_slice(bytes.get(..used).unwrap_or_default());
}

/// Puts fields into a caller's buffer, from the front.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Bytes written so far.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The next `len` bytes of the buffer, to be filled by the caller.
    pub(crate) fn reserve(&mut self, len: usize) -> Result<&mut [u8], Error> {
        let needed = self.len.saturating_add(len);
        let place = self.buffer.get_mut(self.len..needed).ok_or(Error::Buffer { needed })?;
        self.len = needed;
        Ok(place)
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.reserve(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn u8(&mut self, value: u8) -> Result<(), Error> {
        self.put(&[value])
    }

    pub(crate) fn length(&mut self, len: usize) -> Result<(), Error> {
        let (bytes, used) = encode_length(len);
        self.put(bytes.get(..used).unwrap_or(&[]))
    }

    pub(crate) fn vector(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.length(bytes.len())?;
        self.put(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_their_shortest_form() {
        for len in [0, 1, 63, 64, 16_383, 16_384, VECTOR_MAX] {
            let (bytes, used) = encode_length(len);
            assert_eq!(used, length_len(len));
            let mut reader = Reader::new(&bytes[..used]);
            assert_eq!(reader.length("x"), Ok(len));
            assert_eq!(reader.remaining(), 0);
        }
    }

    /// [WIRE-03] a longer form than needed, and the reserved prefix, are refused.
    #[test]
    fn other_forms_are_refused() {
        for bytes in
            [&[0x40, 0x3f][..], &[0x80, 0, 0x3f, 0xff], &[0x80, 0, 0, 0], &[0xc0], &[0xff; 8], &[0x40], &[0x80, 1]]
        {
            assert_eq!(Reader::new(bytes).length("x"), Err(Error::Malformed { field: "x" }));
        }
    }
}
