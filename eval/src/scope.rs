//! Static scopes: which local or capture a name means.
//!
//! Code is lowered level by level: every thunk and lambda is a level with a frame of its own. A name found at an
//! outer level is captured by each level in between, so that a running frame reads its locals and captures only.

use crate::code::Source;
use crate::value::Slot;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;

/// Where a name is bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    level: u32,
    local: u32,
}

/// What a name turned out to be.
pub(crate) enum Resolved {
    /// A local or capture of the current level. `ready`: its slot exists by the time the code runs that reads it.
    Variable { source: Source, ready: bool },
    /// A name of the base scope.
    Global,
    /// A name to look up in the [`Scopes::namespaces`].
    With,
    /// Nobody binds it.
    Undefined,
}

/// A thunk or lambda being lowered.
#[derive(Default)]
pub(crate) struct Level {
    /// What the captures are, and in `sources` where they come from.
    captures: Vec<Place>,
    pub(crate) sources: Vec<Source>,
    next_local: u32,
    /// How many locals it needs.
    pub(crate) frame_size: u32,
}

/// The scopes around the code being lowered.
pub(crate) struct Scopes<'e> {
    levels: Vec<Level>,
    /// Levels whose lists are to be used again.
    spare: Vec<Level>,
    bound: FxHashMap<Symbol, Place>,
    /// What names meant before they were bound, to be restored.
    shadowed: Vec<(Symbol, Option<Place>)>,
    withs: Vec<(Place, Pos)>,
    /// Locals of recursive scopes that are being bound: from this local on they don't exist yet.
    unready: Vec<(Place, u32)>,
    base: &'e FxHashMap<Symbol, Slot>,
}

impl<'e> Scopes<'e> {
    pub(crate) fn new(base: &'e FxHashMap<Symbol, Slot>) -> Scopes<'e> {
        Scopes {
            levels: vec![],
            spare: vec![],
            bound: FxHashMap::default(),
            shadowed: vec![],
            withs: vec![],
            unready: vec![],
            base,
        }
    }

    /// Enters a thunk or lambda.
    pub(crate) fn enter_level(&mut self) {
        let level = self.spare.pop().unwrap_or_default();
        self.levels.push(level);
    }

    /// Leaves a thunk or lambda.
    pub(crate) fn leave_level(&mut self) -> Level {
        self.levels.pop().expect("a level was entered")
    }

    /// Takes back a level that was left.
    pub(crate) fn reuse(&mut self, mut level: Level) {
        level.captures.clear();
        level.sources.clear();
        (level.next_local, level.frame_size) = (0, 0);
        self.spare.push(level);
    }

    fn current(&mut self) -> &mut Level {
        self.levels.last_mut().expect("code is lowered inside a level")
    }

    /// Makes room for `n` locals; returns the first.
    pub(crate) fn reserve_locals(&mut self, n: u32) -> u32 {
        let level = self.current();
        let first = level.next_local;
        level.next_local += n;
        level.frame_size = level.frame_size.max(level.next_local);
        first
    }

    /// Gives back the locals from `first` on.
    pub(crate) fn release_locals(&mut self, first: u32) {
        self.current().next_local = first;
    }

    fn place(&self, local: u32) -> Place {
        Place {
            level: self.levels.len() as u32 - 1,
            local,
        }
    }

    /// Binds a name to a local of the current level.
    pub(crate) fn bind(&mut self, name: Symbol, local: u32) {
        let place = self.place(local);
        let shadowed = self.bound.insert(name, place);
        self.shadowed.push((name, shadowed));
    }

    /// How many bindings there are, for [`Scopes::unbind_to`].
    pub(crate) fn bound(&self) -> usize {
        self.shadowed.len()
    }

    /// Undoes the latest bindings, so that as many as these are left.
    pub(crate) fn unbind_to(&mut self, bound: usize) {
        for (name, shadowed) in self.shadowed.drain(bound..).rev() {
            match shadowed {
                Some(place) => self.bound.insert(name, place),
                None => self.bound.remove(&name),
            };
        }
    }

    /// Enters a `with` whose namespace is in a local.
    pub(crate) fn enter_with(&mut self, local: u32, pos: Pos) {
        let place = self.place(local);
        self.withs.push((place, pos));
    }

    /// Leaves the innermost `with`.
    pub(crate) fn leave_with(&mut self) {
        self.withs.pop();
    }

    /// Starts binding the locals from `first` up to `end`: none of them exists yet.
    pub(crate) fn start_binding(&mut self, first: u32, end: u32) {
        let place = self.place(first);
        self.unready.push((place, end));
    }

    /// The locals before `local` exist now.
    pub(crate) fn bound_up_to(&mut self, local: u32) {
        if let Some((place, _)) = self.unready.last_mut() {
            place.local = local;
        }
    }

    /// All locals of the innermost recursive scope exist.
    pub(crate) fn finish_binding(&mut self) {
        self.unready.pop();
    }

    /// How the current level reads a place.
    fn source(&mut self, place: Place) -> Source {
        let current = self.levels.len() - 1;
        self.source_at(current, place)
    }

    fn source_at(&mut self, level: usize, place: Place) -> Source {
        if place.level as usize == level {
            return Source::local(place.local);
        }
        if let Some(i) = self.levels[level]
            .captures
            .iter()
            .position(|captured| *captured == place)
        {
            return Source::captured(i as u32);
        }
        let outer = self.source_at(level - 1, place);
        let level = &mut self.levels[level];
        level.captures.push(place);
        level.sources.push(outer);
        Source::captured(level.sources.len() as u32 - 1)
    }

    /// What a name means here. Lexical scopes, the base scope included, beat every `with`.
    pub(crate) fn resolve(&mut self, name: Symbol) -> Resolved {
        if let Some(&place) = self.bound.get(&name) {
            let is_unready = |&(first, end): &(Place, u32)| {
                first.level == place.level && (first.local..end).contains(&place.local)
            };
            let ready = place.level as usize + 1 < self.levels.len() || !self.unready.iter().any(is_unready);
            return Resolved::Variable {
                source: self.source(place),
                ready,
            };
        }
        if self.base.contains_key(&name) {
            return Resolved::Global;
        }
        if self.withs.is_empty() {
            return Resolved::Undefined;
        }
        Resolved::With
    }

    /// The namespaces of the enclosing `with`s, innermost first, and where these stand.
    pub(crate) fn namespaces(&mut self) -> Vec<(Source, Pos)> {
        let withs = self.withs.clone();
        let innermost_first = withs.into_iter().rev();
        innermost_first
            .map(|(place, pos)| (self.source(place), pos))
            .collect()
    }
}
