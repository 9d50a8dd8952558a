//! The tree of files that becomes the root of a sandbox: made outside, mounted over inside.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nivis_store::delete_path;
use nivis_store::io_error::IoError;
use nix::unistd::{Gid, Uid, chown};

use super::Bind;
use crate::failure::BuildFailure;
use crate::settings::SandboxPath;
use crate::users::BuildUser;

/// The folder of a sandbox's root; deleted when dropped.
#[derive(Debug)]
pub(crate) struct ChrootDir {
    parent: PathBuf,
    pub(crate) root: PathBuf,
}

/// The user that a builder sees itself as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inside {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl ChrootDir {
    /// Make the folder, empty. Nobody else can look into its parent.
    pub(crate) fn create(parent: PathBuf, user: Option<&BuildUser>) -> Result<Self, BuildFailure> {
        delete_path(&parent)?;
        make_dir(&parent, 0o700)?;
        let root = parent.join("root");
        let chroot = ChrootDir { parent, root };
        let has_range = user.is_some_and(|user| user.count != 1);
        make_dir(&chroot.root, if has_range { 0o755 } else { 0o750 })?;
        if let Some(user) = user {
            let owner = if has_range { user.uid } else { Uid::from_raw(0) };
            give(&chroot.root, owner, user.gid)?;
        }
        Ok(chroot)
    }

    /// Where a path of the sandbox is outside.
    pub(crate) fn outside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Make what every sandbox has: `/tmp`, `/etc`, the store.
    pub(crate) fn fill(
        &self,
        store: &Path,
        build_folder: &Path,
        inside: Inside,
        has_network: bool,
        user: Option<&BuildUser>,
    ) -> Result<(), BuildFailure> {
        let tmp = self.root.join("tmp");
        make_dir(&tmp, 0o777)?;
        set_mode(&tmp, 0o1777)?;
        let store = self.outside(store);
        create_dirs(&store)?;
        set_mode(&store, 0o1775)?;
        if let Some(user) = user {
            give(&store, Uid::from_raw(0), user.gid)?;
        }
        for name in ["etc", "proc"] {
            make_dir(&self.root.join(name), 0o755)?;
        }
        let (Inside { uid, gid }, folder) = (inside, build_folder.display());
        let passwd = format!(
            "root:x:0:0:Nix build user:{folder}:/noshell\n\
             nixbld:x:{uid}:{gid}:Nix build user:{folder}:/noshell\n\
             nobody:x:65534:65534:Nobody:/:/noshell\n"
        );
        self.write("etc/passwd", &passwd)?;
        self.write(
            "etc/group",
            &format!("root:x:0:\nnixbld:!:{gid}:\nnogroup:x:65534:\n"),
        )?;
        if has_network {
            self.write("etc/nsswitch.conf", "hosts: files dns\nservices: files\n")
        } else {
            self.write("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        }
    }

    /// Let nobody add to `/etc`. The last step, for what is mounted there needs its place.
    pub(crate) fn close_etc(&self) -> Result<(), BuildFailure> {
        set_mode(&self.root.join("etc"), 0o555)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), BuildFailure> {
        let path = self.root.join(name);
        fs::write(&path, text).map_err(|error| IoError::at("writing file", &path, error).into())
    }

    /// Make `/dev`: folders and links; gives the devices that are to be mounted.
    pub(crate) fn fill_dev(&self, has_kvm: bool) -> Result<Vec<SandboxPath>, BuildFailure> {
        for name in ["dev/shm", "dev/pts"] {
            create_dirs(&self.root.join(name))?;
        }
        for (name, target) in [
            ("dev/fd", "/proc/self/fd"),
            ("dev/stdin", "/proc/self/fd/0"),
            ("dev/stdout", "/proc/self/fd/1"),
            ("dev/stderr", "/proc/self/fd/2"),
        ] {
            make_link(Path::new(target), &self.root.join(name))?;
        }
        if has_pts() {
            make_link(Path::new("/dev/pts/ptmx"), &self.root.join("dev/ptmx"))?;
        }
        let mut devices = vec![
            "/dev/full",
            "/dev/null",
            "/dev/random",
            "/dev/tty",
            "/dev/urandom",
            "/dev/zero",
        ];
        if has_kvm {
            devices.push("/dev/kvm");
        }
        let devices = devices.into_iter().map(|path| SandboxPath {
            target: path.into(),
            source: path.into(),
            // Some containers lack some.
            optional: true,
        });
        Ok(devices.collect())
    }

    /// Make a place for something of the host, or copy it if it is a symlink. `None` if nothing is to be mounted.
    pub(crate) fn place(&self, path: &SandboxPath, read_only: bool) -> Result<Option<Bind>, BuildFailure> {
        let source = &path.source;
        let metadata = match source.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.optional => return Ok(None),
            Err(error) => return Err(IoError::at("getting attributes of path", source, error).into()),
        };
        let target = self.outside(&path.target);
        if metadata.is_dir() {
            create_dirs(&target)?;
            self.check_inside(&target)?;
        } else {
            let parent = target.parent().unwrap_or(&self.root);
            create_dirs(parent)?;
            self.check_inside(parent)?;
            if metadata.is_symlink() {
                let link = fs::read_link(source)
                    .map_err(|error| IoError::at("reading symbolic link", source, error))?;
                make_link(&link, &target)?;
                return Ok(None);
            }
            if target.symlink_metadata().is_err() {
                fs::write(&target, "").map_err(|error| IoError::at("creating file", &target, error))?;
            }
        }
        Ok(Some(Bind {
            source: source.clone(),
            target,
            read_only,
        }))
    }

    /// A symlink that was copied before may lead out.
    fn check_inside(&self, path: &Path) -> Result<(), BuildFailure> {
        let real = |path: &Path| {
            path.canonicalize()
                .map_err(|error| IoError::at("resolving", path, error))
        };
        if real(path)?.starts_with(real(&self.root)?) {
            return Ok(());
        }
        Err(BuildFailure::other(format!(
            "sandbox path '/{}' leads out of the sandbox through a symlink",
            path.strip_prefix(&self.root).unwrap_or(path).display()
        )))
    }
}

