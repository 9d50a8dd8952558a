//! Values as text. Nothing here forces anything.
//!
//! Two printers that users see differ for historical reasons: the one of messages and `builtins.trace`
//! ([`Evaluator::show_for_error`], [`Evaluator::show_for_trace`]), and the one of `nix-instantiate --eval`
//! ([`Evaluator::print_ambiguous`]).

use crate::attrs::Attrs;
use crate::cell::State;
use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::files;
use crate::function::{Function, FunctionKind};
use crate::value::{Slot, Unpacked, Value};
use nivis_lang::show::{write_float, write_identifier, write_string};
use rustc_hash::FxHashSet;
use std::io::{self, Write};

/// How much of a value is printed.
#[derive(Clone, Copy)]
struct Limits {
    depth: usize,
    attributes: usize,
    items: usize,
    string_bytes: usize,
}

impl Limits {
    /// What error messages show.
    const ERROR: Limits = Limits {
        depth: 10,
        attributes: 10,
        items: 10,
        string_bytes: 1024,
    };
    /// Everything.
    const NONE: Limits = Limits {
        depth: usize::MAX,
        attributes: usize::MAX,
        items: usize::MAX,
        string_bytes: usize::MAX,
    };
}

/// Why [`Evaluator::print_ambiguous`] stopped.
#[derive(Debug)]
pub enum PrintError {
    /// The value nests too deeply, or the user interrupted.
    Value(Error),
    /// The sink failed.
    Sink(io::Error),
}

impl From<io::Error> for PrintError {
    fn from(error: io::Error) -> PrintError {
        PrintError::Sink(error)
    }
}

impl From<Error> for PrintError {
    fn from(error: Error) -> PrintError {
        PrintError::Value(error)
    }
}

impl Evaluator {
    /// A value as error messages show it: elided after ten items, unevaluated parts as `«thunk»`.
    pub fn show_for_error(&self, value: Value) -> String {
        self.show(value, Limits::ERROR)
    }

    /// A value as `builtins.trace` shows it: a string as it is, others completely, without forcing anything.
    pub fn show_for_trace(&self, value: Value) -> String {
        match value.as_string() {
            Some(string) => String::from_utf8_lossy(string.bytes()).into_owned(),
            None => self.show(value, Limits::NONE),
        }
    }

    fn show(&self, value: Value, limits: Limits) -> String {
        let mut printer = Printer {
            ev: self,
            limits,
            seen: FxHashSet::default(),
            attributes: 0,
            items: 0,
            out: vec![],
        };
        printer.value(value, value.slot(), 0);
        String::from_utf8(printer.out)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// A value as `nix-instantiate --eval` prints it: unevaluated parts as `<CODE>`, what was printed before as
    /// `«repeated»`.
    pub fn print_ambiguous(&self, value: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        let mut printer = Ambiguous {
            ev: self,
            seen: Some(FxHashSet::default()),
            out,
            text: vec![],
        };
        printer.value(value, None, 0)
    }

    /// A value as [`Evaluator::print_ambiguous`], but with what was printed before again: so that it can be read back.
    pub fn print_in_full(&self, value: Value, out: &mut dyn Write) -> Result<(), PrintError> {
        let mut printer = Ambiguous {
            ev: self,
            seen: None,
            out,
            text: vec![],
        };
        printer.value(value, None, 0)
    }
}

/// The printer of messages.
struct Printer<'e> {
    ev: &'e Evaluator,
    limits: Limits,
    seen: FxHashSet<u64>,
    attributes: usize,
    items: usize,
    out: Vec<u8>,
}

