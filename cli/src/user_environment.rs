//! User environments: what a profile holds, the manifest that says so, and how new ones are made.
//!
//! A user environment is a store object of links to the files of packages, with `manifest.nix`: a list of the packages
//! as derivations without what they are built from. The next change of the profile starts from the manifest.

use crate::derivations::coerce_to_store_path;
use crate::failure::{Failure, Result};
use crate::packages::{self, Package};
use crate::realise::Realiser;
use crate::session::Session;
use nivis_builder::Mode;
use nivis_builder::schedule::{Outputs, Target};
use nivis_eval::error::{Error, Kind};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::FileType;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::{Origin, Pos};
use nivis_lang::symbol::Symbol;
use nivis_store::LocalStore;
use nivis_store::path::StorePath;
use nivis_store::profile::Profile;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The expression of a user environment.
const ENVIRONMENT: &[u8] = include_bytes!("user_environment/environment.nix");

/// The packages of a profile; none if it does not exist.
pub(crate) fn installed(ev: &Evaluator, profile: &Path) -> Result<Vec<Package>> {
    let file = |name: &str| profile.join(name).as_os_str().as_bytes().to_vec();
    let exists = |path: &[u8]| {
        let real = ev.resolve_links(path);
        real.is_ok_and(|real| ev.host.file_type(&real).is_ok_and(|found| found.is_some()))
    };
    if exists(&file("manifest.json")) {
        return Err(other_kind(profile));
    }
    let manifest = file("manifest.nix");
    if !exists(&manifest) {
        check_presence(ev, profile)?;
        return Ok(vec![]);
    }
    let value = ev.import(&ev.resolve_links(&manifest)?)?;
    let Some(no_arguments) = ev.heap.attrs(&mut []).as_attrs() else {
        return Ok(vec![]);
    };
    Ok(packages::find(ev, value.slot(), no_arguments, false)?)
}

fn other_kind(profile: &Path) -> Failure {
    Failure::Plain(format!(
        "profile \"{}\" is incompatible with 'nix-env'; please use 'nix profile' instead",
        profile.display()
    ))
}

/// Fails if a profile is not one of `nix-env`, without asking the evaluator.
pub(crate) fn refuse_other_kind(profile: &Path) -> Result<()> {
    match profile.join("manifest.json").exists() {
        true => Err(other_kind(profile)),
        false => Ok(()),
    }
}

/// Fails if the profile's generation is of another store, in which it has packages that are not to be lost.
fn check_presence(ev: &Evaluator, profile: &Path) -> Result<()> {
    let follow = |link: &Path| {
        let text = link.as_os_str().as_bytes();
        let is_link = ev.host.file_type(text).ok()? == Some(FileType::Symlink);
        let target = is_link.then(|| ev.host.read_link(text).ok()).flatten()?;
        Some(link.parent()?.join(OsStr::from_bytes(&target)))
    };
    let Some(environment) = follow(profile).and_then(|generation| follow(&generation)) else {
        return Ok(());
    };
    let text = environment.as_os_str().as_bytes();
    let is_missing = || ev.host.file_type(text).is_ok_and(|found| found.is_none());
    if ev.host.store_dir().contains(text) && is_missing() {
        return Err(Failure::Plain(format!(
            "profile \"{}\" is '{}', which is not in this store; it is of another one",
            profile.display(),
            environment.display()
        )));
    }
    Ok(())
}

/// What it takes to make user environments.
pub(crate) struct Installer<'i> {
    /// Evaluates the environment.
    pub(crate) session: &'i Session,
    /// Where to.
    pub(crate) store: &'i LocalStore,
    /// Builds the packages.
    pub(crate) realiser: Realiser<'i>,
    /// Remember in the manifest how packages are built.
    pub(crate) keep_derivations: bool,
    /// Rebuild what is missing or changed.
    pub(crate) repair: bool,
}

