//! Syntax errors and warnings.

use crate::position::Pos;
use std::ops::Range;

/// Why a source is not an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// The first sentence, in the reference's words.
    pub message: String,
    /// Where the error is.
    pub pos: Pos,
    /// The sentence goes on with ` at ` and this place, in words (`FILE:LINE:COLUMN`).
    pub previous: Option<Pos>,
    /// Advice, and places that explain the error.
    pub hints: Vec<Hint>,
    /// Warnings about what comes before the error.
    pub warnings: Vec<Warning>,
}

/// What may help with an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hint {
    /// The advice, without a full stop.
    pub message: String,
    /// The place it is about.
    pub pos: Option<Pos>,
}

impl SyntaxError {
    /// An error without hints.
    #[cold]
    pub fn new(message: String, pos: Pos) -> SyntaxError {
        SyntaxError {
            message,
            pos,
            previous: None,
            hints: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// A problem in a source, for tools: there may be many of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// What is wrong, without a full stop.
    pub message: String,
    /// The bytes it is about.
    pub range: Range<u32>,
    /// Another place that explains the problem, and what is there.
    pub related: Option<(Range<u32>, String)>,
    /// Advice, without a full stop.
    pub hint: Option<String>,
}

/// Something that is accepted but should be changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Warning {
    /// `f or` where later releases will understand something else.
    Or {
        /// Where the expression starts.
        pos: Pos,
        /// Its text.
        snippet: Vec<u8>,
    },
    /// A lint that is set to warn.
    Lint {
        /// Where the literal is.
        pos: Pos,
        /// The whole message.
        message: String,
    },
}

impl Warning {
    /// The message in the reference's words. `location` is the position in words.
    pub fn message(&self, location: &str) -> String {
        match self {
            Warning::Lint { message, .. } => message.clone(),
            Warning::Or { snippet, .. } => format!(
                "at {location}: This expression uses `or` as an identifier in a way that will change in a future Nix release.\n\
                 Wrap this entire expression in parentheses to preserve its current meaning:\n    \
                 ({})\n\
                 Give feedback at https://github.com/NixOS/nix/pull/11121",
                String::from_utf8_lossy(snippet)
            ),
        }
    }

    /// Where it is.
    pub fn pos(&self) -> Pos {
        match self {
            Warning::Or { pos, .. } | Warning::Lint { pos, .. } => *pos,
        }
    }
}
