//! Looking at files: access control, symlinks, and memos of what was seen.

use crate::error::{Error, Kind, Result};
use crate::evaluator::Evaluator;
use crate::host::{FileType, HashedFile};
use crate::path::{base_name, is_below, join, parent};
use nivis_store::path::StorePath;
use std::borrow::Cow;
use std::io;

/// How many symlinks may be followed in one path.
const MAX_LINKS: usize = 1024;

impl Evaluator {
    /// Whether `pure-eval` or `restrict-eval` is on.
    pub fn is_restricted(&self) -> bool {
        self.settings.pure_eval || self.settings.restrict_eval
    }

    /// Whether a path may be looked at. That holds for the folders above what is allowed too, so that paths can be
    /// resolved; of their entries only some are to be seen.
    pub fn is_allowed(&self, path: &[u8]) -> bool {
        !self.is_restricted()
            || self
                .files
                .allowed
                .borrow()
                .iter()
                .any(|prefix| is_below(path, prefix) || is_below(prefix, path))
    }

    /// Fails when `pure-eval` or `restrict-eval` forbids to look at a path.
    pub fn check_access(&self, path: &[u8]) -> Result<()> {
        if self.is_allowed(path) {
            return Ok(());
        }
        let mode = match self.settings.pure_eval {
            true => "in pure evaluation mode (use '--impure' to override)",
            false => "in restricted mode",
        };
        let message = format!(
            "access to absolute path '{}' is forbidden {mode}",
            String::from_utf8_lossy(path)
        );
        Err(Error::new(Kind::Restricted, message))
    }

    /// Allows looking at a path and what is below it.
    pub fn allow_path(&self, path: &[u8]) {
        self.files.allowed.borrow_mut().insert(path.to_vec());
    }

    /// Allows looking at a path of the store.
    pub fn allow_store_path(&self, path: &StorePath) {
        if self.is_restricted() {
            self.allow_path(self.host.store_dir().print(path).as_bytes());
        }
    }

    /// The type of a file, symlinks not followed; `None` if it does not exist.
    pub fn file_type(&self, path: &[u8]) -> Result<Option<FileType>> {
        if corepkg_text(path).is_some() {
            return Ok(Some(FileType::Regular));
        }
        self.check_access(path)?;
        match self.host.file_type(path) {
            Ok(found) => Ok(found),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(file_error("getting status of", path, &error)),
        }
    }

    /// The path with the symlinks of its parents resolved, but not its own.
    pub fn resolve_ancestors(&self, path: &[u8]) -> Result<Vec<u8>> {
        if path == b"/" {
            return Ok(path.to_vec());
        }
        let directory = self.resolve_links_for(parent(path), path)?;
        Ok(join(&directory, base_name(path)))
    }

    /// The path with all symlinks resolved. Parts that do not exist are kept.
    pub fn resolve_links(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.resolve_links_for(path, path)
    }

