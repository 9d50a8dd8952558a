//! Collecting garbage, where a command goes from one package to the next and no evaluation is under way.
//!
//! What is reachable from the roots is marked, a bit for each word of the region; nothing moves. Words without a mark are
//! found again one run after the other, as they are needed, so a collection costs what is alive and sweeping what is used
//! again. Objects know their size and what they refer to: by the tag of whatever points to them and by their first word.
//!
//! Objects in the heap's arena are no part of this: they stay, and refer to nothing in the region.

use crate::attrs::Attrs;
use crate::cell::Cell;
use crate::evaluator::Evaluator;
use crate::function::{Function, FunctionKind};
use crate::heap::{Heap, count};
use crate::value::{Slot, Tag};
use std::time::Instant;

/// Words of the bit table are as wide as this.
const BITS: usize = u64::BITS as usize;
const WORD: usize = size_of::<u64>();

/// The next collection is due when the region has room for this many quarters of what is alive now besides that. A walk of
/// 20.09 with paths collects seven times; with six quarters, when large objects were always made in fresh words, it was six
/// times, and 8 % more memory.
const GROWTH_IN_QUARTERS: usize = 5;

/// A bit for each word of the region.
#[derive(Default)]
struct Marks {
    bits: Vec<u64>,
    /// How many words there are.
    len: usize,
}

impl Marks {
    /// No bit of `len` is set. Takes the memory of an earlier table: fresh pages cost more than clearing used ones.
    fn new(len: usize, mut bits: Vec<u64>) -> Marks {
        bits.clear();
        bits.resize(len.div_ceil(BITS), 0);
        Marks { bits, len }
    }

    /// Sets a bit; whether it was not set before.
    #[inline(always)]
    fn set(&mut self, i: usize) -> bool {
        let (word, bit) = (&mut self.bits[i / BITS], 1 << (i % BITS));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    #[inline(always)]
    fn is_set(&self, i: usize) -> bool {
        self.bits[i / BITS] >> (i % BITS) & 1 == 1
    }

    /// Sets the bits of a range.
    #[inline(always)]
    fn set_range(&mut self, i: usize, end: usize) {
        if i >= end {
            return;
        }
        let (first, last) = (i / BITS, (end - 1) / BITS);
        let from_first = u64::MAX << (i % BITS);
        let to_last = u64::MAX >> (BITS - 1 - (end - 1) % BITS);
        if first == last {
            self.bits[first] |= from_first & to_last;
            return;
        }
        self.bits[first] |= from_first;
        self.bits[first + 1..last].fill(u64::MAX);
        self.bits[last] |= to_last;
    }

    /// How many bits are set.
    fn count(&self) -> usize {
        self.bits.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The first bit from `i` on that is set, or else is not, and the length of the table if there is none.
    fn next(&self, i: usize, wanted: bool) -> usize {
        self.next_before(i, wanted, self.len)
    }

    /// The first bit from `i` on, but before `end`, that is set, or else is not; `end` if there is none.
    fn next_before(&self, i: usize, wanted: bool, end: usize) -> usize {
        let flip = if wanted { 0 } else { u64::MAX };
        let mut k = i / BITS;
        let Some(&word) = self.bits.get(k) else {
            return end;
        };
        let mut word = (word ^ flip) & (u64::MAX << (i % BITS));
        while word == 0 {
            k += 1;
            match self.bits.get(k) {
                Some(&next) if k * BITS < end => word = next ^ flip,
                _ => return end,
            }
        }
        (k * BITS + word.trailing_zeros() as usize).min(end)
    }
}

/// The dead words that a collection found, to be used again.
#[derive(Default)]
pub(crate) struct Sweep {
    marks: Marks,
    /// Runs of dead words are given out up to here.
    next: usize,
    /// No room for another large object is looked for before this: all of them together pass a word once.
    next_large: usize,
}

impl Sweep {
    /// Whether no dead words are left.
    pub(crate) fn is_done(&self) -> bool {
        self.next >= self.marks.len
    }

    /// The first word and the length of the next run of dead words.
    pub(crate) fn next_run(&mut self) -> Option<(usize, usize)> {
        let first = self.marks.next(self.next, false);
        if first >= self.marks.len {
            self.next = self.marks.len;
            return None;
        }
        self.next = self.marks.next(first, true);
        Some((first, self.next - first))
    }

    /// The first of `n` dead words one after the other, which are not dead any more. Runs that are shorter stay for smaller objects.
    pub(crate) fn take(&mut self, n: usize) -> Option<usize> {
        let mut first = self.next_large.max(self.next);
        loop {
            first = self.marks.next(first, false);
            let end = first + n;
            if end > self.marks.len {
                self.next_large = self.marks.len;
                return None;
            }
            let used = self.marks.next_before(first, true, end);
            if used == end {
                self.marks.set_range(first, end);
                self.next_large = end;
                return Some(first);
            }
            first = used;
        }
    }
}

/// How many objects are asked for before they are looked at.
const AHEAD: usize = 16;

/// Bytes that the processor fetches at a time.
const CACHE_LINE: usize = 64;

/// Has the processor fetch an object, or the first part of a large one.
#[inline(always)]
fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: hints, for any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address));
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address.wrapping_add(CACHE_LINE)));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Marks what is reachable.
struct Marker {
    start: usize,
    marks: Marks,
    /// Marked objects whose parts were not looked at yet.
    todo: Vec<Slot>,
}

