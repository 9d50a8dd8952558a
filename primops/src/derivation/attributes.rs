//! What the attributes given to `derivationStrict` say.

use super::json;
use crate::features::require_feature;
use nivis_eval::attrs::{Attrs, Entry};
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Error, Kind, Result, ResultExt};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::Level;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::to_json::{JsonStyle, write_json_string};
use nivis_eval::value::Slot;
use nivis_lang::position::Pos;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::derivation::Derivation;
use nivis_store::hash::HashAlgorithm;
use std::collections::BTreeSet;

/// Errors in attributes get one frame that names the attribute, and none from what is expected of it.
const NO_FRAME: &str = "";

/// The environment variable of structured attributes.
const JSON_VARIABLE: &[u8] = b"__json";

/// More than most texts of structured attributes have.
const JSON_SIZE: usize = 4096;

/// The attributes as far as they have a meaning before the build.
pub(super) struct Attributes<'a> {
    /// The name of the derivation.
    pub(super) name: &'a str,
    /// Builder, system, arguments and environment. Inputs and outputs are still to come.
    pub(super) drv: Derivation,
    /// What the strings refer to.
    pub(super) context: ContextBuilder,
    /// `__contentAddressed`
    pub(super) content_addressed: bool,
    /// `__impure`
    pub(super) impure: bool,
    /// `outputHash`
    pub(super) hash: Option<String>,
    /// `outputHashAlgo`
    pub(super) algorithm: Option<HashAlgorithm>,
    /// `outputHashMode`
    pub(super) method: Option<ContentAddressMethod>,
    /// `outputs`
    pub(super) outputs: BTreeSet<String>,
    /// With `__structuredAttrs`, the text of the JSON object without its last brace.
    json: Option<Vec<u8>>,
}

/// Evaluates all attributes, in the order of their names.
pub(super) fn read<'a>(ev: &Evaluator, name: &'a str, attrs: &'static Attrs) -> Result<Attributes<'a>> {
    let flag = |name, context| match attrs.get(name) {
        Some(slot) => ev.expect_bool(slot, Pos::NONE, context),
        None => Ok(false),
    };
    let structured = flag(
        ev.names.structured_attrs,
        "while evaluating the `__structuredAttrs` attribute passed to builtins.derivationStrict",
    )?;
    let ignore_nulls = flag(
        ev.names.ignore_nulls,
        "while evaluating the `__ignoreNulls` attribute passed to builtins.derivationStrict",
    )?;
    let mut attributes = Attributes {
        name,
        drv: Derivation {
            name: name.to_owned(),
            ..Derivation::default()
        },
        context: ContextBuilder::default(),
        content_addressed: false,
        impure: false,
        hash: None,
        algorithm: None,
        method: None,
        outputs: BTreeSet::from(["out".to_owned()]),
        json: structured.then(|| Vec::with_capacity(JSON_SIZE)),
    };
    for entry in ev.sorted_entries(attrs) {
        if entry.name == ev.names.ignore_nulls {
            continue;
        }
        attributes
            .add(ev, entry, ignore_nulls)
            .in_frame_with(entry.pos, || {
                format!(
                    "while evaluating attribute '{}' of derivation '{name}'",
                    ev.name(entry.name)
                )
            })?;
    }
    attributes.finish_json();
    Ok(attributes)
}

