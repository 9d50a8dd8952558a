//! What the user decides about builds. Filled in by whoever reads settings; nothing here reads a file or the
//! environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::download::Downloader;

/// Whether builds run in a sandbox: the setting `sandbox`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// Never (`false`).
    Off,
    /// Unless the derivation has a fixed output or asks not to be (`relaxed`).
    Relaxed,
    /// Always, as far as the kernel lets us (`true`).
    #[default]
    On,
    /// Always and with every layer; a build that cannot have that fails (`required`).
    Required,
}

/// A path of the host that builds see: one item of `sandbox-paths`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxPath {
    /// Where it is inside.
    pub target: PathBuf,
    /// Where it is outside.
    pub source: PathBuf,
    /// Nothing is wrong if it is missing.
    pub optional: bool,
}

impl SandboxPath {
    /// Read `path`, `target=source`, either with `?` at the end if it may be missing.
    pub fn parse(item: &str) -> Self {
        let (item, optional) = match item.strip_suffix('?') {
            Some(item) => (item, true),
            None => (item, false),
        };
        let (target, source) = item.split_once('=').unwrap_or((item, item));
        SandboxPath {
            target: target.into(),
            source: source.into(),
            optional,
        }
    }
}

/// A program to run after each build: the setting `post-build-hook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostBuildHook {
    /// The program.
    pub program: PathBuf,
    /// All settings, as it finds them in `NIX_CONFIG`.
    pub config: String,
}

/// What the user decides about builds. The names are those of the settings.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct BuildSettings {
    pub sandbox: Sandbox,
    /// Build without what the kernel does not grant, instead of failing.
    pub sandbox_fallback: bool,
    pub sandbox_paths: Vec<SandboxPath>,
    /// Where the build's folder is in the sandbox: `/build`.
    pub sandbox_build_dir: PathBuf,
    /// An option of tmpfs, such as `50%`.
    pub sandbox_dev_shm_size: String,
    /// Where the folders of builds are made; `<state>/builds` if not set.
    pub build_dir: Option<PathBuf>,
    /// Zero means all.
    pub cores: u32,
    pub timeout: Option<Duration>,
    pub max_silent_time: Option<Duration>,
    /// Zero means unlimited.
    pub max_build_log_size: u64,
    pub keep_failed: bool,
    pub keep_build_log: bool,
    pub compress_build_log: bool,
    /// How many lines of the log a failure keeps.
    pub log_lines: usize,
    pub filter_syscalls: bool,
    pub allow_new_privileges: bool,
    pub require_drop_supplementary_groups: bool,
    /// The type of this machine, such as `x86_64-linux`.
    pub system: String,
    pub extra_platforms: BTreeSet<String>,
    pub system_features: BTreeSet<String>,
    /// Builds run as members of that group; not used if empty or if we are not root.
    pub build_users_group: String,
    pub auto_allocate_uids: bool,
    pub start_id: u32,
    pub id_count: u32,
    pub use_cgroups: bool,
    pub impersonate_linux_26: bool,
    pub pre_build_hook: Option<PathBuf>,
    pub post_build_hook: Option<PostBuildHook>,
    /// The program that shows how two results differ; used if `run_diff_hook`.
    pub diff_hook: Option<PathBuf>,
    pub run_diff_hook: bool,
    pub allowed_impure_host_deps: Vec<PathBuf>,
    pub ignored_acls: Vec<String>,
    /// The values of variables that fixed-output derivations may ask for by `impureEnvVars`; those that are
    /// not here are empty.
    pub impure_env: BTreeMap<String, String>,
    pub hashed_mirrors: Vec<String>,
    /// How `builtin:fetchurl` gets what is not on this machine.
    pub downloader: Option<Arc<dyn Downloader>>,
    pub ssl_cert_file: Option<PathBuf>,
    pub experimental_features: BTreeSet<String>,
    /// A builder that fails leaves its sandbox for a shell: see [`crate::Kept`]. Not a setting of the reference.
    pub debug_shell: bool,
    /// Flush outputs to disk before they are registered.
    pub fsync_store_paths: bool,
}

impl Default for BuildSettings {
    fn default() -> Self {
        BuildSettings {
            sandbox: Sandbox::On,
            sandbox_fallback: true,
            sandbox_paths: Vec::new(),
            sandbox_build_dir: "/build".into(),
            sandbox_dev_shm_size: "50%".to_owned(),
            build_dir: None,
            cores: 0,
            timeout: None,
            max_silent_time: None,
            max_build_log_size: 0,
            keep_failed: false,
            keep_build_log: true,
            compress_build_log: true,
            log_lines: 25,
            filter_syscalls: true,
            allow_new_privileges: false,
            require_drop_supplementary_groups: true,
            system: format!("{}-linux", std::env::consts::ARCH),
            extra_platforms: BTreeSet::new(),
            system_features: BTreeSet::new(),
            build_users_group: String::new(),
            auto_allocate_uids: false,
            start_id: 872_415_232,
            id_count: 8_388_608,
            use_cgroups: false,
            impersonate_linux_26: false,
            pre_build_hook: None,
            post_build_hook: None,
            diff_hook: None,
            run_diff_hook: false,
            allowed_impure_host_deps: Vec::new(),
            ignored_acls: ["security.csm", "security.selinux", "system.nfs4_acl"]
                .map(str::to_owned)
                .into(),
            impure_env: BTreeMap::new(),
            hashed_mirrors: Vec::new(),
            downloader: None,
            ssl_cert_file: None,
            experimental_features: BTreeSet::new(),
            debug_shell: false,
            fsync_store_paths: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sandbox_paths_are_read() {
        let path = |target: &str, source: &str, optional| SandboxPath {
            target: target.into(),
            source: source.into(),
            optional,
        };
        assert_eq!(SandboxPath::parse("/usr"), path("/usr", "/usr", false));
        assert_eq!(
            SandboxPath::parse("/bin/sh=/x/sh"),
            path("/bin/sh", "/x/sh", false)
        );
        assert_eq!(SandboxPath::parse("/a=/b?"), path("/a", "/b", true));
    }
}
