//! Whether a build gets a sandbox, with which layers, as which user; and the plan for it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use nivis_store::LocalStore;
use nivis_store::derivation::DerivationKind;
use nivis_store::path::StorePath;
use nix::sched::CloneFlags;
use nix::unistd::{Gid, Uid, geteuid, getgid, getuid};

use super::layout::{ChrootDir, Inside, Paths, has_pts};
use super::probe::{Layers, layers};
use super::{IdMap, Proc, SandboxPlan};
use crate::build::Job;
use crate::child::Identity;
use crate::failure::BuildFailure;
use crate::options::DrvOptions;
use crate::prepare::is_pure;
use crate::settings::{BuildSettings, Sandbox, SandboxPath};
use crate::users::{self, BuildUser};

/// How a build is kept apart from the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Isolation {
    /// By the user it runs as, at most.
    None,
    /// By a sandbox.
    Sandbox(Granted),
}

/// The layers of a sandbox that are not always to be had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted {
    namespaces: CloneFlags,
    proc: Proc,
}

impl Granted {
    fn has_user_namespace(self) -> bool {
        self.namespaces.contains(CloneFlags::CLONE_NEWUSER)
    }
}

/// Without these nothing is a sandbox.
const ESSENTIAL: CloneFlags = CloneFlags::CLONE_NEWNS.union(CloneFlags::CLONE_NEWPID);

/// These go without saying.
const USUAL: CloneFlags = CloneFlags::CLONE_NEWIPC.union(CloneFlags::CLONE_NEWUTS);

/// Decide how to build a derivation.
pub(crate) fn decide(
    store: &LocalStore,
    settings: &BuildSettings,
    job: &Job,
    options: &DrvOptions,
    kind: DerivationKind,
    warnings: &mut Vec<String>,
) -> Result<Isolation, BuildFailure> {
    let drv = || store.store_dir().print(&job.drv_path);
    // The files of a store that is not at its place can only be mounted there.
    let is_diverted = store.config().real_store_dir != Path::new(store.store_dir().as_str());
    let wanted = match settings.sandbox {
        Sandbox::On | Sandbox::Required if options.no_chroot => {
            return Err(BuildFailure::other(format!(
                "derivation '{}' has '__noChroot' set, but that's not allowed when 'sandbox' is 'true'",
                drv()
            )));
        }
        Sandbox::On | Sandbox::Required => true,
        Sandbox::Off => false,
        Sandbox::Relaxed => is_pure(kind) && !options.no_chroot,
    };
    let isolation = if wanted || is_diverted {
        granted(settings, is_pure(kind), is_diverted, layers(), warnings)?
    } else {
        Isolation::None
    };
    if matches!(isolation, Isolation::None) && options.uses_uid_range() {
        return Err(BuildFailure::other(
            "feature 'uid-range' is only supported in sandboxed builds",
        ));
    }
    Ok(isolation)
}

