//! Frames: the locals and captures of code that is running, and the limits of depth.
//!
//! Locals live on one zeroed region that is reserved once (zero is `null`, see [`crate::value`]) and touched as
//! needed; only closures and thunks that capture a local copy it to the heap.
//!
//! # Invariants (what the `unsafe` here rests on)
//!
//! * Frames are local variables of functions: a later frame is dropped before an earlier one. So nobody else writes a
//!   frame's part of the region while it lives.

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
    captures: &'s [Slot],
    top: &'s Cell<usize>,
    start: usize,
}

impl Drop for Frame<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.top.set(self.start);
    }
}

impl<'s> Frame<'s> {
    /// The frame of code that captures from this one and takes its place: what it captures lies on the region too,
    /// above this frame's locals.
    #[inline(always)]
    pub(crate) fn into_inner(self, stack: &'s Stack, size: u32, sources: &[Source]) -> Result<Frame<'s>> {
        let first = stack.top.get();
        let end = first + sources.len() + size as usize;
        let Some(slots) = stack.slots.get(first..end) else {
            return Err(too_deep());
        };
        let (captures, locals) = slots.split_at(sources.len());
        for (slot, &source) in captures.iter().zip(sources) {
            slot.set(self.source(source));
        }
        stack.top.set(end);
        // SAFETY: Cell<Slot> has the layout of Slot. By the module's invariants only this frame could write these
        // slots while it lives, and they are not among its locals.
        let captures = unsafe { &*(std::ptr::from_ref(captures) as *const [Slot]) };
        let inner = Frame {
            locals,
            captures,
            top: &stack.top,
            start: self.start,
        };
        std::mem::forget(self);
        Ok(inner)
    }

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
    pub(crate) fn enter<'s>(&'s self, size: u32, captures: &'s [Slot]) -> Result<Frame<'s>> {
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
