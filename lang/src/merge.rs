//! Merges the bindings of a set: attribute paths, sets given in several pieces, and names bound twice.
//!
//! The reference inserts binding after binding. Here all bindings of a set are sorted by name once, which finds
//! the names that occur twice; only those need work. The result, and the error reported first, are the same.

use crate::ast::*;
use crate::error::SyntaxError;
use crate::position::Pos;
use crate::show;
use crate::symbol::{Symbol, Symbols};
use bumpalo::Bump;

/// A binding that is not merged yet.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The first name of its path.
    pub(crate) name: Symbol,
    /// Where the path stands.
    pub(crate) pos: Pos,
    /// The offset of the token at which the reference inserts the binding.
    pub(crate) found_at: u32,
    /// The other names of its path.
    pub(crate) rest: &'a [AttrName<'a>],
    /// Its value.
    pub(crate) value: AttrValue<'a>,
}

/// A name that is bound twice.
struct Duplicate {
    found_at: u32,
    path: Vec<Symbol>,
    pos: Pos,
    previous: Pos,
}

/// Merges the bindings of one set.
pub(crate) struct Merger<'a> {
    arena: &'a Bump,
    /// Names of the sets around the one being merged.
    prefix: Vec<Symbol>,
    duplicate: Option<Duplicate>,
}

/// A set made of several bindings.
struct Pieces<'a> {
    recursive: bool,
    pos: Pos,
    entries: Vec<Entry<'a>>,
    dynamic: Vec<DynamicAttr<'a>>,
    inherit_from: Vec<ExprRef<'a>>,
}

impl<'a> Merger<'a> {
    pub(crate) fn new(arena: &'a Bump) -> Self {
        Merger {
            arena,
            prefix: Vec::new(),
            duplicate: None,
        }
    }

    /// The error about the name that was bound twice first, with the offset at which it is found.
    pub(crate) fn finish(self, symbols: &Symbols) -> Option<(u32, SyntaxError)> {
        let duplicate = self.duplicate?;
        let path: Vec<_> = duplicate
            .path
            .iter()
            .map(|&name| show::identifier_text(symbols.resolve(name)))
            .collect();
        let message = format!("attribute '{}' already defined", path.join("."));
        let error = SyntaxError {
            previous: Some(duplicate.previous),
            ..SyntaxError::new(message, duplicate.pos)
        };
        Some((duplicate.found_at, error))
    }

    /// The attributes that the bindings make, sorted by name.
    pub(crate) fn attrs(&mut self, entries: &mut [Entry<'a>]) -> &'a [Attr<'a>] {
        if !entries.is_sorted_by(|a, b| a.name < b.name) {
            // Stable: bindings of one name stay in the order of the source.
            entries.sort_by_key(|entry| entry.name);
        }
        let mut attrs = bumpalo::collections::Vec::with_capacity_in(entries.len(), self.arena);
        for group in entries.chunk_by(|a, b| a.name == b.name) {
            let first = group[0];
            let value = match group {
                [Entry { rest: [], .. }] => first.value,
                _ => self.group(group),
            };
            attrs.push(Attr {
                name: first.name,
                pos: first.pos,
                value,
            });
        }
        attrs.into_bump_slice()
    }

    /// The value of a name that is bound by a path, or several times.
    fn group(&mut self, group: &[Entry<'a>]) -> AttrValue<'a> {
        let first = group[0];
        if let ([_], AttrValue::Plain(value)) = (group, first.value) {
            return AttrValue::Plain(nest(self.arena, first.rest, first.pos, value));
        }
        let mut pieces = Pieces {
            recursive: false,
            pos: Pos::NONE,
            entries: Vec::with_capacity(group.len()),
            dynamic: Vec::new(),
            inherit_from: Vec::new(),
        };
        if first.rest.is_empty() {
            let AttrValue::Plain(Expr {
                pos,
                kind: ExprKind::Attrs { recursive, .. },
            }) = first.value
            else {
                self.duplicate(&group[1], first.pos);
                return first.value;
            };
            // `rec` counts on the first piece only, and holds for all.
            pieces.pos = *pos;
            pieces.recursive = *recursive;
        }
        for entry in group {
            if !pieces.add(self.arena, entry) {
                self.duplicate(entry, first.pos);
            }
        }
        self.prefix.push(first.name);
        let attrs = self.attrs(&mut pieces.entries);
        self.prefix.pop();
        let bindings = self.arena.alloc(Bindings {
            attrs,
            inherit_from: self.arena.alloc_slice_copy(&pieces.inherit_from),
            dynamic: self.arena.alloc_slice_copy(&pieces.dynamic),
        });
        let kind = ExprKind::Attrs {
            recursive: pieces.recursive,
            bindings,
        };
        AttrValue::Plain(self.arena.alloc(Expr {
            pos: pieces.pos,
            kind,
        }))
    }

    #[cold]
    fn duplicate(&mut self, entry: &Entry<'a>, previous: Pos) {
        if self
            .duplicate
            .as_ref()
            .is_some_and(|earlier| earlier.found_at <= entry.found_at)
        {
            return;
        }
        let mut path = self.prefix.clone();
        path.push(entry.name);
        self.duplicate = Some(Duplicate {
            found_at: entry.found_at,
            path,
            pos: entry.pos,
            previous,
        });
    }
}

impl<'a> Pieces<'a> {
    /// Adds what a binding contributes. False if its value is no set that could be merged.
    fn add(&mut self, arena: &'a Bump, entry: &Entry<'a>) -> bool {
        match (entry.rest, entry.value) {
            (
                [],
                AttrValue::Plain(Expr {
                    kind: ExprKind::Attrs { bindings, .. },
                    ..
                }),
            ) => {
                let offset = self.inherit_from.len() as u32;
                self.inherit_from.extend(bindings.inherit_from);
                self.dynamic.extend(bindings.dynamic);
                self.entries.extend(bindings.attrs.iter().map(|attr| Entry {
                    name: attr.name,
                    pos: attr.pos,
                    found_at: entry.found_at,
                    rest: &[],
                    value: match attr.value {
                        AttrValue::InheritFrom(index) => AttrValue::InheritFrom(index + offset),
                        value => value,
                    },
                }));
            }
            ([next, rest @ ..], AttrValue::Plain(value)) => match next.kind {
                AttrNameKind::Static(name) => self.entries.push(Entry { name, rest, ..*entry }),
                AttrNameKind::Dynamic(name) => {
                    let value = nest(arena, rest, entry.pos, value);
                    self.dynamic.push(DynamicAttr {
                        name,
                        value,
                        pos: entry.pos,
                    });
                }
            },
            _ => return false,
        }
        true
    }
}

/// The value of the first name of a path when nothing is to be merged: sets of one attribute, one in the other.
pub(crate) fn nest<'a>(arena: &'a Bump, names: &[AttrName<'a>], pos: Pos, value: ExprRef<'a>) -> ExprRef<'a> {
    names.iter().rev().fold(value, |value, name| {
        let bindings = match name.kind {
            AttrNameKind::Static(name) => Bindings {
                attrs: arena.alloc([Attr {
                    name,
                    pos,
                    value: AttrValue::Plain(value),
                }]),
                inherit_from: &[],
                dynamic: &[],
            },
            AttrNameKind::Dynamic(name) => Bindings {
                attrs: &[],
                inherit_from: &[],
                dynamic: arena.alloc([DynamicAttr { name, value, pos }]),
            },
        };
        let bindings = arena.alloc(bindings);
        arena.alloc(Expr {
            pos: Pos::NONE,
            kind: ExprKind::Attrs {
                recursive: false,
                bindings,
            },
        })
    })
}