impl Marker {
    fn new(heap: &Heap) -> Marker {
        let earlier = heap.sweep.take().marks.bits;
        Marker {
            start: heap.region.start().addr().get(),
            marks: Marks::new(heap.used_words(), earlier),
            todo: vec![],
        }
    }

    /// Which word of the region an address is.
    #[inline(always)]
    fn index(&self, address: usize) -> Option<usize> {
        let i = address.wrapping_sub(self.start) / WORD;
        (i < self.marks.len).then_some(i)
    }

    /// Marks what a slot refers to, to be looked at later.
    #[inline(always)]
    fn visit(&mut self, slot: Slot) {
        // Atoms and boxed values have no address in the region.
        if slot.tag() != Tag::Int
            && let Some(i) = self.index(slot.address())
            && self.marks.set(i)
        {
            self.todo.push(slot);
        }
    }

    fn visit_set(&mut self, set: &'static Attrs) {
        self.visit(set.value().slot());
    }

    fn visit_all(&mut self, slots: &[Slot]) {
        for &slot in slots {
            self.visit(slot);
        }
    }

    /// Marks an object of so many words.
    #[inline(always)]
    fn object(&mut self, slot: Slot, words: usize) {
        if words > 1
            && let Some(i) = self.index(slot.address())
        {
            self.marks.set_range(i + 1, i + words);
        }
    }

    fn run(&mut self) {
        // Objects are looked at a little after they were asked for, so that they are there by then.
        let mut soon = [Slot::NULL; AHEAD];
        let mut next = 0;
        let mut idle = 0;
        loop {
            let new = match self.todo.pop() {
                Some(slot) => {
                    idle = 0;
                    prefetch(slot.address());
                    slot
                }
                None if idle == AHEAD => return,
                None => {
                    idle += 1;
                    Slot::NULL
                }
            };
            let slot = std::mem::replace(&mut soon[next], new);
            next = (next + 1) % AHEAD;
            match slot.as_cell() {
                Some(cell) => self.cell(slot, cell),
                None => self.value(slot),
            }
        }
    }

    fn cell(&mut self, slot: Slot, cell: &'static Cell) {
        let (first, others) = cell.parts();
        self.object(slot, 1 + others.len());
        self.visit(first);
        self.visit_all(others);
    }

    fn value(&mut self, slot: Slot) {
        let Some(value) = slot.direct() else { return };
        if let Some(set) = value.as_attrs() {
            self.set(slot, set);
        } else if let Some(function) = value.as_function() {
            self.function(slot, function);
        } else if let Some(string) = value.as_string() {
            self.object(slot, 1 + string.bytes().len().div_ceil(WORD));
        } else if let Some(elements) = value.as_list() {
            self.list(slot, elements);
        }
    }

    fn set(&mut self, slot: Slot, set: &'static Attrs) {
        if let Some(flat) = set.as_flat() {
            self.object(slot, 1 + flat.slots.len());
            self.visit_all(flat.slots);
        } else if let Some(layer) = set.layer() {
            self.object(slot, size_of_val(layer) / WORD);
            let (base, top, flat) = layer.sets();
            self.visit_set(base);
            self.visit_set(top);
            flat.into_iter().for_each(|flat| self.visit_set(flat));
        } else if let Some(mapped) = set.mapped() {
            self.object(slot, size_of_val(mapped) / WORD);
            let (function, source, flat) = mapped.parts();
            self.visit(function);
            self.visit_set(source);
            flat.into_iter().for_each(|flat| self.visit_set(flat));
            mapped.made_elements().for_each(|element| self.visit(element));
        }
    }

    fn function(&mut self, slot: Slot, function: &'static Function) {
        match function.kind() {
            FunctionKind::Lambda(_, captures) => {
                self.object(slot, 1 + captures.len());
                self.visit_all(captures);
            }
            FunctionKind::Primop(_) => self.object(slot, 1),
            FunctionKind::Partial(_, arguments) => {
                self.object(slot, 2 + arguments.len());
                self.visit_all(arguments);
            }
        }
    }

