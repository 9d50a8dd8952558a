//! Values as the REPL prints them: forced, indented, in colours on a terminal.

use crate::failure::Result;
use nivis_eval::attrs::{Attrs, Entry};
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Kind, Result as Evaluated};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;
use nivis_lang::show::{write_identifier, write_string};
use std::collections::HashSet;

const INDENT: usize = 2;

const NUMBER: &str = "\x1b[36;1m";
const STRING: &str = "\x1b[35;1m";
const PATH: &str = "\x1b[32;1m";
const FUNCTION: &str = "\x1b[34;1m";
const ERROR: &str = "\x1b[31;1m";
const NORMAL: &str = "\x1b[0m";

/// A value's text; parts nested deeper than `depth` are left out. An error of a part is shown in its place, one of
/// the value itself is returned.
pub(super) fn show(ev: &Evaluator, value: Value, depth: usize, colour: bool) -> Result<Vec<u8>> {
    let mut printer = Printer {
        ev,
        colour,
        max_depth: depth,
        seen: HashSet::new(),
        indent: 0,
        out: vec![],
    };
    printer.value(value, value.slot(), 0)?;
    Ok(printer.out)
}

struct Printer<'e> {
    ev: &'e Evaluator,
    colour: bool,
    max_depth: usize,
    /// The sets and lists that were printed.
    seen: HashSet<u64>,
    indent: usize,
    out: Vec<u8>,
}

impl Printer<'_> {
    fn coloured(&mut self, colour: &str, text: impl AsRef<[u8]>) {
        if self.colour {
            self.out.extend_from_slice(colour.as_bytes());
        }
        self.out.extend_from_slice(text.as_ref());
        if self.colour {
            self.out.extend_from_slice(NORMAL.as_bytes());
        }
    }

    /// A part of a value.
    fn slot(&mut self, slot: Slot, depth: usize) -> Evaluated<()> {
        let start = self.out.len();
        let printed = self
            .ev
            .force(slot, Pos::NONE)
            .and_then(|value| self.value(value, slot, depth));
        match printed {
            Err(error) if !matches!(error.kind(), Kind::StackOverflow | Kind::Interrupted) => {
                self.out.truncate(start);
                self.coloured(ERROR, format!("«error: {}»", error.details().message));
                Ok(())
            }
            printed => printed,
        }
    }

    fn value(&mut self, value: Value, slot: Slot, depth: usize) -> Evaluated<()> {
        let _depth = self.ev.enter_call(Pos::NONE)?;
        match value.unpack() {
            Unpacked::String(string) => {
                let mut text = vec![];
                write_string(&mut text, string.bytes());
                self.coloured(STRING, text);
            }
            Unpacked::Path(_) => self.coloured(PATH, self.ev.show_for_error(value)),
            Unpacked::Function(_) => self.coloured(FUNCTION, self.ev.show_for_error(value)),
            Unpacked::Attrs(set) => return self.attrs(set, value, depth),
            Unpacked::List(list) => return self.list(list, slot, depth),
            Unpacked::Null | Unpacked::Bool(_) | Unpacked::Int(_) | Unpacked::Float(_) => {
                self.coloured(NUMBER, self.ev.show_for_error(value));
            }
        }
        Ok(())
    }

    fn attrs(&mut self, set: &'static Attrs, value: Value, depth: usize) -> Evaluated<()> {
        // All empty sets are one, as the reference has it.
        let identity = match set.is_empty() {
            true => Slot::NULL.identity(),
            false => value.slot().identity(),
        };
        if !self.seen.insert(identity) {
            self.coloured(STRING, "«repeated»");
            return Ok(());
        }
        if self.ev.is_derivation(set)? {
            return self.derivation(set);
        }
        if depth >= self.max_depth {
            self.out.extend_from_slice(b"{ ... }");
            return Ok(());
        }
        let entries: Vec<Entry> = self.ev.sorted_entries(set).collect();
        let lines = self.wants_lines(entries.iter().map(|entry| entry.slot))?;
        self.out.push(b'{');
        self.indent += INDENT;
        for entry in entries {
            self.space(lines);
            write_identifier(&mut self.out, self.ev.symbol_bytes(entry.name));
            self.out.extend_from_slice(b" = ");
            self.slot(entry.slot, depth + 1)?;
            self.out.push(b';');
        }
        self.indent -= INDENT;
        self.space(lines);
        self.out.push(b'}');
        Ok(())
    }

    fn list(&mut self, list: &'static [Slot], slot: Slot, depth: usize) -> Evaluated<()> {
        if !list.is_empty() && !self.seen.insert(slot.identity()) {
            self.coloured(STRING, "«repeated»");
            return Ok(());
        }
        if depth >= self.max_depth {
            self.out.extend_from_slice(b"[ ... ]");
            return Ok(());
        }
        let lines = self.wants_lines(list.iter().copied())?;
        self.out.push(b'[');
        self.indent += INDENT;
        for &element in list {
            self.space(lines);
            self.slot(element, depth + 1)?;
        }
        self.indent -= INDENT;
        self.space(lines);
        self.out.push(b']');
        Ok(())
    }

    fn derivation(&mut self, set: &'static Attrs) -> Evaluated<()> {
        let mut text = b"\xc2\xabderivation".to_vec();
        if let Some(drv_path) = set.get(self.ev.names.drv_path) {
            let context = "while evaluating the drvPath of a derivation";
            let mut strings = ContextBuilder::default();
            let path =
                self.ev
                    .coerce_to_string(drv_path, Pos::NONE, &mut strings, context, Coercion::PLAIN)?;
            text.push(b' ');
            text.extend_from_slice(&path);
        }
        text.extend_from_slice("»".as_bytes());
        self.coloured(PATH, text);
        Ok(())
    }

    /// Whether parts get a line each: several do, and one that has parts itself.
    fn wants_lines(&self, mut parts: impl ExactSizeIterator<Item = Slot>) -> Evaluated<bool> {
        match (parts.len(), parts.next()) {
            (1, Some(only)) => {
                let value = self.ev.force(only, Pos::NONE)?;
                Ok(value.as_attrs().is_some() || value.as_list().is_some())
            }
            (count, _) => Ok(count > 1),
        }
    }

    fn space(&mut self, lines: bool) {
        match lines {
            true => {
                self.out.push(b'\n');
                self.out.resize(self.out.len() + self.indent, b' ');
            }
            false => self.out.push(b' '),
        }
    }
}
