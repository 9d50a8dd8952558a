//! After a build: look at what was made, bring it into the form of the store, move it into place, register it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nivis_store::canonicalise::Canonicaliser;
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::derivation::{DerivationKind, DerivationOutput};
use nivis_store::hash::{Hash, HashAlgorithm, Hasher};
use nivis_store::io_error::IoError;
use nivis_store::notify::Notify;
use nivis_store::path::{StorePath, output_path_name};
use nivis_store::path_info::PathInfo;
use nivis_store::references::{ReferenceScanner, SelfReferenceHasher};
use nivis_store::{LocalStore, PathLocks, Registration, delete_path, nar};

use crate::build::Mode;
use crate::checks;
use crate::failure::{BuildFailure, FailureKind, Remark};
use crate::place::{TempDir, exchange, move_path, suffixed};
use crate::prepare::{Prepared, Status};
use crate::rewrite::{Both, Rewrites};
use crate::settings::BuildSettings;

/// Check what was made and register it; gives the paths of all outputs, also of those that were valid before.
pub(crate) fn register(
    store: &LocalStore,
    settings: &BuildSettings,
    prepared: &Prepared,
) -> Result<BTreeMap<String, StorePath>, BuildFailure> {
    let owners = prepared.user.as_ref().map(|user| {
        let first = user.uid.as_raw();
        first..=first.saturating_add(user.count - 1)
    });
    let mut registrar = Registrar {
        store,
        settings,
        prepared,
        first: Canonicaliser::new(owners).ignoring(settings.ignored_acls.iter().cloned()),
        second: Canonicaliser::new(None).ignoring(settings.ignored_acls.iter().cloned()),
        rewrites: Rewrites::default(),
        infos: BTreeMap::new(),
        finals: BTreeMap::new(),
    };
    let mut made = BTreeMap::new();
    for name in prepared.outputs.keys() {
        made.insert(name.clone(), registrar.inspect(name)?);
    }
    for name in registrar.sort(&made)? {
        match made.remove(&name).flatten() {
            Some(output) => registrar.take(&name, output)?,
            None => {
                if let Some(path) = &prepared.outputs[&name].known {
                    registrar.finished(&name, path.clone());
                }
            }
        }
    }
    registrar.complete()
}

/// An output as the builder made it.
struct Made {
    /// Where it is.
    place: PathBuf,
    /// As it was before anything was done to it.
    metadata: Metadata,
    /// As the builder wrote them.
    references: BTreeSet<StorePath>,
    /// Of its archive, as the builder wrote it.
    nar: (Hash, u64),
}

struct Registrar<'a> {
    store: &'a LocalStore,
    settings: &'a BuildSettings,
    prepared: &'a Prepared,
    /// For what builders leave, whose owner matters.
    first: Canonicaliser,
    /// For what we made of it.
    second: Canonicaliser,
    /// Hash parts of scratch paths, and of what they became.
    rewrites: Rewrites,
    infos: BTreeMap<String, PathInfo>,
    finals: BTreeMap<String, StorePath>,
}

