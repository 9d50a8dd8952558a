//! The settings that exist, by name.
//!
//! All settings of Nix 2.34 are accepted, so that configuration files and scripts keep working. Those without
//! documentation do nothing yet.

use super::Kind;

/// A setting.
pub(crate) struct Setting {
    /// Its name.
    pub(crate) name: &'static str,
    /// Older names.
    pub(crate) aliases: &'static [&'static str],
    /// What values it takes.
    pub(super) kind: Kind,
    /// Its value when nobody sets it.
    pub(super) default: &'static str,
    /// The experimental feature that must be on to set it.
    pub(super) feature: Option<&'static str>,
    /// What it does.
    pub(crate) doc: &'static str,
}

/// A setting that has an effect.
const fn documented(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Setting {
    Setting {
        name,
        aliases: &[],
        kind,
        default,
        feature: None,
        doc,
    }
}

/// A setting that has an effect, with older names.
const fn effective(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
) -> Setting {
    Setting {
        aliases,
        ..documented(name, kind, default, doc)
    }
}

/// A setting that is accepted.
const fn accepted(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    aliases: &'static [&'static str],
) -> Setting {
    Setting {
        name,
        aliases,
        kind,
        default,
        feature: None,
        doc: "",
    }
}

/// A setting that is accepted when an experimental feature is on.
const fn experimental(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    feature: &'static str,
) -> Setting {
    Setting {
        name,
        aliases: &[],
        kind,
        default,
        feature: Some(feature),
        doc: "",
    }
}

