//! What the grammar tells whoever listens.
//!
//! The grammar knows neither tree nor AST. It calls a [`Sink`] for each token it consumes and for each construct
//! it has recognised; the sink answers with whatever it calls an expression, and the grammar hands these back
//! when they become operands:
//!
//! ```text
//!   source      a + f x
//!   events      token a, leaf ─▶ 1     token +   token f, leaf ─▶ 2   token x, leaf ─▶ 3
//!               arg 3, call 2 ─▶ 4     binary + 1 4 ─▶ 5
//! ```
//!
//! A construct starts at a [`Mark`], taken before its first token. So the left operand of an operator needs no
//! foresight: the mark is there, whether an operator follows or not. Sequences of unknown length (arguments, list
//! items, names of a path, parts of a string) are announced one by one; the sink keeps them on stacks, and the
//! closing event names the height from which on they belong to it. Sinks are dispatched statically: events a sink
//! does not care about cost nothing.

use crate::error::Diagnostic;
use crate::kind::SyntaxKind;
use crate::lexer::Token;

/// Where a construct starts.
#[derive(Clone, Copy)]
pub(crate) struct Mark<N> {
    /// Offset of the first token.
    pub(crate) start: u32,
    /// The sink's own idea of the place.
    pub(crate) node: N,
}

/// What kind of set was recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetKind {
    /// `{ … }`
    Plain,
    /// `rec { … }`
    Recursive,
    /// `let { … }`
    Legacy,
}

/// What precedes the colon of a function.
#[derive(Clone, Copy)]
pub(crate) struct Parameters {
    /// The name, alone or next to a pattern.
    pub(crate) name: Option<Token>,
    /// Where the formals of the pattern start on the sink's stack, and whether there is an ellipsis.
    pub(crate) formals: Option<(usize, bool)>,
}

/// A listener.
pub(crate) trait Sink {
    /// Whether parsing goes on after a syntax error.
    const RECOVERS: bool;
    /// A place where a node may start.
    type Node: Copy;
    /// An expression.
    type Expr: Copy;
    /// The bindings of a set or `let`.
    type Bindings: Copy;
    /// A height of the stacks at which bindings start.
    type BindingsStart: Copy;

    /// A node may start at the token at `offset`, which comes next.
    fn node(&mut self, offset: u32) -> Self::Node;
    /// A token was consumed.
    fn token(&mut self, token: Token);
    /// A node that means nothing to the AST ends here.
    fn close(&mut self, mark: Mark<Self::Node>, kind: SyntaxKind);
    /// Something is wrong. Only called when the sink recovers.
    fn problem(&mut self, problem: Diagnostic);
    /// Parsing stops: nothing that follows is complete. Only called when the sink does not recover.
    fn stop(&mut self);
    /// An expression is missing.
    fn missing(&mut self) -> Self::Expr;
    /// Something will change its meaning: an `or` that is an argument but not the last thing of its kind.
    fn or_warning(&mut self, expr: Self::Expr, end: u32);

    /// A variable, number, URI or search path.
    fn leaf(&mut self, mark: Mark<Self::Node>, token: Token) -> Self::Expr;
    /// `( … )`
    fn paren(&mut self, mark: Mark<Self::Node>, inner: Self::Expr) -> Self::Expr;

    /// The height of the stack of string parts.
    fn parts_start(&mut self) -> usize;
    /// A literal part.
    fn part_text(&mut self, token: Token);
    /// An interpolation, `${` to `}`.
    fn part_expr(&mut self, mark: Mark<Self::Node>, expr: Self::Expr);
    /// `"…"`
    fn string(&mut self, mark: Mark<Self::Node>, parts: usize) -> Self::Expr;
    /// `''…''`
    fn indented_string(&mut self, mark: Mark<Self::Node>, parts: usize) -> Self::Expr;
    /// A path; its first part is the token that starts it.
    fn path(&mut self, mark: Mark<Self::Node>, parts: usize) -> Self::Expr;

