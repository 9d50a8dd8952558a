//! Lazy cells: a word that becomes the value, and the captures that evaluating it needs.
//!
//! The first word is either a finished [`Value`] (any tag but `Lazy`) or a state with a pointer:
//! `pointer << 8 | state << 3 | Lazy`. Three of five thunks capture one or two slots, mostly of objects that are not far; then the
//! word holds the number of the code (see [`crate::thunk_codes`]) and the first capture, as a distance from the cell:
//! `number << 39 | distance << 11 | tag << 8 | state << 3 | Lazy`. Forcing reads that one word (acquire; free on x86); finishing writes it
//! (release). With several threads the evaluating one would win a compare-exchange from the suspended state to the
//! blackhole; captures are read by the winner only, so the protocol needs no other change.
//!
//! # Invariants
//!
//! * A cell in state `Thunk`, `Closure`, `Seen` or `Apply` is followed by as many captures as its code or arity says, one in
//!   state `ShortThunk` by all but the first.
//! * A cell in state `Closure` or `Seen` is the closure that is its value: see [`Function`].
//! * Captures are written before the cell is published and not changed afterwards, except by [`Captures::set`]
//!   while a recursive scope is being built, before anything in it can be forced.
//! * The captures of a thunk are read by whoever evaluates it only ([`Cell::evaluate`]), those of an application are
//!   copied by [`Cell::state`]; so they are dead once the result is stored, and the heap gets them back. Closures that
//!   were made on the way copied what they need. A cell that is a closure keeps its captures.

use crate::code::{LambdaCode, ThunkCode};
use crate::error::Error;
use crate::function::Function;
use crate::heap::{Heap, count};
use crate::thunk_codes;
use crate::value::{Slot, Tag, Value};
use nivis_lang::symbol::Symbol;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// A lazy cell.
#[repr(C)]
pub struct Cell {
    word: AtomicU64,
    // Captures follow.
}

const BLACKHOLE: u64 = 0;
const THUNK: u64 = 1;
/// A lambda expression that nobody looked at yet. That shows when it is printed.
const CLOSURE: u64 = 2;
const APPLY1: u64 = 3;
const APPLY2: u64 = 4;
const FAILED: u64 = 5;
const APPLY_NAMED: u64 = 6;
/// A lambda expression.
const SEEN: u64 = 7;
/// A thunk with its first capture in the word.
const SHORT_THUNK: u64 = 8;

/// So many captures a short thunk has at most.
const SHORT: usize = 2;

