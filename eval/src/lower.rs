//! Lowering: from the AST of a file to the code that runs.
//!
//! One pass resolves scopes, works out captures, folds constants and finds variables that nobody defines. The AST
//! and its arena can be dropped afterwards.

use crate::code::*;
use crate::error::{Error, Kind, Result};
use crate::evaluator::{Evaluator, count};
use crate::layers::UnionCache;
use crate::scope::{Resolved, Scopes};
use crate::value::Value;
use nivis_lang::ast::{
    AttrName, AttrNameKind, AttrValue, BinaryOp, Bindings, Expr, ExprKind, ExprRef, Lambda,
};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use std::cell::Cell;

impl Evaluator {
    /// Lowers a file that starts at `start`. `scope` are additional names around it (of `scopedImport`); the code's
    /// captures are their slots, in order.
    pub(crate) fn lower(
        &self,
        expr: ExprRef<'_>,
        start: Pos,
        scope: &[Symbol],
    ) -> Result<&'static ThunkCode> {
        // Constants stay as long as the code does.
        self.heap.permanently(|| self.lower_here(expr, start, scope))
    }

    fn lower_here(&self, expr: ExprRef<'_>, start: Pos, scope: &[Symbol]) -> Result<&'static ThunkCode> {
        let base = self.base_scope.borrow();
        let mut lowering = Lowering {
            ev: self,
            scopes: Scopes::new(&base),
            function: start,
            head: None,
        };
        // The outer level only holds the additional names; the file captures them.
        lowering.scopes.enter_level();
        let first = lowering.scopes.reserve_locals(scope.len() as u32);
        for (i, &name) in scope.iter().enumerate() {
            lowering.scopes.bind(name, first + i as u32);
        }
        let code = lowering.thunk(expr);
        lowering.scopes.leave_level(self.code);
        code
    }
}

struct Lowering<'e> {
    ev: &'e Evaluator,
    scopes: Scopes<'e>,
    /// The function whose body is lowered, or the start of the file.
    function: Pos,
    /// For a lambda that is the body of another: the function that both are.
    head: Option<Pos>,
}

