//! Adding objects whose path is known already: from archives of other stores.

use std::io::{self, Read};
use std::path::Path;

use super::LocalStore;
use super::pending::{Chunk, TempDir};
use crate::content_address::ContentAddressMethod;
use crate::db::Registration;
use crate::error::StoreError;
use crate::files::delete_path;
use crate::hash::{Hash, HashFormat, Hasher};
use crate::io_error::IoError;
use crate::locks::PathLocks;
use crate::nar::{self, NarError, NoSink, Restorer, accept_all, dump_path};
use crate::path::StorePath;
use crate::path_info::PathInfo;
use crate::references::SelfReferenceHasher;

impl LocalStore {
    /// Add an object from its archive, which must be as `info` says. What it refers to is valid.
    ///
    /// The archive is read to its end also if the path is valid already. What is queued is written first.
    pub fn add_archive(&self, info: &PathInfo, source: &mut impl Read) -> Result<(), StoreError> {
        if self.config.read_only {
            return Err(StoreError::ReadOnly(self.store_dir().print(&info.path)));
        }
        self.flush()?;
        self.add_temp_roots([&info.path])?;
        let place = self.real_path(&info.path);
        if self.is_valid_path(&info.path)? {
            return Ok(nar::parse(source, &mut NoSink)?);
        }
        let _locks = PathLocks::lock(&[place.clone()].into(), &self.notify)?;
        if self.is_valid_path(&info.path)? {
            return Ok(nar::parse(source, &mut NoSink)?);
        }
        let folder = TempDir::new(&self.config)?;
        let written = folder.object();
        let mut source = Hashing {
            source,
            hasher: Hasher::sha256(),
        };
        nar::parse(&mut source, &mut Restorer::for_store(&written))?;
        self.check_archive(info, source.hasher, &written)?;
        delete_path(&place)?;
        std::fs::rename(&written, &place).map_err(|error| IoError::at("renaming to", &place, error))?;
        nar::seal_root(&place)?;
        self.optimise_new(&info.path)?;
        Chunk::sync(&self.config)?;
        self.register_valid_paths(&[Registration {
            info: info.clone(),
            outputs: self.outputs_of(info)?,
        }])
    }

    /// The outputs of a derivation that is in its place, checked.
    pub(super) fn outputs_of(&self, info: &PathInfo) -> Result<Vec<(String, StorePath)>, StoreError> {
        self.outputs_at(info, &self.real_path(&info.path))
    }

    /// The outputs of a derivation that is in that file, checked.
    pub(super) fn outputs_at(
        &self,
        info: &PathInfo,
        file: &Path,
    ) -> Result<Vec<(String, StorePath)>, StoreError> {
        if !info.path.is_derivation() {
            return Ok(Vec::new());
        }
        let text = std::fs::read(file).map_err(|error| IoError::at("opening file", file, error))?;
        self.check_derivation(&info.path, &text)
    }

    fn check_archive(&self, info: &PathInfo, hasher: Hasher, files: &Path) -> Result<(), StoreError> {
        let mismatch = |what, specified: String, found: String| {
            let path = self.store_dir().print(&info.path);
            Err(StoreError::Mismatch {
                what,
                path,
                specified,
                found,
            })
        };
        let nix32 = |hash: &Hash| hash.to_prefixed(HashFormat::Nix32);
        let size = hasher.count();
        let hash = hasher.finish();
        if hash != info.nar_hash {
            return mismatch("hash", nix32(&info.nar_hash), nix32(&hash));
        }
        if size != info.nar_size {
            return mismatch("size", info.nar_size.to_string(), size.to_string());
        }
        let Some(address) = &info.content_address else {
            return Ok(());
        };
        let mut hasher = SelfReferenceHasher::new(address.hash.algorithm(), &info.path);
        match address.method {
            ContentAddressMethod::NixArchive => dump_path(files, &mut hasher, accept_all)?,
            ContentAddressMethod::Flat | ContentAddressMethod::Text => {
                let copied = std::fs::File::open(files).and_then(|mut file| io::copy(&mut file, &mut hasher));
                copied.map_err(|error| IoError::at("reading file", files, error))?;
            }
            ContentAddressMethod::Git => return Err(NarError::GitHashing.into()),
        }
        let (found, _) = hasher.finish();
        if found != address.hash {
            return mismatch("ca hash", nix32(&address.hash), nix32(&found));
        }
        Ok(())
    }
}

/// Hashes what is read through it.
pub(super) struct Hashing<'a, R> {
    pub(super) source: &'a mut R,
    pub(super) hasher: Hasher,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