/// All settings, by name.
pub(crate) static SETTINGS: &[Setting] = &[
    documented(
        "abort-on-warn",
        Kind::Bool,
        "false",
        "`builtins.warn` fails after its warning. Also `NIX_ABORT_ON_WARN=1`.",
    ),
    experimental("accept-flake-config", Kind::Bool, "false", "flakes"),
    accepted("access-tokens", Kind::Map, "", &[]),
    accepted("allow-dirty", Kind::Bool, "true", &[]),
    experimental("allow-dirty-locks", Kind::Bool, "false", "flakes"),
    documented(
        "allow-import-from-derivation",
        Kind::Bool,
        "true",
        "Whether evaluation may build derivations to read what they give.",
    ),
    effective(
        "allow-new-privileges",
        Kind::Bool,
        "false",
        &[],
        "Builds may run setuid programs.",
    ),
    documented(
        "allow-symlinked-store",
        Kind::Bool,
        "false",
        "The store may be reached through symbolic links.",
    ),
    accepted(
        "allow-unsafe-native-code-during-evaluation",
        Kind::Bool,
        "false",
        &[],
    ),
    accepted("allowed-impure-host-deps", Kind::List, "", &[]),
    documented(
        "allowed-uris",
        Kind::List,
        "",
        "Prefixes of URLs that may be fetched although access is restricted.",
    ),
    accepted("allowed-users", Kind::List, "*", &[]),
    accepted("always-allow-substitutes", Kind::Bool, "false", &[]),
    experimental("auto-allocate-uids", Kind::Bool, "false", "auto-allocate-uids"),
    documented(
        "auto-optimise-store",
        Kind::Bool,
        "false",
        "Make equal files one, by hard links, when they are added to the store.",
    ),
    accepted("bash-prompt", Kind::Text, "", &[]),
    accepted("bash-prompt-prefix", Kind::Text, "", &[]),
    accepted("bash-prompt-suffix", Kind::Text, "", &[]),
    effective(
        "build-dir",
        Kind::Text,
        "",
        &[],
        "Where the folders of builds are made; below the state directory if empty.",
    ),
    accepted("build-hook", Kind::List, "", &[]),
    accepted("build-poll-interval", Kind::Int, "5", &[]),
    effective(
        "build-users-group",
        Kind::Text,
        "",
        &[],
        "The group whose members builds run as.",
    ),
    accepted("builders", Kind::Text, "@/etc/nix/machines", &[]),
    accepted("builders-use-substitutes", Kind::Bool, "false", &[]),
    documented(
        "code-cache",
        Kind::Bool,
        "true",
        "Keep what files are lowered to and what is in folders, in nivis-code below the cache folder, so that the next evaluation need not read them.",
    ),
    experimental("commit-lock-file-summary", Kind::Text, "", "flakes"),
    effective(
        "compress-build-log",
        Kind::Bool,
        "true",
        &["build-compress-log"],
        "Logs of builds are compressed.",
    ),
    documented(
        "connect-timeout",
        Kind::Int,
        "15",
        "How many seconds to wait for a connection.",
    ),
    effective(
        "cores",
        Kind::Int,
        "0",
        &["build-cores"],
        "How many cores a build may use; 0 is all.",
    ),
    accepted("debugger-on-trace", Kind::Bool, "false", &[]),
    accepted("debugger-on-warn", Kind::Bool, "false", &[]),
    accepted("diff-hook", Kind::Text, "", &[]),
    documented(
        "download-attempts",
        Kind::Int,
        "5",
        "How often to try a download.",
    ),
    accepted("download-buffer-size", Kind::Int, "1048576", &[]),
    accepted("download-speed", Kind::Int, "0", &[]),
    documented(
        "error-format",
        Kind::ErrorFormat,
        "auto",
        "How errors are shown: `human`, with pictures of the source; `reference`, as C++ Nix does; `json`; or `auto`, \
         which is `human` at a terminal and otherwise `reference` with the short trace below.",
    ),
    accepted("eval-attrset-update-layer-rhs-threshold", Kind::Int, "16", &[]),
    accepted("eval-cache", Kind::Bool, "true", &[]),
    documented(
        "eval-profile-file",
        Kind::Path,
        "nix.profile",
        "Where `eval-profiler` writes to.",
    ),
    documented(
        "eval-profiler",
        Kind::Text,
        "disabled",
        "`flamegraph`: write which calls took time, as folded stacks, to `eval-profile-file`. `disabled`: do not.",
    ),
    documented(
        "eval-profiler-frequency",
        Kind::Int,
        "99",
        "How often a second `eval-profiler` looks at the stack.",
    ),
    documented(
        "eval-system",
        Kind::Text,
        "",
        "What `builtins.currentSystem` is; `system` if empty.",
    ),
    documented(
        "experimental-features",
        Kind::Features,
        "",
        "Experimental features that are on.",
    ),
    accepted("external-builders", Kind::List, "", &[]),
    effective(
        "extra-platforms",
        Kind::List,
        "",
        &[],
        "Systems that this machine can build for besides its own.",
    ),
    accepted("fallback", Kind::Bool, "false", &["build-fallback"]),
    effective(
        "filter-syscalls",
        Kind::Bool,
        "true",
        &[],
        "Builds may not make setuid files and such.",
    ),
    experimental(
        "flake-registry",
        Kind::Text,
        "https://channels.nixos.org/flake-registry.json",
        "flakes",
    ),
    documented(
        "fsync-metadata",
        Kind::Bool,
        "true",
        "The database is flushed to disk with every change.",
    ),
    accepted("fsync-store-paths", Kind::Bool, "false", &[]),
    documented(
        "gc-reserved-space",
        Kind::Int,
        "8388608",
        "Disk space kept free for collecting garbage, in bytes.",
    ),
    accepted("hashed-mirrors", Kind::List, "", &[]),
    accepted(
        "http-connections",
        Kind::Int,
        "25",
        &["binary-caches-parallel-connections"],
    ),
    accepted("http2", Kind::Bool, "true", &[]),
    accepted("id-count", Kind::Int, "8388608", &[]),
    accepted("ignore-try", Kind::Bool, "false", &[]),
    accepted(
        "ignored-acls",
        Kind::List,
        "security.csm security.selinux system.nfs4_acl",
        &[],
    ),
    effective(
        "impersonate-linux-26",
        Kind::Bool,
        "false",
        &["build-impersonate-linux-26"],
        "Builds see a kernel of version 2.6.",
    ),
    experimental("impure-env", Kind::Map, "", "configurable-impure-env"),
    accepted("json-log-path", Kind::Text, "", &[]),
    effective(
        "keep-build-log",
        Kind::Bool,
        "true",
        &["build-keep-log"],
        "Logs of builds are kept.",
    ),
    Setting {
        aliases: &["gc-keep-derivations"],
        ..documented(
            "keep-derivations",
            Kind::Bool,
            "true",
            "Keep the derivations of what is not garbage.",
        )
    },
    accepted(
        "keep-env-derivations",
        Kind::Bool,
        "false",
        &["env-keep-derivations"],
    ),
    effective(
        "keep-failed",
        Kind::Bool,
        "false",
        &[],
        "The folders of failed builds are kept.",
    ),
    effective(
        "keep-going",
        Kind::Bool,
        "false",
        &[],
        "After a failure, what does not need what failed is built nevertheless.",
    ),
    Setting {
        aliases: &["gc-keep-outputs"],
        ..documented(
            "keep-outputs",
            Kind::Bool,
            "false",
            "Keep the outputs of derivations that are not garbage.",
        )
    },
    documented(
        "lint-absolute-path-literals",
        Kind::Lint,
        "ignore",
        "What to do about absolute path literals: `ignore`, `warn` or `fatal`.",
    ),
    documented(
        "lint-short-path-literals",
        Kind::Lint,
        "ignore",
        "What to do about path literals like `a/b`: `ignore`, `warn` or `fatal`.",
    ),
    documented(
        "lint-url-literals",
        Kind::Lint,
        "ignore",
        "What to do about URL literals: `ignore`, `warn` or `fatal`.",
    ),
    documented(
        "listing-index",
        Kind::Bool,
        "true",
        "Remember what nix-env -qa printed, and print it again while nothing that it depends on has changed.",
    ),
    effective(
        "log-lines",
        Kind::Int,
        "25",
        &[],
        "How many lines of its log a failure shows.",
    ),
    effective(
        "max-build-log-size",
        Kind::Int,
        "0",
        &["build-max-log-size"],
        "Builds that write more to their log are ended; 0 is no limit.",
    ),
    documented(
        "max-call-depth",
        Kind::Int,
        "10000",
        "How deeply function calls may nest.",
    ),
    documented(
        "max-free",
        Kind::Int,
        "9223372036854775807",
        "How many bytes are to be free after garbage was collected because of `min-free`.",
    ),
    effective(
        "max-jobs",
        Kind::Jobs,
        "1",
        &["build-max-jobs"],
        "How many builds run at once; `auto` is one for each core, 0 none.",
    ),
    effective(
        "max-silent-time",
        Kind::Int,
        "0",
        &["build-max-silent-time"],
        "Builds that write nothing for so many seconds are ended; 0 is no limit.",
    ),
    accepted(
        "max-substitution-jobs",
        Kind::Int,
        "16",
        &["substitution-max-jobs"],
    ),
    documented(
        "min-free",
        Kind::Int,
        "0",
        "Collect garbage when fewer bytes are free on the disk of the store.",
    ),
    documented(
        "min-free-check-interval",
        Kind::Int,
        "5",
        "How many seconds pass before it is looked again how much is free.",
    ),
    accepted("nar-buffer-size", Kind::Int, "33554432", &[]),
    accepted("narinfo-cache-meta-ttl", Kind::Int, "604800", &[]),
    accepted("narinfo-cache-negative-ttl", Kind::Int, "3600", &[]),
    accepted("narinfo-cache-positive-ttl", Kind::Int, "2592000", &[]),
    accepted("netrc-file", Kind::Path, "/etc/nix/netrc", &[]),
    documented(
        "nix-path",
        Kind::List,
        "",
        "Where `<name>` is looked for after `-I`. `NIX_PATH` wins over the configuration file.",
    ),
    effective(
        "nix-shell-always-looks-for-shell-nix",
        Kind::Bool,
        "true",
        &[],
        "`nix-shell FOLDER` prefers `shell.nix` to `default.nix`.",
    ),
    effective(
        "nix-shell-shebang-arguments-relative-to-script",
        Kind::Bool,
        "true",
        &[],
        "Paths in the first lines of a script are relative to the script.",
    ),
    accepted("plugin-files", Kind::List, "", &[]),
    effective(
        "post-build-hook",
        Kind::Text,
        "",
        &[],
        "A program that is run after each build.",
    ),
    effective(
        "pre-build-hook",
        Kind::Text,
        "",
        &[],
        "A program that is run before each build.",
    ),
    accepted("preallocate-contents", Kind::Bool, "false", &[]),
    effective(
        "print-missing",
        Kind::Bool,
        "true",
        &[],
        "What will be built is told before.",
    ),
    documented(
        "pure-eval",
        Kind::Bool,
        "false",
        "Only what the expression names by hash can be seen; no current time, system or environment.",
    ),
    effective(
        "require-drop-supplementary-groups",
        Kind::Bool,
        "true",
        &[],
        "Fail if builds cannot be kept from having the user's groups.",
    ),
    accepted("require-sigs", Kind::Bool, "true", &[]),
    documented(
        "restrict-eval",
        Kind::Bool,
        "false",
        "Only files of the search path, of `-I` and of the store can be read.",
    ),
    accepted("run-diff-hook", Kind::Bool, "false", &[]),
    effective(
        "sandbox",
        Kind::Sandbox,
        "true",
        &["build-use-chroot", "build-use-sandbox"],
        "Builds see only their inputs: `true`, `false`, `relaxed` (not for fixed outputs and where they ask) or `required` (fail if a layer cannot be had).",
    ),
    effective(
        "sandbox-build-dir",
        Kind::Path,
        "/build",
        &[],
        "Where a build's folder is in the sandbox.",
    ),
    effective(
        "sandbox-dev-shm-size",
        Kind::Text,
        "50%",
        &[],
        "The size of `/dev/shm` in the sandbox.",
    ),
    effective(
        "sandbox-fallback",
        Kind::Bool,
        "true",
        &[],
        "Build without the layers of the sandbox that cannot be had.",
    ),
    effective(
        "sandbox-paths",
        Kind::List,
        "",
        &["build-chroot-dirs", "build-sandbox-paths"],
        "Paths of the host that builds see: `PATH` or `TARGET=SOURCE`, with `?` at the end if it may be missing.",
    ),
    accepted("secret-key-files", Kind::List, "", &[]),
    documented("show-trace", Kind::Bool, "false", "Show all frames of errors."),
    documented(
        "ssl-cert-file",
        Kind::Text,
        "",
        "The certificates to trust, in a PEM file.",
    ),
    documented(
        "stalled-download-timeout",
        Kind::Int,
        "300",
        "How many seconds to wait for an answer.",
    ),
    accepted("start-id", Kind::Int, "872415232", &[]),
    documented(
        "store",
        Kind::Text,
        "auto",
        "Where the store is: `auto`, `local`, a path, `local?root=PATH`, or `dummy://` for none.",
    ),
    accepted("substitute", Kind::Bool, "true", &["build-use-substitutes"]),
    accepted(
        "substituters",
        Kind::List,
        "https://cache.nixos.org/",
        &["binary-caches"],
    ),
    documented(
        "sync-before-registering",
        Kind::Bool,
        // C++ Nix does not, and leaves valid paths with empty files when the power fails.
        "true",
        "Files are flushed to disk before they are registered.",
    ),
    documented("system", Kind::Text, "", "The type of machine to build for."),
    effective(
        "system-features",
        Kind::List,
        "",
        &[],
        "What this machine offers to builds that ask by `requiredSystemFeatures`.",
    ),
    documented(
        "tarball-ttl",
        Kind::Int,
        "3600",
        "For how many seconds a downloaded file is used without asking whether it has changed.",
    ),
    effective(
        "timeout",
        Kind::Int,
        "0",
        &["build-timeout"],
        "Builds that take more seconds are ended; 0 is no limit.",
    ),
    documented(
        "trace-function-calls",
        Kind::Bool,
        "false",
        "Tell of each call of a function when it begins and when it ends, with the time in nanoseconds.",
    ),
    effective(
        "trace-import-from-derivation",
        Kind::Bool,
        "false",
        &[],
        "Warn of each build during evaluation.",
    ),
    documented(
        "trace-verbose",
        Kind::Bool,
        "false",
        "Whether `builtins.traceVerbose` prints.",
    ),
    accepted("trust-tarballs-from-git-forges", Kind::Bool, "true", &[]),
    accepted(
        "trusted-public-keys",
        Kind::List,
        "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=",
        &["binary-cache-public-keys"],
    ),
    accepted("trusted-substituters", Kind::List, "", &["trusted-binary-caches"]),
    accepted("trusted-users", Kind::List, "root", &[]),
    accepted(
        "upgrade-nix-store-path-url",
        Kind::Text,
        "https://github.com/NixOS/nixpkgs/raw/master/nixos/modules/installer/tools/nix-fallback-paths.nix",
        &[],
    ),
    accepted("use-case-hack", Kind::Bool, "false", &[]),
    effective(
        "use-cgroups",
        Kind::Bool,
        "false",
        &[],
        "Builds run in control groups of their own.",
    ),
    experimental("use-registries", Kind::Bool, "true", "flakes"),
    documented(
        "use-sqlite-wal",
        Kind::Bool,
        "true",
        "The database uses a write-ahead log.",
    ),
    documented(
        "use-xdg-base-directories",
        Kind::Bool,
        "false",
        "Channels are below `$XDG_STATE_HOME/nix` instead of `~/.nix-defexpr`.",
    ),
    documented(
        "user-agent-suffix",
        Kind::Text,
        "",
        "What to add to the name that servers are told.",
    ),
    accepted("warn-dirty", Kind::Bool, "true", &[]),
    accepted("warn-large-path-threshold", Kind::Int, "0", &[]),
    documented(
        "warn-short-path-literals",
        Kind::Bool,
        "false",
        "Deprecated: `lint-short-path-literals = warn`.",
    ),
];

/// All experimental features. Those that nivis lacks are accepted and have no effect.
pub(crate) static FEATURES: &[&str] = &[
    "auto-allocate-uids",
    "blake3-hashes",
    "ca-derivations",
    "cgroups",
    "configurable-impure-env",
    "daemon-trust-override",
    "dynamic-derivations",
    "external-builders",
    "fetch-closure",
    "fetch-tree",
    "flakes",
    "git-hashing",
    "impure-derivations",
    "local-overlay-store",
    "mounted-ssh-store",
    "nix-command",
    "parse-toml-timestamps",
    "pipe-operators",
    "read-only-local-store",
    "recursive-nix",
    "verified-fetches",
];
