//! The program that is asked, and the fixed environment it runs in.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one run may take before it counts as a hang: far more than any needs, as machines that test are busy.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A Nix implementation with an environment of its own: no user settings, no
/// search path, state in a temporary folder.
#[derive(Debug)]
pub struct Subject {
    /// Folder with `nix-instantiate` and its siblings.
    bin: PathBuf,
    home: TempDir,
    nivis: bool,
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// The exit status; `None` after a signal or when it was killed for taking too long.
    pub(crate) status: Option<i32>,
}

impl Subject {
    /// The nivis binary, reached through links with the classic names.
    pub fn nivis(binary: &Path) -> io::Result<Self> {
        let (binary, home) = (binary.canonicalize()?, TempDir::new()?);
        let bin = home.path().join("bin");
        fs::create_dir(&bin)?;
        for name in [
            "nix-build",
            "nix-channel",
            "nix-env",
            "nix-instantiate",
            "nix-prefetch-url",
            "nix-shell",
            "nix-collect-garbage",
            "nix-store",
            "nix-hash",
            "nivis",
        ] {
            symlink(&binary, bin.join(name))?;
        }
        Ok(Self {
            bin,
            home,
            nivis: true,
        })
    }

    /// An installed reference, its commands in `bin`.
    pub fn reference(bin: &Path) -> io::Result<Self> {
        let subject = Self {
            bin: bin.canonicalize()?,
            home: TempDir::new()?,
            nivis: false,
        };
        // It makes its database at first use, which several processes at once cannot do.
        let answer = run(subject.instantiate(Path::new("/")).args(["--eval", "-E", "1"]))?;
        match answer.status {
            Some(0) => Ok(subject),
            _ => Err(io::Error::other(
                String::from_utf8_lossy(&answer.stderr).into_owned(),
            )),
        }
    }

    /// Whether this is the program under test and not the reference.
    pub(crate) fn is_nivis(&self) -> bool {
        self.nivis
    }

    /// The home of the runs that [`Subject::instantiate`] makes.
    pub(crate) fn home(&self) -> PathBuf {
        self.home.path().join("home")
    }

    /// `nix-instantiate` with the environment set, to be given arguments and run.
    pub(crate) fn instantiate(&self, dir: &Path) -> Command {
        self.command(self.bin.join("nix-instantiate"), dir, self.home.path())
    }

    /// A shell line that finds the commands on its PATH and keeps its state in `state`.
    pub(crate) fn shell(&self, line: &str, dir: &Path, state: &Path) -> Command {
        let mut command = self.command("sh", dir, state);
        command.arg("-c").arg(line);
        command
    }

    fn command(&self, program: impl AsRef<OsStr>, dir: &Path, state: &Path) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin.display());
        command
            .env_clear()
            .current_dir(dir)
            .env("PATH", path)
            .env("HOME", state.join("home"))
            .env("NIX_PATH", "")
            .env("NIX_STATE_DIR", state.join("state"))
            .env("NIX_LOG_DIR", state.join("log"))
            .env("NIX_CONF_DIR", state.join("conf"))
            .env("NIX_DATA_DIR", state.join("data"))
            .env("NIX_USER_CONF_FILES", "")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("TERM", "dumb")
            .stdin(Stdio::null());
        command
    }
}

/// Runs a command to its end, at most [`TIME_LIMIT`].
pub(crate) fn output(command: &mut Command) -> Result<Output, String> {
    run(command).map_err(|e| format!("cannot run {command:?}: {e}"))
}

fn run(command: &mut Command) -> io::Result<Output> {
    // Files rather than pipes: nobody has to read while the program runs.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut child = command
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()?;
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status.code();
        }
        if start.elapsed() > TIME_LIMIT {
            child.kill()?;
            child.wait()?;
            break None;
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Ok(Output {
        stdout: contents(&mut stdout)?,
        stderr: contents(&mut stderr)?,
        status,
    })
}

fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
