//! The sink that builds the AST of [`crate::ast`].

mod literal;
mod sink;

use crate::ast::*;
use crate::error::{SyntaxError, Warning};
use crate::event::Mark;
use crate::lexer::Token;
use crate::merge::Entry;
use crate::options::ParseOptions;
use crate::position::Pos;
use crate::symbol::{Symbol, Symbols};
use bumpalo::Bump;
use std::borrow::Cow;

/// Builds the AST of one source.
pub(crate) struct Builder<'a, 'o> {
    source: &'a [u8],
    options: &'o ParseOptions<'o>,
    symbols: &'o mut Symbols,
    arena: &'a Bump,
    /// Parsing stopped: what is closed now is not complete.
    stopped: bool,
    /// The first error, and the offset of the token at which it was found.
    error: Option<(u32, SyntaxError)>,
    warnings: Vec<Warning>,
    parts: Vec<Part<'a>>,
    names: Vec<AttrName<'a>>,
    items: Vec<ExprRef<'a>>,
    formals: Vec<Formal<'a>>,
    entries: Vec<Entry<'a>>,
    dynamic: Vec<DynamicAttr<'a>>,
    inherit_from: Vec<ExprRef<'a>>,
}

/// A part of a string or path that is not finished.
#[derive(Clone, Copy)]
enum Part<'a> {
    Text(Token),
    Expr(Pos, ExprRef<'a>),
}

/// Where the bindings of a set start on the stacks.
#[derive(Clone, Copy)]
pub(crate) struct BindingsStart {
    entries: usize,
    dynamic: usize,
    inherit_from: usize,
}

impl<'a, 'o> Builder<'a, 'o> {
    pub(crate) fn new(
        source: &'a [u8],
        options: &'o ParseOptions<'o>,
        symbols: &'o mut Symbols,
        arena: &'a Bump,
    ) -> Self {
        Builder {
            source,
            options,
            symbols,
            arena,
            stopped: false,
            error: None,
            warnings: Vec::new(),
            parts: Vec::new(),
            names: Vec::new(),
            items: Vec::new(),
            formals: Vec::new(),
            entries: Vec::new(),
            dynamic: Vec::new(),
            inherit_from: Vec::new(),
        }
    }

    /// The first error with the offset at which it was found, and the warnings.
    pub(crate) fn finish(self) -> (Option<(u32, SyntaxError)>, Vec<Warning>) {
        (self.error, self.warnings)
    }

    /// Notes an error. The one that was found earliest in the source stays.
    #[cold]
    fn fail(&mut self, found_at: u32, error: SyntaxError) {
        if self.error.as_ref().is_none_or(|(first, _)| found_at < *first) {
            self.error = Some((found_at, error));
        }
    }

    #[inline(always)]
    fn pos(&self, offset: u32) -> Pos {
        self.options.pos(offset)
    }

