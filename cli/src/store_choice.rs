//! Which store: from `--store`, the setting `store`, `NIX_REMOTE` and the folders of the environment.

use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::percent;
use crate::settings::Settings;
use crate::store_parameters::{Parameters, StoreKind};
use nivis_store::config::{GcSettings, StoreConfig};
use nivis_store::path::StoreDir;
use nix::unistd::{AccessFlags, access};
use std::path::{Path, PathBuf};

/// The experimental feature that opens stores of which nothing may be changed.
const READ_ONLY_STORE: &str = "read-only-local-store";

/// A store to work with.
pub(crate) enum StoreChoice {
    /// A store on disk.
    Local(Box<StoreConfig>),
    /// `dummy://`: paths are only worked out.
    Dummy(StoreDir),
}

impl StoreChoice {
    /// The folder that all paths name.
    pub(crate) fn store_dir(&self) -> &StoreDir {
        match self {
            StoreChoice::Local(config) => &config.store_dir,
            StoreChoice::Dummy(store_dir) => store_dir,
        }
    }
}

/// The store that is wanted; `uri` is that of `--store`.
fn wanted<'u>(uri: Option<&'u str>, settings: &'u Settings, environment: &'u Environment) -> &'u str {
    let from_settings = settings.text("store");
    match (uri, &environment.remote) {
        (Some(uri), _) => uri,
        (None, Some(remote)) if from_settings == "auto" => remote,
        _ => from_settings,
    }
}

/// The store of a user who cannot use that of the system.
pub(crate) struct OwnStore {
    /// The folder that has it.
    pub(crate) root: PathBuf,
    /// Why it is the one to use.
    pub(crate) reason: String,
}

/// The user's own store, if that is the one to use.
pub(crate) fn own_store(
    uri: Option<&str>,
    settings: &Settings,
    environment: &Environment,
    read_only: bool,
) -> Option<OwnStore> {
    match wanted(uri, settings, environment) {
        "" | "auto" => automatic(environment, read_only),
        _ => None,
    }
}

/// The folder that has the store as its `nix/store`, if the store is not at its place.
pub(crate) fn root(
    uri: Option<&str>,
    settings: &Settings,
    environment: &Environment,
) -> Result<Option<PathBuf>> {
    if let Some(own) = own_store(uri, settings, environment, false) {
        return Ok(Some(own.root));
    }
    let StoreChoice::Local(config) = choose(uri, settings, environment, false)? else {
        return Ok(None);
    };
    let place = config.real_store_dir.as_path();
    if place == Path::new(config.store_dir.as_str()) {
        return Ok(None);
    }
    match place.to_str().and_then(|place| place.strip_suffix("/nix/store")) {
        Some(root) if config.store_dir == StoreDir::default() => Ok(Some(root.into())),
        _ => Err(Failure::Plain(format!(
            "the store in '{}' is not '/nix/store' below another root",
            place.display()
        ))),
    }
}

/// What the user should know of the parameters in a store's URI. `uri` is that of `--store`.
pub(crate) fn warnings(uri: Option<&str>, settings: &Settings, environment: &Environment) -> Vec<String> {
    let (base, parameters) = split(wanted(uri, settings, environment));
    let is_known = base
        .split_once("://")
        .is_none_or(|(scheme, _)| KNOWN_SCHEMES.contains(&scheme));
    match is_known {
        true => parameters.warnings(kind(base), settings),
        false => Vec::new(),
    }
}

/// The schemes of stores that there are.
const KNOWN_SCHEMES: [&str; 2] = ["dummy", "local"];

fn split(uri: &str) -> (&str, Parameters) {
    let (base, query) = uri.split_once('?').unwrap_or((uri, ""));
    (base, Parameters::parse(query))
}

fn kind(base: &str) -> StoreKind {
    match base {
        "dummy" | "dummy://" => StoreKind::Dummy,
        _ => StoreKind::Local,
    }
}

/// Chooses the store. `uri` is that of `--store`.
pub(crate) fn choose(
    uri: Option<&str>,
    settings: &Settings,
    environment: &Environment,
    read_only: bool,
) -> Result<StoreChoice> {
    let uri = wanted(uri, settings, environment);
    let (base, parameters) = split(uri);
    let kind = kind(base);
    parameters.check(kind, settings)?;
    let store_dir = match parameters.get("store").or(environment.store_dir.as_deref()) {
        Some(dir) => StoreDir::new(dir).map_err(|error| Failure::Plain(error.to_string()))?,
        None => StoreDir::default(),
    };
    let location = match base {
        "" | "auto" if parameters.is_empty() => match automatic(environment, read_only) {
            Some(own) => Location::Below(own.root),
            None => Location::AtItsPlace,
        },
        "" | "auto" | "local" | "local://" => Location::AtItsPlace,
        _ if kind == StoreKind::Dummy => return Ok(StoreChoice::Dummy(store_dir)),
        "daemon" => return Err(unsupported(uri)),
        _ => match base.split_once("://") {
            Some(("local", path)) => {
                Location::Below(absolute(&String::from_utf8_lossy(&percent::decode(path)))?)
            }
            Some((scheme, _)) => return Err(unknown_scheme(base, scheme)),
            None if base.contains('/') => Location::Below(absolute(base)?),
            None => return Err(Failure::Usage(format!("Cannot parse Nix store '{uri}'"))),
        },
    };
    let mut config = configure(location, store_dir, &parameters, environment);
    if parameters.is_true("read-only") && !settings.has_feature(READ_ONLY_STORE) {
        return Err(Failure::Plain(format!(
            "experimental Nix feature '{READ_ONLY_STORE}' is disabled; \
             add '--extra-experimental-features {READ_ONLY_STORE}' to enable it"
        )));
    }
    config.read_only = read_only || parameters.is_true("read-only");
    config.use_sqlite_wal = settings.bool("use-sqlite-wal");
    config.fsync_metadata = settings.bool("fsync-metadata");
    config.sync_before_registering = settings.bool("sync-before-registering");
    config.reserved_size = settings.int("gc-reserved-space").try_into().unwrap_or_default();
    let bytes = |name| settings.int(name).try_into().unwrap_or_default();
    config.gc = GcSettings {
        keep_outputs: settings.bool("keep-outputs"),
        keep_derivations: settings.bool("keep-derivations"),
        min_free: bytes("min-free"),
        max_free: bytes("max-free"),
        check_interval: bytes("min-free-check-interval"),
    };
    config.auto_optimise = settings.bool("auto-optimise-store");
    config.allow_symlinked_store = settings.bool("allow-symlinked-store") || environment.ignore_symlink_store;
    Ok(StoreChoice::Local(Box::new(config)))
}

