//! Values out of documents: what the readers of JSON and TOML report, and making values of it.

use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::{Slot, Value};
use nivis_lang::symbol::Symbol;

/// What a document consists of, in the order of the text.
pub(crate) trait Events {
    /// What makes the receiver give up.
    type Error;
    fn null(&mut self) -> Result<(), Self::Error>;
    fn bool(&mut self, value: bool) -> Result<(), Self::Error>;
    /// An integer that fits 64 bits with sign.
    fn int(&mut self, value: i64) -> Result<(), Self::Error>;
    /// A larger one that fits 64 bits without.
    fn big_int(&mut self, value: u64) -> Result<(), Self::Error>;
    fn float(&mut self, value: f64) -> Result<(), Self::Error>;
    fn string(&mut self, value: &[u8]) -> Result<(), Self::Error>;
    fn begin_list(&mut self) -> Result<(), Self::Error>;
    fn end_list(&mut self) -> Result<(), Self::Error>;
    fn begin_object(&mut self) -> Result<(), Self::Error>;
    /// The name of the value that follows.
    fn key(&mut self, key: &[u8]) -> Result<(), Self::Error>;
    fn end_object(&mut self) -> Result<(), Self::Error>;
}

/// Makes a value of the events; nothing in it is lazy.
pub(crate) struct ValueBuilder<'e> {
    ev: &'e Evaluator,
    /// Where the elements of each open list or object start.
    open: Vec<usize>,
    /// The elements of all of them. Those of lists have no name.
    elements: Vec<Slot>,
    /// The names of the elements of the open objects, outermost first.
    names: Vec<Symbol>,
    /// Where the names of each open object start.
    open_objects: Vec<usize>,
}

impl<'e> ValueBuilder<'e> {
    /// A builder that has seen nothing.
    pub(crate) fn new(ev: &'e Evaluator) -> ValueBuilder<'e> {
        ValueBuilder {
            ev,
            open: vec![],
            elements: vec![],
            names: vec![],
            open_objects: vec![],
        }
    }

    /// The value of the document.
    pub(crate) fn finish(self) -> Value {
        self.elements
            .first()
            .and_then(|slot| slot.direct())
            .unwrap_or(Value::NULL)
    }

    fn push(&mut self, value: Value) -> Result<()> {
        self.elements.push(value.slot());
        Ok(())
    }
}

/// Strings of the language end at the first NUL, so they can't hold one.
fn check_nul(text: &[u8]) -> Result<()> {
    if !text.contains(&0) {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(text).replace('\0', "␀");
    let message =
        format!("input string '{shown}' cannot be represented as Nix string because it contains null bytes");
    Err(Error::new(Kind::Eval, message))
}

impl Events for ValueBuilder<'_> {
    type Error = Error;

    fn null(&mut self) -> Result<()> {
        self.push(Value::NULL)
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.push(Value::bool(value))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.push(self.ev.int(value))
    }

    fn big_int(&mut self, value: u64) -> Result<()> {
        let message = format!("unsigned json number {value} outside of Nix integer range");
        Err(Error::new(Kind::Eval, message))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.push(self.ev.heap.float(value))
    }

    fn string(&mut self, value: &[u8]) -> Result<()> {
        check_nul(value)?;
        self.push(self.ev.string(value))
    }

    fn begin_list(&mut self) -> Result<()> {
        self.open.push(self.elements.len());
        Ok(())
    }

    fn end_list(&mut self) -> Result<()> {
        let start = self.open.pop().unwrap_or_default();
        let list = self.ev.heap.list(&self.elements[start..]);
        self.elements.truncate(start);
        self.push(list)
    }

    fn begin_object(&mut self) -> Result<()> {
        self.open.push(self.elements.len());
        self.open_objects.push(self.names.len());
        Ok(())
    }

    fn key(&mut self, key: &[u8]) -> Result<()> {
        check_nul(key)?;
        self.names.push(self.ev.intern(key));
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        let start = self.open.pop().unwrap_or_default();
        let names_start = self.open_objects.pop().unwrap_or_default();
        let names = self.names.drain(names_start..);
        let attrs: Vec<_> = names.zip(self.elements.drain(start..)).collect();
        let set = self.ev.attrs(&attrs);
        self.push(set)
    }
}
