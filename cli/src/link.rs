//! `nivis link DIR`: links with the classic names, so that DIR can be put on `PATH`.

use crate::args::{Arg, lossy};
use crate::commands::COMMANDS;
use crate::failure::{Failure, Result};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Makes the links; links that are there already are replaced, other files are not.
pub(crate) fn run(args: &[Arg]) -> Result<()> {
    let [dir] = args else {
        return Err(Failure::Usage("'link' takes one argument, a folder".to_owned()));
    };
    let dir = Path::new(OsStr::from_bytes(dir));
    let program = std::env::current_exe()
        .map_err(|error| Failure::Plain(format!("cannot find the program's own file: {error}")))?;
    fs::create_dir_all(dir).map_err(|error| failed("create the folder", dir, &error))?;
    // `nix` has the REPL only.
    for name in COMMANDS.iter().map(|command| command.name).chain(["nix"]) {
        let link = dir.join(name);
        replace(&link, &program).map_err(|error| failed("make the link", &link, &error))?;
    }
    Ok(())
}

fn replace(link: &Path, program: &Path) -> io::Result<()> {
    match fs::symlink_metadata(link) {
        Ok(metadata) if metadata.is_symlink() => fs::remove_file(link)?,
        _ => {}
    }
    symlink(program, link)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    let path = lossy(path.as_os_str().as_bytes());
    Failure::Plain(format!("cannot {what} '{path}': {error}"))
}