/// What a cell is, taken apart.
pub(crate) enum State {
    /// Evaluated.
    Finished(Value),
    /// Being evaluated.
    Blackhole,
    /// An expression; [`Cell::evaluate`] gives its captures.
    Thunk(&'static ThunkCode),
    /// A lambda expression that nobody looked at yet.
    Closure(Value),
    /// A function and one argument.
    Apply1([Slot; 2]),
    /// A function and two arguments.
    Apply2([Slot; 3]),
    /// A function, the name of an attribute and its value.
    ApplyNamed(Slot, Symbol, Slot),
    /// Evaluation failed.
    Failed(&'static Error),
}

/// How many bits the distance of a short thunk's first capture takes, in words and with its sign.
const DISTANCE_BITS: u32 = 28;
const NUMBER_SHIFT: u32 = 11 + DISTANCE_BITS;
const _: () = assert!(NUMBER_SHIFT + thunk_codes::BITS == u64::BITS);

/// The word of a short thunk at an address. `None` if the capture is too far.
#[inline(always)]
fn short_thunk_word(cell: usize, number: u32, first: Slot) -> Option<u64> {
    let distance = (first.address() as i64).wrapping_sub(cell as i64) >> 3;
    let unused = u64::BITS - DISTANCE_BITS;
    let fits = distance << unused >> unused == distance;
    let distance = distance.cast_unsigned() << unused >> thunk_codes::BITS;
    let parts = u64::from(number) << NUMBER_SHIFT | distance | (first.tag() as u64) << 8;
    fits.then_some(parts | STATE_SHORT_THUNK)
}

/// The first capture of a short thunk at an address.
#[inline(always)]
fn short_thunk_capture(cell: usize, word: u64) -> Slot {
    let distance = (word << thunk_codes::BITS).cast_signed() >> (u64::BITS - DISTANCE_BITS);
    let address = (cell as u64).wrapping_add_signed(distance << 3);
    // SAFETY: `short_thunk_word` was given a slot of that address and tag.
    unsafe { Value::from_bits(address | word >> 8 & 7) }.slot()
}

/// The code of a thunk, by its word.
#[inline(always)]
fn thunk_code(word: u64) -> Option<&'static ThunkCode> {
    match word & 0xff {
        // SAFETY: the constructor stored a reference to a ThunkCode.
        STATE_THUNK => Some(unsafe { &*std::ptr::with_exposed_provenance((word >> 8) as usize) }),
        // SAFETY: the constructor stored the number of a code.
        STATE_SHORT_THUNK => Some(unsafe { thunk_codes::with_number((word >> NUMBER_SHIFT) as u32) }),
        _ => None,
    }
}

const STATE_THUNK: u64 = state_word(0, THUNK);
const STATE_SHORT_THUNK: u64 = state_word(0, SHORT_THUNK);

const fn state_word(pointer: usize, state: u64) -> u64 {
    (pointer as u64) << 8 | state << 3 | Tag::Lazy as u64
}

/// The header of a closure, which is the word of a cell in state `Seen` too.
#[inline(always)]
pub(crate) fn closure_header(code: &'static LambdaCode) -> u64 {
    state_word(std::ptr::from_ref(code).expose_provenance(), SEEN)
}

/// The code of a closure, by its header. `None` if it is no closure's.
#[inline(always)]
pub(crate) fn code_of_closure(header: u64) -> Option<&'static LambdaCode> {
    if header & 7 != Tag::Lazy as u64 {
        return None;
    }
    // SAFETY: only closures have such a header, and `closure_header` or `closure_cell` put a reference to a LambdaCode there.
    Some(unsafe { &*std::ptr::with_exposed_provenance((header >> 8) as usize) })
}

impl Cell {
    /// The value, if there is one.
    #[inline(always)]
    pub fn finished(&'static self) -> Option<Value> {
        let word = self.word.load(Ordering::Acquire);
        if word & 7 != Tag::Lazy as u64 {
            // SAFETY: a word with another tag was stored by `finish` from a value.
            return Some(unsafe { Value::from_bits(word) });
        }
        (word & 0xff == state_word(0, SEEN)).then(|| self.closure())
    }

    /// The closure that a cell in state `Closure` or `Seen` is.
    #[inline(always)]
    fn closure(&'static self) -> Value {
        // SAFETY: by the module's invariants the cell has the form of a closure.
        let closure = unsafe { &*std::ptr::from_ref(self).cast::<Function>() };
        Value::from_pointer(closure, Tag::Function)
    }

