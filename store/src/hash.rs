//! Hashes: the algorithms, computing them over bytes and streams, and every way of writing them.

use std::fmt;
use std::io;
use std::str::FromStr;

use sha2::Digest as _;

use crate::base32;

/// The algorithms that the language and the store know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// 128 bits, broken; old fixed-output derivations have it.
    Md5,
    /// 160 bits, broken; git has it.
    Sha1,
    /// 256 bits; what the store itself uses.
    Sha256,
    /// 512 bits.
    Sha512,
    /// 256 bits; the caller checks that the experimental feature `blake3-hashes` is on.
    Blake3,
}

impl HashAlgorithm {
    /// How many bytes a hash has.
    pub const fn size(self) -> usize {
        match self {
            HashAlgorithm::Md5 => 16,
            HashAlgorithm::Sha1 => 20,
            HashAlgorithm::Sha256 | HashAlgorithm::Blake3 => 32,
            HashAlgorithm::Sha512 => 64,
        }
    }

    /// The name, as in `sha256:…`.
    pub const fn name(self) -> &'static str {
        match self {
            HashAlgorithm::Md5 => "md5",
            HashAlgorithm::Sha1 => "sha1",
            HashAlgorithm::Sha256 => "sha256",
            HashAlgorithm::Sha512 => "sha512",
            HashAlgorithm::Blake3 => "blake3",
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HashAlgorithm {
    type Err = HashError;

    fn from_str(name: &str) -> Result<Self, HashError> {
        match name {
            "md5" => Ok(HashAlgorithm::Md5),
            "sha1" => Ok(HashAlgorithm::Sha1),
            "sha256" => Ok(HashAlgorithm::Sha256),
            "sha512" => Ok(HashAlgorithm::Sha512),
            "blake3" => Ok(HashAlgorithm::Blake3),
            _ => Err(HashError::UnknownAlgorithm(name.to_owned())),
        }
    }
}

/// The ways of writing a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashFormat {
    /// Hexadecimal.
    Base16,
    /// The digits of [`base32`].
    Nix32,
    /// Base64 with padding.
    Base64,
    /// `sha256-<base64>`, as in subresource integrity attributes.
    Sri,
}

impl HashFormat {
    /// The format of that name. The old name `base32` of nix32 is accepted; the reference warns of it:
    /// [`HashFormat::is_deprecated_name`].
    pub fn from_name(name: &str) -> Result<Self, HashError> {
        match name {
            "base16" => Ok(HashFormat::Base16),
            "nix32" | "base32" => Ok(HashFormat::Nix32),
            "base64" => Ok(HashFormat::Base64),
            "sri" => Ok(HashFormat::Sri),
            _ => Err(HashError::UnknownFormat(name.to_owned())),
        }
    }

    /// Whether `name` is an alias that should not be used any more.
    pub fn is_deprecated_name(name: &str) -> bool {
        name == "base32"
    }

    /// How error messages call the encoding.
    const fn display_name(self) -> &'static str {
        match self {
            HashFormat::Base16 => "base16",
            HashFormat::Nix32 => "nix32",
            HashFormat::Base64 => "Base64",
            HashFormat::Sri => "SRI",
        }
    }
}

/// What can be wrong with a written hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum HashError {
    #[error("unknown hash algorithm '{0}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'")]
    UnknownAlgorithm(String),
    #[error("unknown hash format '{0}', expect 'base16', 'base32', 'base64', or 'sri'")]
    UnknownFormat(String),
    #[error("hash '{hash}' has wrong length for hash algorithm '{algorithm}'")]
    WrongLength { hash: String, algorithm: HashAlgorithm },
    #[error("invalid {encoding} hash '{hash}', length {actual} != expected length {expected}")]
    Invalid {
        encoding: &'static str,
        hash: String,
        actual: usize,
        expected: usize,
    },
    #[error("hash '{0}' is not SRI")]
    NotSri(String),
    #[error("hash '{0}' does not include a type")]
    NoAlgorithm(String),
    #[error("hash '{0}' does not include a type, nor is the type otherwise known from context")]
    AlgorithmUnknown(String),
    #[error("hash '{hash}' should have type '{expected}'")]
    OtherAlgorithm { hash: String, expected: HashAlgorithm },
    #[error("empty hash requires explicit hash algorithm")]
    EmptyWithoutAlgorithm,
}

/// The text of a hash in base16.
pub struct Base16 {
    digits: [u8; 128],
    len: usize,
}

impl std::ops::Deref for Base16 {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.len]).unwrap_or_default()
    }
}

/// A hash together with its algorithm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash {
    algorithm: HashAlgorithm,
    /// Zero beyond the size of the algorithm, so that comparison needs no length.
    bytes: [u8; 64],
}

