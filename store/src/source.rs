//! Sources: files and folders outside of the store that are to be in it, by their contents.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::content_address::{ContentAddress, ContentAddressMethod};
use crate::hash::{Hash, HashAlgorithm, Hasher};
use crate::io_error::IoError;
use crate::nar::{FileType, NarError, NarSink, NarWriter, NoSink, Tee, walk};

/// How a source becomes a store object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceMethod {
    /// What is hashed; flat takes one file and forgets whether it may be run.
    pub method: ContentAddressMethod,
    /// With which algorithm.
    pub algorithm: HashAlgorithm,
}

impl SourceMethod {
    /// The sha256 of the archive: what copying a path to the store does.
    pub const RECURSIVE: SourceMethod = SourceMethod {
        method: ContentAddressMethod::NixArchive,
        algorithm: HashAlgorithm::Sha256,
    };
}

/// What was found out about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceHash {
    /// The content address, from which the path comes.
    pub address: ContentAddress,
    /// The sha256 of the archive of the store object.
    pub nar_hash: Hash,
    /// The size of the archive.
    pub nar_size: u64,
}

/// Hash a source without storing it.
pub fn hash_source<F, E>(root: &Path, method: SourceMethod, filter: F) -> Result<SourceHash, E>
where
    F: FnMut(&Path, FileType) -> Result<bool, E>,
    E: From<NarError>,
{
    read_source(root, method, filter, &mut NoSink)
}

/// Read a source once: hash it and tell `files` of it.
pub(crate) fn read_source<F, E>(
    root: &Path,
    method: SourceMethod,
    filter: F,
    files: &mut impl NarSink,
) -> Result<SourceHash, E>
where
    F: FnMut(&Path, FileType) -> Result<bool, E>,
    E: From<NarError>,
{
    let hashed_apart = match method {
        SourceMethod::RECURSIVE => None,
        SourceMethod { algorithm, .. } => Some(Hasher::new(algorithm)),
    };
    let mut reading = Reading {
        nar: Hasher::sha256(),
        apart: hashed_apart,
    };
    match method.method {
        ContentAddressMethod::NixArchive => {
            let mut writer = NarWriter::new(&mut reading);
            walk(root, &mut Tee(&mut writer, files), filter)?;
            writer.finish()?;
        }
        ContentAddressMethod::Flat | ContentAddressMethod::Text => read_flat(root, &mut reading, files)?,
        ContentAddressMethod::Git => return Err(NarError::GitHashing.into()),
    }
    let nar_size = reading.nar.count();
    let nar_hash = reading.nar.finish();
    let hash = reading.apart.map_or(nar_hash, Hasher::finish);
    Ok(SourceHash {
        address: ContentAddress {
            method: method.method,
            hash,
        },
        nar_hash,
        nar_size,
    })
}

/// Where an archive goes while it is made.
struct Reading {
    nar: Hasher,
    /// What hashes the same, or for flat objects the contents alone, with another algorithm.
    apart: Option<Hasher>,
}

/// Takes the archive; [`read_flat`] feeds the other hasher itself.
impl Write for Reading {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.nar.update(data);
        if let Some(apart) = &mut self.apart {
            apart.update(data);
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read_flat(root: &Path, reading: &mut Reading, files: &mut impl NarSink) -> Result<(), NarError> {
    let at = |action, error| IoError::at(action, root, error);
    let metadata = fs::metadata(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NarError::NotFound(root.to_owned()),
        _ => at("getting status of", error).into(),
    })?;
    if !metadata.is_file() {
        return Err(NarError::NotARegularFile(root.to_owned()));
    }
    let mut file = File::open(root).map_err(|error| at("opening file", error))?;
    let size = file
        .metadata()
        .map_err(|error| at("getting status of", error))?
        .len();
    // The contents are hashed apart from the archive.
    let mut contents = reading.apart.take();
    let mut writer = NarWriter::new(&mut *reading);
    let mut sink = Tee(&mut writer, files);
    sink.begin_file(b"", false, size)?;
    let mut chunk = vec![0; 64 * 1024];
    let mut left = size;
    while left > 0 {
        let want = left.min(chunk.len() as u64) as usize;
        let count = match file.read(&mut chunk[..want]) {
            Ok(0) => return Err(NarError::Changed(root.to_owned())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(at("reading file", error).into()),
        };
        if let Some(contents) = &mut contents {
            contents.update(&chunk[..count]);
        }
        sink.write(&chunk[..count])?;
        left -= count as u64;
    }
    sink.end_file()?;
    writer.finish()?;
    reading.apart = contents;
    Ok(())
}
