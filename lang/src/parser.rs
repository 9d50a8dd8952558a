//! The cursor that the grammar moves over the tokens.

use crate::error::Diagnostic;
use crate::event::{Mark, Sink};
use crate::kind::SyntaxKind;
use crate::lexer::Token;

/// How deep constructs may nest. Parsing, lowering and dropping trees recurse that deep.
pub(crate) const MAX_DEPTH: u32 = 10_000;

/// Why parsing stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// The token of this index is not acceptable.
    Unexpected(usize),
    /// Constructs nest too deeply at the token of this index.
    TooDeep(usize),
}

/// A position in the tokens, and the sink.
pub(crate) struct Parser<'t, S: Sink> {
    tokens: &'t [Token],
    index: usize,
    depth: u32,
    /// Height of the highest expression in the construct that is being parsed.
    height: u32,
    /// Index after an `or` that is an argument.
    or_end: usize,
    /// Index of the token at which the last problem was reported.
    last_problem: usize,
    /// The first failure, if the sink does not recover.
    pub(crate) failure: Option<Failure>,
    /// Who listens.
    pub(crate) sink: S,
}

impl<'t, S: Sink> Parser<'t, S> {
    /// A parser at the first token. The last token must be of kind [`SyntaxKind::Eof`].
    pub(crate) fn new(tokens: &'t [Token], sink: S) -> Self {
        Parser {
            tokens,
            index: 0,
            depth: 0,
            height: 0,
            or_end: usize::MAX,
            last_problem: usize::MAX,
            failure: None,
            sink,
        }
    }

    /// The next token.
    #[inline(always)]
    pub(crate) fn token(&self) -> Token {
        self.tokens[self.index]
    }

    /// The kind of the next token.
    #[inline(always)]
    pub(crate) fn kind(&self) -> SyntaxKind {
        self.tokens[self.index].kind
    }

    /// The kind of the token after `n` others.
    #[inline]
    pub(crate) fn nth(&self, n: usize) -> SyntaxKind {
        self.tokens
            .get(self.index + n)
            .map_or(SyntaxKind::Eof, |token| token.kind)
    }

    /// Whether the next token is of this kind.
    #[inline(always)]
    pub(crate) fn at(&self, kind: SyntaxKind) -> bool {
        self.kind() == kind
    }

    /// The end of the token that was consumed last.
    #[inline]
    pub(crate) fn previous_end(&self) -> u32 {
        self.index
            .checked_sub(1)
            .map_or(0, |index| self.tokens[index].end)
    }

    /// The start of the token that was consumed last.
    #[inline]
    pub(crate) fn previous_start(&self) -> u32 {
        self.index
            .checked_sub(1)
            .map_or(0, |index| self.tokens[index].start)
    }

    /// Consumes the next token and returns it. The end of the source stays.
    #[inline(always)]
    pub(crate) fn bump(&mut self) -> Token {
        let token = self.token();
        if token.kind != SyntaxKind::Eof {
            self.sink.token(token);
            self.index += 1;
        }
        token
    }

    /// Consumes the next token if it is of this kind.
    #[inline(always)]
    pub(crate) fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    /// Consumes a token of this kind or fails.
    #[inline(always)]
    pub(crate) fn expect(&mut self, kind: SyntaxKind, opened: Option<Token>) -> bool {
        let found = self.eat(kind);
        if !found {
            self.missing_token(kind, opened);
        }
        found
    }

    /// Marks a place where a node may start.
    #[inline(always)]
    pub(crate) fn mark(&mut self) -> Mark<S::Node> {
        let start = self.token().start;
        Mark {
            start,
            node: self.sink.node(start),
        }
    }

    /// One level deeper. False, and a failure, when that is too deep.
    #[inline(always)]
    pub(crate) fn descend(&mut self) -> bool {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.too_deep();
            return false;
        }
        true
    }

    /// Back to the level at which `depth` was taken.
    #[inline(always)]
    pub(crate) fn ascend(&mut self, depth: u32) {
        self.depth = depth;
    }

    /// The current level.
    #[inline(always)]
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    /// Starts a construct whose height is to be known. Returns what [`Parser::end_height`] needs.
    #[inline(always)]
    pub(crate) fn start_height(&mut self) -> u32 {
        std::mem::take(&mut self.height)
    }

    /// Ends a construct: it is one higher than the highest expression in it.
    #[inline(always)]
    pub(crate) fn end_height(&mut self, outer: u32) {
        self.height = outer.max(self.height + 1);
    }

    /// The last expression became the left operand of another one. False, and a failure, when that is too high.
    #[inline(always)]
    pub(crate) fn grow(&mut self) -> bool {
        self.height += 1;
        if self.height > MAX_DEPTH {
            self.too_deep();
            return false;
        }
        true
    }

    /// Notes that the expression that ends here is an `or` taken as an argument.
    pub(crate) fn note_or_call(&mut self) {
        self.or_end = self.index;
    }

    /// Warns if the expression that ends here is an `or` taken as an argument.
    #[inline(always)]
    pub(crate) fn warn_or_call(&mut self, expr: S::Expr) {
        if self.or_end == self.index {
            let end = self.previous_end();
            self.sink.or_warning(expr, end);
        }
    }

    /// Stops parsing: from here on, the source seems to have ended.
    fn fail(&mut self, failure: Failure) {
        if self.failure.is_none() {
            self.failure = Some(failure);
            self.index = self.tokens.len() - 1;
            self.sink.stop();
        }
    }

    #[cold]
    fn too_deep(&mut self) {
        if !S::RECOVERS {
            return self.fail(Failure::TooDeep(self.index));
        }
        self.problem(
            format!("expressions nest more than {MAX_DEPTH} levels deep"),
            None,
        );
        while !self.at(SyntaxKind::Eof) {
            self.bump();
        }
    }

    #[cold]
    fn missing_token(&mut self, kind: SyntaxKind, opened: Option<Token>) {
        if !S::RECOVERS {
            return self.fail(Failure::Unexpected(self.index));
        }
        if self.last_problem == self.index {
            return;
        }
        self.last_problem = self.index;
        // What is missing is missing after the last token, not before the next, which may be lines below.
        let end = self.previous_end();
        let related = opened.map(|token| (token.start..token.end, "opened here".to_owned()));
        let hint = (kind == SyntaxKind::Semicolon).then(|| "each binding ends with `;`".to_owned());
        self.sink.problem(Diagnostic {
            message: format!("expected {}, found {}", kind.describe(), self.kind().describe()),
            range: end..end,
            related,
            hint,
        });
    }

    /// Reports the next token.
    #[cold]
    pub(crate) fn unexpected(&mut self, wanted: &str) {
        if !S::RECOVERS {
            return self.fail(Failure::Unexpected(self.index));
        }
        let message = format!("expected {wanted}, found {}", self.kind().describe());
        self.problem(message, None);
    }

    /// Reports a problem with the next token, unless one was reported there.
    pub(crate) fn problem(&mut self, message: String, hint: Option<String>) {
        if self.last_problem == self.index {
            return;
        }
        self.last_problem = self.index;
        let token = self.token();
        self.sink.problem(Diagnostic {
            message,
            range: token.start..token.end,
            related: None,
            hint,
        });
    }

    /// Wraps the next token as an error.
    pub(crate) fn skip(&mut self) {
        let mark = self.mark();
        self.bump();
        self.sink.close(mark, SyntaxKind::ErrorNode);
    }
}