impl Hash {
    /// The hash of which every byte is zero: what an empty `outputHash` stands for.
    pub const fn zero(algorithm: HashAlgorithm) -> Self {
        Hash {
            algorithm,
            bytes: [0; 64],
        }
    }

    /// The hash of those bytes, if there are as many as the algorithm has.
    pub fn from_bytes(algorithm: HashAlgorithm, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == algorithm.size()).then(|| Self::from_exact(algorithm, bytes))
    }

    fn from_exact(algorithm: HashAlgorithm, bytes: &[u8]) -> Self {
        let mut hash = Self::zero(algorithm);
        hash.bytes[..bytes.len()].copy_from_slice(bytes);
        hash
    }

    /// Hash `data`.
    pub fn of(algorithm: HashAlgorithm, data: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(data);
        hasher.finish()
    }

    /// Hash `data` with sha256.
    pub fn sha256(data: &[u8]) -> Self {
        Self::of(HashAlgorithm::Sha256, data)
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// The 20 bytes that stay when all are folded on one another: what a store path is made of.
    pub fn fold20(&self) -> [u8; 20] {
        let mut folded = [0; 20];
        for (i, byte) in self.as_bytes().iter().enumerate() {
            folded[i % 20] ^= byte;
        }
        folded
    }

    /// [`Hash::fold20`] in that format.
    pub fn fold20_to_format(&self, format: HashFormat) -> String {
        let folded = self.fold20();
        match format {
            HashFormat::Base16 => data_encoding::HEXLOWER.encode(&folded),
            HashFormat::Nix32 => base32::encode(&folded),
            HashFormat::Base64 => data_encoding::BASE64.encode(&folded),
            HashFormat::Sri => format!("{}-{}", self.algorithm, data_encoding::BASE64.encode(&folded)),
        }
    }

    /// In base16, without taking memory.
    pub fn base16(&self) -> Base16 {
        let mut digits = [0; 128];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.as_bytes()) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        Base16 {
            digits,
            len: 2 * self.algorithm.size(),
        }
    }

    /// Hexadecimal, without the algorithm.
    pub fn to_base16(&self) -> String {
        data_encoding::HEXLOWER.encode(self.as_bytes())
    }

    /// nix32, without the algorithm.
    pub fn to_nix32(&self) -> String {
        base32::encode(self.as_bytes())
    }

    /// Base64, without the algorithm.
    pub fn to_base64(&self) -> String {
        data_encoding::BASE64.encode(self.as_bytes())
    }

    /// `sha256-<base64>`.
    pub fn to_sri(&self) -> String {
        format!("{}-{}", self.algorithm, self.to_base64())
    }

    /// The digits in that format, without the algorithm (but for SRI, which always has it).
    pub fn to_format(&self, format: HashFormat) -> String {
        match format {
            HashFormat::Base16 => self.to_base16(),
            HashFormat::Nix32 => self.to_nix32(),
            HashFormat::Base64 => self.to_base64(),
            HashFormat::Sri => self.to_sri(),
        }
    }

    /// As [`Hash::to_format`] with `sha256:` before the digits.
    pub fn to_prefixed(&self, format: HashFormat) -> String {
        match format {
            HashFormat::Sri => self.to_sri(),
            _ => format!("{}:{}", self.algorithm, self.to_format(format)),
        }
    }

    /// Parse `sha256-<base64>` and nothing else.
    pub fn parse_sri(text: &str) -> Result<Self, HashError> {
        let (algorithm, digits) = text
            .split_once('-')
            .ok_or_else(|| HashError::NotSri(text.to_owned()))?;
        Self::parse_digits(digits, algorithm.parse()?, HashFormat::Sri)
    }

    /// Parse a hash in any format; `algorithm` is what the context says of it.
    pub fn parse_any(text: &str, algorithm: Option<HashAlgorithm>) -> Result<Self, HashError> {
        Self::parse_any_with_format(text, algorithm).map(|(hash, _)| hash)
    }

    /// As [`Hash::parse_any`], and say which format it was.
    pub fn parse_any_with_format(
        text: &str,
        algorithm: Option<HashAlgorithm>,
    ) -> Result<(Self, HashFormat), HashError> {
        let (written, digits, sri) = Self::split_prefix(text)?;
        let algorithm = match (written, algorithm) {
            (Some(written), Some(expected)) if written != expected => {
                return Err(HashError::OtherAlgorithm {
                    hash: text.to_owned(),
                    expected,
                });
            }
            (Some(algorithm), _) | (None, Some(algorithm)) => algorithm,
            (None, None) => return Err(HashError::AlgorithmUnknown(text.to_owned())),
        };
        let format = if sri {
            HashFormat::Sri
        } else {
            Self::format_by_length(digits, algorithm)?
        };
        Ok((Self::parse_digits(digits, algorithm, format)?, format))
    }

    /// Parse a hash that must name its algorithm.
    pub fn parse_prefixed(text: &str) -> Result<Self, HashError> {
        let (written, digits, sri) = Self::split_prefix(text)?;
        let algorithm = written.ok_or_else(|| HashError::NoAlgorithm(text.to_owned()))?;
        let format = if sri {
            HashFormat::Sri
        } else {
            Self::format_by_length(digits, algorithm)?
        };
        Self::parse_digits(digits, algorithm, format)
    }

    /// Parse digits without a prefix; their number tells the format.
    pub fn parse_unprefixed(digits: &str, algorithm: HashAlgorithm) -> Result<Self, HashError> {
        Self::parse_digits(digits, algorithm, Self::format_by_length(digits, algorithm)?)
    }

    /// As [`Hash::parse_any`]; the empty string stands for [`Hash::zero`] (the caller warns of it).
    pub fn parse_allow_empty(text: &str, algorithm: Option<HashAlgorithm>) -> Result<Self, HashError> {
        if text.is_empty() {
            return algorithm.map(Self::zero).ok_or(HashError::EmptyWithoutAlgorithm);
        }
        Self::parse_any(text, algorithm)
    }

    /// Take `sha256:` or `sha256-` off; the latter means that the rest is base64.
    fn split_prefix(text: &str) -> Result<(Option<HashAlgorithm>, &str, bool), HashError> {
        if let Some((algorithm, digits)) = text.split_once(':') {
            Ok((Some(algorithm.parse()?), digits, false))
        } else if let Some((algorithm, digits)) = text.split_once('-') {
            Ok((Some(algorithm.parse()?), digits, true))
        } else {
            Ok((None, text, false))
        }
    }

    fn format_by_length(digits: &str, algorithm: HashAlgorithm) -> Result<HashFormat, HashError> {
        let (size, length) = (algorithm.size(), digits.len());
        if length == size * 2 {
            Ok(HashFormat::Base16)
        } else if length == base32::encoded_len(size) {
            Ok(HashFormat::Nix32)
        } else if length == size.div_ceil(3) * 4 {
            Ok(HashFormat::Base64)
        } else {
            Err(HashError::WrongLength {
                hash: digits.to_owned(),
                algorithm,
            })
        }
    }

    fn parse_digits(digits: &str, algorithm: HashAlgorithm, format: HashFormat) -> Result<Self, HashError> {
        // The reference reports digits that it cannot decode as a hash of no bytes.
        let bytes = match format {
            HashFormat::Base16 => data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok(),
            HashFormat::Nix32 => base32::decode(digits.as_bytes()),
            HashFormat::Base64 | HashFormat::Sri => decode_base64(digits.as_bytes()),
        }
        .unwrap_or_default();
        Self::from_bytes(algorithm, &bytes).ok_or_else(|| HashError::Invalid {
            encoding: format.display_name(),
            hash: digits.to_owned(),
            actual: bytes.len(),
            expected: algorithm.size(),
        })
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.to_base16())
    }
}