/// Where a local store lies.
enum Location {
    /// Where its name says.
    AtItsPlace,
    /// Below another root.
    Below(PathBuf),
}

/// Users who may not write the system's store, or have none, get one of their own below their home.
fn automatic(environment: &Environment, read_only: bool) -> Option<OwnStore> {
    if environment.has_store_dirs || nix::unistd::geteuid().is_root() {
        return None;
    }
    let root = environment.data_home.as_ref()?.join("root");
    let places = [environment.state_dir.as_path(), Path::new("/nix/store")];
    let other = places.into_iter().find(|place| !may_write(place))?;
    // Somebody else's store can be looked at.
    if read_only && environment.state_dir.exists() && !root.exists() {
        return None;
    }
    let reason = match environment.state_dir.exists() {
        true => format!("{} may not be written", other.display()),
        false => format!("{} does not exist", environment.state_dir.display()),
    };
    Some(OwnStore { root, reason })
}

/// Whether the user may change a folder, or make it.
fn may_write(folder: &Path) -> bool {
    let existing = folder.ancestors().find(|folder| folder.exists());
    existing.is_some_and(|folder| access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok())
}

fn configure(
    location: Location,
    store_dir: StoreDir,
    parameters: &Parameters,
    environment: &Environment,
) -> StoreConfig {
    let root = parameters.path("root").or(match location {
        Location::AtItsPlace => None,
        Location::Below(root) => Some(root),
    });
    let mut config = match root {
        Some(root) => StoreConfig {
            store_dir,
            ..StoreConfig::below(&root)
        },
        None => StoreConfig::new(store_dir, &environment.state_dir, &environment.log_dir),
    };
    config.state_dir = parameters.path("state").unwrap_or(config.state_dir);
    config.log_dir = parameters.path("log").unwrap_or(config.log_dir);
    config.real_store_dir = parameters.path("real").unwrap_or(config.real_store_dir);
    config
}

fn absolute(path: &str) -> Result<PathBuf> {
    std::path::absolute(Path::new(path))
        .map_err(|error| Failure::Plain(format!("cannot make '{path}' absolute: {error}")))
}

fn unknown_scheme(uri: &str, scheme: &str) -> Failure {
    match scheme {
        "file" | "http" | "https" | "s3" => Failure::Plain(format!(
            "the store '{uri}' is a binary cache, and these cannot be opened; '--store PATH' opens a store in a \
             folder, and 'nix-store --export' and 'nix-store --import' move objects between stores"
        )),
        "ssh" | "ssh-ng" | "unix" => unsupported(&format!("{scheme}://")),
        _ => Failure::Plain(format!("don't know how to open Nix store with scheme '{scheme}'")),
    }
}

fn unsupported(uri: &str) -> Failure {
    Failure::Plain(format!("stores of the kind '{uri}' are not supported yet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(uri: &str) -> StoreConfig {
        let environment = Environment {
            state_dir: "/state".into(),
            log_dir: "/log".into(),
            ..Environment::default()
        };
        match choose(Some(uri), &Settings::default(), &environment, false) {
            Ok(StoreChoice::Local(config)) => *config,
            _ => panic!("no local store for {uri}"),
        }
    }

    #[test]
    fn uris_say_where_the_store_is() {
        assert_eq!(local("auto").state_dir, Path::new("/state"));
        assert_eq!(local("/r").real_store_dir, Path::new("/r/nix/store"));
        let config = local("local?root=/a%20b&state=/s");
        assert_eq!(config.real_store_dir, Path::new("/a b/nix/store"));
        assert_eq!(config.state_dir, Path::new("/s"));
        assert_eq!(
            local("local?store=/x/store").real_store_dir,
            Path::new("/x/store")
        );
        let refused = |uri| choose(Some(uri), &Settings::default(), &Environment::default(), false).is_err();
        assert!(refused("nonsense") && refused("foo://x") && refused("https://cache.example.org"));
    }
}
