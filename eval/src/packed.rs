//! Code in one word: what the fields of lowered code hold.
//!
//! [`Op`] and [`LazyOp`] are what the evaluator matches on; [`Code`] and [`Delayed`] are the same in eight bytes instead of
//! sixteen: a tag in the lowest byte, and above it an address, a value or an index with a position. Most code runs at most
//! once, so how much memory it takes, and how many cache lines are fetched to run it, is most of what it costs.
//!
//! # Invariants
//!
//! * A word was made by [`Op::pack`], [`LazyOp::pack`] or [`Code::in_image`]: under a tag of a pointer lies the address of a `'static` object
//!   of that tag's type.
//! * Addresses have at most 56 bits. So do most values; others, and huge indices, lie in the arena.

use crate::code::*;
use crate::image::Place;
use crate::value::{Slot, Value};
use bumpalo::Bump;
use nivis_lang::position::Pos;
use std::num::NonZeroU64;

/// An expression in a strict position.
#[derive(Clone, Copy)]
pub(crate) struct Code(NonZeroU64);

/// An expression in a lazy position: how to make its slot.
#[derive(Clone, Copy)]
pub(crate) struct Delayed(NonZeroU64);

const TAG_BITS: u32 = 8;
const INDEX_BITS: u32 = 24;

/// The tags of [`Code`]. None is 0, so that an optional word is no larger.
mod tag {
    pub(super) const CONST: u8 = 1;
    pub(super) const CONST_AT: u8 = 2;
    pub(super) const GLOBAL: u8 = 3;
    pub(super) const LOCAL: u8 = 4;
    pub(super) const LOCAL_AT: u8 = 5;
    pub(super) const CAPTURED: u8 = 6;
    pub(super) const CAPTURED_AT: u8 = 7;
    pub(super) const WITH: u8 = 8;
    pub(super) const SELECT: u8 = 9;
    pub(super) const SELECT_PATH: u8 = 10;
    pub(super) const HAS_ATTR: u8 = 11;
    pub(super) const CALL: u8 = 12;
    pub(super) const SUB: u8 = 13;
    pub(super) const MUL: u8 = 14;
    pub(super) const DIV: u8 = 15;
    pub(super) const LESS: u8 = 16;
    pub(super) const LAMBDA: u8 = 17;
    pub(super) const LET: u8 = 18;
    pub(super) const ATTRS: u8 = 19;
    pub(super) const REC_ATTRS: u8 = 20;
    pub(super) const LIST: u8 = 21;
    pub(super) const WITH_SCOPE: u8 = 22;
    pub(super) const IF: u8 = 23;
    pub(super) const ASSERT: u8 = 24;
    pub(super) const NOT: u8 = 25;
    pub(super) const EQUAL: u8 = 26;
    pub(super) const NOT_EQUAL: u8 = 27;
    pub(super) const AND: u8 = 28;
    pub(super) const OR: u8 = 29;
    pub(super) const IMPLIES: u8 = 30;
    pub(super) const UPDATE: u8 = 31;
    pub(super) const CONCAT_LISTS: u8 = 32;
    pub(super) const CONCAT: u8 = 33;
    pub(super) const CUR_POS: u8 = 34;
    /// Not read yet, see [`crate::code::Body`].
    pub(super) const IN_IMAGE: u8 = 35;
}

/// The tags of [`Delayed`], none 0 either.
mod lazy_tag {
    pub(super) const CONST: u8 = 1;
    pub(super) const CONST_AT: u8 = 2;
    pub(super) const VARIABLE: u8 = 3;
    pub(super) const THUNK: u8 = 4;
    pub(super) const LAMBDA: u8 = 5;
}

fn word(tag: u8, payload: u64) -> NonZeroU64 {
    NonZeroU64::new(payload << TAG_BITS | u64::from(tag)).expect("no tag is 0")
}

fn pointer<T>(tag: u8, object: &'static T) -> NonZeroU64 {
    word(tag, std::ptr::from_ref(object).expose_provenance() as u64)
}

/// The word of a value, or where it lies.
fn constant(tag: u8, tag_at: u8, bits: u64, arena: &'static Bump) -> NonZeroU64 {
    match bits << TAG_BITS >> TAG_BITS == bits {
        true => word(tag, bits),
        false => pointer(tag_at, arena.alloc(bits)),
    }
}

/// The word of a variable, or where its index and position lie.
fn variable(tag: u8, tag_at: u8, index: u32, pos: Pos, arena: &'static Bump) -> NonZeroU64 {
    match index < 1 << INDEX_BITS {
        true => word(tag, u64::from(index) << 32 | u64::from(pos.0)),
        false => pointer(tag_at, arena.alloc((index, pos))),
    }
}

