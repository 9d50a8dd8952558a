//! The tokens of an archive: strings with their length before and zeros behind, up to a multiple of eight.

use std::io::{self, Read};

use super::NarError;
use crate::io_error::IoError;

/// The first token.
pub(crate) const MAGIC: &[u8] = b"nix-archive-1";

/// How many zeros follow `len` bytes.
pub(crate) const fn padding(len: u64) -> usize {
    ((8 - len % 8) % 8) as usize
}

/// Write a string to the end of `out`.
pub(crate) fn put(out: &mut Vec<u8>, text: &[u8]) {
    let len = text.len() as u64;
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(text);
    out.extend_from_slice(&[0; 8][..padding(len)]);
}

/// Fill `buffer`.
pub(crate) fn read_exact(source: &mut impl Read, buffer: &mut [u8]) -> Result<(), NarError> {
    source.read_exact(buffer).map_err(read_error)
}

pub(crate) fn read_error(error: io::Error) -> NarError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => NarError::UnexpectedEnd,
        _ => IoError::during("reading archive", error).into(),
    }
}

/// Read a number.
pub(crate) fn read_number(source: &mut impl Read) -> Result<u64, NarError> {
    let mut bytes = [0; 8];
    read_exact(source, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Read a string of at most `max` bytes into `buffer`.
pub(crate) fn read_string(source: &mut impl Read, max: usize, buffer: &mut Vec<u8>) -> Result<(), NarError> {
    let len = read_number(source)?;
    if len > max as u64 {
        return Err(NarError::StringTooLong);
    }
    buffer.clear();
    buffer.resize(len as usize, 0);
    read_exact(source, buffer)?;
    read_padding(source, len)
}

/// Read the zeros that follow `len` bytes.
pub(crate) fn read_padding(source: &mut impl Read, len: u64) -> Result<(), NarError> {
    let mut zeros = [0; 8];
    let zeros = &mut zeros[..padding(len)];
    read_exact(source, zeros)?;
    if zeros.iter().any(|&byte| byte != 0) {
        return Err(NarError::NonZeroPadding);
    }
    Ok(())
}
