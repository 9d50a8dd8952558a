//! Lowering: from the AST of a file to the code that runs.
//!
//! One pass resolves scopes, works out captures, finds constants and variables that nobody defines, and writes the code into an
//! image (see [`crate::image`]), from which functions and thunks are read when they first run. The AST and its arena can be
//! dropped afterwards.

use crate::code::{Source, ThunkCode};
use crate::error::{Error, Kind, Result};
use crate::evaluator::Evaluator;
use crate::image::{Node, Tag, Writer};
use crate::scope::{Resolved, Scopes};
use nivis_lang::ast::{
    Attr, AttrName, AttrNameKind, AttrValue, BinaryOp, Bindings, Expr, ExprKind, ExprRef, Lambda, PathStart,
};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;

/// A file to be lowered.
pub(crate) struct Unit<'a> {
    pub(crate) expr: ExprRef<'a>,
    /// The position of its first byte.
    pub(crate) start: Pos,
    /// What its relative paths start from.
    pub(crate) directory: &'a [u8],
    /// Additional names around it (of `scopedImport`); the code's captures are their slots, in order.
    pub(crate) scope: &'a [Symbol],
}

impl Evaluator {
    /// Lowers a file. `keep`, if there is one, is given what the host may keep of it, if that says all there is to say.
    pub(crate) fn lower(
        &self,
        unit: &Unit<'_>,
        keep: Option<impl FnOnce(Vec<u8>)>,
    ) -> Result<&'static ThunkCode> {
        let mut writer = self.files.writer.take();
        let roll = std::mem::take(&mut self.symbols.borrow_mut().roll);
        writer.start(unit.start, roll);
        let code = self.write_unit(unit, &mut writer).and_then(|root| {
            if let Some(keep) = keep.filter(|_| writer.is_portable()) {
                keep(self.save_image(&writer, root));
            }
            let expressions = &self.stats.expressions;
            expressions.set(expressions.get().wrapping_add(writer.expressions()));
            self.add_image(writer.records(), writer.names(), unit.start, unit.directory, root)
        });
        self.symbols.borrow_mut().roll = writer.finish();
        self.files.writer.replace(writer);
        code
    }

    /// The error of a variable that nobody defines.
    #[cold]
    pub(crate) fn undefined_variable(&self, name: Symbol, pos: Pos) -> Error {
        let message = format!("undefined variable '{}'", self.name_in_message(name));
        Error::new(Kind::UndefinedVariable, message).at(pos)
    }

    /// Writes the image of a file.
    fn write_unit(&self, unit: &Unit<'_>, writer: &mut Writer) -> Result<Node> {
        let base = self.base_scope.borrow();
        let mut lowering = Lowering {
            ev: self,
            out: writer,
            scopes: Scopes::new(&base),
            pending: vec![],
            function: unit.start,
            head: None,
        };
        // The outer level only holds the additional names; the file captures them.
        lowering.scopes.enter_level();
        let first = lowering.scopes.reserve_locals(unit.scope.len() as u32);
        for (i, &name) in unit.scope.iter().enumerate() {
            lowering.scopes.bind(name, first + i as u32);
        }
        Ok(lowering.thunk(unit.expr)?.node)
    }
}

struct Lowering<'e, 'w> {
    ev: &'e Evaluator,
    out: &'w mut Writer,
    scopes: Scopes<'e>,
    /// Operands of nodes that are not written yet.
    pending: Vec<Option<Node>>,
    /// The function whose body is lowered, or the start of the file.
    function: Pos,
    /// For a lambda that is the body of another: the function that both are.
    head: Option<Pos>,
}

/// What makes a slot.
#[derive(Clone, Copy)]
struct Lazy {
    node: Node,
    /// The highest local that making it reads.
    highest_local: Option<u32>,
}

impl Lazy {
    fn constant(node: Node) -> Lazy {
        Lazy {
            node,
            highest_local: None,
        }
    }
}

/// A slot to make for a local.
struct Bound {
    local: u32,
    /// It reads locals that are bound after it, or itself.
    late: bool,
    value: Node,
}