impl Attributes<'_> {
    fn add(&mut self, ev: &Evaluator, entry: Entry, ignore_nulls: bool) -> Result<()> {
        let Entry { name, slot, .. } = entry;
        if ignore_nulls && ev.force(slot, Pos::NONE)?.is_null() {
            return Ok(());
        }
        if name == ev.names.content_addressed {
            if ev.expect_bool(slot, Pos::NONE, NO_FRAME)? {
                self.content_addressed = true;
                require_feature(ev, "ca-derivations", "")?;
            }
            return Ok(());
        }
        if name == ev.names.impure {
            if ev.expect_bool(slot, Pos::NONE, NO_FRAME)? {
                self.impure = true;
                require_feature(ev, "impure-derivations", "")?;
            }
            return Ok(());
        }
        if name == ev.names.args {
            return self.add_arguments(ev, slot);
        }
        match &self.json {
            Some(_) if name == ev.names.structured_attrs => Ok(()),
            Some(_) => self.add_structured(ev, entry),
            None => self.add_variable(ev, entry),
        }
    }

    fn add_arguments(&mut self, ev: &Evaluator, slot: Slot) -> Result<()> {
        for &element in ev.expect_list(slot, Pos::NONE, NO_FRAME)? {
            let context = "while evaluating an element of the argument list";
            let text = ev.coerce_to_string(
                element,
                Pos::NONE,
                &mut self.context,
                context,
                Coercion::DERIVATION,
            )?;
            self.drv.args.push(text.into_owned());
        }
        Ok(())
    }

    /// An attribute that becomes an environment variable.
    fn add_variable(&mut self, ev: &Evaluator, entry: Entry) -> Result<()> {
        let how = Coercion::DERIVATION;
        let text = ev.coerce_to_string(entry.slot, Pos::NONE, &mut self.context, NO_FRAME, how)?;
        let name = entry.name;
        if name == ev.names.json {
            let message = format!(
                "In derivation '{}': setting structured attributes via '__json' is deprecated, and may be disallowed in future versions of Nix. Set '__structuredAttrs = true' instead.",
                self.name
            );
            ev.host.message(Level::Warning, &message);
            let normal = json::normalise(&text)?;
            self.drv.env.insert(JSON_VARIABLE, normal);
            return Ok(());
        }
        if name == ev.names.builder {
            self.drv.builder = text.to_vec();
        } else if name == ev.names.system {
            self.drv.platform = text.to_vec();
        } else if name == ev.names.output_hash {
            self.hash = Some(String::from_utf8_lossy(&text).into_owned());
        } else if name == ev.names.output_hash_algo {
            self.algorithm = parse_algorithm(ev, &text)?;
        } else if name == ev.names.output_hash_mode {
            self.set_method(ev, &text)?;
        } else if name == ev.names.outputs {
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            let names = text.split(is_blank).filter(|name| !name.is_empty());
            self.set_outputs(names)?;
        }
        self.drv.env.insert(ev.symbol_bytes(name), text);
        Ok(())
    }

    /// An attribute of the JSON object of structured attributes.
    fn add_structured(&mut self, ev: &Evaluator, entry: Entry) -> Result<()> {
        let Entry { name, slot, .. } = entry;
        let json = self.json.get_or_insert_default();
        json.push(if json.is_empty() { b'{' } else { b',' });
        write_json_string(json, ev.symbol_bytes(name))?;
        json.push(b':');
        ev.write_json(json, slot, Pos::NONE, &mut self.context, JsonStyle::BUILTIN)?;
        let plain = |slot| ev.expect_string_without_context(slot, Pos::NONE, NO_FRAME);
        if name == ev.names.builder {
            let builder = ev.expect_string_in(slot, Pos::NONE, NO_FRAME, &mut self.context)?;
            self.drv.builder = builder.to_vec();
        } else if name == ev.names.system {
            self.drv.platform = plain(slot)?.to_vec();
        } else if name == ev.names.output_hash {
            self.hash = Some(String::from_utf8_lossy(plain(slot)?).into_owned());
        } else if name == ev.names.output_hash_algo {
            self.algorithm = parse_algorithm(ev, plain(slot)?)?;
        } else if name == ev.names.output_hash_mode {
            self.set_method(ev, plain(slot)?)?;
        } else if name == ev.names.outputs {
            let list = ev.expect_list(slot, Pos::NONE, NO_FRAME)?;
            let names: Vec<&[u8]> = list.iter().map(|&name| plain(name)).collect::<Result<_>>()?;
            self.set_outputs(names.into_iter())?;
        } else if is_without_effect(ev, entry) {
            let attribute = ev.name(name);
            let message = format!(
                "In a derivation named '{}', 'structuredAttrs' disables the effect of the derivation attribute '{attribute}'; use 'outputChecks.<output>.{attribute}' instead",
                self.name
            );
            ev.host.message(Level::Warning, &message);
        }
        Ok(())
    }

    fn finish_json(&mut self) {
        if let Some(mut json) = self.json.take() {
            json.extend_from_slice(if json.is_empty() { b"{}" } else { b"}" });
            self.drv.env.insert(JSON_VARIABLE, json);
        }
    }

    fn set_method(&mut self, ev: &Evaluator, text: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(text);
        let method = match &*text {
            // The old name of "nar".
            "recursive" => ContentAddressMethod::NixArchive,
            name => ContentAddressMethod::from_name(name).map_err(|_| {
                let message = format!("invalid value '{name}' for 'outputHashMode' attribute");
                Error::new(Kind::Eval, message)
            })?,
        };
        self.method = Some(method);
        match method {
            ContentAddressMethod::Text => {
                let reason = format!(
                    "text-hashed derivation '{}', outputHashMode = \"text\"",
                    self.name
                );
                require_feature(ev, "dynamic-derivations", &reason)
            }
            ContentAddressMethod::Git => require_feature(ev, "git-hashing", ""),
            ContentAddressMethod::Flat | ContentAddressMethod::NixArchive => Ok(()),
        }
    }

    fn set_outputs<'b>(&mut self, names: impl Iterator<Item = &'b [u8]>) -> Result<()> {
        self.outputs.clear();
        for name in names {
            let name = String::from_utf8_lossy(name).into_owned();
            if self.outputs.contains(&name) {
                return Err(bad_outputs(format!("duplicate derivation output '{name}'")));
            }
            if name == "drvPath" {
                return Err(bad_outputs("invalid derivation output name 'drvPath'"));
            }
            self.outputs.insert(name);
        }
        if self.outputs.is_empty() {
            return Err(bad_outputs("derivation cannot have an empty set of outputs"));
        }
        Ok(())
    }
}

#[cold]
fn bad_outputs(message: impl Into<String>) -> Error {
    Error::new(Kind::Eval, message)
}

/// The hash algorithm of that name; unknown ones count as not given.
pub(super) fn parse_algorithm(ev: &Evaluator, name: &[u8]) -> Result<Option<HashAlgorithm>> {
    let algorithm = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
    if algorithm == Some(HashAlgorithm::Blake3) {
        require_feature(ev, "blake3-hashes", "")?;
    }
    Ok(algorithm)
}

/// Whether it is one of the checks that structured attributes have elsewhere.
fn is_without_effect(ev: &Evaluator, entry: Entry) -> bool {
    [
        ev.names.allowed_references,
        ev.names.allowed_requisites,
        ev.names.disallowed_references,
        ev.names.disallowed_requisites,
        ev.names.max_size,
        ev.names.max_closure_size,
    ]
    .contains(&entry.name)
}
