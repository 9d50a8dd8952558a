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

/// A call that runs. What it is a call of is only found out when a sample is taken: most calls see none.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pos: Pos,
    callee: Operation,
}

#[derive(Clone, Copy)]
enum Operation {
    /// A function, and its first argument. Nothing is collected while calls run, so they are there.
    Function(Value, Slot),
    /// An operator, by the name of the primop that it is to the reference.
    Primop(&'static str),
}

impl Call {
    /// A call of any value.
    #[inline(always)]
    pub(super) fn of(function: Value, args: &[Slot], pos: Pos) -> Call {
        let first = args.first().copied().unwrap_or(Slot::NULL);
        Call {
            pos,
            callee: Operation::Function(function, first),
        }
    }

    /// An operator.
    pub(super) fn of_primop(name: &'static str, pos: Pos) -> Call {
        Call {
            pos,
            callee: Operation::Primop(name),
        }
    }

    fn frame(self, ev: &Evaluator) -> Frame {
        let pos = self.pos;
        let (function, argument) = match self.callee {
            Operation::Function(function, argument) => (function, argument),
            Operation::Primop(name) => {
                return Frame {
                    pos,
                    callee: Callee::Primop(name),
                };
            }
        };
        let callee = match function.as_function().map(|function| function.kind()) {
            Some(FunctionKind::Lambda(code, _)) => {
                return Frame {
                    pos: if pos.is_some() { pos } else { code.pos },
                    callee: Callee::Function(code.name.get()),
                };
            }
            Some(FunctionKind::Primop(primop)) => match primop.name {
                "derivationStrict" => {
                    derivation(ev, argument).map_or(Callee::Primop(primop.name), Callee::Derivation)
                }
                name => Callee::Primop(name),
            },
            Some(FunctionKind::Partial(primop, _)) => Callee::Primop(primop.name),
            None if function.as_attrs().is_some() => Callee::Functor,
            None => Callee::Other,
        };
        Frame { pos, callee }
    }
}

/// A call as it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Frame {
    pos: Pos,
    callee: Callee,
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
    stack: Vec<Call>,
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

    /// A call begins. What passed until now counts for the one that makes it.
    #[inline(always)]
    pub(super) fn enter(&mut self, ev: &Evaluator, call: Call) {
        if self.ticker.is_due() {
            self.sample(ev);
        }
        self.stack.push(call);
    }

    #[inline(always)]
    pub(super) fn leave(&mut self, ev: &Evaluator) {
        if self.ticker.is_due() {
            self.sample(ev);
        }
        self.stack.pop();
    }

    /// Counts the stack once for each interval that passed.
    #[cold]
    #[inline(never)]
    fn sample(&mut self, ev: &Evaluator) {
        self.ticker.reset();
        let passed = self.last_sample.elapsed();
        self.last_sample = Instant::now();
        let intervals = passed.as_nanos() / self.interval.as_nanos().max(1);
        let mut node = u32::MAX;
        for call in &self.stack {
            let frame = call.frame(ev);
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

/// The name of the derivation that `derivationStrict` is called for, which it evaluates before all else.
fn derivation(ev: &Evaluator, argument: Slot) -> Option<Symbol> {
    let set = argument.evaluated()?.as_attrs()?;
    let name = set.get(ev.names.name)?.evaluated()?;
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
