//! Primops on string contexts.

use nivis_eval::attrs::Entry;
use nivis_eval::context::{ContextBuilder, ContextElement, ContextId};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::primop::{Primop, PrimopFunction};
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

fn eval_error(pos: Pos, message: String) -> Error {
    Error::new(Kind::Eval, message).at(pos)
}

/// The text of what was passed, and its context.
fn coerce(
    ev: &Evaluator,
    slot: Slot,
    pos: Pos,
    context: &'static str,
) -> Result<(Cow<'static, [u8]>, ContextId)> {
    let mut found = ContextBuilder::default();
    let text = ev.coerce_to_string(slot, pos, &mut found, context, Coercion::INTERPOLATION)?;
    Ok((text, ev.contexts.build(found)))
}

fn unsafe_discard_string_context(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.unsafeDiscardStringContext";
    let (text, _) = coerce(ev, args[0], pos, context)?;
    Ok(ev.string(&text))
}

fn has_context(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.hasContext";
    let mut found = ContextBuilder::default();
    ev.expect_string_in(args[0], pos, context, &mut found)?;
    Ok(Value::bool(!found.is_empty()))
}

fn unsafe_discard_output_dependency(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.unsafeDiscardOutputDependency";
    let (text, found) = coerce(ev, args[0], pos, context)?;
    let plain = |element: &ContextElement| match element {
        ContextElement::DrvDeep(path) => ContextElement::Path(path.clone()),
        other => other.clone(),
    };
    let elements = ev.contexts.elements(found).iter().map(plain).collect();
    Ok(ev.heap.string_in(&text, ev.contexts.intern(elements)))
}

fn add_drv_output_dependencies(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.addDrvOutputDependencies";
    let (text, found) = coerce(ev, args[0], pos, context)?;
    let elements = ev.contexts.elements(found);
    let [element] = &elements[..] else {
        let message = format!(
            "context of string '{}' must have exactly one element, but has {}",
            String::from_utf8_lossy(&text),
            elements.len()
        );
        return Err(eval_error(pos, message));
    };
    let path = match element {
        ContextElement::DrvDeep(path) => path,
        ContextElement::Path(path) if path.is_derivation() => path,
        ContextElement::Path(path) => {
            let path = ev.host.store_dir().print(path);
            return Err(eval_error(pos, format!("path '{path}' is not a derivation")));
        }
        ContextElement::Output { output, .. } => {
            let message = format!(
                "`addDrvOutputDependencies` can only act on derivations, not on a derivation output such as '{output}'"
            );
            return Err(eval_error(pos, message));
        }
    };
    let deep = ev.contexts.singleton(ContextElement::DrvDeep(path.clone()));
    Ok(ev.heap.string_in(&text, deep))
}

/// What a context says about one store path.
#[derive(Default)]
struct Mentions {
    path: bool,
    all_outputs: bool,
    outputs: Vec<Slot>,
}

fn get_context(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.getContext";
    let mut found = ContextBuilder::default();
    ev.expect_string_in(args[0], pos, context, &mut found)?;
    let mut paths: BTreeMap<StorePath, Mentions> = BTreeMap::new();
    for element in ev.contexts.elements(ev.contexts.build(found)).iter() {
        match element {
            ContextElement::Path(path) => paths.entry(path.clone()).or_default().path = true,
            ContextElement::DrvDeep(path) => paths.entry(path.clone()).or_default().all_outputs = true,
            ContextElement::Output { drv, output } => {
                let output = ev.string(output.as_bytes()).slot();
                paths.entry(drv.clone()).or_default().outputs.push(output);
            }
        }
    }
    let (path_name, all_outputs_name) = (ev.names.path, ev.intern(b"allOutputs"));
    let mut attrs = vec![];
    for (path, mentions) in paths {
        let mut info = vec![];
        if mentions.path {
            info.push((path_name, Value::TRUE.slot()));
        }
        if mentions.all_outputs {
            info.push((all_outputs_name, Value::TRUE.slot()));
        }
        if !mentions.outputs.is_empty() {
            info.push((ev.names.outputs, ev.heap.list(&mentions.outputs).slot()));
        }
        let name = ev.intern(ev.host.store_dir().print(&path).as_bytes());
        attrs.push((name, ev.attrs(&info).slot()));
    }
    Ok(ev.attrs(&attrs))
}

