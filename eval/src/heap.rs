//! The heap: objects that are made one behind the other, and an arena for what lives as long as the evaluator.
//!
//! Collecting garbage costs C++ Nix 28-38 % of its CPU on nixpkgs and saves it between 1 and 27 % of memory;
//! with objects half the size we come out ahead without while one value is evaluated. Walks over many packages collect
//! between them: see [`crate::collect`]. Blocks of words that are known to be dead are made use of again at once: see
//! [`Heap::release`].
//!
//! # Invariants
//!
//! * Every object is 8-aligned and starts with words this module wrote before the reference escapes.
//! * Objects of words (strings, lists, sets, cells, functions) lie in the region, where they may be collected, or in
//!   the arena, where they stay and refer to nothing in the region. Everything else lies in the arena.
//! * A released block is on exactly one free list, of its own size, and nothing else points to it.
//! * Objects with a tail (lists, strings, sets, cells, closures) are followed by as many words or bytes as their
//!   header says.

use crate::collect::Sweep;
use crate::context::ContextId;
use crate::keys::KeysTable;
use crate::layers::UnionMemo;
use crate::region::Region;
use crate::subset::SubsetMemo;
use crate::value::{Slot, Tag, Value};
use bumpalo::Bump;
use std::alloc::Layout;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr::NonNull;

/// A string: bytes and the id of its context.
#[repr(C)]
pub struct StringObject {
    len: u32,
    context: ContextId,
    // `len` bytes follow.
}

impl StringObject {
    /// The bytes.
    #[inline(always)]
    pub fn bytes(&'static self) -> &'static [u8] {
        // SAFETY: Heap::string_with wrote `len` bytes right behind the header; they never change.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).add(1).cast::<u8>(), self.len as usize) }
    }

    /// The context.
    #[inline(always)]
    pub fn context(&self) -> ContextId {
        self.context
    }
}

/// A non-empty list, or what is left of one after its first elements.
#[repr(C)]
pub(crate) struct ListObject {
    /// The number of elements; with [`SLICE`] set the address of the first one follows, else the elements do.
    len: usize,
}

/// Marks a list whose elements lie in another one, so that `tail` takes constant time and room.
const SLICE: usize = 1 << (usize::BITS - 1);

impl ListObject {
    #[inline(always)]
    pub(crate) fn elements(&'static self) -> &'static [Slot] {
        let tail = std::ptr::from_ref(self).wrapping_add(1);
        // SAFETY: Heap::list_with wrote `len` slots right behind the header, or Heap::rest the address of that many;
        // they never change.
        unsafe {
            if self.len & SLICE == 0 {
                return std::slice::from_raw_parts(tail.cast::<Slot>(), self.len);
            }
            std::slice::from_raw_parts(*tail.cast::<*const Slot>(), self.len & !SLICE)
        }
    }
}

/// The rare values that don't fit a word and have no tag of their own.
pub(crate) enum Boxed {
    /// An integer outside 61 bits.
    Int(i64),
    Float(f64),
    Path(&'static [u8]),
}

/// How much each kind of object takes, for `NIX_SHOW_STATS`.
#[derive(Default)]
pub struct Counters {
    /// Cells made, and their bytes.
    pub cells: Cell<u64>,
    /// Of those, suspended calls (elements of `map` and its kin).
    pub applications: Cell<u64>,
    /// Words of captures in cells.
    pub captures: Cell<u64>,
    /// Sets made.
    pub sets: Cell<u64>,
    /// Slots in sets.
    pub set_slots: Cell<u64>,
    /// Values that `//` copied.
    pub update_copies: Cell<u64>,
    /// Lists made.
    pub lists: Cell<u64>,
    /// Elements in lists.
    pub list_elements: Cell<u64>,
    /// Strings made.
    pub strings: Cell<u64>,
    /// Bytes of strings.
    pub string_bytes: Cell<u64>,
    /// Closures made.
    pub closures: Cell<u64>,
    /// Collections.
    pub collections: Cell<u64>,
    /// Nanoseconds that marking took in collections. Finding the dead words afterwards is part of making objects.
    pub collecting: Cell<u64>,
}

#[inline(always)]
pub(crate) fn count(counter: &Cell<u64>, by: usize) {
    counter.set(counter.get().wrapping_add(by as u64));
}

/// The payload of the unwinding that ends evaluation when there is no memory for an object. Nearly everything makes
/// objects, and nothing can go on without; so this is no [`Error`](crate::error::Error).
pub struct OutOfMemory;

#[cold]
#[inline(never)]
fn out_of_memory() -> ! {
    std::panic::resume_unwind(Box::new(OutOfMemory))
}

/// What tests find in released words: a list at an address where there is none.
const DEAD: u64 = 0x7ff8 | Tag::List as u64;

/// Blocks of fewer words than this are made use of again.
pub(crate) const CLASSES: usize = 32;

/// Objects of more words than this are always made in words that were never used.
const LARGEST_IN_HOLE: usize = 512;

/// How many words are taken from the region at a time.
const BLOCK: usize = 4 << 10;

const FIRST_CHUNK: usize = 1 << 20;
const LARGEST_CHUNK: usize = 32 << 20;

/// The dead blocks of each size; the first word of one points to the next.
type FreeLists = [Cell<Option<NonNull<u64>>>; CLASSES];

/// Words to be given out: those from `next` up to `end`.
struct Room {
    next: Cell<NonNull<u64>>,
    end: Cell<NonNull<u64>>,
}

impl Room {
    fn none() -> Room {
        Room {
            next: Cell::new(NonNull::dangling()),
            end: Cell::new(NonNull::dangling()),
        }
    }

