//! The allocator of programs that evaluate: the system's, with a cache of free blocks in front of it.
//!
//! Evaluation takes and gives back a million small blocks: paths, texts of derivations, lists that are put together.
//! glibc remembers seven of each size at hand and does real work for the others. Here the thread that evaluates
//! ([`keep_free_blocks`]) keeps as many as it had in use at one time, up to a limit; other threads keep none.
//!
//! # Invariants (what the `unsafe` here rests on)
//!
//! * A block of a class was given out by the system for the layout of that class, whoever gives it back.
//! * A block on a list is free, on one list only, and its first word is the next block of the list. Each class is as
//!   large as a pointer at least.
//! * A list is used by its thread only.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Blocks of up to this many bytes are kept.
const LARGEST: usize = 1024;
/// Sizes are rounded up to a multiple of this. No block needs more alignment.
const STEP: usize = 16;
/// How many bytes of each class a thread keeps.
const MOST_KEPT: usize = 256 << 10;
const CLASSES: usize = LARGEST / STEP + 1;
/// Blocks of so many bytes are large ones.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: nix::libc::c_int = 1 << 20;

/// The allocator.
pub struct Allocator;

struct Cache {
    is_on: Cell<bool>,
    free: [Cell<*mut u8>; CLASSES],
    kept: [Cell<usize>; CLASSES],
}

thread_local! {
    static CACHE: Cache = const {
        Cache {
            is_on: Cell::new(false),
            free: [const { Cell::new(ptr::null_mut()) }; CLASSES],
            kept: [const { Cell::new(0) }; CLASSES],
        }
    };
}

/// Has this thread keep free blocks from now on. They stay kept until the process ends.
pub fn keep_free_blocks() {
    CACHE.with(|cache| cache.is_on.set(true));
}

/// Has large blocks come from the system and go back to it one by one, in all threads from now on. Otherwise glibc takes those
/// that are no larger than any that was freed before from its heap, where what is free often cannot be given back.
pub fn give_back_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it sets a number.
    unsafe {
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// The class of a layout, if its blocks are kept.
#[inline(always)]
fn class(layout: Layout) -> Option<usize> {
    let is_small = layout.size() <= LARGEST && layout.align() <= STEP && layout.size() > 0;
    is_small.then(|| layout.size().div_ceil(STEP))
}

/// The layout of all blocks of a class.
#[inline(always)]
fn layout_of(class: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and the size is a multiple of it that is far from the largest one.
    unsafe { Layout::from_size_align_unchecked(class * STEP, STEP) }
}

// SAFETY: blocks come from the system's allocator with at least the size and alignment asked for; by the module's
// invariants those on a list are in nobody's use.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    // SAFETY: what the caller promises is what the trait asks for.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(layout) else {
            // SAFETY: the caller's promises are those the system's allocator asks for.
            return unsafe { System.alloc(layout) };
        };
        CACHE.with(|cache| {
            let block = cache.free[class].get();
            if block.is_null() {
                // SAFETY: the size of a class is not zero.
                return unsafe { System.alloc(layout_of(class)) };
            }
            // SAFETY: the first word of a block on a list is the next block.
            cache.free[class].set(unsafe { block.cast::<*mut u8>().read() });
            cache.kept[class].set(cache.kept[class].get().wrapping_sub(class * STEP));
            block
        })
    }

    #[inline]
    // SAFETY: what the caller promises is what the trait asks for.
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(class) = class(layout) else {
            // SAFETY: blocks of no class came from the system's allocator with this layout.
            return unsafe { System.dealloc(block, layout) };
        };
        CACHE.with(|cache| {
            let kept = cache.kept[class].get();
            if !cache.is_on.get() || kept >= MOST_KEPT {
                // SAFETY: blocks of a class came from the system's allocator with the layout of the class.
                return unsafe { System.dealloc(block, layout_of(class)) };
            }
            // SAFETY: the block is ours now, and has room for a pointer.
            unsafe { block.cast::<*mut u8>().write(cache.free[class].get()) };
            cache.free[class].set(block);
            cache.kept[class].set(kept.wrapping_add(class * STEP));
        });
    }

    #[inline]
    // SAFETY: what the caller promises is what the trait asks for.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if class(layout).is_none() {
            // SAFETY: the caller's promises are those the system's allocator asks for.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as above; the block has at least the layout's size.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    #[inline]
    // SAFETY: what the caller promises is what the trait asks for.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size, rounded up to the alignment, is a valid one.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(wanted)) {
            (Some(old), Some(new)) if old == new => block,
            // SAFETY: blocks of no class came from the system's allocator with this layout.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            // SAFETY: both blocks have the bytes that are copied, and the old one is given back once.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    new.copy_from_nonoverlapping(block, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                new
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of all sizes keep what is written to them, whether they are kept or not.
    #[test]
    fn blocks_do_not_overlap() {
        for keeps in [false, true] {
            if keeps {
                keep_free_blocks();
            }
            let mut random = 1_u64;
            let mut next = |below: usize| {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
                (random >> 33) as usize % below
            };
            let mut blocks: Vec<(*mut u8, Layout, u8)> = vec![];
            for round in 0..20_000 {
                let mark = round as u8;
                if blocks.len() > 200 || !blocks.is_empty() && next(3) == 0 {
                    let (block, layout, mark) = blocks.swap_remove(next(blocks.len()));
                    // SAFETY: the block was given out for that layout, and is given back once.
                    unsafe {
                        let bytes = std::slice::from_raw_parts(block, layout.size());
                        assert!(bytes.iter().all(|&byte| byte == mark));
                        Allocator.dealloc(block, layout);
                    }
                    continue;
                }
                let layout = Layout::from_size_align(1 + next(1200), 1 << next(6)).expect("a valid layout");
                // SAFETY: the sizes are not zero; what is written is within the block.
                unsafe {
                    let zeroed = Allocator.alloc_zeroed(layout);
                    let bytes = std::slice::from_raw_parts(zeroed, layout.size());
                    assert!(bytes.iter().all(|&byte| byte == 0));
                    assert_eq!(zeroed.addr() % layout.align(), 0);
                    zeroed.write_bytes(mark, layout.size());
                    let size = 1 + next(1200);
                    let block = Allocator.realloc(zeroed, layout, size);
                    let kept = std::slice::from_raw_parts(block, size.min(layout.size()));
                    assert!(kept.iter().all(|&byte| byte == mark));
                    block.write_bytes(mark, size);
                    let layout = Layout::from_size_align(size, layout.align()).expect("a valid layout");
                    blocks.push((block, layout, mark));
                }
            }
            for (block, layout, _) in blocks {
                // SAFETY: as above.
                unsafe { Allocator.dealloc(block, layout) };
            }
        }
    }
}