impl Bound {
    fn new(local: u32, value: Lazy) -> Bound {
        Bound {
            local,
            // No local is in scope that is higher than those bound together with it.
            late: value.highest_local.is_some_and(|highest| highest >= local),
            value: value.node,
        }
    }
}

fn highest_local(sources: &[Source]) -> Option<u32> {
    let locals = sources.iter().filter_map(|source| source.as_captured().err());
    locals.max()
}

impl Lowering<'_, '_> {
    /// Lowers operands; [`Lowering::list`] writes them, [`Lowering::drop_pending`] forgets them.
    fn each<T>(
        &mut self,
        parts: &[T],
        mut lower: impl FnMut(&mut Self, usize, &T) -> Result<Option<Node>>,
    ) -> Result<usize> {
        let mark = self.pending.len();
        for (i, part) in parts.iter().enumerate() {
            let node = lower(self, i, part)?;
            self.pending.push(node);
        }
        Ok(mark)
    }

    /// Writes the operands from a mark on, and how many there are.
    fn list(&mut self, mark: usize) {
        self.out.number((self.pending.len() - mark) as u64);
        for &node in &self.pending[mark..] {
            self.out.optional_operand(node);
        }
        self.pending.truncate(mark);
    }

    /// An expression in a lazy position that needs a thunk.
    fn thunk(&mut self, expr: ExprRef<'_>) -> Result<Lazy> {
        self.scopes.enter_level();
        let body = self.strict(expr)?;
        let level = self.scopes.leave_level();
        let thunk = self.thunk_record(body, level.frame_size, &level.sources);
        self.scopes.reuse(level);
        Ok(thunk)
    }

    fn thunk_record(&mut self, body: Node, frame_size: u32, sources: &[Source]) -> Lazy {
        let node = self.out.node(Tag::Thunk);
        self.out.number(frame_size.into());
        self.out.pos(self.function);
        self.out.operand(body);
        self.out.sources(sources);
        Lazy {
            node,
            highest_local: highest_local(sources),
        }
    }

    /// An expression in a lazy position. Constants and variables need no thunk.
    fn lazy(&mut self, expr: ExprRef<'_>) -> Result<Lazy> {
        Ok(match expr.kind {
            ExprKind::List([]) => Lazy::constant(self.out.leaf(Tag::EmptyList)),
            ExprKind::Var(name) => return self.lazy_variable(name, expr),
            ExprKind::Lambda(lambda) => return self.lambda(lambda),
            _ => match self.constant(expr) {
                Some(node) => Lazy::constant(node),
                None => return self.thunk(expr),
            },
        })
    }

    /// An expression in a lazy position of which only the node matters.
    fn lazy_node(&mut self, expr: ExprRef<'_>) -> Result<Option<Node>> {
        Ok(Some(self.lazy(expr)?.node))
    }

    /// A literal.
    fn constant(&mut self, expr: ExprRef<'_>) -> Option<Node> {
        Some(match expr.kind {
            ExprKind::Int(i) => {
                let node = self.out.leaf(Tag::Int);
                self.out.number((i << 1 ^ i >> 63) as u64);
                node
            }
            ExprKind::Float(f) => {
                let node = self.out.leaf(Tag::Float);
                self.out.bytes(&f.to_le_bytes());
                node
            }
            ExprKind::String(s) => self.text(Tag::String, s),
            ExprKind::Path(_, PathStart::Directory(text)) => self.text(Tag::RelativePath, text),
            ExprKind::Path(path, PathStart::Root) => self.text(Tag::AbsolutePath, path),
            ExprKind::Path(path, PathStart::Home) => {
                self.out.not_portable();
                self.text(Tag::AbsolutePath, path)
            }
            _ => return None,
        })
    }

    fn text(&mut self, tag: Tag, text: &[u8]) -> Node {
        let node = self.out.leaf(tag);
        self.out.bytes(text);
        node
    }

    fn global(&mut self, name: Symbol) -> Node {
        let node = self.out.leaf(Tag::Global);
        self.out.name(name);
        node
    }

