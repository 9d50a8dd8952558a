//! Operations on archives: `--dump`, `--restore`, `--export` and `--import`.

use super::{Call, Operation, PLAIN, bare_unknown_flag};
use crate::args::Arg;
use crate::failure::{Failure, Result};
use nivis_store::io_error::IoError;
use nivis_store::nar::{NarError, accept_all, dump_path, restore_path};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How much is read or written at once.
const BUFFER_SIZE: usize = 256 * 1024;

pub(super) static DUMP: Operation = Operation {
    names: &["--dump"],
    arguments: "PATH",
    help: "Write the archive of a path, in the store or not, to standard output.",
    unknown_flag: bare_unknown_flag,
    run: |call| {
        let path = only_argument(&call.args)?;
        let mut out = stdout()?;
        let path = Path::new(OsStr::from_bytes(path));
        let path = std::path::absolute(path).map_err(|error| IoError::at("resolving", path, error))?;
        let dumped = dump_path(&path, &mut out, accept_all);
        dumped.map_err(output_or_plain)
    },
    ..PLAIN
};

pub(super) static RESTORE: Operation = Operation {
    names: &["--restore"],
    arguments: "PATH",
    help: "Make the files of the archive on standard input at a path where nothing is yet.",
    reads_stdin: true,
    unknown_flag: bare_unknown_flag,
    run: |call| {
        let path = only_argument(&call.args)?;
        Ok(restore_path(&mut stdin()?, Path::new(OsStr::from_bytes(path)))?)
    },
    ..PLAIN
};

pub(super) static EXPORT: Operation = Operation {
    names: &["--export"],
    arguments: "PATH…",
    help: "Write paths to standard output, to be imported into other stores; what they need has to be named, too.",
    run: |call| {
        let paths = call.session.objects(&call.args)?;
        let mut out = BufWriter::with_capacity(BUFFER_SIZE, stdout()?);
        call.session.store.export(paths, &mut out)?;
        Ok(out.flush()?)
    },
    ..PLAIN
};

pub(super) static IMPORT: Operation = Operation {
    names: &["--import"],
    help: "Add what --export wrote, from standard input, to the store.",
    reads_stdin: true,
    run: |call: &mut Call| {
        call.no_arguments()?;
        for path in call.session.store.import(&mut stdin()?)? {
            writeln!(call.out, "{}", call.session.print(&path))?;
        }
        Ok(())
    },
    ..PLAIN
};

fn only_argument(args: &[Arg]) -> Result<&[u8]> {
    match args {
        [arg] => Ok(arg),
        _ => Err(Failure::Usage("only one argument allowed".to_owned())),
    }
}

/// Standard output without the buffer that looks for lines.
fn stdout() -> Result<File> {
    let duplicate = io::stdout().as_fd().try_clone_to_owned();
    Ok(File::from(duplicate?))
}

fn stdin() -> Result<BufReader<File>> {
    let duplicate = io::stdin().as_fd().try_clone_to_owned();
    let duplicate = duplicate.map_err(|error| IoError::during("opening standard input", error))?;
    Ok(BufReader::with_capacity(BUFFER_SIZE, File::from(duplicate)))
}

/// A reader that has seen enough of the output is not worth a message.
fn output_or_plain(error: NarError) -> Failure {
    match &error {
        NarError::Io(inner) if inner.kind() == io::ErrorKind::BrokenPipe => {
            Failure::Output(io::ErrorKind::BrokenPipe.into())
        }
        _ => error.into(),
    }
}
