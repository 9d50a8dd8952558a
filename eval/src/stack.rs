//! Frames: the locals and captures of code that is running, and the limits of depth.
//!
//! Locals live on one zeroed region that is reserved once (zero is `null`, see [`crate::value`]) and touched as
//! needed; only closures and thunks that capture a local copy it to the heap.

use crate::code::Source;
use crate::error::{Error, Kind, Result};
use crate::value::Slot;
use std::cell::Cell;

/// How many locals all running frames may have together.
const CAPACITY: usize = 32 << 20;

/// How much of the native stack evaluation leaves free for leaf functions, in bytes.
const NATIVE_RESERVE: usize = 512 << 10;

/// The locals of all running frames.
pub(crate) struct Stack {
    slots: Box<[Cell<Slot>]>,
    top: Cell<usize>,
    /// The lowest address of the native stack that evaluation may use.
    native_limit: Cell<usize>,
}

/// What running code sees: its locals and captures. Dropping it frees the locals.
pub(crate) struct Frame<'s> {
    locals: &'s [Cell<Slot>],
    captures: &'static [Slot],
    top: &'s Cell<usize>,
    start: usize,
}

impl Drop for Frame<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.top.set(self.start);
    }
}

impl Frame<'_> {
    #[inline(always)]
    pub(crate) fn local(&self, index: u32) -> Slot {
        self.locals[index as usize].get()
    }

    #[inline(always)]
    pub(crate) fn set_local(&self, index: u32, slot: Slot) {
        self.locals[index as usize].set(slot);
    }

    #[inline(always)]
    pub(crate) fn captured(&self, index: u32) -> Slot {
        self.captures[index as usize]
    }

    #[inline(always)]
    pub(crate) fn source(&self, source: Source) -> Slot {
        match source.as_captured() {
            Ok(index) => self.captured(index),
            Err(index) => self.local(index),
        }
    }
}

impl Stack {
    pub(crate) fn new() -> Stack {
        Stack {
            slots: zeroed_slots(),
            top: Cell::new(0),
            native_limit: Cell::new(0),
        }
    }

    /// Tells how much native stack there is below the caller's frame, in bytes.
    pub(crate) fn set_native_size(&self, size: usize) {
        self.native_limit
            .set(address_of_here().saturating_sub(size.saturating_sub(NATIVE_RESERVE)));
    }

    /// A frame with `size` locals.
    #[inline(always)]
    pub(crate) fn enter(&self, size: u32, captures: &'static [Slot]) -> Result<Frame<'_>> {
        let start = self.top.get();
        let end = start + size as usize;
        let Some(locals) = self.slots.get(start..end) else {
            return Err(too_deep());
        };
        self.top.set(end);
        Ok(Frame {
            locals,
            captures,
            top: &self.top,
            start,
        })
    }

    /// Fails when the native stack is nearly used up.
    #[inline(always)]
    pub(crate) fn check_native(&self) -> Result<()> {
        if address_of_here() < self.native_limit.get() {
            Err(too_deep())
        } else {
            Ok(())
        }
    }
}

#[inline(always)]
fn address_of_here() -> usize {
    let here = 0u8;
    std::ptr::from_ref(&here).addr()
}

#[cold]
pub(crate) fn too_deep() -> Error {
    Error::new(Kind::StackOverflow, "stack overflow; max-call-depth exceeded")
}

/// Zeroed memory that the system provides page by page when it is first written.
fn zeroed_slots() -> Box<[Cell<Slot>]> {
    // SAFETY: the word 0 is the slot `null`; Cell<Slot> has the layout of a u64.
    unsafe { Box::<[Cell<Slot>]>::new_zeroed_slice(CAPACITY).assume_init() }
}
