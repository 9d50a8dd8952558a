//! Operations that add files to the store, or only say what their paths would be.

use super::{Call, Operation, OperationFlag, PLAIN, bare_unknown_flag};
use crate::args::{Arg, lossy};
use crate::failure::{Failure, Result};
use crate::files::{base_name, with_canonical_parent};
use crate::hash_command::algorithm;
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::hash::Hash;
use nivis_store::nar::FileType;
use nivis_store::source::{SourceMethod, hash_source};
use std::io::Write;
use std::path::Path;

pub(super) static ADD: Operation = Operation {
    names: &["--add", "-A"],
    arguments: "PATH…",
    help: "Copy files and folders to the store.",
    unknown_flag: bare_unknown_flag,
    run: |call| {
        let args = std::mem::take(&mut call.args);
        args.iter()
            .try_for_each(|arg| add(call, arg, SourceMethod::RECURSIVE))
    },
    ..PLAIN
};

const RECURSIVE: OperationFlag = OperationFlag {
    names: &["--recursive"],
    value: "",
    help: "The hash is that of an archive, not of a file's contents.",
};

pub(super) static ADD_FIXED: Operation = Operation {
    names: &["--add-fixed"],
    arguments: "ALGORITHM PATH…",
    help: "Copy files to the store as derivations with fixed outputs would make them.",
    flags: &[RECURSIVE],
    run: |call| {
        let args = std::mem::take(&mut call.args);
        let Some((name, paths)) = args.split_first() else {
            return Err(Failure::Usage("first argument must be hash algorithm".to_owned()));
        };
        let method = SourceMethod {
            method: method(call),
            algorithm: algorithm(call.session.common, &lossy(name))?,
        };
        paths.iter().try_for_each(|path| add(call, path, method))
    },
    ..PLAIN
};

pub(super) static PRINT_FIXED_PATH: Operation = Operation {
    names: &["--print-fixed-path"],
    arguments: "ALGORITHM HASH NAME",
    help: "Print where --add-fixed would put a file with that hash and name.",
    flags: &[RECURSIVE],
    run: |call| {
        let [name_of_algorithm, hash, name] = call.args.as_slice() else {
            return Err(Failure::Usage(
                "'--print-fixed-path' requires three arguments".to_owned(),
            ));
        };
        let algorithm = algorithm(call.session.common, &lossy(name_of_algorithm))?;
        let hash = Hash::parse_any(&lossy(hash), Some(algorithm))
            .map_err(|error| Failure::Plain(error.to_string()))?;
        let address = ContentAddress {
            method: method(call),
            hash,
        };
        let store_dir = call.session.store.store_dir();
        let path = store_dir.make_fixed_output_path(&address, &lossy(name), [], false)?;
        Ok(writeln!(call.out, "{}", store_dir.print(&path))?)
    },
    ..PLAIN
};

fn method(call: &Call) -> ContentAddressMethod {
    match call.has("--recursive") {
        true => ContentAddressMethod::NixArchive,
        false => ContentAddressMethod::Flat,
    }
}

fn add(call: &mut Call, arg: &Arg, method: SourceMethod) -> Result<()> {
    let store = &call.session.store;
    let source = with_canonical_parent(arg)?;
    let name = lossy(base_name(arg));
    if store.config().read_only {
        let all = |_: &Path, _: FileType| Ok::<_, Failure>(true);
        let found = hash_source(&source, method, all)?;
        let path = store
            .store_dir()
            .make_fixed_output_path(&found.address, &name, [], false)?;
        return Ok(writeln!(call.out, "{}", call.session.print(&path))?);
    }
    let path = store.add_new_source(&name, &source, method)?;
    // It is in the store before it is printed.
    store.flush()?;
    Ok(writeln!(call.out, "{}", call.session.print(&path))?)
}
