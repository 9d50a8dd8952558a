//! Before a build: which paths it writes to, its folder, its environment, its sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nivis_store::derivation::placeholder::placeholder;
use nivis_store::derivation::{DerivationKind, DerivationOutput};
use nivis_store::hash::{Hash, HashAlgorithm};
use nivis_store::io_error::IoError;
use nivis_store::path::{StorePath, output_path_name};
use nivis_store::{LocalStore, delete_path, nar};
use nix::sys::personality::Persona;
use nix::unistd::Uid;

use crate::build::{Job, Mode};
use crate::builtins;
use crate::cgroup::Cgroup;
use crate::child::{Action, Identity, Plan, c_string};
use crate::debug_shell;
use crate::environment::{self, HOME};
use crate::failure::BuildFailure;
use crate::options::DrvOptions;
use crate::rewrite::Rewrites;
use crate::sandbox::layout::{ChrootDir, create_dirs, give, make_dir, set_mode};
use crate::sandbox::mode::{self, Isolation};
use crate::seccomp;
use crate::settings::BuildSettings;
use crate::users::{BuildUser, uses_build_users};

/// What is there of an output before a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It is not valid.
    Absent,
    /// It is not valid, but something is at its place.
    Leftover,
    /// It is valid, and intact if that matters.
    Valid,
    /// It is valid, but its files are missing or not what they were.
    Corrupt,
}

/// An output of the derivation.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Its path, if known before.
    pub(crate) known: Option<StorePath>,
    pub(crate) status: Status,
    /// The path that the builder writes to.
    pub(crate) scratch: StorePath,
}

/// A build that is ready to run.
pub(crate) struct Prepared {
    pub(crate) job: Job,
    pub(crate) kind: DerivationKind,
    pub(crate) options: DrvOptions,
    pub(crate) closure: BTreeSet<StorePath>,
    pub(crate) outputs: BTreeMap<String, Output>,
    /// Before the folders that those in it may still use.
    _cgroup: Option<Cgroup>,
    pub(crate) chroot: Option<ChrootDir>,
    pub(crate) folder: BuildFolder,
    pub(crate) plan: Plan,
    pub(crate) warnings: Vec<String>,
    /// Last, so that nobody else has the user before all is cleaned up.
    pub(crate) user: Option<BuildUser>,
}

impl Prepared {
    /// Where something that the builder wrote to the store is.
    pub(crate) fn written(&self, store: &LocalStore, path: &StorePath) -> PathBuf {
        match &self.chroot {
            Some(chroot) => chroot.outside(Path::new(&store.store_dir().print(path))),
            None => store.real_path(path),
        }
    }

    /// After a failure, move what there is of outputs out of the sandbox, for the user to look at. It is not valid.
    pub(crate) fn leave_outputs(&self, store: &LocalStore) {
        if self.chroot.is_none() || self.job.mode != Mode::Normal {
            return;
        }
        for output in self.outputs.values() {
            if let Some(known) = output.known.as_ref().filter(|_| output.status != Status::Valid) {
                // Only a help: what cannot be moved is gone.
                let _ = delete_path(&store.real_path(known))
                    .map(|()| fs::rename(self.written(store, known), store.real_path(known)));
            }
        }
    }

    /// Whether the build is cut off from the network.
    pub(crate) fn is_pure(&self) -> bool {
        is_pure(self.kind)
    }
}

/// Whether builds of such derivations are cut off from the network.
pub(crate) fn is_pure(kind: DerivationKind) -> bool {
    !matches!(kind, DerivationKind::Fixed | DerivationKind::Impure)
}

