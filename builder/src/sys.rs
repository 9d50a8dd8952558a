//! The system calls that no safe interface exists for. All `unsafe` code of the crate is here.
//!
//! # Forking
//!
//! The program may have other threads, so a child must not wait for locks that one of them holds. What children
//! run keeps to this: no standard streams of `std` (they write to descriptors), no environment, no database, no
//! return into the parent's code: they end in `_exit` or `execve`. Memory may be allocated, for the C library makes
//! its allocator usable in the child of `fork`; [`clone_child`] is only called by a process that `fork` made and
//! that has one thread.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use nix::NixPath;
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::sys::signal::{SigHandler, Signal};
use nix::unistd::{ForkResult, Pid};

/// The stack of a process made by [`clone_child`].
const STACK_SIZE: usize = 8 * 1024 * 1024;

/// Run `child` in a new process, which ends with the status that it returns.
pub(crate) fn fork_child(child: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: the child keeps to the rules above: it runs `child` and ends, without unwinding into our callers.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => end(catch_unwind(AssertUnwindSafe(child)).unwrap_or(1)),
    }
}

/// As [`fork_child`], with namespaces of its own. The new process is the caller's sibling: whoever made the
/// caller can wait for it. The caller has one thread.
pub(crate) fn clone_child(flags: CloneFlags, child: impl FnOnce() -> i32) -> nix::Result<Pid> {
    let mut stack = vec![0; STACK_SIZE];
    let mut child = Some(child);
    let run = Box::new(move || match child.take() {
        Some(child) => end(catch_unwind(AssertUnwindSafe(child)).unwrap_or(1)),
        None => 1,
    });
    // SAFETY: memory is not shared (no CLONE_VM), so the stack is the child's own copy, and it is large enough;
    // the caller has one thread, so no lock can be held by another.
    unsafe {
        nix::sched::clone(
            run,
            &mut stack,
            flags | CloneFlags::CLONE_PARENT,
            Some(libc::SIGCHLD),
        )
    }
}

/// End this process at once: nothing of the parent's is flushed or dropped.
pub(crate) fn end(status: i32) -> ! {
    // SAFETY: `_exit` does not return and touches no memory.
    unsafe { libc::_exit(status) }
}

/// Close all descriptors but standard input, output, error, and some, which are in order.
///
/// For children: what they inherited belongs to the parent, whose values are never dropped here.
pub(crate) fn close_all_but(keep: &[RawFd]) {
    let mut first = 3;
    for &fd in keep.iter().filter(|fd| **fd >= 3) {
        if fd > first {
            close_range(first, fd - 1);
        }
        first = fd + 1;
    }
    close_range(first, RawFd::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    // SAFETY: plain numbers; see above for why nobody misses what is closed.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if done == 0 {
        return;
    }
    // Older kernels lack the call.
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let open: Vec<RawFd> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| (first..=last).contains(fd))
        .collect();
    for fd in open {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}

/// Let a signal do again what it does by default.
pub(crate) fn restore_signal(signal: Signal) -> nix::Result<()> {
    // SAFETY: no handler of ours is installed, only the default action.
    unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.map(drop)
}

/// Make a mount, and with `recursive` all below it, read-only or writable again; other attributes stay.
pub(crate) fn set_mount_read_only(path: &Path, read_only: bool, recursive: bool) -> nix::Result<()> {
    let flag = libc::MOUNT_ATTR_RDONLY;
    let attributes = libc::mount_attr {
        attr_set: if read_only { flag } else { 0 },
        attr_clr: if read_only { 0 } else { flag },
        propagation: 0,
        userns_fd: 0,
    };
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    path.with_nix_path(|path| {
        // SAFETY: the path ends in a zero, and the kernel reads the structure whose size it is told.
        let result = unsafe {
            libc::syscall(
                libc::SYS_mount_setattr,
                libc::AT_FDCWD,
                path.as_ptr(),
                flags,
                &raw const attributes,
                size_of::<libc::mount_attr>(),
            )
        };
        Errno::result(result).map(drop)
    })?
}

