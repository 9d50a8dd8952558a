//! Store paths, hashes, NAR archives, derivations and the store database.
//!
//! Without the feature `db` the crate is pure data and computation: the evaluator uses it so.
//!
//! | what | where |
//! |---|---|
//! | a hash, its formats, hashing streams | [`hash`] ([`hash::Hash`], [`hash::Hasher`]), [`base32`] |
//! | names of store objects, and making them | [`path`] ([`path::StorePath`], [`path::StoreDir`]) |
//! | "this path is the hash of these contents" | [`content_address`] |
//! | archives of files, folders and symlinks | [`nar`] |
//! | `.drv` files: data, text, hashes, output paths | [`derivation`] |
//!
//! A derivation is made like this: fill a [`derivation::Derivation`] whose outputs are
//! [`Deferred`](derivation::DerivationOutput::Deferred) (or fixed, floating, impure) and whose
//! environment has an empty variable for each output, then call [`derivation::instantiate`]; it gives the
//! text and the path, and fills in the outputs.

#![forbid(unsafe_code)]

pub mod base32;
pub mod content_address;
pub mod derivation;
pub mod hash;
pub mod io_error;
pub mod nar;
pub mod path;
