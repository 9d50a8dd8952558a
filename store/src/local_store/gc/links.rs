//! Clearing the folder of hard links of what no store object has any more.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::notify::{Level, Notify};
use crate::size::render_size;

/// Delete the entries of `.links` that nothing else is linked to; says and gives how many bytes the others save.
///
/// An optimiser may link to an entry that is being deleted: then the file is just not shared.
pub(super) fn clean(config: &StoreConfig, notify: &Notify) -> Result<u64, StoreError> {
    notify.say("deleting unused links...");
    let folder = config.real_store_dir.join(".links");
    let at = |error| IoError::at("reading directory", &folder, error);
    let (mut actual, mut unshared) = (0u64, 0u64);
    for entry in fs::read_dir(&folder).map_err(at)? {
        notify.check_interrupt()?;
        let entry = entry.map_err(at)?;
        let path = entry.path();
        let status = match entry.metadata() {
            Ok(status) => status,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(IoError::at("getting status of", &path, error).into()),
        };
        if status.nlink() != 1 {
            actual += status.size();
            unshared += (status.nlink() - 1) * status.size();
            continue;
        }
        notify.tell(
            Level::Talkative,
            &format!("deleting unused link \"{}\"", path.display()),
        );
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(IoError::at("cannot unlink", &path, error).into());
            }
            _ => {}
        }
    }
    let status = folder
        .metadata()
        .map_err(|error| IoError::at("getting status of", &folder, error))?;
    // The folder itself takes more than is saved in a small store.
    let saved = unshared.saturating_sub(actual + status.blocks() * 512);
    notify.say(&format!(
        "note: hard linking is currently saving {}",
        render_size(saved)
    ));
    Ok(saved)
}