impl Registrar<'_> {
    fn drv(&self) -> String {
        self.store.store_dir().print(&self.prepared.job.drv_path)
    }

    fn mode(&self) -> Mode {
        self.prepared.job.mode
    }

    /// The output's files, checked, in the form of the store, and looked through. `None` if it was valid before.
    fn inspect(&mut self, name: &str) -> Result<Option<Made>, BuildFailure> {
        let output = &self.prepared.outputs[name];
        if self.mode() != Mode::Check && output.status == Status::Valid {
            return Ok(None);
        }
        let place = self.prepared.written(self.store, &output.scratch);
        let shown = place.display();
        let Ok(metadata) = place.symlink_metadata() else {
            return Err(rejected(format!(
                "builder for '{}' failed to produce output path for output '{name}' at \"{shown}\"",
                self.drv()
            )));
        };
        let user = self.prepared.user.as_ref();
        if (!metadata.is_symlink() && metadata.mode() & 0o022 != 0)
            || user.is_some_and(|user| user.uid.as_raw() != metadata.uid())
        {
            return Err(rejected(format!(
                "suspicious ownership or permission on \"{shown}\" for output '{name}'; rejecting this build output"
            )));
        }
        // Before anything is read, or a hard link to a file of somebody else would be.
        self.first
            .run(&place)
            .map_err(|error| rejected(error.to_string()))?;
        let discards = self
            .prepared
            .options
            .discard_references
            .get(name)
            .is_some_and(|discards| *discards);
        let (references, nar) = self.scan(&place, discards)?;
        Ok(Some(Made {
            place,
            metadata,
            references,
            nar,
        }))
    }

    /// What a tree refers to, and the hash and size of its archive.
    fn scan(&self, place: &Path, discards: bool) -> Result<(BTreeSet<StorePath>, (Hash, u64)), BuildFailure> {
        let mut hasher = Hasher::sha256();
        if discards {
            dump(place, &mut hasher)?;
            let size = hasher.count();
            return Ok((BTreeSet::new(), (hasher.finish(), size)));
        }
        let outputs = self.prepared.outputs.values().map(|output| &output.scratch);
        let wanted = self.prepared.closure.iter().chain(outputs).cloned();
        let mut scanner = ReferenceScanner::new(wanted);
        dump(place, Both(&mut hasher, &mut scanner))?;
        let size = hasher.count();
        Ok((scanner.finish(), (hasher.finish(), size)))
    }

    /// The outputs, each after those it refers to.
    fn sort(&self, made: &BTreeMap<String, Option<Made>>) -> Result<Vec<String>, BuildFailure> {
        let by_path: BTreeMap<&StorePath, &String> = self
            .prepared
            .outputs
            .iter()
            .map(|(name, output)| (&output.scratch, name))
            .collect();
        let needs = |name: &String| -> Vec<&String> {
            let references = made[name].iter().flat_map(|made| &made.references);
            let needs = references.filter_map(|path| by_path.get(path).copied());
            needs.filter(|need| *need != name).collect()
        };
        sort_outputs(made.keys().collect(), needs).map_err(|(path, parent)| {
            rejected(format!(
                "cycle detected in build of '{}' in the references of output '{path}' from output '{parent}'",
                self.drv()
            ))
        })
    }

    fn finished(&mut self, name: &str, path: StorePath) {
        let scratch = &self.prepared.outputs[name].scratch;
        self.rewrites.insert(scratch.hash_part(), path.hash_part());
        self.finals.insert(name.to_owned(), path);
    }

    /// Give an output its contents and name, and move it there.
    fn take(&mut self, name: &str, mut made: Made) -> Result<(), BuildFailure> {
        // Holds what was copied until it is moved.
        let mut copy = None;
        let info = match &self.prepared.job.drv.outputs[name] {
            DerivationOutput::Fixed(address) => {
                copy = Some(self.copy(&mut made)?);
                self.address(name, &mut made, address.method, address.hash.algorithm())?
            }
            DerivationOutput::Impure { method, algorithm } => {
                copy = Some(self.copy(&mut made)?);
                self.address(name, &mut made, *method, *algorithm)?
            }
            DerivationOutput::Floating { method, algorithm } => {
                self.address(name, &mut made, *method, *algorithm)?
            }
            DerivationOutput::InputAddressed(path) => self.input_addressed(name, &mut made, path.clone())?,
            DerivationOutput::Deferred => {
                return Err(rejected(format!("the path of output '{name}' is not known")));
            }
        };
        self.second
            .run(&made.place)
            .map_err(|error| rejected(error.to_string()))?;
        let _lock = self.lock_unexpected(name, &info)?;
        let destination = self.store.real_path(&info.path);
        let mut info = info;
        if self.mode() == Mode::Check {
            let compared = self.compare(&made.place, &destination, &info);
            self.remove_scratch(name, &info.path)?;
            compared?;
            let known = self.known(name)?;
            self.finals
                .insert(name.to_owned(), known.unwrap_or(info.path.clone()));
        } else {
            if made.place != destination {
                self.move_into_place(&made.place, &destination, &info)?;
            }
            info.deriver = Some(self.prepared.job.drv_path.clone());
            info.ultimate = true;
            self.finished(name, info.path.clone());
            // Also if it is not what was promised: who corrects the promise need not fetch it again.
            if info.content_address.is_some() {
                self.sync()?;
                self.store.register_valid_paths(&[self.registration(&info)?])?;
            }
        }
        drop(copy);
        self.remove_scratch(name, &info.path)?;
        self.infos.insert(name.to_owned(), info);
        Ok(())
    }

    /// What the builder wrote is not needed any more, unless it is what became the output. A sandbox goes as a whole.
    fn remove_scratch(&self, name: &str, path: &StorePath) -> Result<(), BuildFailure> {
        let scratch = &self.prepared.outputs[name].scratch;
        if self.prepared.chroot.is_none() && scratch != path {
            delete_path(&self.store.real_path(scratch))?;
        }
        Ok(())
    }

    /// An output of a known path.
    fn input_addressed(
        &mut self,
        name: &str,
        made: &mut Made,
        path: StorePath,
    ) -> Result<PathInfo, BuildFailure> {
        let scratch = &self.prepared.outputs[name].scratch;
        self.rewrites.insert(scratch.hash_part(), path.hash_part());
        let (hash, size) = match self.rewrite(made, &self.rewrites.clone())? {
            true => hash_path(&made.place)?,
            false => made.nar,
        };
        let (refers_to_itself, mut references) = self.rewrite_references(name, made)?;
        if refers_to_itself {
            references.insert(path.clone());
        }
        let mut info = PathInfo::new(path, hash, size);
        info.references = references;
        Ok(info)
    }

    /// An output whose path comes from its contents.
    fn address(
        &mut self,
        name: &str,
        made: &mut Made,
        method: ContentAddressMethod,
        algorithm: HashAlgorithm,
    ) -> Result<PathInfo, BuildFailure> {
        let is_flat = matches!(method, ContentAddressMethod::Flat | ContentAddressMethod::Text);
        if is_flat && (!made.metadata.is_file() || made.metadata.mode() & 0o100 != 0) {
            return Err(rejected(format!(
                "output path \"{}\" should be a non-executable regular file since recursive hashing is not enabled \
                 (one of outputHashMode={{flat,text}} is true)",
                made.place.display()
            )));
        }
        let mut is_changed = self.rewrite(made, &self.rewrites.clone())?;
        let scratch = self.prepared.outputs[name].scratch.clone();
        let mut hasher = SelfReferenceHasher::new(algorithm, &scratch);
        match method {
            ContentAddressMethod::Flat | ContentAddressMethod::Text => {
                let copied = File::open(&made.place).and_then(|mut file| io::copy(&mut file, &mut hasher));
                copied.map_err(|error| IoError::at("reading file", &made.place, error))?;
            }
            ContentAddressMethod::NixArchive => dump(&made.place, &mut hasher)?,
            ContentAddressMethod::Git => return Err(BuildFailure::other(nar::NarError::GitHashing)),
        }
        let address = ContentAddress {
            method,
            hash: hasher.finish().0,
        };
        let (refers_to_itself, mut references) = self.rewrite_references(name, made)?;
        let path = self.store.store_dir().make_fixed_output_path(
            &address,
            &output_path_name(&self.prepared.job.drv.name, name),
            &references,
            refers_to_itself,
        )?;
        if refers_to_itself {
            references.insert(path.clone());
        }
        let mut rewrites = Rewrites::default();
        rewrites.insert(scratch.hash_part(), path.hash_part());
        is_changed |= refers_to_itself && self.rewrite(made, &rewrites)?;
        let (hash, size) = if is_changed {
            hash_path(&made.place)?
        } else {
            made.nar
        };
        let mut info = PathInfo::new(path, hash, size);
        info.references = references;
        info.content_address = Some(address);
        Ok(info)
    }

    /// Copy an output, so that no descriptor that the builder passed on leads to what is registered.
    fn copy(&self, made: &mut Made) -> Result<TempDir, BuildFailure> {
        let folder = TempDir::create(&self.store.config().real_store_dir)?;
        let place = folder.object();
        Rewrites::default()
            .copy_tree(&made.place, &place)
            .map_err(BuildFailure::other)?;
        made.place = place;
        Ok(folder)
    }

    /// Rewrite the output's files, if there is anything to rewrite; whether there was.
    fn rewrite(&mut self, made: &mut Made, rewrites: &Rewrites) -> Result<bool, BuildFailure> {
        if rewrites.is_empty() {
            return Ok(false);
        }
        let temporary = suffixed(&made.place, ".tmp");
        delete_path(&temporary)?;
        rewrites
            .copy_tree(&made.place, &temporary)
            .map_err(BuildFailure::other)?;
        delete_path(&made.place)?;
        move_path(&temporary, &made.place)?;
        self.second
            .run(&made.place)
            .map_err(|error| rejected(error.to_string()))?;
        Ok(true)
    }

    /// What an output refers to once all is rewritten: whether to itself, and to what else.
    fn rewrite_references(
        &self,
        name: &str,
        made: &Made,
    ) -> Result<(bool, BTreeSet<StorePath>), BuildFailure> {
        let scratch = &self.prepared.outputs[name].scratch;
        let mut others = BTreeSet::new();
        for path in made.references.iter().filter(|path| *path != scratch) {
            others.insert(match self.rewrites.get(path.hash_part().as_bytes()) {
                Some(hash) => {
                    let base = [hash, b"-", path.name().as_bytes()].concat();
                    StorePath::from_base_name(base)?
                }
                None => path.clone(),
            });
        }
        Ok((made.references.contains(scratch), others))
    }

    /// Lock a path that nobody knew of before; the caller of the build has locked the others.
    fn lock_unexpected(&self, name: &str, info: &PathInfo) -> Result<Option<PathLocks>, BuildFailure> {
        if self.prepared.outputs[name].known.as_ref() == Some(&info.path) {
            return Ok(None);
        }
        let paths = [self.store.real_path(&info.path)].into();
        Ok(Some(PathLocks::lock(&paths, &Notify::silent())?))
    }

    fn move_into_place(&self, place: &Path, destination: &Path, info: &PathInfo) -> Result<(), BuildFailure> {
        if self.mode() == Mode::Repair && destination.symlink_metadata().is_ok() {
            return exchange(place, destination);
        }
        if self.store.is_valid_path(&info.path)? && self.mode() != Mode::Repair {
            // Something else made the same contents.
            return Ok(delete_path(place)?);
        }
        delete_path(destination)?;
        Ok(move_path(place, destination)?)
    }

    /// The path that an output had before the build.
    fn known(&self, name: &str) -> Result<Option<StorePath>, BuildFailure> {
        match &self.prepared.outputs[name].known {
            Some(path) => Ok(Some(path.clone())),
            None => Ok(self.store.query_output_path(&self.prepared.job.drv, name)?),
        }
    }

    /// In a check: whether the output is what it was.
    fn compare(&self, place: &Path, destination: &Path, info: &PathInfo) -> Result<(), BuildFailure> {
        if !self.store.is_valid_path(&info.path)? {
            return Ok(());
        }
        let mut registered = self.store.query_path_info(&info.path)?;
        if registered.nar_hash == info.nar_hash {
            if !registered.ultimate {
                registered.ultimate = true;
                self.store
                    .register_valid_paths(&[self.registration(&registered)?])?;
            }
            return Ok(());
        }
        let hook = self
            .settings
            .diff_hook
            .as_ref()
            .filter(|_| self.settings.run_diff_hook);
        let mut message = format!(
            "derivation '{}' may not be deterministic: output \"{}\" differs",
            self.drv(),
            destination.display()
        );
        let mut remarks = Vec::new();
        if hook.is_some() || self.settings.keep_failed {
            let kept = suffixed(destination, ".check");
            delete_path(&kept)?;
            move_path(place, &kept)?;
            message += &format!(" from \"{}\"", kept.display());
            if let Some(hook) = hook {
                remarks.extend(self.run_diff_hook(hook, destination, &kept));
            }
        }
        Err(BuildFailure {
            remarks,
            ..BuildFailure::new(FailureKind::NotDeterministic, message)
        })
    }

    /// Let the user's program show how two trees differ.
    fn run_diff_hook(&self, hook: &Path, ours: &Path, theirs: &Path) -> Option<Remark> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(hook);
        command
            .arg(ours)
            .arg(theirs)
            .arg(self.drv())
            .arg(&self.prepared.folder.path)
            .current_dir("/")
            .stderr(Stdio::inherit());
        if let Some(user) = &self.prepared.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        match command.output() {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout);
                let text = text.trim_end();
                (!text.is_empty()).then(|| Remark::Text(text.to_owned()))
            }
            Ok(output) => Some(Remark::Error(format!(
                "diff hook execution failed: diff-hook program \"{}\" {}",
                hook.display(),
                crate::failure::describe_status(output.status)
            ))),
            Err(error) => Some(Remark::Error(format!(
                "diff hook execution failed: executing \"{}\": {}",
                hook.display(),
                nivis_store::io_error::message(&error)
            ))),
        }
    }

    /// The checks that need all outputs; then registration, all at once.
    fn complete(self) -> Result<BTreeMap<String, StorePath>, BuildFailure> {
        checks::check(self.store, self.prepared, &self.infos)?;
        if self.mode() == Mode::Check {
            return Ok(self.finals);
        }
        for info in self.infos.values() {
            self.store.optimise_new(&info.path)?;
        }
        self.sync()?;
        let registrations = self
            .infos
            .values()
            .map(|info| self.registration(info))
            .collect::<Result<Vec<_>, BuildFailure>>()?;
        self.store.register_valid_paths(&registrations)?;
        let is_impure = self.prepared.kind == DerivationKind::Impure;
        if self.settings.experimental_features.contains("ca-derivations") && !is_impure {
            self.store
                .register_realisations(&self.prepared.job.drv, &self.finals)?;
        }
        Ok(self.finals)
    }

    /// What the database is to know of a path. What is called a derivation must be one.
    fn registration(&self, info: &PathInfo) -> Result<Registration, BuildFailure> {
        let mut outputs = Vec::new();
        if info.path.is_derivation() {
            let text = self.store.read_derivation_text(&info.path)?;
            outputs = self.store.check_derivation(&info.path, &text)?;
        }
        Ok(Registration {
            info: info.clone(),
            outputs,
        })
    }

    fn sync(&self) -> Result<(), BuildFailure> {
        if !self.settings.fsync_store_paths && !self.store.config().sync_before_registering {
            return Ok(());
        }
        let folder = &self.store.config().real_store_dir;
        let at = |error| IoError::at("syncing", folder, error);
        let file = File::open(folder).map_err(at)?;
        Ok(nix::unistd::syncfs(file).map_err(|errno| at(errno.into()))?)
    }
}