    #[inline(always)]
    fn len(&self) -> usize {
        (self.end.get().addr().get() - self.next.get().addr().get()) / size_of::<u64>()
    }

    #[inline(always)]
    fn take(&self, n: usize) -> Option<NonNull<u64>> {
        let start = self.next.get();
        if n > self.len() {
            return None;
        }
        // SAFETY: there are that many words up to the end.
        self.next.set(unsafe { start.add(n) });
        Some(start)
    }

    /// Goes on with `n` words from `start`.
    ///
    /// # Safety
    /// There are that many, and nobody else uses them.
    unsafe fn set(&self, start: NonNull<u64>, n: usize) {
        self.next.set(start);
        // SAFETY: by this function's contract.
        self.end.set(unsafe { start.add(n) });
    }
}

/// Everything that one evaluator makes. Leaked: see the module's invariants.
pub struct Heap {
    pub(crate) region: Region,
    /// Where small objects are made.
    room: Room,
    /// What the region has left.
    fresh: Room,
    /// How many words of the region were given out, with those that the room has left.
    given: Cell<usize>,
    free: FreeLists,
    /// What the last collection found to be dead and was not used again yet.
    pub(crate) sweep: RefCell<Sweep>,
    /// Objects are to lie in the arena.
    is_permanent: Cell<bool>,
    /// The arena in use. Replaced when full.
    arena: UnsafeCell<&'static Bump>,
    next_chunk: Cell<usize>,
    arena_bytes: Cell<usize>,
    limit: Cell<usize>,
    /// From this many bytes in the region on, a collection would be worth its while.
    pub(crate) collect_from: Cell<usize>,
    pub(crate) keys: KeysTable,
    pub(crate) unions: UnionMemo,
    pub(crate) subsets: SubsetMemo,
    pub(crate) mapped: RefCell<Vec<NonNull<crate::attrs::Attrs>>>,
    /// What was made of each kind.
    pub counters: Counters,
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl Heap {
    /// An empty heap.
    pub fn new() -> Heap {
        let Some(region) = Region::reserve() else {
            out_of_memory()
        };
        let arena = new_arena(FIRST_CHUNK);
        let fresh = Room::none();
        // SAFETY: nobody uses any of the region yet.
        unsafe { fresh.set(region.start(), 0) };
        Heap {
            region,
            room: Room::none(),
            fresh,
            given: Cell::new(0),
            free: [const { Cell::new(None) }; CLASSES],
            sweep: RefCell::default(),
            is_permanent: Cell::new(false),
            arena: UnsafeCell::new(arena),
            next_chunk: Cell::new(2 * FIRST_CHUNK),
            arena_bytes: Cell::new(arena.chunk_capacity()),
            limit: Cell::new(usize::MAX),
            collect_from: Cell::new(usize::MAX),
            keys: KeysTable::default(),
            unions: UnionMemo::default(),
            subsets: SubsetMemo::default(),
            mapped: RefCell::default(),
            counters: Counters::default(),
        }
    }

    /// Bytes taken from the system so far.
    pub fn reserved_bytes(&self) -> usize {
        self.region.committed() * size_of::<u64>() + self.arena_bytes.get()
    }

    /// Bytes that were given out for objects in all; never fewer than before. Blocks that were released and given out
    /// again count once, what a collection freed counts again.
    #[inline(always)]
    pub fn used_bytes(&self) -> u64 {
        let room = &self.room;
        let left = room
            .end
            .get()
            .addr()
            .get()
            .wrapping_sub(room.next.get().addr().get());
        let used = self.given.get().wrapping_mul(size_of::<u64>()).wrapping_sub(left);
        // Profiles ask for this at each call: nothing of it overflows, and nothing is checked.
        used.wrapping_add(self.arena_bytes.get())
            .wrapping_sub(self.arena().chunk_capacity()) as u64
    }

    /// Has evaluation end as [`OutOfMemory`] rather than take more bytes than this from the system.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.set(bytes);
    }

