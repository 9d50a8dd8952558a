//! What the kernel grants of a sandbox, found out by trying, once.

use std::fs;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::pipe2;

use crate::sys;

/// The layers of a sandbox that are namespaces, in the order they are tried.
const NAMESPACES: [(CloneFlags, &str, &str); 7] = [
    (CloneFlags::CLONE_NEWUSER, "user namespace", "user"),
    (CloneFlags::CLONE_NEWNS, "mount namespace", "mnt"),
    (CloneFlags::CLONE_NEWNET, "network namespace", "net"),
    (CloneFlags::CLONE_NEWIPC, "IPC namespace", "ipc"),
    (CloneFlags::CLONE_NEWUTS, "UTS namespace", "uts"),
    (CloneFlags::CLONE_NEWCGROUP, "cgroup namespace", "cgroup"),
    (CloneFlags::CLONE_NEWPID, "pid namespace", "pid"),
];

/// What the kernel grants.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    namespaces: [Option<Errno>; NAMESPACES.len()],
    proc: Option<Errno>,
}

/// What the kernel grants this process.
pub(crate) fn layers() -> &'static Layers {
    static FOUND: OnceLock<Layers> = OnceLock::new();
    FOUND.get_or_init(probe)
}

fn probe() -> Layers {
    let answers = ask().unwrap_or_default();
    let mut answers = answers.chunks_exact(4).map(|bytes| {
        let number = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        (number != 0).then(|| Errno::from_raw(number))
    });
    // What was not answered cannot be had either.
    let mut next = || answers.next().unwrap_or(Some(Errno::EPERM));
    Layers {
        namespaces: NAMESPACES.map(|_| next()),
        proc: next(),
    }
}

/// Try all in a child; the error numbers, one after another, zero for success.
fn ask() -> nix::Result<Vec<u8>> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    let child = sys::fork_child(|| {
        sys::close_all_but(&[writer.as_raw_fd()]);
        let report = |result: nix::Result<()>| {
            let number = result.map_or_else(|errno| errno as i32, |()| 0);
            let _ = nix::unistd::write(&writer, &number.to_ne_bytes());
        };
        for (flag, _, _) in NAMESPACES {
            report(unshare(flag));
        }
        // Only the first process of a pid namespace can have a /proc for it.
        let first = sys::fork_child(|| {
            let none: Option<&str> = None;
            let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
            report(
                mount(none, "/", none, private, none)
                    .and_then(|()| mount(Some("none"), "/proc", Some("proc"), flags, none)),
            );
            0
        });
        match first {
            Ok(first) => drop(waitpid(first, None)),
            Err(errno) => report(Err(errno)),
        }
        0
    })?;
    drop(writer);
    let mut answer = Vec::new();
    let mut chunk = [0; 64];
    loop {
        match nix::unistd::read(&reader, &mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    while waitpid(child, None) == Err(Errno::EINTR) {}
    Ok(answer)
}

impl Layers {
    /// Whether all those namespaces can be had.
    pub(crate) fn has(&self, flags: CloneFlags) -> bool {
        self.granted(flags) == flags
    }

    /// Those of the namespaces that can be had.
    pub(crate) fn granted(&self, flags: CloneFlags) -> CloneFlags {
        NAMESPACES
            .iter()
            .zip(&self.namespaces)
            .filter(|((flag, _, _), error)| error.is_none() && flags.contains(*flag))
            .fold(CloneFlags::empty(), |flags, ((flag, _, _), _)| flags | *flag)
    }

    /// Whether a `/proc` of one's own can be had.
    pub(crate) fn has_proc(&self) -> bool {
        self.proc.is_none()
    }

    /// Which of the namespaces cannot be had, and why.
    pub(crate) fn missing(&self, flags: CloneFlags) -> Vec<String> {
        NAMESPACES
            .iter()
            .zip(&self.namespaces)
            .filter(|((flag, _, _), _)| flags.contains(*flag))
            .filter_map(|((_, name, limit), error)| {
                error.map(|errno| format!("no {name}: {}", explain(limit, errno)))
            })
            .collect()
    }

    /// Why there can be no private `/proc`.
    pub(crate) fn missing_proc(&self) -> Option<String> {
        self.proc.map(|errno| {
            format!(
                "no private /proc: {} (parts of the host's /proc are hidden, as in containers)",
                errno.desc()
            )
        })
    }
}

/// What keeps us from a namespace, of which the system's limit has that name.
fn explain(limit: &str, errno: Errno) -> String {
    let setting = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let reason = match errno {
        Errno::ENOSPC => {
            let path = format!("/proc/sys/user/max_{limit}_namespaces");
            setting(&path).map(|value| format!("{path} is {value}"))
        }
        Errno::EINVAL | Errno::ENOSYS => Some("the kernel was built without it".to_owned()),
        Errno::EPERM | Errno::EACCES => {
            let forbidding = [
                ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
                ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
                ("/proc/sys/user/max_user_namespaces", "0"),
            ];
            let found = forbidding
                .iter()
                .find(|(path, value)| setting(path).as_deref() == Some(value));
            Some(match found {
                Some((path, value)) => format!("{path} is {value}"),
                None => "perhaps a container's filter of system calls".to_owned(),
            })
        }
        _ => None,
    };
    match reason {
        Some(reason) => format!("{} ({reason})", errno.desc()),
        None => errno.desc().to_owned(),
    }
}
