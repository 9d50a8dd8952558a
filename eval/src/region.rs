//! Where objects lie: one range of addresses, reserved at the start and taken from the system bit by bit.
//!
//! One range makes it a comparison to tell an object's address from others, and a shift to find its mark.
//!
//! # Invariants
//!
//! * The words up to `committed` may be used; those beyond are reserved and were never touched.
//! * Nobody else knows the range, and it stays mapped while the process lives.

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

const WORD: usize = size_of::<u64>();
const PAGE: usize = 4 << 10;
const HUGE_PAGE: usize = 2 << 20;
const FIRST_STEP: usize = 1 << 20;
const LARGEST_STEP: usize = 32 << 20;
/// The smallest range worth having.
const SMALLEST: usize = 64 << 20;
/// A huge page that takes longer to get costs more than 512 small ones, and so will the others. Virtual machines whose host takes
/// unused memory back need 4 ms for one; small pages are mostly such as another process has just left.
const SLOW: Duration = Duration::from_micros(500);
/// Pages are put behind the range in runs of this part of what is in use, within limits: a fault for each page costs half
/// as much again as getting it together with its neighbours.
const RUN_DIVISOR: usize = 8;
const SHORTEST_RUN: usize = 32 << 10;
const LONGEST_RUN: usize = 256 << 10;

/// A range of words.
pub(crate) struct Region {
    start: NonNull<u64>,
    reserved: usize,
    committed: Cell<usize>,
    next_step: Cell<usize>,
    /// Whether huge pages are asked for.
    wants_huge_pages: Cell<bool>,
    /// The words up to here have memory behind them, as far as the system told.
    backed: Cell<usize>,
}

impl Region {
    /// Reserves twice as much as the machine has memory, or what the system grants. `None` if it grants nothing.
    pub(crate) fn reserve() -> Option<Region> {
        let mut size = (2 * physical_memory()).next_multiple_of(HUGE_PAGE).max(SMALLEST);
        while size >= SMALLEST {
            let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
            let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
            // SAFETY: a new mapping at an address of the system's choice.
            if let Ok(start) = unsafe { mmap_anonymous(None, NonZeroUsize::new(size)?, access, flags) } {
                return Some(Region {
                    start: start.cast(),
                    reserved: size / WORD,
                    committed: Cell::new(0),
                    next_step: Cell::new(FIRST_STEP),
                    wants_huge_pages: Cell::new(true),
                    backed: Cell::new(0),
                });
            }
            size /= 2;
        }
        None
    }

    /// The address of the first word.
    #[inline(always)]
    pub(crate) fn start(&self) -> NonNull<u64> {
        self.start
    }

    /// How many words may be used.
    #[inline(always)]
    pub(crate) fn committed(&self) -> usize {
        self.committed.get()
    }

    /// Adds room for at least `words` and tells for how many; `None` if the range is used up.
    pub(crate) fn commit(&self, words: usize) -> Option<usize> {
        let first = self.committed.get();
        let step = self.next_step.get();
        self.next_step.set((step * 2).min(LARGEST_STEP));
        let wanted = first
            .checked_add(words.max(step / WORD))?
            .next_multiple_of(PAGE / WORD);
        let end = wanted.min(self.reserved);
        if end - first < words {
            return None;
        }
        self.committed.set(end);
        self.ask_for_huge_pages(first, end);
        Some(end - first)
    }

    /// Gets memory for the words up to `end` and some behind them, which are about to be written. Without it each page would
    /// come when it is first touched; so nothing is lost where the system cannot do this (Linux before 5.14).
    #[inline(always)]
    pub(crate) fn back(&self, end: usize) {
        if end > self.backed.get() {
            self.back_run(end);
        }
    }

    #[cold]
    #[inline(never)]
    fn back_run(&self, end: usize) {
        let from = self.backed.get();
        let run = (from * WORD / RUN_DIVISOR).clamp(SHORTEST_RUN, LONGEST_RUN) / PAGE * PAGE;
        let to = (end + run / WORD)
            .next_multiple_of(PAGE / WORD)
            .min(self.committed.get());
        self.backed.set(to);
        let started = Instant::now();
        if !self.advise(from, to, MmapAdvise::MADV_POPULATE_WRITE) {
            // What comes when it is touched takes its time unnoticed.
            self.backed.set(usize::MAX);
            return;
        }
        let huge_pages = ((to - from) * WORD).div_ceil(HUGE_PAGE) as u32;
        if self.wants_huge_pages.get() && started.elapsed() > SLOW * huge_pages {
            self.wants_huge_pages.set(false);
            self.advise(to, self.committed.get(), MmapAdvise::MADV_NOHUGEPAGE);
        }
    }

    /// Gives the system advice about the words from `from` to `to`, which begin and end with pages. False if it does not take it.
    fn advise(&self, from: usize, to: usize, advice: MmapAdvise) -> bool {
        assert!(from <= to && to <= self.reserved);
        // SAFETY: the words lie in the range.
        let pointer = unsafe { self.start.add(from) };
        // SAFETY: the pages are ours, and none of the advice given here changes their contents.
        unsafe { madvise(pointer.cast(), (to - from) * WORD, advice).is_ok() }
    }

    /// Asks for huge pages in a range of words that nobody touched yet, as long as the system has them at hand.
    fn ask_for_huge_pages(&self, first: usize, end: usize) {
        let base = self.start.as_ptr().addr() / WORD;
        let from = (base + first).next_multiple_of(HUGE_PAGE / WORD) - base;
        let to = ((base + end) / (HUGE_PAGE / WORD) * (HUGE_PAGE / WORD)).saturating_sub(base);
        if self.wants_huge_pages.get() && from < to {
            let advised = self.advise(from, to, MmapAdvise::MADV_HUGEPAGE);
            self.wants_huge_pages.set(advised);
        }
    }
}

/// The machine's memory in bytes.
fn physical_memory() -> usize {
    use nix::unistd::{SysconfVar, sysconf};
    let ask = |variable| sysconf(variable).ok().flatten();
    match (ask(SysconfVar::_PHYS_PAGES), ask(SysconfVar::PAGE_SIZE)) {
        (Some(pages), Some(size)) => pages as usize * size as usize,
        _ => 4 << 30,
    }
}