/// Base64 as the reference reads it: padding may be missing, line feeds are skipped, and left-over bits
/// are not looked at.
fn decode_base64(digits: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    let (mut buffer, mut bits) = (0u32, 0);
    for &byte in digits {
        let digit = match byte {
            b'=' => break,
            b'\n' => continue,
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits) as u8);
        }
    }
    Some(out)
}

/// Hashes a stream, and counts its bytes.
#[derive(Clone, Debug)]
pub struct Hasher {
    state: State,
    count: u64,
}

#[derive(Clone, Debug)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// A hasher that has seen nothing yet.
    pub fn new(algorithm: HashAlgorithm) -> Self {
        let state = match algorithm {
            HashAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            HashAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            HashAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            HashAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            HashAlgorithm::Blake3 => State::Blake3(Box::new(blake3::Hasher::new())),
        };
        Hasher { state, count: 0 }
    }

    /// A hasher for sha256.
    pub fn sha256() -> Self {
        Self::new(HashAlgorithm::Sha256)
    }

    /// Take in more data.
    pub fn update(&mut self, data: &[u8]) {
        self.count += data.len() as u64;
        match &mut self.state {
            State::Md5(state) => state.update(data),
            State::Sha1(state) => state.update(data),
            State::Sha256(state) => state.update(data),
            State::Sha512(state) => state.update(data),
            State::Blake3(state) => {
                state.update(data);
            }
        }
    }

    /// How many bytes were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The hash of all data.
    pub fn finish(self) -> Hash {
        match self.state {
            State::Md5(state) => Hash::from_exact(HashAlgorithm::Md5, &state.finalize()),
            State::Sha1(state) => Hash::from_exact(HashAlgorithm::Sha1, &state.finalize()),
            State::Sha256(state) => Hash::from_exact(HashAlgorithm::Sha256, &state.finalize()),
            State::Sha512(state) => Hash::from_exact(HashAlgorithm::Sha512, &state.finalize()),
            State::Blake3(state) => Hash::from_exact(HashAlgorithm::Blake3, state.finalize().as_bytes()),
        }
    }
}