fn rejected(message: String) -> BuildFailure {
    BuildFailure::new(FailureKind::OutputRejected, message)
}

fn dump(place: &Path, out: impl Write) -> Result<(), BuildFailure> {
    nar::dump_path(place, out, nar::accept_all).map_err(BuildFailure::other)
}

fn hash_path(place: &Path) -> Result<(Hash, u64), BuildFailure> {
    nar::hash_path(place, nar::accept_all).map_err(BuildFailure::other)
}

/// Names, each after those it needs; or two that are part of a circle: the one needed, the one that needs it.
fn sort_outputs<'a>(
    names: Vec<&'a String>,
    needs: impl Fn(&String) -> Vec<&'a String>,
) -> Result<Vec<String>, (String, String)> {
    let mut sorted = Vec::new();
    let mut visited = BTreeSet::new();
    for start in names {
        if !visited.insert(start) {
            continue;
        }
        let mut stack = vec![(start, needs(start).into_iter())];
        while let Some((name, open)) = stack.last_mut() {
            let name = *name;
            match open.next() {
                Some(need) if stack.iter().any(|(above, _)| *above == need) => {
                    return Err((need.clone(), name.clone()));
                }
                Some(need) => {
                    if visited.insert(need) {
                        stack.push((need, needs(need).into_iter()));
                    }
                }
                None => {
                    sorted.push(name.clone());
                    stack.pop();
                }
            }
        }
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_come_after_what_they_need() {
        let names = ["a", "b", "c"].map(String::from);
        let sort = |needs: [&[usize]; 3]| {
            sort_outputs(names.iter().collect(), |name| {
                let index = names.iter().position(|other| other == name).unwrap();
                needs[index].iter().map(|index| &names[*index]).collect()
            })
        };
        assert_eq!(sort([&[2], &[], &[1]]).unwrap(), ["b", "c", "a"]);
        assert_eq!(sort([&[1], &[2], &[0]]), Err(("a".into(), "c".into())));
    }
}
