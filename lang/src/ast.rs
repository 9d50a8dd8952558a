//! The compact AST: what sink two builds and the evaluator lowers.
//!
//! Nodes live in a bump arena that the caller owns and drops once the file is lowered. Names are symbols,
//! strings are unescaped (slices of the source where nothing had to change), attribute paths are merged,
//! arithmetic is desugared to calls of `__sub` and its like as the reference does (users may shadow them).
//! Scopes are not resolved here.

use crate::position::Pos;
use crate::symbol::Symbol;

/// A reference to a node.
pub type ExprRef<'a> = &'a Expr<'a>;

/// An expression and its position as in the reference: where it starts; for operators where the operator stands;
/// none for literals (int, float, string, path), `let`, `==`, `!=` and sets made by attribute paths; that of the
/// operand for `!` and `?`; that of the first element for lists.
#[derive(Clone, Copy, Debug)]
pub struct Expr<'a> {
    /// The position that errors about this expression name.
    pub pos: Pos,
    /// What it is.
    pub kind: ExprKind<'a>,
}

/// The kinds of expressions.
#[derive(Clone, Copy, Debug)]
pub enum ExprKind<'a> {
    /// An integer literal.
    Int(i64),
    /// A float literal.
    Float(f64),
    /// A string without interpolations, or a URI literal.
    String(&'a [u8]),
    /// A path literal, absolute and normalised, and what it was written relative to.
    Path(&'a [u8], PathStart<'a>),
    /// `__curPos`.
    CurPos,
    /// A variable.
    Var(Symbol),
    /// `base.a.b` or `base.a.b or default`.
    Select {
        /// The set.
        base: ExprRef<'a>,
        /// At least one name.
        path: &'a [AttrName<'a>],
        /// The operand of `or`.
        default: Option<ExprRef<'a>>,
    },
    /// `base ? a.b`.
    HasAttr {
        /// The set.
        base: ExprRef<'a>,
        /// At least one name.
        path: &'a [AttrName<'a>],
    },
    /// `function arg1 arg2 …`; never nested directly as the function of another call, unless the argument of the
    /// outer one is an `or` (see [`crate::error::Warning::Or`]).
    Call {
        /// What is called.
        function: ExprRef<'a>,
        /// At least one argument.
        args: &'a [ExprRef<'a>],
    },
    /// A function.
    Lambda(&'a Lambda<'a>),
    /// `let bindings in body`.
    Let {
        /// The bindings; never dynamic.
        bindings: &'a Bindings<'a>,
        /// The body.
        body: ExprRef<'a>,
    },
    /// `{ … }` or `rec { … }`.
    Attrs {
        /// Whether the bindings see one another.
        recursive: bool,
        /// The bindings.
        bindings: &'a Bindings<'a>,
    },
    /// `[ … ]`.
    List(&'a [ExprRef<'a>]),
    /// `with namespace; body`.
    With {
        /// The set whose attributes come into scope.
        namespace: ExprRef<'a>,
        /// The body.
        body: ExprRef<'a>,
    },
    /// `if condition then then_branch else else_branch`.
    If {
        /// The condition.
        condition: ExprRef<'a>,
        /// When true.
        then_branch: ExprRef<'a>,
        /// When false.
        else_branch: ExprRef<'a>,
    },
    /// `assert condition; body`.
    Assert {
        /// The condition.
        condition: ExprRef<'a>,
        /// The body.
        body: ExprRef<'a>,
    },
    /// `!operand`.
    Not(ExprRef<'a>),
    /// An operator with a node of its own.
    Binary(BinaryOp, ExprRef<'a>, ExprRef<'a>),
    /// `a + b + c` (`force_string` false) or an interpolated string (`force_string` true). A path with
    /// interpolations is the former, its first part the literal prefix.
    Concat {
        /// Whether the result is a string even when the first part is a path or a number.
        force_string: bool,
        /// The parts, at least one.
        parts: &'a [ConcatPart<'a>],
    },
}