    #[inline(always)]
    fn slice(&self, token: Token) -> &'a [u8] {
        &self.source[token.start as usize..token.end as usize]
    }

    #[inline(always)]
    fn expr(&self, pos: Pos, kind: ExprKind<'a>) -> ExprRef<'a> {
        self.arena.alloc(Expr { pos, kind })
    }

    #[inline]
    fn symbol(&mut self, token: Token) -> Symbol {
        let range = token.start as usize..token.end as usize;
        let symbol = self.symbols.intern_part(self.source, range);
        self.note(symbol)
    }

    /// Puts a name on the roll of the source.
    #[inline(always)]
    fn note(&mut self, symbol: Symbol) -> Symbol {
        self.symbols.roll.place(symbol);
        symbol
    }

    /// A reference to a variable that the reference's grammar introduces, such as `__sub`.
    fn builtin(&mut self, name: &str) -> ExprRef<'a> {
        let symbol = self.symbols.intern(name.as_bytes());
        self.note(symbol);
        self.expr(Pos::NONE, ExprKind::Var(symbol))
    }

    fn bytes(&self, value: Cow<'a, [u8]>) -> &'a [u8] {
        match value {
            Cow::Borrowed(bytes) => bytes,
            Cow::Owned(bytes) => self.arena.alloc_slice_copy(&bytes),
        }
    }

    fn call_builtin(&mut self, pos: Pos, name: &str, args: [ExprRef<'a>; 2]) -> ExprRef<'a> {
        let function = self.builtin(name);
        let args = self.arena.alloc(args);
        self.expr(pos, ExprKind::Call { function, args })
    }

    /// A call with one more argument: `function` itself grows when it is a call.
    fn call_one(&mut self, pos: Pos, function: ExprRef<'a>, argument: ExprRef<'a>) -> ExprRef<'a> {
        let items = self.items.len();
        self.items.push(argument);
        self.call_items(pos, function, items)
    }

    fn call_items(&mut self, pos: Pos, function: ExprRef<'a>, items: usize) -> ExprRef<'a> {
        let new = &self.items[items..];
        let expr = match function.kind {
            ExprKind::Call {
                function: inner,
                args,
            } => {
                let args = self.arena.alloc_slice_fill_iter(ExactChain::new(args, new));
                self.expr(
                    function.pos,
                    ExprKind::Call {
                        function: inner,
                        args,
                    },
                )
            }
            _ => {
                let args = self.arena.alloc_slice_copy(new);
                self.expr(pos, ExprKind::Call { function, args })
            }
        };
        self.items.truncate(items);
        expr
    }

    fn static_name(&mut self, start: u32, name: &[u8]) {
        let symbol = self.symbols.intern(name);
        let kind = AttrNameKind::Static(self.note(symbol));
        self.names.push(AttrName {
            pos: self.pos(start),
            kind,
        });
    }

    /// Takes the names from `start` on off the stack.
    fn take_names(&mut self, start: usize) -> &'a [AttrName<'a>] {
        let names = self.arena.alloc_slice_copy(&self.names[start..]);
        self.names.truncate(start);
        names
    }

    /// Takes the formals from `start` on off the stack, in the order of symbols.
    fn take_formals(
        &mut self,
        start: usize,
        mark: Mark<()>,
        arg: Option<Symbol>,
        next: u32,
    ) -> &'a [Formal<'a>] {
        let found = &mut self.formals[start..];
        found.sort_unstable_by_key(|formal| (formal.name, formal.pos));
        let duplicate = found
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name)
            .map(|pair| (pair[1].name, pair[1].pos))
            .or_else(|| {
                let arg = arg.filter(|arg| found.binary_search_by_key(arg, |formal| formal.name).is_ok())?;
                Some((arg, self.options.pos(mark.start)))
            });
        let too_many = found.len() > usize::from(u16::MAX);
        let formals = self.arena.alloc_slice_copy(found);
        self.formals.truncate(start);
        if let Some((name, pos)) = duplicate {
            let message = format!(
                "duplicate formal function argument '{}'",
                crate::show::identifier_text(self.symbols.resolve(name))
            );
            self.fail(next, SyntaxError::new(message, pos));
        } else if too_many {
            let message = format!(
                "too many formal arguments, implementation supports at most {}",
                u16::MAX
            );
            self.fail(next, SyntaxError::new(message, self.pos(mark.start)));
        }
        formals
    }

    /// Gives a function, and the functions that are its body, a name.
    fn named(&self, expr: ExprRef<'a>, name: Symbol) -> ExprRef<'a> {
        let ExprKind::Lambda(first) = expr.kind else {
            return expr;
        };
        let mut chain = vec![first];
        while let ExprKind::Lambda(inner) = chain[chain.len() - 1].body.kind {
            chain.push(inner);
        }
        let mut body = chain[chain.len() - 1].body;
        for lambda in chain.into_iter().rev() {
            let lambda = self.arena.alloc(Lambda {
                name: Some(name),
                body,
                ..*lambda
            });
            body = self.expr(lambda.pos, ExprKind::Lambda(lambda));
        }
        body
    }
}

/// Two slices, one after the other, as an iterator that knows its length.
struct ExactChain<'i, T> {
    first: std::slice::Iter<'i, T>,
    second: std::slice::Iter<'i, T>,
}

impl<'i, T> ExactChain<'i, T> {
    fn new(first: &'i [T], second: &'i [T]) -> Self {
        ExactChain {
            first: first.iter(),
            second: second.iter(),
        }
    }
}

impl<T: Copy> Iterator for ExactChain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.first.next().or_else(|| self.second.next()).copied()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let length = self.first.len() + self.second.len();
        (length, Some(length))
    }
}

impl<T: Copy> ExactSizeIterator for ExactChain<'_, T> {}