    fn check_limit(&self) {
        if self.reserved_bytes() > self.limit.get() {
            out_of_memory();
        }
    }

    #[inline(always)]
    fn arena(&self) -> &'static Bump {
        // SAFETY: Heap is not Sync, and the reference is only replaced whole in `grow`, which returns none.
        unsafe { *self.arena.get() }
    }

    #[inline(always)]
    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        match self.arena().try_alloc_layout(layout) {
            Ok(pointer) => pointer,
            Err(_) => self.grow(layout),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, layout: Layout) -> NonNull<u8> {
        if layout.size() > LARGEST_CHUNK / 8 {
            self.arena_bytes.set(self.arena_bytes.get() + layout.size());
            self.check_limit();
            return new_arena(layout.size() + layout.align()).alloc_layout(layout);
        }
        let size = self.next_chunk.get().max(layout.size() + layout.align());
        self.next_chunk.set((size * 2).min(LARGEST_CHUNK));
        self.arena_bytes.set(self.arena_bytes.get() + size);
        self.check_limit();
        let arena = new_arena(size);
        // It may be a little larger than asked for.
        self.arena_bytes
            .set(self.arena_bytes.get() + (arena.chunk_capacity() - size));
        // SAFETY: as in `arena`.
        unsafe { *self.arena.get() = arena };
        arena.alloc_layout(layout)
    }

    /// Room for `n` words, uninitialised.
    #[inline(always)]
    pub(crate) fn alloc_words(&self, n: usize) -> NonNull<u64> {
        if let Some(list) = self.free.get(n)
            && let Some(block) = list.get()
        {
            // SAFETY: the first word of a block on a list is the next block, written by `release`.
            list.set(unsafe { block.cast::<Option<NonNull<u64>>>().read() });
            return block;
        }
        match self.room.take(n) {
            Some(block) => block,
            None => self.more_words(n),
        }
    }

    #[cold]
    #[inline(never)]
    fn more_words(&self, n: usize) -> NonNull<u64> {
        if self.is_permanent.get() {
            return match Layout::array::<u64>(n) {
                Ok(layout) => self.alloc_layout(layout).cast(),
                Err(_) => out_of_memory(),
            };
        }
        if n >= CLASSES {
            self.given.set(self.given.get() + n);
            return self.words_of_large(n);
        }
        // SAFETY: nobody else has what is left of the room.
        unsafe { self.release(self.room.next.get(), self.room.len()) };
        if let Some((first, len)) = self.next_hole(n) {
            // SAFETY: the words are dead, and so are those behind them.
            unsafe { self.room.set(self.region.start().add(first), len) };
            self.given.set(self.given.get() + len);
        } else {
            let block = self.fresh_words(BLOCK);
            // SAFETY: just taken for this.
            unsafe { self.room.set(block, BLOCK) };
            self.given.set(self.given.get() + BLOCK);
        }
        self.room.take(n).unwrap_or_else(|| out_of_memory())
    }

    /// Room for a large object: of dead words if enough of them lie together. For a very large one they would be looked for in
    /// vain, and those on the way would not be found for others.
    fn words_of_large(&self, n: usize) -> NonNull<u64> {
        let dead = (n <= LARGEST_IN_HOLE)
            .then(|| self.sweep.borrow_mut().take(n))
            .flatten();
        match dead {
            // SAFETY: the words lie in the region.
            Some(first) => unsafe { self.region.start().add(first) },
            None => self.fresh_words(n),
        }
    }