fn granted(
    settings: &BuildSettings,
    is_pure: bool,
    is_diverted: bool,
    layers: &Layers,
    warnings: &mut Vec<String>,
) -> Result<Isolation, BuildFailure> {
    let is_required = settings.sandbox == Sandbox::Required;
    let list = |missing: &[String]| {
        missing
            .iter()
            .map(|what| format!("\n  {what}"))
            .collect::<String>()
    };
    let has_user = layers.has(CloneFlags::CLONE_NEWUSER);
    // Root can do without if it has other users to build as.
    let needs_user = !users::uses_build_users(settings);
    let essential = match needs_user {
        true => ESSENTIAL | CloneFlags::CLONE_NEWUSER,
        false => ESSENTIAL,
    };
    if !layers.has(essential) {
        let missing = list(&layers.missing(essential));
        if is_required || is_diverted || !settings.sandbox_fallback {
            return Err(BuildFailure::other(format!(
                "this system does not support the kernel namespaces that are required for sandboxing; \
                 use '--no-sandbox' to disable sandboxing{missing}"
            )));
        }
        warnings.push(format!(
            "building without a sandbox, for it cannot be had here:{missing}"
        ));
        return Ok(Isolation::None);
    }
    let mut wanted = essential | USUAL;
    if is_pure {
        wanted |= CloneFlags::CLONE_NEWNET;
    }
    let mut missing = layers.missing(wanted | CloneFlags::CLONE_NEWCGROUP);
    missing.extend(layers.missing_proc());
    if is_required && !settings.filter_syscalls {
        missing.push("no filter of system calls: 'filter-syscalls' is false".to_owned());
    }
    if !missing.is_empty() {
        let missing = list(&missing);
        // The reference does without a cgroup namespace, always.
        let is_grave = !layers.has(wanted) || !layers.has_proc();
        if is_required || (is_grave && !settings.sandbox_fallback) {
            let advice = match is_required {
                true => "and 'sandbox' is 'required'",
                false => "which 'sandbox-fallback' would permit",
            };
            return Err(BuildFailure::other(format!(
                "the sandbox would lack layers, {advice}:{missing}"
            )));
        }
        if is_grave {
            warnings.push(format!(
                "the sandbox lacks layers; what the others keep apart still is:{missing}"
            ));
        }
    }
    wanted |= CloneFlags::CLONE_NEWCGROUP;
    if has_user {
        wanted |= CloneFlags::CLONE_NEWUSER;
    }
    Ok(Isolation::Sandbox(Granted {
        namespaces: layers.granted(wanted),
        proc: match layers.has_proc() {
            true => Proc::Private,
            false => Proc::Host,
        },
    }))
}

impl Isolation {
    /// The user to build as, if it is another one.
    pub(crate) fn acquire_user(
        &self,
        settings: &BuildSettings,
        state_dir: &Path,
        options: &DrvOptions,
    ) -> Result<Option<BuildUser>, BuildFailure> {
        let has_namespace = match self {
            Isolation::Sandbox(granted) => granted.has_user_namespace(),
            Isolation::None => false,
        };
        let has_sandbox = matches!(self, Isolation::Sandbox(_));
        let count = if options.uses_uid_range() {
            users::IDS_PER_BUILD
        } else {
            1
        };
        if users::uses_build_users(settings) {
            let user = users::acquire(settings, state_dir, count, has_namespace && has_sandbox)?;
            if options.uses_uid_range() && user.count < count {
                return Err(BuildFailure::other(
                    "feature 'uid-range' requires the setting 'auto-allocate-uids' to be enabled",
                ));
            }
            return Ok(Some(user));
        }
        // Root need not lend itself to builders where there are numbers that nobody has.
        if has_namespace && geteuid().is_root() {
            return users::acquire_spare(settings, state_dir);
        }
        Ok(None)
    }
}

/// What a sandbox is set up from.
pub(crate) struct Request<'a> {
    pub(crate) store: &'a LocalStore,
    pub(crate) settings: &'a BuildSettings,
    pub(crate) job: &'a Job,
    pub(crate) options: &'a DrvOptions,
    pub(crate) closure: &'a BTreeSet<StorePath>,
    /// The build's folder, outside.
    pub(crate) folder: &'a Path,
    pub(crate) is_pure: bool,
    pub(crate) user: Option<&'a BuildUser>,
    pub(crate) granted: Granted,
    /// What the builder writes.
    pub(crate) scratch: BTreeSet<&'a StorePath>,
}

