//! Store paths: the names of store objects, and how names are made from hashes.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

use crate::base32;
use crate::content_address::{ContentAddress, ContentAddressMethod};
use crate::hash::{Hash, HashAlgorithm, Hasher};

/// How many digits the hash part of a store path has.
pub const HASH_PART_LEN: usize = 32;

/// The greatest length of the name of a store path.
pub const MAX_NAME_LEN: usize = 211;

/// The ending of the names of derivations.
pub const DRV_EXTENSION: &str = ".drv";

/// What can be wrong with a store path or a name for one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum PathError {
    #[error("name must not be empty")]
    EmptyName,
    #[error("name '{0}' must be no longer than 211 characters")]
    NameTooLong(String),
    #[error("name '{0}' is not valid")]
    InvalidName(String),
    #[error("name '{name}' is not valid: first dash-separated component must not be '{component}'")]
    DotComponent { name: String, component: &'static str },
    #[error("name '{name}' contains illegal character '{character}'")]
    IllegalCharacter { name: String, character: String },
    #[error("path '{path}' is not a valid store path: {source}")]
    InvalidPath { path: String, source: Box<PathError> },
    #[error("'{0}' is too short to be a valid store path")]
    TooShort(String),
    #[error("store path '{path}' contains illegal base-32 character '{character}'")]
    IllegalDigit { path: String, character: String },
    #[error("not an absolute path: \"{0}\"")]
    NotAbsolute(String),
    #[error("path \"{0}\" is not in the Nix store")]
    NotInStore(String),
    #[error("path '{0}' is not in the Nix store")]
    OutsideStore(String),
    #[error("store path '{0}' is not a valid derivation path")]
    NotADerivation(String),
    #[error(
        "fixed output derivation '{0}' is not allowed to refer to other store paths.\nYou may need to use the 'unsafeDiscardReferences' derivation attribute, see the manual for more details."
    )]
    ReferencesNotAllowed(String),
    #[error("Git file ingestion must use SHA-1 or SHA-256 hash, but instead using: {0}")]
    GitAlgorithm(HashAlgorithm),
    #[error("text hashing must use SHA-256, but instead using: {0}")]
    TextAlgorithm(HashAlgorithm),
    #[error("self-reference not allowed with text hashing")]
    TextSelfReference,
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The character that starts at `index`, for an error message.
fn character_at(bytes: &[u8], index: usize) -> String {
    lossy(&bytes[index..])
        .chars()
        .next()
        .map(String::from)
        .unwrap_or_default()
}

/// Check that a store object may have that name.
pub fn check_name(name: &[u8]) -> Result<(), PathError> {
    if name.is_empty() {
        return Err(PathError::EmptyName);
    }
    if name.len() > MAX_NAME_LEN {
        return Err(PathError::NameTooLong(lossy(name)));
    }
    for component in [".", ".."] {
        if let Some(rest) = name.strip_prefix(component.as_bytes()) {
            match rest.first() {
                None => return Err(PathError::InvalidName(lossy(name))),
                Some(b'-') => {
                    return Err(PathError::DotComponent {
                        name: lossy(name),
                        component,
                    });
                }
                Some(_) => {}
            }
        }
    }
    match name.iter().position(|&byte| !is_name_byte(byte)) {
        None => Ok(()),
        Some(index) => Err(PathError::IllegalCharacter {
            name: lossy(name),
            character: character_at(name, index),
        }),
    }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_' | b'?' | b'=')
}

/// The base name of a store object: 32 digits of nix32, a dash and a name.
///
/// Cheap to clone. Ordered as the base names are, which is the order of paths in `.drv` files and in
/// everything hashed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorePath(Arc<str>);