    /// Resolves `path`; errors name `whole`, of which it is a part.
    fn resolve_links_for(&self, path: &[u8], whole: &[u8]) -> Result<Vec<u8>> {
        if let Some(resolved) = self.resolved_directory(path) {
            return Ok(resolved);
        }
        // Mostly another path in the same folder was resolved before.
        let end_of_folder = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        let (folder, last) = (&path[..end_of_folder], &path[end_of_folder..]);
        let known = self.resolved_directory(folder);
        let left = if known.is_some() { last } else { path };
        let mut resolved = known.unwrap_or_else(|| b"/".to_vec());
        let mut todo: Vec<Vec<u8>> = left
            .split(|&byte| byte == b'/')
            .rev()
            .map(<[u8]>::to_vec)
            .collect();
        let mut links = 0;
        while let Some(component) = todo.pop() {
            if todo.is_empty() && links == 0 {
                self.remember_directory(folder, &resolved);
            }
            match &*component {
                b"" | b"." => continue,
                b".." => {
                    resolved = parent(&resolved).to_vec();
                    continue;
                }
                _ => {}
            }
            let next = join(&resolved, &component);
            if self.component_type(&next)? == Some(FileType::Symlink) {
                links += 1;
                if links > MAX_LINKS {
                    let message = format!(
                        "infinite symlink recursion in path '{}'",
                        String::from_utf8_lossy(whole)
                    );
                    return Err(Error::new(Kind::File, message));
                }
                let target = self.read_link(&next)?;
                if target.starts_with(b"/") {
                    resolved = b"/".to_vec();
                }
                todo.extend(target.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec));
            } else {
                resolved = next;
            }
        }
        self.remember_directory(path, &resolved);
        Ok(resolved)
    }

    /// What the path of a directory resolves to, if that is known.
    fn resolved_directory(&self, path: &[u8]) -> Option<Vec<u8>> {
        if self.files.directories.borrow().contains(path) {
            return Some(path.to_vec());
        }
        self.files.resolved.borrow().get(path).cloned()
    }

    /// Remembers what a path resolves to, if that is a directory elsewhere.
    fn remember_directory(&self, path: &[u8], resolved: &[u8]) {
        if path != resolved && self.files.directories.borrow().contains(resolved) {
            let mut known = self.files.resolved.borrow_mut();
            known.entry(path.to_vec()).or_insert_with(|| resolved.to_vec());
        }
    }

    /// The type of a component on the way to a file; `None` also if it must not be looked at, so that it is the
    /// whole path that an error names. What is above it are directories. Directories are remembered.
    fn component_type(&self, path: &[u8]) -> Result<Option<FileType>> {
        if self.files.directories.borrow().contains(path) {
            return Ok(Some(FileType::Directory));
        }
        if !self.is_allowed(path) {
            return Ok(None);
        }
        // Finding an import looks at its last component several times in a row.
        let mut last = self.files.last_component.borrow_mut();
        if let Some((known, found)) = &*last
            && known == path
        {
            return Ok(Some(*found));
        }
        let found = self.file_type(path)?;
        match found {
            Some(FileType::Directory) => {
                self.files.directories.borrow_mut().insert(path.into());
            }
            Some(found) => *last = Some((path.to_vec(), found)),
            None => {}
        }
        Ok(found)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.host
            .read_link(path)
            .map_err(|error| file_error("reading symbolic link", path, &error))
    }

    /// The file that `import path` reads: symlinks of the last component followed one by one, so that relative paths
    /// in it start from the target; `default.nix` in a directory.
    pub fn resolve_import(&self, path: &[u8]) -> Result<Vec<u8>> {
        let mut path = path.to_vec();
        let mut links = 0;
        while path != b"/" {
            links += 1;
            if links >= MAX_LINKS {
                return Err(too_many_links(&path));
            }
            let real = self.resolve_ancestors(&path)?;
            self.check_access(&real)?;
            match self.component_type(&real)? {
                Some(FileType::Symlink) => {
                    let target = self.read_link(&real)?;
                    path = nivis_lang::path::absolute(parent(&path), &target);
                }
                Some(_) => break,
                None => return Err(does_not_exist(&path)),
            }
        }
        let real = self.resolve_links(&path)?;
        self.check_access(&real)?;
        match self.component_type(&real)? {
            Some(FileType::Directory) => Ok(join(&path, b"default.nix")),
            _ => Ok(path),
        }
    }

    /// The contents of a file.
    pub fn read_file(&self, path: &[u8]) -> Result<Vec<u8>> {
        match corepkg_text(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => self.open_file(path, |real| self.host.read_file(real)),
        }
    }

    /// What tells a file apart from others by its contents.
    pub(crate) fn hashed_file(&self, path: &[u8]) -> Result<HashedFile> {
        match corepkg_text(path) {
            Some(text) => Ok(HashedFile::of(text.as_bytes().to_vec())),
            None => self.open_file(path, |real| self.host.hashed_file(real)),
        }
    }

    /// Has `open` look into a file, given its path without symlinks.
    fn open_file<T>(&self, path: &[u8], open: impl FnOnce(&[u8]) -> io::Result<T>) -> Result<T> {
        let real = self.resolve_links(path)?;
        self.check_access(&real)?;
        match open(&real) {
            Ok(found) => Ok(found),
            Err(error) if is_absent(&error) => Err(does_not_exist(path)),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Err(is_a_directory()),
            Err(error) => Err(file_error("opening file", path, &error)),
        }
    }

    /// The entries of a directory.
    pub fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>> {
        self.check_access(path)?;
        match self.host.read_dir(path) {
            Ok(mut entries) => {
                if self.is_restricted() {
                    entries.retain(|(name, _)| self.is_allowed(&join(path, name)));
                }
                Ok(entries)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(does_not_exist(path)),
            Err(error) => Err(file_error("cannot read directory", path, &error)),
        }
    }

    /// Fails when a directory above the path is a symlink.
    pub fn forbid_links_above(&self, path: &[u8]) -> Result<()> {
        let mut above = parent(path);
        while above != b"/" {
            let is_directory = self.files.directories.borrow().contains(above);
            if !is_directory && self.file_type(above)? == Some(FileType::Symlink) {
                let message = format!("path '{}' is a symlink", String::from_utf8_lossy(above));
                return Err(Error::new(Kind::File, message));
            }
            above = parent(above);
        }
        Ok(())
    }

    /// Where an element of the search path was found to lie; `None` if nobody looked yet.
    pub fn known_search_path(&self, element: &[u8]) -> Option<Option<Vec<u8>>> {
        self.files.search_path.borrow().get(element).cloned()
    }

    /// Remembers where an element of the search path lies.
    pub fn remember_search_path(&self, element: &[u8], found: Option<Vec<u8>>) {
        self.files
            .search_path
            .borrow_mut()
            .insert(element.to_vec(), found);
    }
}

