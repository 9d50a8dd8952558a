//! The sandbox: what of the host a builder sees, and how it is kept from the rest.
//!
//! [`layout`] makes the tree that will be the builder's root, before any process is started; [`SandboxPlan::enter`]
//! mounts what belongs there and makes it the root, in the build's init; [`probe`] finds out what the kernel grants,
//! [`mode`] decides what of that a build gets.

pub(crate) mod layout;
pub(crate) mod mode;
pub(crate) mod probe;

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::CloneFlags;
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::sys;

use layout::Inside;

const NONE: Option<&str> = None;

/// What a builder's users are outside.
#[derive(Clone, Debug)]
pub(crate) struct IdMap {
    pub(crate) inside_uid: u32,
    pub(crate) outside_uid: u32,
    pub(crate) inside_gid: u32,
    pub(crate) outside_gid: u32,
    pub(crate) count: u32,
}

/// Something of the host that is mounted in the sandbox. The target is there already.
#[derive(Clone, Debug)]
pub(crate) struct Bind {
    pub(crate) source: PathBuf,
    /// Below the sandbox's root.
    pub(crate) target: PathBuf,
    pub(crate) read_only: bool,
}

/// Where `/proc` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proc {
    /// A new one, of the build's own processes.
    Private,
    /// The host's: the kernel does not let us mount one.
    Host,
}

/// How to set up a sandbox; made before the fork.
#[derive(Clone, Debug)]
pub(crate) struct SandboxPlan {
    /// The folder that becomes the root.
    pub(crate) root: PathBuf,
    /// The store within it.
    pub(crate) store: PathBuf,
    /// Inputs, which are mounted in the store.
    pub(crate) inputs: Vec<Bind>,
    /// What is mounted elsewhere.
    pub(crate) binds: Vec<Bind>,
    pub(crate) namespaces: CloneFlags,
    /// Who the builder is.
    pub(crate) inside: Inside,
    pub(crate) id_map: Option<IdMap>,
    pub(crate) must_drop_groups: bool,
    pub(crate) proc: Proc,
    /// Parts of `/proc` that are not to be written: the builder is root for the kernel.
    pub(crate) protect_proc: bool,
    /// The size of `/dev/shm`, if there is to be one.
    pub(crate) shm_size: Option<String>,
    /// There is to be a `/dev/pts`.
    pub(crate) has_pts: bool,
    /// There is to be a `/sys`: the builder has a range of users.
    pub(crate) has_sys: bool,
}

type Message = String;

fn failed(what: impl Into<String>) -> impl FnOnce(Errno) -> Message {
    let what = what.into();
    move |errno| format!("{what}: {}", errno.desc())
}

impl SandboxPlan {
    /// Go into the sandbox. For the init, which has the namespaces already.
    pub(crate) fn enter(&self) -> Result<(), Message> {
        if self.namespaces.contains(CloneFlags::CLONE_NEWNET) {
            sys::start_loopback().map_err(failed("cannot set loopback interface flags"))?;
        }
        if self.namespaces.contains(CloneFlags::CLONE_NEWUTS) {
            nix::unistd::sethostname("localhost").map_err(failed("cannot set host name"))?;
            sys::set_domain_name("(none)").map_err(failed("cannot set domain name"))?;
        }
        let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
        mount(NONE, "/", NONE, private, NONE).map_err(failed("unable to make '/' private"))?;
        bind(&self.root, &self.root, MsFlags::empty())?;
        self.mount_inputs()?;
        for item in &self.binds {
            bind(&item.source, &item.target, MsFlags::MS_REC)?;
            if item.read_only {
                make_read_only(&item.target)?;
            }
        }
        self.mount_proc()?;
        self.mount_devices()?;
        self.change_root()
    }

    /// Mount the inputs, all read-only; the store around them stays writable, for the outputs.
    fn mount_inputs(&self) -> Result<(), Message> {
        bind(&self.store, &self.store, MsFlags::empty())?;
        for input in &self.inputs {
            bind(&input.source, &input.target, MsFlags::MS_REC)?;
        }
        let at_once = sys::set_mount_read_only(&self.store, true, true)
            .and_then(|()| sys::set_mount_read_only(&self.store, false, false));
        match at_once {
            Err(Errno::ENOSYS) => self
                .inputs
                .iter()
                .try_for_each(|input| remount_read_only(&input.target)),
            result => result.map_err(failed("making the inputs read-only")),
        }
    }

    fn mount_proc(&self) -> Result<(), Message> {
        let proc = self.root.join("proc");
        if self.proc == Proc::Host {
            return bind(Path::new("/proc"), &proc, MsFlags::MS_REC);
        }
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("none"), &proc, Some("proc"), flags, NONE).map_err(failed("mounting /proc"))?;
        if self.protect_proc {
            for name in ["bus", "fs", "irq", "sys", "sysrq-trigger", "acpi", "scsi"] {
                let path = proc.join(name);
                if path.exists() {
                    bind(&path, &path, MsFlags::MS_REC)?;
                    make_read_only(&path)?;
                }
            }
        }
        Ok(())
    }

    fn mount_devices(&self) -> Result<(), Message> {
        if self.has_sys {
            let sys = self.root.join("sys");
            mount(Some("none"), &sys, Some("sysfs"), MsFlags::empty(), NONE)
                .map_err(failed("mounting /sys"))?;
        }
        if let Some(size) = &self.shm_size {
            let options = format!("size={size}");
            mount(
                Some("none"),
                &self.root.join("dev/shm"),
                Some("tmpfs"),
                MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
                Some(options.as_str()),
            )
            .map_err(failed("mounting /dev/shm"))?;
        }
        if self.has_pts {
            mount(
                Some("none"),
                &self.root.join("dev/pts"),
                Some("devpts"),
                MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
                Some("newinstance,mode=0620,ptmxmode=0666"),
            )
            .map_err(failed("mounting /dev/pts"))?;
        }
        Ok(())
    }

    fn change_root(&self) -> Result<(), Message> {
        nix::unistd::chdir(&self.root).map_err(failed("cannot change directory to the sandbox"))?;
        // With both arguments the same the old root lies over the new one, and is taken off.
        nix::unistd::pivot_root(".", ".").map_err(failed("cannot pivot old root directory"))?;
        umount2(".", MntFlags::MNT_DETACH).map_err(failed("cannot unmount real root filesystem"))?;
        nix::unistd::chdir("/").map_err(failed("cannot change root directory"))
    }
}

fn bind(source: &Path, target: &Path, flags: MsFlags) -> Result<(), Message> {
    mount(Some(source), target, NONE, MsFlags::MS_BIND | flags, NONE).map_err(|errno| {
        format!(
            "bind mount from \"{}\" to \"{}\" failed: {}",
            source.display(),
            target.display(),
            errno.desc()
        )
    })
}

fn make_read_only(path: &Path) -> Result<(), Message> {
    match sys::set_mount_read_only(path, true, true) {
        Err(Errno::ENOSYS) => remount_read_only(path),
        result => result.map_err(failed(format!("making \"{}\" read-only", path.display()))),
    }
}

/// As kernels before 5.12 have it: one mount at a time, naming the flags that stay.
fn remount_read_only(path: &Path) -> Result<(), Message> {
    let at = |errno: Errno| format!("making \"{}\" read-only: {}", path.display(), errno.desc());
    let present = statvfs(path).map_err(at)?.flags();
    let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    for (found, flag) in [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if present.contains(found) {
            flags |= flag;
        }
    }
    mount(NONE, path, NONE, flags, NONE).map_err(at)
}