    /// The next run of at least `n` dead words; shorter ones on the way go to the free lists.
    fn next_hole(&self, n: usize) -> Option<(usize, usize)> {
        let mut sweep = self.sweep.borrow_mut();
        loop {
            let (first, len) = sweep.next_run()?;
            // SAFETY: the words lie in the region.
            let block = unsafe { self.region.start().add(first) };
            if cfg!(debug_assertions) {
                // SAFETY: the words are dead.
                (0..len).for_each(|i| unsafe { block.add(i).write(DEAD) });
            }
            if len >= n {
                return Some((first, len));
            }
            // SAFETY: the words are dead, and the sweep comes by once.
            unsafe { self.release(block, len) };
        }
    }

    /// Words that were never used.
    fn fresh_words(&self, n: usize) -> NonNull<u64> {
        let block = self.fresh.take(n).unwrap_or_else(|| self.commit_words(n));
        self.region.back(self.used_words());
        block
    }

    fn commit_words(&self, n: usize) -> NonNull<u64> {
        let left = self.fresh.len();
        let Some(added) = self.region.commit(n - left) else {
            out_of_memory()
        };
        self.check_limit();
        // SAFETY: what was added lies right behind what was left.
        unsafe { self.fresh.set(self.fresh.next.get(), left + added) };
        self.fresh.take(n).unwrap_or_else(|| out_of_memory())
    }

    /// Has what `make` makes stay for ever. It must not refer to objects made otherwise.
    pub fn permanently<T>(&self, make: impl FnOnce() -> T) -> T {
        let room = (self.room.next.get(), self.room.end.get());
        let free: [Option<NonNull<u64>>; CLASSES] = std::array::from_fn(|i| self.free[i].take());
        self.room.next.set(self.room.end.get());
        let before = self.is_permanent.replace(true);
        let made = make();
        self.is_permanent.set(before);
        self.room.next.set(room.0);
        self.room.end.set(room.1);
        for (list, block) in self.free.iter().zip(free) {
            list.set(block);
        }
        made
    }

    /// Forgets all blocks that may be used again: a collection is about to tell anew.
    pub(crate) fn forget_free(&self) {
        self.free.iter().for_each(|list| list.set(None));
        self.room.next.set(self.room.end.get());
    }

    /// How many words of the region may be in use.
    pub(crate) fn used_words(&self) -> usize {
        self.region.committed() - self.fresh.len()
    }

    /// Takes back `n` words, to be given out again.
    ///
    /// # Safety
    /// The words are (part of) what [`Heap::alloc_words`] gave out. Nobody reads or writes them any more, and nobody
    /// else releases them.
    #[inline(always)]
    pub(crate) unsafe fn release(&self, block: NonNull<u64>, n: usize) {
        if n == 0 {
            return;
        }
        if let Some(list) = self.free.get(n) {
            // SAFETY: by this function's contract the words are ours.
            unsafe {
                if cfg!(debug_assertions) {
                    (0..n).for_each(|i| block.add(i).write(DEAD));
                }
                block.cast::<Option<NonNull<u64>>>().write(list.get());
            }
            list.set(Some(block));
        }
    }

    /// Moves a value that needs no drop to the heap.
    #[inline]
    pub fn alloc<T: Copy>(&self, value: T) -> &'static T {
        self.alloc_leaked(value)
    }

    /// Moves a value to the heap. It will never be dropped.
    #[inline]
    pub(crate) fn alloc_leaked<T>(&self, value: T) -> &'static T {
        let pointer = self.alloc_layout(Layout::new::<T>()).cast::<T>();
        // SAFETY: freshly allocated for exactly this layout; never freed.
        unsafe {
            pointer.write(value);
            pointer.as_ref()
        }
    }

