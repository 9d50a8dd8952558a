//! A store in a temporary folder, and derivations whose builder is the host's shell.

// Each test program uses its own part of this.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nivis_builder::{BuildFailure, BuildSettings, Built, Job, Mode, Running, Sandbox, SandboxPath};
use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::derivation::{Derivation, DerivationOutput, HashModuloCache, instantiate};
use nivis_store::error::StoreError;
use nivis_store::notify::Notify;
use nivis_store::path::{StoreDir, StorePath};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The host's programs as sandboxes see them.
const HOST: [&str; 5] = ["/bin", "/usr", "/lib?", "/lib64?", "/etc/alternatives?"];

/// A store in a temporary folder.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: LocalStore,
    pub(crate) settings: BuildSettings,
}

/// How a build went.
pub(crate) struct Outcome {
    pub(crate) result: Result<Built, BuildFailure>,
    pub(crate) lines: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Outcome {
    pub(crate) fn failure(self) -> BuildFailure {
        match self.result {
            Ok(_) => panic!("should have failed; log: {:?}", self.lines),
            Err(failure) => failure,
        }
    }

    pub(crate) fn built(self) -> Built {
        match self.result {
            Ok(built) => built,
            Err(failure) => panic!("{failure}; log: {:?}", self.lines),
        }
    }
}

/// A derivation to be changed before it is added to a store.
pub(crate) fn shell(name: &str, script: &str) -> Derivation {
    let mut drv = Derivation {
        name: name.to_owned(),
        platform: b"x86_64-linux".to_vec(),
        builder: b"/bin/sh".to_vec(),
        args: vec![
            b"-c".to_vec(),
            format!("PATH=/usr/bin:/bin; {script}").into_bytes(),
        ],
        ..Derivation::default()
    };
    drv.outputs.insert("out".to_owned(), DerivationOutput::Deferred);
    set(&mut drv, "name", name);
    set(&mut drv, "builder", "/bin/sh");
    set(&mut drv, "system", "x86_64-linux");
    drv
}

/// Set a variable of a derivation.
pub(crate) fn set(drv: &mut Derivation, name: &str, value: impl AsRef<[u8]>) {
    drv.env.insert(name.as_bytes().to_vec(), value.as_ref().to_vec());
}

impl World {
    /// With that kind of sandbox; `None` and the reason on standard error if the kernel has none.
    pub(crate) fn new(sandbox: Sandbox) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let dir = StoreDir::new(root.join("store").to_str().unwrap()).unwrap();
        let config = StoreConfig::new(dir, root.join("state"), root.join("log"));
        let settings = BuildSettings {
            sandbox,
            sandbox_fallback: false,
            sandbox_paths: HOST.map(SandboxPath::parse).into(),
            cores: 3,
            // The state folder lies where all may write.
            system: "x86_64-linux".to_owned(),
            ..BuildSettings::default()
        };
        World {
            store: LocalStore::new(config, Notify::silent()),
            folder,
            settings,
        }
    }

    /// Worlds without and with a sandbox, the latter where the kernel has it.
    pub(crate) fn both() -> Vec<World> {
        let mut worlds = vec![World::new(Sandbox::Off)];
        worlds.extend(World::sandboxed());
        worlds
    }

    pub(crate) fn sandboxed() -> Option<World> {
        let world = World::new(Sandbox::On);
        let probe = world.build(shell("probe", "echo > $out"));
        match probe.result {
            Ok(_) => Some(world),
            Err(failure) => {
                let text = failure.to_string();
                assert!(text.contains("namespaces"), "{text}");
                eprintln!("skipped: {text}");
                None
            }
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// Where a path's files are, as text.
    pub(crate) fn print(&self, path: &StorePath) -> String {
        self.store.store_dir().print(path)
    }

    /// Add a derivation; gives its path and it as it was completed.
    pub(crate) fn add(&self, mut drv: Derivation) -> (StorePath, Derivation) {
        let names: Vec<String> = drv.outputs.keys().cloned().collect();
        for name in &names {
            // Instantiation fills them in.
            set(&mut drv, name, "");
        }
        if names != ["out"] {
            set(&mut drv, "outputs", names.join(" "));
        }
        let mut cache = HashModuloCache::new();
        let mut read =
            |path: &StorePath| -> Result<Derivation, StoreError> { self.store.read_derivation(path) };
        let made = instantiate(self.store.store_dir(), &mut drv, &mut cache, &mut read).unwrap();
        self.store.add_derivation(&drv, &made).unwrap();
        (made.drv_path, drv)
    }

    /// Start building a derivation whose inputs are there.
    pub(crate) fn start(
        &self,
        drv_path: &StorePath,
        drv: Derivation,
        mode: Mode,
    ) -> Result<Running, BuildFailure> {
        let mut inputs: Vec<StorePath> = drv.input_srcs.iter().cloned().collect();
        for (input, wanted) in &drv.input_drvs {
            let input = self.store.read_derivation(input).unwrap();
            for output in &wanted.outputs {
                inputs.extend(input.output_path(self.store.store_dir(), output).unwrap());
            }
        }
        self.store.flush().unwrap();
        let closure = self.store.query_closure(inputs).unwrap();
        let job = Job {
            drv_path: drv_path.clone(),
            drv,
            mode,
        };
        nivis_builder::start(&self.store, &self.settings, job, closure)
    }

    /// Build a derivation that is not there yet.
    pub(crate) fn build(&self, drv: Derivation) -> Outcome {
        let (drv_path, drv) = self.add(drv);
        self.build_as(&drv_path, drv, Mode::Normal)
    }

    /// Build a derivation.
    pub(crate) fn build_as(&self, drv_path: &StorePath, drv: Derivation, mode: Mode) -> Outcome {
        let mut lines = Vec::new();
        match self.start(drv_path, drv, mode) {
            Ok(running) => {
                let warnings = running.warnings().to_vec();
                let result = self.wait(running, &mut lines);
                Outcome {
                    result,
                    lines,
                    warnings,
                }
            }
            Err(failure) => Outcome {
                result: Err(failure),
                lines,
                warnings: Vec::new(),
            },
        }
    }

    /// Wait for a build, as a scheduler does.
    pub(crate) fn wait(&self, mut running: Running, lines: &mut Vec<String>) -> Result<Built, BuildFailure> {
        loop {
            let timeout = match running.deadline() {
                Some(deadline) => {
                    deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1)
                }
                None => Duration::from_secs(60),
            };
            let mut fds = [PollFd::new(running.log_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut fds, PollTimeout::try_from(timeout).unwrap()).unwrap();
            if ready == 0 {
                running.check_deadline(Instant::now())?;
                assert!(running.deadline().is_some(), "silent for a minute");
                continue;
            }
            let read = running.read_log()?;
            let found = read.lines.iter();
            lines.extend(found.map(|line| String::from_utf8_lossy(line).into_owned()));
            if read.eof {
                return running.finish(&self.store);
            }
        }
    }

    /// Build something whose one output is a file; gives its contents.
    pub(crate) fn output(&self, drv: Derivation) -> String {
        let built = self.build(drv).built();
        std::fs::read_to_string(self.store.real_path(&built.outputs["out"])).unwrap()
    }

    /// Names of what is in the store apart from databases and links.
    pub(crate) fn store_entries(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.path().join("store"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".links")
            .collect();
        names.sort();
        names
    }
}

/// `name=value` lines.
pub(crate) fn variables(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Whether something is there, symlink or not.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
