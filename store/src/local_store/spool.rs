//! Where a source goes while it is hashed: to memory, and if that gets too large, to files.
//!
//! The files are written by the thread that hashes. A thread of its own for them cost a copy of everything, and reading
//! that from the cache of another processor: a fifth more processor time, and hardly any time was saved.

use super::LocalStore;
use super::pending::TempDir;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::nar::{NarError, NarSink, Recording, Restorer};

/// The most memory that a source is kept in.
const LIMIT: usize = 16 * 1024 * 1024;

/// Whether large sources are read again when they turn out not to be in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenLarge {
    /// They are only hashed: most often they are in the store already.
    ReadAgain,
    /// They are copied at once.
    Copy,
}

/// What became of a source.
pub(super) enum Spooled {
    Memory(Recording),
    Files(TempDir),
    /// It was too large to keep.
    Nowhere,
}

/// Keeps the source that it is told of.
pub(super) struct Spool<'s> {
    store: &'s LocalStore,
    when_large: WhenLarge,
    kept: Kept,
    failure: Option<StoreError>,
}

/// Where a source is kept that is not complete yet.
enum Kept {
    Memory(Recording),
    Files { files: Restorer, folder: TempDir },
    Nowhere,
}

impl<'s> Spool<'s> {
    pub(super) fn new(store: &'s LocalStore, when_large: WhenLarge) -> Self {
        Spool {
            store,
            when_large,
            kept: Kept::Memory(Recording::default()),
            failure: None,
        }
    }

    /// What went wrong with the store, which is why the spool gave an error.
    pub(super) fn failure(&mut self) -> Option<StoreError> {
        self.failure.take()
    }

    /// The source is complete.
    pub(super) fn finish(self) -> Spooled {
        match self.kept {
            Kept::Memory(recording) => Spooled::Memory(recording),
            Kept::Files { folder, .. } => Spooled::Files(folder),
            Kept::Nowhere => Spooled::Nowhere,
        }
    }

    /// Pass on what takes that much memory.
    fn tell(
        &mut self,
        size: usize,
        event: impl FnOnce(&mut dyn NarSink) -> Result<(), NarError>,
    ) -> Result<(), NarError> {
        if let Kept::Memory(recording) = &self.kept
            && recording.size() + size > LIMIT
        {
            self.kept = self.overflow().map_err(|error| {
                self.failure = Some(error);
                IoError::during("copying", std::io::Error::other("the copy failed"))
            })?;
        }
        match &mut self.kept {
            Kept::Memory(recording) => event(recording),
            Kept::Files { files, .. } => event(files),
            Kept::Nowhere => Ok(()),
        }
    }

    fn overflow(&self) -> Result<Kept, StoreError> {
        let Kept::Memory(recording) = &self.kept else {
            return Ok(Kept::Nowhere);
        };
        if self.when_large == WhenLarge::ReadAgain {
            return Ok(Kept::Nowhere);
        }
        self.store.open()?;
        let folder = TempDir::new(self.store.config())?;
        let mut files = Restorer::for_store(folder.object());
        recording.replay(&mut files)?;
        Ok(Kept::Files { files, folder })
    }
}

impl NarSink for Spool<'_> {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.tell(name.len(), |sink| sink.begin_directory(name))
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        self.tell(0, |sink| sink.end_directory())
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        self.tell(name.len() + target.len(), |sink| sink.symlink(name, target))
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError> {
        self.tell(name.len(), |sink| sink.begin_file(name, executable, size))
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        self.tell(data.len(), |sink| sink.write(data))
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        self.tell(0, |sink| sink.end_file())
    }
}
