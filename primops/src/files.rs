//! Primops that read files and folders, and the environment.

use crate::realise::{realise_path, realise_path_in_real_folder, realise_real_path};
use nivis_eval::attrs::Entry;
use nivis_eval::context::{ContextElement, ContextId};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::FileType;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn read_file(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let path = realise_real_path(ev, args[0], pos)?;
    let contents = ev.read_file(&path)?;
    if contents.contains(&0) {
        let message = format!(
            "the contents of the file '{}' cannot be represented as a Nix string",
            String::from_utf8_lossy(&path)
        );
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    let context = references_within(ev, &path, &contents);
    Ok(ev.heap.string_in(&contents, context))
}

/// What the store object that the file belongs to refers to, as far as the file mentions it.
fn references_within(ev: &Evaluator, path: &[u8], contents: &[u8]) -> ContextId {
    let Ok((object, _)) = ev.host.store_dir().to_store_path(path) else {
        return ContextId::EMPTY;
    };
    let mentioned = ev
        .store_references(&object)
        .unwrap_or_default()
        .into_iter()
        .filter(|reference| {
            let digits = reference.hash_part().as_bytes();
            contents.windows(digits.len()).any(|window| window == digits)
        })
        .map(ContextElement::Path)
        .collect();
    ev.contexts.intern(mentioned)
}

fn file_type_value(ev: &Evaluator, file_type: FileType) -> Value {
    ev.symbol_value(ev.intern(file_type.name().as_bytes()))
}

fn read_file_type(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let path = realise_path(ev, args[0], pos)?;
    ev.forbid_links_above(&path)?;
    match ev.file_type(&path)? {
        Some(file_type) => Ok(file_type_value(ev, file_type)),
        None => Err(nivis_eval::files::does_not_exist(&path)),
    }
}

fn read_dir(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let path = realise_real_path(ev, args[0], pos)?;
    let mut entries: Vec<Entry> = ev
        .read_dir(&path)?
        .into_iter()
        .map(|(name, file_type)| Entry {
            name: ev.intern(&name),
            slot: file_type_value(ev, file_type).slot(),
            pos: Pos::NONE,
        })
        .collect();
    Ok(ev.heap.attrs(&mut entries))
}

fn path_exists(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let value = ev.force(args[0], pos)?;
    // Paths have no slash at the end; a string says with it that only a folder will do.
    let must_be_folder = value
        .as_string()
        .is_some_and(|string| string.bytes().ends_with(b"/") || string.bytes().ends_with(b"/."));
    let found = || {
        let path = match must_be_folder {
            true => realise_real_path(ev, value.slot(), pos)?,
            false => realise_path_in_real_folder(ev, value.slot(), pos)?,
        };
        ev.file_type(&path)
    };
    match found() {
        Ok(found) => {
            let exists = found.is_some_and(|file_type| !must_be_folder || file_type == FileType::Directory);
            Ok(Value::bool(exists))
        }
        Err(error) if error.kind() == Kind::Restricted => Ok(Value::FALSE),
        Err(error) => Err(error),
    }
}

fn get_env(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.getEnv";
    let name = ev.expect_string_without_context(args[0], pos, context)?;
    if ev.is_restricted() {
        return Ok(ev.string(b""));
    }
    Ok(ev.string(&ev.host.environment(name).unwrap_or_default()))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "readFile",
        arity: 1,
        function: read_file,
        args: &["path"],
        doc: "Returns the contents of the file *path* as a string.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "readFileType",
        arity: 1,
        function: read_file_type,
        args: &["p"],
        doc: "Returns the type of the file *p*: `\"directory\"`, `\"regular\"`, `\"symlink\"` or `\"unknown\"`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "readDir",
        arity: 1,
        function: read_dir,
        args: &["path"],
        doc: "Returns the entries of the directory *path* as a set from names to types, which are `\"directory\"`, `\"regular\"`, `\"symlink\"` or `\"unknown\"`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "pathExists",
        arity: 1,
        function: path_exists,
        args: &["path"],
        doc: "Returns whether *path* exists. A string that ends in a slash has to be a directory.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "getEnv",
        arity: 1,
        function: get_env,
        args: &["s"],
        doc: "Returns the environment variable *s*, or an empty string if there is none. Always empty in pure and restricted evaluation.",
        ..Primop::DEFAULT
    },
];