/// Make the root of a sandbox, and the plan to enter it.
pub(crate) fn set_up(request: &Request<'_>) -> Result<(ChrootDir, SandboxPlan), BuildFailure> {
    let Request {
        store,
        settings,
        user,
        granted,
        ..
    } = *request;
    let mut parent = store.real_path(&request.job.drv_path);
    parent.as_mut_os_string().push(".chroot");
    let chroot = ChrootDir::create(parent, user)?;
    let (inside, id_map) = map_users(granted, user);
    let store_dir = Path::new(store.store_dir().as_str());
    chroot.fill(
        store_dir,
        &settings.sandbox_build_dir,
        inside,
        !request.is_pure,
        user,
    )?;

    let (paths, closure) = request.paths(&chroot)?;
    let mut inputs = Vec::new();
    for path in closure.iter().filter(|path| !request.scratch.contains(path)) {
        let path = SandboxPath {
            target: store.store_dir().print(path).into(),
            source: store.real_path(path),
            optional: false,
        };
        inputs.extend(chroot.place(&path, true)?);
    }
    // For the kernel a builder that is not another user is who we are.
    let is_us = user.is_none();
    let mut binds = Vec::new();
    for path in paths.0.values().filter(|path| path.source != Path::new("/proc")) {
        let is_writable = path.target == settings.sandbox_build_dir || path.target.starts_with("/dev");
        binds.extend(chroot.place(path, is_us && !is_writable)?);
    }
    let has_dev = !paths.0.contains_key(Path::new("/dev"));
    let has_range = user.is_some_and(|user| user.count != 1);
    if has_range {
        super::layout::make_dir(&chroot.root.join("sys"), 0o755)?;
    } else {
        chroot.close_etc()?;
    }
    let mut namespaces = granted.namespaces;
    if !request.is_pure {
        namespaces.remove(CloneFlags::CLONE_NEWNET);
    }
    let plan = SandboxPlan {
        store: chroot.outside(store_dir),
        root: chroot.root.clone(),
        inputs,
        binds,
        namespaces,
        inside,
        id_map,
        must_drop_groups: settings.require_drop_supplementary_groups,
        proc: granted.proc,
        protect_proc: is_us && geteuid().is_root(),
        shm_size: (has_dev && Path::new("/dev/shm").exists()).then(|| settings.sandbox_dev_shm_size.clone()),
        has_pts: has_dev && has_pts() && !paths.0.contains_key(Path::new("/dev/pts")),
        has_sys: has_range,
    };
    Ok((chroot, plan))
}

/// Who the builder is inside, and what that is outside.
fn map_users(granted: Granted, user: Option<&BuildUser>) -> (Inside, Option<IdMap>) {
    if !granted.has_user_namespace() {
        let inside = match user {
            Some(user) => Inside {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            },
            None => Inside {
                uid: getuid().as_raw(),
                gid: getgid().as_raw(),
            },
        };
        return (inside, None);
    }
    let inside = match user {
        Some(user) if user.count != 1 => Inside { uid: 0, gid: 0 },
        _ => Inside { uid: 1000, gid: 100 },
    };
    let (outside_uid, outside_gid, count) = match user {
        Some(user) => (user.uid.as_raw(), user.gid.as_raw(), user.count),
        None => (getuid().as_raw(), getgid().as_raw(), 1),
    };
    let map = IdMap {
        inside_uid: inside.uid,
        outside_uid,
        inside_gid: inside.gid,
        outside_gid,
        count,
    };
    (inside, Some(map))
}

impl SandboxPlan {
    /// Who the builder becomes. In a user namespace the other groups are gone already.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            uid: Uid::from_raw(self.inside.uid),
            gid: Gid::from_raw(self.inside.gid),
            groups: self.id_map.is_none().then(Vec::new),
        }
    }
}