    fn lazy_variable(&mut self, name: Symbol, expr: ExprRef<'_>) -> Result<Lazy> {
        Ok(match self.scopes.resolve(name) {
            Resolved::Variable { source, ready: true } => {
                let node = self.out.leaf(Tag::Variable);
                self.out.source(source);
                Lazy {
                    node,
                    highest_local: source.as_captured().err(),
                }
            }
            Resolved::Global => Lazy::constant(self.global(name)),
            // Not known yet, or the namespace must not be forced yet.
            Resolved::Variable { .. } | Resolved::With => self.thunk(expr)?,
            Resolved::Undefined => return Err(self.ev.undefined_variable(name, expr.pos)),
        })
    }

    fn variable(&mut self, name: Symbol, pos: Pos) -> Result<Node> {
        Ok(match self.scopes.resolve(name) {
            Resolved::Variable { source, .. } => {
                let (tag, index) = match source.as_captured() {
                    Ok(index) => (Tag::Captured, index),
                    Err(index) => (Tag::Local, index),
                };
                let node = self.out.leaf(tag);
                self.out.number(index.into());
                self.out.pos(pos);
                node
            }
            Resolved::Global => self.global(name),
            Resolved::With => {
                let namespaces = self.scopes.namespaces();
                let node = self.out.node(Tag::With);
                self.out.name(name);
                self.out.pos(pos);
                self.out.number(namespaces.len() as u64);
                for (source, pos) in namespaces {
                    self.out.source(source);
                    self.out.pos(pos);
                }
                node
            }
            Resolved::Undefined => return Err(self.ev.undefined_variable(name, pos)),
        })
    }

    /// Writes a node that has a position and a fixed number of operands.
    fn simple(&mut self, tag: Tag, pos: Pos, operands: &[Node]) -> Node {
        let node = self.out.node(tag);
        self.out.pos(pos);
        for &operand in operands {
            self.out.operand(operand);
        }
        node
    }