    /// Copies a slice to the heap.
    #[inline]
    pub fn alloc_slice<T: Copy>(&self, values: &[T]) -> &'static [T] {
        if values.is_empty() {
            return &[];
        }
        let pointer = self.alloc_layout(Layout::for_value(values)).cast::<T>();
        // SAFETY: freshly allocated for exactly this many elements; never freed.
        unsafe {
            pointer
                .as_ptr()
                .copy_from_nonoverlapping(values.as_ptr(), values.len());
            std::slice::from_raw_parts(pointer.as_ptr(), values.len())
        }
    }

    /// An integer value.
    #[inline(always)]
    pub fn int(&self, i: i64) -> Value {
        match Value::small_int(i) {
            Some(value) => value,
            None => self.boxed(Boxed::Int(i)),
        }
    }

    /// A float value.
    pub fn float(&self, f: f64) -> Value {
        self.boxed(Boxed::Float(f))
    }

    /// A path value; `path` is absolute and normalised.
    pub fn path(&self, path: &[u8]) -> Value {
        let path = self.alloc_slice(path);
        self.boxed(Boxed::Path(path))
    }

    fn boxed(&self, boxed: Boxed) -> Value {
        let pointer = self.alloc_layout(Layout::new::<Boxed>()).cast::<Boxed>();
        // SAFETY: freshly allocated for exactly this layout; Boxed needs no drop.
        let object = unsafe {
            pointer.write(boxed);
            pointer.as_ref()
        };
        Value::from_pointer(object, Tag::Boxed)
    }

    /// A string value without context.
    #[inline]
    pub fn string(&self, bytes: &[u8]) -> Value {
        self.string_in(bytes, ContextId::EMPTY)
    }

    /// A string value. Strings of 4 GiB and more cannot be represented and end evaluation as [`OutOfMemory`].
    #[inline]
    pub fn string_in(&self, bytes: &[u8], context: ContextId) -> Value {
        self.string_of_parts(bytes.len(), std::iter::once(bytes), context)
    }

    /// A string value of several parts that are `total` bytes together, copied once.
    #[inline]
    pub fn string_of_parts<'b>(
        &self,
        total: usize,
        parts: impl Iterator<Item = &'b [u8]>,
        context: ContextId,
    ) -> Value {
        let Ok(len) = u32::try_from(total) else {
            out_of_memory()
        };
        let words = self.alloc_words(1 + total.div_ceil(8));
        // SAFETY: room for the header and `total` bytes was just allocated.
        unsafe { self.write_string(words, len, parts, context) }
    }

    /// A string that stays for ever, for literals.
    pub(crate) fn permanent_string(&self, bytes: &[u8]) -> Value {
        let layout = Layout::array::<u64>(1 + bytes.len().div_ceil(8));
        let (Ok(len), Ok(layout)) = (u32::try_from(bytes.len()), layout) else {
            out_of_memory()
        };
        let words = self.alloc_layout(layout).cast();
        // SAFETY: as above.
        unsafe { self.write_string(words, len, std::iter::once(bytes), ContextId::EMPTY) }
    }

    /// Makes a string of parts that are `len` bytes together.
    ///
    /// # Safety
    /// `words` has room for the header and `len` bytes, and nobody else uses it.
    #[inline(always)]
    unsafe fn write_string<'b>(
        &self,
        words: NonNull<u64>,
        len: u32,
        parts: impl Iterator<Item = &'b [u8]>,
        context: ContextId,
    ) -> Value {
        let total = len as usize;
        count(&self.counters.strings, 1);
        count(&self.counters.string_bytes, total);
        let header = words.cast::<StringObject>();
        // SAFETY: by this function's contract there is room; the parts are checked against it.
        let object = unsafe {
            header.write(StringObject { len, context });
            let mut out = header.add(1).cast::<u8>();
            let mut left = total;
            for part in parts {
                left = left
                    .checked_sub(part.len())
                    .expect("the parts are `total` bytes together");
                out.as_ptr().copy_from_nonoverlapping(part.as_ptr(), part.len());
                out = out.add(part.len());
            }
            assert_eq!(left, 0, "the parts are `total` bytes together");
            header.as_ref()
        };
        Value::from_pointer(object, Tag::String)
    }

    /// A list value.
    #[inline]
    pub fn list(&self, elements: &[Slot]) -> Value {
        self.list_with(elements.len(), |i| elements[i])
    }

    /// A list value whose elements are made one by one.
    #[inline]
    pub fn list_with(&self, len: usize, mut element: impl FnMut(usize) -> Slot) -> Value {
        match self.try_list_with(len, |i| Ok::<_, std::convert::Infallible>(element(i))) {
            Ok(list) => list,
            Err(never) => match never {},
        }
    }

    /// A list value whose elements are made one by one, giving up at the first error.
    #[inline]
    pub fn try_list_with<E>(
        &self,
        len: usize,
        mut element: impl FnMut(usize) -> Result<Slot, E>,
    ) -> Result<Value, E> {
        if len == 0 {
            return Ok(Value::EMPTY_LIST);
        }
        count(&self.counters.lists, 1);
        count(&self.counters.list_elements, len);
        let header = self.alloc_words(1 + len).cast::<ListObject>();
        // SAFETY: room for the header and `len` slots was just allocated; all are written before the list escapes.
        unsafe {
            header.write(ListObject { len });
            let elements = header.add(1).cast::<Slot>();
            for i in 0..len {
                elements.add(i).write(element(i)?);
            }
            Ok(Value::from_pointer(header.as_ref(), Tag::List))
        }
    }

    /// The list of some elements of another list, which are shared, not copied.
    pub fn rest(&self, elements: &'static [Slot]) -> Value {
        if elements.len() <= 1 {
            return self.list(elements);
        }
        count(&self.counters.lists, 1);
        let header = self.alloc_words(2);
        // SAFETY: room for the header and the address was just allocated.
        unsafe {
            header.cast::<ListObject>().write(ListObject {
                len: elements.len() | SLICE,
            });
            header.add(1).cast::<*const Slot>().write(elements.as_ptr());
            Value::from_pointer(header.cast::<ListObject>().as_ref(), Tag::List)
        }
    }

    /// The concatenation of lists that have `total` elements together.
    pub fn list_of_parts(&self, total: usize, parts: &[&[Slot]]) -> Value {
        let mut elements = parts.iter().copied().flatten();
        self.list_with(total, |_| {
            *elements.next().expect("the parts have `total` elements together")
        })
    }
}