impl StorePath {
    /// Check a base name.
    pub fn from_base_name(base: impl AsRef<[u8]>) -> Result<Self, PathError> {
        let base = base.as_ref();
        if base.len() < HASH_PART_LEN + 1 {
            return Err(PathError::TooShort(lossy(base)));
        }
        let (digits, rest) = base.split_at(HASH_PART_LEN);
        if let Some(index) = digits.iter().position(|&byte| !base32::is_digit(byte)) {
            return Err(PathError::IllegalDigit {
                path: lossy(base),
                character: character_at(base, index),
            });
        }
        check_path_name(base, &rest[1..])?;
        // The name is ASCII by now; the byte between is a dash in all that the store writes.
        match std::str::from_utf8(base) {
            Ok(base) if rest[0] == b'-' => Ok(StorePath(base.into())),
            _ => Err(PathError::InvalidPath {
                path: lossy(base),
                source: Box::new(PathError::InvalidName(lossy(rest))),
            }),
        }
    }

    /// The path of that hash and name.
    pub fn from_digest(digest: &[u8; 20], name: &str) -> Result<Self, PathError> {
        let mut text = [0; HASH_PART_LEN + 1 + MAX_NAME_LEN];
        base32::encode_into(digest, &mut text[..HASH_PART_LEN]);
        text[HASH_PART_LEN] = b'-';
        let Some(room) = text[HASH_PART_LEN + 1..].get_mut(..name.len()) else {
            let base = [&text[..=HASH_PART_LEN], name.as_bytes()].concat();
            check_path_name(&base, name.as_bytes())?;
            return Err(PathError::NameTooLong(name.to_owned()));
        };
        room.copy_from_slice(name.as_bytes());
        let base = &text[..HASH_PART_LEN + 1 + name.len()];
        check_path_name(base, name.as_bytes())?;
        match std::str::from_utf8(base) {
            Ok(base) => Ok(StorePath(base.into())),
            Err(_) => Err(PathError::InvalidName(lossy(base))),
        }
    }

    /// Hash part, dash and name.
    pub fn base_name(&self) -> &str {
        &self.0
    }

    /// The 32 digits.
    pub fn hash_part(&self) -> &str {
        &self.0[..HASH_PART_LEN]
    }

    /// What comes after the dash.
    pub fn name(&self) -> &str {
        &self.0[HASH_PART_LEN + 1..]
    }

    /// Whether the name ends in `.drv`.
    pub fn is_derivation(&self) -> bool {
        self.name().ends_with(DRV_EXTENSION)
    }

    /// The name without `.drv`, which must be there.
    pub fn drv_name(&self) -> Result<&str, PathError> {
        self.name()
            .strip_suffix(DRV_EXTENSION)
            .ok_or_else(|| PathError::NotADerivation(self.base_name().to_owned()))
    }
}

fn check_path_name(base: &[u8], name: &[u8]) -> Result<(), PathError> {
    check_name(name).map_err(|error| PathError::InvalidPath {
        path: lossy(base),
        source: Box::new(error),
    })
}

impl Borrow<str> for StorePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for StorePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of the path of an output: the derivation's name, and unless it is `out`, the output's.
pub fn output_path_name<'a>(drv_name: &'a str, output: &str) -> Cow<'a, str> {
    match output {
        "out" => Cow::Borrowed(drv_name),
        _ => Cow::Owned(format!("{drv_name}-{output}")),
    }
}

/// The folder that all store paths are in, by name. It need not exist, nor be where the objects are kept.
///
/// The folder goes into every hash, so everything that makes or prints paths is a method of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreDir(Arc<str>);

impl Default for StoreDir {
    fn default() -> Self {
        StoreDir("/nix/store".into())
    }
}

impl StoreDir {
    /// The store of that absolute path, which is made canonical.
    pub fn new(path: &str) -> Result<Self, PathError> {
        let path = canonical(path.as_bytes())?;
        Ok(StoreDir(lossy(&path).into()))
    }

    /// The folder's path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The absolute path of a store object.
    pub fn print(&self, path: &StorePath) -> String {
        let mut out = String::with_capacity(self.0.len() + 1 + path.0.len());
        out.push_str(&self.0);
        out.push('/');
        out.push_str(&path.0);
        out
    }

    /// Parse the absolute path of a store object.
    pub fn parse(&self, path: impl AsRef<[u8]>) -> Result<StorePath, PathError> {
        let path = path.as_ref();
        // Most paths are canonical already.
        if let Some(base) = self.strip(path)
            && !base.contains(&b'/')
            && !matches!(base, b"" | b"." | b"..")
        {
            return StorePath::from_base_name(base);
        }
        let path = canonical(path)?;
        match self.strip(&path) {
            Some(base) if !base.contains(&b'/') => StorePath::from_base_name(base),
            _ => Err(PathError::NotInStore(lossy(&path))),
        }
    }

