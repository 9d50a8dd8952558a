//! A control group for each build: the setting `use-cgroups`. What is in it can be killed whole, whatever it did, and
//! what it uses is counted apart.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use nivis_store::io_error::message;

use crate::failure::BuildFailure;

const PREFIX: &str = "nix-build-pid-";

/// How often to look whether killed processes are gone, and for how long.
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: u32 = 400;

/// A control group, which ends with all that is in it when dropped.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// A new one below that of this process. Those of processes that were killed are removed.
    pub(crate) fn create() -> Result<Self, BuildFailure> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let parent = own()?;
        remove_stale(&parent);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{PREFIX}{}-{count}", std::process::id()));
        fs::create_dir(&path).map_err(|error| {
            BuildFailure::other(format!(
                "cannot make a control group at \"{}\": {}; 'use-cgroups' needs a cgroup v2 file system in which \
                 this user can make folders",
                path.display(),
                message(&error)
            ))
        })?;
        Ok(Cgroup { path })
    }

    /// The file that moves the process into it which writes `0` there.
    pub(crate) fn entry(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// The control group of this process, as a folder.
fn own() -> Result<PathBuf, BuildFailure> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mount = mounts.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (target, kind) = (words.nth(1)?, words.next()?);
        (kind == "cgroup2").then_some(target)
    });
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    match (mount, group) {
        (Some(mount), Some(group)) => Ok(Path::new(mount).join(group)),
        _ => Err(BuildFailure::other(
            "cannot determine the cgroups file system: 'use-cgroups' needs a mounted cgroup v2 file system",
        )),
    }
}

/// Remove what processes left that are gone.
fn remove_stale(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if let Some(owner) = owner
            && !Path::new("/proc").join(owner).exists()
        {
            remove(&entry.path());
        }
    }
}

/// Kill all that is in a group and in those below it, and remove them.
fn remove(path: &Path) {
    // Kernels older than 5.14 do not have it; there the build's own init has killed what there was.
    let _ = fs::write(path.join("cgroup.kill"), "1");
    for _ in 0..PATIENCE {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove(&entry.path());
            }
        }
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => thread::sleep(LOOK),
            _ => return,
        }
    }
}
