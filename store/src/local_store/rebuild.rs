//! Making a lost or malformed database anew, from what is left of it and from the store itself.
//!
//! What the objects are is known from their contents: hashes, references, which derivation has which outputs, and
//! often that a name is the hash of the contents. What cannot be known is who signed what, and whether an object
//! that looks complete ever was valid. An object whose metadata is not that of the store was not completed, or was
//! being deleted; it is left out unless something refers to it.
//!
//! The new database is made beside the old one and takes its place at the end, in one step. The old one is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::LocalStore;
use crate::canonicalise::STORE_MTIME;
use crate::config::StoreConfig;
use crate::content_address::{ContentAddress, ContentAddressMethod};
use crate::db::{Db, Registration, Salvage};
use crate::derivation::{Derivation, DerivationOutput, aterm};
use crate::error::StoreError;
use crate::files::{create_dirs, delete_path};
use crate::hash::{Hash, HashAlgorithm, Hasher};
use crate::io_error::IoError;
use crate::locks::{LockKind, lock, open_lock_file};
use crate::nar::dump_path;
use crate::notify::Level;
use crate::parallel;
use crate::path::StorePath;
use crate::path_info::PathInfo;
use crate::references::{KnownPaths, KnownScanner};
use crate::topo_sort::topo_sort;

/// What [`LocalStore::rebuild_database`] did.
#[derive(Clone, Debug, Default)]
pub struct Rebuilt {
    /// How many paths the old database still told of.
    pub kept: usize,
    /// Paths that only the store's folder told of.
    pub found: Vec<StorePath>,
    /// Objects that do not look complete.
    pub left_out: Vec<StorePath>,
    /// Paths that the old database told of, but which are gone.
    pub gone: Vec<StorePath>,
}

/// What an object is by its contents.
struct Object {
    path: StorePath,
    hash: Hash,
    size: u64,
    references: BTreeSet<StorePath>,
    /// The sha256 of the contents, if it is a file that cannot be run.
    flat: Option<Hash>,
    derivation: Option<Box<Derivation>>,
    complete: bool,
}

impl LocalStore {
    /// Make the database anew. Nobody else may have the store open, and this store must not have been used.
    pub fn rebuild_database(&self) -> Result<Rebuilt, StoreError> {
        let config = &self.config;
        if config.read_only {
            return Err(StoreError::ReadOnly("the database".to_owned()));
        }
        let folder = config.state_dir.join("db");
        create_dirs(&folder)?;
        // Whoever has the database open shares the first lock; the second keeps collectors away, for whom nothing
        // is valid meanwhile.
        let mut locks = Vec::new();
        for (path, message) in [
            (folder.join("big-lock"), "waiting for the big Nix store lock..."),
            (
                config.state_dir.join("gc.lock"),
                "waiting for the big garbage collector lock...",
            ),
        ] {
            let file = open_lock_file(&path)?;
            lock(&file, &path, LockKind::Exclusive, &self.notify, message)?;
            locks.push(file);
        }
        self.notify.say("reading what is left of the database...");
        let salvage = Db::salvage(config);
        self.notify.say("reading the Nix store...");
        let paths = self.objects_in_folder()?;
        let mut rebuilt = Rebuilt {
            kept: salvage.infos.len(),
            gone: salvage
                .infos
                .keys()
                .filter(|path| !paths.contains(*path))
                .cloned()
                .collect(),
            ..Rebuilt::default()
        };
        rebuilt.kept -= rebuilt.gone.len();
        let objects = self.look_at(&paths, &salvage)?;
        let registrations = self.registrations(objects, &salvage, &mut rebuilt)?;
        self.replace_database(&folder, &registrations)?;
        Ok(rebuilt)
    }

    fn objects_in_folder(&self) -> Result<BTreeSet<StorePath>, StoreError> {
        let folder = &self.config.real_store_dir;
        let at = |error| IoError::at("reading directory", folder, error);
        let mut paths = BTreeSet::new();
        for entry in fs::read_dir(folder).map_err(at)? {
            let name = entry.map_err(at)?.file_name();
            // Other names are not those of objects: locks, temporary folders, .links.
            if let Ok(path) = StorePath::from_base_name(name.as_bytes()) {
                paths.insert(path);
            }
        }
        Ok(paths)
    }

    fn look_at(&self, paths: &BTreeSet<StorePath>, salvage: &Salvage) -> Result<Vec<Object>, StoreError> {
        self.notify.say("hashing the objects of the store...");
        let known = KnownPaths::new(paths.iter().cloned());
        let items: Vec<&StorePath> = paths.iter().collect();
        let mut objects = Vec::with_capacity(items.len());
        parallel::for_each(
            &items,
            |path| match salvage.infos.get(*path).filter(|_| salvage.whole) {
                Some(info) => self.known_object(info),
                None => self.object(path, &known),
            },
            |path, object| -> Result<(), StoreError> {
                self.notify.check_interrupt()?;
                match object {
                    Ok(object) => objects.push(object),
                    Err(StoreError::Interrupted) => return Err(StoreError::Interrupted),
                    Err(error) => {
                        let path = self.store_dir().print(path);
                        self.notify
                            .tell(Level::Warning, &format!("leaving out '{path}': {error}"));
                    }
                }
                Ok(())
            },
        )?;
        Ok(objects)
    }

