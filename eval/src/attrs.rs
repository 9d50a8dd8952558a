//! Attribute sets: a pointer to shared keys and one word a value, a small set laid over a big one, or a function
//! mapped over a big one.
//!
//! # Invariants
//!
//! * A flat set's header is a `Keys` pointer (8-aligned), and as many slots follow as it has keys.
//! * The header of the others is `… | kind`; the rest of a [`Layer`] or `Mapped` follows.

use crate::code::InlineCache;
use crate::heap::{Heap, count};
use crate::keys::Keys;
use crate::layers::Layer;
use crate::value::{Slot, Tag, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use std::cell::Cell;
use std::ptr::NonNull;

const KIND: u64 = 7;
pub(crate) const LAYERED: u64 = 1;
const MAPPED: u64 = 2;
/// `mapAttrs` over more attributes makes an element when it is first looked at.
const MAP_EAGERLY_UP_TO: usize = 16;

/// An attribute set.
#[repr(C)]
pub struct Attrs {
    header: u64,
    // Slots, or the rest of a `Layer`, follow.
}

/// `mapAttrs function source` over a big set. Nine tenths of such elements are never looked at: on nixpkgs, package
/// sets of 30,000 attributes are mapped to pick a few.
#[repr(C)]
pub(crate) struct Mapped {
    /// `len << 8 | MAPPED`
    header: u64,
    pub(crate) keys: &'static Keys,
    function: Slot,
    source: &'static Attrs,
    /// The elements made so far; `null`, which is no cell, stands for those that are not.
    elements: &'static [Cell<Slot>],
    flat: Cell<Option<&'static Attrs>>,
    heap: &'static Heap,
}

impl Mapped {
    /// Element `i`, made when it is first asked for.
    pub(crate) fn element(&self, i: usize) -> Slot {
        let known = self.elements[i].get();
        if known.as_cell().is_some() {
            return known;
        }
        let name = self.keys.symbols()[i];
        let value = self.source.get(name).unwrap_or(Slot::NULL);
        let element = self.heap.apply_named(self.function, name, value);
        self.elements[i].set(element);
        element
    }

    /// The function, the set that it is mapped over, and the copy if one was made.
    pub(crate) fn parts(&self) -> (Slot, &'static Attrs, Option<&'static Attrs>) {
        (self.function, self.source, self.flat.get())
    }

    /// The elements made so far.
    pub(crate) fn made_elements(&self) -> impl Iterator<Item = Slot> {
        let made = self.elements.iter().map(Cell::get);
        made.filter(|element| element.as_cell().is_some())
    }

    fn find(&self, name: Symbol) -> Option<Found> {
        let i = self.keys.find(name)?;
        Some(Found {
            slot: self.element(i),
            pos: Pos::NONE,
        })
    }

    fn flatten(&self, heap: &Heap) -> &'static Attrs {
        self.flat.get().unwrap_or_else(|| {
            let set = heap.attrs_with(self.keys, |i| self.element(i));
            let set = set.as_attrs().expect("a set");
            self.flat.set(Some(set));
            set
        })
    }
}

/// A set with its keys and values side by side.
#[derive(Clone, Copy)]
pub struct Flat {
    /// The keys.
    pub keys: &'static Keys,
    /// The values, in the keys' order.
    pub slots: &'static [Slot],
}

/// An attribute found in a set.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its value.
    pub slot: Slot,
    /// Where it was defined.
    pub pos: Pos,
}

