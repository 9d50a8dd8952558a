//! What the builder makes of the grammar's events.

use super::{BindingsStart, Builder, Part};
use crate::ast::*;
use crate::error::{Diagnostic, SyntaxError, Warning};
use crate::event::{Mark, Parameters, SetKind, Sink};
use crate::kind::SyntaxKind;
use crate::lexer::{self, Token};
use crate::merge::{Entry, Merger, nest};
use crate::position::Pos;

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
    fn problem(&mut self, _: Diagnostic) {}

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
        self.finish_indented(mark, parts)
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
        let or = self.symbols.intern(b"or");
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
                let value = nest(self.arena, rest, pos, value);
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
        let body = self.symbols.intern(b"body");
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
