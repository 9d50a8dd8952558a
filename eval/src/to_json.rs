//! Values as JSON: for `toJSON`, structured attributes and `--json`.
//!
//! The text ends up in store paths, so it is the reference's to the byte: no blanks, names in the order of their
//! bytes, and no escapes but those JSON needs.

use crate::context::ContextBuilder;
use crate::error::{Error, Kind, Result, ResultExt};
use crate::evaluator::Evaluator;
use crate::function::FunctionKind;
use crate::number;
use crate::ops::coerce::Coercion;
use crate::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;
use nivis_store::quote::write_quoted;

/// More than most texts have.
const TEXT_SIZE: usize = 256;

/// What becomes of values that JSON has no form for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonStyle {
    /// What is not evaluated yet is forced; without, it is an error.
    pub strict: bool,
    /// Paths are copied to the store and become their store path.
    pub copy_to_store: bool,
}

impl JsonStyle {
    /// `builtins.toJSON` and structured attributes.
    pub const BUILTIN: JsonStyle = JsonStyle {
        strict: true,
        copy_to_store: true,
    };
}

impl Evaluator {
    /// A value as JSON; the contexts met are added to `into`.
    pub fn to_json(
        &self,
        slot: Slot,
        pos: Pos,
        into: &mut ContextBuilder,
        style: JsonStyle,
    ) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(TEXT_SIZE);
        self.write_json(&mut out, slot, pos, into, style)?;
        Ok(out)
    }

    /// Writes a value as JSON to the end of `out`; the contexts met are added to `into`.
    pub fn write_json(
        &self,
        out: &mut Vec<u8>,
        slot: Slot,
        pos: Pos,
        into: &mut ContextBuilder,
        style: JsonStyle,
    ) -> Result<()> {
        let _depth = self.enter_call(pos)?;
        self.step()?;
        self.stack.check_native()?;
        let value = match slot.evaluated() {
            Some(value) => value,
            None if style.strict => self.force(slot, pos)?,
            None => return Err(no_json("a thunk").at(pos)),
        };
        match value.unpack() {
            Unpacked::Null => out.extend_from_slice(b"null"),
            Unpacked::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
            Unpacked::Int(i) => out.extend_from_slice(i.to_string().as_bytes()),
            Unpacked::Float(f) => number::write_json(out, f),
            Unpacked::String(string) => {
                into.add(string.context());
                write_json_string(out, string.bytes())?;
            }
            Unpacked::Path(path) if style.copy_to_store => {
                write_json_string(out, self.copy_to_store(path, into)?.as_bytes())?;
            }
            Unpacked::Path(path) => write_json_string(out, path)?,
            Unpacked::List(list) => self.write_json_list(out, list, pos, into, style)?,
            Unpacked::Attrs(_) => self.write_json_attrs(out, value, pos, into, style)?,
            Unpacked::Function(function) => {
                let pos = match function.kind() {
                    FunctionKind::Lambda(code, _) => code.pos,
                    FunctionKind::Primop(_) | FunctionKind::Partial(..) => pos,
                };
                return Err(no_json(&self.describe(value)).at(pos));
            }
        }
        Ok(())
    }

    fn write_json_list(
        &self,
        out: &mut Vec<u8>,
        list: &'static [Slot],
        pos: Pos,
        into: &mut ContextBuilder,
        style: JsonStyle,
    ) -> Result<()> {
        out.push(b'[');
        for (i, &element) in list.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            self.write_json(out, element, pos, into, style)
                .in_frame_with(pos, || format!("while evaluating list element at index {i}"))?;
        }
        out.push(b']');
        Ok(())
    }

    fn write_json_attrs(
        &self,
        out: &mut Vec<u8>,
        value: Value,
        pos: Pos,
        into: &mut ContextBuilder,
        style: JsonStyle,
    ) -> Result<()> {
        let Some(set) = value.as_attrs() else {
            return Ok(());
        };
        if let Some(to_string) = set.get(self.names.to_string) {
            let result = self.call_slot(to_string, &[value.slot()], pos)?;
            let context = "while evaluating the result of the `__toString` attribute";
            let text = self.coerce_to_string(result.slot(), pos, into, context, Coercion::PLAIN)?;
            return write_json_string(out, &text);
        }
        if let Some(out_path) = set.find(self.names.out_path) {
            return self.write_json(out, out_path.slot, out_path.pos, into, style);
        }
        out.push(b'{');
        for (i, entry) in self.sorted_entries(set).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_json_string(out, self.symbol_bytes(entry.name))?;
            out.push(b':');
            self.write_json(out, entry.slot, entry.pos, into, style)
                .in_frame_with(entry.pos, || {
                    format!(
                        "while evaluating attribute '{}'",
                        self.name_in_message(entry.name)
                    )
                })?;
        }
        out.push(b'}');
        Ok(())
    }
}

#[cold]
fn no_json(what: &str) -> Error {
    Error::new(Kind::Type, format!("cannot convert {what} to JSON"))
}

/// For each byte: 0 if it stands for itself, else what follows the backslash (`u` for a code).
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table
};

/// Writes a string with its quotes and escapes. It has to be UTF-8.
pub fn write_json_string(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(invalid_utf8(text, error));
    }
    write_quoted::<0x20>(text, out, &ESCAPES, |out, byte, escape| match escape {
        b'u' => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        escape => out.extend_from_slice(&[b'\\', escape]),
    });
    Ok(())
}

/// The reference's words, which come from its JSON library.
#[cold]
fn invalid_utf8(text: &[u8], error: std::str::Utf8Error) -> Error {
    let start = error.valid_up_to();
    let message = match error.error_len() {
        None => format!(
            "incomplete UTF-8 string; last byte: 0x{:02X}",
            text.last().copied().unwrap_or_default()
        ),
        Some(length) => {
            // A byte that can begin a character is not at fault itself.
            let begins = matches!(text[start], 0xC2..=0xF4);
            let at = if begins { start + length } else { start };
            format!(
                "invalid UTF-8 byte at index {at}: 0x{:02X}",
                text.get(at).copied().unwrap_or_default()
            )
        }
    };
    Error::new(
        Kind::Eval,
        format!("JSON serialization error: [json.exception.type_error.316] {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        let shown = |text: &[u8]| {
            let mut out = vec![];
            write_json_string(&mut out, text).map(|()| String::from_utf8(out).expect("UTF-8"))
        };
        assert_eq!(
            shown(b"a\"\\\n\x01\x7f").ok().as_deref(),
            Some("\"a\\\"\\\\\\n\\u0001\x7f\"")
        );
        let message = |text: &[u8]| shown(text).map_err(|error| error.to_string()).unwrap_err();
        assert!(message(b"ab\xff").ends_with("invalid UTF-8 byte at index 2: 0xFF"));
        assert!(message(b"\xc3a").ends_with("invalid UTF-8 byte at index 1: 0x61"));
        assert!(message(b"a\xc3").ends_with("incomplete UTF-8 string; last byte: 0xC3"));
    }
}
