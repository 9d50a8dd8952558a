//! Profiles and their generations.
//!
//! A profile is a symlink `NAME` to one of its generations, the symlinks `NAME-1-link`, `NAME-2-link` and so
//! on beside it, each of which points to a store path and is a garbage collector root. Switching replaces
//! one symlink, so that whoever looks sees one generation or the other.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::LocalStore;
use crate::error::StoreError;
use crate::files::replace_symlink;
use crate::io_error::IoError;
use crate::locks::PathLocks;
use crate::notify::{Level, Notify};
use crate::path::StorePath;

/// One generation of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its number; later ones are greater.
    pub number: u64,
    /// The symlink.
    pub path: PathBuf,
    /// When the symlink was made, in seconds since 1970.
    pub created: i64,
}

/// Which generations to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those with these numbers; the current one must not be among them.
    Numbers(BTreeSet<u64>),
    /// All but the current one.
    Old,
    /// Those that were not current any more at that time, in seconds since 1970.
    OlderThan(i64),
    /// All that come before the current one, except that so many are kept, the current one included.
    Keep(u64),
}

/// A profile, whether it exists already or not.
#[derive(Clone, Debug)]
pub struct Profile {
    path: PathBuf,
    notify: Notify,
}

/// Keeps others from changing a profile, for as long as it exists.
#[derive(Debug)]
pub struct ProfileLock {
    _locks: PathLocks,
}

