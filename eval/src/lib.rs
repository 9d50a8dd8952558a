//! The lazy evaluator: values, thunks, calls.
//!
//! [`Evaluator`](evaluator::Evaluator) holds all state. It reaches files, store and environment through
//! [`Host`](host::Host) only, and knows no builtins: `nivis-primops` defines them. How a source becomes a value:
//! [`import`] parses and lowers it to [`code`], `machine` runs that, [`cell`] holds what is not evaluated yet.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "gives out memory: see the module's invariants")]
pub mod allocator;
#[allow(unsafe_code, reason = "lays out objects: see the module's invariants")]
pub mod attrs;
pub mod call;
#[allow(unsafe_code, reason = "lays out objects: see the module's invariants")]
pub mod cell;
pub mod code;
#[allow(unsafe_code, reason = "frees objects: see the module's description")]
pub mod collect;
pub mod context;
pub mod derivations;
pub mod error;
pub mod evaluator;
pub mod files;
#[allow(unsafe_code, reason = "lays out objects: see the module's invariants")]
pub mod function;
#[allow(unsafe_code, reason = "lays out objects: see the module's invariants")]
pub mod heap;
pub mod host;
mod image;
mod import;
pub mod keys;
#[allow(unsafe_code, reason = "lays out objects: see the module's invariants")]
mod layers;
mod lower;
mod machine;
mod names;
pub mod number;
pub mod ops;
#[allow(unsafe_code, reason = "packs words: see the module's invariants")]
mod packed;
pub mod path;
pub mod place;
pub mod primop;
pub mod print;
pub mod profile;
#[cfg(test)]
mod random;
#[allow(
    unsafe_code,
    reason = "takes memory from the system: see the module's invariants"
)]
mod region;
mod scope;
pub mod settings;
#[allow(unsafe_code, reason = "zeroed frames: see the module's invariants")]
mod stack;
mod subset;
pub mod suggest;
#[allow(unsafe_code, reason = "code by its number: see the module's invariants")]
mod thunk_codes;
pub mod to_json;
pub mod to_xml;
mod undefined;
#[allow(unsafe_code, reason = "packs words: see the module's invariants")]
pub mod value;
