//! Values as XML: `builtins.toXML` and `nix-instantiate --xml`.

use crate::attrs::Attrs;
use crate::code::{LambdaCode, Parameter};
use crate::context::ContextBuilder;
use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::function::{Function, FunctionKind};
use crate::value::{Slot, Unpacked, Value};
use nivis_lang::position::{Origin, Pos};
use nivis_lang::show::write_float;
use rustc_hash::FxHashSet;

/// What XML shows of a value.
#[derive(Clone, Copy, Debug)]
pub struct XmlOptions {
    /// Everything is evaluated; otherwise `<unevaluated />` stands for what was not.
    pub strict: bool,
    /// Attributes and functions get their positions.
    pub location: bool,
}

impl Evaluator {
    /// Appends a value as an XML document to `out`, and the contexts of its strings to `context`. After an error
    /// `out` holds what came before it, all elements closed.
    pub fn to_xml(
        &self,
        slot: Slot,
        options: XmlOptions,
        pos: Pos,
        context: &mut ContextBuilder,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.extend_from_slice(b"<?xml version='1.0' encoding='utf-8'?>\n");
        let mut writer = Writer {
            ev: self,
            options,
            context,
            out,
            depth: 0,
            derivations: FxHashSet::default(),
        };
        writer.element("expr", &[], |writer| writer.value(slot, pos))
    }
}

/// The XML attributes of an element, sorted by name.
type XmlAttrs<'a> = &'a [(&'static str, &'a [u8])];

/// The XML attributes of a position.
struct Location {
    column: String,
    line: String,
    path: Option<Vec<u8>>,
}

struct Writer<'a> {
    ev: &'a Evaluator,
    options: XmlOptions,
    context: &'a mut ContextBuilder,
    out: &'a mut Vec<u8>,
    depth: usize,
    /// The derivations that were written in full, by their `drvPath`.
    derivations: FxHashSet<&'static [u8]>,
}

