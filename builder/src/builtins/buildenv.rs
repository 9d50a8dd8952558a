//! `builtin:buildenv`: a tree of symlinks to the files of packages, as profiles have it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Context, failed, warn};

/// Where the priorities of packages begin that others bring along.
const FIRST_PROPAGATED: i64 = 1000;

/// A package to be linked to.
struct Package {
    path: PathBuf,
    is_active: bool,
    priority: i64,
}

pub(super) fn build(context: &Context) -> Result<(), String> {
    let out = context.out()?;
    fs::create_dir_all(out).map_err(failed("creating directory", out))?;
    let mut packages = packages(context.attribute("derivations")?)?;
    packages.sort_by(|a, b| (a.priority, &a.path).cmp(&(b.priority, &b.path)));
    let mut profile = Profile::default();
    for package in packages.iter().filter(|package| package.is_active) {
        profile.add(&package.path, out, package.priority)?;
    }
    let mut priority = FIRST_PROPAGATED;
    while !profile.postponed.is_empty() {
        for path in std::mem::take(&mut profile.postponed) {
            profile.add(&path, out, priority)?;
            priority += 1;
        }
    }
    let manifest = out.join("manifest.nix");
    let target = OsStr::from_bytes(context.attribute("manifest")?);
    symlink(target, &manifest).map_err(failed("creating symlink", &manifest))
}

/// Read the attribute: active, priority, number of outputs, outputs; again and again.
fn packages(text: &[u8]) -> Result<Vec<Package>, String> {
    let mut words = text
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let bad = || "attribute 'derivations' is malformed".to_owned();
    let number = |word: Option<&[u8]>| -> Result<i64, String> {
        let word = word.and_then(|word| str::from_utf8(word).ok());
        word.and_then(|word| word.parse().ok()).ok_or_else(bad)
    };
    let mut packages = Vec::new();
    while let Some(active) = words.next() {
        let priority = number(words.next())?;
        for _ in 0..number(words.next())? {
            packages.push(Package {
                path: OsStr::from_bytes(words.next().ok_or_else(bad)?).into(),
                is_active: active != b"false",
                priority,
            });
        }
    }
    Ok(packages)
}

#[derive(Default)]
struct Profile {
    /// The priorities of the symlinks that were made.
    priorities: BTreeMap<PathBuf, i64>,
    done: BTreeSet<PathBuf>,
    /// What packages bring along.
    postponed: BTreeSet<PathBuf>,
}

impl Profile {
    fn add(&mut self, package: &Path, out: &Path, priority: i64) -> Result<(), String> {
        if !self.done.insert(package.to_owned()) {
            return Ok(());
        }
        self.link_all(package, out, priority)?;
        let list = package.join("nix-support/propagated-user-env-packages");
        match fs::read(&list) {
            Ok(text) => {
                let paths = text
                    .split(|byte| b" \n".contains(byte))
                    .filter(|path| !path.is_empty())
                    .map(|path| PathBuf::from(OsStr::from_bytes(path)));
                self.postponed
                    .extend(paths.filter(|path| !self.done.contains(path)));
                Ok(())
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("opening file", &list)(error)),
        }
    }

    /// Link to what is in a folder.
    fn link_all(&mut self, from: &Path, to: &Path, priority: i64) -> Result<(), String> {
        let entries = match fs::read_dir(from) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                warn(&format!(
                    "not including \"{}\" in the user environment because it's not a directory",
                    from.display()
                ));
                return Ok(());
            }
            entries => entries.map_err(failed("reading directory", from))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(failed("reading directory", from))?.file_name());
        }
        names.sort();
        for name in names {
            if !name.as_bytes().starts_with(b".") {
                self.link(&from.join(&name), &to.join(&name), priority)?;
            }
        }
        Ok(())
    }

    fn link(&mut self, from: &Path, to: &Path, priority: i64) -> Result<(), String> {
        let Ok(source) = fs::metadata(from) else {
            warn(&format!("skipping dangling symlink '{}'", to.display()));
            return Ok(());
        };
        if is_ignored(from) {
            return Ok(());
        }
        if let Ok(present) = to.symlink_metadata() {
            match (source.is_dir(), present.is_dir(), present.is_symlink()) {
                (true, true, _) => return self.link_all(from, to, priority),
                (true, _, true) => return self.merge(from, to, priority),
                (false, _, true) => {
                    let previous = self.priorities.get(to).copied().unwrap_or(0);
                    if previous == priority {
                        return Err(conflict(to, from));
                    }
                    if previous < priority {
                        return Ok(());
                    }
                    fs::remove_file(to).map_err(failed("deleting", to))?;
                }
                (false, true, _) => {
                    return Err(format!(
                        "collision between non-directory '{}' and directory '{}'",
                        from.display(),
                        to.display()
                    ));
                }
                _ => {}
            }
        }
        symlink(from, to).map_err(failed("creating symlink", to))?;
        self.priorities.insert(to.to_owned(), priority);
        Ok(())
    }

    /// Make a folder of a symlink to one, for a second package has things for it.
    fn merge(&mut self, from: &Path, to: &Path, priority: i64) -> Result<(), String> {
        let target = to.canonicalize().map_err(failed("resolving", to))?;
        if !target.is_dir() {
            return Err(format!(
                "collision between \"{}\" and non-directory \"{}\"",
                from.display(),
                target.display()
            ));
        }
        fs::remove_file(to).map_err(failed("deleting", to))?;
        fs::create_dir(to).map_err(failed("creating directory", to))?;
        let previous = self.priorities.get(to).copied().unwrap_or(0);
        self.link_all(&target, to, previous)?;
        self.link_all(from, to, priority)
    }
}

/// What is of no use in a profile, or there in many packages.
fn is_ignored(path: &Path) -> bool {
    [
        "/propagated-build-inputs",
        "/nix-support",
        "/perllocal.pod",
        "/info/dir",
        "/log",
        "/manifest.nix",
        "/manifest.json",
    ]
    .iter()
    .any(|end| path.as_os_str().as_bytes().ends_with(end.as_bytes()))
}

fn conflict(link: &Path, file: &Path) -> String {
    let present = fs::read_link(link).unwrap_or_else(|_| link.to_owned());
    format!(
        "Unable to build profile. There is a conflict for the following files:\n\n  \"{}\"\n  \"{}\"",
        present.display(),
        file.display()
    )
}
