//! The document: tables that stay open to additions until the end of the text.

use super::{Parsed, Problem, Region};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Index of a node in [`Tree::nodes`].
pub(super) type NodeId = usize;

/// How a table came to be, which decides what may be added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableKind {
    /// By its own `[header]`, or the root.
    Explicit,
    /// By the header of a table in it.
    Implicit,
    /// By a dotted key.
    Dotted,
    /// `{ }`
    Inline,
}

#[derive(Debug)]
pub(super) enum Value<'t> {
    Table {
        kind: TableKind,
        entries: BTreeMap<Cow<'t, [u8]>, NodeId>,
    },
    Array {
        elements: Vec<NodeId>,
        /// Made by `[[header]]`s.
        of_tables: bool,
    },
    Bool(bool),
    Int(i64),
    Float(f64),
    String(Cow<'t, [u8]>),
    /// A date or time in canonical form.
    Timestamp(String),
}

#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) value: Value<'t>,
    /// Where it was defined.
    pub(super) region: Region,
}

/// What a key is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserting {
    /// `a.b = value`
    DottedKey,
    /// `[a.b]`
    Table,
    /// `[[a.b]]`
    ArrayTable,
}

/// A key: its parts and where it stands.
pub(super) struct Key<'t> {
    pub(super) parts: Vec<Cow<'t, [u8]>>,
    pub(super) region: Region,
}

/// A document being built.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    pub(super) nodes: Vec<Node<'t>>,
    pub(super) root: NodeId,
}