impl Installer<'_> {
    fn ev(&self) -> &Evaluator {
        &self.session.ev
    }

    /// Makes derivations valid.
    pub(crate) fn build(&self, targets: &[Target]) -> Result<()> {
        self.session.store.flush()?;
        let mode = match self.repair {
            true => Mode::Repair,
            false => Mode::Normal,
        };
        let outcome = self.realiser.realise(targets, mode, None);
        outcome
            .map(drop)
            .map_err(|failure| failure.show(self.session.logger))
    }

    /// The targets that make a package valid.
    pub(crate) fn target(&self, package: &Package) -> Result<Target> {
        Ok(match package.drv_path(self.ev())? {
            Some(drv) => Target::Outputs {
                drv,
                outputs: Outputs::All,
            },
            None => Target::Path(package.out_path(self.ev())?),
        })
    }

    /// Says what has to be built for the packages.
    pub(crate) fn tell_missing(&self, packages: &[Package]) -> Result<()> {
        let targets: Vec<Target> = packages
            .iter()
            .map(|package| self.target(package))
            .collect::<Result<_>>()?;
        self.session.store.flush()?;
        let missing = self.realiser.missing(&targets);
        missing
            .and_then(|missing| self.realiser.show_missing(&missing))
            .map_err(|failure| failure.show(self.session.logger))
    }

    /// Makes a generation of the profile that holds the packages. `before` is what the profile was when they were
    /// chosen: if somebody has changed it since, nothing happens and the answer is `false`.
    pub(crate) fn install(
        &self,
        packages: &[Package],
        profile: &Profile,
        before: Option<PathBuf>,
    ) -> Result<bool> {
        let mut targets = vec![];
        for package in packages {
            if let Some(drv) = package.drv_path(self.ev())? {
                targets.push(Target::Outputs {
                    drv,
                    outputs: Outputs::All,
                });
            }
        }
        self.build(&targets)?;
        let environment = self.environment(packages)?;
        let _lock = profile.lock()?;
        if profile.target()? != before {
            self.session.logger.message(
                nivis_eval::host::Level::Info,
                &format!(
                    "profile \"{}\" changed while we were busy; restarting",
                    profile.path().display()
                ),
            );
            return Ok(false);
        }
        let generation = profile.create_generation(self.store, &environment)?;
        profile.switch_to(&generation)?;
        Ok(true)
    }

    /// Builds the environment of packages that are valid.
    fn environment(&self, packages: &[Package]) -> Result<StorePath> {
        let ev = self.ev();
        let mut references = BTreeSet::new();
        let mut elements = vec![];
        for package in packages {
            elements.push(self.manifest_entry(package, &mut references)?.slot());
        }
        let list = ev.heap.list(&elements);
        let mut text = vec![];
        ev.print_in_full(list, &mut text)?;
        let references: Vec<StorePath> = references.into_iter().collect();
        let manifest = ev.host.add_text("env-manifest.nix", &text, &references)?;
        let element = nivis_eval::context::ContextElement::Path(manifest.clone());
        let context = ev.contexts.singleton(element);
        let path = ev.host.store_dir().print(&manifest);
        let arguments = ev.attrs(&[
            (
                ev.intern(b"manifest"),
                ev.heap.string_in(path.as_bytes(), context).slot(),
            ),
            (ev.intern(b"packages"), list.slot()),
        ]);
        let function = ev.eval_text(ENVIRONMENT, Origin::String(Arc::from(ENVIRONMENT)), b"/")?;
        let environment = ev.call(function, &[arguments.slot()], Pos::NONE)?;
        let drv = self.path_attribute(environment, ev.names.drv_path)?;
        let out = self.path_attribute(environment, ev.names.out_path)?;
        self.build(&[Target::Outputs {
            drv,
            outputs: Outputs::All,
        }])?;
        Ok(out)
    }

    fn path_attribute(&self, set: Value, name: Symbol) -> Result<StorePath> {
        let slot = set.as_attrs().and_then(|set| set.get(name));
        let missing = || Error::new(Kind::Eval, "the user environment is no derivation");
        Ok(coerce_to_store_path(
            self.ev(),
            slot.ok_or_else(missing)?,
            Pos::NONE,
            "",
        )?)
    }

    /// A package as the manifest lists it. Its outputs are made valid, and added to `references`.
    fn manifest_entry(&self, package: &Package, references: &mut BTreeSet<StorePath>) -> Result<Value> {
        let ev = self.ev();
        let text = |bytes: &[u8]| ev.string(bytes).slot();
        let path = |path: &StorePath| text(ev.host.store_dir().print(path).as_bytes());
        let drv = match self.keep_derivations {
            true => package.drv_path(ev)?,
            false => None,
        };
        let outputs = package.outputs_to_install(ev)?;
        let meta_names = package.meta_names(ev)?;
        let mut entry: Vec<(Symbol, Slot)> = vec![
            (ev.names.type_, text(b"derivation")),
            (ev.names.name, text(&package.name(ev)?)),
        ];
        let system = package.system(ev)?;
        if !system.is_empty() {
            entry.push((ev.names.system, text(&system)));
        }
        entry.push((ev.names.out_path, path(&package.out_path(ev)?)));
        if let Some(drv) = &drv {
            entry.push((ev.names.drv_path, path(drv)));
        }
        let mut names = vec![];
        for (name, found) in &outputs {
            let Some(found) = found else { continue };
            names.push(text(name));
            entry.push((
                ev.intern(name),
                ev.attrs(&[(ev.names.out_path, path(found))]).slot(),
            ));
            // Those that were given as paths may not be there yet.
            self.store.add_temp_roots([found])?;
            ev.host.ensure_path(found)?;
            references.insert(found.clone());
        }
        entry.push((ev.names.outputs, ev.heap.list(&names).slot()));
        let mut meta = vec![];
        for name in meta_names {
            if let Some(value) = package.meta_of(ev, name)? {
                meta.push((name, value.slot()));
            }
        }
        entry.push((ev.names.meta, ev.attrs(&meta).slot()));
        references.extend(drv);
        Ok(ev.attrs(&entry))
    }
}
