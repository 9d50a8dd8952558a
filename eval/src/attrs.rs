//! Attribute sets: a pointer to shared keys and one word a value, a small set laid over a big one, or a function
//! mapped over a big one.
//!
//! # Invariants
//!
//! * A flat set's header is a `Keys` pointer (8-aligned), and as many slots follow as it has keys.
//! * The header of the others is `len << 8 | … | kind`; the rest of a `Layer` or `Mapped` follows.
//! * Base and top of a layer are sets, top is flat, and at most [`MAX_DEPTH`] layers lie on one another.

use crate::heap::{Heap, count};
use crate::keys::Keys;
use crate::value::{Slot, Tag, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};

const KIND: u64 = 7;
const LAYERED: u64 = 1;
const MAPPED: u64 = 2;
/// More layers are flattened when the next one comes.
const MAX_DEPTH: u64 = 8;
/// Sets of up to this many attributes are always copied by `//`.
const COPY_UP_TO: usize = 32;
/// A set this many times larger than the other is not copied by `//`: the other is laid over it.
const LAYER_FACTOR: usize = 3;
/// `mapAttrs` over more attributes makes an element when it is first looked at.
const MAP_EAGERLY_UP_TO: usize = 16;

/// An attribute set.
#[repr(C)]
pub struct Attrs {
    header: u64,
    // Slots, or the rest of a `Layer`, follow.
}

/// A small set over a big one, as `//` makes it. `top` is flat.
#[repr(C)]
struct Layer {
    /// `len << 8 | depth << 4 | LAYERED`
    header: u64,
    base: Value,
    top: Value,
    flat: Cell<Option<&'static Attrs>>,
}

/// `mapAttrs function source` over a big set. Nine tenths of such elements are never looked at: on nixpkgs, package
/// sets of 30,000 attributes are mapped to pick a few.
#[repr(C)]
struct Mapped {
    /// `len << 8 | MAPPED`
    header: u64,
    keys: &'static Keys,
    function: Slot,
    source: &'static Attrs,
    /// The elements made so far; `null`, which is no cell, stands for those that are not.
    elements: &'static [Cell<Slot>],
    flat: Cell<Option<&'static Attrs>>,
    heap: &'static Heap,
}

