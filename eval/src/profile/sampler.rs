//! The profiler of the reference (`eval-profiler = flamegraph`): the stack of calls, looked at so often a second, in lines
//! that tools for flame graphs read. A frame names where the call stands, and what is called.

use super::ticker::Ticker;
use crate::evaluator::Evaluator;
use crate::function::FunctionKind;
use crate::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;
use std::time::{Duration, Instant};

/// A call.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    pos: Pos,
    callee: Callee,
}

impl Frame {
    /// A call of any value. The name of a derivation is evaluated.
    #[inline(always)]
    pub(super) fn of_call(ev: &Evaluator, function: Value, args: &[Slot], pos: Pos) -> Frame {
        let callee = match function.as_function().map(|function| function.kind()) {
            Some(FunctionKind::Lambda(code, _)) => {
                return Frame {
                    pos: if pos.is_some() { pos } else { code.pos },
                    callee: Callee::Function(code.name.get()),
                };
            }
            Some(FunctionKind::Primop(primop)) => match primop.name {
                "derivationStrict" => {
                    derivation(ev, args).map_or(Callee::Primop(primop.name), Callee::Derivation)
                }
                name => Callee::Primop(name),
            },
            Some(FunctionKind::Partial(primop, _)) => Callee::Primop(primop.name),
            None if function.as_attrs().is_some() => Callee::Functor,
            None => Callee::Other,
        };
        Frame { pos, callee }
    }

    /// A call of a primop.
    pub(super) fn of_primop(name: &'static str, pos: Pos) -> Frame {
        Frame {
            pos,
            callee: Callee::Primop(name),
        }
    }
}

/// What is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Callee {
    Function(Option<Symbol>),
    Primop(&'static str),
    /// `derivationStrict` with the derivation's name.
    Derivation(Symbol),
    Functor,
    Other,
}

/// The stack, and what was seen of it.
pub(super) struct Sampler {
    stack: Vec<Frame>,
    /// Stacks by the one below and their last frame; the first is empty.
    nodes: Vec<(u32, Frame)>,
    children: FxHashMap<(u32, Frame), u32>,
    counts: FxHashMap<u32, u64>,
    ticker: Ticker,
    interval: Duration,
    last_sample: Instant,
}

impl Sampler {
    pub(super) fn new(frequency: u32) -> Sampler {
        Sampler {
            stack: vec![],
            nodes: vec![],
            children: FxHashMap::default(),
            counts: FxHashMap::default(),
            ticker: Ticker::start(frequency),
            interval: Duration::from_secs(1) / frequency.max(1),
            last_sample: Instant::now(),
        }
    }

    #[inline(always)]
    pub(super) fn enter(&mut self, frame: Frame) {
        self.stack.push(frame);
        self.look();
    }

    #[inline(always)]
    pub(super) fn leave(&mut self) {
        self.look();
        self.stack.pop();
    }

    #[inline(always)]
    fn look(&mut self) {
        if self.ticker.is_due() {
            self.sample();
        }
    }

    /// Counts the stack once for each interval that passed.
    #[cold]
    #[inline(never)]
    fn sample(&mut self) {
        self.ticker.reset();
        let passed = self.last_sample.elapsed();
        self.last_sample = Instant::now();
        let intervals = passed.as_nanos() / self.interval.as_nanos().max(1);
        let mut node = u32::MAX;
        for &frame in &self.stack {
            let nodes = &mut self.nodes;
            node = *self.children.entry((node, frame)).or_insert_with(|| {
                nodes.push((node, frame));
                nodes.len() as u32 - 1
            });
        }
        *self.counts.entry(node).or_default() += u64::try_from(intervals).unwrap_or(1).max(1);
    }

    /// The stacks with their counts, a line each, in the order in which they were first seen.
    pub(super) fn folded(&self, ev: &Evaluator) -> String {
        let mut texts: FxHashMap<Frame, String> = FxHashMap::default();
        for &(_, frame) in &self.nodes {
            texts.entry(frame).or_insert_with(|| text(ev, frame));
        }
        let mut counted: Vec<(u32, u64)> = self.counts.iter().map(|(&node, &count)| (node, count)).collect();
        counted.sort_unstable();
        let mut lines = String::new();
        for (mut node, count) in counted {
            let mut frames = vec![];
            while let Some(&(below, frame)) = self.nodes.get(node as usize) {
                frames.push(texts.get(&frame).map_or("", String::as_str));
                node = below;
            }
            if !frames.is_empty() {
                frames.reverse();
                lines.push_str(&format!("{} {count}\n", frames.join(";")));
            }
        }
        lines
    }
}

/// The name of the derivation that `derivationStrict` is called for. It will need that in any case; if evaluating it
/// fails, the call will tell.
#[inline(never)]
fn derivation(ev: &Evaluator, args: &[Slot]) -> Option<Symbol> {
    let set = ev.force(*args.first()?, Pos::NONE).ok()?.as_attrs()?;
    let name = ev.force(set.get(ev.names.name)?, Pos::NONE).ok()?;
    Some(ev.intern(name.as_string()?.bytes()))
}

fn text(ev: &Evaluator, frame: Frame) -> String {
    let pos = super::call_position(ev, frame.pos);
    match frame.callee {
        Callee::Function(Some(name)) => format!("{pos}:{}", ev.name(name)),
        Callee::Function(None) | Callee::Other => pos,
        Callee::Primop(name) => format!("{pos}:primop {name}"),
        Callee::Derivation(name) => format!("{pos}:primop derivationStrict:{}", ev.name(name)),
        Callee::Functor => format!("{pos}:functor"),
    }
}
