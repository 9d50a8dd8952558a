//! `derivationStrict`: from a set of attributes to a derivation.

use super::{attributes, inputs, outputs};
use nivis_eval::attrs::Attrs;
use nivis_eval::context::ContextElement;
use nivis_eval::error::{Error, Kind, Result, ResultExt};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::derivation::{Derivation, instantiate};
use nivis_store::path::{DRV_EXTENSION, StorePath, check_name};

/// `derivationStrict attrs`
pub(super) fn derivation_strict(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.derivationStrict";
    let attrs = ev.expect_attrs(args[0], pos, context)?;
    let Some(name) = attrs.find(ev.names.name) else {
        let error = Error::new(Kind::Type, "attribute 'name' missing");
        let context = "in the attrset passed as argument to builtins.derivationStrict";
        return Err(error.frame(Pos::NONE, context));
    };
    let context = "while evaluating the `name` attribute passed to builtins.derivationStrict";
    let drv_name = ev
        .expect_string_without_context(name.slot, pos, context)
        .in_frame(name.pos, "while evaluating the derivation attribute 'name'")?;
    make_derivation(ev, drv_name, attrs).in_frame_with(Pos::NONE, || {
        format!(
            "while evaluating derivation '{}'\n  whose name attribute is located at {}",
            String::from_utf8_lossy(drv_name),
            ev.show_position(name.pos)
        )
    })
}

fn make_derivation(ev: &Evaluator, name: &[u8], attrs: &'static Attrs) -> Result<Value> {
    let name = checked_name(name)?;
    let mut attributes = attributes::read(ev, name, attrs)?;
    let context = ev.contexts.build(std::mem::take(&mut attributes.context));
    inputs::add_inputs(ev, context, &mut attributes.drv)?;
    if attributes.drv.builder.is_empty() {
        return Err(missing("builder"));
    }
    if attributes.drv.platform.is_empty() {
        return Err(missing("system"));
    }
    let is_one_text = attributes.method == Some(ContentAddressMethod::Text)
        && attributes.outputs.iter().map(String::as_str).eq(["out"]);
    if name.ends_with(DRV_EXTENSION) && !is_one_text {
        let message =
            "derivation names are allowed to end in '.drv' only if they produce a single derivation file";
        return Err(Error::new(Kind::Eval, message));
    }
    let mut drv = outputs::with_outputs(ev, attributes)?;
    let made = {
        let mut hashes = ev.derivations.hashes.borrow_mut();
        let mut read = |path: &StorePath| ev.read_derivation(path);
        instantiate(ev.host.store_dir(), &mut drv, &mut hashes, &mut read)?
    };
    if !ev.settings.read_only {
        ev.host.add_derivation(&drv, &made)?;
    }
    ev.derivations.remember(made.drv_path.clone(), context);
    result(ev, &made.drv_path, &drv)
}

/// The name, if a store object may have it.
fn checked_name(name: &[u8]) -> Result<&str> {
    match (check_name(name), std::str::from_utf8(name)) {
        (Ok(()), Ok(name)) => Ok(name),
        (checked, _) => {
            let reason = checked.err().map(|error| error.to_string()).unwrap_or_default();
            let message = format!("invalid derivation name: {reason}. Please pass a different 'name'.");
            Err(Error::new(Kind::Eval, message))
        }
    }
}

#[cold]
fn missing(attribute: &str) -> Error {
    Error::new(Kind::Eval, format!("required attribute '{attribute}' missing"))
}

/// `{ drvPath, <output> = path, … }`
fn result(ev: &Evaluator, drv_path: &StorePath, drv: &Derivation) -> Result<Value> {
    let deep = ev.contexts.singleton(ContextElement::DrvDeep(drv_path.clone()));
    let drv_path_text = ev.host.store_dir().print(drv_path);
    let drv_path_string = ev.heap.string_in(drv_path_text.as_bytes(), deep);
    let mut attrs = vec![(ev.names.drv_path, drv_path_string.slot())];
    for (name, output) in &drv.outputs {
        let string = outputs::output_string(ev, drv_path, &drv.name, name, output)?;
        attrs.push((ev.intern(name.as_bytes()), string.slot()));
    }
    Ok(ev.attrs(&attrs))
}