    /// Whether the canonical path lies below the store.
    pub fn contains(&self, path: impl AsRef<[u8]>) -> bool {
        self.strip(path.as_ref()).is_some_and(|rest| !rest.is_empty())
    }

    /// The store object that a canonical path is of or lies in, and what of the path comes after the
    /// object: nothing, or a slash and more.
    pub fn to_store_path<'a>(&self, path: &'a [u8]) -> Result<(StorePath, &'a [u8]), PathError> {
        let rest = match self.strip(path) {
            Some(rest) if !rest.is_empty() => rest,
            _ => return Err(PathError::OutsideStore(lossy(path))),
        };
        let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let (base, inside) = rest.split_at(end);
        Ok((StorePath::from_base_name(base)?, inside))
    }

    fn strip<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        path.strip_prefix(self.0.as_bytes())?.strip_prefix(b"/")
    }

    /// The path of an object of that type (`source`, `text:/nix/store/…`, `output:out`, …), with the hash
    /// that stands for what is in it.
    pub fn make_store_path(&self, kind: &str, hash: &Hash, name: &str) -> Result<StorePath, PathError> {
        self.make_store_path_with_references(kind, std::iter::empty(), false, hash, name)
    }

    /// As [`StoreDir::make_store_path`] with references, which come in the order of their base names.
    fn make_store_path_with_references<'a>(
        &self,
        kind: &str,
        references: impl Iterator<Item = &'a StorePath>,
        self_reference: bool,
        hash: &Hash,
        name: &str,
    ) -> Result<StorePath, PathError> {
        let mut hasher = Hasher::sha256();
        hasher.update(kind.as_bytes());
        for reference in references {
            for part in [":", &self.0, "/", reference.base_name()] {
                hasher.update(part.as_bytes());
            }
        }
        if self_reference {
            hasher.update(b":self");
        }
        for part in [
            ":",
            hash.algorithm().name(),
            ":",
            &hash.base16(),
            ":",
            &self.0,
            ":",
            name,
        ] {
            hasher.update(part.as_bytes());
        }
        StorePath::from_digest(&hasher.finish().fold20(), name)
    }

    /// The path of a text: `hash` is the sha256 of its bytes, `references` come in their order.
    pub fn make_text_path<'a>(
        &self,
        name: &str,
        hash: &Hash,
        references: impl IntoIterator<Item = &'a StorePath>,
    ) -> Result<StorePath, PathError> {
        if hash.algorithm() != HashAlgorithm::Sha256 {
            return Err(PathError::TextAlgorithm(hash.algorithm()));
        }
        self.make_store_path_with_references("text", references.into_iter(), false, hash, name)
    }

    /// The path of an object whose contents have a known hash. `references` come in their order.
    pub fn make_fixed_output_path<'a>(
        &self,
        address: &ContentAddress,
        name: &str,
        references: impl IntoIterator<Item = &'a StorePath>,
        self_reference: bool,
    ) -> Result<StorePath, PathError> {
        let algorithm = address.hash.algorithm();
        match address.method {
            ContentAddressMethod::Text if self_reference => return Err(PathError::TextSelfReference),
            ContentAddressMethod::Text => return self.make_text_path(name, &address.hash, references),
            ContentAddressMethod::Git
                if !matches!(algorithm, HashAlgorithm::Sha1 | HashAlgorithm::Sha256) =>
            {
                return Err(PathError::GitAlgorithm(algorithm));
            }
            ContentAddressMethod::NixArchive if algorithm == HashAlgorithm::Sha256 => {
                return self.make_store_path_with_references(
                    "source",
                    references.into_iter(),
                    self_reference,
                    &address.hash,
                    name,
                );
            }
            _ => {}
        }
        if self_reference || references.into_iter().next().is_some() {
            return Err(PathError::ReferencesNotAllowed(name.to_owned()));
        }
        let mut hasher = Hasher::sha256();
        for part in [
            "fixed:out:",
            address.method.prefix(),
            algorithm.name(),
            ":",
            &address.hash.base16(),
            ":",
        ] {
            hasher.update(part.as_bytes());
        }
        self.make_store_path("output:out", &hasher.finish(), name)
    }

    /// The path of a source whose NAR archive has that sha256.
    pub fn make_source_path(&self, name: &str, nar_sha256: &Hash) -> Result<StorePath, PathError> {
        let address = ContentAddress {
            method: ContentAddressMethod::NixArchive,
            hash: *nar_sha256,
        };
        self.make_fixed_output_path(&address, name, [], false)
    }

    /// The path of an output of a derivation that has that masked hash.
    pub fn make_output_path(
        &self,
        output: &str,
        masked_hash: &Hash,
        drv_name: &str,
    ) -> Result<StorePath, PathError> {
        self.make_store_path(
            &format!("output:{output}"),
            masked_hash,
            &output_path_name(drv_name, output),
        )
    }
}

