//! From a source to the AST.

use crate::ast::{Bindings, ExprRef};
use crate::build::Builder;
use crate::error::{Hint, SyntaxError, Warning};
use crate::expected;
use crate::grammar;
use crate::lexer::{LexError, Tokens, lex, lex_message};
use crate::options::ParseOptions;
use crate::parser::{Failure, MAX_DEPTH, Parser};
use crate::position::Pos;
use crate::symbol::Symbols;
use crate::tree;
use bumpalo::Bump;

/// A source that was parsed.
#[derive(Debug)]
pub struct Parsed<T> {
    /// The AST.
    pub ast: T,
    /// What should be changed, in the order of the source.
    pub warnings: Vec<Warning>,
}

/// Parses a source that is one expression.
pub fn parse<'a>(
    source: &'a [u8],
    options: &ParseOptions<'_>,
    symbols: &mut Symbols,
    arena: &'a Bump,
) -> Result<Parsed<ExprRef<'a>>, SyntaxError> {
    run(source, options, symbols, arena, false, grammar::root)
}

/// Parses a source that is a list of bindings without braces, as the REPL accepts them.
pub fn parse_bindings<'a>(
    source: &'a [u8],
    options: &ParseOptions<'_>,
    symbols: &mut Symbols,
    arena: &'a Bump,
) -> Result<Parsed<&'a Bindings<'a>>, SyntaxError> {
    run(source, options, symbols, arena, true, grammar::bindings_root)
}

fn run<'a, 'o, T>(
    source: &'a [u8],
    options: &'o ParseOptions<'o>,
    symbols: &'o mut Symbols,
    arena: &'a Bump,
    bindings: bool,
    grammar: impl FnOnce(&mut Parser<'_, Builder<'a, 'o>>) -> T,
) -> Result<Parsed<T>, SyntaxError> {
    if u32::try_from(source.len()).is_err() {
        return Err(SyntaxError::new(
            "the source is larger than 4 GiB".to_owned(),
            Pos::NONE,
        ));
    }
    let tokens = lex(source, options.pipe_operators, false);
    symbols.roll.start();
    let mut parser = Parser::new(&tokens.tokens, Builder::new(source, options, symbols, arena));
    let ast = grammar(&mut parser);
    let failure = parser.failure;
    let (error, mut warnings) = parser.sink.finish();
    let (found_at, mut error) = match (failure, error) {
        (None, None) => return Ok(Parsed { ast, warnings }),
        (None, Some(error)) => error,
        (Some(failure), error) => first_error(source, options, &tokens, failure, error, bindings),
    };
    warnings.retain(|warning| warning.pos() <= options.pos(found_at));
    error.warnings = warnings;
    Err(error)
}

/// Of a failure of the grammar and an error of the builder, the one the reference meets first, and where that is.
#[cold]
fn first_error(
    source: &[u8],
    options: &ParseOptions<'_>,
    tokens: &Tokens,
    failure: Failure,
    error: Option<(u32, SyntaxError)>,
    bindings: bool,
) -> (u32, SyntaxError) {
    let (Failure::Unexpected(index) | Failure::TooDeep(index)) = failure;
    let token = tokens.tokens[index];
    let lex_error = tokens.errors.iter().find(|(at, _)| *at == index);
    match error {
        // Errors are found when a construct ends, which may need the next token to be read but not accepted.
        Some((found_at, error))
            if found_at < token.start || found_at == token.start && lex_error.is_none() =>
        {
            return (found_at, error);
        }
        _ => {}
    }
    if failure == Failure::TooDeep(index) {
        let message = format!("expressions nest more than {MAX_DEPTH} levels deep");
        return (token.start, SyntaxError::new(message, options.pos(token.start)));
    }
    let error = match lex_error {
        Some((_, error)) => {
            let text = &source[token.start as usize..token.end as usize];
            let start = match error {
                LexError::TrailingSlash => expected::trailing_slash_start(source, tokens, index),
                _ => token.start,
            };
            SyntaxError::new(lex_message(error, text), options.pos(start))
        }
        None => {
            let (message, start) = expected::explain(source, tokens, index, bindings);
            let hints = if bindings {
                Vec::new()
            } else {
                hints(source, options, tokens, index)
            };
            SyntaxError {
                hints,
                ..SyntaxError::new(message, options.pos(start))
            }
        }
    };
    (token.start, error)
}

/// What the tree's parser has to say about the token of this index, which it looks at from another side.
fn hints(source: &[u8], options: &ParseOptions<'_>, tokens: &Tokens, index: usize) -> Vec<Hint> {
    let earliest = index.checked_sub(1).map_or(0, |before| tokens.tokens[before].end);
    let (_, diagnostics) = tree::syntax(source, options.pipe_operators);
    let Some(diagnostic) = diagnostics
        .into_iter()
        .find(|found| found.range.start >= earliest)
    else {
        return Vec::new();
    };
    let mut hints = vec![Hint {
        message: diagnostic.message,
        pos: Some(options.pos(diagnostic.range.start)),
    }];
    hints.extend(diagnostic.related.map(|(range, message)| Hint {
        message,
        pos: Some(options.pos(range.start)),
    }));
    hints.extend(diagnostic.hint.map(|message| Hint { message, pos: None }));
    hints
}