/// Prepare a build.
pub(crate) fn prepare(
    store: &LocalStore,
    settings: &BuildSettings,
    job: Job,
    closure: BTreeSet<StorePath>,
) -> Result<Prepared, BuildFailure> {
    let kind = job.drv.kind().map_err(BuildFailure::other)?;
    let options = DrvOptions::parse(store.store_dir(), &job.drv)?;
    let mut warnings = options.warnings.clone();
    let isolation = mode::decide(store, settings, &job, &options, kind, &mut warnings)?;
    let user = isolation.acquire_user(settings, &store.config().state_dir, &options)?;
    if let (Isolation::None, Some(user)) = (&isolation, &user) {
        crate::child::kill_user(&user.identity());
        let_in(&store.config().real_store_dir, user)?;
    }
    let folder = BuildFolder::create(store, settings, &isolation, user.as_ref())?;
    let inside = match &isolation {
        Isolation::None => folder.path.clone(),
        Isolation::Sandbox(_) => settings.sandbox_build_dir.clone(),
    };
    let outputs = plan_outputs(store, &job, matches!(isolation, Isolation::Sandbox(_)))?;
    let mut rewrites = Rewrites::default();
    for (name, output) in &outputs {
        rewrites.insert(
            placeholder(name.as_bytes()),
            store.store_dir().print(&output.scratch),
        );
        if let Some(known) = &output.known
            && *known != output.scratch
        {
            delete_path(&store.real_path(&output.scratch))?;
            rewrites.insert(known.hash_part(), output.scratch.hash_part());
        }
    }
    let env = environment::environment(&environment::Request {
        store,
        settings,
        drv: &job.drv,
        options: &options,
        closure: &closure,
        folder: &inside,
        is_fixed: kind == DerivationKind::Fixed,
        is_pure: is_pure(kind),
    })?;
    for (name, contents) in &env.files {
        folder.write(name, &rewrites.apply(contents), user.as_ref())?;
    }
    if matches!(isolation, Isolation::None) && Path::new(HOME).exists() {
        return Err(BuildFailure::other(format!(
            "home directory \"{HOME}\" exists; please remove it to assure purity of builds without sandboxing"
        )));
    }
    let (chroot, sandbox) = match &isolation {
        Isolation::None => (None, None),
        Isolation::Sandbox(granted) => {
            let request = mode::Request {
                store,
                settings,
                job: &job,
                options: &options,
                closure: &closure,
                folder: &folder.path,
                is_pure: is_pure(kind),
                user: user.as_ref(),
                granted: *granted,
                scratch: outputs.values().map(|output| &output.scratch).collect(),
            };
            let (chroot, plan) = mode::set_up(&request)?;
            (Some(chroot), Some(plan))
        }
    };
    let scratch = outputs
        .iter()
        .map(|(name, output)| (name.clone(), output.scratch.clone()))
        .collect();
    let variables = variables(env.variables, &rewrites);
    let shell = settings
        .debug_shell
        .then(|| debug_shell::plan(&job.drv.builder, &variables));
    let action = match job.drv.is_builtin() {
        true => builtins::action(store, settings, &job.drv, kind, scratch)?,
        false => exec(&job, variables, &rewrites),
    };
    let identity = match (&sandbox, &user) {
        (None, None) => None,
        (Some(plan), _) => Some(plan.identity()),
        (None, Some(user)) => Some(user.identity()),
    };
    let cgroup = settings.use_cgroups.then(Cgroup::create).transpose()?;
    let plan = Plan {
        cgroup: cgroup.as_ref().map(Cgroup::entry),
        action,
        folder: inside,
        sandbox,
        identity,
        persona: persona(settings, &job.drv.platform),
        filter: settings.filter_syscalls.then(seccomp::program),
        allow_new_privileges: settings.allow_new_privileges,
        shell,
    };
    Ok(Prepared {
        job,
        kind,
        options,
        closure,
        outputs,
        chroot,
        folder,
        plan,
        warnings,
        _cgroup: cgroup,
        user,
    })
}

/// The environment as the system has it.
fn variables(variables: BTreeMap<Vec<u8>, Vec<u8>>, rewrites: &Rewrites) -> Vec<CString> {
    let variables = variables.iter().map(|(name, value)| {
        let text = [name.as_slice(), b"=", value].concat();
        c_string(rewrites.apply(&text))
    });
    variables.collect()
}