    /// The height of the stack of names.
    fn names_start(&mut self) -> usize;
    /// A name that is an identifier.
    fn name_token(&mut self, mark: Mark<Self::Node>, token: Token);
    /// A name that is a string.
    fn name_string(&mut self, mark: Mark<Self::Node>, parts: usize);
    /// A name in `${ … }`.
    fn name_dynamic(&mut self, mark: Mark<Self::Node>, expr: Self::Expr);
    /// `base.names` or `base.names or default`
    fn select(
        &mut self,
        mark: Mark<Self::Node>,
        base: Self::Expr,
        names: usize,
        default: Option<Self::Expr>,
    ) -> Self::Expr;
    /// `base or`
    fn or_call(&mut self, mark: Mark<Self::Node>, base: Self::Expr, or: Token) -> Self::Expr;
    /// `base ? names`
    fn has_attr(&mut self, mark: Mark<Self::Node>, base: Self::Expr, names: usize) -> Self::Expr;

    /// The height of the stack of arguments and list items.
    fn items_start(&mut self) -> usize;
    /// An argument or list item.
    fn item(&mut self, expr: Self::Expr);
    /// `function items…`
    fn call(&mut self, mark: Mark<Self::Node>, function: Self::Expr, items: usize) -> Self::Expr;
    /// `[ items… ]`
    fn list(&mut self, mark: Mark<Self::Node>, items: usize) -> Self::Expr;

    /// `!operand` or `-operand`
    fn unary(&mut self, mark: Mark<Self::Node>, operator: Token, operand: Self::Expr) -> Self::Expr;
    /// `left operator right`; `right_start` is the offset of the right operand.
    fn binary(
        &mut self,
        mark: Mark<Self::Node>,
        operator: Token,
        left: Self::Expr,
        right: Self::Expr,
        right_start: u32,
    ) -> Self::Expr;

    /// `if … then … else …`
    fn if_else(
        &mut self,
        mark: Mark<Self::Node>,
        condition: Self::Expr,
        then_branch: Self::Expr,
        else_branch: Self::Expr,
    ) -> Self::Expr;
    /// `with …; …`
    fn with(&mut self, mark: Mark<Self::Node>, namespace: Self::Expr, body: Self::Expr) -> Self::Expr;
    /// `assert …; …`
    fn assert(&mut self, mark: Mark<Self::Node>, condition: Self::Expr, body: Self::Expr) -> Self::Expr;

    /// The height of the stacks of bindings.
    fn bindings_start(&mut self) -> Self::BindingsStart;
    /// `names = value;`; `last` is the offset of its last token.
    fn binding(&mut self, mark: Mark<Self::Node>, names: usize, value: Self::Expr, last: u32);
    /// `inherit names…;` or `inherit (from) names…;`; `last` is the offset of its last token.
    fn inherit(&mut self, mark: Mark<Self::Node>, from: Option<Self::Expr>, names: usize, last: u32);
    /// A name of an inherit clause was announced; `last` is the offset of its last token.
    fn inherit_name(&mut self, last: u32);
    /// All bindings of a set or `let` were announced.
    fn bindings(&mut self, start: Self::BindingsStart) -> Self::Bindings;
    /// A set.
    fn set(&mut self, mark: Mark<Self::Node>, kind: SetKind, bindings: Self::Bindings) -> Self::Expr;
    /// `let … in …`; `next` is the offset of the token after it.
    fn let_in(
        &mut self,
        mark: Mark<Self::Node>,
        bindings: Self::Bindings,
        body: Self::Expr,
        next: u32,
    ) -> Self::Expr;

    /// The height of the stack of formals.
    fn formals_start(&mut self) -> usize;
    /// `name` or `name ? default`
    fn formal(&mut self, mark: Mark<Self::Node>, name: Token, default: Option<Self::Expr>);
    /// A function; `next` is the offset of the token after it.
    fn lambda(
        &mut self,
        mark: Mark<Self::Node>,
        parameters: Parameters,
        body: Self::Expr,
        next: u32,
    ) -> Self::Expr;
}
