//! User environments: what a profile holds, and the manifest that says so.

use crate::failure::{Failure, Result};
use crate::packages::{self, Package};
use nivis_eval::evaluator::Evaluator;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The packages of a profile; none if it does not exist.
pub(crate) fn installed(ev: &Evaluator, profile: &Path) -> Result<Vec<Package>> {
    let exists = |name: &str| {
        let path = profile.join(name);
        ev.host
            .file_type(path.as_os_str().as_bytes())
            .is_ok_and(|found| found.is_some())
    };
    if exists("manifest.json") {
        return Err(Failure::Plain(format!(
            "profile \"{}\" is incompatible with 'nix-env'; please use 'nix profile' instead",
            profile.display()
        )));
    }
    if !exists("manifest.nix") {
        return Ok(vec![]);
    }
    let manifest = profile.join("manifest.nix");
    let real = ev.resolve_links(manifest.as_os_str().as_bytes())?;
    let value = ev.import(&real)?;
    let no_arguments = ev.heap.attrs(&mut []);
    let Some(no_arguments) = no_arguments.as_attrs() else {
        return Ok(vec![]);
    };
    Ok(packages::find(ev, value.slot(), no_arguments, false)?)
}
