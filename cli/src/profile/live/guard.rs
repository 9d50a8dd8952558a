//! Restores the terminal when the program ends without doing so, because it was killed or aborted.
//!
//! A second process waits for the first one's end of a socket to close, and puts back what was on the terminal before.

use super::terminal::restore;
use crate::interrupt;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{OutputFlags, tcgetattr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// What the second process is told by; not for users.
const FLAG: &str = "--guard-terminal";

/// The second process; it ends when this is dropped.
pub(super) struct Guard {
    process: Child,
    socket: UnixStream,
}

impl Guard {
    /// Starts it. It has seen the terminal as it is when this returns. What was kept is written to the terminal, too.
    pub(super) fn start(terminal: &File, kept: &File) -> io::Result<Guard> {
        let (mut socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("nivis")
            .arg(FLAG)
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        command.stdout(kept.try_clone()?).stderr(terminal.try_clone()?);
        let process = command.spawn()?;
        drop(command);
        socket.read_exact(&mut [0])?;
        Ok(Guard { process, socket })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // If it is gone nobody has to be told.
        let _ = self.socket.write_all(&[0]);
        let _ = self.process.wait();
    }
}

/// Is that process, if the arguments say so.
pub(crate) fn run_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|flag| flag == FLAG) {
        std::process::exit(i32::from(guard().is_err()));
    }
}

fn guard() -> io::Result<()> {
    // Signals for all processes of the terminal are for the other one; and the shell may have taken the terminal back.
    interrupt::block();
    SigSet::from_iter([Signal::SIGTTOU, Signal::SIGQUIT]).thread_block()?;
    let mut terminal = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let saved = tcgetattr(&terminal)?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.write_all(&[0])?;
    if matches!(socket.read(&mut [0]), Ok(1)) {
        return Ok(());
    }
    // Unless somebody else changed it meanwhile.
    let is_raw = !tcgetattr(&terminal)?.output_flags.contains(OutputFlags::OPOST);
    restore(&mut terminal, is_raw.then_some(&saved));
    // The file has no name any more, and its position is where the other process wrote last.
    io::copy(&mut File::open("/proc/self/fd/1")?, &mut terminal)?;
    Ok(())
}
