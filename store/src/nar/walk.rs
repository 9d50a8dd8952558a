//! Going through a tree of the file system, in the order of an archive.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{FileType, MAX_DEPTH, NarError, NarSink};
use crate::io_error::IoError;

/// How much of a file is read at once.
const CHUNK_SIZE: usize = 64 * 1024;

/// Tell `sink` of a file, symlink or folder and of everything below it.
///
/// `filter` is asked for everything below `root`, but not for `root` itself. What it refuses is left out;
/// its errors come back as they are.
pub fn walk<S, F, E>(root: &Path, sink: &mut S, filter: F) -> Result<(), E>
where
    S: NarSink,
    F: FnMut(&Path, FileType) -> Result<bool, E>,
    E: From<NarError>,
{
    let metadata = fs::symlink_metadata(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NarError::NotFound(root.to_owned()),
        _ => IoError::at("getting status of", root, error).into(),
    })?;
    Walk {
        sink,
        filter,
        chunk: Vec::new(),
    }
    .node(root, b"", metadata.file_type().into(), 0)
}

struct Walk<'a, S, F> {
    sink: &'a mut S,
    filter: F,
    chunk: Vec<u8>,
}

impl<S: NarSink, F> Walk<'_, S, F> {
    fn node<E>(&mut self, path: &Path, name: &[u8], file_type: FileType, depth: usize) -> Result<(), E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError>,
    {
        if depth >= MAX_DEPTH {
            return Err(NarError::TreeTooDeep(path.to_owned()).into());
        }
        match file_type {
            FileType::Regular => Ok(self.file(path, name)?),
            FileType::Symlink => {
                let target = fs::read_link(path)
                    .map_err(|error| NarError::from(IoError::at("reading symbolic link", path, error)))?;
                Ok(self.sink.symlink(name, target.as_os_str().as_bytes())?)
            }
            FileType::Directory => self.directory(path, name, depth),
            FileType::Unknown => Err(NarError::UnsupportedType(path.to_owned()).into()),
        }
    }

    fn directory<E>(&mut self, path: &Path, name: &[u8], depth: usize) -> Result<(), E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError>,
    {
        let entries = sorted_entries(path)
            .map_err(|error| NarError::from(IoError::at("reading directory", path, error)))?;
        self.sink.begin_directory(name)?;
        for (name, file_type) in entries {
            let child = path.join(&name);
            if (self.filter)(&child, file_type)? {
                self.node(&child, name.as_bytes(), file_type, depth + 1)?;
            }
        }
        Ok(self.sink.end_directory()?)
    }

    fn file(&mut self, path: &Path, name: &[u8]) -> Result<(), NarError> {
        let at = |action, error| IoError::at(action, path, error);
        let mut file = File::open(path).map_err(|error| at("opening file", error))?;
        let metadata = file.metadata().map_err(|error| at("getting status of", error))?;
        if !metadata.is_file() {
            return Err(NarError::Changed(path.to_owned()));
        }
        let mut left = metadata.len();
        self.sink.begin_file(name, metadata.mode() & 0o100 != 0, left)?;
        let room = left.min(CHUNK_SIZE as u64) as usize;
        if self.chunk.len() < room {
            self.chunk.resize(room, 0);
        }
        while left > 0 {
            let want = left.min(CHUNK_SIZE as u64) as usize;
            match file.read(&mut self.chunk[..want]) {
                // The size is passed on already.
                Ok(0) => return Err(NarError::Changed(path.to_owned())),
                Ok(count) => {
                    self.sink.write(&self.chunk[..count])?;
                    left -= count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(at("reading file", error).into()),
            }
        }
        self.sink.end_file()
    }
}

fn sorted_entries(path: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        entries.push((entry.file_name(), entry.file_type()?.into()));
    }
    entries.sort_unstable_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
    Ok(entries)
}