fn exec(job: &Job, env: Vec<CString>, rewrites: &Rewrites) -> Action {
    let builder = &job.drv.builder;
    let name = builder.rsplit(|byte| *byte == b'/').next().unwrap_or(builder);
    let args = job.drv.args.iter().map(|arg| c_string(rewrites.apply(arg)));
    Action::Exec {
        program: c_string(builder.clone()),
        args: [c_string(name)].into_iter().chain(args).collect(),
        env,
    }
}

/// The personality of builders for a system.
fn persona(settings: &BuildSettings, platform: &[u8]) -> Persona {
    // The one of 32-bit programs, which `uname` tells.
    const LINUX32: i32 = 8;
    let mut persona = Persona::ADDR_NO_RANDOMIZE;
    let is_i686 = platform == b"i686-linux" && cfg!(target_arch = "x86_64");
    if is_i686 || matches!(platform, b"armv7l-linux" | b"armv6l-linux" | b"armv5tel-linux") {
        persona |= Persona::from_bits_retain(LINUX32);
    }
    if settings.impersonate_linux_26 && matches!(platform, b"i686-linux" | b"x86_64-linux") {
        persona |= Persona::UNAME26;
    }
    persona
}

/// Let build users make files in the store, but not delete those of others.
fn let_in(store: &Path, user: &BuildUser) -> Result<(), BuildFailure> {
    const MODE: u32 = 0o1775;
    let metadata = store
        .metadata()
        .map_err(|error| IoError::at("getting status of", store, error))?;
    if metadata.gid() != user.gid.as_raw() || metadata.mode() & 0o7777 != MODE {
        give(store, Uid::from_raw(0), user.gid)?;
        set_mode(store, MODE)?;
    }
    Ok(())
}

/// What is there of the outputs, and where the builder will write them.
fn plan_outputs(
    store: &LocalStore,
    job: &Job,
    has_sandbox: bool,
) -> Result<BTreeMap<String, Output>, BuildFailure> {
    let mut outputs = BTreeMap::new();
    for (name, output) in &job.drv.outputs {
        let known = output.path(store.store_dir(), &job.drv.name, name)?;
        if matches!(output, DerivationOutput::Deferred) {
            return Err(BuildFailure::other(format!(
                "the path of output '{name}' of '{}' is not known before its inputs are built",
                store.store_dir().print(&job.drv_path)
            )));
        }
        let status = match &known {
            Some(path) => status(store, path, job.mode)?,
            None => Status::Absent,
        };
        let scratch = match (&known, status) {
            (None, _) => fallback_path(
                store,
                job,
                &format!("name:{name}"),
                &output_path_name(&job.drv.name, name),
            )?,
            // In a sandbox what is there is not seen.
            (Some(path), _) if has_sandbox => path.clone(),
            // Otherwise it must not be overwritten, unless nobody needs it.
            (Some(path), Status::Absent) => path.clone(),
            (Some(path), Status::Leftover) if job.mode != Mode::Repair => {
                delete_path(&store.real_path(path))?;
                path.clone()
            }
            (Some(path), _) => fallback_path(store, job, path.base_name(), path.name())?,
        };
        outputs.insert(
            name.clone(),
            Output {
                known,
                status,
                scratch,
            },
        );
    }
    Ok(outputs)
}

fn status(store: &LocalStore, path: &StorePath, mode: Mode) -> Result<Status, BuildFailure> {
    let real = store.real_path(path);
    if !store.is_valid_path(path)? {
        return Ok(match real.symlink_metadata() {
            Ok(_) => Status::Leftover,
            Err(_) => Status::Absent,
        });
    }
    if mode != Mode::Repair {
        return Ok(Status::Valid);
    }
    let expected = store.query_path_info(path)?.nar_hash;
    Ok(match nar::hash_path(&real, nar::accept_all) {
        Ok((found, _)) if found == expected => Status::Valid,
        _ => Status::Corrupt,
    })
}

