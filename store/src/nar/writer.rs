//! Making archives.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{FileType, MAX_DEPTH, NarError, Node, wire};
use crate::hash::{Hash, Hasher};
use crate::io_error::IoError;

/// How much is put together before it goes to the sink, and read at once.
const BUFFER_SIZE: usize = 64 * 1024;

/// A filter that leaves nothing out.
pub fn accept_all(_path: &Path, _file_type: FileType) -> Result<bool, NarError> {
    Ok(true)
}

/// Write the archive of a file, symlink or folder of the file system to `sink`.
///
/// `filter` is asked for everything below `root`, but not for `root` itself. What it refuses is left out;
/// its errors come back as they are.
pub fn dump_path<W, F, E>(root: &Path, sink: W, filter: F) -> Result<(), E>
where
    W: Write,
    F: FnMut(&Path, FileType) -> Result<bool, E>,
    E: From<NarError>,
{
    let metadata = fs::symlink_metadata(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NarError::NotFound(root.to_owned()),
        _ => IoError::at("getting status of", root, error).into(),
    })?;
    let mut out = Output::new(sink);
    Dump {
        out: &mut out,
        filter,
    }
    .node(root, metadata.file_type().into(), 0)?;
    Ok(out.flush()?)
}

/// The sha256 of the archive of a path, and the archive's size.
pub fn hash_path<F, E>(root: &Path, filter: F) -> Result<(Hash, u64), E>
where
    F: FnMut(&Path, FileType) -> Result<bool, E>,
    E: From<NarError>,
{
    let mut hasher = Hasher::sha256();
    dump_path(root, &mut hasher, filter)?;
    let size = hasher.count();
    Ok((hasher.finish(), size))
}

/// Write the archive of a tree in memory to `sink`.
pub fn dump_node(node: &Node, sink: impl Write) -> Result<(), NarError> {
    let mut out = Output::new(sink);
    write_node(node, &mut out)?;
    out.flush()
}

fn write_node<W: Write>(node: &Node, out: &mut Output<W>) -> Result<(), NarError> {
    match node {
        Node::File { executable, contents } => {
            out.begin_file(*executable, contents.len() as u64)?;
            out.raw(contents)?;
            out.end_file(contents.len() as u64)
        }
        Node::Symlink(target) => out.symlink(target),
        Node::Directory(entries) => {
            out.tokens(&[b"(", b"type", b"directory"])?;
            for (name, child) in entries {
                out.begin_entry(name)?;
                write_node(child, out)?;
                out.tokens(&[b")"])?;
            }
            out.tokens(&[b")"])
        }
    }
}

/// A sink with a buffer, so that the many small tokens do not reach it one by one.
struct Output<W> {
    sink: W,
    buffer: Vec<u8>,
}

impl<W: Write> Output<W> {
    fn new(sink: W) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_SIZE);
        wire::put(&mut buffer, wire::MAGIC);
        Output { sink, buffer }
    }

    fn flush(&mut self) -> Result<(), NarError> {
        self.drain()?;
        self.sink.flush().map_err(write_error)
    }

    fn drain(&mut self) -> Result<(), NarError> {
        let result = self.sink.write_all(&self.buffer).map_err(write_error);
        self.buffer.clear();
        result
    }

    fn raw(&mut self, data: &[u8]) -> Result<(), NarError> {
        if self.buffer.len() + data.len() > BUFFER_SIZE {
            self.drain()?;
        }
        if data.len() >= BUFFER_SIZE {
            return self.sink.write_all(data).map_err(write_error);
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    fn tokens(&mut self, tokens: &[&[u8]]) -> Result<(), NarError> {
        for token in tokens {
            wire::put(&mut self.buffer, token);
        }
        if self.buffer.len() >= BUFFER_SIZE {
            self.drain()
        } else {
            Ok(())
        }
    }

    fn begin_file(&mut self, executable: bool, size: u64) -> Result<(), NarError> {
        self.tokens(&[b"(", b"type", b"regular"])?;
        if executable {
            self.tokens(&[b"executable", b""])?;
        }
        self.tokens(&[b"contents"])?;
        self.raw(&size.to_le_bytes())
    }

    fn end_file(&mut self, size: u64) -> Result<(), NarError> {
        self.raw(&[0; 8][..wire::padding(size)])?;
        self.tokens(&[b")"])
    }

    fn symlink(&mut self, target: &[u8]) -> Result<(), NarError> {
        self.tokens(&[b"(", b"type", b"symlink", b"target", target, b")"])
    }

    fn begin_entry(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.tokens(&[b"entry", b"(", b"name", name, b"node"])
    }
}

fn write_error(error: io::Error) -> NarError {
    IoError::during("writing archive", error).into()
}

struct Dump<'a, W, F> {
    out: &'a mut Output<W>,
    filter: F,
}

