//! The processes of a build.
//!
//! Our child is the build's init. It forks the builder, reaps what is orphaned, and ends after the builder; then
//! the kernel kills the rest of its pid namespace. Without a namespace it is a subreaper and kills the rest itself.
//! In a sandbox a helper clones it into its namespaces and maps the users; the helper is gone when
//! [`spawn`] returns.
//!
//! Everything here that runs in a child follows the rules of [`crate::sys`].

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use nivis_store::io_error::IoError;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::personality::{self, Persona};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::sys::termios::{FlushArg, tcflush};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, dup2_stderr, dup2_stdin, dup2_stdout, pipe2, setgroups, setsid};

use crate::sandbox::{IdMap, SandboxPlan};
use crate::sys;

/// What a builder is.
pub(crate) enum Action {
    /// A program.
    Exec {
        program: CString,
        args: Vec<CString>,
        env: Vec<CString>,
    },
    /// A function of ours; its error goes to the log.
    Builtin(Box<dyn Fn() -> Result<(), String> + Send>),
}

/// Who a builder is, if not who we are.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
    /// Other groups; `None` where they cannot be set.
    pub(crate) groups: Option<Vec<Gid>>,
}

/// All that the processes of a build need.
pub(crate) struct Plan {
    pub(crate) action: Action,
    /// What moves the process that writes `0` there into the build's control group.
    pub(crate) cgroup: Option<PathBuf>,
    /// The folder that the builder starts in, as it sees it.
    pub(crate) folder: PathBuf,
    pub(crate) sandbox: Option<SandboxPlan>,
    pub(crate) identity: Option<Identity>,
    /// The personality to add, and the one to start from.
    pub(crate) persona: Persona,
    pub(crate) filter: Option<Vec<libc::sock_filter>>,
    pub(crate) allow_new_privileges: bool,
    /// If the builder fails, all stays as it is for a shell.
    pub(crate) shell: Option<Shell>,
}

impl Plan {
    fn enter_cgroup(&self) -> Result<(), String> {
        match &self.cgroup {
            Some(file) => fs::write(file, "0")
                .map_err(|error| format!("entering the control group of the build: {error}")),
            None => Ok(()),
        }
    }
}

/// A shell that runs where a builder failed.
pub(crate) struct Shell {
    /// Shells with their arguments; the first that is there is taken.
    pub(crate) candidates: Vec<Vec<CString>>,
    pub(crate) env: Vec<CString>,
}

/// What the init keeps for a shell.
pub(crate) struct ShellEnds {
    /// The terminal.
    pub(crate) terminal: OwnedFd,
    /// A byte for each shell that is to be started; closed when there will be none.
    pub(crate) control: OwnedFd,
}

/// The processes of a build, seen from outside.
pub(crate) struct Child {
    pub(crate) pid: Pid,
    /// It has a pid namespace, which ends with it.
    has_namespace: bool,
    /// What went wrong before the builder ran, and how it ended.
    status: OwnedFd,
    /// It has been waited for.
    ended: bool,
}

/// How a build's processes ended.
pub(crate) enum Ended {
    /// The builder ran.
    Builder(ExitStatus),
    /// It did not come to that.
    SetupFailed(String),
}

/// What children send: the builder could not be started, and why.
const SETUP_FAILED: u8 = b'E';
/// What children send: how the builder ended.
const ENDED: u8 = b'S';

/// Start the processes. `log` is where the builder writes to.
pub(crate) fn spawn(plan: &Plan, log: OwnedFd, shell: Option<ShellEnds>) -> Result<Child, IoError> {
    let failed = |errno: Errno| IoError::during("unable to start build process", sys::io_error(errno));
    let (status, status_writer) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let null = File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .map_err(|error| IoError::at("opening file", Path::new("/dev/null"), error))?;
    let inherited = Inherited {
        log,
        null: null.into(),
        status: status_writer,
        shell,
    };
    let pid = match &plan.sandbox {
        None => {
            let parent = nix::unistd::getpid();
            sys::fork_child(|| init(plan, &inherited, None, Some(parent))).map_err(failed)?
        }
        Some(sandbox) => spawn_in_namespaces(plan, sandbox, &inherited)?,
    };
    Ok(Child {
        pid,
        has_namespace: plan.sandbox.is_some(),
        status,
        ended: false,
    })
}

