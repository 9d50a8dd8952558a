//! The Nix language as text: lexer, grammar, lossless syntax tree and the compact AST.
//!
//! One grammar ([`grammar`]) emits events to a statically dispatched sink. Sink one builds a lossless
//! rowan tree for tools and diagnostics; sink two builds the arena AST of [`ast`] that the evaluator
//! lowers. This crate knows no values, no files and no store.

#![forbid(unsafe_code)]

pub mod ast;
pub mod position;
pub mod symbol;