/// A leaked arena of at least `size` bytes.
fn new_arena(size: usize) -> &'static Bump {
    let Ok(arena) = Bump::try_with_capacity(size) else {
        out_of_memory()
    };
    let arena: &'static Bump = Box::leak(Box::new(arena));
    // From here on the arena must not add chunks of its own: growing is our business.
    arena.set_allocation_limit(Some(arena.allocated_bytes()));
    arena
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_all_sizes_fit() {
        let heap = Heap::new();
        for len in [1, 100, 10_000, 300_000, 1_000_000] {
            let list = heap.list_with(len, |i| heap.int(i as i64).slot());
            let elements = list.as_list().expect("a list");
            assert_eq!(elements.len(), len);
            assert_eq!(
                elements[len - 1].direct().and_then(Value::as_int),
                Some(len as i64 - 1)
            );
        }
        let text = vec![b'x'; 5_000_000];
        assert_eq!(
            heap.string(&text).as_string().map(|string| string.bytes().len()),
            Some(text.len())
        );
    }

    #[test]
    fn what_does_not_fit_ends_evaluation() {
        for (len, limit) in [(1 << 45, usize::MAX), (1 << 60, usize::MAX), (1 << 20, 1 << 21)] {
            let result = std::panic::catch_unwind(|| {
                let heap = Heap::new();
                heap.set_limit(limit);
                heap.list_with(len, |_| Slot::NULL);
            });
            assert!(result.is_err_and(|cause| cause.is::<OutOfMemory>()), "{len}");
        }
    }

    #[test]
    fn rests_share_elements() {
        let heap = Heap::new();
        let list = heap.list_with(5, |i| heap.int(i as i64).slot());
        let mut elements = list.as_list().expect("a list");
        for first in 1..5 {
            elements = heap.rest(&elements[1..]).as_list().expect("a list");
            let ints: Vec<Option<i64>> = elements
                .iter()
                .map(|slot| slot.direct().and_then(Value::as_int))
                .collect();
            assert_eq!(ints, (first..5).map(Some).collect::<Vec<_>>());
        }
        assert!(
            heap.rest(&elements[1..])
                .as_list()
                .is_some_and(<[Slot]>::is_empty)
        );
    }

    #[test]
    fn integers_keep_64_bits() {
        let heap = Heap::new();
        for i in [
            0,
            -1,
            i64::MAX,
            i64::MIN,
            1 << 60,
            (1 << 60) - 1,
            -(1 << 60),
            -(1 << 60) - 1,
        ] {
            assert_eq!(heap.int(i).as_int(), Some(i));
        }
    }
}
