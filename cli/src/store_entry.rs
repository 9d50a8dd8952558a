//! Entering the store of a user who has no other.
//!
//! That store lies below the user's data folder, but its objects are named `/nix/store/…` like all others, so hashes
//! and binary caches hold. So that those names are also where the files are, the program starts itself again with
//! [`FLAG`] first: that process, which has no threads yet, makes a user and a mount namespace in which the user's
//! folder is `/nix`, and then starts the command as it was called, without the privileges that it has there.
//! Where the system grants no namespaces, the command goes on outside, and takes each file from where it lies.

use crate::failure::{Failure, Result};
use crate::options::Common;
use crate::program::Invocation;
use crate::store_choice;
use nivis_store::files::create_dirs;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{chdir, getegid, geteuid, pivot_root};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first argument of the process that makes the namespaces; the folder follows, which is to have `/nix`.
const FLAG: &str = "--enter-store";
/// The first arguments of the command that is started again.
const INSIDE: &str = "--inside-store";
const OUTSIDE: &str = "--outside-store";

const NONE: Option<&str> = None;

/// Where a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Where it was called.
    NotTried,
    /// Where a store that lies elsewhere is at its place.
    Inside,
    /// Where it was called, for there are no namespaces to be had.
    Failed,
}

impl Entry {
    /// Takes what [`run_if_asked`] put before the arguments.
    pub(crate) fn take(arguments: &mut Vec<crate::args::Arg>) -> Entry {
        let entry = match arguments.first() {
            Some(flag) if flag == INSIDE.as_bytes() => Entry::Inside,
            Some(flag) if flag == OUTSIDE.as_bytes() => Entry::Failed,
            _ => return Entry::NotTried,
        };
        arguments.remove(0);
        entry
    }
}

/// Goes into the store of the user's own, if that is the store to use: does not return then, for the command starts
/// again inside. To be called before anything is read or printed.
pub(crate) fn enter(
    invocation: &Invocation,
    common: &Common,
    uri: Option<&str>,
    read_only: bool,
) -> Result<()> {
    let Some(own) = store_choice::own_store(uri, &common.settings, &invocation.environment, read_only) else {
        return Ok(());
    };
    if !own.root.exists() {
        let reason = format!("{}, so Nix will use {:?} as a chroot store", own.reason, own.root);
        common.logger(invocation.style).warning(&reason);
    }
    match invocation.entry {
        Entry::NotTried if !has_host_programs() => start_inside(invocation, &own.root),
        _ => Ok(()),
    }
}

/// Whether the programs of this system are in a store, which must not be hidden from them.
fn has_host_programs() -> bool {
    fs::canonicalize("/bin/sh").is_ok_and(|shell| shell.starts_with("/nix/store"))
}

/// Starts the command again where `nix` in the folder `root` is `/nix`.
pub(crate) fn start_inside(invocation: &Invocation, root: &Path) -> Result<()> {
    for name in ["nix/store", "nix/var/nix"] {
        create_dirs(&root.join(name)).map_err(|error| Failure::Plain(error.to_string()))?;
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let error = Command::new("/proc/self/exe")
        .arg0(name)
        .arg(FLAG)
        .arg(root)
        .args(arguments)
        .exec();
    Err(Failure::Plain(format!(
        "cannot start {}: {error}",
        invocation.called_as
    )))
}

/// The process that makes the namespaces, if this is it. For the start of the program, which has one thread.
pub(crate) fn run_if_asked() {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let root = match (arguments.next(), arguments.next()) {
        (Some(flag), Some(root)) if flag == FLAG => PathBuf::from(root),
        _ => return,
    };
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name);
    command.arg(match make_namespaces(&root) {
        Ok(()) => INSIDE,
        Err(_) => OUTSIDE,
    });
    let error = command.args(arguments).exec();
    crate::output::complain(&format!("error: cannot start again: {error}"));
    std::process::exit(1);
}

/// Makes `nix` in the folder `root` what this process sees as `/nix`.
fn make_namespaces(root: &Path) -> io::Result<()> {
    let folder = std::env::current_dir()?;
    let (user, group) = (geteuid(), getegid());
    if user.is_root() {
        unshare(CloneFlags::CLONE_NEWNS)?;
    } else {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    // What the host mounts later shows here, too, but not the reverse.
    mount(NONE, "/", NONE, MsFlags::MS_SLAVE | MsFlags::MS_REC, NONE)?;
    let source = root.join("nix");
    if Path::new("/nix").is_dir() {
        bind(&source, Path::new("/nix"))?;
    } else {
        make_root(root, &source)?;
    }
    Ok(chdir(&folder)?)
}

fn bind(source: &Path, target: &Path) -> nix::Result<()> {
    mount(
        Some(source),
        target,
        NONE,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        NONE,
    )
}

/// Makes a root like the present one, but with `/nix`.
fn make_root(root: &Path, source: &Path) -> io::Result<()> {
    let top = root.join(".top");
    fs::create_dir_all(&top)?;
    mount(
        Some("none"),
        &top,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )?;
    // The folder that this lies in is mounted in it.
    mount(NONE, &top, NONE, MsFlags::MS_UNBINDABLE, NONE)?;
    for entry in fs::read_dir("/")? {
        let entry = entry?;
        let (path, target) = (entry.path(), top.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(fs::read_link(&path)?, &target)?;
            continue;
        }
        match kind.is_dir() {
            true => fs::create_dir(&target)?,
            false => fs::write(&target, "")?,
        }
        bind(&path, &target)?;
    }
    let place = top.join("nix");
    fs::create_dir(&place)?;
    bind(source, &place)?;
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(NONE, &top, NONE, read_only, NONE)?;
    chdir(&top)?;
    // With both arguments the same the old root lies over the new one, and is taken off.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}