impl<W: Write, F> Dump<'_, W, F> {
    fn node<E>(&mut self, path: &Path, file_type: FileType, depth: usize) -> Result<(), E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError>,
    {
        if depth >= MAX_DEPTH {
            return Err(NarError::TreeTooDeep(path.to_owned()).into());
        }
        match file_type {
            FileType::Regular => Ok(self.file(path)?),
            FileType::Symlink => {
                let target = fs::read_link(path)
                    .map_err(|error| NarError::from(IoError::at("reading symbolic link", path, error)))?;
                Ok(self.out.symlink(target.as_os_str().as_bytes())?)
            }
            FileType::Directory => self.directory(path, depth),
            FileType::Unknown => Err(NarError::UnsupportedType(path.to_owned()).into()),
        }
    }

    fn directory<E>(&mut self, path: &Path, depth: usize) -> Result<(), E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError>,
    {
        let entries = sorted_entries(path)
            .map_err(|error| NarError::from(IoError::at("reading directory", path, error)))?;
        self.out.tokens(&[b"(", b"type", b"directory"])?;
        for (name, file_type) in entries {
            let child = path.join(&name);
            if (self.filter)(&child, file_type)? {
                self.out.begin_entry(name.as_bytes())?;
                self.node(&child, file_type, depth + 1)?;
                self.out.tokens(&[b")"])?;
            }
        }
        Ok(self.out.tokens(&[b")"])?)
    }

    fn file(&mut self, path: &Path) -> Result<(), NarError> {
        let at = |action, error| IoError::at(action, path, error);
        let mut file = File::open(path).map_err(|error| at("opening file", error))?;
        let metadata = file.metadata().map_err(|error| at("getting status of", error))?;
        if !metadata.is_file() {
            return Err(NarError::Changed(path.to_owned()));
        }
        let size = metadata.len();
        self.out.begin_file(metadata.mode() & 0o100 != 0, size)?;
        copy_exactly(&mut file, path, size, self.out)?;
        self.out.end_file(size)
    }
}

/// Copy `size` bytes of a file; fewer are an error, because the size is written already.
fn copy_exactly<W: Write>(
    file: &mut File,
    path: &Path,
    size: u64,
    out: &mut Output<W>,
) -> Result<(), NarError> {
    let mut left = size;
    let mut chunk = vec![0; size.min(BUFFER_SIZE as u64) as usize];
    while left > 0 {
        let want = left.min(chunk.len() as u64) as usize;
        match file.read(&mut chunk[..want]) {
            Ok(0) => return Err(NarError::Changed(path.to_owned())),
            Ok(count) => {
                out.raw(&chunk[..count])?;
                left -= count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(IoError::at("reading file", path, error).into()),
        }
    }
    Ok(())
}

fn sorted_entries(path: &Path) -> io::Result<Vec<(std::ffi::OsString, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        entries.push((entry.file_name(), entry.file_type()?.into()));
    }
    entries.sort_unstable_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
    Ok(entries)
}
