//! Where the code of thunks lies: one range of addresses for the whole process, so that a small number tells which it is.
//!
//! That leaves room in a cell's word for what the thunk captures: see [`crate::cell`].
//!
//! # Invariants
//!
//! * Codes lie one behind the other from [`START`] on; each was written before its reference, and so its number, escaped.
//! * Blocks of the range are each given to one thread, which fills them. Nothing is ever moved or freed.

use crate::code::ThunkCode;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bits a number takes.
pub(crate) const BITS: u32 = 25;
const SIZE: usize = size_of::<ThunkCode>();
const _: () = assert!(SIZE == 32);
/// How many bytes a thread takes at a time.
const BLOCK: usize = 64 << 10;
const RANGE: usize = SIZE << BITS;

/// The address of the first code; 0 before there is one, and if the system grants no range.
static START: AtomicUsize = AtomicUsize::new(0);
/// How many bytes of the range were given to threads.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What the thread's block has left.
    static ROOM: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Puts code into the range; gives it back if there is no room.
pub(crate) fn place(code: ThunkCode) -> Result<&'static ThunkCode, ThunkCode> {
    let (next, end) = match ROOM.get() {
        (next, end) if next < end => (next, end),
        _ => match take_block() {
            Some(block) => (block, block + BLOCK),
            None => return Err(code),
        },
    };
    ROOM.set((next + SIZE, end));
    let pointer = std::ptr::with_exposed_provenance_mut::<ThunkCode>(next);
    // SAFETY: the block is this thread's, has room for the code at that place, and nobody was given the place before.
    unsafe {
        pointer.write(code);
        Ok(&*pointer)
    }
}

#[cold]
#[inline(never)]
fn take_block() -> Option<usize> {
    static RESERVE: Once = Once::new();
    RESERVE.call_once(|| {
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let size = NonZeroUsize::new(RANGE).expect("not empty");
        // SAFETY: a new mapping at an address of the system's choice.
        if let Ok(start) = unsafe { mmap_anonymous(None, size, access, flags) } {
            START.store(start.as_ptr().expose_provenance(), Ordering::Relaxed);
        }
    });
    let start = START.load(Ordering::Relaxed);
    let taken = TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
        (start != 0 && taken + BLOCK <= RANGE).then_some(taken + BLOCK)
    });
    let block = start + taken.ok()?;
    let pointer = NonNull::new(std::ptr::with_exposed_provenance_mut(block))?;
    // A fault for each page costs more. Where the system cannot do this, pages come as they are touched.
    // SAFETY: the pages of the block are ours, and it changes no contents.
    let _ = unsafe { madvise(pointer, BLOCK, MmapAdvise::MADV_POPULATE_WRITE) };
    Some(block)
}

/// The number of a code, if it lies in the range.
#[inline(always)]
pub(crate) fn number(code: &'static ThunkCode) -> Option<u32> {
    let start = START.load(Ordering::Relaxed);
    let offset = std::ptr::from_ref(code).addr().wrapping_sub(start);
    (offset < RANGE && start != 0).then_some((offset / SIZE) as u32)
}

/// The code of a number.
///
/// # Safety
/// [`number`] gave it.
#[inline(always)]
pub(crate) unsafe fn with_number(number: u32) -> &'static ThunkCode {
    let address = START.load(Ordering::Relaxed) + number as usize * SIZE;
    // SAFETY: by this function's contract there is a code at that place.
    unsafe { &*std::ptr::with_exposed_provenance(address) }
}