/// What processes of a build have of us.
struct Inherited {
    log: OwnedFd,
    null: OwnedFd,
    status: OwnedFd,
    shell: Option<ShellEnds>,
}

impl Inherited {
    fn close_others(&self, more: &[RawFd]) {
        self.close_all_but(&[&[self.log.as_raw_fd()], more].concat());
    }

    /// Close the log too, whose end we are waited for at.
    fn close_log(&self) {
        self.close_all_but(&[]);
    }

    fn close_all_but(&self, more: &[RawFd]) {
        let mut keep = vec![self.null.as_raw_fd(), self.status.as_raw_fd()];
        if let Some(shell) = &self.shell {
            keep.extend([shell.terminal.as_raw_fd(), shell.control.as_raw_fd()]);
        }
        keep.extend_from_slice(more);
        keep.sort_unstable();
        sys::close_all_but(&keep);
    }

    fn report(&self, kind: u8, data: &[u8]) {
        let length = (data.len() as u32).to_ne_bytes();
        write_all(&self.status, &[&[kind], &length[..], data].concat());
    }

    fn fail(&self, message: &str) -> i32 {
        self.report(SETUP_FAILED, message.as_bytes());
        1
    }
}

/// Write, as far as it goes: nobody is there to hear of errors.
fn write_all(fd: &OwnedFd, mut data: &[u8]) {
    while !data.is_empty() {
        match nix::unistd::write(fd, data) {
            Ok(count) => data = &data[count..],
            Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

fn spawn_in_namespaces(plan: &Plan, sandbox: &SandboxPlan, inherited: &Inherited) -> Result<Pid, IoError> {
    let failed = |errno: Errno| IoError::during("unable to start build process", sys::io_error(errno));
    let (answer, answer_writer) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let (go, go_writer) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let helper = sys::fork_child(|| {
        inherited.close_others(&[answer_writer.as_raw_fd(), go.as_raw_fd(), go_writer.as_raw_fd()]);
        match clone_init(plan, sandbox, inherited, &go, &go_writer) {
            Ok(pid) => {
                write_all(&answer_writer, &pid.as_raw().to_ne_bytes());
                0
            }
            Err(message) => inherited.fail(&message),
        }
    })
    .map_err(failed)?;
    drop((answer_writer, go, go_writer));
    let mut pid = [0; 4];
    let answered = File::from(answer).read_exact(&mut pid);
    wait(helper, None).map_err(failed)?;
    match answered {
        Ok(()) => Ok(Pid::from_raw(i32::from_ne_bytes(pid))),
        // What went wrong is in the status, which outlives the helper: let a process that ended stand for the init.
        Err(_) => sys::fork_child(|| 1).map_err(failed),
    }
}

/// In the helper: make the init, and let it go on once its users are mapped.
fn clone_init(
    plan: &Plan,
    sandbox: &SandboxPlan,
    inherited: &Inherited,
    go: &OwnedFd,
    go_writer: &OwnedFd,
) -> Result<Pid, String> {
    // Inside of a user namespace that is not possible any more; nor for users who are root only of a namespace
    // that they made themselves, whose groups these are.
    if nix::unistd::geteuid().is_root()
        && fs::read_to_string("/proc/self/setgroups").map_or(true, |text| text.trim() == "allow")
        && let Err(errno) = setgroups(&[])
        && sandbox.must_drop_groups
    {
        return Err(format!(
            "setgroups failed: {}. Set the require-drop-supplementary-groups option to false to skip this step.",
            errno.desc()
        ));
    }
    // Before the group becomes the root that is seen.
    plan.enter_cgroup()?;
    let pid = sys::clone_child(sandbox.namespaces, || {
        init(plan, inherited, Some((sandbox, go)), None)
    })
    .map_err(|errno| format!("creating namespaces: {}", errno.desc()))?;
    if let Some(map) = &sandbox.id_map {
        write_id_map(pid, map)?;
    }
    write_all(go_writer, b"1");
    Ok(pid)
}

fn write_id_map(pid: Pid, map: &IdMap) -> Result<(), String> {
    let write = |file: &str, text: String| {
        let path = format!("/proc/{pid}/{file}");
        fs::write(&path, text).map_err(|error| format!("writing file \"{path}\": {error}"))
    };
    write(
        "uid_map",
        format!("{} {} {}", map.inside_uid, map.outside_uid, map.count),
    )?;
    if map.count == 1 {
        write("setgroups", "deny".to_owned())?;
    }
    write(
        "gid_map",
        format!("{} {} {}", map.inside_gid, map.outside_gid, map.count),
    )
}

/// The first process of the build: sets up the sandbox, starts the builder, waits for its end.
fn init(
    plan: &Plan,
    inherited: &Inherited,
    sandbox: Option<(&SandboxPlan, &OwnedFd)>,
    parent: Option<Pid>,
) -> i32 {
    // Nobody lives on when the parent dies. Out of a namespace there is more to do then than to die.
    let signal = if sandbox.is_some() {
        Signal::SIGKILL
    } else {
        Signal::SIGTERM
    };
    let _ = block_signals();
    let _ = prctl::set_pdeathsig(signal);
    if parent.is_some_and(|parent| nix::unistd::getppid() != parent) {
        return 1;
    }
    if let Some((sandbox, go)) = sandbox {
        // Our copy of the other end too, or the helper's death would not be seen.
        inherited.close_others(&[go.as_raw_fd()]);
        if nix::unistd::read(go, &mut [0]) != Ok(1) {
            return inherited.fail("user namespace initialisation failed");
        }
        inherited.close_others(&[]);
        // Nor may the builder look into this process, a copy of ours.
        let _ = prctl::set_dumpable(false);
        sys::hide_arguments(c"init");
        if let Err(message) = sandbox.enter() {
            return inherited.fail(&message);
        }
    } else {
        inherited.close_others(&[]);
        let _ = prctl::set_child_subreaper(true);
        if let Err(message) = plan.enter_cgroup() {
            return inherited.fail(&message);
        }
    }
    let _ = nix::unistd::chdir("/");
    let status = match run(plan, inherited, None) {
        Ok(status) => status,
        Err(message) => return inherited.fail(&message),
    };
    let kill_others = || {
        if sandbox.is_some() {
            kill_all();
        } else {
            kill_descendants();
            if let Some(identity) = &plan.identity {
                kill_user(identity);
            }
        }
    };
    if sandbox.is_none() || inherited.shell.is_some() {
        kill_others();
    }
    if let Some(shell) = &inherited.shell
        && status != 0
    {
        // The terminal is ours, so that it outlives the first shell.
        let _ = setsid().and_then(|_| sys::take_terminal(shell.terminal.as_fd()));
        inherited.report(ENDED, &status.to_ne_bytes());
        while nix::unistd::read(&shell.control, &mut [0]) == Ok(1) {
            let status = run(plan, inherited, Some(shell)).unwrap_or(1 << 8);
            kill_others();
            // What was typed too late is not for the next one.
            let _ = tcflush(&shell.terminal, FlushArg::TCIFLUSH);
            inherited.report(ENDED, &status.to_ne_bytes());
        }
        return 0;
    }
    inherited.report(ENDED, &status.to_ne_bytes());
    0
}

/// Run the builder, or a shell where it ran; its status as the system has it.
fn run(plan: &Plan, inherited: &Inherited, shell: Option<&ShellEnds>) -> Result<i32, String> {
    let started = sys::fork_child(|| match become_builder(plan, inherited, shell) {
        Ok(status) => status,
        Err(message) => inherited.fail(&message),
    });
    match started {
        Ok(builder) => {
            // Only the builder and what it starts keep the log open: who closes it is done.
            if shell.is_none() {
                inherited.close_log();
            }
            Ok(supervise(builder))
        }
        Err(errno) => Err(format!("unable to fork: {}", errno.desc())),
    }
}

/// Kill all other processes of this pid namespace.
fn kill_all() {
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    while waitpid(None, None) != Err(Errno::ECHILD) {}
}

fn block_signals() -> nix::Result<()> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM] {
        signals.add(signal);
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&signals), None)
}