impl Printer<'_> {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn slot(&mut self, slot: Slot, depth: usize) {
        let Some(cell) = slot.as_cell() else {
            return self.value(slot.direct().unwrap_or(Value::NULL), slot, depth);
        };
        match cell.state() {
            State::Finished(value) => self.value(value, slot, depth),
            State::Blackhole => self.text("«potential infinite recursion»"),
            State::Thunk(..)
            | State::Closure(_)
            | State::Apply1(_)
            | State::Apply2(_)
            | State::ApplyNamed(..)
            | State::Failed(_) => {
                self.text("«thunk»");
            }
        }
    }

    fn value(&mut self, value: Value, slot: Slot, depth: usize) {
        match value.unpack() {
            Unpacked::Null => self.text("null"),
            Unpacked::Bool(b) => self.text(if b { "true" } else { "false" }),
            Unpacked::Int(i) => self.text(&i.to_string()),
            Unpacked::Float(f) => write_float(&mut self.out, f),
            Unpacked::String(string) => self.string(string.bytes()),
            Unpacked::Path(path) => self.out.extend_from_slice(&files::shown(path)),
            Unpacked::Attrs(set) => self.attrs(set, value, depth),
            Unpacked::List(list) => self.list(list, slot, depth),
            Unpacked::Function(function) => self.function(function),
        }
    }

    fn string(&mut self, string: &[u8]) {
        let limit = self.limits.string_bytes;
        if string.len() <= limit {
            return write_string(&mut self.out, string);
        }
        write_string(&mut self.out, &string[..limit]);
        self.text(" ");
        self.elided(string.len() - limit, "byte", "bytes");
    }

    fn elided(&mut self, count: usize, one: &str, several: &str) {
        let unit = if count == 1 { one } else { several };
        self.text(&format!("«{count} {unit} elided»"));
    }

    fn attrs(&mut self, set: &'static Attrs, value: Value, depth: usize) {
        // All empty sets are one, as the reference has it.
        let identity = match set.is_empty() {
            true => Slot::NULL.identity(),
            false => value.slot().identity(),
        };
        if !self.seen.insert(identity) {
            return self.text("«repeated»");
        }
        if depth >= self.limits.depth {
            return self.text("{ ... }");
        }
        let mut entries: Vec<_> = self.ev.sorted_entries(set).collect();
        if self.limits.attributes != usize::MAX {
            entries.sort_by_key(|entry| !matches!(self.ev.symbol_bytes(entry.name), b"type" | b"_type"));
        }
        self.text("{ ");
        for (i, entry) in entries.iter().enumerate() {
            if self.attributes >= self.limits.attributes {
                self.elided(entries.len() - i, "attribute", "attributes");
                self.text(" ");
                break;
            }
            write_identifier(&mut self.out, self.ev.symbol_bytes(entry.name));
            self.text(" = ");
            self.slot(entry.slot, depth + 1);
            self.text("; ");
            self.attributes += 1;
        }
        self.text("}");
    }

    fn list(&mut self, list: &'static [Slot], slot: Slot, depth: usize) {
        if !list.is_empty() && !self.seen.insert(slot.identity()) {
            return self.text("«repeated»");
        }
        if depth >= self.limits.depth {
            return self.text("[ ... ]");
        }
        self.text("[ ");
        for (i, &element) in list.iter().enumerate() {
            if self.items >= self.limits.items {
                self.elided(list.len() - i, "item", "items");
                self.text(" ");
                break;
            }
            self.slot(element, depth + 1);
            self.text(" ");
            self.items += 1;
        }
        self.text("]");
    }

    fn function(&mut self, function: &'static Function) {
        let text = match function.kind() {
            FunctionKind::Lambda(code, _) => {
                let name = match code.name.get() {
                    Some(name) => format!(" {}", self.ev.name(name)),
                    None => String::new(),
                };
                format!("«lambda{name} @ {}»", self.ev.show_position(code.pos))
            }
            FunctionKind::Primop(primop) => format!("«primop {}»", primop.name),
            FunctionKind::Partial(primop, _) => format!("«partially applied primop {}»", primop.name),
        };
        self.text(&text);
    }
}

