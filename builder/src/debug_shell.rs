//! A shell where a builder failed: in the same namespaces and mounts, as the same user, with the same environment, in
//! the same folder. The build's init has stayed there and starts it.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitStatus;

use nivis_store::io_error::IoError;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::PtyMaster;
use nix::sys::termios::{SetArg, tcsetattr};
use nix::unistd::{isatty, pipe2};

use crate::build::{open_terminal, set_raw};
use crate::child::{Child, Ended, Shell, ShellEnds, c_string};
use crate::failure::BuildFailure;
use crate::prepare::Prepared;
use crate::sys;
use crate::users::BuildUser;

/// Our ends of what a shell needs.
pub(crate) struct OurEnds {
    terminal: PtyMaster,
    control: OwnedFd,
}

/// Make what a shell needs, before the processes of the build.
pub(crate) fn open(user: Option<&BuildUser>) -> Result<(OurEnds, ShellEnds), BuildFailure> {
    let (ours, theirs) = open_terminal(user)?;
    let (reader, writer) =
        pipe2(OFlag::O_CLOEXEC).map_err(|errno| IoError::during("creating pipe", errno.into()))?;
    let ours = OurEnds {
        terminal: ours,
        control: writer,
    };
    let theirs = ShellEnds {
        terminal: theirs,
        control: reader,
    };
    Ok((ours, theirs))
}

/// Which shell to run: the builder, if it is one, or what the sandbox has.
pub(crate) fn plan(builder: &[u8], env: &[CString]) -> Shell {
    let name = builder.rsplit(|byte| *byte == b'/').next().unwrap_or(builder);
    let mut candidates = Vec::new();
    match name {
        b"bash" => candidates.push(vec![
            c_string(builder),
            c_string("--norc"),
            c_string("--noprofile"),
            c_string("-i"),
        ]),
        b"sh" | b"dash" | b"ash" | b"ksh" | b"zsh" => {
            candidates.push(vec![c_string(builder), c_string("-i")]);
        }
        _ => {}
    }
    candidates.push(vec![c_string("/bin/sh"), c_string("-i")]);
    let mut env = env.to_vec();
    if !env
        .iter()
        .any(|variable| variable.as_bytes().starts_with(b"PS1="))
    {
        env.push(c_string("PS1=[build] $PWD $ "));
    }
    Shell { candidates, env }
}

/// What a builder that failed has left. Dropped, it is cleaned up.
pub struct Kept {
    /// First: the init ends when it hears that there will be no more shells.
    ends: OurEnds,
    /// Then this, so that it is dead before the rest is cleaned up.
    child: Child,
    _prepared: Prepared,
}

impl Kept {
    pub(crate) fn new(child: Child, prepared: Prepared, ends: OurEnds) -> Self {
        Kept {
            child,
            ends,
            _prepared: prepared,
        }
    }

    /// Run a shell, which talks to whoever has `input` and `output`, until it ends. A terminal is put into raw mode
    /// for as long, so that the keys that interrupt and suspend act on the shell.
    pub fn run_shell(
        &mut self,
        input: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
    ) -> Result<ExitStatus, BuildFailure> {
        let failed = |errno: Errno| IoError::during("starting a shell", errno.into());
        let is_terminal = isatty(input).unwrap_or(false);
        if is_terminal {
            let _ = sys::copy_window_size(input, self.ends.terminal.as_fd());
        }
        nix::unistd::write(&self.ends.control, b"s").map_err(failed)?;
        let before = match is_terminal {
            true => Some(set_raw(input)?),
            false => None,
        };
        let passed = self.pass(input, output, is_terminal);
        if let Some(before) = before {
            let _ = tcsetattr(input, SetArg::TCSADRAIN, &before);
        }
        passed.map_err(failed)?;
        match self.child.next_report() {
            Some(Ended::Builder(status)) => Ok(status),
            Some(Ended::SetupFailed(message)) => Err(BuildFailure::other(message)),
            None => Err(BuildFailure::other("the sandbox has ended")),
        }
    }

    /// Pass on what is typed and written, until the shell has ended.
    fn pass(&self, input: BorrowedFd<'_>, output: BorrowedFd<'_>, is_terminal: bool) -> nix::Result<()> {
        let terminal = self.ends.terminal.as_fd();
        let mut has_input = true;
        loop {
            let mut fds = vec![
                PollFd::new(self.child.reports(), PollFlags::POLLIN),
                PollFd::new(terminal, PollFlags::POLLIN),
            ];
            if has_input {
                fds.push(PollFd::new(input, PollFlags::POLLIN));
            }
            match poll(&mut fds, PollTimeout::NONE) {
                // The size of the window may have changed.
                Err(Errno::EINTR) if is_terminal => {
                    let _ = sys::copy_window_size(input, terminal);
                    continue;
                }
                Err(Errno::EINTR) => continue,
                result => drop(result?),
            }
            let ready = |index: usize| {
                fds.get(index)
                    .and_then(PollFd::revents)
                    .is_some_and(|events| !events.is_empty())
            };
            if ready(1) {
                if !copy(terminal, output)? {
                    return Ok(());
                }
                continue;
            }
            if ready(0) {
                return Ok(());
            }
            if ready(2) {
                has_input = copy(input, terminal)?;
                if !has_input {
                    // As the key for the end of input does.
                    write_all(terminal, &[4])?;
                }
            }
        }
    }
}

/// Copy what can be read; `false` at the end.
fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> nix::Result<bool> {
    let mut chunk = [0; 4096];
    match nix::unistd::read(from, &mut chunk) {
        Ok(0) | Err(Errno::EIO) => Ok(false),
        Ok(count) => write_all(to, &chunk[..count]).map(|()| true),
        Err(Errno::EINTR | Errno::EAGAIN) => Ok(true),
        Err(errno) => Err(errno),
    }
}

fn write_all(to: BorrowedFd<'_>, mut data: &[u8]) -> nix::Result<()> {
    while !data.is_empty() {
        match nix::unistd::write(to, data) {
            Ok(count) => data = &data[count..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