impl Drop for ChrootDir {
    fn drop(&mut self) {
        // What is left is deleted when the derivation is built again, or by a collection.
        let _ = delete_path(&self.parent);
    }
}

/// Whether the kernel has `/dev/pts`.
pub(crate) fn has_pts() -> bool {
    Path::new("/dev/pts/ptmx").exists()
}

/// Paths by target; of two for one target the later counts.
#[derive(Debug, Default)]
pub(crate) struct Paths(pub(crate) BTreeMap<PathBuf, SandboxPath>);

impl Paths {
    pub(crate) fn add(&mut self, path: SandboxPath) {
        self.0.insert(path.target.clone(), path);
    }

    /// Give the sandbox a shell if nobody has: one that needs no libraries.
    pub(crate) fn add_shell(&mut self) {
        let shell = Path::new("/bin/sh");
        if shell.ancestors().any(|path| self.0.contains_key(path)) {
            return;
        }
        if let Some(source) = static_shell() {
            self.add(SandboxPath {
                target: shell.into(),
                source: source.clone(),
                optional: true,
            });
        }
    }
}

/// A shell of the host that needs no libraries.
fn static_shell() -> Option<&'static PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let names = [
            "busybox",
            "busybox.static",
            "busybox-static",
            "bash-static",
            "bash.static",
        ];
        let folders = ["/bin", "/usr/bin", "/usr/local/bin", "/usr/lib/busybox"];
        names
            .iter()
            .flat_map(|name| folders.map(|folder| Path::new(folder).join(name)))
            .filter_map(|path| path.canonicalize().ok())
            .find(|path| is_static(path))
    };
    FOUND.get_or_init(find).as_ref()
}

/// Whether a program names no interpreter. Only of 64-bit little-endian ELF files it is known.
fn is_static(path: &Path) -> bool {
    const INTERPRETER: usize = 3;
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start));
    if read.is_err() || !start.starts_with(b"\x7fELF\x02\x01") {
        return false;
    }
    let number = |at: usize, length: usize| {
        let bytes = start.get(at..at + length)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    };
    let (Some(table), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2)) else {
        return false;
    };
    (0..count)
        .all(|index| number(table.saturating_add(index * size), 4).is_some_and(|kind| kind != INTERPRETER))
}

pub(crate) fn create_dirs(path: &Path) -> Result<(), BuildFailure> {
    fs::create_dir_all(path).map_err(|error| IoError::at("creating directory", path, error).into())
}

pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<(), BuildFailure> {
    DirBuilder::new()
        .mode(mode)
        .create(path)
        .map_err(|error| IoError::at("creating directory", path, error).into())
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<(), BuildFailure> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|error| IoError::at("changing mode of", path, error).into())
}

fn make_link(target: &Path, link: &Path) -> Result<(), BuildFailure> {
    symlink(target, link).map_err(|error| IoError::at("creating symlink", link, error).into())
}

/// Make something a user's.
pub(crate) fn give(path: &Path, uid: Uid, gid: Gid) -> Result<(), BuildFailure> {
    chown(path, Some(uid), Some(gid))
        .map_err(|errno| IoError::at("cannot change ownership of", path, errno.into()).into())
}
