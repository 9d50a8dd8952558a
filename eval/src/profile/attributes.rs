//! What attributes took: from their first selection until their value is there.

use super::index::Index;
use super::recorder::Reading;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;

/// What an attribute took, everywhere it is defined by the same text.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    pub(super) name: Symbol,
    pub(super) pos: Pos,
    pub(super) evaluated: u64,
    pub(super) own: Reading,
    pub(super) total: Reading,
    active: u32,
}

struct Activation {
    index: u32,
    since: Reading,
    /// What attributes took that were forced for this one.
    others: Reading,
}

/// All attributes that were evaluated by selecting them.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) taken: Vec<Taken>,
    index: Index,
    stack: Vec<Activation>,
}

impl Attributes {
    pub(super) fn enter(&mut self, name: Symbol, pos: Pos, now: Reading) {
        let taken = &mut self.taken;
        let key = (name.index() as u64) << 32 | u64::from(pos.0);
        let index = self.index.get(key, || {
            taken.push(Taken {
                name,
                pos,
                evaluated: 0,
                own: Reading::default(),
                total: Reading::default(),
                active: 0,
            });
            taken.len() as u32 - 1
        });
        let attribute = &mut taken[index as usize];
        attribute.evaluated += 1;
        attribute.active += 1;
        self.stack.push(Activation {
            index,
            since: now,
            others: Reading::default(),
        });
    }

    pub(super) fn leave(&mut self, now: Reading) {
        let Some(left) = self.stack.pop() else { return };
        let nanos = now.nanos - left.since.nanos;
        let bytes = now.bytes - left.since.bytes;
        let attribute = &mut self.taken[left.index as usize];
        attribute.own.nanos += nanos - left.others.nanos;
        attribute.own.bytes += bytes - left.others.bytes;
        attribute.active -= 1;
        if attribute.active == 0 {
            attribute.total.nanos += nanos;
            attribute.total.bytes += bytes;
        }
        if let Some(outer) = self.stack.last_mut() {
            outer.others.nanos += nanos;
            outer.others.bytes += bytes;
        }
    }
}