impl Request<'_> {
    /// What is mounted of the host, and which store paths.
    fn paths(&self, chroot: &ChrootDir) -> Result<(Paths, BTreeSet<StorePath>), BuildFailure> {
        let Request { store, settings, .. } = *self;
        if Path::new(store.store_dir().as_str()).starts_with(&settings.sandbox_build_dir) {
            return Err(BuildFailure::other(
                "`sandbox-build-dir` must not contain the storeDir",
            ));
        }
        let mut paths = Paths::default();
        let mut closure = self.closure.clone();
        for path in &settings.sandbox_paths {
            // Programs of the store need what they refer to.
            let source = path.source.as_os_str().as_encoded_bytes();
            if let Ok((found, _)) = store.store_dir().to_store_path(source)
                && store.is_valid_path(&found)?
            {
                closure.extend(store.query_closure([found])?);
            }
            paths.add(path.clone());
        }
        self.add_host_deps(&mut paths)?;
        self.run_hook(chroot, &mut paths)?;
        paths.add_shell();
        paths.add(SandboxPath {
            target: settings.sandbox_build_dir.clone(),
            source: self.folder.to_owned(),
            optional: false,
        });
        if !paths.0.contains_key(Path::new("/dev")) {
            let has_kvm = settings.system_features.contains("kvm") && Path::new("/dev/kvm").exists();
            for device in chroot.fill_dev(has_kvm)? {
                paths.add(device);
            }
        }
        if !self.is_pure {
            self.add_network_files(&mut paths);
        }
        // A path that is built again may be among them.
        for path in &self.scratch {
            paths.0.remove(Path::new(&store.store_dir().print(path)));
        }
        Ok((paths, closure))
    }

    /// What finds hosts and trusts them, for builds with the network.
    fn add_network_files(&self, paths: &mut Paths) {
        let mut add = |target: &str, source: &Path| {
            if let Ok(source) = source.canonicalize() {
                paths.0.entry(target.into()).or_insert(SandboxPath {
                    target: target.into(),
                    source,
                    optional: true,
                });
            }
        };
        for file in ["/etc/resolv.conf", "/etc/services", "/etc/hosts"] {
            add(file, Path::new(file));
        }
        if let Some(file) = &self.settings.ssl_cert_file {
            add("/etc/ssl/certs/ca-certificates.crt", file);
        }
    }

    fn add_host_deps(&self, paths: &mut Paths) -> Result<(), BuildFailure> {
        for path in &self.options.impure_host_deps {
            let allowed = &self.settings.allowed_impure_host_deps;
            if !allowed.iter().any(|prefix| Path::new(path).starts_with(prefix)) {
                return Err(BuildFailure::other(format!(
                    "derivation '{}' requested impure path '{path}', but it was not in allowed-impure-host-deps",
                    self.store.store_dir().print(&self.job.drv_path)
                )));
            }
            paths.add(SandboxPath {
                target: path.into(),
                source: path.into(),
                optional: true,
            });
        }
        Ok(())
    }

    /// Ask the hook, whose answer is a line with a command and lines of paths.
    fn run_hook(&self, chroot: &ChrootDir, paths: &mut Paths) -> Result<(), BuildFailure> {
        let Some(hook) = &self.settings.pre_build_hook else {
            return Ok(());
        };
        let output = Command::new(hook)
            .arg(self.store.store_dir().print(&self.job.drv_path))
            .arg(&chroot.root)
            .output()
            .map_err(|error| {
                let error = nivis_store::io_error::message(&error);
                BuildFailure::other(format!("executing \"{}\": {error}", hook.display()))
            })?;
        if !output.status.success() {
            return Err(BuildFailure::other(format!(
                "program \"{}\" {}",
                hook.display(),
                crate::failure::describe_status(output.status)
            )));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        while let Some(command) = lines.next() {
            if !matches!(command, "extra-sandbox-paths" | "extra-chroot-dirs") {
                return Err(BuildFailure::other(format!(
                    "unknown pre-build hook command '{command}'"
                )));
            }
            for line in lines.by_ref().take_while(|line| !line.is_empty()) {
                let (target, source) = line.split_once('=').unwrap_or((line, line));
                paths.add(SandboxPath {
                    target: target.into(),
                    source: source.into(),
                    optional: false,
                });
            }
        }
        Ok(())
    }
}