/// Wait until the builder ends, or we are told to end it; its status as the system has it.
fn supervise(builder: Pid) -> i32 {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    loop {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == builder => return code << 8,
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == builder => return signal as i32,
                Ok(WaitStatus::StillAlive) => break,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return 1 << 8,
            }
        }
        if signals.wait() == Ok(Signal::SIGTERM) {
            // If it has ended by itself meanwhile, that is what counts.
            let _ = kill(builder, Signal::SIGKILL);
            return match wait(builder, None) {
                Ok(WaitStatus::Exited(_, code)) => code << 8,
                Ok(WaitStatus::Signaled(_, signal, _)) => signal as i32,
                _ => Signal::SIGKILL as i32,
            };
        }
    }
}

/// Kill all that is below this process, which inherits what its children leave.
fn kill_descendants() {
    loop {
        let children = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        for child in children.split_ascii_whitespace() {
            if let Ok(pid) = child.parse() {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        if children.is_empty() && waitpid(None, Some(WaitPidFlag::WNOHANG)) != Ok(WaitStatus::StillAlive) {
            return;
        }
        // One of those that were killed is gone after this; what it left comes next.
        if waitpid(None, None) == Err(Errno::ECHILD) {
            return;
        }
    }
}

/// Kill all processes of a build user.
pub(crate) fn kill_user(identity: &Identity) {
    let killer = sys::fork_child(|| {
        let uid = identity.uid;
        if !uid.is_root() && nix::unistd::setuid(uid).is_ok() && nix::unistd::getuid() == uid {
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        }
        0
    });
    if let Ok(killer) = killer {
        let _ = wait(killer, None);
    }
}

/// In the builder: give up what is ours, then run.
fn become_builder(plan: &Plan, inherited: &Inherited, shell: Option<&ShellEnds>) -> Result<i32, String> {
    let failed = |what: &'static str| move |errno: Errno| format!("{what}: {}", errno.desc());
    let (input, output) = match shell {
        Some(shell) => {
            come_to_the_front(&shell.terminal).map_err(failed("taking the terminal"))?;
            (&shell.terminal, &shell.terminal)
        }
        None => {
            setsid().map_err(failed("creating a new session"))?;
            (&inherited.null, &inherited.log)
        }
    };
    dup2_stdin(input).map_err(failed("cannot dup null device into stdin"))?;
    dup2_stderr(output).map_err(failed("cannot pipe standard error into log file"))?;
    dup2_stdout(output).map_err(failed("cannot dup stderr into stdout"))?;
    if !plan.allow_new_privileges {
        prctl::set_no_new_privs().map_err(failed("failed to set PR_SET_NO_NEW_PRIVS"))?;
    }
    if let Some(filter) = &plan.filter {
        sys::filter_syscalls(filter).map_err(failed("unable to load seccomp BPF program"))?;
        match sys::scope_abstract_sockets() {
            // Only possible without privileges to gain, or with all of them.
            Ok(_) | Err(Errno::EPERM) => {}
            Err(errno) => return Err(failed("failed to apply landlock")(errno)),
        }
    }
    if let Ok(current) = personality::get() {
        let _ = personality::set(current | plan.persona);
    }
    nix::unistd::chdir(&plan.folder)
        .map_err(|errno| format!("changing into \"{}\": {}", plan.folder.display(), errno.desc()))?;
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, libc::RLIM_INFINITY);
    umask(Mode::from_bits_truncate(0o022));
    if let Some(identity) = &plan.identity {
        become_user(identity)?;
    }
    // Becoming another user took this away.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    let _ = sys::restore_signal(Signal::SIGPIPE);
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
    sys::close_all_but(&[]);
    if let (Some(_), Some(shell)) = (shell, &plan.shell) {
        for args in &shell.candidates {
            if let Some(program) = args.first() {
                let _ = nix::unistd::execve(program, args, &shell.env);
            }
        }
        say("error: there is no shell in the sandbox");
        return Ok(1);
    }
    Ok(match &plan.action {
        Action::Exec { program, args, env } => {
            let Err(errno) = nix::unistd::execve(program, args, env);
            let program = program.to_string_lossy();
            say(&format!("error: executing '{program}': {}", errno.desc()));
            1
        }
        Action::Builtin(run) => match run() {
            Ok(()) => 0,
            Err(message) => {
                say(&message);
                1
            }
        },
    })
}

/// Be the process group that the terminal's keys act on.
fn come_to_the_front(terminal: &OwnedFd) -> nix::Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTTOU);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), None)?;
    nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    nix::unistd::tcsetpgrp(terminal, nix::unistd::getpid())
}