    /// An object that the old database, of which nothing is lost, tells of.
    fn known_object(&self, info: &PathInfo) -> Result<Object, StoreError> {
        Ok(Object {
            path: info.path.clone(),
            hash: info.nar_hash,
            size: info.nar_size,
            references: info.references.clone(),
            flat: None,
            derivation: self.derivation_in(&info.path).map(Box::new),
            complete: true,
        })
    }

    fn derivation_in(&self, path: &StorePath) -> Option<Derivation> {
        let name = path.drv_name().ok()?;
        let text = fs::read(self.real_path(path)).ok()?;
        aterm::parse(self.store_dir(), &text, name).ok()
    }

    fn object(&self, path: &StorePath, known: &KnownPaths) -> Result<Object, StoreError> {
        let place = self.real_path(path);
        let metadata = place
            .symlink_metadata()
            .map_err(|error| IoError::at("getting status of", &place, error))?;
        let mut complete = is_canonical(&place);
        let mut looking = Looking {
            hasher: Hasher::sha256(),
            scanner: KnownScanner::new(known),
        };
        dump_path::<_, _, StoreError>(&place, &mut looking, |path, _| {
            self.notify.check_interrupt()?;
            complete &= is_canonical(path);
            Ok(true)
        })?;
        let size = looking.hasher.count();
        let mut references = looking.scanner.finish();
        let derivation = self.derivation_in(path);
        match &derivation {
            Some(derivation) => references = derivation.references(),
            // A name that says derivation with other contents is something that was not completed.
            None => complete &= !path.is_derivation(),
        }
        let flat = match metadata.is_file() && metadata.mode() & 0o111 == 0 {
            true => Some(hash_file(&place)?),
            false => None,
        };
        if let (Some(_), Some(flat)) = (&derivation, &flat) {
            let named = self.store_dir().make_text_path(path.name(), flat, &references)?;
            complete &= named == *path;
        }
        Ok(Object {
            path: path.clone(),
            hash: looking.hasher.finish(),
            size,
            references,
            flat,
            derivation: derivation.map(Box::new),
            complete,
        })
    }

    fn registrations(
        &self,
        objects: Vec<Object>,
        salvage: &Salvage,
        rebuilt: &mut Rebuilt,
    ) -> Result<Vec<Registration>, StoreError> {
        let derivers = self.derivers(&objects);
        let (kept, left_out): (Vec<Object>, Vec<Object>) = {
            let needed: BTreeSet<StorePath> = objects
                .iter()
                .filter(|object| object.complete || salvage.infos.contains_key(&object.path))
                .flat_map(|object| object.references.iter().cloned())
                .collect();
            objects.into_iter().partition(|object| {
                let path = &object.path;
                object.complete || needed.contains(path) || salvage.infos.contains_key(path)
            })
        };
        for object in left_out {
            let path = self.store_dir().print(&object.path);
            self.notify.tell(
                Level::Warning,
                &format!("leaving out '{path}', which does not look complete"),
            );
            rebuilt.left_out.push(object.path);
        }
        let existing: BTreeSet<StorePath> = kept.iter().map(|object| object.path.clone()).collect();
        let mut registrations = Vec::with_capacity(kept.len());
        for object in kept {
            if !salvage.infos.contains_key(&object.path) {
                rebuilt.found.push(object.path.clone());
            }
            let outputs = self.outputs(&object);
            let mut info = self.info(&object, salvage, &derivers);
            info.references.retain(|reference| existing.contains(reference));
            registrations.push(Registration { info, outputs });
        }
        self.break_cycles(&mut registrations);
        Ok(registrations)
    }

    fn outputs(&self, object: &Object) -> Vec<(String, StorePath)> {
        let Some(derivation) = &object.derivation else {
            return Vec::new();
        };
        let path = |name: &String| derivation.output_path(self.store_dir(), name).ok().flatten();
        let names = derivation.outputs.keys();
        names
            .filter_map(|name| Some((name.clone(), path(name)?)))
            .collect()
    }

    /// The derivations that have each path for an output, with the promise of a fixed one.
    fn derivers(&self, objects: &[Object]) -> BTreeMap<StorePath, Vec<(StorePath, Option<ContentAddress>)>> {
        let mut derivers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for object in objects {
            for (name, output) in self.outputs(object) {
                let derivation = object.derivation.as_ref();
                let address = match derivation.and_then(|derivation| derivation.outputs.get(&name)) {
                    Some(DerivationOutput::Fixed(address)) => Some(*address),
                    _ => None,
                };
                derivers
                    .entry(output)
                    .or_default()
                    .push((object.path.clone(), address));
            }
        }
        derivers
    }

