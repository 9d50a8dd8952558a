//! Unpacking tar archives, compressed or not.
//!
//! Only what a NAR archive can hold is taken over: contents, whether a file may be run, and where symlinks lead.
//! The destination is a folder that nobody else writes to. What was made in it is remembered, so an archive cannot
//! lead out of it by symlinks of its own.

use crate::decompress::decompress;
use crate::io_error::IoError;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// What can be wrong with an archive.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum TarballError {
    #[error("Failed to open archive (Unrecognized archive format)")]
    NotAnArchive,
    #[error("archive entry '{0}' leads out of the archive")]
    Outside(String),
    #[error("archive entry '{0}' lies below something that is not a directory")]
    BelowFile(String),
    #[error("archive entry '{0}' is a link to '{1}', which the archive does not hold")]
    DanglingLink(String, String),
    #[error("archive entry '{0}' has an unsupported type")]
    UnsupportedType(String),
    #[error("cannot read archive: {0}")]
    Read(io::Error),
    #[error(transparent)]
    Io(#[from] IoError),
}

/// What was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Folder,
    File,
    Symlink,
}

/// Unpacks the archive into the empty folder `destination`.
pub fn unpack(source: impl Read, destination: &Path) -> Result<(), TarballError> {
    let source = decompress(source).map_err(TarballError::Read)?;
    let mut archive = tar::Archive::new(source);
    let mut unpacker = Unpacker {
        destination,
        made: HashMap::new(),
    };
    let mut is_first = true;
    for entry in archive.entries().map_err(TarballError::Read)? {
        let mut entry = match entry {
            Ok(entry) => entry,
            // Compression has checksums, plain text has none: it fails at the first header.
            Err(_) if is_first => return Err(TarballError::NotAnArchive),
            Err(error) => return Err(TarballError::Read(error)),
        };
        is_first = false;
        unpacker.entry(&mut entry)?;
    }
    match is_first {
        true => Err(TarballError::NotAnArchive),
        false => Ok(()),
    }
}

/// The tree in an unpacked archive: the one folder at its top, or all of it if there is more than that.
pub fn tree_in(destination: &Path) -> Result<PathBuf, IoError> {
    let at = |error| IoError::at("reading directory", destination, error);
    let mut entries = fs::read_dir(destination).map_err(at)?;
    match (entries.next().transpose().map_err(at)?, entries.next()) {
        (Some(only), None) if only.file_type().map_err(at)?.is_dir() => Ok(only.path()),
        _ => Ok(destination.to_owned()),
    }
}

struct Unpacker<'d> {
    destination: &'d Path,
    made: HashMap<PathBuf, Made>,
}

impl Unpacker<'_> {
    fn entry(&mut self, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), TarballError> {
        let name = entry.path_bytes().into_owned();
        let kind = entry.header().entry_type();
        if matches!(
            kind,
            tar::EntryType::XGlobalHeader | tar::EntryType::XHeader | tar::EntryType::GNULongName
        ) {
            return Ok(());
        }
        let path = relative(&name)?;
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        if kind == tar::EntryType::Directory {
            return self.folder(&path, &name);
        }
        if let Some(parent) = path.parent() {
            self.folder(parent, &name)?;
        }
        self.remove_old(&path, &name)?;
        let place = self.destination.join(&path);
        let made = match kind {
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                let mode = entry.header().mode().map_err(TarballError::Read)?;
                write_file(&place, mode & 0o100 != 0, entry)?;
                Made::File
            }
            tar::EntryType::Symlink => {
                let target = link_target(entry)?;
                symlink(OsStr::from_bytes(&target), &place)
                    .map_err(|error| IoError::at("creating symbolic link", &place, error))?;
                Made::Symlink
            }
            tar::EntryType::Link => self.hard_link(&place, &name, &link_target(entry)?)?,
            _ => return Err(TarballError::UnsupportedType(lossy(&name))),
        };
        self.made.insert(path, made);
        Ok(())
    }

    /// Makes a folder and those above it.
    fn folder(&mut self, path: &Path, name: &[u8]) -> Result<(), TarballError> {
        let mut above = PathBuf::new();
        for component in path.components() {
            above.push(component);
            match self.made.get(&above) {
                Some(Made::Folder) => continue,
                Some(_) => return Err(TarballError::BelowFile(lossy(name))),
                None => {}
            }
            let place = self.destination.join(&above);
            fs::create_dir(&place).map_err(|error| IoError::at("creating directory", &place, error))?;
            self.made.insert(above.clone(), Made::Folder);
        }
        Ok(())
    }

    /// Of two entries of one name the later one counts.
    fn remove_old(&mut self, path: &Path, name: &[u8]) -> Result<(), TarballError> {
        match self.made.remove(path) {
            None => Ok(()),
            Some(Made::Folder) => Err(TarballError::BelowFile(lossy(name))),
            Some(Made::File | Made::Symlink) => {
                let place = self.destination.join(path);
                Ok(fs::remove_file(&place).map_err(|error| IoError::at("removing", &place, error))?)
            }
        }
    }

    fn hard_link(&self, place: &Path, name: &[u8], target: &[u8]) -> Result<Made, TarballError> {
        let path = relative(target)?;
        let made = match self.made.get(&path) {
            Some(made) if *made != Made::Folder => *made,
            _ => return Err(TarballError::DanglingLink(lossy(name), lossy(target))),
        };
        fs::hard_link(self.destination.join(path), place)
            .map_err(|error| IoError::at("creating link", place, error))?;
        Ok(made)
    }
}

