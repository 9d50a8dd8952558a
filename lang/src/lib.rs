//! The Nix language as text: lexer, grammar, lossless syntax tree and the compact AST.
//!
//! One grammar emits events to a statically dispatched sink. Sink one builds a lossless rowan tree for tools and
//! diagnostics; sink two builds the arena AST of [`ast`] that the evaluator lowers. This crate knows no values, no
//! files and no store.

#![forbid(unsafe_code)]

pub mod ast;
mod build;
mod bytes;
pub mod error;
mod event;
mod expected;
mod grammar;
pub mod kind;
pub mod lexer;
mod merge;
pub mod options;
mod parse;
mod parser;
pub mod path;
pub mod position;
pub mod show;
pub mod symbol;
pub mod tree;
pub mod unescape;
pub mod validate;

pub use error::{SyntaxError, Warning};
pub use options::{Lint, ParseOptions};
pub use parse::{Parsed, parse, parse_bindings};
