//! Content addresses: what a store path says of its own contents.

use std::fmt;
use std::str::FromStr;

use crate::hash::{Hash, HashAlgorithm, HashError};

/// How the contents of a store object become the bytes that are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentAddressMethod {
    /// The bytes of one file, with references: `toFile` and `.drv` files.
    Text,
    /// The bytes of one file.
    Flat,
    /// The NAR archive of a file or folder.
    NixArchive,
    /// The git object of a file or folder; the caller checks that the experimental feature
    /// `git-hashing` is on.
    Git,
}

impl ContentAddressMethod {
    /// What stands before the algorithm in `.drv` files.
    pub const fn prefix(self) -> &'static str {
        match self {
            ContentAddressMethod::Text => "text:",
            ContentAddressMethod::Flat => "",
            ContentAddressMethod::NixArchive => "r:",
            ContentAddressMethod::Git => "git:",
        }
    }

    /// The name, as in JSON and in `outputHashMode`.
    pub const fn name(self) -> &'static str {
        match self {
            ContentAddressMethod::Text => "text",
            ContentAddressMethod::Flat => "flat",
            ContentAddressMethod::NixArchive => "nar",
            ContentAddressMethod::Git => "git",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Result<Self, ContentAddressError> {
        match name {
            "text" => Ok(ContentAddressMethod::Text),
            "flat" => Ok(ContentAddressMethod::Flat),
            "nar" => Ok(ContentAddressMethod::NixArchive),
            "git" => Ok(ContentAddressMethod::Git),
            _ => Err(ContentAddressError::UnknownMethod(name.to_owned())),
        }
    }

    /// Take the method off the front of `r:sha256`; what has no prefix is flat.
    pub fn split_prefix(text: &str) -> (Self, &str) {
        for method in [
            ContentAddressMethod::NixArchive,
            ContentAddressMethod::Git,
            ContentAddressMethod::Text,
        ] {
            if let Some(rest) = text.strip_prefix(method.prefix()) {
                return (method, rest);
            }
        }
        (ContentAddressMethod::Flat, text)
    }
}

/// What can be wrong with a written content address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ContentAddressError {
    #[error("Unknown file ingestion method '{0}', expect `flat`, `nar`, or `git`")]
    UnknownMethod(String),
    #[error("not a content address because it is not in the form '<prefix>:<rest>': {0}")]
    NoPrefix(String),
    #[error("content address prefix '{0}' is unrecognized. Recogonized prefixes are 'text' or 'fixed'")]
    UnknownPrefix(String),
    #[error("content address hash must be in form '<algo>:<hash>', but found: {0}")]
    NoAlgorithm(String),
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// A method and the hash that it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentAddress {
    /// What was hashed.
    pub method: ContentAddressMethod,
    /// The hash of it.
    pub hash: Hash,
}

impl ContentAddress {
    /// `r:sha256` and the like: how `.drv` files write method and algorithm.
    pub fn method_and_algorithm(&self) -> String {
        format!("{}{}", self.method.prefix(), self.hash.algorithm())
    }
}

/// As the database has it: `fixed:r:sha256:<nix32>`.
impl fmt::Display for ContentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.method != ContentAddressMethod::Text {
            f.write_str("fixed:")?;
        }
        write!(
            f,
            "{}{}:{}",
            self.method.prefix(),
            self.hash.algorithm(),
            self.hash.to_nix32()
        )
    }
}

impl FromStr for ContentAddress {
    type Err = ContentAddressError;

    fn from_str(text: &str) -> Result<Self, ContentAddressError> {
        let (prefix, rest) = text
            .split_once(':')
            .ok_or_else(|| ContentAddressError::NoPrefix(text.to_owned()))?;
        let (method, rest) = match prefix {
            "text" => (ContentAddressMethod::Text, rest),
            "fixed" => match ContentAddressMethod::split_prefix(rest) {
                // `fixed:text:` does not exist: let the algorithm be reported.
                (ContentAddressMethod::Text, _) => (ContentAddressMethod::Flat, rest),
                split => split,
            },
            _ => return Err(ContentAddressError::UnknownPrefix(prefix.to_owned())),
        };
        let (algorithm, digits) = rest
            .split_once(':')
            .ok_or_else(|| ContentAddressError::NoAlgorithm(text.to_owned()))?;
        let algorithm: HashAlgorithm = algorithm.parse()?;
        Ok(ContentAddress {
            method,
            hash: Hash::parse_unprefixed(digits, algorithm)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let hash = Hash::sha256(b"");
        for (method, start) in [
            (ContentAddressMethod::Text, "text:sha256:0mdq"),
            (ContentAddressMethod::Flat, "fixed:sha256:0mdq"),
            (ContentAddressMethod::NixArchive, "fixed:r:sha256:0mdq"),
            (ContentAddressMethod::Git, "fixed:git:sha256:0mdq"),
        ] {
            let address = ContentAddress { method, hash };
            assert!(address.to_string().starts_with(start));
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn messages() {
        let message = |text: &str| text.parse::<ContentAddress>().unwrap_err().to_string();
        assert!(message("x").starts_with("not a content address because"));
        assert!(message("x:y").starts_with("content address prefix 'x' is unrecognized"));
        assert!(message("text:y").starts_with("content address hash must be in form"));
        assert!(message("fixed:text:sha256:y").starts_with("unknown hash algorithm 'text'"));
    }
}
