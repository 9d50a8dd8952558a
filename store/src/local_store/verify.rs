//! Whether the store is what the database says: what is valid exists and has the contents it had.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustc_hash::FxHashSet;

use super::LocalStore;
use crate::error::StoreError;
use crate::hash::{Hash, HashAlgorithm, HashFormat};
use crate::io_error::IoError;
use crate::locks::{LockKind, lock, open_lock_file};
use crate::nar::{NarError, hash_path};
use crate::notify::Level;
use crate::parallel;
use crate::path::StorePath;

/// Makes the contents of a path what they were.
pub type Repair<'r> = dyn FnMut(&StorePath) -> Result<(), StoreError> + 'r;

/// What contents should be and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modified<T> {
    /// What was looked at.
    pub path: T,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// What [`LocalStore::verify`] found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// How many paths are valid.
    pub valid: usize,
    /// Paths that were gone, and are not valid any more.
    pub disappeared: Vec<StorePath>,
    /// Paths that are gone, but which others refer to.
    pub missing: Vec<StorePath>,
    /// Paths with other contents than they had.
    pub modified: Vec<Modified<StorePath>>,
    /// Paths that cannot be read, or rows that make no sense, and why.
    pub unreadable: Vec<(String, String)>,
    /// Entries of `.links` with other contents than their names say.
    pub links: Vec<Modified<String>>,
    /// Paths of which hash or size were not known.
    pub completed: Vec<StorePath>,
    /// Paths that are as they were again.
    pub repaired: Vec<StorePath>,
    /// Whether something is wrong that was not put right.
    pub errors: bool,
}

/// A path that is to be looked at.
struct Candidate {
    path: StorePath,
    hash: Hash,
    nar_size: u64,
}

impl LocalStore {
    /// Compare the contents of a path to its hash; tells of a difference.
    pub fn verify_path(&self, path: &StorePath) -> Result<bool, StoreError> {
        let printed = self.store_dir().print(path);
        self.notify
            .tell(Level::Talkative, &format!("checking path '{printed}'..."));
        let info = self.query_path_info(path)?;
        self.flush()?;
        let (found, _) = self.hash_contents(&self.real_path(path))?;
        if found == info.nar_hash {
            return Ok(true);
        }
        self.tell_modified("path", &format!("'{printed}'"), &info.nar_hash, &found);
        Ok(false)
    }

    fn hash_contents(&self, place: &Path) -> Result<(Hash, u64), StoreError> {
        hash_path(place, |_, _| {
            self.notify.check_interrupt()?;
            Ok(true)
        })
    }

    fn tell_modified(&self, what: &str, name: &str, expected: &Hash, found: &Hash) {
        let nix32 = |hash: &Hash| hash.to_prefixed(HashFormat::Nix32);
        let (expected, found) = (nix32(expected), nix32(found));
        let message = format!("{what} {name} was modified! expected hash '{expected}', got '{found}'");
        self.notify.tell(Level::Error, &message);
    }

    /// Check that all valid paths exist, and with `contents` that they are what they were.
    ///
    /// What is gone and not referred to is made invalid. With `repair`, what is wrong is put right by it. It tells
    /// of what it finds as it goes.
    pub fn verify(
        &self,
        contents: bool,
        mut repair: Option<&mut Repair<'_>>,
    ) -> Result<Findings, StoreError> {
        self.flush()?;
        self.open()?;
        let mut findings = Findings::default();
        let candidates = self.verify_existence(&mut findings, &mut repair)?;
        findings.valid = candidates.len();
        if contents {
            self.verify_links(&mut findings, repair.is_some())?;
            self.verify_contents(&candidates, &mut findings, &mut repair)?;
        }
        Ok(findings)
    }