    fn list(&mut self, slot: Slot, elements: &'static [Slot]) {
        let first = elements.as_ptr().addr();
        if first == slot.address() + WORD {
            self.object(slot, 1 + elements.len());
            return self.visit_all(elements);
        }
        // The elements are part of another list, which may be dead itself.
        self.object(slot, 2);
        let Some(first) = self.index(first) else { return };
        for (i, &element) in elements.iter().enumerate() {
            if self.marks.set(first + i) {
                self.visit(element);
            }
        }
    }
}

impl Heap {
    /// Whether a collection would be worth its while.
    #[inline]
    pub fn is_collection_due(&self) -> bool {
        self.used_words() * WORD > self.collect_from.get() && self.sweep.borrow().is_done()
            || self.collect_from.get() == 0
    }

    /// Makes room by finding out what is reachable.
    ///
    /// # Safety
    /// No value that cannot be reached from the roots is used from now on.
    unsafe fn collect(&self, roots: impl Iterator<Item = Slot>, initial_size: usize) {
        let started = Instant::now();
        self.forget_free();
        let mut marker = Marker::new(self);
        roots.for_each(|root| marker.visit(root));
        marker.run();
        let Marker { marks, .. } = marker;
        let live = marks.count();
        self.mapped.borrow_mut().retain(|&mapped| {
            let i = (mapped.addr().get() - self.region.start().addr().get()) / WORD;
            let is_live = marks.is_set(i);
            if !is_live {
                // SAFETY: it was made by `map_attrs` and is dead, by this function's contract.
                unsafe { Attrs::drop_elements(mapped) };
            }
            is_live
        });
        self.sweep.replace(Sweep {
            marks,
            ..Sweep::default()
        });
        count(&self.counters.collections, 1);
        count(&self.counters.collecting, started.elapsed().as_nanos() as usize);
        self.collect_from.set(match initial_size {
            0 => 0,
            size => live * WORD + (live * WORD * GROWTH_IN_QUARTERS / 4).max(size),
        });
    }
}

impl Evaluator {
    /// Frees what can be reached neither from these roots nor from the evaluator itself.
    ///
    /// # Safety
    /// No evaluation is under way, and of the values made so far the caller uses only those that can be reached from the
    /// roots or were kept by [`Evaluator::keep`].
    pub unsafe fn collect(&self, roots: impl Iterator<Item = Slot>) {
        self.known_names.forget();
        // SAFETY: by this function's contract.
        unsafe {
            let roots = self.own_roots().into_iter().chain(roots);
            self.heap.collect(roots, self.settings.initial_heap_size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    #[test]
    fn runs_of_bits_are_found() {
        let mut marks = Marks::new(1000, vec![u64::MAX; 3]);
        for (first, end) in [(0, 3), (63, 65), (100, 300), (999, 1000)] {
            marks.set_range(first, end);
        }
        assert!(marks.set(500) && !marks.set(500));
        let mut sweep = Sweep {
            marks,
            ..Sweep::default()
        };
        let runs: Vec<_> = std::iter::from_fn(|| sweep.next_run()).collect();
        assert_eq!(runs, [(3, 60), (65, 35), (300, 200), (501, 498)]);
    }

    /// Runs for small objects and parts of them for large ones are dead, and each word is given out once.
    #[test]
    fn words_are_given_out_once() {
        const LEN: usize = 5000;
        let mut next = random::numbers(7);
        for _ in 0..200 {
            let mut marks = Marks::new(LEN, vec![]);
            let mut is_dead = vec![true; LEN];
            for _ in 0..next(60) {
                let first = next(LEN);
                let end = (first + 1 + next(200)).min(LEN);
                marks.set_range(first, end);
                is_dead[first..end].fill(false);
            }
            assert_eq!(marks.count(), is_dead.iter().filter(|dead| !**dead).count());
            let mut sweep = Sweep {
                marks,
                ..Sweep::default()
            };
            let mut give = |first: usize, len: usize| {
                assert!(is_dead[first..first + len].iter().all(|dead| *dead));
                is_dead[first..first + len].fill(false);
            };
            while let Some((first, len)) = sweep.next_run() {
                give(first, len);
                for _ in 0..next(4) {
                    let n = 32 + next(150);
                    if let Some(first) = sweep.take(n) {
                        give(first, n);
                    }
                }
            }
            assert!(sweep.is_done() && sweep.take(1).is_none());
            assert!(is_dead.iter().all(|dead| !dead));
        }
    }
}
