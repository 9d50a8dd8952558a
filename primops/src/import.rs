//! Primops that evaluate other files.

use crate::derivation::output_string;
use crate::realise::realise_path;
use nivis_eval::context::ContextElement;
use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::{Origin, Pos};
use nivis_lang::symbol::Symbol;
use nivis_store::path::StorePath;
use std::sync::Arc;

/// Makes a package of what a `.drv` file says.
const IMPORTED_DERIVATION: &str = include_str!("imported-derivation.nix");

fn import(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let path = realise_path(ev, args[0], pos)?;
    match valid_derivation(ev, &path)? {
        Some(drv_path) => import_derivation(ev, &drv_path, pos),
        None => ev.import(&path),
    }
}

fn scoped_import(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let path = realise_path(ev, args[1], pos)?;
    if let Some(drv_path) = valid_derivation(ev, &path)? {
        return import_derivation(ev, &drv_path, pos);
    }
    let context = "while evaluating the first argument passed to builtins.scopedImport";
    let scope = ev.expect_attrs(args[0], pos, context)?;
    let scope: Vec<(Symbol, Slot)> = scope
        .flat(ev.heap)
        .entries()
        .map(|entry| (entry.name, entry.slot))
        .collect();
    ev.import_with_scope(&path, &scope)
}

/// The store path, if the path is that of a derivation in the store.
fn valid_derivation(ev: &Evaluator, path: &[u8]) -> Result<Option<StorePath>> {
    if !path.ends_with(b".drv") {
        return Ok(None);
    }
    match ev.host.store_dir().parse(path) {
        Ok(drv_path) if ev.host.is_valid_path(&drv_path)? => Ok(Some(drv_path)),
        _ => Ok(None),
    }
}

/// A derivation of the store as the set that `derivation` would give, as far as the file tells.
fn import_derivation(ev: &Evaluator, drv_path: &StorePath, pos: Pos) -> Result<Value> {
    let drv = ev.read_derivation(drv_path)?;
    let deep = ev.contexts.singleton(ContextElement::DrvDeep(drv_path.clone()));
    let path_text = ev.host.store_dir().print(drv_path);
    let name = drv.env.get(b"name").unwrap_or_default();
    let outputs: Vec<Slot> = drv
        .outputs
        .keys()
        .map(|name| ev.string(name.as_bytes()).slot())
        .collect();
    let mut attrs = vec![
        (
            ev.names.drv_path,
            ev.heap.string_in(path_text.as_bytes(), deep).slot(),
        ),
        (ev.names.name, ev.string(name).slot()),
    ];
    for (name, output) in &drv.outputs {
        let string = output_string(ev, drv_path, &drv.name, name, output)?;
        attrs.push((ev.intern(name.as_bytes()), string.slot()));
    }
    attrs.push((ev.names.outputs, ev.heap.list(&outputs).slot()));
    let wrapper = match ev.derivations.imported.get() {
        Some(wrapper) => wrapper,
        None => {
            let origin = Origin::String(Arc::from(IMPORTED_DERIVATION.as_bytes()));
            let wrapper = ev.eval_text(IMPORTED_DERIVATION.as_bytes(), origin, b"/")?;
            ev.derivations.imported.set(Some(wrapper));
            wrapper
        }
    };
    ev.call(wrapper, &[ev.attrs(&attrs).slot()], pos)
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "import",
        arity: 1,
        function: import,
        args: &["path"],
        doc: "Evaluates the file *path*, or `default.nix` in the directory of that name, and returns its value. A file is evaluated once. The path of a `.drv` file in the store gives a set like that of `derivation`.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "scopedImport",
        arity: 2,
        function: scoped_import,
        args: &["scope", "path"],
        doc: "Evaluates the file *path* with the attributes of *scope* as further variables. The file is evaluated anew each time.",
        global: true,
        ..Primop::DEFAULT
    },
];
