//! `//`: small unions are copied, large ones are laid over one another and copied only when somebody goes through
//! them.
//!
//! # Invariants
//!
//! * The header of a [`Layer`] is `bound << 8 | depth << 4 | LAYERED`; the rest of it follows.
//! * `top` is no layer, both sets have attributes, and at most [`MAX_DEPTH`] layers lie on one another.

use crate::attrs::{Attrs, Flat, Found, LAYERED};
use crate::heap::{Heap, count};
use crate::keys::Keys;
use crate::value::{Slot, Tag, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::ops::Range;

/// One layer more, and the set below is copied.
const MAX_DEPTH: u64 = 12;
/// Sets of up to this many attributes are always copied by `//`.
const COPY_UP_TO: usize = 32;
/// A set this many times larger than the other is not copied by `//`: the other is laid over it.
const LAYER_FACTOR: usize = 3;
/// Unions of this many attributes are never copied by `//`.
const LAYER_FROM: usize = 512;
/// The upper one of two layers that is up to this many times larger than a set laid over them is joined with it.
const JOIN_FACTOR: usize = 2;
/// A layered set is copied when this part of its attributes was looked for, and a few more.
const SEARCHES: u32 = 4;

/// One set over another, as `//` makes it.
#[repr(C)]
pub(crate) struct Layer {
    /// `bound << 8 | depth << 4 | LAYERED`; there are at most `bound` attributes.
    header: u64,
    base: &'static Attrs,
    top: &'static Attrs,
    flat: Cell<Option<&'static Attrs>>,
    /// How many attributes there are, once somebody asked.
    len: Cell<Option<u32>>,
    searches: Cell<u32>,
    heap: &'static Heap,
}

/// A set that is no layer, as a part of one that is.
#[derive(Clone, Copy)]
struct Part {
    keys: &'static Keys,
    set: &'static Attrs,
}

impl Part {
    fn each_slot(self, run: Range<usize>, mut f: impl FnMut(Slot)) {
        match self.set.as_flat() {
            Some(flat) => flat.slots[run].iter().for_each(|&slot| f(slot)),
            None => run.for_each(|i| f(self.set.mapped().map_or(Slot::NULL, |mapped| mapped.element(i)))),
        }
    }
}

impl Layer {
    pub(crate) fn bound(&self) -> usize {
        (self.header >> 8) as usize
    }

    fn depth(&self) -> u64 {
        self.header >> 4 & 0xf
    }

    /// The copy, if one was made.
    #[inline(always)]
    pub(crate) fn known_flat(&self) -> Option<&'static Attrs> {
        self.flat.get()
    }

    /// How many attributes there are.
    pub(crate) fn len(&'static self) -> usize {
        if let Some(len) = self.len.get() {
            return len as usize;
        }
        let mut len = 0;
        for_each_run(&self.parts(), |_, run| len += run.len());
        self.len.set(u32::try_from(len).ok());
        len
    }

    /// The lower set, the upper one, and their copy if one was made.
    pub(crate) fn sets(&self) -> (&'static Attrs, &'static Attrs, Option<&'static Attrs>) {
        (self.base, self.top, self.flat.get())
    }

    fn parts(&'static self) -> Vec<Part> {
        let mut parts = Vec::with_capacity(MAX_DEPTH as usize + 1);
        self.add_parts(&mut parts);
        parts
    }

    fn add_parts(&'static self, parts: &mut Vec<Part>) {
        match self.flat.get() {
            Some(flat) => flat.add_parts(parts),
            None => {
                self.base.add_parts(parts);
                self.top.add_parts(parts);
            }
        }
    }

    /// The attribute of a name. A set that is searched much is copied.
    pub(crate) fn find(&'static self, name: Symbol) -> Option<Found> {
        let mut layer = self;
        loop {
            if let Some(flat) = layer.flat.get().or_else(|| layer.flatten_if_busy()) {
                return flat.find(name);
            }
            if let Some(found) = layer.top.find(name) {
                return Some(found);
            }
            match layer.base.layer() {
                Some(below) => layer = below,
                None => return layer.base.find(name),
            }
        }
    }

    fn flatten_if_busy(&'static self) -> Option<&'static Attrs> {
        let searches = self.searches.get() + 1;
        self.searches.set(searches);
        if searches < 16 + self.bound() as u32 / SEARCHES {
            return None;
        }
        self.searches.set(0);
        // The elements of a mapped set are made when they are looked at.
        let has_mapped = self.parts().iter().any(|part| part.set.mapped().is_some());
        (!has_mapped).then(|| self.flatten())
    }

    /// The attributes side by side, copied once.
    #[cold]
    #[inline(never)]
    pub(crate) fn flatten(&'static self) -> &'static Attrs {
        self.flat.get().unwrap_or_else(|| {
            let flat = self.heap.merge(&self.parts());
            self.flat.set(Some(flat));
            flat
        })
    }

    /// The keys, without copying the values.
    pub(crate) fn keys(&'static self) -> &'static Keys {
        self.heap.union_keys(&self.parts())
    }
}

impl Attrs {
    fn add_parts(&'static self, parts: &mut Vec<Part>) {
        match (self.layer(), self.mapped(), self.as_flat()) {
            (Some(layer), ..) => layer.add_parts(parts),
            (_, Some(mapped), _) => parts.push(Part {
                keys: mapped.keys,
                set: self,
            }),
            (_, _, Some(flat)) => parts.push(Part {
                keys: flat.keys,
                set: self,
            }),
            (None, None, None) => {}
        }
    }

    /// How many layers lie on one another.
    fn depth(&'static self) -> u64 {
        match self.layer() {
            Some(layer) if layer.flat.get().is_none() => layer.depth(),
            _ => 0,
        }
    }
}

/// Goes through the attributes of sets that lie on one another, the lowest first, in the order of their symbols. Tells
/// the uppermost set that has them, and where: runs of attributes that come from one set, for most are long.
fn for_each_run(parts: &[Part], mut f: impl FnMut(Part, Range<usize>)) {
    match parts {
        [] => {}
        [only] => f(*only, 0..only.keys.len()),
        [below, over] => for_each_run_in_two(*below, *over, f),
        [below, over @ ..] => for_each_run_in_many(*below, over, f),
    }
}

/// [`for_each_run`] of one set over another.
fn for_each_run_in_two(below: Part, over: Part, mut f: impl FnMut(Part, Range<usize>)) {
    let (lower, upper) = (below.keys.symbols(), over.keys.symbols());
    let (mut i, mut j) = (0, 0);
    while let Some(&symbol) = upper.get(j) {
        let end = end_of_run(lower, i, symbol);
        if end > i {
            f(below, i..end);
        }
        i = end + usize::from(lower.get(end) == Some(&symbol));
        let start = j;
        j = match lower.get(i) {
            Some(&next) => end_of_run(upper, j + 1, next),
            None => upper.len(),
        };
        f(over, start..j);
    }
    if i < lower.len() {
        f(below, i..lower.len());
    }
}

/// [`for_each_run`] of several sets over another.
fn for_each_run_in_many(base: Part, over: &[Part], mut f: impl FnMut(Part, Range<usize>)) {
    let below = base.keys.symbols();
    let mut i = 0;
    let mut cursors = vec![0; over.len()];
    let at = |part: &Part, cursor: usize| part.keys.symbols().get(cursor).copied();
    loop {
        let mut next: Option<(Symbol, usize)> = None;
        for (p, part) in over.iter().enumerate() {
            if let Some(symbol) = at(part, cursors[p])
                && next.is_none_or(|(least, _)| symbol <= least)
            {
                next = Some((symbol, p));
            }
        }
        let end = next.map_or(below.len(), |(symbol, _)| end_of_run(below, i, symbol));
        if end > i {
            f(base, i..end);
        }
        let Some((symbol, p)) = next else { return };
        i = end + usize::from(below.get(end) == Some(&symbol));
        f(over[p], cursors[p]..cursors[p] + 1);
        for (part, cursor) in over.iter().zip(&mut cursors) {
            *cursor += usize::from(at(part, *cursor) == Some(symbol));
        }
    }
}

/// Where the symbols from `start` on that are less than `stop` end. O(log n) in the length of the run.
#[inline]
fn end_of_run(symbols: &[Symbol], start: usize, stop: Symbol) -> usize {
    let mut step = 1;
    let mut low = start;
    while let Some(&symbol) = symbols.get(low + step - 1)
        && symbol < stop
    {
        low += step;
        step *= 2;
    }
    let high = symbols.len().min(low + step - 1);
    low + symbols[low..high].partition_point(|&symbol| symbol < stop)
}

/// How `//` of two shapes comes out: the result's keys, and for each where its value comes from.
struct Union {
    keys: &'static Keys,
    /// Index into the left set, or `!index` into the right one.
    from: &'static [i8],
}

/// The operands' keys that a place in the code met last, and how `//` of them comes out.
#[derive(Default)]
pub(crate) struct UnionCache {
    keys: Cell<(u64, u64)>,
    union: Cell<Option<&'static Union>>,
}

/// The memo of `//` by the operands' keys.
#[derive(Default)]
pub(crate) struct UnionMemo {
    unions: RefCell<FxHashMap<(u64, u64), &'static Union>>,
    /// The keys of unions of large sets.
    keys: RefCell<FxHashMap<Box<[u64]>, &'static Keys>>,
}

fn address(keys: &'static Keys) -> u64 {
    std::ptr::from_ref(keys).addr() as u64
}

impl Heap {
    /// `left // right`
    pub fn update(&'static self, left: Value, right: Value) -> Value {
        self.update_at(left, right, &UnionCache::default())
    }

    /// `left // right` at a place in the code.
    pub(crate) fn update_at(&'static self, left: Value, right: Value, cache: &UnionCache) -> Value {
        let (Some(a), Some(b)) = (left.as_attrs(), right.as_attrs()) else {
            return right;
        };
        if a.is_empty() {
            return right;
        }
        if b.is_empty() {
            return left;
        }
        let (m, n) = (a.bound(), b.bound());
        if m + n <= COPY_UP_TO
            && let (Some(a), Some(b)) = (a.as_flat(), b.as_flat())
        {
            return self.copy_union(a, b, cache);
        }
        if n * LAYER_FACTOR <= m {
            return self.lay_over(a, b);
        }
        if m * LAYER_FACTOR <= n
            && let Some(a) = a.as_flat()
        {
            // The other way round: what the right set lacks, over the right set.
            let new: Vec<_> = a.entries().filter(|entry| b.find(entry.name).is_none()).collect();
            return match self.attrs_sorted(&new).as_attrs() {
                Some(new) if !new.is_empty() => self.lay_over(b, new),
                _ => right,
            };
        }
        if m + n >= LAYER_FROM {
            return self.lay_over(a, b);
        }
        let mut parts = vec![];
        a.add_parts(&mut parts);
        b.add_parts(&mut parts);
        Value::from_pointer(self.merge(&parts), Tag::Attrs)
    }

    /// `//` of small sets: the shape comes from the memo, the values are copied.
    fn copy_union(&self, a: Flat, b: Flat, cache: &UnionCache) -> Value {
        let key = (address(a.keys), address(b.keys));
        let union = match cache.union.get() {
            Some(union) if cache.keys.get() == key => union,
            _ => {
                let union = self.known_union(key, a.keys, b.keys);
                cache.keys.set(key);
                cache.union.set(Some(union));
                union
            }
        };
        count(&self.counters.update_copies, union.keys.len());
        self.attrs_with(union.keys, |i| match usize::try_from(union.from[i]) {
            Ok(left) => a.slots[left],
            Err(_) => b.slots[!union.from[i] as usize],
        })
    }

    #[inline(never)]
    fn known_union(&self, key: (u64, u64), a: &Keys, b: &Keys) -> &'static Union {
        let known = self.unions.unions.borrow().get(&key).copied();
        known.unwrap_or_else(|| {
            let union: &'static Union = self.alloc_leaked(self.plan_union(a, b));
            self.unions.unions.borrow_mut().insert(key, union);
            union
        })
    }

    fn plan_union(&self, a: &Keys, b: &Keys) -> Union {
        let mut keys = [(Symbol::from_index(0), Pos::NONE); COPY_UP_TO];
        let mut from = [0; COPY_UP_TO];
        let (mut i, mut j, mut len) = (0, 0, 0);
        while i < a.len() || j < b.len() {
            let (left, right) = (a.symbols().get(i), b.symbols().get(j));
            let take_left = match (left, right) {
                (Some(left), Some(right)) => left < right,
                (left, _) => left.is_some(),
            };
            if take_left {
                keys[len] = (a.symbols()[i], a.position(i));
                from[len] = i as i8;
                i += 1;
            } else {
                keys[len] = (b.symbols()[j], b.position(j));
                from[len] = !(j as i8);
                i += usize::from(left == right);
                j += 1;
            }
            len += 1;
        }
        Union {
            keys: self.keys.make_of(self, keys[..len].iter().copied()),
            from: self.alloc_slice(&from[..len]),
        }
    }

    /// One set over another, without copying them.
    fn lay_over(&'static self, base: &'static Attrs, top: &'static Attrs) -> Value {
        // What lies on `top`'s base lies on this one's as well.
        if let Some(layer) = top.layer() {
            return match layer.flat.get() {
                Some(flat) => self.lay_over(base, flat),
                None => {
                    let below = self.lay_over(base, layer.base);
                    self.lay_over(below.as_attrs().expect("`//` gives a set"), layer.top)
                }
            };
        }
        let base = match base.layer() {
            Some(layer) => match layer.flat.get() {
                Some(flat) => flat,
                None => match self.join_tops(layer, top) {
                    Some(joined) => return self.lay_over(layer.base, joined),
                    None if layer.depth() == MAX_DEPTH => self.squeeze(layer),
                    None => base,
                },
            },
            None => base,
        };
        Value::from_pointer(self.new_layer(base, top), Tag::Attrs)
    }

    /// The same set in fewer layers: of those next to one another the two smallest are joined. Making the elements of a
    /// mapped set costs more than copying those of another.
    fn squeeze(&'static self, layer: &'static Layer) -> &'static Attrs {
        let mut parts = layer.parts();
        let weight = |part: &Part| match part.set.mapped() {
            Some(_) => part.keys.len() * 4,
            None => part.keys.len(),
        };
        let pairs = parts.windows(2).enumerate();
        let smallest = pairs.min_by_key(|(_, pair)| pair.iter().map(weight).sum::<usize>());
        let Some((i, pair)) = smallest else {
            return layer.flatten();
        };
        let set = self.merge(pair);
        let Some(Flat { keys, .. }) = set.as_flat() else {
            return layer.flatten();
        };
        parts.splice(i..i + 2, [Part { keys, set }]);
        let sets = parts.iter().map(|part| part.set);
        sets.reduce(|base, top| self.new_layer(base, top))
            .unwrap_or_else(|| layer.flatten())
    }

    fn new_layer(&'static self, base: &'static Attrs, top: &'static Attrs) -> &'static Attrs {
        count(&self.counters.sets, 1);
        let bound = (base.bound() + top.bound()) as u64;
        let pointer = self.alloc_words(size_of::<Layer>() / 8).cast::<Layer>();
        // SAFETY: room for the layer was just allocated.
        unsafe {
            pointer.write(Layer {
                header: bound << 8 | (base.depth() + 1) << 4 | LAYERED,
                base,
                top,
                flat: Cell::new(None),
                len: Cell::new(None),
                searches: Cell::new(0),
                heap: self,
            });
            pointer.cast::<Attrs>().as_ref()
        }
    }

    /// The uppermost set of a layer and one over it as one set, if the latter is not much smaller. So sets get larger
    /// from each layer to the one below, and there are few of them: a chain of small sets over a package set of
    /// 30,000 attributes never has that copied.
    fn join_tops(&'static self, layer: &'static Layer, top: &'static Attrs) -> Option<&'static Attrs> {
        let (below, over) = (layer.top.as_flat()?, top.as_flat()?);
        let worth_it = below.len() <= JOIN_FACTOR * over.len() || layer.depth() == MAX_DEPTH;
        if !worth_it {
            return None;
        }
        if below.len() + over.len() <= COPY_UP_TO {
            return self.copy_union(below, over, &UnionCache::default()).as_attrs();
        }
        let part = |flat: Flat, set| Part { keys: flat.keys, set };
        Some(self.merge(&[part(below, layer.top), part(over, top)]))
    }

    /// The union of sets that lie on one another, copied.
    fn merge(&self, parts: &[Part]) -> &'static Attrs {
        let keys = self.union_keys(parts);
        count(&self.counters.update_copies, keys.len());
        let (set, slots) = self.new_attrs(keys);
        let mut i = 0;
        for_each_run(parts, |part, run| {
            part.each_slot(run, |slot| {
                slots.set(i, slot);
                i += 1;
            });
        });
        assert_eq!(i, keys.len(), "the keys are those of the parts");
        set.as_attrs().expect("a set")
    }

    /// The keys of a union, shared by all unions of the same shapes.
    fn union_keys(&self, parts: &[Part]) -> &'static Keys {
        let shapes: Vec<u64> = parts.iter().map(|part| address(part.keys)).collect();
        let known = self.unions.keys.borrow().get(&*shapes).copied();
        known.unwrap_or_else(|| {
            let has_positions = parts.iter().any(|part| part.keys.has_positions());
            let bound = parts.iter().map(|part| part.keys.len()).sum();
            let (mut symbols, mut positions) = (Vec::with_capacity(bound), vec![]);
            for_each_run(parts, |part, run| {
                symbols.extend_from_slice(&part.keys.symbols()[run.clone()]);
                if has_positions {
                    part.keys.add_positions(run, &mut positions);
                }
            });
            let keys = self.keys.make_large(self, &symbols, &positions);
            self.unions.keys.borrow_mut().insert(shapes.into(), keys);
            keys
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attrs::Entry;
    use crate::random;
    use std::collections::BTreeMap;

    fn set(heap: &Heap, from: usize, len: usize, step: usize, value: i64) -> Value {
        let mut entries: Vec<Entry> = (0..len)
            .map(|i| Entry {
                name: Symbol::from_index(from + i * step),
                slot: heap.int(value).slot(),
                pos: Pos::NONE,
            })
            .collect();
        heap.attrs(&mut entries)
    }

    fn content(set: &'static Attrs, heap: &Heap) -> BTreeMap<usize, Option<i64>> {
        let value = |slot: Slot| slot.direct().and_then(Value::as_int);
        let all = set.flat(heap).entries();
        all.map(|entry| (entry.name.index(), value(entry.slot))).collect()
    }

    /// Unions of sets of many sizes, associated in many ways, are those of maps.
    #[test]
    fn unions_are_those_of_maps() {
        let heap: &'static Heap = Box::leak(Box::new(Heap::new()));
        let mut next = random::numbers(12345);
        for round in 0..200 {
            let mut sets: Vec<(Value, BTreeMap<usize, Option<i64>>)> = (0..20)
                .map(|i| {
                    let size = [1, 3, 10, 40, 200, 700, 2000][next(7)];
                    let value = set(heap, next(50), size, 1 + next(3), i);
                    (value, content(value.as_attrs().expect("a set"), heap))
                })
                .collect();
            while sets.len() > 1 {
                let i = next(sets.len() - 1);
                let (right, over) = sets.remove(i + 1);
                let (left, below) = &mut sets[i];
                *left = heap.update(*left, right);
                below.extend(over);
                let union = left.as_attrs().expect("a set");
                if next(3) == 0 {
                    assert_eq!(union.len(), below.len(), "round {round}");
                }
                for name in 0..60 {
                    let found = union.get(Symbol::from_index(name));
                    let value = found.map(|slot| slot.direct().and_then(Value::as_int));
                    assert_eq!(value, below.get(&name).copied(), "round {round}");
                }
                let symbols: Vec<usize> = union.keys().symbols().iter().map(|name| name.index()).collect();
                assert_eq!(symbols, below.keys().copied().collect::<Vec<_>>());
                if next(4) == 0 {
                    assert_eq!(content(union, heap), *below, "round {round}");
                }
            }
        }
    }
}