fn become_user(identity: &Identity) -> Result<(), String> {
    let failed = |what: &'static str| move |errno: Errno| format!("{what}: {}", errno.desc());
    if let Some(groups) = &identity.groups {
        setgroups(groups).map_err(failed("cannot set supplementary groups of build user"))?;
    }
    let Identity { uid, gid, .. } = *identity;
    nix::unistd::setresgid(gid, gid, gid).map_err(failed("setgid failed"))?;
    nix::unistd::setresuid(uid, uid, uid).map_err(failed("setuid failed"))
}

/// Write a line to the log.
pub(crate) fn say(message: &str) {
    // Not by `std::io::stderr`, whose lock another thread may have had when this process was forked.
    let Ok(log) = io::stderr().as_fd().try_clone_to_owned() else {
        return;
    };
    write_all(&log, format!("{message}\n").as_bytes());
}

/// Wait for a child.
fn wait(pid: Pid, flags: Option<WaitPidFlag>) -> nix::Result<WaitStatus> {
    loop {
        match waitpid(pid, flags) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

impl Child {
    /// Kill the processes, and wait until they are gone.
    pub(crate) fn kill(&mut self) {
        if self.ended {
            return;
        }
        let signal = if self.has_namespace {
            Signal::SIGKILL
        } else {
            Signal::SIGTERM
        };
        let _ = kill(self.pid, signal);
        let _ = wait(self.pid, None);
        self.ended = true;
    }

    /// Once the log has ended: how it went. The processes are gone after it, unless they were told to stay after a
    /// failure.
    pub(crate) fn finish(&mut self, stays: bool) -> Ended {
        // A builder that has closed its log, but goes on, would never be heard of again.
        if !self.ended && !stays {
            let _ = kill(self.pid, Signal::SIGTERM);
        }
        let ended = self.next_report();
        let failed = matches!(&ended, Some(Ended::Builder(status)) if !status.success());
        if !(self.ended || stays && failed) {
            let _ = wait(self.pid, None);
            self.ended = true;
        }
        // Without a report they were killed.
        ended.unwrap_or(Ended::Builder(ExitStatus::from_raw(libc::SIGKILL)))
    }

    /// Wait for the next report; `None` when there will be none.
    pub(crate) fn next_report(&mut self) -> Option<Ended> {
        let mut status = File::from(self.status.try_clone().ok()?);
        let mut head = [0; 5];
        status.read_exact(&mut head).ok()?;
        let [kind, length @ ..] = head;
        let mut data = vec![0; u32::from_ne_bytes(length) as usize];
        status.read_exact(&mut data).ok()?;
        match kind {
            ENDED => {
                let number = <[u8; 4]>::try_from(data.as_slice()).ok()?;
                Some(Ended::Builder(ExitStatus::from_raw(i32::from_ne_bytes(number))))
            }
            _ => Some(Ended::SetupFailed(String::from_utf8_lossy(&data).into_owned())),
        }
    }

    /// Readable when there is a report.
    pub(crate) fn reports(&self) -> BorrowedFd<'_> {
        self.status.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A string for the system. Strings of the language hold no zeros.
pub(crate) fn c_string(text: impl Into<Vec<u8>>) -> CString {
    let mut text = text.into();
    text.retain(|byte| *byte != 0);
    CString::new(text).unwrap_or_default()
}
