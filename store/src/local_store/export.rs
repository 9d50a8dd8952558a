//! Objects with what the database has of them, as one stream, and back.
//!
//! In the stream the archive comes before the name of the path, so an import unpacks to a temporary place while it
//! hashes, and learns afterwards where that belongs.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use super::LocalStore;
use super::import::Hashing;
use super::pending::{Chunk, MAX_LOCKS, TempDir};
use crate::db::Registration;
use crate::error::StoreError;
use crate::files::delete_path;
use crate::hash::{Hash, HashAlgorithm, HashFormat, Hasher};
use crate::io_error::IoError;
use crate::locks::PathLocks;
use crate::nar::{self, NarError, Restorer, dump_path, wire};
use crate::path::StorePath;
use crate::path_info::PathInfo;

/// Marks the end of an archive in an export.
const MAGIC: u64 = 0x4558_494e;

/// The longest path that an import takes.
const MAX_PATH_LEN: usize = 4096;

/// The most references that an import takes.
const MAX_REFERENCES: u64 = 1 << 20;

/// An object that is unpacked, but not in its place.
struct Unpacked {
    info: PathInfo,
    folder: TempDir,
}

impl LocalStore {
    /// Write objects to a stream, each after those that it refers to. What they refer to is not added.
    pub fn export(
        &self,
        paths: impl IntoIterator<Item = StorePath>,
        out: &mut impl Write,
    ) -> Result<(), StoreError> {
        let paths: BTreeSet<StorePath> = paths.into_iter().collect();
        self.flush()?;
        for path in self.topo_sort_paths(&paths)?.iter().rev() {
            put_number(out, 1)?;
            self.export_one(path, out)?;
        }
        put_number(out, 0)
    }

    fn export_one(&self, path: &StorePath, out: &mut impl Write) -> Result<(), StoreError> {
        let info = self.query_path_info(path)?;
        let mut hashing = HashingWriter {
            out,
            hasher: Hasher::sha256(),
        };
        dump_path::<_, _, StoreError>(&self.real_path(path), &mut hashing, |_, _| {
            self.notify.check_interrupt()?;
            Ok(true)
        })?;
        let found = hashing.hasher.finish();
        // What is damaged must not spread. A hash that is not known says nothing.
        if found != info.nar_hash && info.nar_hash != Hash::zero(HashAlgorithm::Sha256) {
            return Err(StoreError::Changed {
                path: self.store_dir().print(path),
                expected: info.nar_hash.to_prefixed(HashFormat::Nix32),
                found: found.to_prefixed(HashFormat::Nix32),
            });
        }
        let print = |path: &StorePath| self.store_dir().print(path);
        put_number(out, MAGIC)?;
        put_string(out, &print(path))?;
        put_number(out, info.references.len() as u64)?;
        for reference in &info.references {
            put_string(out, &print(reference))?;
        }
        put_string(out, &info.deriver.as_ref().map(print).unwrap_or_default())?;
        // There was a signature here once.
        put_number(out, 0)
    }

