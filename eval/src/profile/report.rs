//! A profile for those who show it: names and places instead of positions.

use super::recorder::{Entry, Recorder, Subject};
use super::tree::Node;
use crate::evaluator::Evaluator;
use nivis_lang::position::{Origin, Pos};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What a row is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// What no function did.
    Top,
    /// A function that is written in Nix.
    Function,
    /// What a file does outside of functions.
    File,
    /// A builtin.
    Primop,
}

/// A place in a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file, or what stands for it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// What something is called, and where it is.
#[derive(Clone, Debug)]
pub struct Described {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: Arc<str>,
    /// Where it starts.
    pub place: Option<Place>,
}

/// What something took: by itself, and with all that it called or forced.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cost {
    /// Nanoseconds by itself.
    pub self_nanos: u64,
    /// Nanoseconds in all.
    pub total_nanos: u64,
    /// Bytes by itself.
    pub self_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// What a function took.
#[derive(Clone, Debug)]
pub struct Row {
    /// The function.
    pub function: Arc<Described>,
    /// How often it was called.
    pub calls: u64,
    /// Thunks it made.
    pub made: u64,
    /// How many of them were never forced.
    pub never_forced: u64,
    /// What it took.
    pub cost: Cost,
}

/// What an attribute took.
#[derive(Clone, Debug)]
pub struct AttributeRow {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub place: Option<Place>,
    /// How many were evaluated.
    pub evaluated: u64,
    /// What it took, by itself being without other attributes that were forced for it.
    pub cost: Cost,
}

/// A profile.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Functions, in no order; the first stands for what no function did.
    pub rows: Vec<Row>,
    /// Attributes, in no order. Those that are being evaluated count when they are finished.
    pub attributes: Vec<AttributeRow>,
    /// The tree of calls.
    pub tree: Vec<Node>,
    /// Nanoseconds in all.
    pub nanos: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Elements of `map` and its kin that were made.
    pub applications: u64,
    /// Of those, how many were forced.
    pub applications_forced: u64,
}

/// Descriptions that were made.
#[derive(Default)]
pub(super) struct Descriptions {
    functions: Vec<Arc<Described>>,
    files: FxHashMap<Vec<u8>, Arc<str>>,
}

impl Descriptions {
    /// The profile as far as it is recorded. `with_attributes`: all of it.
    pub(super) fn profile(&mut self, ev: &Evaluator, recorder: &Recorder, with_attributes: bool) -> Profile {
        let running = recorder.running();
        let mut rows = vec![];
        for (i, entry) in recorder.entries.iter().enumerate() {
            let function = self.function(ev, i, entry);
            let running = running.get(&(i as u32)).copied().unwrap_or_default();
            rows.push(Row {
                never_forced: entry.made.saturating_sub(entry.forced),
                function,
                calls: entry.calls,
                made: entry.made,
                cost: Cost {
                    self_nanos: entry.self_nanos,
                    total_nanos: entry.total_nanos + running.nanos,
                    self_bytes: entry.self_bytes,
                    total_bytes: entry.total_bytes + running.bytes,
                },
            });
        }
        let attributes = match with_attributes {
            true => self.attributes(ev, recorder),
            false => vec![],
        };
        Profile {
            rows,
            attributes,
            tree: recorder.tree.nodes.clone(),
            nanos: recorder.now.nanos,
            bytes: recorder.bytes(),
            applications: ev.heap.counters.applications.get(),
            applications_forced: recorder.applications_forced,
        }
    }

    fn attributes(&mut self, ev: &Evaluator, recorder: &Recorder) -> Vec<AttributeRow> {
        let taken = recorder.attributes.taken.iter();
        taken
            .map(|taken| AttributeRow {
                name: ev.name_in_message(taken.name),
                place: self.place(ev, taken.pos),
                evaluated: taken.evaluated,
                cost: Cost {
                    self_nanos: taken.own.nanos,
                    total_nanos: taken.total.nanos,
                    self_bytes: taken.own.bytes,
                    total_bytes: taken.total.bytes,
                },
            })
            .collect()
    }

    fn function(&mut self, ev: &Evaluator, index: usize, entry: &Entry) -> Arc<Described> {
        if let Some(known) = self.functions.get(index)
            // A file's text may turn out to be that of a function.
            && (known.kind != Kind::File || !matches!(entry.subject, Subject::Place(_, Some(_))))
        {
            return known.clone();
        }
        let described = Arc::new(match entry.subject {
            Subject::Top => Described {
                kind: Kind::Top,
                name: Arc::from("(outside of functions)"),
                place: None,
            },
            Subject::Primop(primop) => Described {
                kind: Kind::Primop,
                name: Arc::from(primop.name),
                place: None,
            },
            Subject::Place(pos, lambda) => {
                let name = match lambda {
                    Some(code) => code.name.get().map(|name| ev.name(name)),
                    None => Some("(file)".to_owned()),
                };
                Described {
                    kind: match lambda {
                        Some(_) => Kind::Function,
                        None => Kind::File,
                    },
                    name: Arc::from(name.as_deref().unwrap_or("(no name)")),
                    place: self.place(ev, pos),
                }
            }
        });
        match self.functions.get_mut(index) {
            Some(known) => *known = described.clone(),
            None => self.functions.push(described.clone()),
        }
        described
    }

    fn place(&mut self, ev: &Evaluator, pos: Pos) -> Option<Place> {
        let location = ev.locate(pos)?;
        let file = match location.origin {
            Origin::File(path) => self
                .files
                .entry(path.to_vec())
                .or_insert_with(|| Arc::from(String::from_utf8_lossy(&path)))
                .clone(),
            Origin::String(_) if ev.is_internal(pos) => Arc::from("«nix-internal»/derivation-internal.nix"),
            Origin::String(_) => Arc::from("«string»"),
            Origin::Stdin(_) => Arc::from("«stdin»"),
        };
        Some(Place {
            file,
            line: location.line,
            column: location.column,
        })
    }
}