impl Lowering<'_> {
    fn alloc<T>(&self, code: T) -> &'static T {
        count(&self.ev.stats.expressions);
        self.ev.code.alloc(code)
    }

    fn slice<T>(&self, codes: Vec<T>) -> &'static [T] {
        self.ev.code.alloc_slice_fill_iter(codes)
    }

    /// Lowers the parts of something one by one.
    fn each<T, C>(
        &mut self,
        parts: &[T],
        mut lower: impl FnMut(&mut Self, usize, &T) -> Result<C>,
    ) -> Result<&'static [C]> {
        let code = self.ev.code;
        let codes = code.alloc_slice_try_fill_with(parts.len(), |i| lower(self, i, &parts[i]))?;
        Ok(codes)
    }

    /// An expression in a lazy position that needs a thunk.
    fn thunk(&mut self, expr: ExprRef<'_>) -> Result<&'static ThunkCode> {
        self.scopes.enter_level();
        let body = self.strict(expr);
        let (captures, frame_size) = self.scopes.leave_level(self.ev.code);
        Ok(self.alloc(ThunkCode {
            body: body?,
            captures,
            frame_size,
            function: self.function,
        }))
    }

    /// An expression in a lazy position. Constants and variables need no thunk.
    fn lazy(&mut self, expr: ExprRef<'_>) -> Result<Delayed> {
        Ok(self.lazy_op(expr)?.pack(self.ev.code))
    }

    fn lazy_op(&mut self, expr: ExprRef<'_>) -> Result<LazyOp> {
        Ok(match expr.kind {
            ExprKind::Int(i) => LazyOp::Const(self.ev.int(i).slot()),
            ExprKind::Float(f) => LazyOp::Const(self.ev.heap.float(f).slot()),
            ExprKind::String(s) => LazyOp::Const(self.ev.string(s).slot()),
            ExprKind::Path(p) => LazyOp::Const(self.ev.heap.path(p).slot()),
            ExprKind::List([]) => LazyOp::Const(Value::EMPTY_LIST.slot()),
            ExprKind::Var(name) => return self.lazy_variable(name, expr),
            ExprKind::Lambda(lambda) => LazyOp::Lambda(self.lambda(lambda)?),
            _ => LazyOp::Thunk(self.thunk(expr)?),
        })
    }

    fn lazy_variable(&mut self, name: Symbol, expr: ExprRef<'_>) -> Result<LazyOp> {
        Ok(match self.scopes.resolve(name) {
            Resolved::Variable { source, ready: true } => LazyOp::Variable(source),
            Resolved::Global(slot) => LazyOp::Const(slot),
            // Not known yet, or the namespace must not be forced yet.
            Resolved::Variable { .. } | Resolved::With => LazyOp::Thunk(self.thunk(expr)?),
            Resolved::Undefined => return Err(self.undefined(name, expr.pos)),
        })
    }

    #[cold]
    fn undefined(&self, name: Symbol, pos: Pos) -> Error {
        Error::new(
            Kind::UndefinedVariable,
            format!("undefined variable '{}'", self.ev.name_in_message(name)),
        )
        .at(pos)
    }

    fn variable(&mut self, name: Symbol, pos: Pos) -> Result<Op> {
        Ok(match self.scopes.resolve(name) {
            Resolved::Variable { source, .. } => match source.as_captured() {
                Ok(index) => Op::Captured { index, pos },
                Err(index) => Op::Local { index, pos },
            },
            Resolved::Global(slot) => match slot.direct() {
                Some(value) => Op::Const(value),
                None => Op::Global(slot),
            },
            Resolved::With => {
                let namespaces = self.scopes.namespaces(self.ev.code);
                Op::With(self.alloc(WithCode {
                    name,
                    namespaces,
                    pos,
                }))
            }
            Resolved::Undefined => return Err(self.undefined(name, pos)),
        })
    }

    /// An expression in a strict position.
    fn strict(&mut self, expr: ExprRef<'_>) -> Result<Code> {
        Ok(self.strict_op(expr)?.pack(self.ev.code))
    }

    fn strict_op(&mut self, expr: ExprRef<'_>) -> Result<Op> {
        let pos = expr.pos;
        Ok(match expr.kind {
            ExprKind::Int(i) => Op::Const(self.ev.int(i)),
            ExprKind::Float(f) => Op::Const(self.ev.heap.float(f)),
            ExprKind::String(s) => Op::Const(self.ev.string(s)),
            ExprKind::Path(p) => Op::Const(self.ev.heap.path(p)),
            ExprKind::CurPos => Op::CurPos(pos),
            ExprKind::Var(name) => return self.variable(name, pos),
            ExprKind::Select { base, path, default } => return self.select(base, path, default, pos),
            ExprKind::HasAttr { base, path } => {
                let base = self.strict(base)?;
                let path = self.path(path)?;
                Op::HasAttr(self.alloc(HasAttrCode { base, path, pos }))
            }
            ExprKind::Call { function, args } => return self.call(function, args, pos),
            ExprKind::Lambda(lambda) => Op::Lambda(self.lambda(lambda)?),
            ExprKind::Let { bindings, body } => return self.let_in(bindings, body),
            ExprKind::Attrs {
                recursive: false,
                bindings,
            } => return self.attrs(bindings),
            ExprKind::Attrs {
                recursive: true,
                bindings,
            } => return self.rec_attrs(bindings),
            ExprKind::List(elements) => {
                let elements = self.each(elements, |lowering, _, element| lowering.lazy(element))?;
                Op::List(self.alloc(ListCode { elements }))
            }
            ExprKind::With { namespace, body } => {
                let namespace = self.lazy(namespace)?;
                let local = self.scopes.reserve_locals(1);
                self.scopes.enter_with(local, pos);
                let body = self.strict(body);
                self.scopes.leave_with();
                self.scopes.release_locals(local);
                Op::WithScope(self.alloc(WithScopeCode {
                    namespace,
                    local,
                    body: body?,
                }))
            }
            ExprKind::If {
                condition,
                then_branch,
                else_branch,
            } => {
                let condition = self.strict(condition)?;
                let then_branch = self.strict(then_branch)?;
                let else_branch = self.strict(else_branch)?;
                Op::If(self.alloc(IfCode {
                    condition,
                    then_branch,
                    else_branch,
                    pos,
                }))
            }
            ExprKind::Assert { condition, body } => {
                let text = nivis_lang::show::show(condition, &self.ev.symbols.borrow());
                let text = self.ev.code.alloc_str(&String::from_utf8_lossy(&text));
                let condition = self.strict(condition)?;
                let body = self.strict(body)?;
                Op::Assert(self.alloc(AssertCode {
                    condition,
                    body,
                    pos,
                    text,
                }))
            }
            ExprKind::Not(operand) => {
                let operand = self.strict(operand)?;
                Op::Not(self.alloc(NotCode { operand, pos }))
            }
            ExprKind::Binary(operator, left, right) => return self.binary(operator, left, right, pos),
            ExprKind::Concat { force_string, parts } => {
                let parts = self.each(parts, |lowering, _, part| {
                    Ok((lowering.strict(part.expr)?, part.pos))
                })?;
                Op::Concat(self.alloc(ConcatCode {
                    force_string,
                    parts,
                    pos,
                }))
            }
        })
    }

    fn binary(&mut self, operator: BinaryOp, left: ExprRef<'_>, right: ExprRef<'_>, pos: Pos) -> Result<Op> {
        let (left, right) = (self.strict(left)?, self.strict(right)?);
        let code = BinaryCode {
            left,
            right,
            pos,
            primop: None,
        };
        Ok(match operator {
            BinaryOp::Equal => Op::Equal(self.alloc(code)),
            BinaryOp::NotEqual => Op::NotEqual(self.alloc(code)),
            BinaryOp::And => Op::And(self.alloc(code)),
            BinaryOp::Or => Op::Or(self.alloc(code)),
            BinaryOp::Implies => Op::Implies(self.alloc(code)),
            BinaryOp::ConcatLists => Op::ConcatLists(self.alloc(code)),
            BinaryOp::Update => Op::Update(self.alloc(UpdateCode {
                left,
                right,
                pos,
                union: UnionCache::default(),
            })),
        })
    }

    fn name(&mut self, name: &AttrName<'_>) -> Result<Name> {
        Ok(match name.kind {
            AttrNameKind::Static(symbol) => Name::Static(symbol, self.ev.code.alloc(InlineCache::new())),
            AttrNameKind::Dynamic(expr) => Name::Dynamic(self.strict(expr)?, expr.pos),
        })
    }

    fn path(&mut self, path: &[AttrName<'_>]) -> Result<&'static [Name]> {
        self.each(path, |lowering, _, name| lowering.name(name))
    }

    fn select(
        &mut self,
        base: ExprRef<'_>,
        path: &[AttrName<'_>],
        default: Option<ExprRef<'_>>,
        pos: Pos,
    ) -> Result<Op> {
        let base = self.strict(base)?;
        if let (
            None,
            [
                AttrName {
                    kind: AttrNameKind::Static(name),
                    ..
                },
            ],
        ) = (default, path)
        {
            return Ok(Op::Select(self.alloc(SelectCode {
                base,
                name: *name,
                pos,
                cache: InlineCache::new(),
            })));
        }
        let path = self.path(path)?;
        let default = default.map(|default| self.strict(default)).transpose()?;
        Ok(Op::SelectPath(self.alloc(SelectPathCode {
            base,
            path,
            default,
            pos,
        })))
    }

    fn call(&mut self, function: ExprRef<'_>, args: &[ExprRef<'_>], pos: Pos) -> Result<Op> {
        if let Some(code) = self.arithmetic(function, args, pos)? {
            return Ok(code);
        }
        let function = self.strict(function)?;
        let args = self.each(args, |lowering, _, argument| lowering.lazy(argument))?;
        Ok(Op::Call(self.alloc(CallCode { function, args, pos })))
    }

    /// `a - b` and its like, unless the user shadowed `__sub` and its like.
    fn arithmetic(&mut self, function: ExprRef<'_>, args: &[ExprRef<'_>], pos: Pos) -> Result<Option<Op>> {
        let (ExprKind::Var(name), [left, right]) = (function.kind, args) else {
            return Ok(None);
        };
        let names = &self.ev.names;
        let operator = match name {
            name if name == names.sub => Arithmetic::Sub,
            name if name == names.mul => Arithmetic::Mul,
            name if name == names.div => Arithmetic::Div,
            name if name == names.less_than => Arithmetic::Less,
            _ => return Ok(None),
        };
        let Resolved::Global(slot) = self.scopes.resolve(name) else {
            return Ok(None);
        };
        let primop = self.ev.primop_of(slot);
        let (left, right) = (self.strict(left)?, self.strict(right)?);
        Ok(Some(Op::Arithmetic(
            operator,
            self.alloc(BinaryCode {
                left,
                right,
                pos,
                primop,
            }),
        )))
    }

    fn lambda(&mut self, lambda: &Lambda<'_>) -> Result<&'static LambdaCode> {
        let function = self.head.take().unwrap_or(lambda.pos);
        let maker = std::mem::replace(&mut self.function, function);
        self.scopes.enter_level();
        let lowered = self.lambda_inside(lambda);
        self.function = maker;
        let (captures, frame_size) = self.scopes.leave_level(self.ev.code);
        let (parameter, body) = lowered?;
        Ok(self.alloc(LambdaCode {
            pos: lambda.pos,
            name: Cell::new(lambda.name),
            parameter,
            function,
            maker,
            captures,
            frame_size,
            body,
            closed: Cell::new(None),
        }))
    }

    fn lambda_inside(&mut self, lambda: &Lambda<'_>) -> Result<(Parameter, Code)> {
        let formals = lambda.formals.map_or(&[][..], |formals| formals.formals);
        let locals = usize::from(lambda.arg.is_some()) + formals.len();
        let first = self.scopes.reserve_locals(locals.max(1) as u32);
        let names = lambda
            .arg
            .into_iter()
            .chain(formals.iter().map(|formal| formal.name));
        let bound = self.scopes.bound();
        for (i, name) in names.enumerate() {
            self.scopes.bind(name, first + i as u32);
        }
        let result = self.parameter_and_body(lambda, first);
        self.scopes.unbind_to(bound);
        result
    }

    fn parameter_and_body(&mut self, lambda: &Lambda<'_>, first: u32) -> Result<(Parameter, Code)> {
        let parameter = match (&lambda.formals, lambda.arg) {
            (None, Some(name)) => Parameter::Name(name),
            (None, None) => Parameter::Name(self.ev.names.epsilon),
            (Some(formals), name) => {
                let first = first + u32::from(name.is_some());
                let end = first + formals.formals.len() as u32;
                self.scopes.start_binding(first, end);
                let lowered = self.each(formals.formals, |lowering, i, formal| {
                    lowering.scopes.bound_up_to(first + i as u32);
                    let default = formal.default.map(|default| lowering.lazy(default)).transpose()?;
                    Ok(Formal {
                        name: formal.name,
                        pos: formal.pos,
                        default,
                    })
                });
                self.scopes.finish_binding();
                let formals_code = lowered?;
                let defaults = formals_code
                    .iter()
                    .filter(|formal| formal.default.is_some())
                    .count() as u32;
                let plan = PlanCache {
                    shape: Cell::new(0),
                    indices: Cell::new(&[]),
                    misses: Cell::new(0),
                };
                Parameter::Pattern(self.alloc(Pattern {
                    name,
                    formals: formals_code,
                    ellipsis: formals.ellipsis,
                    defaults,
                    plan,
                    args: std::cell::Cell::new(None),
                }))
            }
        };
        self.head = matches!(lambda.body.kind, ExprKind::Lambda(_)).then_some(self.function);
        Ok((parameter, self.strict(lambda.body)?))
    }

    /// The sources of `inherit (e)`: hidden locals.
    fn inherit_sources(&mut self, bindings: &Bindings<'_>, first: u32) -> Result<Vec<Bound>> {
        let sources = bindings.inherit_from.iter().enumerate();
        sources
            .map(|(i, source)| {
                self.scopes.bound_up_to(first + i as u32);
                Ok(Bound {
                    local: first + i as u32,
                    late: false,
                    value: self.lazy(source)?,
                })
            })
            .collect()
    }

    /// `inherit (e) name;`: a thunk that selects from the hidden local.
    fn inherited(&self, name: Symbol, local: u32, pos: Pos) -> LazyOp {
        let base = Op::Captured { index: 0, pos }.pack(self.ev.code);
        let body = Op::Select(self.alloc(SelectCode {
            base,
            name,
            pos,
            cache: InlineCache::new(),
        }))
        .pack(self.ev.code);
        let captures = self.slice(vec![Source::local(local)]);
        LazyOp::Thunk(self.alloc(ThunkCode {
            body,
            captures,
            frame_size: 0,
            function: self.function,
        }))
    }

    fn attr_value(&mut self, attr: &nivis_lang::ast::Attr<'_>, sources: u32) -> Result<Delayed> {
        let op = match attr.value {
            AttrValue::Plain(expr) => self.lazy_op(expr)?,
            AttrValue::Inherit => {
                let variable = Expr {
                    pos: attr.pos,
                    kind: ExprKind::Var(attr.name),
                };
                self.lazy_variable(attr.name, &variable)?
            }
            AttrValue::InheritFrom(i) => self.inherited(attr.name, sources + i, attr.pos),
        };
        Ok(op.pack(self.ev.code))
    }

    /// Bindings that see one another, with locals from `first` on: first the sources of `inherit (e)`, then the
    /// attributes. The names are bound when this returns; the caller unbinds them.
    fn recursive(&mut self, bindings: &Bindings<'_>, first: u32, always_thunk: bool) -> Result<Vec<Bound>> {
        let sources = bindings.inherit_from.len() as u32;
        let first_attr = first + sources;
        let end = first_attr + bindings.attrs.len() as u32;
        // `inherit x;` means the x around the bindings, so these are lowered before any name is bound.
        let mut outer = vec![];
        for attr in bindings.attrs {
            if let AttrValue::Inherit = attr.value {
                outer.push(self.attr_value(attr, first)?);
            }
        }
        let mut outer = outer.into_iter();
        for (i, attr) in bindings.attrs.iter().enumerate() {
            self.scopes.bind(attr.name, first_attr + i as u32);
        }
        self.scopes.start_binding(first, end);
        let result = (|| {
            let mut bound = self.inherit_sources(bindings, first)?;
            for (i, attr) in bindings.attrs.iter().enumerate() {
                let local = first_attr + i as u32;
                self.scopes.bound_up_to(local);
                let value = match attr.value {
                    AttrValue::Inherit => outer.next().expect("one for each"),
                    AttrValue::Plain(expr) if always_thunk => {
                        LazyOp::Thunk(self.thunk(expr)?).pack(self.ev.code)
                    }
                    _ => self.attr_value(attr, first)?,
                };
                bound.push(Bound {
                    local,
                    late: false,
                    value,
                });
            }
            for bound in &mut bound {
                bound.late = bound.value.reads(bound.local..end);
            }
            Ok(bound)
        })();
        self.scopes.finish_binding();
        result
    }

    fn let_in(&mut self, bindings: &Bindings<'_>, body: ExprRef<'_>) -> Result<Op> {
        let locals = bindings.inherit_from.len() + bindings.attrs.len();
        let first = self.scopes.reserve_locals(locals as u32);
        let names = self.scopes.bound();
        let bound = self.recursive(bindings, first, false)?;
        let body = self.strict(body);
        self.scopes.unbind_to(names);
        self.scopes.release_locals(first);
        let has_late = bound.iter().any(|bound| bound.late);
        let bindings = self.slice(bound);
        Ok(Op::Let(self.alloc(LetCode {
            bindings,
            has_late,
            body: body?,
        })))
    }

    fn keys(&self, bindings: &Bindings<'_>) -> &'static crate::keys::Keys {
        let keys = bindings.attrs.iter().map(|attr| (attr.name, attr.pos));
        self.ev.heap.keys.make_literal(self.ev.heap, keys)
    }

    fn dynamic(&mut self, bindings: &Bindings<'_>) -> Result<&'static [DynamicCode]> {
        self.each(bindings.dynamic, |lowering, _, attr| {
            let name = lowering.strict(attr.name)?;
            let value = lowering.lazy(attr.value)?;
            Ok(DynamicCode {
                name,
                value,
                pos: attr.pos,
            })
        })
    }

    fn attrs(&mut self, bindings: &Bindings<'_>) -> Result<Op> {
        let first = self.scopes.reserve_locals(bindings.inherit_from.len() as u32);
        // Outside `rec` the sources see nothing of the set; they exist in order.
        self.scopes
            .start_binding(first, first + bindings.inherit_from.len() as u32);
        let sources = self.inherit_sources(bindings, first);
        self.scopes.finish_binding();
        let inherit_from = self.slice(sources?);
        let slots = self.each(bindings.attrs, |lowering, _, attr| {
            lowering.attr_value(attr, first)
        })?;
        let keys = self.keys(bindings);
        let dynamic = self.dynamic(bindings)?;
        // The locals stay reserved: the attributes' thunks are made while the set is built, and dynamic names
        // are evaluated in between.
        let more = (!inherit_from.is_empty() || !dynamic.is_empty()).then(|| {
            let more = MoreAttrs {
                inherit_from,
                dynamic,
            };
            &*self.ev.code.alloc(more)
        });
        Ok(Op::Attrs(self.alloc(AttrsCode { keys, slots, more })))
    }

    fn rec_attrs(&mut self, bindings: &Bindings<'_>) -> Result<Op> {
        let sources = bindings.inherit_from.len() as u32;
        let first = self.scopes.reserve_locals(sources + bindings.attrs.len() as u32);
        let overrides = bindings
            .attrs
            .iter()
            .position(|attr| attr.name == self.ev.names.overrides);
        let names = self.scopes.bound();
        let bound = self.recursive(bindings, first, overrides.is_some())?;
        let dynamic = self.dynamic(bindings);
        self.scopes.unbind_to(names);
        let keys = self.keys(bindings);
        let has_late = bound.iter().any(|bound| bound.late);
        let bindings = self.slice(bound);
        Ok(Op::RecAttrs(self.alloc(RecAttrsCode {
            keys,
            bindings,
            has_late,
            first: first + sources,
            dynamic: dynamic?,
            overrides: overrides.map(|i| i as u32),
        })))
    }
}