    /// Gives the paths that exist.
    fn verify_existence(
        &self,
        findings: &mut Findings,
        repair: &mut Option<&mut Repair<'_>>,
    ) -> Result<Vec<Candidate>, StoreError> {
        self.notify.say("reading the Nix store...");
        // Nothing must be deleted between the two looks, at the folder and at the database.
        let lock_path = self.config.state_dir.join("gc.lock");
        let gc_lock = match self.config.read_only {
            true => None,
            false => Some(open_lock_file(&lock_path)?),
        };
        if let Some(file) = &gc_lock {
            let message = "waiting for the big garbage collector lock...";
            lock(file, &lock_path, LockKind::Shared, &self.notify, message)?;
        }
        let existing = self.names_in_store()?;
        self.notify.say("checking path existence...");
        let mut valid = BTreeMap::new();
        for row in self.query(|db| db.hash_rows())? {
            self.notify.check_interrupt()?;
            let path = self
                .store_dir()
                .parse(&row.path)
                .map_err(|error| error.to_string());
            let hash = Hash::parse_prefixed(&row.hash).map_err(|error| error.to_string());
            match path.and_then(|path| Ok((path, hash?))) {
                Ok((path, hash)) => {
                    valid.insert(path, (hash, row.nar_size));
                }
                Err(message) => {
                    let path = String::from_utf8_lossy(&row.path).into_owned();
                    let text = format!("error: invalid-path entry for '{path}': {message}");
                    self.notify.tell(Level::Error, &text);
                    findings.unreadable.push((path, message));
                    findings.errors = true;
                }
            }
        }
        let missing: BTreeSet<StorePath> = valid
            .keys()
            .filter(|path| !existing.contains(path.base_name().as_bytes()))
            // What was added after the first look is there.
            .filter(|path| self.real_path(path).symlink_metadata().is_err())
            .cloned()
            .collect();
        for path in self.referrers_first(&missing)? {
            self.verify_missing(&path, findings, repair)?;
        }
        Ok(valid
            .into_iter()
            .filter(|(path, _)| !missing.contains(path))
            .map(|(path, (hash, nar_size))| Candidate { path, hash, nar_size })
            .collect())
    }

