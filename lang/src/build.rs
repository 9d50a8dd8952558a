//! The sink that builds the AST of [`crate::ast`].

use crate::ast::*;
use crate::error::{SyntaxError, Warning};
use crate::event::{Mark, Parameters, SetKind, Sink};
use crate::kind::SyntaxKind;
use crate::lexer::{self, Token};
use crate::merge::{Entry, Merger};
use crate::options::{Lint, ParseOptions};
use crate::path;
use crate::position::Pos;
use crate::symbol::{Symbol, Symbols};
use crate::unescape::{IndentedPart, Stripper, common_indent, unescape, unescape_indented};
use bumpalo::Bump;
use std::borrow::Cow;

/// Builds the AST of one source.
pub(crate) struct Builder<'a, 'o> {
    source: &'a [u8],
    /// The source, when it is UTF-8: names need not be checked one by one.
    text: Option<&'a str>,
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
            text: std::str::from_utf8(source).ok(),
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
        match self
            .text
            .and_then(|text| text.get(token.start as usize..token.end as usize))
        {
            Some(name) => self.symbols.intern_identifier(name),
            None => self.symbols.intern(self.slice(token)),
        }
    }

    /// A reference to a variable that the reference's grammar introduces, such as `__sub`.
    fn builtin(&mut self, name: &str) -> ExprRef<'a> {
        let symbol = self.symbols.intern_identifier(name);
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

    /// The text of a part of a `"…"` string or a path.
    fn part_bytes(&self, token: Token) -> &'a [u8] {
        let text = self.slice(token);
        if token.kind == SyntaxKind::StringText {
            self.bytes(unescape(text))
        } else {
            text
        }
    }

    /// Takes the finished parts off the stack.
    fn concat_parts(&mut self, parts: usize) -> &'a [ConcatPart<'a>] {
        let mut finished = bumpalo::collections::Vec::with_capacity_in(self.parts.len() - parts, self.arena);
        for part in &self.parts[parts..] {
            finished.push(match *part {
                Part::Expr(pos, expr) => ConcatPart { pos, expr },
                Part::Text(token) => ConcatPart {
                    pos: self.pos(token.start),
                    expr: self.expr(Pos::NONE, ExprKind::String(self.part_bytes(token))),
                },
            });
        }
        self.parts.truncate(parts);
        finished.into_bump_slice()
    }

    /// A string, as an expression or only as text where that is all it is.
    fn finish_string(&mut self, parts: usize) -> Result<&'a [u8], ExprRef<'a>> {
        match self.parts[parts..] {
            [] => Ok(b""),
            [Part::Text(token)] => {
                self.parts.truncate(parts);
                Ok(self.part_bytes(token))
            }
            [first, ..] => {
                let pos = match first {
                    Part::Text(token) => self.pos(token.start),
                    Part::Expr(pos, _) => pos,
                };
                let parts = self.concat_parts(parts);
                Err(self.expr(
                    pos,
                    ExprKind::Concat {
                        force_string: true,
                        parts,
                    },
                ))
            }
        }
    }

    /// The expression a path starts with.
    fn path_start(&mut self, token: Token) -> ExprRef<'a> {
        let text = self.slice(token);
        let lint = |setting: Lint| (setting != Lint::Ignore).then_some(setting);
        let absolute = token.kind == SyntaxKind::HomePath || text.starts_with(b"/");
        if absolute && let Some(setting) = lint(self.options.absolute_path_literals) {
            let kind = if text.starts_with(b"~") {
                "home"
            } else {
                "absolute"
            };
            let message = format!(
                "{kind} path literals are not portable. Consider replacing path literal '{}' by a string, relative path, or parameter (lint-absolute-path-literals)",
                String::from_utf8_lossy(text)
            );
            self.lint(setting, token, message);
        }
        if !absolute
            && !text.starts_with(b".")
            && let Some(setting) = lint(self.options.short_path_literals)
        {
            let text = String::from_utf8_lossy(text);
            let message = format!(
                "relative path literal '{text}' should be prefixed with '.' for clarity: './{text}' (lint-short-path-literals)"
            );
            self.lint(setting, token, message);
        }
        let value = if token.kind == SyntaxKind::HomePath {
            match self.options.home {
                Some(home) => [home, &text[1..]].concat(),
                None => {
                    let message = format!(
                        "the path '{}' can not be resolved in pure mode",
                        String::from_utf8_lossy(text)
                    );
                    self.fail(token.start, SyntaxError::new(message, Pos::NONE));
                    return self.missing();
                }
            }
        } else {
            let mut value = path::absolute(self.options.base_dir, text);
            if text.len() > 1 && text.ends_with(b"/") {
                value.push(b'/');
            }
            value
        };
        let value = self.arena.alloc_slice_copy(&value);
        self.expr(Pos::NONE, ExprKind::Path(value))
    }

    #[cold]
    fn lint(&mut self, setting: Lint, token: Token, message: String) {
        let pos = self.pos(token.start);
        match setting {
            Lint::Ignore => {}
            Lint::Warn => self.warnings.push(Warning::Lint { pos, message }),
            Lint::Fatal => self.fail(token.start, SyntaxError::new(message, pos)),
        }
    }

    fn uri(&mut self, token: Token) -> ExprRef<'a> {
        let text = self.slice(token);
        if self.options.url_literals != Lint::Ignore {
            let fatal = self.options.url_literals == Lint::Fatal;
            let message = format!(
                "URL literals are {}. Consider using a string literal \"{}\" instead (lint-url-literals)",
                if fatal { "disallowed" } else { "discouraged" },
                String::from_utf8_lossy(text)
            );
            self.lint(self.options.url_literals, token, message);
        }
        self.expr(Pos::NONE, ExprKind::String(text))
    }

    fn static_name(&mut self, start: u32, name: &[u8]) {
        let kind = AttrNameKind::Static(self.symbols.intern(name));
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
                crate::show::identifier_text(&self.symbols.resolve(name))
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
}

