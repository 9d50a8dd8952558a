//! From settings to what the builder and its scheduler go by.

use crate::download::{BuildDownloads, certificates};
use crate::env;
use crate::options::Common;
use crate::settings::Settings;
use nivis_builder::realise::Options;
use nivis_builder::{BuildSettings, Mode, PostBuildHook, Sandbox, SandboxPath};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What builds go by.
#[allow(clippy::needless_update, reason = "what is no setting keeps its default")]
pub(crate) fn build_settings(common: &Common) -> BuildSettings {
    let settings = &common.settings;
    let number = |name| settings.int(name);
    let seconds = |name| {
        Some(number(name))
            .filter(|&time| time > 0)
            .map(|time| Duration::from_secs(time.unsigned_abs()))
    };
    let path = |name| {
        Some(settings.text(name))
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let words = |name| settings.list(name).map(str::to_owned);
    BuildSettings {
        sandbox: match settings.text("sandbox") {
            "false" => Sandbox::Off,
            "relaxed" => Sandbox::Relaxed,
            "required" => Sandbox::Required,
            _ => Sandbox::On,
        },
        sandbox_fallback: settings.bool("sandbox-fallback"),
        sandbox_paths: settings.list("sandbox-paths").map(SandboxPath::parse).collect(),
        sandbox_build_dir: settings.text("sandbox-build-dir").into(),
        sandbox_dev_shm_size: settings.text("sandbox-dev-shm-size").to_owned(),
        build_dir: path("build-dir"),
        cores: number("cores").try_into().unwrap_or(0),
        timeout: seconds("timeout"),
        max_silent_time: seconds("max-silent-time"),
        max_build_log_size: number("max-build-log-size").try_into().unwrap_or(0),
        keep_failed: settings.bool("keep-failed"),
        keep_build_log: settings.bool("keep-build-log"),
        compress_build_log: settings.bool("compress-build-log"),
        log_lines: number("log-lines").try_into().unwrap_or(0),
        filter_syscalls: settings.bool("filter-syscalls"),
        allow_new_privileges: settings.bool("allow-new-privileges"),
        require_drop_supplementary_groups: settings.bool("require-drop-supplementary-groups"),
        system: common.system(),
        extra_platforms: extra_platforms(settings),
        system_features: system_features(settings),
        build_users_group: settings.text("build-users-group").to_owned(),
        auto_allocate_uids: settings.bool("auto-allocate-uids"),
        start_id: number("start-id").try_into().unwrap_or(u32::MAX),
        id_count: number("id-count").try_into().unwrap_or(0),
        use_cgroups: settings.bool("use-cgroups"),
        impersonate_linux_26: settings.bool("impersonate-linux-26"),
        pre_build_hook: path("pre-build-hook"),
        post_build_hook: path("post-build-hook").map(|program| PostBuildHook {
            program,
            config: settings.to_config(),
        }),
        diff_hook: path("diff-hook"),
        run_diff_hook: settings.bool("run-diff-hook"),
        allowed_impure_host_deps: settings
            .list("allowed-impure-host-deps")
            .map(PathBuf::from)
            .collect(),
        ignored_acls: words("ignored-acls").collect(),
        // The setting wins over what is inherited.
        impure_env: env::all()
            .into_iter()
            .filter_map(|(name, value)| Some((String::from_utf8(name).ok()?, String::from_utf8(value).ok()?)))
            .chain(
                settings
                    .list("impure-env")
                    .filter_map(|item| item.split_once('='))
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            )
            .collect(),
        hashed_mirrors: words("hashed-mirrors").collect(),
        downloader: Some(Arc::new(BuildDownloads::new(settings))),
        ssl_cert_file: certificates(settings),
        experimental_features: words("experimental-features").collect(),
        fsync_store_paths: settings.bool("fsync-store-paths"),
        ..BuildSettings::default()
    }
}

/// What the scheduler goes by.
pub(crate) fn options(common: &Common, mode: Mode) -> Options {
    let settings = &common.settings;
    Options {
        keep_going: settings.bool("keep-going"),
        max_jobs: max_jobs(settings),
        mode,
        system: common.system(),
        extra_platforms: extra_platforms(settings),
        features: system_features(settings),
        content_addressed: settings.has_feature("ca-derivations"),
        impure: settings.has_feature("impure-derivations"),
        substitute: settings.bool("substitute"),
    }
}

/// How many builds may run at once.
pub(crate) fn max_jobs(settings: &Settings) -> usize {
    match settings.text("max-jobs") {
        "auto" => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        number => number.parse().unwrap_or(1),
    }
}

fn words_or(
    settings: &Settings,
    name: &'static str,
    default: impl FnOnce() -> BTreeSet<String>,
) -> BTreeSet<String> {
    match settings.text(name) {
        "" => default(),
        _ => settings.list(name).map(str::to_owned).collect(),
    }
}

/// What this machine offers: `system-features`, or some features that are only names, and what there is.
fn system_features(settings: &Settings) -> BTreeSet<String> {
    let mut features = words_or(settings, "system-features", || {
        let mut features =
            BTreeSet::from(["nixos-test", "benchmark", "big-parallel", "uid-range"].map(str::to_owned));
        let access = nix::unistd::AccessFlags::R_OK | nix::unistd::AccessFlags::W_OK;
        if nix::unistd::access("/dev/kvm", access).is_ok() {
            features.insert("kvm".to_owned());
        }
        features
    });
    // What is enabled here can be built here.
    if settings.has_feature("ca-derivations") {
        features.insert("ca-derivations".to_owned());
    }
    features
}

/// What this machine can run besides programs for its own system.
fn extra_platforms(settings: &Settings) -> BTreeSet<String> {
    words_or(settings, "extra-platforms", default_platforms)
}

#[cfg(target_arch = "x86_64")]
fn default_platforms() -> BTreeSet<String> {
    use std::arch::is_x86_feature_detected as has;
    let mut platforms = vec!["i686-linux", "x86_64-v1-linux"];
    let v2 = has!("cmpxchg16b")
        && has!("popcnt")
        && has!("sse3")
        && has!("sse4.1")
        && has!("sse4.2")
        && has!("ssse3");
    let v3 = v2
        && has!("avx")
        && has!("avx2")
        && has!("bmi1")
        && has!("bmi2")
        && has!("f16c")
        && has!("fma")
        && has!("lzcnt")
        && has!("movbe");
    let v4 =
        v3 && has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
    platforms.extend(v2.then_some("x86_64-v2-linux"));
    platforms.extend(v3.then_some("x86_64-v3-linux"));
    platforms.extend(v4.then_some("x86_64-v4-linux"));
    platforms.into_iter().map(str::to_owned).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn default_platforms() -> BTreeSet<String> {
    BTreeSet::new()
}
