//! What the program writes to the terminal while the screen is drawn on: kept, and written when the screen is gone.

use nix::unistd::{dup, dup2_stderr, dup2_stdout};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;

/// Standard output and standard error, as far as they are terminals.
pub(super) struct Held {
    kept: File,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

impl Held {
    /// Keeps what is written from now on in a file.
    pub(super) fn new(kept: File) -> io::Result<Held> {
        let mut held = Held {
            kept,
            stdout: None,
            stderr: None,
        };
        if io::stdout().is_terminal() {
            held.stdout = Some(dup(io::stdout())?);
            dup2_stdout(&held.kept)?;
        }
        if io::stderr().is_terminal() {
            held.stderr = Some(dup(io::stderr())?);
            dup2_stderr(&held.kept)?;
        }
        Ok(held)
    }

    /// Writes what was kept; what is written from now on goes where it should.
    pub(super) fn release(&mut self, terminal: &mut File) -> io::Result<()> {
        if let Some(stdout) = self.stdout.take() {
            dup2_stdout(stdout)?;
        }
        if let Some(stderr) = self.stderr.take() {
            dup2_stderr(stderr)?;
        }
        let mut text = vec![];
        self.kept.seek(SeekFrom::Start(0))?;
        self.kept.read_to_end(&mut text)?;
        terminal.write_all(&text)
    }
}
