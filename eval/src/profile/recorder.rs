//! The profiler: a stack of the functions that run, what each took, and the tree of their calls.
//!
//! Work counts for the function whose text it is: a thunk's for the function that made it, wherever it is forced. Calls,
//! thunks and bytes are exact, read off the heap's counters whenever the function on top changes. Time is sampled: when
//! the ticker is due, what passed since the last sample counts for the function on top. So all of it counts for
//! somebody, and the sums are the totals.

use super::Activity;
use super::attributes::Attributes;
use super::index::Index;
use super::ticker::Ticker;
use super::tree::Tree;
use crate::code::LambdaCode;
use crate::evaluator::Evaluator;
use crate::heap::Heap;
use crate::primop::Primop;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;
use std::time::Instant;

/// After how many bytes the stack is looked at for the tree.
const BYTE_INTERVAL: u64 = 64 << 10;

/// What activations of primops have for a position; no source is that long.
const PRIMOP: Pos = Pos(u32::MAX);

/// An activation whose node of the tree is not known yet.
const UNKNOWN: u32 = u32::MAX;

/// What a row of the profile is about.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    /// What no function did.
    Top,
    /// A function, by where it starts, or what a file does outside of functions.
    Place(Pos, Option<&'static LambdaCode>),
    /// A primop.
    Primop(&'static Primop),
}

/// What one function took.
pub(super) struct Entry {
    pub(super) subject: Subject,
    pub(super) calls: u64,
    /// Thunks it made.
    pub(super) made: u64,
    /// Of those, how many were forced.
    pub(super) forced: u64,
    pub(super) self_bytes: u64,
    pub(super) self_nanos: u64,
    pub(super) total_bytes: u64,
    pub(super) total_nanos: u64,
    /// How often it is on the stack.
    active: u32,
}

impl Entry {
    fn new(subject: Subject) -> Entry {
        Entry {
            subject,
            calls: 0,
            made: 0,
            forced: 0,
            self_bytes: 0,
            self_nanos: 0,
            total_bytes: 0,
            total_nanos: 0,
            active: 0,
        }
    }
}

#[derive(Clone, Copy)]
struct Activation {
    /// Where the function starts, if it is one.
    pos: Pos,
    entry: u32,
    node: u32,
    since: Reading,
}

/// How far the clocks are.
#[derive(Clone, Copy, Default)]
pub(super) struct Reading {
    pub(super) nanos: u64,
    pub(super) bytes: u64,
}

/// Thunks that were made of expressions.
#[inline(always)]
fn thunks(heap: &Heap) -> u64 {
    heap.counters.cells.get() - heap.counters.applications.get()
}

/// A profile that is being recorded.
pub(super) struct Recorder {
    pub(super) entries: Vec<Entry>,
    index: Index,
    top: Activation,
    /// Those below, the top's caller last.
    callers: Vec<Activation>,
    pub(super) tree: Tree,
    pub(super) attributes: Attributes,
    ticker: Ticker,
    last_sample: Instant,
    /// Time as far as samples saw it, and bytes as far as they count for somebody.
    pub(super) now: Reading,
    /// Bytes that there were before.
    start_bytes: u64,
    thunks: u64,
    /// Bytes that count for a node of the tree.
    treed_bytes: u64,
    /// Applications (elements of `map` and its kin) that were forced.
    pub(super) applications_forced: u64,
}

impl Recorder {
    /// Records from now on.
    pub(super) fn new(heap: &Heap, frequency: u32) -> Recorder {
        let bytes = heap.used_bytes();
        let now = Reading { nanos: 0, bytes };
        Recorder {
            entries: vec![Entry {
                active: 1,
                ..Entry::new(Subject::Top)
            }],
            index: Index::default(),
            top: Activation {
                pos: Pos::NONE,
                entry: 0,
                node: 0,
                since: now,
            },
            callers: vec![],
            tree: Tree::new(),
            attributes: Attributes::default(),
            ticker: Ticker::start(frequency),
            last_sample: Instant::now(),
            now,
            start_bytes: bytes,
            thunks: thunks(heap),
            treed_bytes: bytes,
            applications_forced: 0,
        }
    }

    /// Begins an activity. Whether it has to be left: a function's own thunks need not be told apart from it.
    #[inline(always)]
    pub(super) fn enter(&mut self, ev: &Evaluator, activity: Activity) -> bool {
        if let Activity::Thunk(pos) = activity
            && pos == self.top.pos
        {
            self.entries[self.top.entry as usize].forced += 1;
            return false;
        }
        self.settle(ev);
        let pos = match activity {
            Activity::Call(code) => code.function,
            Activity::Thunk(pos) => pos,
            Activity::Primop(_) => PRIMOP,
        };
        let index = match activity {
            Activity::Primop(primop) => self.primop(primop),
            _ => self.place(pos),
        };
        let entry = &mut self.entries[index as usize];
        match activity {
            Activity::Call(code) => {
                if let Subject::Place(_, lambda @ None) = &mut entry.subject
                    && code.pos == code.function
                {
                    *lambda = Some(code);
                }
                entry.calls += 1;
            }
            Activity::Primop(_) => entry.calls += 1,
            Activity::Thunk(_) => entry.forced += 1,
        }
        entry.active += 1;
        self.callers.push(self.top);
        self.top = Activation {
            pos,
            entry: index,
            node: UNKNOWN,
            since: self.now,
        };
        true
    }

    /// Ends the activity on top.
    #[inline(always)]
    pub(super) fn leave(&mut self, ev: &Evaluator) {
        self.settle(ev);
        let Activation { entry, since, .. } = self.top;
        let entry = &mut self.entries[entry as usize];
        entry.active = entry.active.wrapping_sub(1);
        if entry.active == 0 {
            entry.total_nanos += self.now.nanos.wrapping_sub(since.nanos);
            entry.total_bytes += self.now.bytes.wrapping_sub(since.bytes);
        }
        if let Some(caller) = self.callers.pop() {
            self.top = caller;
        }
    }

    /// An attribute that was selected begins to be evaluated.
    pub(super) fn enter_attribute(&mut self, heap: &Heap, name: Symbol, pos: Pos) {
        let now = self.reading(heap);
        self.attributes.enter(name, pos, now);
    }

    /// Its value is there.
    pub(super) fn leave_attribute(&mut self, heap: &Heap) {
        let now = self.reading(heap);
        self.attributes.leave(now);
    }

    fn reading(&self, heap: &Heap) -> Reading {
        Reading {
            nanos: self.now.nanos,
            bytes: heap.used_bytes(),
        }
    }

    /// A lambda expression that `maker` evaluated was looked at for the first time.
    pub(super) fn closure_forced(&mut self, maker: Pos) {
        let entry = self.place(maker);
        self.entries[entry as usize].forced += 1;
    }

    /// The last thunk that was made counts for another function than the one on top.
    pub(super) fn made_for(&mut self, pos: Pos) {
        let (top, other) = (self.top.entry, self.place(pos));
        self.entries[top as usize].made -= 1;
        self.entries[other as usize].made += 1;
    }

    /// What was done since the last time counts for the function on top.
    #[inline(always)]
    pub(super) fn charge(&mut self, heap: &Heap) {
        let (bytes, thunks) = (heap.used_bytes(), thunks(heap));
        let entry = &mut self.entries[self.top.entry as usize];
        // None of these overflows; to have that checked would take a third more instructions.
        entry.self_bytes = entry.self_bytes.wrapping_add(bytes.wrapping_sub(self.now.bytes));
        entry.made = entry.made.wrapping_add(thunks.wrapping_sub(self.thunks));
        self.now.bytes = bytes;
        self.thunks = thunks;
    }

    /// [`Recorder::charge`], and a sample if it is time.
    #[inline(always)]
    fn settle(&mut self, ev: &Evaluator) {
        self.charge(ev.heap);
        if self.now.bytes.wrapping_sub(self.treed_bytes) >= BYTE_INTERVAL || self.ticker.is_due() {
            self.sample(ev);
        }
    }

    /// What was taken since the profile began.
    pub(super) fn bytes(&self) -> u64 {
        self.now.bytes - self.start_bytes
    }

    /// Looks at the stack.
    #[cold]
    #[inline(never)]
    fn sample(&mut self, ev: &Evaluator) {
        if self.ticker.is_due() {
            self.ticker.reset();
            self.note_time();
        }
        self.note_bytes();
        ev.show_profile(self);
    }

    /// Bytes count for the tree.
    fn note_bytes(&mut self) {
        let node = self.top_node();
        self.tree.nodes[node as usize].bytes += self.now.bytes - self.treed_bytes;
        self.treed_bytes = self.now.bytes;
    }

    /// What passed since the last time counts for the function on top.
    fn note_time(&mut self) {
        let now = Instant::now();
        let nanos = u64::try_from((now - self.last_sample).as_nanos()).unwrap_or_default();
        self.last_sample = now;
        self.now.nanos += nanos;
        let node = self.top_node();
        self.tree.nodes[node as usize].nanos += nanos;
        self.entries[self.top.entry as usize].self_nanos += nanos;
    }

    /// What passed since the last sample counts, too.
    pub(super) fn finish(&mut self, heap: &Heap) {
        self.charge(heap);
        self.note_time();
        self.note_bytes();
    }

    /// Nobody is charged for what passed since the last sample: it was spent on showing the profile.
    pub(super) fn skip_time(&mut self) {
        self.last_sample = Instant::now();
    }

    /// For each function that runs, what it took since it was called.
    pub(super) fn running(&self) -> FxHashMap<u32, Reading> {
        let mut running = FxHashMap::default();
        for activation in self.callers.iter().chain([&self.top]) {
            running.entry(activation.entry).or_insert(Reading {
                nanos: self.now.nanos - activation.since.nanos,
                bytes: self.now.bytes - activation.since.bytes,
            });
        }
        running
    }

    /// The node of the function on top, whose callers' nodes are found or made on the way.
    fn top_node(&mut self) -> u32 {
        let unknown = |activation: &Activation| activation.node == UNKNOWN;
        if unknown(&self.top) {
            let known = self.callers.iter().rposition(|caller| !unknown(caller));
            let first = known.unwrap_or(0);
            let mut node = self.callers[first].node;
            for activation in self.callers[first + 1..].iter_mut().chain([&mut self.top]) {
                node = self.tree.child(node, activation.entry);
                activation.node = node;
            }
        }
        self.top.node
    }

    #[inline(always)]
    fn place(&mut self, pos: Pos) -> u32 {
        if !pos.is_some() {
            return 0;
        }
        self.entry(u64::from(pos.0), || Subject::Place(pos, None))
    }

    #[inline(always)]
    fn primop(&mut self, primop: &'static Primop) -> u32 {
        // No position is that large.
        let key = std::ptr::from_ref(primop).addr() as u64 | 1 << 63;
        self.entry(key, || Subject::Primop(primop))
    }

    #[inline(always)]
    fn entry(&mut self, key: u64, subject: impl FnOnce() -> Subject) -> u32 {
        let entries = &mut self.entries;
        self.index.get(key, || {
            entries.push(Entry::new(subject()));
            entries.len() as u32 - 1
        })
    }
}
