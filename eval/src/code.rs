//! Lowered code: what the evaluator runs.
//!
//! A tree of nodes whose operands are words (see [`crate::packed`]), in a leaked arena, scopes resolved to frame locals and flat captures.
//! It is made of images (see [`crate::image`]) as it runs. Most code runs at most once (a NixOS system lowers 914,000 nodes and calls 6,280 lambdas), so a tree that
//! is cheap to make beats bytecode. Nodes hold the position that an error names; everything else about the source is
//! found again from it.

use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::image::Place;
use crate::keys::Keys;
use crate::layers::UnionCache;
pub(crate) use crate::packed::{Code, Delayed};
use crate::primop::Primop;
use crate::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// An expression in a strict position. Fields hold it as [`Code`].
#[derive(Clone, Copy)]
pub(crate) enum Op {
    Const(Value),
    /// A name of the base scope that is lazy (`derivation`).
    Global(Slot),
    Local {
        index: u32,
        pos: Pos,
    },
    Captured {
        index: u32,
        pos: Pos,
    },
    With(&'static WithCode),
    /// `base.name`
    Select(&'static SelectCode),
    /// Longer paths, dynamic names, `or`.
    SelectPath(&'static SelectPathCode),
    HasAttr(&'static HasAttrCode),
    Call(&'static CallCode),
    /// An arithmetic or comparison operator whose function is the builtin one.
    Arithmetic(Arithmetic, &'static BinaryCode),
    Lambda(&'static LambdaCode),
    Let(&'static LetCode),
    Attrs(&'static AttrsCode),
    RecAttrs(&'static RecAttrsCode),
    List(&'static ListCode),
    WithScope(&'static WithScopeCode),
    If(&'static IfCode),
    Assert(&'static AssertCode),
    Not(&'static NotCode),
    Equal(&'static BinaryCode),
    NotEqual(&'static BinaryCode),
    And(&'static BinaryCode),
    Or(&'static BinaryCode),
    Implies(&'static BinaryCode),
    Update(&'static UpdateCode),
    ConcatLists(&'static BinaryCode),
    Concat(&'static ConcatCode),
    CurPos(Pos),
}

const _: () = assert!(size_of::<Option<Code>>() == 8 && size_of::<Option<Delayed>>() == 8);

/// Where a closure takes a capture from: a local or a capture of the frame that makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Source(u32);

const CAPTURED: u32 = 1 << 31;

impl Source {
    pub(crate) fn local(index: u32) -> Source {
        Source(index)
    }

    pub(crate) fn captured(index: u32) -> Source {
        Source(index | CAPTURED)
    }

    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    #[inline(always)]
    pub(crate) fn from_bits(bits: u32) -> Source {
        Source(bits)
    }

    /// The index of a capture, or else of a local.
    #[inline(always)]
    pub(crate) fn as_captured(self) -> Result<u32, u32> {
        if self.0 & CAPTURED != 0 {
            Ok(self.0 & !CAPTURED)
        } else {
            Err(self.0)
        }
    }
}

/// An expression in a lazy position: how to make its slot. Fields hold it as [`Delayed`].
#[derive(Clone, Copy)]
pub(crate) enum LazyOp {
    /// A constant, or a name of the base scope.
    Const(Slot),
    /// A variable: its slot is shared.
    Variable(Source),
    /// Anything else: a new thunk.
    Thunk(&'static ThunkCode),
    /// A lambda expression: a cell with the closure inside.
    Lambda(&'static LambdaCode),
}

/// The body of a function or thunk, which is read from its image when it first runs.
pub(crate) struct Body(Cell<Code>);

impl Body {
    /// A body that was not read yet.
    pub(crate) fn in_image(place: Place) -> Body {
        Body(Cell::new(Code::in_image(place)))
    }

    /// The code.
    #[inline(always)]
    pub(crate) fn get(&self, ev: &Evaluator) -> Result<Code> {
        let code = self.0.get();
        match code.place() {
            None => Ok(code),
            Some(place) => self.read(ev, place),
        }
    }

    #[cold]
    #[inline(never)]
    fn read(&self, ev: &Evaluator, place: Place) -> Result<Code> {
        let code = ev.read_code(place)?;
        self.0.set(code);
        Ok(code)
    }

    /// The code, if it ran before.
    pub(crate) fn known(&self) -> Option<Code> {
        let code = self.0.get();
        code.place().is_none().then_some(code)
    }
}

/// A suspended expression.
pub(crate) struct ThunkCode {
    pub(crate) body: Body,
    pub(crate) captures: &'static [Source],
    /// How many locals evaluating it needs.
    pub(crate) frame_size: u32,
    /// The function that it is part of, by where that starts, or the start of the file.
    pub(crate) function: Pos,
}

/// A function.
pub struct LambdaCode {
    /// Where the function starts.
    pub pos: Pos,
    /// The name it was bound to. Dynamic attributes set it when they are made.
    pub name: Cell<Option<Symbol>>,
    /// Its parameter.
    pub parameter: Parameter,
    /// The function that it counts for in profiles: of `a: b: …` the first.
    pub(crate) function: Pos,
    /// The function that it is part of, or the start of the file.
    pub(crate) maker: Pos,
    pub(crate) captures: &'static [Source],
    pub(crate) frame_size: u32,
    pub(crate) body: Body,
    /// The only closure there can be when nothing is captured.
    pub(crate) closed: Cell<Option<Value>>,
}

/// The parameter of a function.
#[derive(Clone, Copy)]
pub enum Parameter {
    /// `x:`
    Name(Symbol),
    /// `{ a, b ? d, ... } @ x:`
    Pattern(&'static Pattern),
}

/// A set pattern. Its first local is the `@`-name, if there is one.
pub struct Pattern {
    /// The `@`-name.
    pub name: Option<Symbol>,
    /// The formals, sorted by symbol.
    pub formals: &'static [Formal],
    /// Whether other attributes are allowed.
    pub ellipsis: bool,
    /// Which formals have a default, in the order of their locals.
    pub(crate) defaults: &'static [u32],
    /// The formals of the argument shape seen last: see [`PlanCache`].
    pub(crate) plan: PlanCache,
    /// What `functionArgs` returns, made when first asked for.
    pub args: Cell<Option<Value>>,
}

/// A formal argument.
pub struct Formal {
    /// Its name.
    pub name: Symbol,
    /// Where it stands.
    pub pos: Pos,
    /// The local that it becomes.
    pub(crate) local: u32,
    pub(crate) default: Option<Delayed>,
}

impl Formal {
    /// Whether the argument may be missing.
    pub fn has_default(&self) -> bool {
        self.default.is_some()
    }
}

/// For the shape of the last argument set: where each formal's value lies in it (`u32::MAX` if missing).
pub(crate) struct PlanCache {
    pub(crate) shape: Cell<u64>,
    pub(crate) indices: Cell<&'static [u32]>,
    /// How many shapes were planned so far; after a few the cache gives up.
    pub(crate) misses: Cell<u32>,
}

impl PlanCache {
    pub(crate) fn new() -> PlanCache {
        PlanCache {
            shape: Cell::new(0),
            indices: Cell::new(&[]),
            misses: Cell::new(0),
        }
    }
}

/// An inline cache: the shape of the set seen last and the slot of the name in it.
pub(crate) struct InlineCache(AtomicU64);

impl InlineCache {
    /// Stands for a name that sets of the shape don't have. No slot that is remembered lies that far.
    pub(crate) const ABSENT: usize = 0xffff;

    pub(crate) fn new() -> InlineCache {
        InlineCache(AtomicU64::new(0))
    }

    /// The slot, if the shape is the one seen last.
    #[inline(always)]
    pub(crate) fn get(&self, shape: u64) -> Option<usize> {
        let word = self.0.load(Ordering::Relaxed);
        (word >> 16 == shape).then_some((word & 0xffff) as usize)
    }

    #[inline(always)]
    pub(crate) fn set(&self, shape: u64, slot: usize) {
        if slot < 1 << 16 {
            self.0.store(shape << 16 | slot as u64, Ordering::Relaxed);
        }
    }
}

/// A name looked up in enclosing `with`s, innermost first.
pub(crate) struct WithCode {
    pub(crate) name: Symbol,
    /// The namespaces and where their `with`s stand.
    pub(crate) namespaces: &'static [(Source, Pos)],
    pub(crate) pos: Pos,
}

pub(crate) struct SelectCode {
    pub(crate) base: Code,
    pub(crate) name: Symbol,
    pub(crate) pos: Pos,
    pub(crate) cache: InlineCache,
}

#[derive(Clone, Copy)]
pub(crate) enum Name {
    Static(Symbol, &'static InlineCache),
    Dynamic(Code, Pos),
}

pub(crate) struct SelectPathCode {
    pub(crate) base: Code,
    pub(crate) path: &'static [Name],
    pub(crate) default: Option<Code>,
    pub(crate) pos: Pos,
}

pub(crate) struct HasAttrCode {
    pub(crate) base: Code,
    pub(crate) path: &'static [Name],
    pub(crate) pos: Pos,
}

pub(crate) struct CallCode {
    pub(crate) function: Code,
    pub(crate) args: &'static [Delayed],
    pub(crate) pos: Pos,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arithmetic {
    Sub,
    Mul,
    Div,
    Less,
}

pub(crate) struct BinaryCode {
    pub(crate) left: Code,
    pub(crate) right: Code,
    pub(crate) pos: Pos,
    /// The primop, for [`Op::Arithmetic`], so that calls are counted under its name.
    pub(crate) primop: Option<&'static Primop>,
}

pub(crate) struct UpdateCode {
    pub(crate) left: Code,
    pub(crate) right: Code,
    pub(crate) pos: Pos,
    pub(crate) union: UnionCache,
}

/// A slot to make for a local.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) local: u32,
    /// It captures a local that is bound after it, or itself: its captures are set when all locals are there.
    pub(crate) late: bool,
    pub(crate) value: Delayed,
}

pub(crate) struct LetCode {
    /// First the sources of `inherit (e)`, then the bindings.
    pub(crate) bindings: &'static [Bound],
    /// Whether one of them is [`Bound::late`].
    pub(crate) has_late: bool,
    pub(crate) body: Code,
}

pub(crate) struct AttrsCode {
    pub(crate) keys: &'static Keys,
    pub(crate) slots: &'static [Delayed],
    pub(crate) more: Option<&'static MoreAttrs>,
}

/// What few sets have.
pub(crate) struct MoreAttrs {
    /// The sources of `inherit (e)`.
    pub(crate) inherit_from: &'static [Bound],
    pub(crate) dynamic: &'static [DynamicCode],
}

pub(crate) struct RecAttrsCode {
    pub(crate) keys: &'static Keys,
    /// First the sources of `inherit (e)`, then the attributes.
    pub(crate) bindings: &'static [Bound],
    /// Whether one of them is [`Bound::late`].
    pub(crate) has_late: bool,
    /// The locals of the attributes in the keys' order.
    pub(crate) locals: &'static [u32],
    pub(crate) dynamic: &'static [DynamicCode],
    /// The index of `__overrides` among the keys.
    pub(crate) overrides: Option<u32>,
}

pub(crate) struct DynamicCode {
    pub(crate) name: Code,
    pub(crate) value: Delayed,
    pub(crate) pos: Pos,
}

pub(crate) struct ListCode {
    pub(crate) elements: &'static [Delayed],
}

pub(crate) struct WithScopeCode {
    pub(crate) namespace: Delayed,
    pub(crate) local: u32,
    pub(crate) body: Code,
}

pub(crate) struct IfCode {
    pub(crate) condition: Code,
    pub(crate) then_branch: Code,
    pub(crate) else_branch: Code,
    pub(crate) pos: Pos,
}

pub(crate) struct AssertCode {
    pub(crate) condition: Code,
    pub(crate) body: Code,
    pub(crate) pos: Pos,
    /// The condition as the reference prints it, for the message.
    pub(crate) text: &'static [u8],
}

pub(crate) struct NotCode {
    pub(crate) operand: Code,
    pub(crate) pos: Pos,
}

pub(crate) struct ConcatCode {
    pub(crate) force_string: bool,
    pub(crate) parts: &'static [(Code, Pos)],
    pub(crate) pos: Pos,
}

impl Code {
    /// The position that errors about the expression as a whole name.
    pub(crate) fn position(self) -> Option<Pos> {
        match self.op() {
            Op::Local { pos, .. } | Op::Captured { pos, .. } | Op::CurPos(pos) => Some(pos),
            Op::With(code) => Some(code.pos),
            Op::Select(code) => Some(code.pos),
            Op::SelectPath(code) => Some(code.pos),
            Op::HasAttr(code) => Some(code.pos),
            Op::Call(code) => Some(code.pos),
            Op::Lambda(code) => Some(code.pos),
            Op::If(code) => Some(code.pos),
            Op::Assert(code) => Some(code.pos),
            Op::Not(code) => Some(code.pos),
            Op::Concat(code) => Some(code.pos),
            Op::Update(code) => Some(code.pos),
            Op::Arithmetic(_, code)
            | Op::And(code)
            | Op::Or(code)
            | Op::Implies(code)
            | Op::ConcatLists(code) => Some(code.pos),
            _ => None,
        }
    }
}
