//! Operations that take a few lines.

use super::{Call, Operation, OperationFlag, PLAIN, bare_unknown_flag};
use crate::args::lossy;
use crate::failure::{Failure, Result};
use nivis_store::decompress::decompress;
use nivis_store::io_error::IoError;
use nivis_store::path::StorePath;
use nivis_store::signature::SecretKey;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(super) static INIT: Operation = Operation {
    names: &["--init"],
    help: "Make an empty store if there is none.",
    unknown_flag: bare_unknown_flag,
    run: |call| {
        call.no_arguments()?;
        Ok(call.session.store.open()?)
    },
    ..PLAIN
};

pub(super) static CHECK_VALIDITY: Operation = Operation {
    names: &["--check-validity"],
    arguments: "PATH…",
    help: "Fail unless all the paths are valid.",
    flags: &[OperationFlag {
        names: &["--print-invalid"],
        value: "",
        help: "Print the paths that are not, instead of failing.",
    }],
    run: check_validity,
    ..PLAIN
};

/// Asks for all paths at once. An argument that is no path is an error after those before it.
fn check_validity(call: &mut Call) -> Result<()> {
    let mut paths = vec![];
    let mut outcome = Ok(());
    for arg in &call.args {
        match call.session.object(arg) {
            Ok(path) => paths.push(path),
            Err(failure) => {
                outcome = Err(failure);
                break;
            }
        }
    }
    let valid = call
        .session
        .store
        .query_valid_paths(&paths.iter().cloned().collect())?;
    for path in paths.iter().filter(|path| !valid.contains(*path)) {
        let printed = call.session.print(path);
        if !call.has("--print-invalid") {
            return Err(Failure::Plain(format!("path '{printed}' is not valid")));
        }
        writeln!(call.out, "{printed}")?;
    }
    outcome
}

pub(super) static PATH_FROM_HASH_PART: Operation = Operation {
    names: &["--path-from-hash-part"],
    arguments: "HASH…",
    help: "Print the valid path that has these 32 digits.",
    unknown_flag: bare_unknown_flag,
    run: |call| {
        for arg in std::mem::take(&mut call.args) {
            let hash = lossy(&arg);
            let Some(path) = call.session.store.query_path_from_hash_part(&hash)? else {
                let message = format!("there is no store path corresponding to '{hash}'");
                return Err(Failure::Plain(message));
            };
            writeln!(call.out, "{}", call.session.print(&path))?;
        }
        Ok(())
    },
    ..PLAIN
};

pub(super) static PRINT_ENV: Operation = Operation {
    names: &["--print-env"],
    arguments: "DERIVATION",
    help: "Print the environment of a derivation's builder, to be sourced by a shell.",
    unknown_flag: bare_unknown_flag,
    run: print_env,
    ..PLAIN
};

fn print_env(call: &mut Call) -> Result<()> {
    let [path] = call.args.as_slice() else {
        return Err(Failure::Usage(
            "'--print-env' requires one derivation store path".to_owned(),
        ));
    };
    let session = call.session;
    let derivation = session.derivation(&session.store.store_dir().parse(path)?)?;
    for (name, value) in derivation.env.iter() {
        call.out.write_all(b"export ")?;
        call.out.write_all(name)?;
        call.out.write_all(b"; ")?;
        call.out.write_all(name)?;
        call.out.write_all(b"=")?;
        call.out.write_all(&quoted(value))?;
        // The second newline is the reference's.
        call.out.write_all(b"\n\n")?;
    }
    let args = derivation.args.join(&b' ');
    call.out.write_all(b"export _args; _args=")?;
    call.out.write_all(&quoted(&args))?;
    Ok(call.out.write_all(b"\n")?)
}

/// A word for a shell, always in quotes.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for &byte in text {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            _ => word.push(byte),
        }
    }
    word.push(b'\'');
    word
}

pub(super) static READ_LOG: Operation = Operation {
    names: &["--read-log", "-l"],
    arguments: "PATH…",
    help: "Print what builds printed, of derivations or of what was built from them.",
    unknown_flag: bare_unknown_flag,
    run: |call| {
        let args = std::mem::take(&mut call.args);
        for arg in &args {
            let path = call.session.object(arg)?;
            let mut log = match find_log(call, &path)? {
                Some(log) => log,
                None => {
                    let path = call.session.print(&path);
                    let message = format!("build log of derivation '{path}' is not available");
                    return Err(Failure::Plain(message));
                }
            };
            io::copy(&mut log, call.out)?;
        }
        Ok(())
    },
    ..PLAIN
};

/// The log of the build that a path is from.
fn find_log(call: &Call, path: &StorePath) -> Result<Option<Box<dyn io::Read>>> {
    let store = &call.session.store;
    let derivation = if path.is_derivation() {
        // What is not valid may still have a log.
        let resolved = store.query_resolved(path).unwrap_or(None);
        resolved.unwrap_or_else(|| path.clone())
    } else if !store.is_valid_path(path)? {
        return Ok(None);
    } else {
        match store.query_path_info(path)?.deriver {
            Some(deriver) => deriver,
            None => return Ok(None),
        }
    };
    let (start, rest) = derivation.base_name().split_at(2);
    let folder = store.config().log_dir.join("drvs");
    for place in [folder.join(start).join(rest), folder.join(derivation.base_name())] {
        for extension in ["", ".bz2", ".zst", ".xz"] {
            let mut name = place.clone().into_os_string();
            name.push(extension);
            let name = PathBuf::from(name);
            let file = match File::open(&name) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(IoError::at("opening file", &name, error).into()),
            };
            if extension.is_empty() {
                return Ok(Some(Box::new(file)));
            }
            let log = decompress(file).map_err(|error| IoError::at("reading file", &name, error))?;
            return Ok(Some(log));
        }
    }
    Ok(None)
}

pub(super) static GENERATE_KEY: Operation = Operation {
    names: &["--generate-binary-cache-key"],
    arguments: "NAME SECRET-FILE PUBLIC-FILE",
    help: "Make a pair of keys for signing, with that name.",
    run: |call| {
        let [name, secret_file, public_file] = call.args.as_slice() else {
            return Err(Failure::Usage("three arguments expected".to_owned()));
        };
        let key = SecretKey::generate(&lossy(name))
            .map_err(|error| Failure::Plain(format!("cannot make a key: {error}")))?;
        write_file(public_file, 0o666, &key.public().to_string())?;
        write_file(secret_file, 0o600, &key.to_text())
    },
    ..PLAIN
};

fn write_file(path: &[u8], mode: u32, text: &str) -> Result<()> {
    let path = Path::new(OsStr::from_bytes(path));
    let mut options = File::options();
    let opened = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path);
    let mut file = opened.map_err(|error| IoError::at("opening file", path, error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| IoError::at("writing file", path, error).into())
}
