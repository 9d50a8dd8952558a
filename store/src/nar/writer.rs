//! Making archives.

use std::io::{self, Write};
use std::path::Path;

use super::{FileType, NarError, NarSink, Node, walk, wire};
use crate::hash::{Hash, Hasher};
use crate::io_error::IoError;

/// How much is put together before it goes to the output.
const BUFFER_SIZE: usize = 64 * 1024;

/// A filter that leaves nothing out.
pub fn accept_all(_path: &Path, _file_type: FileType) -> Result<bool, NarError> {
    Ok(true)
}

/// Write the archive of a file, symlink or folder of the file system to `out`.
///
/// `filter` is asked for everything below `root`, but not for `root` itself. What it refuses is left out;
/// its errors come back as they are.
pub fn dump_path<W, F, E>(root: &Path, out: W, filter: F) -> Result<(), E>
where
    W: Write,
    F: FnMut(&Path, FileType) -> Result<bool, E>,
    E: From<NarError>,
{
    let mut writer = NarWriter::new(out);
    walk(root, &mut writer, filter)?;
    writer.finish()?;
    Ok(())
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

/// Write the archive of a tree in memory to `out`.
pub fn dump_node(node: &Node, out: impl Write) -> Result<(), NarError> {
    let mut writer = NarWriter::new(out);
    node.walk(&mut writer)?;
    writer.finish()?;
    Ok(())
}

/// A sink that writes the archive of what it is told.
///
/// It has a buffer, so that the many small tokens do not reach the output one by one.
#[derive(Debug)]
pub struct NarWriter<W> {
    out: W,
    buffer: Vec<u8>,
    /// How many folders are open.
    depth: usize,
    /// The size of the file that is being written.
    size: u64,
}

impl<W: Write> NarWriter<W> {
    /// An archive that goes to `out`.
    pub fn new(out: W) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_SIZE);
        wire::put(&mut buffer, wire::MAGIC);
        NarWriter {
            out,
            buffer,
            depth: 0,
            size: 0,
        }
    }

    /// Write out what is left in the buffer, and give back the output.
    pub fn finish(mut self) -> Result<W, NarError> {
        self.drain()?;
        self.out.flush().map_err(write_error)?;
        Ok(self.out)
    }

    fn drain(&mut self) -> Result<(), NarError> {
        let result = self.out.write_all(&self.buffer).map_err(write_error);
        self.buffer.clear();
        result
    }

    fn raw(&mut self, data: &[u8]) -> Result<(), NarError> {
        if self.buffer.len() + data.len() > BUFFER_SIZE {
            self.drain()?;
        }
        if data.len() >= BUFFER_SIZE {
            return self.out.write_all(data).map_err(write_error);
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

    fn begin_node(&mut self, name: &[u8]) -> Result<(), NarError> {
        if self.depth > 0 {
            self.tokens(&[b"entry", b"(", b"name", name, b"node"])?;
        }
        self.tokens(&[b"(", b"type"])
    }

    fn end_node(&mut self) -> Result<(), NarError> {
        self.tokens(if self.depth > 0 { &[b")", b")"] } else { &[b")"] })
    }
}

impl<W: Write> NarSink for NarWriter<W> {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.begin_node(name)?;
        self.depth += 1;
        self.tokens(&[b"directory"])
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        self.depth -= 1;
        self.end_node()
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        self.begin_node(name)?;
        self.tokens(&[b"symlink", b"target", target])?;
        self.end_node()
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError> {
        self.begin_node(name)?;
        self.tokens(&[b"regular"])?;
        if executable {
            self.tokens(&[b"executable", b""])?;
        }
        self.tokens(&[b"contents"])?;
        self.size = size;
        self.raw(&size.to_le_bytes())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        self.raw(data)
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        self.raw(&[0; 8][..wire::padding(self.size)])?;
        self.end_node()
    }
}

fn write_error(error: io::Error) -> NarError {
    IoError::during("writing archive", error).into()
}
