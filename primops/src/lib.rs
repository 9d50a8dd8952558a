//! The builtins of the Nix language.
//!
//! Each module holds one subject's primops and a table of them; this file joins the tables and defines the base
//! scope. How to write a primop: see [`nivis_eval::primop`].

#![forbid(unsafe_code)]

mod attrs;
mod context;
mod control;
mod debug;
mod derivation;
mod document;
mod features;
mod fetch;
mod files;
mod flakes;
mod hash;
mod import;
mod json;
mod json_reader;
mod lists;
mod math;
pub mod posix_regex;
mod realise;
mod regex;
mod replace;
mod search_path;
mod source;
mod strings;
mod toml;
mod toml_reader;
mod types;
pub mod versions;
mod xml;

use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::{Origin, Pos};
use std::sync::Arc;

/// The version of Nix whose language this is.
pub const NIX_VERSION: &str = "2.34.8";

/// `builtins.langVersion`
const LANG_VERSION: i64 = 6;

/// The wrapper around `derivationStrict` that users call.
const DERIVATION: &str = include_str!("derivation.nix");

/// All tables, in the order in which their names are defined.
static TABLES: &[&[Primop]] = &[
    types::TABLE,
    control::TABLE,
    debug::TABLE,
    math::TABLE,
    strings::TABLE,
    regex::TABLE,
    versions::TABLE,
    hash::TABLE,
    context::TABLE,
    lists::TABLE,
    attrs::TABLE,
    json::TABLE,
    toml::TABLE,
    xml::TABLE,
    import::TABLE,
    files::TABLE,
    search_path::TABLE,
    source::TABLE,
    derivation::TABLE,
    fetch::TABLE,
    flakes::TABLE,
];

/// What `builtins.currentTime` is the result of.
static CURRENT_TIME: Primop = Primop {
    name: "currentTime",
    function: |ev, _, _| Ok(ev.int(ev.host.current_time())),
    trace: false,
    ..Primop::DEFAULT
};

/// All primops, whatever features they need.
pub fn all() -> impl Iterator<Item = &'static Primop> {
    TABLES.iter().copied().flatten()
}

/// Defines the base scope of an evaluator.
pub fn install(ev: &Evaluator) -> Result<()> {
    search_path::allow_search_path(ev)?;
    let mut globals: Vec<(String, Slot)> = vec![];
    let mut builtins: Vec<(String, Slot)> = vec![];
    let mut define = |name: &str, global: bool, slot: Slot| {
        let scope_name = if global {
            name.to_owned()
        } else {
            format!("__{name}")
        };
        globals.push((scope_name, slot));
        builtins.push((name.to_owned(), slot));
    };
    define("true", true, Value::TRUE.slot());
    define("false", true, Value::FALSE.slot());
    define("null", true, Value::NULL.slot());
    if !ev.settings.pure_eval {
        // Asked for only by who looks at it, so that it is known whether something depends on it.
        let function = ev.heap.primop(&CURRENT_TIME).slot();
        let current_time = ev.heap.apply1(function, Value::NULL.slot());
        define("currentTime", false, current_time);
        define(
            "currentSystem",
            false,
            ev.string(ev.settings.system.as_bytes()).slot(),
        );
    }
    define("nixVersion", false, ev.string(NIX_VERSION.as_bytes()).slot());
    define(
        "storeDir",
        false,
        ev.string(ev.host.store_dir().as_str().as_bytes()).slot(),
    );
    define("langVersion", false, ev.int(LANG_VERSION).slot());
    for primop in all() {
        if primop
            .feature
            .is_none_or(|feature| ev.settings.has_feature(feature))
        {
            define(primop.name, primop.global, ev.heap.primop(primop).slot());
        }
    }
    define("nixPath", false, search_path::nix_path(ev).slot());
    // The wrapper is Nix code that sees the builtins, so these are defined once without and once with it.
    ev.define_base_scope(globals.clone(), builtins.clone());
    if ev.base_variable("derivationStrict").is_none() {
        return Ok(());
    }
    let origin = Origin::String(Arc::from(DERIVATION.as_bytes()));
    let derivation = ev.delay_text(DERIVATION.as_bytes(), origin, b"/")?;
    ev.mark_sources_internal(Pos(u32::try_from(DERIVATION.len()).unwrap_or_default()));
    globals.push(("derivation".to_owned(), derivation));
    builtins.push(("derivation".to_owned(), derivation));
    ev.define_base_scope(globals, builtins);
    Ok(())
}