fn write_file(place: &Path, executable: bool, contents: &mut impl Read) -> Result<(), TarballError> {
    let at = |error| IoError::at("writing file", place, error);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(if executable { 0o777 } else { 0o666 })
        .open(place)
        .map_err(at)?;
    io::copy(contents, &mut file).map_err(at)?;
    Ok(())
}

fn link_target(entry: &tar::Entry<'_, impl Read>) -> Result<Vec<u8>, TarballError> {
    Ok(entry.link_name_bytes().unwrap_or_default().into_owned())
}

/// The name of an entry as a path below the destination.
fn relative(name: &[u8]) -> Result<PathBuf, TarballError> {
    let mut path = PathBuf::new();
    for component in Path::new(OsStr::from_bytes(name)).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(TarballError::Outside(lossy(name))),
        }
    }
    Ok(path)
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn header(kind: tar::EntryType, mode: u32, size: usize) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size as u64);
        header
    }

    fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(vec![]);
        for (name, kind, text) in entries {
            let is_link = matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link);
            let size = if is_link { 0 } else { text.len() };
            let mode = if name.ends_with(".sh") { 0o755 } else { 0o640 };
            let mut header = header(*kind, mode, size);
            match is_link {
                true => builder.append_link(&mut header, name, text).unwrap(),
                false => builder.append_data(&mut header, name, text.as_bytes()).unwrap(),
            }
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn trees_are_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = archive(&[
            ("top/", tar::EntryType::Directory, ""),
            ("top/a/run.sh", tar::EntryType::Regular, "old"),
            ("top/a/run.sh", tar::EntryType::Regular, "text"),
            ("top/link", tar::EntryType::Symlink, "a/run.sh"),
            ("top/hard", tar::EntryType::Link, "top/a/run.sh"),
        ]);
        unpack(&bytes[..], folder.path()).unwrap();
        let tree = tree_in(folder.path()).unwrap();
        assert_eq!(tree, folder.path().join("top"));
        assert_eq!(fs::read(tree.join("a/run.sh")).unwrap(), b"text");
        assert_eq!(fs::read(tree.join("hard")).unwrap(), b"text");
        assert_eq!(fs::read_link(tree.join("link")).unwrap(), Path::new("a/run.sh"));
        let mode = fs::metadata(tree.join("a/run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o100, 0o100);
    }

    #[test]
    fn archives_stay_inside() {
        let message = |entries: &[(&str, tar::EntryType, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            let error = unpack(&archive(entries)[..], folder.path()).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            message(&[
                ("x", tar::EntryType::Symlink, "/tmp"),
                ("x/y", tar::EntryType::Regular, "")
            ]),
            "archive entry 'x/y' lies below something that is not a directory"
        );
        assert_eq!(
            message(&[("x", tar::EntryType::Link, "/etc/passwd")]),
            "archive entry 'x' is a link to '/etc/passwd', which the archive does not hold"
        );
        assert!(relative(b"a/../../b").is_err());
    }

    #[test]
    fn other_files_are_no_archives() {
        let folder = tempfile::tempdir().unwrap();
        for text in [&b"hello\n"[..], b""] {
            let error = unpack(text, folder.path()).unwrap_err();
            assert!(matches!(error, TarballError::NotAnArchive), "{error}");
        }
    }
}