/// The printer of `--eval`.
struct Ambiguous<'e, 'o> {
    ev: &'e Evaluator,
    /// What was printed, unless that is not to be noticed.
    seen: Option<FxHashSet<u64>>,
    out: &'o mut dyn Write,
    /// Reused for strings and names.
    text: Vec<u8>,
}

impl Ambiguous<'_, '_> {
    fn is_repeated(&mut self, slot: Slot) -> bool {
        self.seen
            .as_mut()
            .is_some_and(|seen| !seen.insert(slot.identity()))
    }

    fn slot(&mut self, slot: Slot, depth: u32) -> Result<(), PrintError> {
        let Some(cell) = slot.as_cell() else {
            return self.value(slot.direct().unwrap_or(Value::NULL), Some(slot), depth);
        };
        match cell.state() {
            State::Finished(value) => return self.value(value, Some(slot), depth),
            State::Blackhole => self.out.write_all("«potential infinite recursion»".as_bytes())?,
            State::Thunk(..)
            | State::Closure(_)
            | State::Apply1(_)
            | State::Apply2(_)
            | State::ApplyNamed(..)
            | State::Failed(_) => {
                self.out.write_all(b"<CODE>")?;
            }
        }
        Ok(())
    }

    /// `slot` is where the value was found, which is a list's identity; `None` at the top.
    fn value(&mut self, value: Value, slot: Option<Slot>, depth: u32) -> Result<(), PrintError> {
        if depth > self.ev.settings.max_call_depth {
            return Err(crate::stack::too_deep().into());
        }
        match value.unpack() {
            Unpacked::Null => self.out.write_all(b"null")?,
            Unpacked::Bool(b) => self.out.write_all(if b { b"true" } else { b"false" })?,
            Unpacked::Int(i) => write!(self.out, "{i}")?,
            Unpacked::Float(f) => self.written(|text| write_float(text, f))?,
            Unpacked::String(string) => self.written(|text| write_string(text, string.bytes()))?,
            Unpacked::Path(path) => self.out.write_all(&files::shown(path))?,
            Unpacked::Attrs(set) => return self.attrs(set, value, depth),
            Unpacked::List(list) => return self.list(list, slot, depth),
            Unpacked::Function(function) => self.out.write_all(match function.kind() {
                FunctionKind::Lambda(..) => b"<LAMBDA>",
                FunctionKind::Primop(_) => b"<PRIMOP>",
                FunctionKind::Partial(..) => b"<PRIMOP-APP>",
            })?,
        }
        Ok(())
    }

    fn written(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.text.clear();
        write(&mut self.text);
        self.out.write_all(&self.text)
    }

    fn attrs(&mut self, set: &'static Attrs, value: Value, depth: u32) -> Result<(), PrintError> {
        if !set.is_empty() && self.is_repeated(value.slot()) {
            return Ok(self.out.write_all("«repeated»".as_bytes())?);
        }
        self.ev.step()?;
        self.out.write_all(b"{ ")?;
        for entry in self.ev.sorted_entries(set) {
            let name = self.ev.symbol_bytes(entry.name);
            self.written(|text| write_identifier(text, name))?;
            self.out.write_all(b" = ")?;
            self.slot(entry.slot, depth + 1)?;
            self.out.write_all(b"; ")?;
        }
        Ok(self.out.write_all(b"}")?)
    }

    fn list(&mut self, list: &'static [Slot], slot: Option<Slot>, depth: u32) -> Result<(), PrintError> {
        if !list.is_empty() && slot.is_some_and(|slot| self.is_repeated(slot)) {
            return Ok(self.out.write_all("«repeated»".as_bytes())?);
        }
        self.ev.step()?;
        self.out.write_all(b"[ ")?;
        for &element in list {
            self.slot(element, depth + 1)?;
            self.out.write_all(b" ")?;
        }
        Ok(self.out.write_all(b"]")?)
    }
}
