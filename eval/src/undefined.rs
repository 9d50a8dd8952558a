//! Variables that nobody defines, for those who parse a file and do not evaluate it. Lowering finds them too, in the same order, but
//! writing an image that nobody reads was a quarter of the instructions of `--parse`.

use crate::value::Slot;
use nivis_lang::ast::{AttrName, AttrNameKind, AttrValue, Bindings, ExprKind, ExprRef, Lambda};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;

/// A variable that nobody defines, and where it stands.
pub(crate) struct Undefined(pub(crate) Symbol, pub(crate) Pos);

type Found = Result<(), Undefined>;

/// Fails if an expression has a variable that neither it nor the base scope defines.
pub(crate) fn check(expr: ExprRef<'_>, base: &FxHashMap<Symbol, Slot>) -> Found {
    let mut search = Search {
        base,
        bound: FxHashMap::default(),
        withs: 0,
    };
    search.expr(expr)
}

struct Search<'e> {
    base: &'e FxHashMap<Symbol, Slot>,
    /// How many scopes around bind a name.
    bound: FxHashMap<Symbol, u32>,
    /// How many `with`s there are around: each may define anything.
    withs: u32,
}

impl Search<'_> {
    fn variable(&self, name: Symbol, pos: Pos) -> Found {
        let is_bound = self.bound.get(&name).is_some_and(|&scopes| scopes > 0);
        match is_bound || self.withs > 0 || self.base.contains_key(&name) {
            true => Ok(()),
            false => Err(Undefined(name, pos)),
        }
    }

    fn bind(&mut self, names: impl Iterator<Item = Symbol>) {
        names.for_each(|name| *self.bound.entry(name).or_default() += 1);
    }

    fn unbind(&mut self, names: impl Iterator<Item = Symbol>) {
        for name in names {
            if let Some(scopes) = self.bound.get_mut(&name) {
                *scopes -= 1;
            }
        }
    }

    fn all(&mut self, exprs: &[ExprRef<'_>]) -> Found {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: ExprRef<'_>) -> Found {
        match expr.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::String(_)
            | ExprKind::Path(..)
            | ExprKind::CurPos => Ok(()),
            ExprKind::Var(name) => self.variable(name, expr.pos),
            ExprKind::Select { base, path, default } => {
                self.expr(base)?;
                self.path(path)?;
                default.map_or(Ok(()), |default| self.expr(default))
            }
            ExprKind::HasAttr { base, path } => {
                self.expr(base)?;
                self.path(path)
            }
            ExprKind::Call { function, args } => {
                self.expr(function)?;
                self.all(args)
            }
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::Let { bindings, body } => self.recursive(bindings, |search| search.expr(body)),
            ExprKind::Attrs { recursive, bindings } => match recursive {
                true => self.recursive(bindings, |search| search.dynamic(bindings)),
                false => self.attrs(bindings),
            },
            ExprKind::List(elements) => self.all(elements),
            ExprKind::With { namespace, body } => {
                self.expr(namespace)?;
                self.withs += 1;
                self.expr(body)?;
                self.withs -= 1;
                Ok(())
            }
            ExprKind::If {
                condition,
                then_branch,
                else_branch,
            } => self.all(&[condition, then_branch, else_branch]),
            ExprKind::Assert { condition, body } => self.all(&[condition, body]),
            ExprKind::Not(operand) => self.expr(operand),
            ExprKind::Binary(_, left, right) => self.all(&[left, right]),
            ExprKind::Concat { parts, .. } => parts.iter().try_for_each(|part| self.expr(part.expr)),
        }
    }

    fn path(&mut self, path: &[AttrName<'_>]) -> Found {
        path.iter().try_for_each(|name| match name.kind {
            AttrNameKind::Static(_) => Ok(()),
            AttrNameKind::Dynamic(expr) => self.expr(expr),
        })
    }

    fn lambda(&mut self, lambda: &Lambda<'_>) -> Found {
        let formals = lambda.formals.map_or(&[][..], |formals| formals.formals);
        let names = || {
            lambda
                .arg
                .into_iter()
                .chain(formals.iter().map(|formal| formal.name))
        };
        self.bind(names());
        let mut defaults = formals.iter().filter_map(|formal| formal.default);
        defaults.try_for_each(|default| self.expr(default))?;
        self.expr(lambda.body)?;
        self.unbind(names());
        Ok(())
    }

    fn attrs(&mut self, bindings: &Bindings<'_>) -> Found {
        self.all(bindings.inherit_from)?;
        for attr in bindings.attrs {
            match attr.value {
                AttrValue::Plain(expr) => self.expr(expr)?,
                AttrValue::Inherit => self.variable(attr.name, attr.pos)?,
                AttrValue::InheritFrom(_) => {}
            }
        }
        self.dynamic(bindings)
    }

    /// Bindings that see one another, and what sees them.
    fn recursive(&mut self, bindings: &Bindings<'_>, inside: impl FnOnce(&mut Self) -> Found) -> Found {
        // `inherit x;` means the x around the bindings.
        for attr in bindings.attrs {
            if let AttrValue::Inherit = attr.value {
                self.variable(attr.name, attr.pos)?;
            }
        }
        self.bind(bindings.attrs.iter().map(|attr| attr.name));
        self.all(bindings.inherit_from)?;
        for attr in bindings.attrs {
            if let AttrValue::Plain(expr) = attr.value {
                self.expr(expr)?;
            }
        }
        inside(self)?;
        self.unbind(bindings.attrs.iter().map(|attr| attr.name));
        Ok(())
    }

    fn dynamic(&mut self, bindings: &Bindings<'_>) -> Found {
        bindings.dynamic.iter().try_for_each(|attr| {
            self.expr(attr.name)?;
            self.expr(attr.value)
        })
    }
}