/// Take `.`, `..`, doubled and trailing slashes out of an absolute path, by its text alone.
pub fn canonical(path: &[u8]) -> Result<Vec<u8>, PathError> {
    if path.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute(lossy(path)));
    }
    let mut out = Vec::with_capacity(path.len());
    for component in path.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => out.truncate(memchr::memrchr(b'/', &out).unwrap_or(0)),
            _ => {
                out.push(b'/');
                out.extend_from_slice(component);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> StoreDir {
        StoreDir::default()
    }

    fn sha256(hex: &str) -> Hash {
        Hash::parse_any(hex, Some(HashAlgorithm::Sha256)).unwrap()
    }

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn worked_examples() {
        let nar = sha256("1c37d01af40be2e80691de3cc3df44377a699afbb17c68f080964b2fd071fc13");
        let source = store().make_source_path("hello.txt", &nar).unwrap();
        assert_eq!(
            store().print(&source),
            "/nix/store/i9pmrzmpshapij2kin22pff6fc2adavx-hello.txt"
        );
        let fixed = |method, hash, name| {
            let path = store().make_fixed_output_path(&ContentAddress { method, hash }, name, [], false);
            path.unwrap().base_name().to_owned()
        };
        let flat = Hash::sha256(b"hello\n");
        assert_eq!(
            fixed(ContentAddressMethod::Flat, flat, "hello.txt"),
            "gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt"
        );
        let text = Hash::sha256(b"bar /nix/store/i9pmrzmpshapij2kin22pff6fc2adavx-hello.txt");
        assert_eq!(
            text.to_base16(),
            "16032772862201fd8a7b90f69e00a93443f8b71556b88f6c4f0c3db4434bb101"
        );
        assert_eq!(
            store()
                .make_text_path("foo", &text, [&source])
                .unwrap()
                .base_name(),
            "ix762bai5nzqjbmf6w0mrv9xvi6j67mr-foo"
        );
        let masked = sha256("9738184067d6e432bd23f9e11f2eff222359964ba4c94231b113ace0516aad07");
        assert_eq!(
            store()
                .make_output_path("out", &masked, "dep")
                .unwrap()
                .base_name(),
            "8jwbf2iqmfilb880600kamhd6yr138gs-dep"
        );
        let masked = sha256("69ef98415f61338b5bd65c6bd3e9ffae69218b4a257d5d5a7a65b4105e91f4ce");
        assert_eq!(
            store()
                .make_output_path("dev", &masked, "top-1.0")
                .unwrap()
                .base_name(),
            "kv5djwz73bfdah3k77fqllb27kmvmfss-top-1.0-dev"
        );
        assert_eq!(
            fixed(ContentAddressMethod::Flat, sha256(EMPTY), "fod"),
            "4yfk9q43irhw1r79i1pvbva1zd0677j1-fod"
        );
        assert_eq!(
            fixed(ContentAddressMethod::NixArchive, sha256(EMPTY), "fodr"),
            "1dv2rgkkc16pf6mmkic4l22m656zy9q5-fodr"
        );
    }

    #[test]
    fn names() {
        let message = |name: &[u8]| check_name(name).unwrap_err().to_string();
        for good in ["a", ".a", "..a", ".a-b", "a+b-c._?=Z9", "...", &"x".repeat(211)] {
            assert_eq!(check_name(good.as_bytes()), Ok(()), "{good}");
        }
        assert_eq!(message(b""), "name must not be empty");
        assert_eq!(message(b"."), "name '.' is not valid");
        assert_eq!(message(b".."), "name '..' is not valid");
        assert_eq!(
            message(b".-a"),
            "name '.-a' is not valid: first dash-separated component must not be '.'"
        );
        assert_eq!(
            message(b"..-a"),
            "name '..-a' is not valid: first dash-separated component must not be '..'"
        );
        assert_eq!(message(b"a b"), "name 'a b' contains illegal character ' '");
        assert_eq!(
            message("aé".as_bytes()),
            "name 'aé' contains illegal character 'é'"
        );
        let long = "x".repeat(212);
        assert_eq!(
            message(long.as_bytes()),
            format!("name '{long}' must be no longer than 211 characters")
        );
    }

    #[test]
    fn parsing() {
        let base = "i9pmrzmpshapij2kin22pff6fc2adavx-hello.txt";
        let full = format!("/nix/store/{base}");
        let path = store().parse(&full).unwrap();
        assert_eq!((path.hash_part(), path.name()), (&base[..32], "hello.txt"));
        assert_eq!(
            store().parse(format!("/nix//store/./x/../{base}/")).unwrap(),
            path
        );
        let message = |path: &str| store().parse(path).unwrap_err().to_string();
        assert_eq!(
            message("/nix/store/abc"),
            "'abc' is too short to be a valid store path"
        );
        assert_eq!(message("/foo/x"), "path \"/foo/x\" is not in the Nix store");
        assert_eq!(
            message("/nix/store"),
            "path \"/nix/store\" is not in the Nix store"
        );
        assert_eq!(
            message("/nix/store/"),
            "path \"/nix/store\" is not in the Nix store"
        );
        assert_eq!(
            message(&format!("{full}/x")),
            format!("path \"{full}/x\" is not in the Nix store")
        );
        assert_eq!(message("x"), "not an absolute path: \"x\"");
        assert_eq!(
            message("/nix/store/E9pmrzmpshapij2kin22pff6fc2adavx-x"),
            "store path 'E9pmrzmpshapij2kin22pff6fc2adavx-x' contains illegal base-32 character 'E'"
        );
        assert_eq!(
            message("/nix/store/i9pmrzmpshapij2kin22pff6fc2adavx-a b"),
            "path 'i9pmrzmpshapij2kin22pff6fc2adavx-a b' is not a valid store path: \
             name 'a b' contains illegal character ' '"
        );
        assert!(
            store()
                .parse("/nix/store/i9pmrzmpshapij2kin22pff6fc2adavxxa")
                .is_err()
        );
        let inside = format!("{full}/a/b");
        assert_eq!(
            store().to_store_path(inside.as_bytes()).unwrap(),
            (path.clone(), &b"/a/b"[..])
        );
        assert_eq!(store().to_store_path(full.as_bytes()).unwrap(), (path, &b""[..]));
        assert_eq!(
            store().to_store_path(b"/x").unwrap_err().to_string(),
            "path '/x' is not in the Nix store"
        );
    }

    #[test]
    fn references_and_git_are_checked() {
        let reference = StorePath::from_base_name("i9pmrzmpshapij2kin22pff6fc2adavx-hello.txt").unwrap();
        let flat = ContentAddress {
            method: ContentAddressMethod::Flat,
            hash: sha256(EMPTY),
        };
        assert!(matches!(
            store().make_fixed_output_path(&flat, "x", [&reference], false),
            Err(PathError::ReferencesNotAllowed(_))
        ));
        let git = ContentAddress {
            method: ContentAddressMethod::Git,
            hash: Hash::of(HashAlgorithm::Md5, b""),
        };
        assert!(matches!(
            store().make_fixed_output_path(&git, "x", [], false),
            Err(PathError::GitAlgorithm(HashAlgorithm::Md5))
        ));
    }
}
