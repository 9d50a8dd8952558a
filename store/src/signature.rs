//! Keys and signatures: who vouches for a path.
//!
//! A key has a name, so that it is known which one to check a signature by. What is signed is the fingerprint of
//! a path: its name, the hash and size of its archive, and its references.

use std::fmt;

use data_encoding::BASE64;
use ed25519_dalek::{Signature as RawSignature, Signer, SigningKey, Verifier, VerifyingKey};

use crate::hash::HashFormat;
use crate::path::StoreDir;
use crate::path_info::PathInfo;

/// What can be wrong with a written key or signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SignatureError {
    #[error("{0} is corrupt")]
    Corrupt(&'static str),
    #[error("secret key is not valid")]
    SecretKey,
    #[error("public key is not valid")]
    PublicKey,
    #[error("no random numbers: {0}")]
    Random(String),
}

/// `name:base64`
fn split(text: &str, what: &'static str) -> Result<(String, Vec<u8>), SignatureError> {
    let corrupt = || SignatureError::Corrupt(what);
    let (name, data) = text.trim_end().split_once(':').ok_or_else(corrupt)?;
    let data = BASE64.decode(data.as_bytes()).map_err(|_| corrupt())?;
    match name.is_empty() || data.is_empty() {
        true => Err(corrupt()),
        false => Ok((name.to_owned(), data)),
    }
}

/// A key to sign with.
pub struct SecretKey {
    name: String,
    key: SigningKey,
}

impl SecretKey {
    /// A new key of that name.
    pub fn generate(name: &str) -> Result<Self, SignatureError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| SignatureError::Random(error.to_string()))?;
        Ok(SecretKey {
            name: name.to_owned(),
            key: SigningKey::from_bytes(&seed),
        })
    }

    /// Reads what [`SecretKey::to_text`] gives.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let (name, data) = split(text, "key")?;
        let pair: [u8; 64] = data.try_into().map_err(|_| SignatureError::SecretKey)?;
        let key = SigningKey::from_keypair_bytes(&pair).map_err(|_| SignatureError::SecretKey)?;
        Ok(SecretKey { name, key })
    }

    /// The key as text, which is to be kept secret.
    pub fn to_text(&self) -> String {
        format!("{}:{}", self.name, BASE64.encode(&self.key.to_keypair_bytes()))
    }

    /// The key to check signatures by.
    pub fn public(&self) -> PublicKey {
        PublicKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// The signature of data, `name:base64`.
    pub fn sign(&self, data: &[u8]) -> String {
        format!("{}:{}", self.name, BASE64.encode(&self.key.sign(data).to_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.name)
    }
}

/// A key to check signatures by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    key: VerifyingKey,
}

impl PublicKey {
    /// Reads `name:base64`.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let (name, data) = split(text, "key")?;
        let data: [u8; 32] = data.try_into().map_err(|_| SignatureError::PublicKey)?;
        let key = VerifyingKey::from_bytes(&data).map_err(|_| SignatureError::PublicKey)?;
        Ok(PublicKey { name, key })
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a signature `name:base64` of data is by this key.
    pub fn verify(&self, data: &[u8], signature: &str) -> bool {
        let Ok((name, bytes)) = split(signature, "signature") else {
            return false;
        };
        let Ok(bytes) = <[u8; 64]>::try_from(bytes) else {
            return false;
        };
        let signature = RawSignature::from_bytes(&bytes);
        name == self.name && self.key.verify(data, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, BASE64.encode(self.key.as_bytes()))
    }
}

/// What is signed of a path.
pub fn fingerprint(store: &StoreDir, info: &PathInfo) -> String {
    let references: Vec<String> = info.references.iter().map(|path| store.print(path)).collect();
    format!(
        "1;{};{};{};{}",
        store.print(&info.path),
        info.nar_hash.to_prefixed(HashFormat::Nix32),
        info.nar_size,
        references.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the reference.
    const SECRET: &str =
        "test-1:s3zYIiMoB63qFIOK/riVKLQN8WuKLWEgXL+f99/ZSBv72hNYaIwYFP5l8qtfRYUfguXRLZK/qIBO4oI53orqpQ==";
    const PUBLIC: &str = "test-1:+9oTWGiMGBT+ZfKrX0WFH4Ll0S2Sv6iATuKCOd6K6qU=";
    const SIGNATURE: &str =
        "test-1:INQQPBo34XaqUYb70LxnUS7qdXuR7MxnVCzGO1YNCQrLeUFbya4JUl2Tb5ZVNRb33S9s9nytaPzzynBtti9VDg==";
    const SIGNED: &str = "1;/nix/store/ab3li50xq0nl4q5lxdyinb8w8y13my9s-f;sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h;120;";

    #[test]
    fn keys_and_signatures_of_the_reference_are_understood() {
        let secret = SecretKey::parse(SECRET).unwrap();
        assert_eq!(secret.to_text(), SECRET);
        assert_eq!(secret.public().to_string(), PUBLIC);
        assert_eq!(secret.sign(SIGNED.as_bytes()), SIGNATURE);
        let public = PublicKey::parse(PUBLIC).unwrap();
        assert!(public.verify(SIGNED.as_bytes(), SIGNATURE));
        assert!(!public.verify(b"other", SIGNATURE));
        assert!(!public.verify(SIGNED.as_bytes(), &SIGNATURE.replace("test", "other")));
    }

    #[test]
    fn bad_keys_are_refused() {
        let corrupt = Some(SignatureError::Corrupt("key"));
        for text in ["", "x", ":AAAA", "x:", "x:!"] {
            assert_eq!(PublicKey::parse(text).err(), corrupt, "{text}");
            assert_eq!(SecretKey::parse(text).err(), corrupt, "{text}");
        }
        assert_eq!(PublicKey::parse("x:AAAA").err(), Some(SignatureError::PublicKey));
        assert_eq!(SecretKey::parse("x:AAAA").err(), Some(SignatureError::SecretKey));
    }

    #[test]
    fn new_keys_sign() {
        let key = SecretKey::generate("k").unwrap();
        let again = SecretKey::parse(&key.to_text()).unwrap();
        assert!(again.public().verify(b"data", &key.sign(b"data")));
        assert_ne!(SecretKey::generate("k").unwrap().to_text(), key.to_text());
    }
}