impl Profile {
    /// The profile of that name, an absolute path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Profile {
            path: path.into(),
            notify: Notify::silent(),
        }
    }

    /// Say there what is done.
    #[must_use]
    pub fn with_notify(self, notify: Notify) -> Self {
        Profile { notify, ..self }
    }

    /// The symlink that is the profile.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// The number in the name of a generation of this profile.
    fn number(&self, name: &OsStr) -> Option<u64> {
        let own = self.path.file_name()?.as_bytes();
        let rest = name.as_bytes().strip_prefix(own)?.strip_prefix(b"-")?;
        let digits = rest.strip_suffix(b"-link")?;
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The name of a generation.
    pub fn generation_path(&self, number: u64) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!("-{number}-link"));
        name.into()
    }

    /// The generations, oldest first, and the number of the current one.
    pub fn generations(&self) -> Result<(Vec<Generation>, Option<u64>), StoreError> {
        let folder = self.folder();
        let at = |error| IoError::at("reading directory", folder, error);
        let mut generations = Vec::new();
        for entry in fs::read_dir(folder).map_err(at)? {
            let entry = entry.map_err(at)?;
            let Some(number) = self.number(&entry.file_name()) else {
                continue;
            };
            let path = entry.path();
            match path.symlink_metadata() {
                Ok(metadata) => generations.push(Generation {
                    number,
                    path,
                    created: metadata.mtime(),
                }),
                // Another process has just deleted it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(IoError::at("getting status of", &path, error).into()),
            }
        }
        generations.sort_by_key(|generation| generation.number);
        Ok((generations, self.current()?))
    }

    /// The number of the current generation, if the profile exists and is at one of its generations.
    pub fn current(&self) -> Result<Option<u64>, StoreError> {
        let Some(target) = self.target()? else {
            return Ok(None);
        };
        // Somebody may have made an absolute link to a generation, which must not count as an old one then.
        let beside = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                same_folder(&self.folder().join(parent), self.folder())
            }
            _ => true,
        };
        let name = target.file_name().filter(|_| beside);
        Ok(name.and_then(|name| self.number(name)))
    }

    /// What the profile points to, if it exists: by comparing it one sees whether somebody has changed it.
    pub fn target(&self) -> Result<Option<PathBuf>, StoreError> {
        match fs::read_link(&self.path) {
            Ok(target) => Ok(Some(target)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(IoError::at("reading symbolic link", &self.path, error).into()),
        }
    }

    /// Wait until nobody else changes the profile.
    pub fn lock(&self) -> Result<ProfileLock, StoreError> {
        let message = format!("waiting for lock on profile \"{}\"", self.path.display());
        let _locks = PathLocks::lock_saying(&[self.path.clone()].into(), &self.notify, |_| message.clone())?;
        Ok(ProfileLock { _locks })
    }

    /// Make a generation and a garbage collector root of it; gives its symlink.
    ///
    /// There is no new one if the newest is of the same path: they would only pile up.
    pub fn create_generation(&self, store: &LocalStore, target: &StorePath) -> Result<PathBuf, StoreError> {
        let (generations, _) = self.generations()?;
        let mut number = 1;
        if let Some(last) = generations.last() {
            let found = fs::read_link(&last.path)
                .map_err(|error| IoError::at("reading symbolic link", &last.path, error))?;
            if found == Path::new(&store.store_dir().print(target)) {
                return Ok(last.path.clone());
            }
            number = last.number + 1;
        }
        store.add_perm_root(target, &self.generation_path(number))
    }

    /// Make a generation, or another path, the current one, in one step.
    pub fn switch_to(&self, target: &Path) -> Result<(), StoreError> {
        let beside = target.parent() == self.path.parent();
        let target = target.file_name().filter(|_| beside).map_or(target, Path::new);
        Ok(replace_symlink(target, &self.path)?)
    }

    /// Make the generation of that number the current one; without a number, the one before the current.
    pub fn switch_generation(&self, number: Option<u64>, dry_run: bool) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let (generations, current) = self.generations()?;
        let wanted = |generation: &&Generation| match number {
            Some(number) => generation.number == number,
            None => current.is_some_and(|current| generation.number < current),
        };
        let from = current.unwrap_or(0);
        let found = generations.iter().rfind(wanted).ok_or(match number {
            Some(number) => StoreError::NoSuchGeneration(number),
            None => StoreError::NoOlderGeneration(from),
        })?;
        let to = found.number;
        self.notify.tell(
            Level::Notice,
            &format!("switching profile from version {from} to {to}"),
        );
        if dry_run {
            return Ok(());
        }
        self.switch_to(&found.path)
    }

    /// Delete the symlink of a generation; nothing there is fine.
    pub fn delete_generation(&self, number: u64) -> Result<(), StoreError> {
        let path = self.generation_path(number);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(IoError::at("removing file", &path, error).into())
            }
            _ => Ok(()),
        }
    }

    /// Delete generations, or only say which; never the current one. Gives their numbers.
    pub fn delete_generations(&self, selection: &Selection, dry_run: bool) -> Result<Vec<u64>, StoreError> {
        let _lock = self.lock()?;
        let (generations, current) = self.generations()?;
        let numbers = self.select(selection, &generations, current)?;
        for number in &numbers {
            if dry_run {
                self.notify
                    .tell(Level::Notice, &format!("would remove profile version {number}"));
            } else {
                self.notify
                    .tell(Level::Notice, &format!("removing profile version {number}"));
                self.delete_generation(*number)?;
            }
        }
        Ok(numbers)
    }

    fn select(
        &self,
        selection: &Selection,
        generations: &[Generation],
        current: Option<u64>,
    ) -> Result<Vec<u64>, StoreError> {
        let numbers = generations.iter().map(|generation| generation.number);
        let not_current = |number: &u64| Some(*number) != current;
        Ok(match selection {
            Selection::Numbers(wanted) => {
                if current.is_some_and(|current| wanted.contains(&current)) {
                    return Err(StoreError::CurrentGeneration(self.path.clone()));
                }
                numbers.filter(|number| wanted.contains(number)).collect()
            }
            Selection::Old => numbers.filter(not_current).collect(),
            Selection::OlderThan(time) => {
                let older = generations.iter().rev().filter(|it| it.created < *time);
                // The newest of them was the current one at that time: one may want to go back to it.
                let older = older.skip(1).map(|generation| generation.number);
                older.filter(not_current).collect()
            }
            Selection::Keep(0) => return Err(StoreError::MustKeepOne),
            Selection::Keep(count) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                let from_current = numbers.rev().skip_while(not_current);
                from_current.skip(count).collect()
            }
        })
    }
}

fn same_folder(a: &Path, b: &Path) -> bool {
    match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => a == b,
    }
}