impl Attrs {
    #[inline(always)]
    pub(crate) fn layer(&'static self) -> Option<&'static Layer> {
        // SAFETY: the header says that this is a Layer.
        (self.header & KIND == LAYERED).then(|| unsafe { &*std::ptr::from_ref(self).cast::<Layer>() })
    }

    #[inline(always)]
    pub(crate) fn mapped(&'static self) -> Option<&'static Mapped> {
        // SAFETY: the header says that this is a Mapped.
        (self.header & KIND == MAPPED).then(|| unsafe { &*std::ptr::from_ref(self).cast::<Mapped>() })
    }

    /// The keys and slots, when the set is flat.
    #[inline(always)]
    pub(crate) fn as_flat(&'static self) -> Option<Flat> {
        if self.header & KIND != 0 {
            return None;
        }
        // SAFETY: the header of a flat set is a leaked Keys' address, and that many slots follow.
        unsafe {
            let keys: &'static Keys = &*std::ptr::with_exposed_provenance(self.header as usize);
            let first = std::ptr::from_ref(self).add(1).cast::<Slot>();
            Some(Flat {
                keys,
                slots: std::slice::from_raw_parts(first, keys.len()),
            })
        }
    }

    /// The set as a value.
    pub fn value(&'static self) -> Value {
        Value::from_pointer(self, Tag::Attrs)
    }

    /// What inline caches compare: equal for flat sets of the same shape, and never the shape of another
    /// kind of set.
    #[inline(always)]
    pub(crate) fn shape(&self) -> u64 {
        self.header
    }

    /// Slot `i` of a flat set whose shape was compared.
    #[inline(always)]
    pub(crate) fn slot_at(&'static self, i: usize) -> Option<Slot> {
        self.as_flat().and_then(|flat| flat.slots.get(i).copied())
    }

    /// How many attributes there are.
    #[inline]
    pub fn len(&'static self) -> usize {
        match (self.as_flat(), self.layer()) {
            (Some(flat), _) => flat.keys.len(),
            (None, Some(layer)) => layer.len(),
            (None, None) => (self.header >> 8) as usize,
        }
    }

    /// There are at most this many attributes; cheaper to tell than how many there are.
    #[inline]
    pub fn bound(&'static self) -> usize {
        match self.as_flat() {
            Some(flat) => flat.keys.len(),
            None => (self.header >> 8) as usize,
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&'static self) -> bool {
        self.bound() == 0
    }

    /// The attribute of a name, if there is one.
    #[inline]
    pub fn find(&'static self, name: Symbol) -> Option<Found> {
        match self.as_flat() {
            Some(flat) => flat.find(name),
            None => self.find_in_others(name),
        }
    }

    #[inline(never)]
    fn find_in_others(&'static self, name: Symbol) -> Option<Found> {
        match self.layer() {
            Some(layer) => layer.find(name),
            None => self.mapped()?.find(name),
        }
    }

    /// [`Attrs::find`] at a place in the code that looks for the same name again and again.
    #[inline]
    pub(crate) fn find_cached(&'static self, name: Symbol, cache: &InlineCache) -> Option<Found> {
        let flat = match self.as_flat() {
            Some(flat) => flat,
            None => match self.layer().and_then(Layer::known_flat) {
                Some(copy) => copy.as_flat()?,
                None => return self.find_in_others(name),
            },
        };
        let shape = std::ptr::from_ref(flat.keys).addr() as u64;
        let i = cache.get(shape).unwrap_or_else(|| {
            let i = flat.keys.find(name).unwrap_or(usize::MAX);
            if flat.slots.len() <= InlineCache::ABSENT {
                cache.set(shape, i.min(InlineCache::ABSENT));
            }
            i
        });
        flat.slots.get(i).map(|&slot| Found {
            slot,
            pos: flat.keys.position(i),
        })
    }

    /// The value of a name, if there is one.
    #[inline]
    pub fn get(&'static self, name: Symbol) -> Option<Slot> {
        self.find(name).map(|found| found.slot)
    }

    /// Keys and values side by side. A layered set is merged once and remembers the result.
    #[inline]
    pub fn flat(&'static self, heap: &Heap) -> Flat {
        self.as_flat()
            .unwrap_or_else(|| self.flatten(heap).as_flat().expect("the memo of a layer is flat"))
    }

    #[cold]
    #[inline(never)]
    fn flatten(&'static self, heap: &Heap) -> &'static Attrs {
        match (self.layer(), self.mapped()) {
            (Some(layer), _) => layer.flatten(),
            (None, Some(mapped)) => mapped.flatten(heap),
            (None, None) => self,
        }
    }

    /// Gives back the elements of a mapped set that is dead.
    ///
    /// # Safety
    /// `set` was made by [`Heap::map_attrs`], nobody uses it any more, and nobody else gives them back.
    pub(crate) unsafe fn drop_elements(set: NonNull<Attrs>) {
        // SAFETY: by this function's contract it is a Mapped whose elements are a leaked box.
        unsafe {
            let elements = std::ptr::from_ref(set.cast::<Mapped>().as_ref().elements);
            drop(Box::from_raw(elements.cast_mut()));
        }
    }

    /// The keys, without copying a layered set's values or making the elements of a mapped set.
    pub fn keys(&'static self) -> &'static Keys {
        match (self.layer(), self.mapped()) {
            (Some(layer), _) => layer.keys(),
            (None, Some(mapped)) => mapped.keys,
            (None, None) => self.as_flat().expect("a set is layered, mapped or flat").keys,
        }
    }
}

/// A name, its value and where it was defined.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name.
    pub name: Symbol,
    /// The value.
    pub slot: Slot,
    /// Where it was defined.
    pub pos: Pos,
}

impl Flat {
    /// The attribute of a name, if there is one.
    #[inline]
    pub fn find(self, name: Symbol) -> Option<Found> {
        let i = self.keys.find(name)?;
        Some(Found {
            slot: self.slots[i],
            pos: self.keys.position(i),
        })
    }

    /// The attributes in the order of their symbols.
    #[inline]
    pub fn entries(self) -> impl Iterator<Item = Entry> {
        let Flat { keys, slots } = self;
        keys.symbols()
            .iter()
            .zip(slots)
            .enumerate()
            .map(move |(i, (&name, &slot))| Entry {
                name,
                slot,
                pos: keys.position(i),
            })
    }

    /// How many attributes there are.
    pub fn len(self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.slots.is_empty()
    }

    /// Attribute `i` in the keys' order.
    #[inline]
    pub fn entry(self, i: usize) -> Entry {
        Entry {
            name: self.keys.symbols()[i],
            slot: self.slots[i],
            pos: self.keys.position(i),
        }
    }
}

impl Heap {
    /// A set of the given keys, the values made one by one.
    #[inline]
    pub fn attrs_with(&self, keys: &'static Keys, mut slot: impl FnMut(usize) -> Slot) -> Value {
        let (set, slots) = self.new_attrs(keys);
        for i in 0..keys.len() {
            slots.set(i, slot(i));
        }
        set
    }

    /// A set of the given keys whose slots the caller sets before the set is looked at.
    #[inline(always)]
    pub(crate) fn new_attrs(&self, keys: &'static Keys) -> (Value, NewSlots) {
        let n = keys.len();
        count(&self.counters.sets, 1);
        count(&self.counters.set_slots, n);
        let pointer = self.alloc_words(1 + n).cast::<Attrs>();
        // SAFETY: room for the header and the slots was just allocated.
        unsafe {
            pointer.write(Attrs {
                header: std::ptr::from_ref(keys).expose_provenance() as u64,
            });
            let first = pointer.add(1).cast::<Slot>().as_ptr();
            (
                Value::from_pointer(pointer.as_ref(), Tag::Attrs),
                NewSlots { first, len: n },
            )
        }
    }

    /// A set of the given attributes; names must be unique. Sorts them by symbol.
    pub fn attrs(&self, entries: &mut [Entry]) -> Value {
        entries.sort_unstable_by_key(|entry| entry.name);
        self.attrs_sorted(entries)
    }

    /// A set of attributes that are sorted by symbol and unique.
    pub fn attrs_sorted(&self, entries: &[Entry]) -> Value {
        let keys = self.keys_of(entries.iter().copied());
        self.attrs_with(keys, |i| entries[i].slot)
    }

    /// The table for these keys, which are sorted and unique.
    pub fn keys_of(&self, entries: impl Iterator<Item = Entry>) -> &'static Keys {
        self.keys
            .make_of(self, entries.map(|entry| (entry.name, entry.pos)))
    }

    /// The same keys without positions.
    pub fn without_positions(&self, keys: &'static Keys) -> &'static Keys {
        self.keys.without_positions(self, keys)
    }

    /// `mapAttrs function set`. Elements of big sets are made when they are looked at.
    pub fn map_attrs(&'static self, function: Slot, set: &'static Attrs) -> Value {
        let keys = self.without_positions(set.keys());
        if keys.len() <= MAP_EAGERLY_UP_TO {
            let slots = set.flat(self).slots;
            return self.attrs_with(keys, |i| self.apply_named(function, keys.symbols()[i], slots[i]));
        }
        count(&self.counters.sets, 1);
        let mapped = Mapped {
            header: (keys.len() as u64) << 8 | MAPPED,
            keys,
            function,
            source: set,
            elements: null_slots(keys.len()),
            flat: Cell::new(None),
            heap: self,
        };
        let pointer = self.alloc_words(size_of::<Mapped>() / 8).cast::<Mapped>();
        // SAFETY: room for the object was just allocated.
        unsafe {
            pointer.write(mapped);
            self.mapped.borrow_mut().push(pointer.cast());
            Value::from_pointer(pointer.cast::<Attrs>().as_ref(), Tag::Attrs)
        }
    }
}

/// Slots that hold `null`, zeroed by the system: those never looked at cost no memory.
fn null_slots(len: usize) -> &'static [Cell<Slot>] {
    // SAFETY: the word 0 is the slot `null`; Cell<Slot> has the layout of a u64.
    Box::leak(unsafe { Box::<[Cell<Slot>]>::new_zeroed_slice(len).assume_init() })
}

/// The slots of a set that is being built.
///
/// The set may already be known to the cells in it, but nothing looks at it before all slots are set.
pub(crate) struct NewSlots {
    first: *mut Slot,
    len: usize,
}

impl NewSlots {
    /// Sets slot `i`.
    #[inline(always)]
    pub(crate) fn set(&self, i: usize, slot: Slot) {
        assert!(i < self.len);
        // SAFETY: within the set's tail, which only its builder holds.
        unsafe { self.first.add(i).write(slot) }
    }
}
