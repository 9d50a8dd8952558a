//! Explains syntax errors in the reference's words.

use crate::kind::SyntaxKind;
use crate::lexer::Tokens;

/// The message about the token of this index, and the offset it is reported at.
pub(crate) fn explain(source: &[u8], tokens: &Tokens, index: usize, _bindings: bool) -> (String, u32) {
    let token = tokens.tokens[index];
    let start = match token.kind {
        SyntaxKind::PathEnd => path_end_start(source, tokens, index),
        SyntaxKind::Eof => token.end,
        _ => token.start,
    };
    (
        format!("syntax error, unexpected {}", token.kind.describe()),
        start,
    )
}

/// Where the reference reports the end of a path.
pub(crate) fn path_end_start(_source: &[u8], tokens: &Tokens, index: usize) -> u32 {
    tokens.tokens[index].start
}
