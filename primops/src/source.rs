//! Primops that bring files and texts into the store.

use crate::derivation::hash_allow_empty;
use crate::realise::realise_context;
use nivis_eval::context::{ContextBuilder, ContextElement, ContextId};
use nivis_eval::error::{Error, Kind, Result, ResultExt};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::{FileType, Source};
use nivis_eval::path::base_name;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::hash::{Hash, HashAlgorithm};
use nivis_store::path::StorePath;
use std::borrow::Cow;

/// What is to be added.
struct Wanted {
    path: Cow<'static, [u8]>,
    /// What the path refers to.
    context: ContextId,
    name: Vec<u8>,
    filter: Option<Slot>,
    method: ContentAddressMethod,
    expected: Option<Hash>,
}

fn filter_source(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let mut context = ContextBuilder::default();
    let message =
        "while evaluating the second argument (the path to filter) passed to 'builtins.filterSource'";
    let path = ev.coerce_to_path(args[1], pos, &mut context, message)?;
    let context = ev.contexts.build(context);
    let message = "while evaluating the first argument passed to builtins.filterSource";
    ev.expect_function(args[0], pos, message)?;
    let wanted = Wanted {
        name: default_name(&path),
        path,
        context,
        filter: Some(args[0]),
        method: ContentAddressMethod::NixArchive,
        expected: None,
    };
    add(ev, wanted, pos)
}

fn path(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let attrs = ev.expect_attrs(
        args[0],
        pos,
        "while evaluating the argument passed to 'builtins.path'",
    )?;
    let mut path = None;
    let mut context = ContextBuilder::default();
    let mut name: &[u8] = b"";
    let mut filter = None;
    let mut method = ContentAddressMethod::NixArchive;
    let mut expected = None;
    for entry in attrs.flat(ev.heap).entries() {
        let (slot, at) = (entry.slot, entry.pos);
        match ev.symbol_bytes(entry.name) {
            b"path" => {
                let message = "while evaluating the 'path' attribute passed to 'builtins.path'";
                path = Some(ev.coerce_to_path(slot, at, &mut context, message)?);
            }
            b"name" => {
                let message = "while evaluating the `name` attribute passed to builtins.path";
                name = ev.expect_string_without_context(slot, at, message)?;
            }
            b"filter" => {
                let message = "while evaluating the `filter` parameter passed to builtins.path";
                ev.expect_function(slot, at, message)?;
                filter = Some(slot);
            }
            b"recursive" => {
                let message = "while evaluating the `recursive` attribute passed to builtins.path";
                method = match ev.expect_bool(slot, at, message)? {
                    true => ContentAddressMethod::NixArchive,
                    false => ContentAddressMethod::Flat,
                };
            }
            b"sha256" => {
                let message = "while evaluating the `sha256` attribute passed to builtins.path";
                let text = ev.expect_string_without_context(slot, at, message)?;
                let text = String::from_utf8_lossy(text);
                expected = Some(hash_allow_empty(ev, &text, Some(HashAlgorithm::Sha256))?);
            }
            _ => {
                let message = format!(
                    "unsupported argument '{}' to 'builtins.path'",
                    ev.name(entry.name)
                );
                return Err(Error::new(Kind::Eval, message).at(at));
            }
        }
    }
    let Some(path) = path else {
        let message = "missing required 'path' attribute in the first argument to 'builtins.path'";
        return Err(Error::new(Kind::Eval, message).at(pos));
    };
    let name = match name {
        b"" => default_name(&path),
        name => name.to_vec(),
    };
    let wanted = Wanted {
        path,
        context: ev.contexts.build(context),
        name,
        filter,
        method,
        expected,
    };
    add(ev, wanted, pos)
}

fn default_name(path: &[u8]) -> Vec<u8> {
    match base_name(path) {
        b"" => b"source".to_vec(),
        name => name.to_vec(),
    }
}

fn add(ev: &Evaluator, wanted: Wanted, pos: Pos) -> Result<Value> {
    let path = wanted.path.clone();
    add_unframed(ev, wanted, pos).in_frame_with(pos, || {
        format!("while adding path '{}'", String::from_utf8_lossy(&path))
    })
}

