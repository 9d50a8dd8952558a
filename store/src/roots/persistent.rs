//! Finding the roots that last: what `gcroots` and `profiles` point to.

use std::fs::{self, FileType};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Roots, to_path};
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::notify::Notify;
use crate::path::{StorePath, canonical};

/// Look for roots below `gcroots` and `profiles`. Links in `gcroots/auto` to what is gone are deleted.
pub(crate) fn find(
    config: &StoreConfig,
    is_valid: &mut dyn FnMut(&StorePath) -> Result<bool, StoreError>,
    notify: &Notify,
    roots: &mut Roots,
) -> Result<(), StoreError> {
    let mut search = Search {
        config,
        auto: config.state_dir.join("gcroots/auto"),
        is_valid,
        notify,
        roots,
    };
    for name in ["gcroots", "profiles"] {
        let path = config.state_dir.join(name);
        let file_type = path.symlink_metadata().map(|metadata| metadata.file_type());
        search.visit_or_skip(&path, file_type)?;
    }
    Ok(())
}

struct Search<'a> {
    config: &'a StoreConfig,
    auto: PathBuf,
    is_valid: &'a mut dyn FnMut(&StorePath) -> Result<bool, StoreError>,
    notify: &'a Notify,
    roots: &'a mut Roots,
}

/// Why an entry gives no root.
enum Failure {
    /// It cannot be read.
    Unreadable(io::Error),
    Store(StoreError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Unreadable(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl Search<'_> {
    /// What cannot be read for good is no root; any other failure ends the search.
    fn visit_or_skip(&mut self, path: &Path, file_type: io::Result<FileType>) -> Result<(), StoreError> {
        let visited = file_type
            .map_err(Failure::from)
            .and_then(|file_type| self.visit(path, file_type));
        match visited {
            Ok(()) => Ok(()),
            Err(Failure::Store(error)) => Err(error),
            Err(Failure::Unreadable(error)) => match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    self.notify
                        .say(&format!("cannot read potential root \"{}\"", path.display()));
                    Ok(())
                }
                _ => Err(IoError::at("finding GC roots in", path, error).into()),
            },
        }
    }

    fn visit(&mut self, path: &Path, file_type: FileType) -> Result<(), Failure> {
        if file_type.is_dir() {
            for entry in fs::read_dir(path)? {
                self.notify.check_interrupt()?;
                let entry = entry?;
                self.visit_or_skip(&entry.path(), entry.file_type())?;
            }
        } else if file_type.is_symlink() {
            self.visit_link(path)?;
        } else if file_type.is_file()
            && let Some(name) = path.file_name()
            && let Ok(target) = StorePath::from_base_name(name.as_bytes())
            && (self.is_valid)(&target)?
        {
            self.add(target, path);
        }
        Ok(())
    }

    fn visit_link(&mut self, link: &Path) -> Result<(), Failure> {
        let target = fs::read_link(link)?;
        if self.is_in_store(&target) {
            return self.found(link, &target);
        }
        // The link of somebody else, which points into the store if it is a root.
        let target = link.parent().unwrap_or(Path::new("/")).join(target);
        let Ok(target) = canonical(target.as_os_str().as_bytes()) else {
            return Ok(());
        };
        let target = to_path(&target);
        match target.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => {
                let inner = fs::read_link(&target)?;
                if self.is_in_store(&inner) {
                    self.found(&target, &inner)?;
                }
            }
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                if link.starts_with(&self.auto) {
                    self.notify.say(&format!(
                        "removing stale link from \"{}\" to \"{}\"",
                        link.display(),
                        target.display()
                    ));
                    // Another process may have been faster.
                    let _ = fs::remove_file(link);
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn is_in_store(&self, target: &Path) -> bool {
        self.config.store_dir.contains(target.as_os_str().as_bytes())
    }

    fn found(&mut self, link: &Path, target: &Path) -> Result<(), Failure> {
        // What cannot be the name of an object keeps none.
        let Ok((object, _)) = self.config.store_dir.to_store_path(target.as_os_str().as_bytes()) else {
            return Ok(());
        };
        if (self.is_valid)(&object)? {
            self.add(object, link);
        } else {
            self.notify.say(&format!(
                "skipping invalid root from \"{}\" to \"{}\"",
                link.display(),
                target.display()
            ));
        }
        Ok(())
    }

    fn add(&mut self, target: StorePath, link: &Path) {
        self.roots
            .entry(target)
            .or_default()
            .insert(link.as_os_str().as_bytes().to_vec());
    }
}