impl<'t> Tree<'t> {
    pub(super) fn new() -> Tree<'t> {
        let mut tree = Tree {
            nodes: vec![],
            root: 0,
        };
        tree.root = tree.add_table(TableKind::Explicit, Region::at(0));
        tree
    }

    pub(super) fn add(&mut self, value: Value<'t>, region: Region) -> NodeId {
        self.nodes.push(Node { value, region });
        self.nodes.len() - 1
    }

    pub(super) fn add_table(&mut self, kind: TableKind, region: Region) -> NodeId {
        self.add(
            Value::Table {
                kind,
                entries: BTreeMap::new(),
            },
            region,
        )
    }

    fn is_table(&self, node: NodeId) -> bool {
        matches!(self.nodes[node].value, Value::Table { .. })
    }

    fn lookup(&self, table: NodeId, name: &[u8]) -> Option<NodeId> {
        match &self.nodes[table].value {
            Value::Table { entries, .. } => entries.get(name).copied(),
            _ => None,
        }
    }

    fn insert(&mut self, table: NodeId, name: Cow<'t, [u8]>, node: NodeId) {
        if let Value::Table { entries, .. } = &mut self.nodes[table].value {
            entries.insert(name, node);
        }
    }

    /// Defines `a.b.c = node` in `table`.
    pub(super) fn define(&mut self, table: NodeId, key: Key<'t>, node: NodeId) -> Parsed<()> {
        let (table, name) = self.descend(table, key.parts, key.region, Inserting::DottedKey)?;
        if let Some(found) = self.lookup(table, &name) {
            let title = "toml::insert_value: failed to insert a value, value already exists";
            return Err(Problem::new(title, key.region, "inserting this")
                .and(self.nodes[found].region, "but value already exists"));
        }
        self.insert(table, name, node);
        Ok(())
    }

    /// Opens the table of a `[header]`.
    pub(super) fn open_table(&mut self, key: Key<'t>) -> Parsed<NodeId> {
        let (table, name) = self.descend(self.root, key.parts, key.region, Inserting::Table)?;
        let Some(found) = self.lookup(table, &name) else {
            let new = self.add_table(TableKind::Explicit, key.region);
            self.insert(table, name, new);
            return Ok(new);
        };
        match &mut self.nodes[found] {
            Node {
                value:
                    Value::Table {
                        kind: kind @ TableKind::Implicit,
                        ..
                    },
                region,
            } => {
                *kind = TableKind::Explicit;
                *region = key.region;
                Ok(found)
            }
            Node { region, .. } => {
                let title = "toml::insert_value: failed to insert a table, table already defined";
                Err(Problem::new(title, key.region, "inserting this")
                    .and(*region, "this table is explicitly defined"))
            }
        }
    }

    /// Opens the next table of a `[[header]]`.
    pub(super) fn open_array_table(&mut self, key: Key<'t>) -> Parsed<NodeId> {
        let (table, name) = self.descend(self.root, key.parts, key.region, Inserting::ArrayTable)?;
        let found = self.lookup(table, &name);
        if let Some(found) = found
            && !self.is_open_array(found)
        {
            let (title, label) = if self.holds_tables(found) {
                (
                    "toml::insert_value: failed to insert a table, inline array of tables is immutable",
                    "this is inline array-of-tables",
                )
            } else {
                (
                    "toml::insert_value: failed to insert an array of tables, value already exists",
                    "non-table value already exists",
                )
            };
            return Err(
                Problem::new(title, key.region, "while inserting this").and(self.nodes[found].region, label)
            );
        }
        let new = self.add_table(TableKind::Explicit, key.region);
        match found {
            None => {
                let array = Value::Array {
                    elements: vec![new],
                    of_tables: true,
                };
                let array = self.add(array, key.region);
                self.insert(table, name, array);
            }
            Some(found) => {
                if let Value::Array { elements, .. } = &mut self.nodes[found].value {
                    elements.push(new);
                }
            }
        }
        Ok(new)
    }

    fn is_open_array(&self, node: NodeId) -> bool {
        matches!(self.nodes[node].value, Value::Array { of_tables: true, .. })
    }

    /// Whether it is an array of tables, written either way.
    fn holds_tables(&self, node: NodeId) -> bool {
        match &self.nodes[node].value {
            Value::Array { elements, .. } => {
                !elements.is_empty() && elements.iter().all(|&element| self.is_table(element))
            }
            _ => false,
        }
    }

    /// Goes down to the table that the last part of a key belongs to, making tables that aren't there yet.
    fn descend(
        &mut self,
        mut table: NodeId,
        mut parts: Vec<Cow<'t, [u8]>>,
        region: Region,
        inserting: Inserting,
    ) -> Parsed<(NodeId, Cow<'t, [u8]>)> {
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            let Some(found) = self.lookup(table, &part) else {
                let kind = match inserting {
                    Inserting::DottedKey => TableKind::Dotted,
                    _ => TableKind::Implicit,
                };
                let new = self.add_table(kind, region);
                self.insert(table, part, new);
                table = new;
                continue;
            };
            table = self.enter(found, region, inserting)?;
        }
        Ok((table, last))
    }

    /// The table that a key goes on in from an existing node.
    fn enter(&self, found: NodeId, region: Region, inserting: Inserting) -> Parsed<NodeId> {
        let Node {
            value,
            region: defined,
        } = &self.nodes[found];
        let (title, label, other) = match value {
            Value::Table {
                kind: TableKind::Inline,
                ..
            } => (
                "toml::insert_value: failed to insert a value: inline table is immutable",
                "inserting this",
                "to this table",
            ),
            Value::Table { kind, .. } if inserting == Inserting::DottedKey && *kind != TableKind::Dotted => (
                "toml::insert_value: reopening a table using dotted keys",
                "dotted key cannot reopen a table",
                "this table is already closed",
            ),
            Value::Table { .. } => return Ok(found),
            Value::Array { of_tables: true, .. } if inserting == Inserting::DottedKey => (
                "toml::insert_value:dotted key cannot reopen an array-of-tables",
                "inserting this",
                "to this array-of-tables.",
            ),
            Value::Array {
                elements,
                of_tables: true,
            } => {
                return Ok(elements.last().copied().unwrap_or(found));
            }
            _ if self.holds_tables(found) => (
                "toml::insert_value:inline array of tables are immutable",
                "inserting this",
                "inline array of tables",
            ),
            _ => (
                "toml::insert_value: failed to insert a value, value already exists",
                "while inserting this",
                "non-table value already exists",
            ),
        };
        Err(Problem::new(title, region, label).and(*defined, other))
    }
}
