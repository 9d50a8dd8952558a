//! The builder's environment, and the files that it gets besides.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nivis_store::LocalStore;
use nivis_store::base32;
use nivis_store::derivation::Derivation;
use nivis_store::hash::Hash;
use nivis_store::path::StorePath;

use crate::failure::{BuildFailure, FailureKind};
use crate::options::{DrvOptions, JSON_VARIABLE};
use crate::settings::BuildSettings;
use crate::structured;

/// Where a program looks that believes in `HOME`.
pub(crate) const HOME: &str = "/homeless-shelter";

/// What a builder gets: variables, and files in its folder by name.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Environment {
    fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.variables
            .insert(name.as_bytes().to_vec(), value.as_ref().to_vec());
    }

    /// A file, and a variable that has its path.
    fn set_file(&mut self, variable: Vec<u8>, file: String, contents: Vec<u8>, folder: &Path) {
        self.variables
            .insert(variable, folder.join(&file).as_os_str().as_bytes().to_vec());
        self.files.insert(file, contents);
    }
}

/// What the environment depends on.
pub(crate) struct Request<'a> {
    pub(crate) store: &'a LocalStore,
    pub(crate) settings: &'a BuildSettings,
    pub(crate) drv: &'a Derivation,
    pub(crate) options: &'a DrvOptions,
    pub(crate) closure: &'a BTreeSet<StorePath>,
    /// The build's folder as the builder sees it.
    pub(crate) folder: &'a Path,
    pub(crate) is_fixed: bool,
    /// Nothing of the host may reach it.
    pub(crate) is_pure: bool,
}

/// Put together what a builder gets.
pub(crate) fn environment(request: &Request<'_>) -> Result<Environment, BuildFailure> {
    let Request { settings, folder, .. } = *request;
    let mut env = Environment::default();
    // Shells would look in places of their own otherwise.
    env.set("PATH", "/path-not-set");
    env.set("HOME", HOME);
    env.set("NIX_STORE", request.store.store_dir().as_str());
    let cores = match settings.cores {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        cores => cores as usize,
    };
    env.set("NIX_BUILD_CORES", cores.to_string());
    add_attributes(&mut env, request)?;
    for name in ["NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP", "PWD"] {
        env.set(name, folder.as_os_str().as_bytes());
    }
    if request.is_fixed {
        env.set("NIX_OUTPUT_CHECKED", "1");
    }
    if !request.is_pure {
        for name in &request.options.impure_env_vars {
            env.set(name, settings.impure_env.get(name).map_or("", String::as_str));
        }
    }
    env.set("NIX_LOG_FD", "2");
    env.set("TERM", "xterm-256color");
    Ok(env)
}

fn add_attributes(env: &mut Environment, request: &Request<'_>) -> Result<(), BuildFailure> {
    let Request {
        store,
        drv,
        options,
        closure,
        folder,
        ..
    } = *request;
    if let Some(attributes) = &options.structured {
        let attributes = structured::prepare(store, drv, options, attributes, closure)?;
        let shell = structured::write_shell(&attributes);
        let mut json = String::new();
        structured::write_json(&serde_json::Value::Object(attributes), &mut json);
        let mut add = |name: &str, file: &str, text: String| {
            env.set_file(name.into(), file.to_owned(), text.into_bytes(), folder);
        };
        add("NIX_ATTRS_SH_FILE", ".attrs.sh", shell);
        add("NIX_ATTRS_JSON_FILE", ".attrs.json", json);
        return Ok(());
    }
    for (name, value) in drv.env.iter().filter(|&(name, _)| name != JSON_VARIABLE) {
        if options.pass_as_file.contains(name) {
            let digest = base32::encode(Hash::sha256(name).as_bytes());
            let variable = [name, &b"Path"[..]].concat();
            env.set_file(variable, format!(".attr-{digest}"), value.to_vec(), folder);
        } else {
            env.variables.insert(name.to_vec(), value.to_vec());
        }
    }
    for (file, paths) in &options.references_graph {
        let paths = export_references(store, paths, closure)?;
        let text = describe_paths(store, &paths)?;
        env.files.insert(file.clone(), text.into_bytes());
    }
    Ok(())
}

/// Paths and what they refer to, as `nix-store --register-validity` reads them.
fn describe_paths(store: &LocalStore, paths: &BTreeSet<StorePath>) -> Result<String, BuildFailure> {
    let mut text = String::new();
    for path in paths {
        let info = store.query_path_info(path)?;
        // The line between is for the deriver, which depends on how the path came to be.
        text += &format!("{}\n\n{}\n", store.store_dir().print(path), info.references.len());
        for reference in &info.references {
            text += &store.store_dir().print(reference);
            text.push('\n');
        }
    }
    Ok(text)
}

/// The closure of some paths; with the outputs of the derivations in it, and their closures.
pub(crate) fn export_references(
    store: &LocalStore,
    paths: &BTreeSet<StorePath>,
    closure: &BTreeSet<StorePath>,
) -> Result<BTreeSet<StorePath>, BuildFailure> {
    if let Some(path) = paths.iter().find(|path| !closure.contains(*path)) {
        return Err(BuildFailure::new(
            FailureKind::Other,
            format!(
                "cannot export references of path '{}' because it is not in the input closure of the derivation",
                store.store_dir().print(path)
            ),
        ));
    }
    let mut found = store.query_closure(paths.iter().cloned())?;
    let mut outputs = BTreeSet::new();
    for path in found.iter().filter(|path| path.is_derivation()) {
        let drv = store.read_derivation(path)?;
        for name in drv.outputs.keys() {
            match drv.output_path(store.store_dir(), name)? {
                Some(output) => outputs.insert(output),
                None => {
                    return Err(BuildFailure::other(
                        "exportReferences on CA derivations is not yet implemented",
                    ));
                }
            };
        }
    }
    found.extend(store.query_closure(outputs)?);
    Ok(found)
}