impl io::Write for Hasher {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn message(text: &str, algorithm: Option<HashAlgorithm>) -> String {
        Hash::parse_any(text, algorithm).unwrap_err().to_string()
    }

    #[test]
    fn known_hashes() {
        let of = |algorithm| Hash::of(algorithm, b"").to_base16();
        assert_eq!(of(HashAlgorithm::Md5), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(
            of(HashAlgorithm::Sha1),
            "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        );
        assert_eq!(of(HashAlgorithm::Sha256), EMPTY);
        assert!(of(HashAlgorithm::Sha512).starts_with("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc"));
        assert!(of(HashAlgorithm::Blake3).starts_with("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7"));
    }

    #[test]
    fn all_formats_round_trip() {
        let empty = Hash::sha256(b"");
        assert_eq!(
            empty.to_nix32(),
            "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
        );
        assert_eq!(
            empty.to_sri(),
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
        for algorithm in [
            HashAlgorithm::Md5,
            HashAlgorithm::Sha1,
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha512,
        ] {
            let hash = Hash::of(algorithm, b"x");
            for format in [
                HashFormat::Base16,
                HashFormat::Nix32,
                HashFormat::Base64,
                HashFormat::Sri,
            ] {
                let prefixed = hash.to_prefixed(format);
                assert_eq!(Hash::parse_any_with_format(&prefixed, None), Ok((hash, format)));
                assert_eq!(Hash::parse_prefixed(&prefixed), Ok(hash));
                assert_eq!(
                    Hash::parse_any(&hash.to_format(format), Some(algorithm)),
                    Ok(hash)
                );
            }
        }
        assert_eq!(
            Hash::parse_any(&EMPTY.to_uppercase(), Some(HashAlgorithm::Sha256)),
            Ok(empty)
        );
        assert_eq!(
            Hash::parse_sri("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"),
            Ok(empty)
        );
    }

    #[test]
    fn messages_are_those_of_the_reference() {
        let long = "z".repeat(52);
        assert_eq!(
            message("sha256-AAA", None),
            "invalid SRI hash 'AAA', length 2 != expected length 32"
        );
        assert_eq!(
            message("sha256:AAA", None),
            "hash 'AAA' has wrong length for hash algorithm 'sha256'"
        );
        assert_eq!(
            message(&format!("sha256:{long}"), None),
            format!("invalid nix32 hash '{long}', length 33 != expected length 32")
        );
        let bad = format!("{}!", "0".repeat(63));
        assert_eq!(
            message(&bad, Some(HashAlgorithm::Sha256)),
            format!("invalid base16 hash '{bad}', length 0 != expected length 32")
        );
        assert_eq!(
            message("zz", None),
            "hash 'zz' does not include a type, nor is the type otherwise known from context"
        );
        assert_eq!(
            message("x:zz", None),
            "unknown hash algorithm 'x', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'"
        );
        assert_eq!(
            message(&format!("sha256:{EMPTY}"), Some(HashAlgorithm::Sha1)),
            format!("hash 'sha256:{EMPTY}' should have type 'sha1'")
        );
        assert_eq!(
            Hash::parse_sri("x").unwrap_err().to_string(),
            "hash 'x' is not SRI"
        );
        assert_eq!(
            Hash::parse_prefixed("x").unwrap_err().to_string(),
            "hash 'x' does not include a type"
        );
        assert_eq!(
            Hash::parse_allow_empty("", None).unwrap_err().to_string(),
            "empty hash requires explicit hash algorithm"
        );
    }

    #[test]
    fn folding_covers_all_bytes() {
        let hash = Hash::parse_any(
            "fe50c26088fb1e2ba70dc3de7815d4b7fe5c6f8a83fb6464fb3da70023809016",
            Some(HashAlgorithm::Sha256),
        )
        .unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&hash.fold20()),
            "7daba60473c6b92b848d53c87815d4b7fe5c6f8a"
        );
    }
}
