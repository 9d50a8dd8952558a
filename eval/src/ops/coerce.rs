//! Every "to string" rule, and "to path".

use crate::context::{ContextBuilder, ContextElement};
use crate::error::{Error, Kind, Result, ResultExt};
use crate::evaluator::Evaluator;
use crate::host::Source;
use crate::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::hash::HashAlgorithm;
use nivis_store::path::StorePath;
use std::borrow::Cow;

/// What a coercion to a string accepts and does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coercion {
    /// Also booleans, numbers, `null` and lists, as `toString` and derivation attributes do.
    pub more: bool,
    /// Paths are copied to the store and become their store path.
    pub copy_to_store: bool,
    /// Paths are normalised (all but a part of an interpolated path are).
    pub canonicalise: bool,
}

impl Coercion {
    /// `"${v}"`
    pub const INTERPOLATION: Coercion = Coercion {
        more: false,
        copy_to_store: true,
        canonicalise: true,
    };
    /// `toString v`
    pub const TO_STRING: Coercion = Coercion {
        more: true,
        copy_to_store: false,
        canonicalise: true,
    };
    /// An attribute of a derivation.
    pub const DERIVATION: Coercion = Coercion {
        more: true,
        copy_to_store: true,
        canonicalise: true,
    };
    /// A string where one is needed, a path as its text.
    pub const PLAIN: Coercion = Coercion {
        more: false,
        copy_to_store: false,
        canonicalise: true,
    };
}

impl Evaluator {
    /// Coerces to a string; the contexts met are added to `into`.
    pub fn coerce_to_string(
        &self,
        slot: Slot,
        pos: Pos,
        into: &mut ContextBuilder,
        error_context: &'static str,
        how: Coercion,
    ) -> Result<Cow<'static, [u8]>> {
        if let Some(string) = slot.evaluated().and_then(Value::as_string) {
            into.add(string.context());
            return Ok(Cow::Borrowed(string.bytes()));
        }
        self.coerce_other(slot, pos, into, error_context, how)
    }

    #[inline(never)]
    fn coerce_other(
        &self,
        slot: Slot,
        pos: Pos,
        into: &mut ContextBuilder,
        error_context: &'static str,
        how: Coercion,
    ) -> Result<Cow<'static, [u8]>> {
        let _depth = self.enter_call(pos)?;
        self.stack.check_native()?;
        let value = self.force(slot, pos)?;
        match value.unpack() {
            Unpacked::String(string) => {
                into.add(string.context());
                return Ok(Cow::Borrowed(string.bytes()));
            }
            Unpacked::Path(path) if how.copy_to_store => {
                return Ok(Cow::Owned(self.copy_to_store(path, into)?.into_bytes()));
            }
            Unpacked::Path(path) => return Ok(Cow::Borrowed(path)),
            Unpacked::Attrs(set) => {
                if let Some(to_string) = set.get(self.names.to_string) {
                    let result = self.call_slot(to_string, &[value.slot()], pos)?;
                    let context = "while evaluating the result of the `__toString` attribute";
                    let how = Coercion {
                        canonicalise: true,
                        ..how
                    };
                    return self.coerce_to_string(result.slot(), pos, into, context, how);
                }
                if let Some(out_path) = set.get(self.names.out_path) {
                    return self.coerce_to_string(out_path, pos, into, error_context, how);
                }
            }
            Unpacked::Bool(b) if how.more => return Ok(Cow::Borrowed(if b { b"1" } else { b"" })),
            Unpacked::Null if how.more => return Ok(Cow::Borrowed(b"")),
            Unpacked::Int(i) if how.more => return Ok(Cow::Owned(i.to_string().into_bytes())),
            Unpacked::Float(f) if how.more => return Ok(Cow::Owned(crate::number::fixed(f).into_bytes())),
            Unpacked::List(list) if how.more => return self.coerce_list(list, pos, into, error_context, how),
            _ => {}
        }
        let message = format!(
            "cannot coerce {} to a string: {}",
            self.describe(value),
            self.show_for_error(value)
        );
        Err(Error::new(Kind::Type, message).frame(pos, error_context))
    }

    fn coerce_list(
        &self,
        list: &'static [Slot],
        pos: Pos,
        into: &mut ContextBuilder,
        error_context: &'static str,
        how: Coercion,
    ) -> Result<Cow<'static, [u8]>> {
        let mut text = vec![];
        for (i, &element) in list.iter().enumerate() {
            let context = "while evaluating one element of the list";
            let part = self
                .coerce_to_string(element, pos, into, context, how)
                .in_frame(pos, error_context)?;
            text.extend_from_slice(&part);
            let is_empty_list = element
                .evaluated()
                .and_then(Value::as_list)
                .is_some_and(<[Slot]>::is_empty);
            if i + 1 < list.len() && !is_empty_list {
                text.push(b' ');
            }
        }
        Ok(Cow::Owned(text))
    }

    /// Copies a path to the store (in read-only mode only computes where it would be), adds it to `into` and returns
    /// the store path's text.
    pub fn copy_to_store(&self, path: &'static [u8], into: &mut ContextBuilder) -> Result<String> {
        let store_path = self.copy_source(path)?;
        let text = self.host.store_dir().print(&store_path);
        let element = self.contexts.singleton(ContextElement::Path(store_path));
        into.add(element);
        Ok(text)
    }

    /// The store path of a source; copied once.
    fn copy_source(&self, path: &'static [u8]) -> Result<StorePath> {
        if path.ends_with(b".drv") {
            return Err(Error::new(
                Kind::Eval,
                "file names are not allowed to end in '.drv'",
            ));
        }
        if let Some(known) = self.files.copied.borrow().get(path) {
            return Ok(known.clone());
        }
        self.check_access(path)?;
        let real = self.resolve_ancestors(path)?;
        let name = match crate::path::base_name(path) {
            b"" => b"source",
            name => name,
        };
        let name = String::from_utf8_lossy(name);
        let mut allowed = |path: &[u8], _| Ok(self.is_allowed(path));
        let source = Source {
            path: &real,
            name: &name,
            method: ContentAddressMethod::NixArchive,
            algorithm: HashAlgorithm::Sha256,
            filter: self.is_restricted().then_some(&mut allowed),
        };
        let (store_path, _) = self.host.add_source(source)?;
        self.allow_store_path(&store_path);
        self.files.copied.borrow_mut().insert(path, store_path.clone());
        Ok(store_path)
    }

    /// Coerces to an absolute path.
    pub fn coerce_to_path(
        &self,
        slot: Slot,
        pos: Pos,
        into: &mut ContextBuilder,
        error_context: &'static str,
    ) -> Result<Cow<'static, [u8]>> {
        let value = self.force(slot, pos).in_frame(pos, error_context)?;
        if let Some(path) = value.as_path() {
            return Ok(Cow::Borrowed(path));
        }
        if let Some(to_string) = value.as_attrs().and_then(|set| set.get(self.names.to_string)) {
            let result = self.call_slot(to_string, &[value.slot()], pos)?;
            return self.coerce_to_path(result.slot(), pos, into, error_context);
        }
        let path = self.coerce_to_string(value.slot(), pos, into, error_context, Coercion::PLAIN)?;
        if path.first() != Some(&b'/') {
            let message = format!(
                "string '{}' doesn't represent an absolute path",
                String::from_utf8_lossy(&path)
            );
            return Err(Error::new(Kind::Eval, message).frame(pos, error_context));
        }
        Ok(Cow::Owned(crate::path::normalise(&path)))
    }
}