    /// An expression in a strict position.
    fn strict(&mut self, expr: ExprRef<'_>) -> Result<Node> {
        let pos = expr.pos;
        Ok(match expr.kind {
            ExprKind::CurPos => {
                let node = self.out.leaf(Tag::CurPos);
                self.out.pos(pos);
                node
            }
            ExprKind::Var(name) => return self.variable(name, pos),
            ExprKind::Select { base, path, default } => return self.select(base, path, default, pos),
            ExprKind::HasAttr { base, path } => {
                let base = self.strict(base)?;
                let dynamic = self.dynamic_names(path)?;
                let node = self.simple(Tag::HasAttr, pos, &[base]);
                self.path(path, dynamic);
                node
            }
            ExprKind::Call { function, args } => return self.call(function, args, pos),
            ExprKind::Lambda(lambda) => self.lambda(lambda)?.node,
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
                let mark = self.each(elements, |lowering, _, element| lowering.lazy_node(element))?;
                let node = self.out.node(Tag::List);
                self.list(mark);
                node
            }
            ExprKind::With { namespace, body } => {
                let namespace = self.lazy(namespace)?.node;
                let local = self.scopes.reserve_locals(1);
                self.scopes.enter_with(local, pos);
                let body = self.strict(body)?;
                self.scopes.leave_with();
                self.scopes.release_locals(local);
                let node = self.out.node(Tag::WithScope);
                self.out.operand(namespace);
                self.out.number(local.into());
                self.out.operand(body);
                node
            }
            ExprKind::If {
                condition,
                then_branch,
                else_branch,
            } => {
                let operands = [
                    self.strict(condition)?,
                    self.strict(then_branch)?,
                    self.strict(else_branch)?,
                ];
                self.simple(Tag::If, pos, &operands)
            }
            ExprKind::Assert { condition, body } => {
                let text = nivis_lang::show::show(condition, &self.ev.symbols.borrow());
                let operands = [self.strict(condition)?, self.strict(body)?];
                let node = self.simple(Tag::Assert, pos, &operands);
                self.out.bytes(&text);
                node
            }
            ExprKind::Not(operand) => {
                let operand = self.strict(operand)?;
                self.simple(Tag::Not, pos, &[operand])
            }
            ExprKind::Binary(operator, left, right) => {
                let operands = [self.strict(left)?, self.strict(right)?];
                self.simple(binary_tag(operator), pos, &operands)
            }
            ExprKind::Concat { force_string, parts } => {
                let mark = self.each(parts, |lowering, _, part| Ok(Some(lowering.strict(part.expr)?)))?;
                let node = self.simple(Tag::Concat, pos, &[]);
                self.out.number(force_string.into());
                self.list(mark);
                parts.iter().for_each(|part| self.out.pos(part.pos));
                node
            }
            _ => self.constant(expr).expect("the other kinds are literals"),
        })
    }

    /// Lowers the names of a path that are computed; [`Lowering::path`] writes them with the others.
    fn dynamic_names(&mut self, path: &[AttrName<'_>]) -> Result<usize> {
        self.each(path, |lowering, _, name| match name.kind {
            AttrNameKind::Static(_) => Ok(None),
            AttrNameKind::Dynamic(expr) => Ok(Some(lowering.strict(expr)?)),
        })
    }

    fn path(&mut self, path: &[AttrName<'_>], dynamic: usize) {
        self.list(dynamic);
        for name in path {
            match name.kind {
                AttrNameKind::Static(symbol) => self.out.name(symbol),
                AttrNameKind::Dynamic(expr) => self.out.pos(expr.pos),
            }
        }
    }

    fn select(
        &mut self,
        base: ExprRef<'_>,
        path: &[AttrName<'_>],
        default: Option<ExprRef<'_>>,
        pos: Pos,
    ) -> Result<Node> {
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
            return Ok(self.select_one(base, *name, pos));
        }
        let dynamic = self.dynamic_names(path)?;
        let default = default.map(|default| self.strict(default)).transpose()?;
        let node = self.simple(Tag::SelectPath, pos, &[base]);
        self.out.optional_operand(default);
        self.path(path, dynamic);
        Ok(node)
    }

    fn select_one(&mut self, base: Node, name: Symbol, pos: Pos) -> Node {
        let node = self.simple(Tag::Select, pos, &[base]);
        self.out.name(name);
        node
    }

    fn call(&mut self, function: ExprRef<'_>, args: &[ExprRef<'_>], pos: Pos) -> Result<Node> {
        if let Some(code) = self.arithmetic(function, args, pos)? {
            return Ok(code);
        }
        let function = self.strict(function)?;
        let mark = self.each(args, |lowering, _, argument| lowering.lazy_node(argument))?;
        let node = self.simple(Tag::Call, pos, &[function]);
        self.list(mark);
        Ok(node)
    }

    /// `a - b` and its like, unless the user shadowed `__sub` and its like.
    fn arithmetic(&mut self, function: ExprRef<'_>, args: &[ExprRef<'_>], pos: Pos) -> Result<Option<Node>> {
        let (ExprKind::Var(name), [left, right]) = (function.kind, args) else {
            return Ok(None);
        };
        let names = &self.ev.names;
        let tag = match name {
            name if name == names.sub => Tag::Sub,
            name if name == names.mul => Tag::Mul,
            name if name == names.div => Tag::Div,
            name if name == names.less_than => Tag::Less,
            _ => return Ok(None),
        };
        let Resolved::Global = self.scopes.resolve(name) else {
            return Ok(None);
        };
        let operands = [self.strict(left)?, self.strict(right)?];
        Ok(Some(self.simple(tag, pos, &operands)))
    }

    fn lambda(&mut self, lambda: &Lambda<'_>) -> Result<Lazy> {
        let function = self.head.take().unwrap_or(lambda.pos);
        let maker = std::mem::replace(&mut self.function, function);
        self.scopes.enter_level();
        let (defaults, body) = self.lambda_inside(lambda)?;
        self.function = maker;
        let level = self.scopes.leave_level();
        let node = self.out.node(Tag::Lambda);
        self.out.pos(lambda.pos);
        self.out.optional_name(lambda.name);
        self.out.pos(function);
        self.out.pos(maker);
        self.out.number(level.frame_size.into());
        self.out.operand(body);
        self.out.sources(&level.sources);
        self.parameter(lambda, defaults);
        let highest_local = highest_local(&level.sources);
        self.scopes.reuse(level);
        Ok(Lazy { node, highest_local })
    }

    /// Lowers the defaults, which are pending then, and the body.
    fn lambda_inside(&mut self, lambda: &Lambda<'_>) -> Result<(usize, Node)> {
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
        let first = first + u32::from(lambda.arg.is_some());
        self.scopes.start_binding(first, first + formals.len() as u32);
        let defaults = self.each(formals, |lowering, i, formal| {
            lowering.scopes.bound_up_to(first + i as u32);
            let default = formal.default.map(|default| lowering.lazy(default));
            Ok(default.transpose()?.map(|default| default.node))
        })?;
        self.scopes.finish_binding();
        self.head = matches!(lambda.body.kind, ExprKind::Lambda(_)).then_some(self.function);
        let body = self.strict(lambda.body)?;
        self.scopes.unbind_to(bound);
        Ok((defaults, body))
    }

    fn parameter(&mut self, lambda: &Lambda<'_>, defaults: usize) {
        let Some(formals) = &lambda.formals else {
            self.out.number(0);
            return self.out.name(lambda.arg.unwrap_or(self.ev.names.epsilon));
        };
        self.out.number(1 + u64::from(formals.ellipsis));
        self.out.optional_name(lambda.arg);
        self.list(defaults);
        for formal in formals.formals {
            self.out.name(formal.name);
            self.out.pos(formal.pos);
        }
    }

    /// The sources of `inherit (e)`: hidden locals.
    fn inherit_sources(&mut self, bindings: &Bindings<'_>, first: u32) -> Result<Vec<Bound>> {
        let sources = bindings.inherit_from.iter().enumerate();
        sources
            .map(|(i, source)| {
                let local = first + i as u32;
                self.scopes.bound_up_to(local);
                Ok(Bound::new(local, self.lazy(source)?))
            })
            .collect()
    }

    /// `inherit (e) name;`: a thunk that selects from the hidden local.
    fn inherited(&mut self, name: Symbol, local: u32, pos: Pos) -> Lazy {
        let base = self.out.leaf(Tag::Captured);
        self.out.number(0);
        self.out.pos(pos);
        let body = self.select_one(base, name, pos);
        self.thunk_record(body, 0, &[Source::local(local)])
    }

    fn attr_value(&mut self, attr: &Attr<'_>, sources: u32) -> Result<Lazy> {
        match attr.value {
            AttrValue::Plain(expr) => self.lazy(expr),
            AttrValue::Inherit => {
                let variable = Expr {
                    pos: attr.pos,
                    kind: ExprKind::Var(attr.name),
                };
                self.lazy_variable(attr.name, &variable)
            }
            AttrValue::InheritFrom(i) => Ok(self.inherited(attr.name, sources + i, attr.pos)),
        }
    }

    /// Bindings that see one another, with locals from `first` on: first the sources of `inherit (e)`, then the
    /// attributes. The names are bound when this returns; the caller unbinds them.
    fn recursive(&mut self, bindings: &Bindings<'_>, first: u32, has_overrides: bool) -> Result<Vec<Bound>> {
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
        let mut bound = self.inherit_sources(bindings, first)?;
        bound.reserve(bindings.attrs.len());
        for (i, attr) in bindings.attrs.iter().enumerate() {
            let local = first_attr + i as u32;
            self.scopes.bound_up_to(local);
            let value = match attr.value {
                AttrValue::Inherit => outer.next().expect("one for each"),
                AttrValue::Plain(expr) if has_overrides => self.thunk(expr)?,
                _ => self.attr_value(attr, first)?,
            };
            bound.push(Bound::new(local, value));
        }
        self.scopes.finish_binding();
        if has_overrides {
            // Their captures are set a second time, so they must be made in the form that allows it.
            bound.iter_mut().for_each(|bound| bound.late = true);
        }
        Ok(bound)
    }

    fn bounds(&mut self, bounds: &[Bound]) {
        self.out.number(bounds.len() as u64);
        for bound in bounds {
            self.out
                .number(u64::from(bound.local) << 1 | u64::from(bound.late));
            self.out.operand(bound.value);
        }
    }

    fn let_in(&mut self, bindings: &Bindings<'_>, body: ExprRef<'_>) -> Result<Node> {
        let locals = bindings.inherit_from.len() + bindings.attrs.len();
        let first = self.scopes.reserve_locals(locals as u32);
        let names = self.scopes.bound();
        let bound = self.recursive(bindings, first, false)?;
        let body = self.strict(body)?;
        self.scopes.unbind_to(names);
        self.scopes.release_locals(first);
        let node = self.out.node(Tag::Let);
        self.out.operand(body);
        self.bounds(&bound);
        Ok(node)
    }

    /// Writes the names of attributes and where they stand.
    fn keys(&mut self, bindings: &Bindings<'_>) {
        for attr in bindings.attrs {
            self.out.name(attr.name);
            self.out.pos(attr.pos);
        }
    }

    /// Lowers dynamic attributes: names and values in turn.
    fn dynamic(&mut self, bindings: &Bindings<'_>) -> Result<usize> {
        let mark = self.pending.len();
        for attr in bindings.dynamic {
            let name = self.strict(attr.name)?;
            let value = self.lazy_node(attr.value)?;
            self.pending.extend([Some(name), value]);
        }
        Ok(mark)
    }

    fn dynamic_records(&mut self, bindings: &Bindings<'_>, dynamic: usize) {
        self.list(dynamic);
        bindings.dynamic.iter().for_each(|attr| self.out.pos(attr.pos));
    }

    fn attrs(&mut self, bindings: &Bindings<'_>) -> Result<Node> {
        let first = self.scopes.reserve_locals(bindings.inherit_from.len() as u32);
        // Outside `rec` the sources see nothing of the set; they exist in order.
        self.scopes
            .start_binding(first, first + bindings.inherit_from.len() as u32);
        let inherit_from = self.inherit_sources(bindings, first)?;
        self.scopes.finish_binding();
        let slots = self.each(bindings.attrs, |lowering, _, attr| {
            Ok(Some(lowering.attr_value(attr, first)?.node))
        })?;
        let dynamic = self.dynamic(bindings)?;
        // The locals stay reserved: the attributes' thunks are made while the set is built, and dynamic names
        // are evaluated in between.
        let node = self.out.node(Tag::Attrs);
        self.bounds(&inherit_from);
        self.dynamic_records(bindings, dynamic);
        self.list(slots);
        self.keys(bindings);
        Ok(node)
    }

    fn rec_attrs(&mut self, bindings: &Bindings<'_>) -> Result<Node> {
        let sources = bindings.inherit_from.len() as u32;
        let first = self.scopes.reserve_locals(sources + bindings.attrs.len() as u32);
        let overrides = self.ev.names.overrides;
        let has_overrides = bindings.attrs.iter().any(|attr| attr.name == overrides);
        let names = self.scopes.bound();
        let bound = self.recursive(bindings, first, has_overrides)?;
        let dynamic = self.dynamic(bindings)?;
        self.scopes.unbind_to(names);
        let node = self.out.node(Tag::RecAttrs);
        self.bounds(&bound);
        self.dynamic_records(bindings, dynamic);
        self.out.number(bindings.attrs.len() as u64);
        self.keys(bindings);
        Ok(node)
    }
}

fn binary_tag(operator: BinaryOp) -> Tag {
    match operator {
        BinaryOp::Equal => Tag::Equal,
        BinaryOp::NotEqual => Tag::NotEqual,
        BinaryOp::And => Tag::And,
        BinaryOp::Or => Tag::Or,
        BinaryOp::Implies => Tag::Implies,
        BinaryOp::ConcatLists => Tag::ConcatLists,
        BinaryOp::Update => Tag::Update,
    }
}
