//! Primops on hashes.

use crate::features::require_feature;
use crate::realise::realise_real_path;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::Level;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::hash::{Hash, HashAlgorithm, HashError, HashFormat};

fn hash_error(error: HashError) -> Error {
    let kind = match error {
        HashError::UnknownAlgorithm(_) | HashError::UnknownFormat(_) => Kind::Usage,
        _ => Kind::Eval,
    };
    Error::new(kind, error.to_string())
}

/// The algorithm of that name, if it exists and may be used.
pub(crate) fn parse_algorithm(ev: &Evaluator, name: &[u8]) -> Result<HashAlgorithm> {
    let algorithm = String::from_utf8_lossy(name).parse().map_err(hash_error)?;
    if algorithm == HashAlgorithm::Blake3 {
        require_feature(ev, "blake3-hashes", "")?;
    }
    Ok(algorithm)
}

fn hash_string(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the first argument passed to builtins.hashString";
    let algorithm = parse_algorithm(ev, ev.expect_string_without_context(args[0], pos, frame)?)?;
    let frame = "while evaluating the second argument passed to builtins.hashString";
    let text = ev.expect_string(args[1], pos, frame)?;
    Ok(ev.string(Hash::of(algorithm, text).to_base16().as_bytes()))
}

fn hash_file(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the first argument passed to builtins.hashFile";
    let algorithm = parse_algorithm(ev, ev.expect_string_without_context(args[0], pos, frame)?)?;
    let path = realise_real_path(ev, args[1], pos)?;
    let contents = ev.read_file(&path)?;
    Ok(ev.string(Hash::of(algorithm, &contents).to_base16().as_bytes()))
}

fn convert_hash(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the first argument passed to builtins.convertHash";
    let attrs = ev.expect_attrs(args[0], pos, frame)?;
    let required = |name: &str, frame| ev.required_attr(attrs, ev.intern(name.as_bytes()), frame);
    let text = |slot, frame| -> Result<_> {
        Ok(String::from_utf8_lossy(
            ev.expect_string_without_context(slot, pos, frame)?,
        ))
    };
    let hash = required("hash", "while locating the attribute 'hash'")?;
    let hash = text(hash, "while evaluating the attribute 'hash'")?;
    let algorithm = match attrs.get(ev.intern(b"hashAlgo")) {
        Some(name) => {
            let name = text(name, "while evaluating the attribute 'hashAlgo'")?;
            Some(parse_algorithm(ev, name.as_bytes())?)
        }
        None => None,
    };
    let format = required("toHashFormat", "while locating the attribute 'toHashFormat'")?;
    let format = text(format, "while evaluating the attribute 'toHashFormat'")?;
    if HashFormat::is_deprecated_name(&format) {
        ev.host.message(
            Level::Warning,
            "\"base32\" is a deprecated alias for hash format \"nix32\".",
        );
    }
    let format = HashFormat::from_name(&format).map_err(hash_error)?;
    if hash.starts_with("blake3:") || hash.starts_with("blake3-") {
        require_feature(ev, "blake3-hashes", "")?;
    }
    let hash = Hash::parse_any(&hash, algorithm).map_err(hash_error)?;
    Ok(ev.string(hash.to_format(format).as_bytes()))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "hashString",
        arity: 2,
        function: hash_string,
        args: &["type", "s"],
        doc: "Returns the hash of string *s* in base 16. *type* is `\"md5\"`, `\"sha1\"`, `\"sha256\"` or `\"sha512\"`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "hashFile",
        arity: 2,
        function: hash_file,
        args: &["type", "p"],
        doc: "Returns the hash of the file at path *p* in base 16. *type* is `\"md5\"`, `\"sha1\"`, `\"sha256\"` or `\"sha512\"`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "convertHash",
        arity: 1,
        function: convert_hash,
        args: &["args"],
        doc: "Converts the hash `hash` to the format `toHashFormat`: `\"base16\"`, `\"nix32\"`, `\"base64\"` or `\"sri\"`. `hashAlgo` is needed if the hash doesn't name its algorithm.",
        ..Primop::DEFAULT
    },
];
