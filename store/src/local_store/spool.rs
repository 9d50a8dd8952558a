//! Where the archive of a source goes while it is hashed: to memory, and if that gets too large, to files.
//!
//! Another thread makes the files, so that hashing does not wait for the disk.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::LocalStore;
use super::pending::TempDir;
use crate::error::StoreError;
use crate::nar::{self, NarError, Restorer};

/// The largest archive that is kept in memory.
const LIMIT: usize = 16 * 1024 * 1024;

/// How many pieces of an archive may wait to be written to files.
const WAITING: usize = 64;

/// Whether large sources are read again when they turn out not to be in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenLarge {
    /// They are only hashed: most often they are in the store already.
    ReadAgain,
    /// They are copied at once.
    Copy,
}

/// What became of an archive.
pub(super) enum Spooled {
    Archive(Vec<u8>),
    Files(TempDir),
    /// It was too large to keep.
    Nowhere,
}

/// Keeps the archive that is written to it.
pub(super) struct Spool<'s> {
    store: &'s LocalStore,
    when_large: WhenLarge,
    bytes: Vec<u8>,
    overflown: bool,
    copying: Option<Copying>,
    failure: Option<StoreError>,
}

impl<'s> Spool<'s> {
    pub(super) fn new(store: &'s LocalStore, when_large: WhenLarge) -> Self {
        Spool {
            store,
            when_large,
            bytes: Vec::new(),
            overflown: false,
            copying: None,
            failure: None,
        }
    }

    /// What went wrong with the copy, which is why writing here failed.
    pub(super) fn failure(&mut self) -> Option<StoreError> {
        self.failure.take()
    }

    /// The archive is complete.
    pub(super) fn finish(self) -> Result<Spooled, StoreError> {
        match self.copying {
            Some(copying) => Ok(Spooled::Files(copying.finish()?)),
            None if self.overflown => Ok(Spooled::Nowhere),
            None => Ok(Spooled::Archive(self.bytes)),
        }
    }

    fn overflow(&mut self) -> Result<(), StoreError> {
        self.overflown = true;
        let bytes = std::mem::take(&mut self.bytes);
        if self.when_large == WhenLarge::Copy {
            self.store.open()?;
            let copying = Copying::start(TempDir::new(self.store.config())?);
            self.copying = Some(copying);
            self.copy(bytes)?;
        }
        Ok(())
    }

    fn copy(&mut self, data: Vec<u8>) -> Result<(), StoreError> {
        let Some(copying) = &self.copying else {
            return Ok(());
        };
        if copying.send(data) {
            return Ok(());
        }
        // The other thread has ended, and says why.
        match self.copying.take().map(Copying::finish) {
            Some(Err(error)) => Err(error),
            _ => Err(NarError::UnexpectedEnd.into()),
        }
    }
}

impl Write for Spool<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut outcome = Ok(());
        if !self.overflown && self.bytes.len() + data.len() > LIMIT {
            outcome = self.overflow();
        }
        if !self.overflown {
            self.bytes.extend_from_slice(data);
        } else if outcome.is_ok() && self.copying.is_some() {
            outcome = self.copy(data.to_vec());
        }
        match outcome {
            Ok(()) => Ok(data.len()),
            Err(error) => {
                self.failure = Some(error);
                Err(io::Error::other("the copy failed"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Files that another thread makes of an archive.
struct Copying {
    folder: TempDir,
    sender: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<Result<(), NarError>>>,
}

impl Copying {
    fn start(folder: TempDir) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        let place = folder.object();
        let thread = std::thread::spawn(move || {
            let mut source = Pieces {
                receiver,
                piece: Vec::new(),
                start: 0,
            };
            nar::parse(&mut source, &mut Restorer::for_store(place))
        });
        Copying {
            folder,
            sender: Some(sender),
            thread: Some(thread),
        }
    }

    fn send(&self, data: Vec<u8>) -> bool {
        self.sender
            .as_ref()
            .is_some_and(|sender| sender.send(data).is_ok())
    }

    fn finish(mut self) -> Result<TempDir, StoreError> {
        self.end()?;
        Ok(self.folder.clone())
    }

    fn end(&mut self) -> Result<(), NarError> {
        drop(self.sender.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        // Whoever did not wait for the end does not want the files, which go with their folder.
        let _ = self.end();
    }
}

/// A stream of pieces that another thread sends.
struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    start: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.start == self.piece.len() {
            match self.receiver.recv() {
                Ok(piece) => (self.piece, self.start) = (piece, 0),
                Err(_) => return Ok(0),
            }
        }
        let rest = &self.piece[self.start..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.start += count;
        Ok(count)
    }
}