/// The time that so many days (`14d`) before `now` are, in seconds since 1970. The error says what is wrong.
pub fn parse_age(text: &str, now: i64) -> Result<i64, String> {
    let Some(days) = text.strip_suffix('d') else {
        return Err(format!(
            "invalid number of days specifier '{text}', expected something like '14d'"
        ));
    };
    let seconds = days
        .parse::<i32>()
        .ok()
        .filter(|days| *days >= 1)
        .map(|days| i64::from(days) * 24 * 3600);
    match seconds {
        Some(seconds) => Ok(now - seconds),
        None => Err(format!("invalid number of days specifier '{text}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::sync::{Arc, Mutex};

    fn profile(numbers: &[u64], current: Option<u64>) -> (tempfile::TempDir, Profile) {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::new(folder.path().join("p"));
        for number in numbers {
            symlink("/nix/store/x", profile.generation_path(*number)).unwrap();
        }
        for other in ["p-x-link", "p-1-link.tmp", "q-9-link", "p--link", "p-+3-link"] {
            symlink("/nix/store/x", folder.path().join(other)).unwrap();
        }
        if let Some(current) = current {
            profile.switch_to(&profile.generation_path(current)).unwrap();
        }
        (folder, profile)
    }

    fn numbers(profile: &Profile) -> Vec<u64> {
        let (generations, _) = profile.generations().unwrap();
        generations.iter().map(|generation| generation.number).collect()
    }

    #[test]
    fn generations_are_found_by_name() {
        let (_folder, profile) = profile(&[10, 2, 1], Some(2));
        assert_eq!(numbers(&profile), [1, 2, 10]);
        assert_eq!(profile.current().unwrap(), Some(2));
        assert_eq!(profile.target().unwrap(), Some("p-2-link".into()));
    }

    #[test]
    fn absolute_links_say_what_is_current_too() {
        let (folder, profile) = profile(&[1, 2], None);
        symlink(folder.path().join("p-2-link"), profile.path()).unwrap();
        assert_eq!(profile.current().unwrap(), Some(2));
        profile.switch_to(Path::new("/elsewhere/p-1-link")).unwrap();
        assert_eq!(profile.current().unwrap(), None);
    }

    #[test]
    fn the_current_generation_is_never_deleted() {
        let (_folder, profile) = profile(&[1, 2, 3, 4, 5], Some(3));
        let error = profile
            .delete_generations(&Selection::Numbers([2, 3].into()), false)
            .unwrap_err();
        let expected = format!(
            "cannot delete current version of profile \"{}\"",
            profile.path().display()
        );
        assert_eq!(error.to_string(), expected);
        let delete = |selection| profile.delete_generations(&selection, false).unwrap();
        assert_eq!(delete(Selection::Keep(2)), [1]);
        assert_eq!(delete(Selection::Numbers([2, 9].into())), [2]);
        assert_eq!(delete(Selection::OlderThan(i64::MAX)), [4]);
        assert_eq!(delete(Selection::OlderThan(0)), []);
        assert_eq!(delete(Selection::Old), [5]);
        assert_eq!(numbers(&profile), [3]);
        assert!(profile.delete_generations(&Selection::Keep(0), false).is_err());
    }

    #[test]
    fn nothing_happens_in_a_dry_run() {
        let (_folder, profile) = profile(&[1, 2], Some(2));
        let said = Arc::new(Mutex::new(Vec::new()));
        let notify = {
            let said = said.clone();
            Notify::new(move |_, text| said.lock().unwrap().push(text.to_owned()))
        };
        let profile = profile.with_notify(notify);
        profile.delete_generations(&Selection::Old, true).unwrap();
        profile.switch_generation(None, true).unwrap();
        assert_eq!(numbers(&profile), [1, 2]);
        assert_eq!(profile.current().unwrap(), Some(2));
        assert_eq!(
            *said.lock().unwrap(),
            [
                "would remove profile version 1",
                "switching profile from version 2 to 1"
            ]
        );
    }

    #[test]
    fn switching_back_and_to_a_number() {
        let (_folder, profile) = profile(&[1, 2, 3], Some(3));
        profile.switch_generation(None, false).unwrap();
        assert_eq!(profile.current().unwrap(), Some(2));
        profile.switch_generation(Some(1), false).unwrap();
        let error = profile.switch_generation(None, false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no profile version older than the current (1) exists"
        );
        let error = profile.switch_generation(Some(7), false).unwrap_err();
        assert_eq!(error.to_string(), "profile version 7 does not exist");
    }

    #[test]
    fn ages_are_days() {
        assert_eq!(parse_age("2d", 200_000), Ok(200_000 - 172_800));
        for bad in ["", "d", "0d", "-1d", "14", "1.5d"] {
            assert!(parse_age(bad, 0).is_err(), "{bad}");
        }
    }
}
