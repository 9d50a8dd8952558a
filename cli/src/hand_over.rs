//! Evaluation in a process of its own, so that its memory is gone before building starts.
//!
//! `nix-build` runs itself with [`FLAG`] first. That process evaluates, writes derivations to the store, and hands
//! over what is to be built through its standard output, which is a socket. It ends when the other side closes: until
//! then it keeps everything from being collected.

use crate::args::{Arg, lossy};
use crate::failure::{Failure, Result};
use crate::interrupt::interrupted;
use crate::program::Invocation;
use nivis_store::LocalStore;
use nivis_store::path::StorePath;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The first argument of the process that evaluates.
const FLAG: &[u8] = b"--evaluate-for-parent";
/// What starts the line of a failure; its message follows as JSON.
const FAILURE: &str = "failure ";
/// How often to look whether the user wants to stop.
const ATTENTION: Duration = Duration::from_millis(100);
/// How long the other process has to notice for itself that the user wants to stop.
const PATIENCE: Duration = Duration::from_millis(500);

/// An output of a derivation that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The derivation.
    pub(crate) drv: StorePath,
    /// The name of the output.
    pub(crate) output: String,
}

/// What evaluation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evaluated {
    /// What is to be built, in the order of the command line.
    pub(crate) wanted: Vec<Wanted>,
    /// The shell for `nix-shell`.
    pub(crate) shell: Option<Wanted>,
    /// What to tell the user at the end of that which could not be evaluated, with `--keep-going`.
    pub(crate) failures: Vec<String>,
}

/// The arguments, and whether this process is to evaluate for another.
pub(crate) fn arguments(invocation: &Invocation) -> (Vec<Arg>, bool) {
    match invocation.args.split_first() {
        Some((first, rest)) if first == FLAG => (rest.to_vec(), true),
        _ => (invocation.args.clone(), false),
    }
}

/// Has another process evaluate. What it found is a root of this process when this returns.
pub(crate) fn evaluate(
    invocation: &Invocation,
    variables: &[(&str, &str)],
    store: &LocalStore,
) -> Result<Evaluated> {
    let failed = |error: io::Error| Failure::Plain(format!("cannot start evaluation: {error}"));
    let (mut ours, theirs) = UnixStream::pair().map_err(failed)?;
    let mut command = Command::new("/proc/self/exe");
    match &invocation.profile {
        None => command.arg0(&invocation.name),
        Some(profile) => {
            let options = profile.args.iter().map(|arg| std::ffi::OsStr::from_bytes(arg));
            command
                .arg("profile")
                .args(options)
                .args(["--", &invocation.name])
        }
    };
    let mut child = command
        .arg(lossy(FLAG))
        .args(invocation.args.iter().map(|arg| std::ffi::OsStr::from_bytes(arg)))
        .envs(variables.iter().copied())
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .map_err(failed)?;
    // It holds the other end of the socket, which would never close.
    drop(command);
    let text = read(&mut ours, &child).map_err(failed)?;
    let evaluated = parse(store, &text)?;
    if let Some(evaluated) = &evaluated {
        let all = evaluated.wanted.iter().chain(&evaluated.shell);
        store.add_temp_roots(all.map(|wanted| &wanted.drv))?;
    }
    drop(ours);
    let status = child.wait().map_err(failed)?;
    match (status.code(), evaluated) {
        (Some(0), Some(evaluated)) => Ok(evaluated),
        (Some(0), None) => Err(Failure::Exit(0)),
        (Some(code), _) => Err(Failure::Exit(u8::try_from(code).unwrap_or(1))),
        (None, _) => {
            let signal = status.signal().unwrap_or(0);
            Err(Failure::Plain(format!("evaluation was ended by signal {signal}")))
        }
    }
}

/// All that the other process writes. If the user wants to stop, it is told.
fn read(stream: &mut UnixStream, child: &Child) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(ATTENTION))?;
    let mut text = vec![];
    let mut buffer = [0; 4096];
    let mut told_at = None;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(text),
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if interrupted() {
            // The terminal tells both of us; others may have told only this one.
            let since = told_at.get_or_insert_with(Instant::now);
            if since.elapsed() > PATIENCE {
                let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
                told_at = Some(Instant::now() + Duration::from_secs(3600));
            }
        }
    }
}

/// `None` if the process ended before it had handed over everything.
fn parse(store: &LocalStore, text: &[u8]) -> Result<Option<Evaluated>> {
    let mut evaluated = Evaluated::default();
    for line in String::from_utf8_lossy(text).lines() {
        if let Some(message) = line.strip_prefix(FAILURE) {
            let message = serde_json::from_str(message).unwrap_or_else(|_| message.to_owned());
            evaluated.failures.push(message);
            continue;
        }
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("end"), ..) => return Ok(Some(evaluated)),
            (Some(what), Some(drv), Some(output)) => {
                let wanted = Wanted {
                    drv: store.store_dir().parse(drv)?,
                    output: output.to_owned(),
                };
                match what {
                    "shell" => evaluated.shell = Some(wanted),
                    _ => evaluated.wanted.push(wanted),
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The process that wants to know, from the side of the one that evaluates.
pub(crate) struct Parent {
    stream: UnixStream,
}

impl Parent {
    /// The one at the other end of standard output. If it dies, so does this process.
    pub(crate) fn connect() -> Result<Parent> {
        // Without it this process would end when it tries to hand over.
        let _ = set_pdeathsig(Signal::SIGTERM);
        let fd = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Parent {
            stream: UnixStream::from(fd),
        })
    }

    /// Hands over, and waits until the other has made roots of it.
    pub(crate) fn hand_over(
        mut self,
        store_dir: &nivis_store::path::StoreDir,
        found: &Evaluated,
    ) -> Result<()> {
        let mut text = String::new();
        let wanted = found.wanted.iter().map(|wanted| ("drv", wanted));
        for (what, wanted) in wanted.chain(found.shell.iter().map(|shell| ("shell", shell))) {
            let drv = store_dir.print(&wanted.drv);
            text.push_str(&format!("{what} {drv} {}\n", wanted.output));
        }
        for message in &found.failures {
            text.push_str(&format!("{FAILURE}{}\n", serde_json::json!(message)));
        }
        text.push_str("end\n");
        self.stream.write_all(text.as_bytes())?;
        self.stream.shutdown(Shutdown::Write)?;
        // Nothing is ever sent; this waits for the end.
        let _ = self.stream.read(&mut [0]);
        Ok(())
    }
}