impl<'a> Sink for Builder<'a, '_> {
    const RECOVERS: bool = false;
    type Node = ();
    type Expr = ExprRef<'a>;
    type Bindings = &'a Bindings<'a>;
    type BindingsStart = BindingsStart;

    #[inline(always)]
    fn node(&mut self, _: u32) {}
    #[inline(always)]
    fn token(&mut self, _: Token) {}
    #[inline(always)]
    fn close(&mut self, _: Mark<()>, _: SyntaxKind) {}
    fn problem(&mut self, _: crate::event::Problem) {}

    fn stop(&mut self) {
        self.stopped = true;
    }

    fn missing(&mut self) -> ExprRef<'a> {
        self.expr(Pos::NONE, ExprKind::Int(0))
    }

    #[cold]
    fn or_warning(&mut self, expr: ExprRef<'a>, end: u32) {
        // The call of `or` has the position of its function.
        let start = expr.pos.0.wrapping_sub(self.options.base);
        let snippet = self
            .source
            .get(start as usize..end as usize)
            .unwrap_or_default()
            .to_vec();
        self.warnings.push(Warning::Or {
            pos: expr.pos,
            snippet,
        });
    }

    #[inline]
    fn leaf(&mut self, mark: Mark<()>, token: Token) -> ExprRef<'a> {
        match token.kind {
            SyntaxKind::Int => {
                let value = lexer::int(self.slice(token)).unwrap_or(0);
                self.expr(Pos::NONE, ExprKind::Int(value))
            }
            SyntaxKind::Float => {
                let value = lexer::float(self.slice(token)).unwrap_or(0.0);
                self.expr(Pos::NONE, ExprKind::Float(value))
            }
            SyntaxKind::Uri => self.uri(token),
            SyntaxKind::SearchPath => {
                let name = &self.source[token.start as usize + 1..token.end as usize - 1];
                let name = self.expr(Pos::NONE, ExprKind::String(name));
                let nix_path = self.builtin("__nixPath");
                let pos = self.pos(mark.start);
                self.call_builtin(pos, "__findFile", [nix_path, name])
            }
            _ => {
                let pos = self.pos(mark.start);
                if self.slice(token) == b"__curPos" {
                    return self.expr(pos, ExprKind::CurPos);
                }
                let symbol = self.symbol(token);
                self.expr(pos, ExprKind::Var(symbol))
            }
        }
    }

    #[inline(always)]
    fn paren(&mut self, _: Mark<()>, inner: ExprRef<'a>) -> ExprRef<'a> {
        inner
    }

    #[inline(always)]
    fn parts_start(&mut self) -> usize {
        self.parts.len()
    }

    #[inline(always)]
    fn part_text(&mut self, token: Token) {
        self.parts.push(Part::Text(token));
    }

    #[inline(always)]
    fn part_expr(&mut self, mark: Mark<()>, expr: ExprRef<'a>) {
        self.parts.push(Part::Expr(self.pos(mark.start), expr));
    }

    #[inline]
    fn string(&mut self, _: Mark<()>, parts: usize) -> ExprRef<'a> {
        match self.finish_string(parts) {
            Ok(text) => self.expr(Pos::NONE, ExprKind::String(text)),
            Err(expr) => expr,
        }
    }

    fn indented_string(&mut self, mark: Mark<()>, parts: usize) -> ExprRef<'a> {
        let indent = common_indent(self.parts[parts..].iter().map(|part| match *part {
            Part::Text(token) if token.kind == SyntaxKind::IndentedText => {
                IndentedPart::Text(self.slice(token))
            }
            _ => IndentedPart::Other,
        }));
        let mut stripper = Stripper::new(indent);
        let mut finished = bumpalo::collections::Vec::new_in(self.arena);
        for (index, part) in self.parts.iter().enumerate().skip(parts) {
            let (pos, value) = match *part {
                Part::Expr(pos, expr) => {
                    stripper.skip();
                    finished.push(ConcatPart { pos, expr });
                    continue;
                }
                Part::Text(token) => {
                    let text = self.slice(token);
                    let last = index + 1 == self.parts.len();
                    let value = if token.kind == SyntaxKind::IndentedText {
                        stripper.strip(text, last)
                    } else {
                        unescape_indented_part(&mut stripper, text, last)
                    };
                    (self.pos(token.start), self.bytes(value))
                }
            };
            if !value.is_empty() {
                finished.push(ConcatPart {
                    pos,
                    expr: self.expr(Pos::NONE, ExprKind::String(value)),
                });
            }
        }
        self.parts.truncate(parts);
        match finished[..] {
            [] => self.expr(Pos::NONE, ExprKind::String(b"")),
            [ConcatPart { expr, .. }] if matches!(expr.kind, ExprKind::String(_)) => expr,
            _ => {
                let parts = finished.into_bump_slice();
                self.expr(
                    self.pos(mark.start),
                    ExprKind::Concat {
                        force_string: true,
                        parts,
                    },
                )
            }
        }
    }

    fn path(&mut self, mark: Mark<()>, parts: usize) -> ExprRef<'a> {
        let Some(&Part::Text(start)) = self.parts.get(parts) else {
            return self.missing();
        };
        let first = self.path_start(start);
        if self.parts.len() == parts + 1 {
            self.parts.truncate(parts);
            return first;
        }
        let pos = self.pos(mark.start);
        self.parts[parts] = Part::Expr(pos, first);
        let parts = self.concat_parts(parts);
        self.expr(
            pos,
            ExprKind::Concat {
                force_string: false,
                parts,
            },
        )
    }

    #[inline(always)]
    fn names_start(&mut self) -> usize {
        self.names.len()
    }

    #[inline]
    fn name_token(&mut self, mark: Mark<()>, token: Token) {
        let kind = AttrNameKind::Static(self.symbol(token));
        self.names.push(AttrName {
            pos: self.pos(mark.start),
            kind,
        });
    }

    fn name_string(&mut self, mark: Mark<()>, parts: usize) {
        match self.finish_string(parts) {
            Ok(text) => self.static_name(mark.start, text),
            Err(expr) => {
                self.names.push(AttrName {
                    pos: self.pos(mark.start),
                    kind: AttrNameKind::Dynamic(expr),
                });
            }
        }
    }

    fn name_dynamic(&mut self, mark: Mark<()>, expr: ExprRef<'a>) {
        match expr.kind {
            ExprKind::String(text) => self.static_name(mark.start, text),
            _ => self.names.push(AttrName {
                pos: self.pos(mark.start),
                kind: AttrNameKind::Dynamic(expr),
            }),
        }
    }

    fn select(
        &mut self,
        mark: Mark<()>,
        base: ExprRef<'a>,
        names: usize,
        default: Option<ExprRef<'a>>,
    ) -> ExprRef<'a> {
        let path = self.take_names(names);
        self.expr(self.pos(mark.start), ExprKind::Select { base, path, default })
    }

    fn or_call(&mut self, mark: Mark<()>, base: ExprRef<'a>, _: Token) -> ExprRef<'a> {
        let pos = self.pos(mark.start);
        let or = self.symbols.intern_identifier("or");
        let args = self.arena.alloc([self.expr(pos, ExprKind::Var(or))]);
        // Never merged into a call that `base` is.
        self.expr(pos, ExprKind::Call { function: base, args })
    }

    fn has_attr(&mut self, _: Mark<()>, base: ExprRef<'a>, names: usize) -> ExprRef<'a> {
        let path = self.take_names(names);
        self.expr(base.pos, ExprKind::HasAttr { base, path })
    }

    #[inline(always)]
    fn items_start(&mut self) -> usize {
        self.items.len()
    }

    #[inline(always)]
    fn item(&mut self, expr: ExprRef<'a>) {
        self.items.push(expr);
    }

    #[inline]
    fn call(&mut self, mark: Mark<()>, function: ExprRef<'a>, items: usize) -> ExprRef<'a> {
        self.call_items(self.pos(mark.start), function, items)
    }

    fn list(&mut self, _: Mark<()>, items: usize) -> ExprRef<'a> {
        let list = self.arena.alloc_slice_copy(&self.items[items..]);
        self.items.truncate(items);
        let pos = list.first().map_or(Pos::NONE, |first| first.pos);
        self.expr(pos, ExprKind::List(list))
    }

    fn unary(&mut self, mark: Mark<()>, operator: Token, operand: ExprRef<'a>) -> ExprRef<'a> {
        if operator.kind == SyntaxKind::Bang {
            return self.expr(operand.pos, ExprKind::Not(operand));
        }
        let zero = self.expr(Pos::NONE, ExprKind::Int(0));
        self.call_builtin(self.pos(mark.start), "__sub", [zero, operand])
    }

    fn binary(
        &mut self,
        mark: Mark<()>,
        operator: Token,
        left: ExprRef<'a>,
        right: ExprRef<'a>,
        right_start: u32,
    ) -> ExprRef<'a> {
        let pos = self.pos(operator.start);
        let (op, pos) = match operator.kind {
            SyntaxKind::Plus => {
                let parts = self.arena.alloc([
                    ConcatPart {
                        pos: self.pos(mark.start),
                        expr: left,
                    },
                    ConcatPart {
                        pos: self.pos(right_start),
                        expr: right,
                    },
                ]);
                return self.expr(
                    pos,
                    ExprKind::Concat {
                        force_string: false,
                        parts,
                    },
                );
            }
            SyntaxKind::Minus => return self.call_builtin(pos, "__sub", [left, right]),
            SyntaxKind::Star => return self.call_builtin(pos, "__mul", [left, right]),
            SyntaxKind::Slash => return self.call_builtin(pos, "__div", [left, right]),
            SyntaxKind::Less => return self.call_builtin(pos, "__lessThan", [left, right]),
            SyntaxKind::Greater => return self.call_builtin(pos, "__lessThan", [right, left]),
            SyntaxKind::LessEqual => {
                let more = self.call_builtin(pos, "__lessThan", [right, left]);
                return self.expr(pos, ExprKind::Not(more));
            }
            SyntaxKind::GreaterEqual => {
                let less = self.call_builtin(pos, "__lessThan", [left, right]);
                return self.expr(pos, ExprKind::Not(less));
            }
            SyntaxKind::PipeFrom => return self.call_one(pos, left, right),
            SyntaxKind::PipeInto => return self.call_one(pos, right, left),
            SyntaxKind::Equal => (BinaryOp::Equal, Pos::NONE),
            SyntaxKind::NotEqual => (BinaryOp::NotEqual, Pos::NONE),
            SyntaxKind::AndAnd => (BinaryOp::And, pos),
            SyntaxKind::OrOr => (BinaryOp::Or, pos),
            SyntaxKind::Implies => (BinaryOp::Implies, pos),
            SyntaxKind::Update => (BinaryOp::Update, pos),
            _ => (BinaryOp::ConcatLists, pos),
        };
        self.expr(pos, ExprKind::Binary(op, left, right))
    }

    fn if_else(
        &mut self,
        mark: Mark<()>,
        condition: ExprRef<'a>,
        then_branch: ExprRef<'a>,
        else_branch: ExprRef<'a>,
    ) -> ExprRef<'a> {
        self.expr(
            self.pos(mark.start),
            ExprKind::If {
                condition,
                then_branch,
                else_branch,
            },
        )
    }

    fn with(&mut self, mark: Mark<()>, namespace: ExprRef<'a>, body: ExprRef<'a>) -> ExprRef<'a> {
        self.expr(self.pos(mark.start), ExprKind::With { namespace, body })
    }

    fn assert(&mut self, mark: Mark<()>, condition: ExprRef<'a>, body: ExprRef<'a>) -> ExprRef<'a> {
        self.expr(self.pos(mark.start), ExprKind::Assert { condition, body })
    }

    #[inline]
    fn bindings_start(&mut self) -> BindingsStart {
        BindingsStart {
            entries: self.entries.len(),
            dynamic: self.dynamic.len(),
            inherit_from: self.inherit_from.len(),
        }
    }

    fn binding(&mut self, mark: Mark<()>, names: usize, value: ExprRef<'a>, last: u32) {
        if self.stopped {
            return;
        }
        let pos = self.pos(mark.start);
        let rest = match self.names.len() - names {
            0 => return,
            1 => &[],
            _ => &*self.arena.alloc_slice_copy(&self.names[names + 1..]),
        };
        let first = self.names[names];
        let value = match self.names[self.names.len() - 1].kind {
            AttrNameKind::Static(name) => self.named(value, name),
            AttrNameKind::Dynamic(_) => value,
        };
        self.names.truncate(names);
        match first.kind {
            AttrNameKind::Static(name) => {
                let value = AttrValue::Plain(value);
                self.entries.push(Entry {
                    name,
                    pos,
                    found_at: last,
                    rest,
                    value,
                });
            }
            AttrNameKind::Dynamic(name) => {
                let value = crate::merge::nest(self.arena, rest, pos, value);
                self.dynamic.push(DynamicAttr { name, value, pos });
            }
        }
    }

    fn inherit(&mut self, _: Mark<()>, from: Option<ExprRef<'a>>, names: usize, last: u32) {
        if self.stopped {
            return;
        }
        let value = match from {
            None => AttrValue::Inherit,
            Some(expr) => {
                // Counted from the start of the stack; `bindings` makes it relative to the set.
                self.inherit_from.push(expr);
                AttrValue::InheritFrom(self.inherit_from.len() as u32 - 1)
            }
        };
        for name in self.names.drain(names..) {
            if let AttrNameKind::Static(symbol) = name.kind {
                self.entries.push(Entry {
                    name: symbol,
                    pos: name.pos,
                    found_at: last,
                    rest: &[],
                    value,
                });
            }
        }
    }

    #[inline]
    fn inherit_name(&mut self, last: u32) {
        if let Some(AttrName {
            pos,
            kind: AttrNameKind::Dynamic(_),
        }) = self.names.last()
            && !self.stopped
        {
            let pos = *pos;
            self.fail(
                last,
                SyntaxError::new("dynamic attributes not allowed in inherit".to_owned(), pos),
            );
        }
    }

    fn bindings(&mut self, start: BindingsStart) -> &'a Bindings<'a> {
        let first_from = start.inherit_from as u32;
        let entries = &mut self.entries[start.entries..];
        if first_from > 0 {
            for entry in entries.iter_mut() {
                if let AttrValue::InheritFrom(index) = &mut entry.value {
                    *index -= first_from;
                }
            }
        }
        let inherit_from = self
            .arena
            .alloc_slice_copy(&self.inherit_from[start.inherit_from..]);
        let dynamic = self.arena.alloc_slice_copy(&self.dynamic[start.dynamic..]);
        let mut merger = Merger::new(self.arena);
        let attrs = merger.attrs(entries);
        let error = merger.finish(self.symbols);
        self.entries.truncate(start.entries);
        self.dynamic.truncate(start.dynamic);
        self.inherit_from.truncate(start.inherit_from);
        if let Some((found_at, error)) = error {
            self.fail(found_at, error);
        }
        self.arena.alloc(Bindings {
            attrs,
            inherit_from,
            dynamic,
        })
    }

    fn set(&mut self, mark: Mark<()>, kind: SetKind, bindings: &'a Bindings<'a>) -> ExprRef<'a> {
        let recursive = kind != SetKind::Plain;
        let set = self.expr(self.pos(mark.start), ExprKind::Attrs { recursive, bindings });
        if kind != SetKind::Legacy {
            return set;
        }
        let body = self.symbols.intern_identifier("body");
        let path = self.arena.alloc([AttrName {
            pos: Pos::NONE,
            kind: AttrNameKind::Static(body),
        }]);
        self.expr(
            Pos::NONE,
            ExprKind::Select {
                base: set,
                path,
                default: None,
            },
        )
    }

    fn let_in(
        &mut self,
        mark: Mark<()>,
        bindings: &'a Bindings<'a>,
        body: ExprRef<'a>,
        next: u32,
    ) -> ExprRef<'a> {
        if !bindings.dynamic.is_empty() && !self.stopped {
            let pos = self.pos(mark.start);
            self.fail(
                next,
                SyntaxError::new("dynamic attributes not allowed in let".to_owned(), pos),
            );
        }
        self.expr(Pos::NONE, ExprKind::Let { bindings, body })
    }

    #[inline]
    fn formals_start(&mut self) -> usize {
        self.formals.len()
    }

    #[inline]
    fn formal(&mut self, mark: Mark<()>, name: Token, default: Option<ExprRef<'a>>) {
        let name = self.symbol(name);
        self.formals.push(Formal {
            pos: self.pos(mark.start),
            name,
            default,
        });
    }

    fn lambda(
        &mut self,
        mark: Mark<()>,
        parameters: Parameters,
        body: ExprRef<'a>,
        next: u32,
    ) -> ExprRef<'a> {
        if self.stopped {
            return self.missing();
        }
        let arg = parameters.name.map(|token| self.symbol(token));
        let formals = parameters.formals.map(|(start, ellipsis)| Formals {
            formals: self.take_formals(start, mark, arg, next),
            ellipsis,
        });
        let pos = self.pos(mark.start);
        let lambda = self.arena.alloc(Lambda {
            pos,
            name: None,
            arg,
            formals,
            body,
        });
        self.expr(pos, ExprKind::Lambda(lambda))
    }
}

impl<'a> Builder<'a, '_> {
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

/// The value of an escape. As in the reference it passes through the stripper like text: the indentation of its
/// line has ended, but a newline it makes starts a new line.
fn unescape_indented_part<'s>(stripper: &mut Stripper, escape: &'s [u8], last: bool) -> Cow<'s, [u8]> {
    match unescape_indented(escape) {
        Cow::Borrowed(value) => stripper.strip(value, last),
        Cow::Owned(value) => Cow::Owned(stripper.strip(&value, last).into_owned()),
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