    #[inline(always)]
    fn captures(&'static self, n: usize) -> &'static [Slot] {
        // SAFETY: by the module's invariants `n` captures follow.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).add(1).cast::<Slot>(), n) }
    }

    /// What the cell refers to: the value or capture in its word, if there is one, and the slots behind it.
    #[inline(always)]
    pub(crate) fn parts(&'static self) -> (Slot, &'static [Slot]) {
        let word = self.raw();
        if word & 7 != Tag::Lazy as u64 {
            // SAFETY: as in `finished`.
            return (unsafe { Value::from_bits(word) }.slot(), &[]);
        }
        let n = match word >> 3 & 0x1f {
            THUNK => thunk_code(word).map_or(0, |code| code.captures.len()),
            SHORT_THUNK => {
                let n = thunk_code(word).map_or(1, |code| code.captures.len());
                return (self.first_capture(word), self.captures(n - 1));
            }
            CLOSURE | SEEN => code_of_closure(word).map_or(0, |code| code.captures.len()),
            APPLY1 | APPLY_NAMED => 2,
            APPLY2 => 3,
            _ => 0,
        };
        (Slot::NULL, self.captures(n))
    }

    #[inline(always)]
    fn first_capture(&'static self, word: u64) -> Slot {
        short_thunk_capture(std::ptr::from_ref(self).addr(), word)
    }

    /// The state of the cell.
    #[inline(always)]
    pub(crate) fn state(&'static self) -> State {
        let word = self.word.load(Ordering::Acquire);
        if word & 7 != Tag::Lazy as u64 {
            // SAFETY: as in `finished`.
            return State::Finished(unsafe { Value::from_bits(word) });
        }
        let pointer = (word >> 8) as usize;
        match word >> 3 & 0x1f {
            THUNK | SHORT_THUNK => match thunk_code(word) {
                Some(code) => State::Thunk(code),
                None => State::Blackhole,
            },
            CLOSURE => State::Closure(self.closure()),
            SEEN => State::Finished(self.closure()),
            APPLY1 => {
                let parts = self.captures(2);
                State::Apply1([parts[0], parts[1]])
            }
            APPLY2 => {
                let parts = self.captures(3);
                State::Apply2([parts[0], parts[1], parts[2]])
            }
            APPLY_NAMED => {
                let parts = self.captures(2);
                State::ApplyNamed(parts[0], Symbol::from_index(pointer), parts[1])
            }
            // SAFETY: `fail` stored a leaked error.
            FAILED => State::Failed(unsafe { &*std::ptr::with_exposed_provenance(pointer) }),
            _ => State::Blackhole,
        }
    }

    /// Evaluates a cell in state `Thunk`: marks it, has `run` work out the value from the captures, stores it and gives
    /// the captures back to the heap. The cell stays marked when `run` fails.
    #[inline(always)]
    pub(crate) fn evaluate<E>(
        &'static self,
        heap: &Heap,
        code: &'static ThunkCode,
        run: impl FnOnce(&[Slot]) -> Result<Value, E>,
    ) -> Result<Value, E> {
        let word = self.raw();
        assert!(thunk_code(word).is_some_and(|found| std::ptr::eq(found, code)));
        self.word.store(state_word(0, BLACKHOLE), Ordering::Relaxed);
        let mut n = code.captures.len();
        let short;
        let captures = if word & 0xff == STATE_SHORT_THUNK {
            let second = if n == SHORT {
                self.captures(1)[0]
            } else {
                Slot::NULL
            };
            short = [self.first_capture(word), second];
            n -= 1;
            &short[..=n]
        } else {
            self.captures(n)
        };
        let value = run(captures)?;
        self.finish(value);
        // SAFETY: the cell was made with `n` captures behind it. They were reached through this call only, because the cell
        // was marked, and `run` cannot have kept them; the cell will not be a thunk again.
        unsafe { self.release_captures(heap, n) };
        Ok(value)
    }

    /// Stores the result of an application and gives its captures back to the heap, unless somebody else did:
    /// applications are not marked while they are evaluated. `saved` is the state it was in.
    #[inline(always)]
    pub(crate) fn finish_application(&'static self, heap: &Heap, saved: u64, value: Value) {
        let n = match saved >> 3 & 0x1f {
            APPLY1 | APPLY_NAMED => 2,
            APPLY2 => 3,
            _ => 0,
        };
        let unchanged = self.raw() == saved && saved & 7 == Tag::Lazy as u64;
        self.finish(value);
        if unchanged {
            // SAFETY: the state says that the cell was made with `n` captures. Whoever reads it copies them, and it
            // will not be in that state again.
            unsafe { self.release_captures(heap, n) };
        }
    }

    /// Gives the captures back to the heap.
    ///
    /// # Safety
    /// The cell was made with `n` captures, not in state `Closure`; nobody reads them any more, and nobody else gives
    /// them back.
    #[inline(always)]
    unsafe fn release_captures(&'static self, heap: &Heap, n: usize) {
        let address = std::ptr::from_ref(self).addr() + size_of::<Cell>();
        if let Some(block) = NonNull::new(std::ptr::with_exposed_provenance_mut(address)) {
            // SAFETY: the captures are the words behind the cell's; the rest is this function's contract.
            unsafe { heap.release(block, n) }
        }
    }

    /// Notes that somebody looked at a cell in state `Closure`.
    pub(crate) fn see_closure(&self) {
        let word = self.raw();
        assert!(word & 0xff == state_word(0, CLOSURE));
        self.word
            .store(word & !0xff | state_word(0, SEEN), Ordering::Release);
    }

    /// Stores the result.
    #[inline(always)]
    pub(crate) fn finish(&self, value: Value) {
        self.word.store(value.bits(), Ordering::Release);
    }

    /// Stores the error; forcing the cell again reports it again.
    #[cold]
    pub(crate) fn fail(&self, error: &Error) {
        let error: &'static Error = Box::leak(Box::new(error.clone()));
        self.word.store(
            state_word(std::ptr::from_ref(error).expose_provenance(), FAILED),
            Ordering::Release,
        );
    }

    /// Puts a suspended state back after an interruption, so that forcing the cell again starts over. A suspended
    /// call is not marked while it is evaluated: it is as it was, or somebody else evaluated it meanwhile.
    #[cold]
    pub(crate) fn restore(&self, saved: u64) {
        if self.raw() == state_word(0, BLACKHOLE) {
            self.word.store(saved, Ordering::Release);
        }
    }

    /// The raw state, for [`Cell::restore`].
    #[inline(always)]
    pub(crate) fn raw(&self) -> u64 {
        self.word.load(Ordering::Relaxed)
    }
}

/// The captures of a cell or closure that is being built.
///
/// The object was published to its siblings already, but nothing forces it before all captures are set.
pub(crate) struct Captures {
    first: *mut Slot,
    len: usize,
}

impl Captures {
    /// Sets capture `i`.
    #[inline(always)]
    pub(crate) fn set(&self, i: usize, slot: Slot) {
        if i >= self.len {
            return;
        }
        // SAFETY: within the object's tail, which only its builder holds.
        unsafe { self.first.add(i).write(slot) }
    }
}

impl Heap {
    #[inline(always)]
    fn new_cell(&self, word: u64, captures: usize) -> (Slot, Captures) {
        let words = self.alloc_words(1 + captures);
        // SAFETY: room for the word and the captures was just allocated; the caller sets the captures before the
        // cell can be forced.
        unsafe { self.cell_of_words(words, word, captures) }
    }

