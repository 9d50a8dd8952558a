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
//! | references in data | [`references`] |
//! | `.drv` files: data, text, hashes, output paths | [`derivation`] |
//!
//! A derivation is made like this: fill a [`derivation::Derivation`] whose outputs are
//! [`Deferred`](derivation::DerivationOutput::Deferred) (or fixed, floating, impure), then call
//! [`derivation::instantiate`]; it fills in the outputs and their variables, and gives text and path.
//!
//! With `archives` there are [`decompress`] and [`tarball`], for what is fetched from elsewhere.
//! With `db` there is [`LocalStore`], the store on disk, and [`canonicalise`] for the metadata of what is in it. and [`profile`].

#![forbid(unsafe_code)]

pub mod base32;
pub mod content_address;
pub mod derivation;
pub mod hash;
pub mod io_error;
pub mod nar;
pub mod path;
pub mod quote;
pub mod references;
pub mod source;

#[cfg(feature = "archives")]
pub mod decompress;
#[cfg(feature = "archives")]
pub mod tarball;

#[cfg(feature = "db")]
pub mod canonicalise;
#[cfg(feature = "db")]
pub mod closure;
#[cfg(feature = "db")]
pub mod config;
#[cfg(feature = "db")]
mod db;
#[cfg(feature = "db")]
pub mod error;
#[cfg(feature = "db")]
pub mod files;
#[cfg(feature = "db")]
mod last_use;
#[cfg(feature = "db")]
pub mod local_store;
#[cfg(feature = "db")]
mod locks;
#[cfg(feature = "db")]
pub mod notify;
#[cfg(feature = "db")]
mod parallel;
#[cfg(feature = "db")]
pub mod path_info;
#[cfg(feature = "db")]
pub mod profile;
#[cfg(feature = "db")]
mod remove;
#[cfg(feature = "db")]
pub mod roots;
#[cfg(feature = "db")]
pub mod signature;
#[cfg(feature = "db")]
pub mod size;
#[cfg(feature = "db")]
mod temp_roots;
#[cfg(feature = "db")]
mod topo_sort;

#[cfg(feature = "db")]
pub use db::Registration;
#[cfg(feature = "db")]
pub use files::delete_path;
#[cfg(feature = "db")]
pub use local_store::LocalStore;
#[cfg(feature = "db")]
pub use locks::PathLocks;
