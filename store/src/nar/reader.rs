//! Taking archives apart. Nothing in an archive is trusted: names, order, lengths and depth are checked
//! before the sink hears of them, and memory does not grow with what the archive claims.

use std::collections::BTreeMap;
use std::io::Read;

use super::{MAX_DEPTH, MAX_NAME_LEN, MAX_TARGET_LEN, NarError, NarSink, Node, is_valid_name, wire};

/// The longest tag is `executable`; some more makes messages about garbage useful.
const MAX_TAG_LEN: usize = 32;

/// How much of a file is passed on at once.
const CHUNK_SIZE: usize = 64 * 1024;

/// Read one archive from `source` into `sink`. What follows the archive is left in the source, which
/// should have a buffer.
pub fn parse(source: &mut impl Read, sink: &mut impl NarSink) -> Result<(), NarError> {
    let mut reader = Reader {
        source,
        text: Vec::new(),
        chunk: Vec::new(),
    };
    match wire::read_string(reader.source, wire::MAGIC.len(), &mut reader.text) {
        Ok(()) if reader.text == wire::MAGIC => reader.node(b"", sink, 0),
        Err(error @ NarError::Io(_)) => Err(error),
        _ => Err(NarError::NotAnArchive),
    }
}

/// Read one archive into memory.
pub fn parse_node(source: &mut impl Read) -> Result<Node, NarError> {
    let mut sink = NodeSink {
        open: Vec::new(),
        file: None,
        root: None,
    };
    parse(source, &mut sink)?;
    sink.root.ok_or(NarError::NotAnArchive)
}

struct Reader<'a, R> {
    source: &'a mut R,
    /// The string read last.
    text: Vec<u8>,
    /// Where contents pass through.
    chunk: Vec<u8>,
}

impl<R: Read> Reader<'_, R> {
    fn tag(&mut self) -> Result<(), NarError> {
        wire::read_string(self.source, MAX_TAG_LEN, &mut self.text)
    }

    fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    fn check_tag(&self, expected: &'static str) -> Result<(), NarError> {
        if self.text == expected.as_bytes() {
            return Ok(());
        }
        Err(NarError::UnexpectedTag {
            expected,
            actual: self.lossy(),
        })
    }

    fn expect(&mut self, expected: &'static str) -> Result<(), NarError> {
        self.tag()?;
        self.check_tag(expected)
    }

    fn node(&mut self, name: &[u8], sink: &mut impl NarSink, depth: usize) -> Result<(), NarError> {
        if depth >= MAX_DEPTH {
            return Err(NarError::TooDeep);
        }
        self.expect("(")?;
        self.expect("type")?;
        self.tag()?;
        match self.text.as_slice() {
            b"regular" => self.file(name, sink),
            b"directory" => self.directory(name, sink, depth),
            b"symlink" => self.symlink(name, sink),
            _ => Err(NarError::UnknownType(self.lossy())),
        }
    }

    fn file(&mut self, name: &[u8], sink: &mut impl NarSink) -> Result<(), NarError> {
        self.tag()?;
        let executable = self.text == b"executable";
        if executable {
            wire::read_string(self.source, 0, &mut self.text)?;
            self.tag()?;
        }
        self.check_tag("contents")?;
        let size = wire::read_number(self.source)?;
        sink.begin_file(name, executable, size)?;
        let mut left = size;
        while left > 0 {
            let count = left.min(CHUNK_SIZE as u64);
            self.chunk.resize(count as usize, 0);
            wire::read_exact(self.source, &mut self.chunk)?;
            sink.write(&self.chunk)?;
            left -= count;
        }
        sink.end_file()?;
        wire::read_padding(self.source, size)?;
        self.expect(")")
    }

    fn symlink(&mut self, name: &[u8], sink: &mut impl NarSink) -> Result<(), NarError> {
        self.expect("target")?;
        wire::read_string(self.source, MAX_TARGET_LEN, &mut self.text)?;
        if self.text.is_empty() || self.text.contains(&0) {
            return Err(NarError::InvalidTarget);
        }
        sink.symlink(name, &self.text)?;
        self.expect(")")
    }

    fn directory(&mut self, name: &[u8], sink: &mut impl NarSink, depth: usize) -> Result<(), NarError> {
        sink.begin_directory(name)?;
        let mut previous = Vec::new();
        loop {
            self.tag()?;
            match self.text.as_slice() {
                b")" => return sink.end_directory(),
                b"entry" => {}
                _ => return Err(NarError::ExpectedEntry(self.lossy())),
            }
            self.expect("(")?;
            self.expect("name")?;
            wire::read_string(self.source, MAX_NAME_LEN, &mut self.text)?;
            if !is_valid_name(&self.text) {
                return Err(NarError::InvalidName(self.lossy()));
            }
            if self.text <= previous {
                return Err(NarError::NotSorted);
            }
            std::mem::swap(&mut previous, &mut self.text);
            self.expect("node")?;
            self.node(&previous, sink, depth + 1)?;
            self.expect(")")?;
        }
    }
}

/// Name and entries of a folder that is not complete yet.
type OpenDirectory = (Vec<u8>, BTreeMap<Vec<u8>, Node>);

struct NodeSink {
    open: Vec<OpenDirectory>,
    file: Option<(Vec<u8>, bool, Vec<u8>)>,
    root: Option<Node>,
}

impl NodeSink {
    fn add(&mut self, name: &[u8], node: Node) {
        match self.open.last_mut() {
            Some((_, entries)) => {
                entries.insert(name.to_vec(), node);
            }
            None => self.root = Some(node),
        }
    }
}

impl NarSink for NodeSink {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.open.push((name.to_vec(), BTreeMap::new()));
        Ok(())
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        if let Some((name, entries)) = self.open.pop() {
            self.add(&name, Node::Directory(entries));
        }
        Ok(())
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        self.add(name, Node::Symlink(target.to_vec()));
        Ok(())
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, _size: u64) -> Result<(), NarError> {
        // The size is not trusted: memory grows with what really comes.
        self.file = Some((name.to_vec(), executable, Vec::new()));
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        if let Some((_, _, contents)) = &mut self.file {
            contents.extend_from_slice(data);
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        if let Some((name, executable, contents)) = self.file.take() {
            self.add(&name, Node::File { executable, contents });
        }
        Ok(())
    }
}