    /// A cell in words that were just allocated.
    ///
    /// # Safety
    /// There is room for the cell's word and so many captures, which are set before the cell can be forced.
    #[inline(always)]
    unsafe fn cell_of_words(&self, words: NonNull<u64>, word: u64, captures: usize) -> (Slot, Captures) {
        count(&self.counters.cells, 1);
        count(&self.counters.captures, captures);
        let pointer = words.cast::<Cell>();
        // `Cell::release_captures` goes by the address.
        let _ = pointer.as_ptr().expose_provenance();
        // SAFETY: by this function's contract.
        unsafe {
            pointer.write(Cell {
                word: AtomicU64::new(word),
            });
            let first = pointer.add(1).cast::<Slot>().as_ptr();
            (
                Slot::from_cell(pointer.as_ref()),
                Captures { first, len: captures },
            )
        }
    }

    /// A suspended expression; the caller sets the captures.
    #[inline(always)]
    pub(crate) fn thunk(&self, code: &'static ThunkCode) -> (Slot, Captures) {
        let word = state_word(std::ptr::from_ref(code).expose_provenance(), THUNK);
        self.new_cell(word, code.captures.len())
    }

    /// A suspended expression of few captures with the first of them in its word, if that is possible; the caller sets the others.
    #[inline(always)]
    pub(crate) fn short_thunk(&self, code: &'static ThunkCode, first: Slot) -> Option<(Slot, Captures)> {
        let n = code.captures.len();
        let number = thunk_codes::number(code).filter(|_| (1..=SHORT).contains(&n))?;
        let words = self.alloc_words(n);
        let Some(word) = short_thunk_word(words.addr().get(), number, first) else {
            // SAFETY: just allocated, and not used.
            unsafe { self.release(words, n) };
            return None;
        };
        // SAFETY: there are as many words as captures, of which the cell's holds one; the caller sets the others.
        Some(unsafe { self.cell_of_words(words, word, n - 1) })
    }

    /// A suspended lambda expression; the caller sets the closure's captures.
    #[inline(always)]
    pub(crate) fn closure_cell(&self, code: &'static LambdaCode) -> (Slot, Captures) {
        let word = state_word(std::ptr::from_ref(code).expose_provenance(), CLOSURE);
        self.new_cell(word, code.captures.len())
    }

    /// `function argument`, suspended.
    #[inline]
    pub fn apply1(&self, function: Slot, argument: Slot) -> Slot {
        count(&self.counters.applications, 1);
        let (slot, captures) = self.new_cell(state_word(0, APPLY1), 2);
        captures.set(0, function);
        captures.set(1, argument);
        slot
    }