/// A path of equal length that nothing else has.
fn fallback_path(store: &LocalStore, job: &Job, what: &str, name: &str) -> Result<StorePath, BuildFailure> {
    let kind = format!("rewrite:{}:{what}", job.drv_path.base_name());
    let hash = Hash::zero(HashAlgorithm::Sha256);
    Ok(store.store_dir().make_store_path(&kind, &hash, name)?)
}

/// The folder that a builder works in; deleted when dropped, unless it is to be kept.
#[derive(Debug)]
pub(crate) struct BuildFolder {
    /// In a sandbox the folder lies in one that nobody else can enter.
    top: PathBuf,
    pub(crate) path: PathBuf,
    is_kept: bool,
}

impl BuildFolder {
    fn create(
        store: &LocalStore,
        settings: &BuildSettings,
        isolation: &Isolation,
        user: Option<&BuildUser>,
    ) -> Result<Self, BuildFailure> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let parent = match &settings.build_dir {
            Some(path) => path.clone(),
            None => store.config().state_dir.join("builds"),
        };
        create_dirs(&parent)?;
        // Users that have no account can do nothing out of their sandboxes.
        if uses_build_users(settings) {
            check_not_world_writable(&parent)?;
        }
        let top = loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let top = parent.join(format!("nix-{}-{count}", std::process::id()));
            if top.symlink_metadata().is_err() {
                make_dir(&top, 0o700)?;
                break top;
            }
        };
        let mut folder = BuildFolder {
            path: top.clone(),
            top,
            is_kept: false,
        };
        if matches!(isolation, Isolation::Sandbox(_)) {
            folder.path = folder.top.join("build");
            make_dir(&folder.path, 0o700)?;
        }
        if let Some(user) = user {
            give(&folder.path, user.uid, user.gid)?;
        }
        Ok(folder)
    }

    /// Write a file for the builder. Its name was checked when the derivation was read.
    fn write(&self, name: &str, contents: &[u8], user: Option<&BuildUser>) -> Result<(), BuildFailure> {
        if name.contains('/') || matches!(name, "" | "." | "..") {
            return Err(BuildFailure::other(format!("invalid file name '{name}'")));
        }
        let path = self.path.join(name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o666)
            .open(&path)
            .map_err(|error| IoError::at("creating file", &path, error))?;
        std::io::Write::write_all(&mut file, contents)
            .map_err(|error| IoError::at("writing file", &path, error))?;
        if let Some(user) = user {
            give(&path, user.uid, user.gid)?;
        }
        Ok(())
    }

    /// Leave the folder to the user, who wants to see why the build failed.
    pub(crate) fn keep(&mut self) -> Result<String, BuildFailure> {
        self.is_kept = true;
        set_mode(&self.path, 0o755)?;
        set_mode(&self.top, 0o755)?;
        Ok(format!(
            "note: keeping build directory \"{}\"",
            self.path.display()
        ))
    }
}

impl Drop for BuildFolder {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // Whatever the builder passed on to others leads nowhere from here on.
        let _ = set_mode(&self.top, 0o000);
        let _ = delete_path(&self.top);
    }
}

/// Other users must not be able to replace what build users work in.
fn check_not_world_writable(path: &Path) -> Result<(), BuildFailure> {
    for path in path.ancestors() {
        let metadata = path
            .symlink_metadata()
            .map_err(|error| IoError::at("getting status of", path, error))?;
        if metadata.mode() & 0o002 != 0 {
            return Err(BuildFailure::other(format!(
                "Path \"{}\" is world-writable or a symlink. That's not allowed for security.",
                path.display()
            )));
        }
    }
    Ok(())
}

impl BuildUser {
    /// The user as a process can become it, out of a user namespace.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            uid: self.uid,
            gid: self.gid,
            groups: Some(self.supplementary.clone()),
        }
    }
}
