//! How often what was called and selected (`NIX_COUNT_CALLS`).

use crate::code::LambdaCode;
use nivis_lang::position::Pos;
use rustc_hash::FxHashMap;

/// Counts of calls and selections.
#[derive(Default)]
pub struct Counts {
    primops: FxHashMap<&'static str, u64>,
    functions: FxHashMap<*const LambdaCode, (&'static LambdaCode, u64)>,
    attributes: FxHashMap<Pos, u64>,
}

impl Counts {
    pub(super) fn primop(&mut self, name: &'static str) {
        *self.primops.entry(name).or_default() += 1;
    }

    pub(super) fn function(&mut self, code: &'static LambdaCode) {
        let counted = self
            .functions
            .entry(std::ptr::from_ref(code))
            .or_insert((code, 0));
        counted.1 += 1;
    }

    pub(super) fn attribute(&mut self, pos: Pos) {
        *self.attributes.entry(pos).or_default() += 1;
    }

    /// The primops that were called, most often called first, then by name.
    pub fn primops(&self) -> Vec<(&'static str, u64)> {
        let mut primops: Vec<_> = self.primops.iter().map(|(&name, &count)| (name, count)).collect();
        primops.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
        primops
    }

    /// The functions that were called, most often called first, then in the order of their positions. Of a curried
    /// function each parameter counts as one.
    pub fn functions(&self) -> Vec<(&'static LambdaCode, u64)> {
        let mut functions: Vec<_> = self.functions.values().copied().collect();
        functions.sort_by_key(|&(code, count)| (std::cmp::Reverse(count), code.pos));
        functions
    }

    /// Where the attributes that were selected are defined, most often selected first, then in the order of their
    /// positions. Those without a position are one.
    pub fn attributes(&self) -> Vec<(Pos, u64)> {
        let mut attributes: Vec<_> = self
            .attributes
            .iter()
            .map(|(&pos, &count)| (pos, count))
            .collect();
        attributes.sort_by_key(|&(pos, count)| (std::cmp::Reverse(count), pos));
        attributes
    }
}