    /// `function first second`, suspended.
    #[inline]
    pub fn apply2(&self, function: Slot, first: Slot, second: Slot) -> Slot {
        count(&self.counters.applications, 1);
        let (slot, captures) = self.new_cell(state_word(0, APPLY2), 3);
        captures.set(0, function);
        captures.set(1, first);
        captures.set(2, second);
        slot
    }

    /// `function name value`, suspended; the name becomes a string when the call is made.
    #[inline]
    pub(crate) fn apply_named(&self, function: Slot, name: Symbol, value: Slot) -> Slot {
        count(&self.counters.applications, 1);
        let (slot, captures) = self.new_cell(state_word(name.index(), APPLY_NAMED), 2);
        captures.set(0, function);
        captures.set(1, value);
        slot
    }

    /// A cell that fails with `error` when forced.
    pub fn failed(&self, error: &Error) -> Slot {
        let (slot, _) = self.new_cell(state_word(0, BLACKHOLE), 0);
        slot.as_cell().expect("a cell").fail(error);
        slot
    }

    /// A closure as a value; the caller sets its captures.
    #[inline(always)]
    pub(crate) fn closure(&self, code: &'static LambdaCode) -> (Value, Captures) {
        count(&self.counters.closures, 1);
        let n = code.captures.len();
        let pointer = self.alloc_words(1 + n).cast::<u64>();
        // SAFETY: room for the header and the captures was just allocated.
        unsafe {
            pointer.write(closure_header(code));
            let function = pointer.cast::<Function>().as_ref();
            (
                Value::from_pointer(function, Tag::Function),
                Captures {
                    first: pointer.add(1).cast::<Slot>().as_ptr(),
                    len: n,
                },
            )
        }
    }
}

impl Cell {
    /// The captures of a thunk that was made by [`Heap::thunk`] and not forced yet, to set them.
    #[inline(always)]
    pub(crate) fn thunk_captures(&'static self, code: &'static ThunkCode) -> Captures {
        let word = state_word(std::ptr::from_ref(code).expose_provenance(), THUNK);
        self.unset_captures(word, code.captures.len())
    }

    /// The captures of a closure that was made by [`Heap::closure_cell`] and not forced yet, to set them.
    #[inline(always)]
    pub(crate) fn closure_captures(&'static self, code: &'static LambdaCode) -> Captures {
        let word = state_word(std::ptr::from_ref(code).expose_provenance(), CLOSURE);
        self.unset_captures(word, code.captures.len())
    }

    #[inline(always)]
    fn unset_captures(&'static self, word: u64, len: usize) -> Captures {
        // A cell in another state has no captures to set: `__overrides` may have forced it.
        let len = if self.raw() == word { len } else { 0 };
        let first = std::ptr::from_ref(self).wrapping_add(1).cast::<Slot>().cast_mut();
        Captures { first, len }
    }
}

impl Heap {
    /// A cell without a value yet; [`Cell::finish`] gives it one.
    pub(crate) fn pending(&self) -> Slot {
        self.new_cell(state_word(0, BLACKHOLE), 0).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_thunks_hold_what_is_near() {
        const CELL: usize = 0x7f00_1234_5678;
        const FAR: i64 = 1 << (DISTANCE_BITS - 1);
        let last = (1 << thunk_codes::BITS) - 1;
        for (distance, number) in [(0, 0), (1, 1), (-1, last), (FAR - 1, 77), (-FAR, last)] {
            for tag in 0..8 {
                let bits = (CELL as u64).wrapping_add_signed(8 * distance) | tag;
                // SAFETY: nobody looks at what it would refer to.
                let capture = unsafe { Value::from_bits(bits) }.slot();
                let word = short_thunk_word(CELL, number, capture).expect("it is near");
                assert_eq!(
                    (word & 0xff, word >> NUMBER_SHIFT),
                    (STATE_SHORT_THUNK, number.into())
                );
                assert!(short_thunk_capture(CELL, word).same(capture));
            }
        }
        for distance in [FAR, -FAR - 1, 1 << 40] {
            let bits = (CELL as u64).wrapping_add_signed(8 * distance) | Tag::Lazy as u64;
            // SAFETY: as above.
            let capture = unsafe { Value::from_bits(bits) }.slot();
            assert!(short_thunk_word(CELL, 0, capture).is_none());
        }
        assert!(short_thunk_word(CELL, 0, Slot::NULL).is_none());
    }
}
