//! The environment: the one place that reads it, and what each variable means.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// How statistics are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum StatsFormat {
    /// With the reference's keys.
    #[default]
    Json,
    /// For reading.
    Text,
}

/// The variables that nivis looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// `NIX_STORE_DIR` (or `NIX_STORE`): the folder of the store. `/nix/store`
    pub(crate) store_dir: Option<String>,
    /// `NIX_STATE_DIR`: the database, profiles and roots. `/nix/var/nix`
    pub(crate) state_dir: PathBuf,
    /// Whether `NIX_STORE_DIR` or `NIX_STATE_DIR` is set, so that there is no looking for another store.
    pub(crate) has_store_dirs: bool,
    /// `NIX_LOG_DIR`: logs of builds. `/nix/var/log/nix`
    pub(crate) log_dir: PathBuf,
    /// `NIX_CONF_DIR`: where the system's `nix.conf` is. `/etc/nix`
    pub(crate) conf_dir: PathBuf,
    /// `NIX_USER_CONF_FILES`: the user's configuration files, `:` between them; by default a `nix.conf` in each of
    /// `config_dirs`.
    pub(crate) user_conf_files: Option<Vec<PathBuf>>,
    /// `NIX_CONFIG_HOME`, or `nix` in `XDG_CONFIG_HOME` or `~/.config`, then `nix` in each of `XDG_CONFIG_DIRS`.
    pub(crate) config_dirs: Vec<PathBuf>,
    /// `NIX_CONFIG`: settings, as in a configuration file.
    pub(crate) config: Option<String>,
    /// `NIX_REMOTE`: where the store is, unless the setting `store` says so.
    pub(crate) remote: Option<String>,
    /// `NIX_IGNORE_SYMLINK_STORE=1`: as the setting `allow-symlinked-store`.
    pub(crate) ignore_symlink_store: bool,
    /// `NIX_PATH`: where `<name>` is looked for, `:` between the elements.
    pub(crate) nix_path: Option<Vec<u8>>,
    /// `NIX_PROFILE`: the profile that `nix-env` looks at and changes.
    pub(crate) profile: Option<PathBuf>,
    /// `HOME`, or what the user database says.
    pub(crate) home: Option<PathBuf>,
    /// `NIX_STATE_HOME`, or `nix` in `XDG_STATE_HOME` or `~/.local/state`: channels, with
    /// `use-xdg-base-directories`.
    pub(crate) state_home: Option<PathBuf>,
    /// `NIX_DATA_HOME`, or `nix` in `XDG_DATA_HOME` or `~/.local/share`: the store of users without another.
    pub(crate) data_home: Option<PathBuf>,
    /// `NIX_CACHE_HOME`, or `nix` in `XDG_CACHE_HOME` or `~/.cache`: what can be made again.
    pub(crate) cache_home: Option<PathBuf>,
    /// `NIX_SHOW_STATS`: print what the evaluator counted.
    pub(crate) show_stats: bool,
    /// `NIX_SHOW_STATS_PATH`: to this file instead of standard error.
    pub(crate) show_stats_path: Option<PathBuf>,
    /// `NIX_SHOW_STATS_FORMAT`: `json`, or `text` for reading.
    pub(crate) show_stats_format: StatsFormat,
    /// `NIX_COUNT_CALLS`: count calls by function, for the statistics.
    pub(crate) count_calls: bool,
    /// `GC_INITIAL_HEAP_SIZE`: below this no garbage is collected. Bytes, or with `k`, `m`, `g` behind the number.
    pub(crate) initial_heap_size: Option<usize>,
    /// `NIX_BUILD_SHELL`: the shell that `nix-shell` opens.
    pub(crate) build_shell: Option<Vec<u8>>,
    /// `NIX_ABORT_ON_WARN`: `builtins.warn` fails.
    pub(crate) abort_on_warn: bool,
    /// `EDITOR`
    pub(crate) editor: String,
    /// `NO_COLOR`, `NOCOLOR`, or `TERM` is missing or `dumb`: no colours.
    pub(crate) no_colour: bool,
}