impl Op {
    /// The word; what does not fit into it goes to the arena.
    pub(crate) fn pack(self, arena: &'static Bump) -> Code {
        Code(match self {
            Op::Const(value) => constant(tag::CONST, tag::CONST_AT, value.bits(), arena),
            Op::Global(slot) => pointer(tag::GLOBAL, arena.alloc(slot)),
            Op::Local { index, pos } => variable(tag::LOCAL, tag::LOCAL_AT, index, pos, arena),
            Op::Captured { index, pos } => variable(tag::CAPTURED, tag::CAPTURED_AT, index, pos, arena),
            Op::With(code) => pointer(tag::WITH, code),
            Op::Select(code) => pointer(tag::SELECT, code),
            Op::SelectPath(code) => pointer(tag::SELECT_PATH, code),
            Op::HasAttr(code) => pointer(tag::HAS_ATTR, code),
            Op::Call(code) => pointer(tag::CALL, code),
            Op::Arithmetic(Arithmetic::Sub, code) => pointer(tag::SUB, code),
            Op::Arithmetic(Arithmetic::Mul, code) => pointer(tag::MUL, code),
            Op::Arithmetic(Arithmetic::Div, code) => pointer(tag::DIV, code),
            Op::Arithmetic(Arithmetic::Less, code) => pointer(tag::LESS, code),
            Op::Lambda(code) => pointer(tag::LAMBDA, code),
            Op::Let(code) => pointer(tag::LET, code),
            Op::Attrs(code) => pointer(tag::ATTRS, code),
            Op::RecAttrs(code) => pointer(tag::REC_ATTRS, code),
            Op::List(code) => pointer(tag::LIST, code),
            Op::WithScope(code) => pointer(tag::WITH_SCOPE, code),
            Op::If(code) => pointer(tag::IF, code),
            Op::Assert(code) => pointer(tag::ASSERT, code),
            Op::Not(code) => pointer(tag::NOT, code),
            Op::Equal(code) => pointer(tag::EQUAL, code),
            Op::NotEqual(code) => pointer(tag::NOT_EQUAL, code),
            Op::And(code) => pointer(tag::AND, code),
            Op::Or(code) => pointer(tag::OR, code),
            Op::Implies(code) => pointer(tag::IMPLIES, code),
            Op::Update(code) => pointer(tag::UPDATE, code),
            Op::ConcatLists(code) => pointer(tag::CONCAT_LISTS, code),
            Op::Concat(code) => pointer(tag::CONCAT, code),
            Op::CurPos(pos) => word(tag::CUR_POS, u64::from(pos.0)),
        })
    }
}

impl LazyOp {
    /// The word; what does not fit into it goes to the arena.
    pub(crate) fn pack(self, arena: &'static Bump) -> Delayed {
        Delayed(match self {
            LazyOp::Const(slot) => constant(lazy_tag::CONST, lazy_tag::CONST_AT, slot.bits(), arena),
            LazyOp::Variable(source) => word(lazy_tag::VARIABLE, u64::from(source.bits())),
            LazyOp::Thunk(code) => pointer(lazy_tag::THUNK, code),
            LazyOp::Lambda(code) => pointer(lazy_tag::LAMBDA, code),
        })
    }
}

/// The object at the address in a word.
///
/// # Safety
/// The word's tag must be one under which [`pointer`] stored a `T`.
#[inline(always)]
unsafe fn object<T>(word: u64) -> &'static T {
    // SAFETY: by this function's contract and the module's invariants.
    unsafe { &*std::ptr::with_exposed_provenance((word >> TAG_BITS) as usize) }
}

/// The index and the position in the word of a variable.
#[inline(always)]
fn index_and_pos(word: u64) -> (u32, Pos) {
    ((word >> (TAG_BITS + 32)) as u32, Pos((word >> TAG_BITS) as u32))
}

impl Code {
    /// Code that is still to be read.
    pub(crate) fn in_image(place: Place) -> Code {
        assert!(place.image < 1 << INDEX_BITS, "fewer than 2^24 images");
        Code(word(
            tag::IN_IMAGE,
            u64::from(place.image) << 32 | u64::from(place.record),
        ))
    }

    /// Where to read it, if it is still to be read.
    #[inline(always)]
    pub(crate) fn place(self) -> Option<Place> {
        let word = self.0.get();
        (word as u8 == tag::IN_IMAGE).then_some(Place {
            image: (word >> (TAG_BITS + 32)) as u32,
            record: (word >> TAG_BITS) as u32,
        })
    }