impl Mapped {
    /// Element `i`, made when it is first asked for.
    fn element(&self, i: usize) -> Slot {
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
    fn layer(&'static self) -> Option<&'static Layer> {
        // SAFETY: the header says that this is a Layer.
        (self.header & KIND == LAYERED).then(|| unsafe { &*std::ptr::from_ref(self).cast::<Layer>() })
    }

    #[inline(always)]
    fn mapped(&'static self) -> Option<&'static Mapped> {
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
        match self.as_flat() {
            Some(flat) => flat.keys.len(),
            None => (self.header >> 8) as usize,
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&'static self) -> bool {
        self.len() == 0
    }

    /// The attribute of a name, if there is one.
    #[inline]
    pub fn find(&'static self, name: Symbol) -> Option<Found> {
        let mut set = self;
        while let Some(layer) = set.layer() {
            if let Some(flat) = layer.flat.get() {
                set = flat;
                break;
            }
            if let Some(found) = layer.top.as_attrs().and_then(|top| top.find_flat(name)) {
                return Some(found);
            }
            set = layer.base.as_attrs()?;
        }
        match set.mapped() {
            Some(mapped) => mapped.find(name),
            None => set.find_flat(name),
        }
    }

    #[inline]
    fn find_flat(&'static self, name: Symbol) -> Option<Found> {
        let flat = self.as_flat()?;
        let i = flat.keys.find(name)?;
        Some(Found {
            slot: flat.slots[i],
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
        if let Some(mapped) = self.mapped() {
            return mapped.flatten(heap);
        }
        let Some(layer) = self.layer() else { return self };
        layer.flat.get().unwrap_or_else(|| {
            // What lies over the big set, from the top down; the upper ones win.
            let mut over = layer.top;
            let mut set = layer.base.as_attrs().expect("the base of a layer is a set");
            while let Some(layer) = set.layer().filter(|layer| layer.flat.get().is_none()) {
                over = heap.merge(layer.top, over);
                set = layer.base.as_attrs().expect("the base of a layer is a set");
            }
            let merged = heap.merge(Value::from_pointer(set, Tag::Attrs), over);
            let merged = merged.as_attrs().expect("a merge of sets is a set");
            layer.flat.set(Some(merged));
            merged
        })
    }

    /// The keys, without making the elements of a mapped set.
    fn keys(&'static self, heap: &Heap) -> &'static Keys {
        match self.mapped() {
            Some(mapped) => mapped.keys,
            None => self.flat(heap).keys,
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

/// How `//` of two shapes comes out: the result's keys, and for each where its value comes from.
struct Union {
    keys: &'static Keys,
    /// Index into the left set, or `!index` into the right one.
    from: Box<[i32]>,
}

/// The memo of `//` by the operands' keys.
#[derive(Default)]
pub(crate) struct UnionMemo {
    unions: RefCell<FxHashMap<(u64, u64), &'static Union>>,
    /// The keys of unions of big sets.
    keys: RefCell<FxHashMap<(u64, u64), &'static Keys>>,
}

/// What identifies the shapes of the operands.
fn shapes(a: Flat, b: Flat) -> (u64, u64) {
    (
        std::ptr::from_ref(a.keys).addr() as u64,
        std::ptr::from_ref(b.keys).addr() as u64,
    )
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
        let (symbols, positions): (Vec<Symbol>, Vec<Pos>) =
            entries.map(|entry| (entry.name, entry.pos)).unzip();
        self.keys.make(&symbols, &positions)
    }

    /// The same keys without positions.
    pub fn without_positions(&self, keys: &'static Keys) -> &'static Keys {
        self.keys.without_positions(keys)
    }

    /// `left // right`
    pub fn update(&self, left: Value, right: Value) -> Value {
        let (Some(a), Some(b)) = (left.as_attrs(), right.as_attrs()) else {
            return right;
        };
        if a.is_empty() {
            return right;
        }
        if b.is_empty() {
            return left;
        }
        if let (Some(a), Some(b)) = (a.as_flat(), b.as_flat())
            && a.len() + b.len() <= COPY_UP_TO
        {
            return self.copy_union(a, b);
        }
        if b.len() * LAYER_FACTOR <= a.len() {
            return self.layer(left, Value::from_pointer(b.flatten(self), Tag::Attrs));
        }
        if a.len() * LAYER_FACTOR <= b.len() {
            // The other way round: what the right set lacks, over the right set.
            let new: Vec<Entry> = a
                .flat(self)
                .entries()
                .filter(|entry| b.find(entry.name).is_none())
                .collect();
            return if new.is_empty() {
                right
            } else {
                self.layer(right, self.attrs_sorted(&new))
            };
        }
        self.merge(left, right)
    }

    /// `mapAttrs function set`. Elements of big sets are made when they are looked at.
    pub fn map_attrs(&'static self, function: Slot, set: &'static Attrs) -> Value {
        let keys = self.without_positions(set.keys(self));
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
            Value::from_pointer(pointer.cast::<Attrs>().as_ref(), Tag::Attrs)
        }
    }

    /// `//` of small sets: the shape comes from the memo, the values are copied.
    fn copy_union(&self, a: Flat, b: Flat) -> Value {
        let key = shapes(a, b);
        let known = self.unions.unions.borrow().get(&key).copied();
        let union = known.unwrap_or_else(|| {
            let union: &'static Union = Box::leak(Box::new(self.plan_union(a.keys, b.keys)));
            self.unions.unions.borrow_mut().insert(key, union);
            union
        });
        count(&self.counters.update_copies, union.keys.len());
        self.attrs_with(union.keys, |i| match usize::try_from(union.from[i]) {
            Ok(left) => a.slots[left],
            Err(_) => b.slots[!union.from[i] as usize],
        })
    }

    fn plan_union(&self, a: &Keys, b: &Keys) -> Union {
        let (mut symbols, mut positions, mut from) = (vec![], vec![], vec![]);
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            let (left, right) = (a.symbols().get(i), b.symbols().get(j));
            let take_left = match (left, right) {
                (Some(left), Some(right)) => left < right,
                (left, _) => left.is_some(),
            };
            if take_left {
                symbols.push(a.symbols()[i]);
                positions.push(a.position(i));
                from.push(i as i32);
                i += 1;
            } else {
                symbols.push(b.symbols()[j]);
                positions.push(b.position(j));
                from.push(!(j as i32));
                i += usize::from(left == right);
                j += 1;
            }
        }
        Union {
            keys: self.keys.make(&symbols, &positions),
            from: from.into(),
        }
    }

    /// A small flat set over a big one.
    fn layer(&self, base: Value, top: Value) -> Value {
        let attrs = |set: Value| set.as_attrs().expect("`//` is of sets");
        let depth = attrs(base).layer().map_or(0, |layer| layer.header >> 4 & 0xf);
        let (base, depth) = if depth == MAX_DEPTH {
            (Value::from_pointer(attrs(base).flatten(self), Tag::Attrs), 1)
        } else {
            (base, depth + 1)
        };
        let (below, above) = (attrs(base), attrs(top).flat(self));
        count(&self.counters.update_copies, above.len());
        let new = above
            .keys
            .symbols()
            .iter()
            .filter(|&&name| below.find(name).is_none())
            .count();
        let len = (below.len() + new) as u64;
        count(&self.counters.sets, 1);
        let pointer = self.alloc_words(size_of::<Layer>() / 8).cast::<Layer>();
        // SAFETY: room for the layer was just allocated.
        unsafe {
            pointer.write(Layer {
                header: len << 8 | depth << 4 | LAYERED,
                base,
                top,
                flat: Cell::new(None),
            });
            Value::from_pointer(pointer.cast::<Attrs>().as_ref(), Tag::Attrs)
        }
    }

    /// `left // right` by copying. The keys of unions of the same shapes are shared.
    fn merge(&self, left: Value, right: Value) -> Value {
        let flat = |set: Value| set.as_attrs().expect("`//` is of sets").flat(self);
        let (left, right) = (flat(left), flat(right));
        let known = self.unions.keys.borrow().get(&shapes(left, right)).copied();
        let keys = known.unwrap_or_else(|| {
            let keys = self.merge_keys(left.keys, right.keys);
            self.unions.keys.borrow_mut().insert(shapes(left, right), keys);
            keys
        });
        let (a, b) = (left.keys.symbols(), right.keys.symbols());
        let (mut i, mut j) = (0, 0);
        count(&self.counters.update_copies, keys.len());
        self.attrs_with(keys, |_| {
            let from_left = j == b.len() || (i < a.len() && a[i] < b[j]);
            if from_left {
                i += 1;
                left.slots[i - 1]
            } else {
                i += usize::from(i < a.len() && a[i] == b[j]);
                j += 1;
                right.slots[j - 1]
            }
        })
    }

    fn merge_keys(&self, left: &Keys, right: &Keys) -> &'static Keys {
        let (a, b) = (left.symbols(), right.symbols());
        let len = a.len() + b.len() - common_keys(a, b);
        let has_positions = left.has_positions() || right.has_positions();
        let mut symbols = Vec::with_capacity(len);
        let mut positions = Vec::with_capacity(if has_positions { len } else { 0 });
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            let from_left = j == b.len() || (i < a.len() && a[i] < b[j]);
            let (side, k) = if from_left { (left, i) } else { (right, j) };
            symbols.push(side.symbols()[k]);
            if has_positions {
                positions.push(side.position(k));
            }
            if from_left {
                i += 1;
            } else {
                i += usize::from(i < a.len() && a[i] == b[j]);
                j += 1;
            }
        }
        self.keys.make_owned(symbols, positions)
    }
}

/// How many symbols two sorted runs have in common.
fn common_keys(a: &[Symbol], b: &[Symbol]) -> usize {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        common += usize::from(a[i] == b[j]);
        let (x, y) = (a[i], b[j]);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    common
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