impl Environment {
    /// Reads the variables.
    pub(crate) fn read() -> Environment {
        let home = non_empty("HOME").map(PathBuf::from).or_else(home_of_user);
        let own_dir = |own: &str, xdg: &str, below_home: &str| {
            std::env::var_os(own).map(PathBuf::from).or_else(|| {
                let base = std::env::var_os(xdg).map(PathBuf::from);
                Some(
                    base.or_else(|| Some(home.as_ref()?.join(below_home)))?
                        .join("nix"),
                )
            })
        };
        let mut config_dirs: Vec<PathBuf> = own_dir("NIX_CONFIG_HOME", "XDG_CONFIG_HOME", ".config")
            .into_iter()
            .collect();
        let shared = std::env::var_os("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".into());
        config_dirs.extend(paths(&shared).into_iter().map(|dir| dir.join("nix")));
        Environment {
            store_dir: text("NIX_STORE_DIR").or_else(|| text("NIX_STORE")),
            has_store_dirs: ["NIX_STORE_DIR", "NIX_STATE_DIR"]
                .iter()
                .any(|name| std::env::var_os(name).is_some()),
            state_dir: path_or("NIX_STATE_DIR", "/nix/var/nix"),
            log_dir: path_or("NIX_LOG_DIR", "/nix/var/log/nix"),
            conf_dir: path_or("NIX_CONF_DIR", "/etc/nix"),
            user_conf_files: std::env::var_os("NIX_USER_CONF_FILES").map(|files| paths(&files)),
            config_dirs,
            config: text("NIX_CONFIG"),
            remote: text("NIX_REMOTE"),
            ignore_symlink_store: text("NIX_IGNORE_SYMLINK_STORE").as_deref() == Some("1"),
            nix_path: variable(b"NIX_PATH"),
            profile: non_empty("NIX_PROFILE").map(PathBuf::from),
            state_home: own_dir("NIX_STATE_HOME", "XDG_STATE_HOME", ".local/state"),
            data_home: own_dir("NIX_DATA_HOME", "XDG_DATA_HOME", ".local/share"),
            cache_home: own_dir("NIX_CACHE_HOME", "XDG_CACHE_HOME", ".cache"),
            show_stats: is_on("NIX_SHOW_STATS"),
            show_stats_path: std::env::var_os("NIX_SHOW_STATS_PATH")
                .filter(|path| path != "-")
                .map(PathBuf::from),
            show_stats_format: match text("NIX_SHOW_STATS_FORMAT").as_deref() {
                Some("text") => StatsFormat::Text,
                _ => StatsFormat::Json,
            },
            count_calls: is_on("NIX_COUNT_CALLS"),
            initial_heap_size: text("GC_INITIAL_HEAP_SIZE").and_then(|text| bytes(&text)),
            build_shell: std::env::var_os("NIX_BUILD_SHELL").map(OsString::into_vec),
            abort_on_warn: matches!(text("NIX_ABORT_ON_WARN").as_deref(), Some("1" | "yes" | "true")),
            editor: text("EDITOR").unwrap_or_else(|| "vi".to_owned()),
            no_colour: std::env::var_os("NO_COLOR").is_some()
                || std::env::var_os("NOCOLOR").is_some()
                || text("TERM").is_none_or(|terminal| terminal == "dumb"),
            home,
        }
    }
}

/// Any variable, for `builtins.getEnv`.
pub(crate) fn variable(name: &[u8]) -> Option<Vec<u8>> {
    let name = OsStr::from_bytes(name);
    // The standard library panics on names that no variable can have.
    if name.is_empty() || name.as_bytes().iter().any(|byte| matches!(byte, b'=' | 0)) {
        return None;
    }
    std::env::var_os(name).map(OsString::into_vec)
}

/// All variables, for what runs in their place.
pub(crate) fn all() -> BTreeMap<Vec<u8>, Vec<u8>> {
    let variables = std::env::vars_os();
    variables
        .map(|(name, value)| (name.into_vec(), value.into_vec()))
        .collect()
}

fn home_of_user() -> Option<PathBuf> {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??;
    Some(user.dir)
}

fn non_empty(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Option<String> {
    non_empty(name).map(|value| value.to_string_lossy().into_owned())
}

fn path_or(name: &str, default: &str) -> PathBuf {
    non_empty(name).map_or_else(|| default.into(), PathBuf::from)
}

/// The paths between colons.
fn paths(list: &OsStr) -> Vec<PathBuf> {
    list.as_bytes()
        .split(|&byte| byte == b':')
        .filter(|path| !path.is_empty())
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
        .collect()
}

/// A number of bytes as the collector of C++ Nix reads it.
fn bytes(text: &str) -> Option<usize> {
    let (digits, shift) = match text.as_bytes().last()?.to_ascii_lowercase() {
        b'k' => (&text[..text.len() - 1], 10),
        b'm' => (&text[..text.len() - 1], 20),
        b'g' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.parse::<usize>().ok()?.checked_shl(shift)
}

/// Set, and not to `0`.
fn is_on(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value != "0")
}