/// Start the loopback interface of this network namespace.
pub(crate) fn start_loopback() -> nix::Result<()> {
    // SAFETY: no pointers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    let socket = Errno::result(socket)?;
    // SAFETY: the descriptor is new and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: all zeros is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = *byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_LOOPBACK | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the call reads an `ifreq`, which lives until it returns.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    Errno::result(result).map(drop)
}

/// Set the NIS domain name of this UTS namespace.
pub(crate) fn set_domain_name(name: &str) -> nix::Result<()> {
    // SAFETY: the kernel reads as many bytes as it is told.
    Errno::result(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// Filter the system calls of this process and those that it will make.
pub(crate) fn filter_syscalls(program: &[libc::sock_filter]) -> nix::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel reads `len` instructions, and does not write.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER as libc::c_ulong,
            &raw const program,
        )
    };
    Errno::result(result).map(drop)
}

/// Keep this process from the abstract sockets of others; `false` if the kernel is too old.
pub(crate) fn scope_abstract_sockets() -> nix::Result<bool> {
    #[repr(C)]
    struct RulesetAttributes {
        handled_access_fs: u64,
        handled_access_net: u64,
        scoped: u64,
    }
    const CREATE_RULESET_VERSION: u32 = 1;
    const SCOPE_ABSTRACT_UNIX_SOCKET: u64 = 1;
    // SAFETY: with this flag nothing is read.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttributes>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    if version < 6 {
        return Ok(false);
    }
    let attributes = RulesetAttributes {
        handled_access_fs: 0,
        handled_access_net: 0,
        scoped: SCOPE_ABSTRACT_UNIX_SOCKET,
    };
    // SAFETY: the kernel reads a structure whose size it is told.
    let ruleset = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const attributes,
            size_of::<RulesetAttributes>(),
            0_u32,
        )
    })?;
    // SAFETY: the descriptor is new and nobody else's.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset as RawFd) };
    // SAFETY: plain numbers.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
    Errno::result(result).map(|_| true)
}

/// Take the parent's arguments and environment out of this process, where `/proc` shows them.
///
/// For children only. They look at neither.
pub(crate) fn hide_arguments(name: &CStr) {
    let _ = nix::sys::prctl::set_name(name);
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return;
    };
    // The name in parentheses may hold spaces; fields are counted from 3 after it.
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return;
    };
    let fields: Vec<usize> = fields
        .split_ascii_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    // 48 to 51: where arguments and environment start and end.
    let &[arg_start, arg_end, env_start, env_end] = fields.get(45..49).unwrap_or_default() else {
        return;
    };
    for (start, end) in [(arg_start, arg_end), (env_start, env_end)] {
        if start != 0 && start < end {
            // SAFETY: the kernel says that these bytes, on the stack of the first thread, hold arguments and
            // environment; this is a forked process, where nobody reads them any more.
            unsafe {
                std::ptr::write_bytes(std::ptr::with_exposed_provenance_mut::<u8>(start), 0, end - start)
            };
        }
    }
}

/// Make a terminal the controlling one of this session.
pub(crate) fn take_terminal(terminal: BorrowedFd<'_>) -> nix::Result<()> {
    // SAFETY: plain numbers.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) }).map(drop)
}

/// Give a terminal the size of another one's window.
pub(crate) fn copy_window_size(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> nix::Result<()> {
    // SAFETY: all zeros is a valid `winsize`.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes a `winsize`, which lives until it returns.
    Errno::result(unsafe { libc::ioctl(from.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) })?;
    // SAFETY: the call reads a `winsize`, which lives until it returns.
    Errno::result(unsafe { libc::ioctl(to.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }).map(drop)
}

/// A descriptor as an error of `std`.
pub(crate) fn io_error(errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(errno as i32)
}