    /// Add the objects of a stream that [`LocalStore::export`] wrote; gives their paths.
    ///
    /// What comes before an object that is wrong is added; of that one and what follows, nothing stays.
    pub fn import(&self, source: &mut impl Read) -> Result<Vec<StorePath>, StoreError> {
        if self.config.read_only {
            return Err(StoreError::ReadOnly("import".to_owned()));
        }
        self.flush()?;
        self.open()?;
        let mut imported = Vec::new();
        let mut unpacked = Vec::new();
        let outcome = loop {
            match self.unpack(source) {
                Ok(Some(object)) => unpacked.push(object),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            if unpacked.len() == MAX_LOCKS {
                imported.append(&mut self.place(std::mem::take(&mut unpacked))?);
            }
        };
        imported.append(&mut self.place(unpacked)?);
        outcome.map(|()| imported)
    }

    /// The next object of a stream.
    fn unpack(&self, source: &mut impl Read) -> Result<Option<Unpacked>, StoreError> {
        match wire::read_number(source)? {
            0 => return Ok(None),
            1 => {}
            _ => return Err(StoreError::NotAnExport),
        }
        self.notify.check_interrupt()?;
        let folder = TempDir::new(&self.config)?;
        let mut hashing = Hashing {
            source: &mut *source,
            hasher: Hasher::sha256(),
        };
        nar::parse(&mut hashing, &mut Restorer::for_store(folder.object()))?;
        let nar_size = hashing.hasher.count();
        let nar_hash = hashing.hasher.finish();
        if wire::read_number(source)? != MAGIC {
            return Err(StoreError::WrongExportFormat);
        }
        let mut text = Vec::new();
        let mut path = |source: &mut _| -> Result<Vec<u8>, NarError> {
            wire::read_string(source, MAX_PATH_LEN, &mut text)?;
            Ok(text.clone())
        };
        let dir = self.store_dir();
        let mut info = PathInfo::new(dir.parse(path(source)?)?, nar_hash, nar_size);
        let count = wire::read_number(source)?;
        if count > MAX_REFERENCES {
            return Err(NarError::StringTooLong.into());
        }
        for _ in 0..count {
            info.references.insert(dir.parse(path(source)?)?);
        }
        let deriver = path(source)?;
        if !deriver.is_empty() {
            info.deriver = Some(dir.parse(deriver)?);
        }
        if wire::read_number(source)? == 1 {
            // The signature of old, which nobody checks.
            path(source)?;
        }
        Ok(Some(Unpacked { info, folder }))
    }

    /// Put objects into their places and register them.
    fn place(&self, objects: Vec<Unpacked>) -> Result<Vec<StorePath>, StoreError> {
        let paths: Vec<StorePath> = objects.iter().map(|object| object.info.path.clone()).collect();
        self.add_temp_roots(&paths)?;
        let set = paths.iter().cloned().collect();
        let valid = self.query_valid_paths(&set)?;
        let places = objects.iter().filter(|object| !valid.contains(&object.info.path));
        let places = places.map(|object| self.real_path(&object.info.path)).collect();
        let _locks = PathLocks::lock(&places, &self.notify)?;
        // Others may have been faster before the locks were taken.
        let mut valid = self.query_valid_paths(&set)?;
        let mut registrations = Vec::new();
        let mut placed = Vec::new();
        let outcome = objects.into_iter().try_for_each(|object| {
            let info = object.info;
            if valid.contains(&info.path) {
                return Ok(());
            }
            for reference in &info.references {
                if !valid.contains(reference) && *reference != info.path && !self.is_valid_path(reference)? {
                    return Err(self.not_valid(reference));
                }
            }
            let place = self.real_path(&info.path);
            let written = object.folder.object();
            // Looked at before it is in its place, where nothing wrong is to stay.
            let outputs = self.outputs_at(&info, &written)?;
            delete_path(&place)?;
            std::fs::rename(&written, &place).map_err(|error| IoError::at("renaming to", &place, error))?;
            placed.push(place.clone());
            nar::seal_root(&place)?;
            valid.insert(info.path.clone());
            registrations.push(Registration { info, outputs });
            Ok(())
        });
        let registered =
            Chunk::sync(&self.config)
                .map_err(StoreError::from)
                .and_then(|()| match registrations.is_empty() {
                    true => Ok(()),
                    false => self.register_valid_paths(&registrations),
                });
        if registered.is_err() {
            for place in &placed {
                // There is an error to tell of already, and the next collection deletes what is left.
                let _ = delete_path(place);
            }
        }
        registered.and(outcome).map(|()| paths)
    }
}

fn write_error(error: std::io::Error) -> StoreError {
    IoError::during("writing archive", error).into()
}

fn put_number(out: &mut impl Write, number: u64) -> Result<(), StoreError> {
    out.write_all(&number.to_le_bytes()).map_err(write_error)
}

fn put_string(out: &mut impl Write, text: &str) -> Result<(), StoreError> {
    let mut token = Vec::with_capacity(text.len() + 16);
    wire::put(&mut token, text.as_bytes());
    out.write_all(&token).map_err(write_error)
}

struct HashingWriter<'a, W> {
    out: &'a mut W,
    hasher: Hasher,
}

impl<W: Write> Write for HashingWriter<'_, W> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.out.write_all(data)?;
        self.hasher.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