/// Where the files are that come with the program: `<nix/name>`.
const COREPKGS: &[u8] = b"/__corepkgs__";

/// The path of a file that comes with the program.
pub fn corepkg(name: &[u8]) -> Vec<u8> {
    crate::path::normalise(&join(COREPKGS, name))
}

/// The text of a file that comes with the program.
fn corepkg_text(path: &[u8]) -> Option<&'static str> {
    match path.strip_prefix(COREPKGS)? {
        b"/fetchurl.nix" => Some(include_str!("corepkgs/fetchurl.nix")),
        _ => None,
    }
}

/// A path as users write it, also one that comes with the program.
pub(crate) fn shown(path: &[u8]) -> Cow<'_, [u8]> {
    match path.strip_prefix(COREPKGS) {
        Some(rest) => Cow::Owned([b"<nix", rest, b">"].concat()),
        None => Cow::Borrowed(path),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A failed operation on a file, as the reference words it: `opening file "/x": Permission denied`.
#[cold]
pub fn file_error(doing: &str, path: &[u8], error: &io::Error) -> Error {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    Error::new(
        Kind::File,
        format!("{doing} \"{}\": {reason}", String::from_utf8_lossy(path)),
    )
}

/// The error for a directory that was to be read as a file, in the words of the reference, which names no path.
#[cold]
pub fn is_a_directory() -> Error {
    Error::new(Kind::File, "read of 4096 bytes: Is a directory")
}

/// The error for a file that is not there.
#[cold]
pub fn does_not_exist(path: &[u8]) -> Error {
    Error::new(
        Kind::File,
        format!("path '{}' does not exist", String::from_utf8_lossy(&shown(path))),
    )
}

#[cold]
fn too_many_links(path: &[u8]) -> Error {
    let message = format!(
        "too many symbolic links encountered while traversing the path '{}'",
        String::from_utf8_lossy(path)
    );
    Error::new(Kind::File, message)
}