    fn info(
        &self,
        object: &Object,
        salvage: &Salvage,
        derivers: &BTreeMap<StorePath, Vec<(StorePath, Option<ContentAddress>)>>,
    ) -> PathInfo {
        if let Some(old) = salvage.infos.get(&object.path) {
            // The hash stays what it was, so that a change of the contents shows. References may have been lost.
            let mut info = old.clone();
            info.references = salvage.references(&object.path);
            info.references.extend(object.references.iter().cloned());
            return info;
        }
        let mut info = PathInfo::new(object.path.clone(), object.hash, object.size);
        info.references = object.references.clone();
        let made_by = derivers.get(&object.path).map(Vec::as_slice).unwrap_or_default();
        if let [(deriver, _)] = made_by {
            info.deriver = Some(deriver.clone());
        }
        info.content_address = self.address(object, made_by.iter().filter_map(|(_, address)| *address));
        info
    }

    /// What the name of an object promises of its contents, as far as that can be found out.
    fn address(
        &self,
        object: &Object,
        promised: impl Iterator<Item = ContentAddress>,
    ) -> Option<ContentAddress> {
        let with = |method, hash| ContentAddress { method, hash };
        let mut candidates: Vec<ContentAddress> = promised.collect();
        candidates.push(with(ContentAddressMethod::NixArchive, object.hash));
        if let Some(flat) = object.flat {
            candidates.push(with(ContentAddressMethod::Text, flat));
            candidates.push(with(ContentAddressMethod::Flat, flat));
        }
        let is_right = |address: &ContentAddress| {
            let path = self.store_dir().make_fixed_output_path(
                address,
                object.path.name(),
                &object.references,
                false,
            );
            path.is_ok_and(|path| path == object.path)
        };
        candidates.into_iter().find(is_right)
    }

    /// Drop references that close a circle: contents named a path by chance.
    fn break_cycles(&self, registrations: &mut [Registration]) {
        loop {
            let references = registrations
                .iter()
                .map(|item| (item.info.path.clone(), item.info.references.clone()))
                .collect();
            let Err(cycle) = topo_sort(&references) else {
                return;
            };
            let print = |path| self.store_dir().print(path);
            let (parent, path) = (print(&cycle.parent), print(&cycle.path));
            let message =
                format!("ignoring the reference from '{parent}' to '{path}', which closes a circle");
            self.notify.tell(Level::Warning, &message);
            for item in registrations.iter_mut() {
                if item.info.path == cycle.parent {
                    item.info.references.remove(&cycle.path);
                }
            }
        }
    }

    /// Make a database with those paths, and put it in the place of the one that is there.
    fn replace_database(&self, folder: &Path, registrations: &[Registration]) -> Result<(), StoreError> {
        self.notify.say("writing the database...");
        let beside = folder.join("rebuilt");
        delete_path(&beside)?;
        create_dirs(&beside.join("db"))?;
        let config = StoreConfig {
            state_dir: beside.clone(),
            ..self.config.clone()
        };
        let db = Db::open(&config, self.notify.clone())?;
        db.register(registrations)?;
        db.close()?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let kept = folder.join(format!("db.sqlite.{now}"));
        // What was not yet in the file itself belongs to it by name.
        for suffix in ["-wal", "-shm", ""] {
            let with = |base: &Path| {
                let mut name = base.as_os_str().to_owned();
                name.push(suffix);
                std::path::PathBuf::from(name)
            };
            let (from, to) = (with(&folder.join("db.sqlite")), with(&kept));
            match fs::rename(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(IoError::at("renaming to", &to, error).into());
                }
                _ => {}
            }
        }
        for name in ["db.sqlite", "schema"] {
            let to = folder.join(name);
            fs::rename(beside.join("db").join(name), &to)
                .map_err(|error| IoError::at("renaming to", &to, error))?;
        }
        delete_path(&beside)?;
        if kept.exists() {
            self.notify
                .say(&format!("the old database is kept as \"{}\"", kept.display()));
        }
        Ok(())
    }
}

/// Whether a file has the metadata of the store.
fn is_canonical(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| {
        let mode = metadata.permissions().mode() & 0o7777;
        metadata.mtime() == STORE_MTIME
            && (metadata.is_symlink() || mode == 0o555 || (mode == 0o444 && !metadata.is_dir()))
    })
}

fn hash_file(path: &Path) -> Result<Hash, IoError> {
    let mut hasher = Hasher::new(HashAlgorithm::Sha256);
    fs::File::open(path)
        .and_then(|mut file| io::copy(&mut file, &mut hasher))
        .map_err(|error| IoError::at("reading file", path, error))?;
    Ok(hasher.finish())
}

/// Hashes an archive and looks for references in it.
struct Looking<'k> {
    hasher: Hasher,
    scanner: KnownScanner<'k>,
}

impl Write for Looking<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.hasher.update(data);
        self.scanner.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