fn add_unframed(ev: &Evaluator, wanted: Wanted, pos: Pos) -> Result<Value> {
    let Wanted {
        path,
        context,
        name,
        filter,
        method,
        expected,
    } = wanted;
    if !context.is_empty() && ev.host.store_dir().contains(&path) {
        realise_context(ev, context)?;
    }
    let name = String::from_utf8_lossy(&name);
    let expected_path = match expected {
        Some(hash) => {
            let address = ContentAddress { method, hash };
            let store = ev.host.store_dir();
            Some(store.make_fixed_output_path(&address, &name, [], false)?)
        }
        None => None,
    };
    if let Some(expected) = &expected_path
        && ev.host.is_valid_path(expected)?
    {
        return Ok(store_path_string(ev, expected));
    }
    ev.check_access(&path)?;
    let real = ev.resolve_links(&path)?;
    if method == ContentAddressMethod::Flat && ev.file_type(&real)? == Some(FileType::Directory) {
        return Err(nivis_eval::files::is_a_directory());
    }
    let mut ask = |path: &[u8], file_type: FileType| match filter {
        _ if !ev.is_allowed(path) => Ok(false),
        Some(filter) => call_filter(ev, filter, path, file_type, pos),
        None => Ok(true),
    };
    let source = Source {
        path: &real,
        name: &name,
        method,
        algorithm: HashAlgorithm::Sha256,
        filter: (filter.is_some() || ev.is_restricted()).then_some(&mut ask),
    };
    let (added, _) = ev.host.add_source(source)?;
    if expected_path.is_some_and(|expected| expected != added) {
        let message = format!(
            "store path mismatch in (possibly filtered) path added from '{}'",
            String::from_utf8_lossy(&path)
        );
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    Ok(store_path_string(ev, &added))
}

fn call_filter(ev: &Evaluator, filter: Slot, path: &[u8], file_type: FileType, pos: Pos) -> Result<bool> {
    let args = [
        ev.string(path).slot(),
        ev.symbol_value(ev.intern(file_type.name().as_bytes())).slot(),
    ];
    let answer = ev.call_slot(filter, &args, pos)?;
    let message = "while evaluating the return value of the path filter function";
    ev.expect_bool(answer.slot(), pos, message)
}

/// The path as a string that refers to it; it may be looked at from now on.
pub(crate) fn store_path_string(ev: &Evaluator, path: &StorePath) -> Value {
    ev.allow_store_path(path);
    let context = ev.contexts.singleton(ContextElement::Path(path.clone()));
    ev.heap
        .string_in(ev.host.store_dir().print(path).as_bytes(), context)
}

fn to_file(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let message = "while evaluating the first argument passed to builtins.toFile";
    let name = ev.expect_string_without_context(args[0], pos, message)?;
    let name = String::from_utf8_lossy(name);
    let mut context = ContextBuilder::default();
    let message = "while evaluating the second argument passed to builtins.toFile";
    let contents = ev.expect_string_in(args[1], pos, message, &mut context)?;
    let context = ev.contexts.build(context);
    let mut references = vec![];
    for element in ev.contexts.elements(context).iter() {
        match element {
            ContextElement::Path(path) => references.push(path.clone()),
            ContextElement::DrvDeep(drv) => {
                return Err(refers_to(&name, &format!("={}", drv.base_name()), pos));
            }
            ContextElement::Output { drv, output } => {
                return Err(refers_to(&name, &format!("!{output}!{}", drv.base_name()), pos));
            }
        }
    }
    let path = match ev.settings.read_only {
        true => {
            let store = ev.host.store_dir();
            store.make_text_path(&name, &Hash::sha256(contents), &references)?
        }
        false => ev.host.add_text(&name, contents, &references)?,
    };
    ev.derivations.remember(path.clone(), context);
    Ok(store_path_string(ev, &path))
}

#[cold]
fn refers_to(name: &str, what: &str, pos: Pos) -> Error {
    let message = format!(
        "files created by builtins.toFile may not reference derivations, but {name} references {what}"
    );
    Error::new(Kind::Eval, message).at(pos)
}

fn to_path(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let mut context = ContextBuilder::default();
    let message = "while evaluating the first argument passed to builtins.toPath";
    let path = ev.coerce_to_path(args[0], pos, &mut context, message)?;
    Ok(ev.heap.string_in(&path, ev.contexts.build(context)))
}

fn store_path(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    if ev.settings.pure_eval {
        let message = "'builtins.storePath' is not allowed in pure evaluation mode";
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    let mut context = ContextBuilder::default();
    let message = "while evaluating the first argument passed to 'builtins.storePath'";
    let mut path = ev.coerce_to_path(args[0], pos, &mut context, message)?;
    let store = ev.host.store_dir();
    // A symlink that lies directly in the store is meant itself.
    if store.parse(&path).is_err() {
        path = Cow::Owned(ev.resolve_links(&path)?);
    }
    if !store.contains(&path) {
        let message = format!(
            "path '{}' is not in the Nix store",
            String::from_utf8_lossy(&path)
        );
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    let (object, _) = store.to_store_path(&path)?;
    if !ev.settings.read_only {
        ev.host.ensure_path(&object)?;
    }
    context.add(ev.contexts.singleton(ContextElement::Path(object)));
    Ok(ev.heap.string_in(&path, ev.contexts.build(context)))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "path",
        arity: 1,
        function: path,
        args: &["args"],
        doc: "Copies a file or directory to the store and returns its path there. *args* has the attributes `path`, and if wanted `name`, `filter` (see `filterSource`), `recursive` (whether the hash is that of the whole tree; the default) and `sha256` (what it has to be).",
        ..Primop::DEFAULT
    },
    Primop {
        name: "filterSource",
        arity: 2,
        function: filter_source,
        args: &["e1", "e2"],
        doc: "Copies the directory *e2* to the store, but only what the function *e1* returns `true` for. It is called with the absolute path and the type of each file below *e2*. Prefer `path`, which lets the result have a name of its own.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "toFile",
        arity: 2,
        function: to_file,
        args: &["name", "s"],
        doc: "Writes the string *s* to a file called *name* in the store and returns its path. The string may refer to paths of the store, but not to outputs of derivations.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "toPath",
        arity: 1,
        function: to_path,
        args: &["s"],
        doc: "Returns the absolute path *s* normalised, as a string. Deprecated: use `/. + \"/path\"`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "storePath",
        arity: 1,
        function: store_path,
        args: &["path"],
        doc: "Returns the string *path*, which lies in the store, so that a derivation that uses it depends on it. Not allowed in pure evaluation.",
        ..Primop::DEFAULT
    },
];