/// What a path literal starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathStart<'a> {
    /// The directory of the source: `./a`. The literal as it is written, for [`crate::path::literal`].
    Directory(&'a [u8]),
    /// The root: `/a`.
    Root,
    /// The home directory: `~/a`.
    Home,
}

/// One part of an [`ExprKind::Concat`].
#[derive(Clone, Copy, Debug)]
pub struct ConcatPart<'a> {
    /// Where the part starts: the operand of `+`, or the text or `${` of a string. Errors about a part that
    /// cannot be added or coerced name this place, not [`Expr::pos`] (a literal has none, an operator's is in the
    /// middle of it).
    pub pos: Pos,
    /// The part.
    pub expr: ExprRef<'a>,
}

/// Binary operators that are nodes. Arithmetic and comparison are calls, `+` is [`ExprKind::Concat`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `->`
    Implies,
    /// `//`
    Update,
    /// `++`
    ConcatLists,
}

/// One step of an attribute path.
#[derive(Clone, Copy, Debug)]
pub struct AttrName<'a> {
    /// Where the name stands.
    pub pos: Pos,
    /// Static or dynamic.
    pub kind: AttrNameKind<'a>,
}

/// The kinds of names in attribute paths.
#[derive(Clone, Copy, Debug)]
pub enum AttrNameKind<'a> {
    /// `a` or `"a"`, or `${"a"}`.
    Static(Symbol),
    /// `${e}` or a string with interpolations.
    Dynamic(ExprRef<'a>),
}

/// The bindings of a set or a `let`, attribute paths merged.
#[derive(Clone, Copy, Debug)]
pub struct Bindings<'a> {
    /// Static attributes, each name once, sorted by symbol.
    pub attrs: &'a [Attr<'a>],
    /// The expressions of `inherit (e) …;` clauses, in source order; each is evaluated at most once.
    pub inherit_from: &'a [ExprRef<'a>],
    /// Dynamic attributes, in source order.
    pub dynamic: &'a [DynamicAttr<'a>],
}

/// A static attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attr<'a> {
    /// Its name.
    pub name: Symbol,
    /// Where its name stands (the first time, for merged paths).
    pub pos: Pos,
    /// Its value.
    pub value: AttrValue<'a>,
}

/// What an attribute is bound to.
#[derive(Clone, Copy, Debug)]
pub enum AttrValue<'a> {
    /// `name = e;`
    Plain(ExprRef<'a>),
    /// `inherit name;`: the variable of that name in the scope around the bindings.
    Inherit,
    /// `inherit (e) name;`: the index of e in [`Bindings::inherit_from`].
    InheritFrom(u32),
}

/// `${name} = value;`
#[derive(Clone, Copy, Debug)]
pub struct DynamicAttr<'a> {
    /// The expression of the name.
    pub name: ExprRef<'a>,
    /// The value.
    pub value: ExprRef<'a>,
    /// Where the name stands.
    pub pos: Pos,
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub struct Lambda<'a> {
    /// Where the function starts.
    pub pos: Pos,
    /// The name it was bound to, for traces: `name = x: …;`.
    pub name: Option<Symbol>,
    /// `x:` or the `@`-name of a pattern.
    pub arg: Option<Symbol>,
    /// The pattern, if there is one.
    pub formals: Option<Formals<'a>>,
    /// The body.
    pub body: ExprRef<'a>,
}

/// `{ a, b ? d, ... }`
#[derive(Clone, Copy, Debug)]
pub struct Formals<'a> {
    /// The formal arguments, sorted by symbol.
    pub formals: &'a [Formal<'a>],
    /// Whether there is an ellipsis.
    pub ellipsis: bool,
}

/// A formal argument.
#[derive(Clone, Copy, Debug)]
pub struct Formal<'a> {
    /// Where it stands.
    pub pos: Pos,
    /// Its name.
    pub name: Symbol,
    /// `? default`
    pub default: Option<ExprRef<'a>>,
}