    /// What it stands for. It must have been read.
    #[inline(always)]
    pub(crate) fn op(self) -> Op {
        let word = self.0.get();
        // SAFETY: these are the tags under which `pack` stores objects of the type that each variant holds.
        unsafe {
            match word as u8 {
                tag::CONST => Op::Const(Value::from_bits(word >> TAG_BITS)),
                tag::CONST_AT => Op::Const(Value::from_bits(*object(word))),
                tag::GLOBAL => Op::Global(*object(word)),
                tag::LOCAL => {
                    let (index, pos) = index_and_pos(word);
                    Op::Local { index, pos }
                }
                tag::LOCAL_AT => {
                    let &(index, pos) = object(word);
                    Op::Local { index, pos }
                }
                tag::CAPTURED => {
                    let (index, pos) = index_and_pos(word);
                    Op::Captured { index, pos }
                }
                tag::CAPTURED_AT => {
                    let &(index, pos) = object(word);
                    Op::Captured { index, pos }
                }
                tag::WITH => Op::With(object(word)),
                tag::SELECT => Op::Select(object(word)),
                tag::SELECT_PATH => Op::SelectPath(object(word)),
                tag::HAS_ATTR => Op::HasAttr(object(word)),
                tag::CALL => Op::Call(object(word)),
                tag::SUB => Op::Arithmetic(Arithmetic::Sub, object(word)),
                tag::MUL => Op::Arithmetic(Arithmetic::Mul, object(word)),
                tag::DIV => Op::Arithmetic(Arithmetic::Div, object(word)),
                tag::LESS => Op::Arithmetic(Arithmetic::Less, object(word)),
                tag::LAMBDA => Op::Lambda(object(word)),
                tag::LET => Op::Let(object(word)),
                tag::ATTRS => Op::Attrs(object(word)),
                tag::REC_ATTRS => Op::RecAttrs(object(word)),
                tag::LIST => Op::List(object(word)),
                tag::WITH_SCOPE => Op::WithScope(object(word)),
                tag::IF => Op::If(object(word)),
                tag::ASSERT => Op::Assert(object(word)),
                tag::NOT => Op::Not(object(word)),
                tag::EQUAL => Op::Equal(object(word)),
                tag::NOT_EQUAL => Op::NotEqual(object(word)),
                tag::AND => Op::And(object(word)),
                tag::OR => Op::Or(object(word)),
                tag::IMPLIES => Op::Implies(object(word)),
                tag::UPDATE => Op::Update(object(word)),
                tag::CONCAT_LISTS => Op::ConcatLists(object(word)),
                tag::CONCAT => Op::Concat(object(word)),
                tag::CUR_POS => Op::CurPos(Pos((word >> TAG_BITS) as u32)),
                _ => unreachable!("what was read has no other tag"),
            }
        }
    }
}

impl Delayed {
    /// What it stands for.
    #[inline(always)]
    pub(crate) fn op(self) -> LazyOp {
        let word = self.0.get();
        // SAFETY: these are the tags under which `pack` stores objects of the type that each variant holds.
        unsafe {
            match word as u8 {
                lazy_tag::CONST => LazyOp::Const(Slot::from_bits(word >> TAG_BITS)),
                lazy_tag::CONST_AT => LazyOp::Const(Slot::from_bits(*object(word))),
                lazy_tag::VARIABLE => LazyOp::Variable(Source::from_bits((word >> TAG_BITS) as u32)),
                lazy_tag::THUNK => LazyOp::Thunk(object(word)),
                lazy_tag::LAMBDA => LazyOp::Lambda(object(word)),
                _ => unreachable!("no other tag is ever stored"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena() -> &'static Bump {
        Box::leak(Box::new(Bump::new()))
    }

    #[test]
    fn variables_and_positions_come_back() {
        for number in [0, 1, 0xff_ffff, 0x100_0000, u32::MAX] {
            let local = Op::Local {
                index: number,
                pos: Pos(u32::MAX - 1),
            };
            assert!(
                matches!(local.pack(arena()).op(), Op::Local { index, pos } if index == number && pos == Pos(u32::MAX - 1))
            );
            let captured = Op::Captured {
                index: number,
                pos: Pos(7),
            };
            assert!(
                matches!(captured.pack(arena()).op(), Op::Captured { index, pos } if index == number && pos == Pos(7))
            );
        }
        assert!(matches!(
            Op::CurPos(Pos(u32::MAX)).pack(arena()).op(),
            Op::CurPos(Pos(u32::MAX))
        ));
    }

    #[test]
    fn places_in_images_come_back() {
        for (image, record) in [(0, 0), (0, u32::MAX), ((1 << 24) - 1, 7)] {
            let place = Place { image, record };
            assert_eq!(Code::in_image(place).place(), Some(place));
        }
        assert_eq!(Op::CurPos(Pos(1)).pack(arena()).place(), None);
    }

    #[test]
    fn constants_come_back() {
        for i in [
            0,
            1,
            -1,
            (1 << 52) - 1,
            1 << 52,
            1 << 53,
            (1 << 60) - 1,
            -(1 << 60),
        ] {
            let value = Value::small_int(i).expect("61 bits");
            let code = Op::Const(value).pack(arena());
            assert!(
                matches!(code.op(), Op::Const(value) if value.as_int() == Some(i)),
                "{i}"
            );
            let delayed = LazyOp::Const(value.slot()).pack(arena());
            let found = match delayed.op() {
                LazyOp::Const(slot) => slot.direct().and_then(Value::as_int),
                _ => None,
            };
            assert_eq!(found, Some(i));
        }
    }

    #[test]
    fn sources_come_back() {
        for source in [
            Source::local(0),
            Source::captured(5),
            Source::captured((1 << 31) - 1),
        ] {
            assert!(
                matches!(LazyOp::Variable(source).pack(arena()).op(), LazyOp::Variable(found) if found == source)
            );
        }
    }
}