fn append_context(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let mut context = ContextBuilder::default();
    let text = ev.expect_string_in(
        args[0],
        Pos::NONE,
        "while evaluating the first argument passed to builtins.appendContext",
        &mut context,
    )?;
    let set = ev.expect_attrs(
        args[1],
        pos,
        "while evaluating the second argument passed to builtins.appendContext",
    )?;
    ev.intern(b"allOutputs");
    let mut added = vec![];
    for entry in set.flat(ev.heap).entries() {
        mentioned(ev, entry, &mut added)?;
    }
    context.add(ev.contexts.intern(added));
    Ok(ev.heap.string_in(text, ev.contexts.build(context)))
}

/// Adds what one attribute of a set like `getContext`'s says about a path.
fn mentioned(ev: &Evaluator, entry: Entry, added: &mut Vec<ContextElement>) -> Result<()> {
    let name = ev.name_in_message(entry.name);
    let Ok(path) = ev.host.store_dir().parse(ev.symbol_bytes(entry.name)) else {
        return Err(eval_error(
            entry.pos,
            format!("context key '{name}' is not a store path"),
        ));
    };
    if !ev.settings.read_only {
        ev.host.ensure_path(&path)?;
    }
    let info = ev.expect_attrs(
        entry.slot,
        entry.pos,
        "while evaluating the value of a string context",
    )?;
    if let Some(found) = info.find(ev.names.path) {
        let context = "while evaluating the `path` attribute of a string context";
        if ev.expect_bool(found.slot, found.pos, context)? {
            added.push(ContextElement::Path(path.clone()));
        }
    }
    if let Some(found) = info.find(ev.intern(b"allOutputs")) {
        let context = "while evaluating the `allOutputs` attribute of a string context";
        if ev.expect_bool(found.slot, found.pos, context)? {
            if !path.is_derivation() {
                let message = format!(
                    "tried to add all-outputs context of {name}, which is not a derivation, to a string"
                );
                return Err(eval_error(entry.pos, message));
            }
            added.push(ContextElement::DrvDeep(path.clone()));
        }
    }
    if let Some(found) = info.find(ev.names.outputs) {
        let context = "while evaluating the `outputs` attribute of a string context";
        let outputs = ev.expect_list(found.slot, found.pos, context)?;
        if !outputs.is_empty() && !path.is_derivation() {
            let message = format!(
                "tried to add derivation output context of {name}, which is not a derivation, to a string"
            );
            return Err(eval_error(entry.pos, message));
        }
        for &output in outputs {
            let context = "while evaluating an output name within a string context";
            let output = ev.expect_string_without_context(output, found.pos, context)?;
            added.push(ContextElement::Output {
                drv: path.clone(),
                output: Arc::from(String::from_utf8_lossy(output)),
            });
        }
    }
    Ok(())
}

const fn on_string(name: &'static str, function: PrimopFunction, doc: &'static str) -> Primop {
    Primop {
        name,
        function,
        args: &["s"],
        doc,
        ..Primop::DEFAULT
    }
}

pub(super) static TABLE: &[Primop] = &[
    on_string(
        "unsafeDiscardStringContext",
        unsafe_discard_string_context,
        "Returns the string without its context: what it refers to no longer becomes an input.",
    ),
    on_string(
        "hasContext",
        has_context,
        "Returns whether the string *s* has a context.",
    ),
    on_string(
        "unsafeDiscardOutputDependency",
        unsafe_discard_output_dependency,
        "Returns the string with references to derivations and all their outputs (as `drvPath` has them) turned into \
         plain references to the derivation files.",
    ),
    on_string(
        "addDrvOutputDependencies",
        add_drv_output_dependencies,
        "Returns the string with the plain reference to a derivation file, the only one it may have, turned into a \
         reference to the derivation and all its outputs: the opposite of `unsafeDiscardOutputDependency`.",
    ),
    on_string(
        "getContext",
        get_context,
        "Returns the context of the string *s*: a set by store path of `{ path, allOutputs, outputs }`, as far as they \
         apply. `path = true` stands for the path itself, `allOutputs = true` for a derivation with all its outputs, \
         `outputs` lists single outputs of a derivation.",
    ),
    Primop {
        name: "appendContext",
        arity: 2,
        function: append_context,
        args: &["s", "context"],
        doc: "Returns the string *s* with a context, given as `getContext` returns it, added to its own.",
        ..Primop::DEFAULT
    },
];
