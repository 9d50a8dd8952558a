//! The log of a build: the file that keeps it, and its lines as a terminal would show them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bzip2::Compression;
use bzip2::write::BzEncoder;
use nivis_store::io_error::IoError;
use nivis_store::path::StorePath;

/// How much is kept before it is compressed: short logs need no large tables.
const SHORT: usize = 64 * 1024;

/// Where the log of a derivation is, without `.bz2`.
pub fn log_path(log_dir: &Path, drv_path: &StorePath) -> PathBuf {
    let (folder, rest) = drv_path.base_name().split_at(2);
    log_dir.join("drvs").join(folder).join(rest)
}

/// The file that keeps the log of a build.
pub(crate) struct LogFile {
    path: PathBuf,
    sink: Sink,
}

enum Sink {
    Plain(File),
    /// What is written is short so far.
    Short(File, Vec<u8>),
    Long(BzEncoder<File>),
    /// After an error.
    Closed,
}

impl LogFile {
    /// Begin the log of a derivation, whose outputs the caller has locked.
    pub(crate) fn create(log_dir: &Path, drv_path: &StorePath, compress: bool) -> Result<Self, IoError> {
        let mut path = log_path(log_dir, drv_path);
        if compress {
            path.as_mut_os_string().push(".bz2");
        }
        let folder = path.parent().unwrap_or(log_dir);
        let create = || File::create(&path);
        let file = create().or_else(|_| std::fs::create_dir_all(folder).and_then(|()| create()));
        let file = file.map_err(|error| IoError::at("creating log file", &path, error))?;
        let sink = if compress {
            Sink::Short(file, Vec::new())
        } else {
            Sink::Plain(file)
        };
        Ok(LogFile { path, sink })
    }

    pub(crate) fn write(&mut self, data: &[u8]) -> Result<(), IoError> {
        let written = match &mut self.sink {
            Sink::Plain(file) => file.write_all(data),
            Sink::Short(_, held) => {
                held.extend_from_slice(data);
                if held.len() <= SHORT {
                    return Ok(());
                }
                self.compress(Compression::best())
            }
            Sink::Long(encoder) => encoder.write_all(data),
            Sink::Closed => Ok(()),
        };
        written.map_err(|error| IoError::at("writing log file", &self.path, error))
    }

    fn compress(&mut self, level: Compression) -> io::Result<()> {
        match std::mem::replace(&mut self.sink, Sink::Closed) {
            Sink::Short(file, held) => {
                let mut encoder = BzEncoder::new(file, level);
                encoder.write_all(&held)?;
                self.sink = Sink::Long(encoder);
            }
            other => self.sink = other,
        }
        Ok(())
    }

    /// Complete the file.
    pub(crate) fn close(mut self) -> Result<(), IoError> {
        let closed = self.compress(Compression::fast()).and_then(|()| match self.sink {
            Sink::Long(encoder) => encoder.finish().map(drop),
            _ => Ok(()),
        });
        closed.map_err(|error| IoError::at("writing log file", &self.path, error))
    }
}

/// Makes lines of what a builder writes: a carriage return starts the line again.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    line: Vec<u8>,
    position: usize,
    tail: VecDeque<Vec<u8>>,
    tail_length: usize,
}

impl Lines {
    /// Keep the last `tail_length` lines.
    pub(crate) fn new(tail_length: usize) -> Self {
        Lines {
            tail_length,
            ..Lines::default()
        }
    }

    /// Take in what was written; what it completes goes to `lines`.
    pub(crate) fn update(&mut self, data: &[u8], lines: &mut Vec<Vec<u8>>) {
        for &byte in data {
            match byte {
                b'\r' => self.position = 0,
                b'\n' => self.end_line(lines),
                byte => {
                    match self.line.get_mut(self.position) {
                        Some(place) => *place = byte,
                        None => self.line.push(byte),
                    }
                    self.position += 1;
                }
            }
        }
    }

    /// There will be no more.
    pub(crate) fn flush(&mut self, lines: &mut Vec<Vec<u8>>) {
        if !self.line.is_empty() {
            self.end_line(lines);
        }
    }

    fn end_line(&mut self, lines: &mut Vec<Vec<u8>>) {
        let mut line = std::mem::take(&mut self.line);
        line.truncate(std::mem::take(&mut self.position));
        if !line.starts_with(b"@nix ") && self.tail_length > 0 {
            if self.tail.len() == self.tail_length {
                self.tail.pop_front();
            }
            self.tail.push_back(line.clone());
        }
        lines.push(line);
    }

    /// The last lines.
    pub(crate) fn into_tail(self) -> Vec<Vec<u8>> {
        self.tail.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn lines_are_those_of_a_terminal() {
        let mut lines = Vec::new();
        let mut state = Lines::new(2);
        state.update(b"one\ntwo 10%\rtwo 20%\nth", &mut lines);
        assert_eq!(lines, [b"one".to_vec(), b"two 20%".to_vec()]);
        state.update(b"ree\n@nix {}\nlong line\rshort\nend", &mut lines);
        state.flush(&mut lines);
        assert_eq!(lines[2..], [&b"three"[..], b"@nix {}", b"short", b"end"]);
        assert_eq!(state.into_tail(), [b"short".to_vec(), b"end".to_vec()]);
    }

    #[test]
    fn logs_are_compressed_whether_short_or_long() {
        let folder = tempfile::tempdir().unwrap();
        let drv = StorePath::from_base_name("00000000000000000000000000000000-x.drv").unwrap();
        for size in [0, 10, SHORT + 1000] {
            let text = vec![b'x'; size];
            let mut log = LogFile::create(folder.path(), &drv, true).unwrap();
            for piece in text.chunks(1000) {
                log.write(piece).unwrap();
            }
            log.close().unwrap();
            let place = folder
                .path()
                .join("drvs/00/000000000000000000000000000000-x.drv.bz2");
            let mut found = Vec::new();
            bzip2::read::BzDecoder::new(File::open(place).unwrap())
                .read_to_end(&mut found)
                .unwrap();
            assert_eq!(found, text);
        }
    }
}