impl Writer<'_> {
    fn value(&mut self, slot: Slot, pos: Pos) -> Result<()> {
        let _depth = self.ev.enter_call(pos)?;
        self.ev.step()?;
        self.ev.stack.check_native()?;
        if self.options.strict {
            self.ev.force(slot, pos)?;
        }
        match slot.evaluated() {
            Some(value) => self.evaluated(value, pos),
            None => {
                self.empty("unevaluated", &[]);
                Ok(())
            }
        }
    }

    fn evaluated(&mut self, value: Value, pos: Pos) -> Result<()> {
        match value.unpack() {
            Unpacked::Null => self.empty("null", &[]),
            Unpacked::Bool(b) => self.atom("bool", if b { b"true" } else { b"false" }),
            Unpacked::Int(i) => self.atom("int", i.to_string().as_bytes()),
            Unpacked::Float(f) => {
                let mut text = vec![];
                write_float(&mut text, f);
                self.atom("float", &text);
            }
            Unpacked::String(string) => {
                self.context.add(string.context());
                self.atom("string", string.bytes());
            }
            Unpacked::Path(path) => self.atom("path", path),
            Unpacked::List(list) => {
                return self.element("list", &[], |writer| {
                    list.iter().try_for_each(|&element| writer.value(element, pos))
                });
            }
            Unpacked::Attrs(set) if self.ev.is_derivation(set)? => return self.derivation(set),
            Unpacked::Attrs(set) => return self.element("attrs", &[], |writer| writer.attributes(set)),
            Unpacked::Function(function) => return self.function(function),
        }
        Ok(())
    }

    fn attributes(&mut self, set: &'static Attrs) -> Result<()> {
        for entry in self.ev.sorted_entries(set) {
            let name = self.ev.symbol_bytes(entry.name);
            let location = self.location(entry.pos);
            let mut attrs: Vec<(&'static str, &[u8])> = vec![];
            if let Some(location) = &location {
                attrs.push(("column", location.column.as_bytes()));
                attrs.push(("line", location.line.as_bytes()));
            }
            attrs.push(("name", name));
            if let Some(path) = location.as_ref().and_then(|location| location.path.as_deref()) {
                attrs.push(("path", path));
            }
            self.element("attr", &attrs, |writer| writer.value(entry.slot, entry.pos))?;
        }
        Ok(())
    }

    fn derivation(&mut self, set: &'static Attrs) -> Result<()> {
        let names = self.ev.names;
        let mut attrs: Vec<(&'static str, &[u8])> = vec![];
        let mut drv_path: &[u8] = b"";
        for (name, symbol) in [("drvPath", names.drv_path), ("outPath", names.out_path)] {
            let Some(found) = set.find(symbol) else { continue };
            if self.options.strict {
                self.ev.force(found.slot, found.pos)?;
            }
            if let Some(string) = found.slot.evaluated().and_then(Value::as_string) {
                attrs.push((name, string.bytes()));
                if symbol == names.drv_path {
                    drv_path = string.bytes();
                }
            }
        }
        self.element("derivation", &attrs, |writer| {
            if !drv_path.is_empty() && writer.derivations.insert(drv_path) {
                return writer.attributes(set);
            }
            writer.empty("repeated", &[]);
            Ok(())
        })
    }

    fn function(&mut self, function: &'static Function) -> Result<()> {
        let FunctionKind::Lambda(code, _) = function.kind() else {
            self.empty("unevaluated", &[]);
            return Ok(());
        };
        let location = self.options.location.then(|| self.locate(code.pos));
        let mut attrs: Vec<(&'static str, &[u8])> = vec![];
        if let Some(location) = &location {
            attrs.push(("column", location.column.as_bytes()));
            attrs.push(("line", location.line.as_bytes()));
            attrs.extend(location.path.as_deref().map(|path| ("path", path)));
        }
        self.element("function", &attrs, |writer| writer.parameter(code))
    }

    fn parameter(&mut self, code: &LambdaCode) -> Result<()> {
        let pattern = match code.parameter {
            Parameter::Name(name) => {
                self.empty("varpat", &[("name", self.ev.symbol_bytes(name))]);
                return Ok(());
            }
            Parameter::Pattern(pattern) => pattern,
        };
        let mut attrs: Vec<(&'static str, &[u8])> = vec![];
        if pattern.ellipsis {
            attrs.push(("ellipsis", b"1"));
        }
        attrs.extend(pattern.name.map(|name| ("name", self.ev.symbol_bytes(name))));
        self.element("attrspat", &attrs, |writer| {
            let formals = pattern.formals.iter();
            let mut names: Vec<&[u8]> = formals
                .map(|formal| writer.ev.symbol_bytes(formal.name))
                .collect();
            names.sort_unstable();
            for name in names {
                writer.empty("attr", &[("name", name)]);
            }
            Ok(())
        })
    }

    fn location(&self, pos: Pos) -> Option<Location> {
        (self.options.location && pos.is_some()).then(|| self.locate(pos))
    }

    fn locate(&self, pos: Pos) -> Location {
        match self.ev.locate(pos) {
            Some(location) => Location {
                column: location.column.to_string(),
                line: location.line.to_string(),
                path: match location.origin {
                    Origin::File(path) => Some(path.to_vec()),
                    _ => None,
                },
            },
            None => Location {
                column: "0".to_owned(),
                line: "0".to_owned(),
                path: None,
            },
        }
    }

    /// An element with contents; it is closed even if these fail.
    fn element(
        &mut self,
        name: &str,
        attrs: XmlAttrs<'_>,
        contents: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.tag(name, attrs);
        self.out.extend_from_slice(b">\n");
        self.depth += 1;
        let result = contents(self);
        self.depth -= 1;
        self.indent();
        self.out.extend_from_slice(format!("</{name}>\n").as_bytes());
        result
    }

    fn empty(&mut self, name: &str, attrs: XmlAttrs<'_>) {
        self.tag(name, attrs);
        self.out.extend_from_slice(b" />\n");
    }

    fn atom(&mut self, name: &str, value: &[u8]) {
        self.empty(name, &[("value", value)]);
    }

    fn indent(&mut self) {
        self.out.resize(self.out.len() + 2 * self.depth, b' ');
    }

    /// The start of a tag, up to what ends it.
    fn tag(&mut self, name: &str, attrs: XmlAttrs<'_>) {
        self.indent();
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        for (name, value) in attrs {
            self.out.extend_from_slice(format!(" {name}=\"").as_bytes());
            escape(self.out, value);
            self.out.push(b'"');
        }
    }
}

/// Writes the value of an attribute. Newlines are escaped because readers of XML turn bare ones into spaces.
pub fn escape(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"&quot;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'\n' => out.extend_from_slice(b"&#xA;"),
            _ => out.push(byte),
        }
    }
}