    fn names_in_store(&self) -> Result<FxHashSet<Vec<u8>>, StoreError> {
        let folder = &self.config.real_store_dir;
        let at = |error| IoError::at("reading directory", folder, error);
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FxHashSet::default()),
            entries => entries.map_err(at)?,
        };
        let mut names = FxHashSet::default();
        for entry in entries {
            self.notify.check_interrupt()?;
            names.insert(entry.map_err(at)?.file_name().as_bytes().to_vec());
        }
        Ok(names)
    }

    /// Paths that are gone, each after those that refer to it.
    fn referrers_first(&self, missing: &BTreeSet<StorePath>) -> Result<Vec<StorePath>, StoreError> {
        let mut referrers = BTreeMap::new();
        for path in missing {
            referrers.insert(path.clone(), self.query_referrers(path)?);
        }
        // What a path needs here is that its referrers are done: it comes before them, so the other way around.
        let mut sorted = self.sort(&referrers)?;
        sorted.reverse();
        Ok(sorted)
    }

    fn verify_missing(
        &self,
        path: &StorePath,
        findings: &mut Findings,
        repair: &mut Option<&mut Repair<'_>>,
    ) -> Result<(), StoreError> {
        let printed = self.store_dir().print(path);
        let referrers = self.query_referrers(path)?;
        let needed = referrers.iter().any(|referrer| referrer != path);
        if !needed && !self.config.read_only {
            self.notify.say(&format!(
                "path '{printed}' disappeared, removing from database..."
            ));
            if self.query(|db| db.forget(path))? {
                findings.disappeared.push(path.clone());
                return Ok(());
            }
        }
        let message = format!("path '{printed}' disappeared, but it still has valid referrers!");
        self.notify.tell(Level::Error, &message);
        findings.missing.push(path.clone());
        if self.repaired(path, findings, repair, Level::Warning) {
            findings.repaired.push(path.clone());
        }
        Ok(())
    }

    /// Whether a path could be repaired. Failures are told of, and are errors that were not fixed.
    fn repaired(
        &self,
        path: &StorePath,
        findings: &mut Findings,
        repair: &mut Option<&mut Repair<'_>>,
        level: Level,
    ) -> bool {
        let outcome = match repair {
            Some(repair) => repair(path),
            None => {
                findings.errors = true;
                return false;
            }
        };
        match outcome {
            Ok(()) => true,
            Err(error) => {
                self.tell_failure(level, &error);
                findings.errors = true;
                false
            }
        }
    }

    fn tell_failure(&self, level: Level, error: &StoreError) {
        let text = match level {
            Level::Error => format!("error: {error}"),
            _ => error.to_string(),
        };
        self.notify.tell(level, &text);
    }

    fn verify_links(&self, findings: &mut Findings, repair: bool) -> Result<(), StoreError> {
        self.notify.say("checking link hashes...");
        let folder = self.config.real_store_dir.join(".links");
        let at = |error| IoError::at("reading directory", &folder, error);
        let mut links = Vec::new();
        match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => {
                for entry in entries.map_err(at)? {
                    links.push(entry.map_err(at)?.path());
                }
            }
        }
        links.sort_unstable();
        let hash = |link: &std::path::PathBuf| self.hash_contents(link);
        parallel::for_each(&links, hash, |link, result| {
            self.notify.check_interrupt()?;
            let name = link
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            self.notify
                .tell(Level::Talkative, &format!("checking contents of \"{name}\""));
            let found = match result {
                Ok((hash, _)) => hash.to_nix32(),
                // Collectors remove links at any time.
                Err(StoreError::Nar(NarError::NotFound(_))) => return Ok(()),
                Err(error) => return Err(error),
            };
            if found == name {
                return Ok(());
            }
            let printed = link.display();
            let message = format!("link \"{printed}\" was modified! expected hash {name}, got '{found}'");
            self.notify.tell(Level::Error, &message);
            if repair {
                fs::remove_file(link).map_err(|error| IoError::at("removing", link, error))?;
                self.notify.say(&format!("removed link \"{printed}\""));
            } else {
                findings.errors = true;
            }
            findings.links.push(Modified {
                path: link.display().to_string(),
                expected: name,
                found,
            });
            Ok(())
        })
    }

    fn verify_contents(
        &self,
        candidates: &[Candidate],
        findings: &mut Findings,
        repair: &mut Option<&mut Repair<'_>>,
    ) -> Result<(), StoreError> {
        self.notify.say("checking store hashes...");
        let hash = |candidate: &Candidate| self.hash_contents(&self.real_path(&candidate.path));
        parallel::for_each(candidates, hash, |candidate, result| {
            self.notify.check_interrupt()?;
            let path = &candidate.path;
            let printed = self.store_dir().print(path);
            self.notify
                .tell(Level::Talkative, &format!("checking contents of '{printed}'"));
            match result {
                Ok((hash, size)) if hash == candidate.hash => {
                    self.complete(candidate, &hash, size, findings)?;
                }
                Ok((hash, size)) if candidate.hash == Hash::zero(HashAlgorithm::Sha256) => {
                    self.notify.say(&format!("fixing missing hash on '{printed}'"));
                    self.complete(candidate, &hash, size, findings)?;
                }
                Ok((hash, _)) => {
                    // It may have been collected meanwhile, or been built anew.
                    let now = self.query(|db| db.info(path))?;
                    if now.is_none_or(|info| info.nar_hash == hash) {
                        return Ok(());
                    }
                    self.tell_modified("path", &format!("'{printed}'"), &candidate.hash, &hash);
                    findings.modified.push(Modified {
                        path: path.clone(),
                        expected: candidate.hash.to_sri(),
                        found: hash.to_sri(),
                    });
                    if self.repaired(path, findings, repair, Level::Error) {
                        findings.repaired.push(path.clone());
                    }
                }
                Err(StoreError::Interrupted) => return Err(StoreError::Interrupted),
                Err(error) => {
                    if !self.is_valid_path(path)? {
                        return Ok(());
                    }
                    self.tell_failure(Level::Error, &error);
                    findings.unreadable.push((printed, error.to_string()));
                    findings.errors = true;
                }
            }
            Ok(())
        })
    }

    /// Fill in what the database does not know, as of old stores.
    fn complete(
        &self,
        candidate: &Candidate,
        hash: &Hash,
        size: u64,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let path = &candidate.path;
        if candidate.nar_size == 0 {
            let printed = self.store_dir().print(path);
            self.notify
                .say(&format!("updating size field on '{printed}' to {size}"));
        } else if candidate.hash == *hash {
            return Ok(());
        }
        if !self.config.read_only {
            self.query(|db| db.set_hash(path, hash, size))?;
            findings.completed.push(path.clone());
        }
        Ok(())
    }
}
