//! Whose code it is: the user's, that of a package set, or the machinery below both.

use nivis_eval::evaluator::Evaluator;
use nivis_lang::position::{Origin, Pos};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whose code it is, the user's first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Owner {
    /// A file outside of nixpkgs and of the store, or text of the command line.
    User,
    /// A package or module of nixpkgs, or something in the store.
    Packages,
    /// What packages and modules are made with: nixpkgs' `lib`, `stdenv`, ..., and the program's own.
    Library,
}

/// Folders of nixpkgs with what packages and modules are made with.
const LIBRARY: [&str; 5] = [
    "lib",
    "nixos/lib",
    "pkgs/stdenv",
    "pkgs/build-support",
    "pkgs/top-level",
];
/// Files in them that list packages.
const LISTS_OF_PACKAGES: &str = "-packages.nix";
/// What tells the root of nixpkgs.
const MARK_OF_NIXPKGS: [&str; 2] = ["lib/default.nix", "pkgs/top-level/impure.nix"];

/// Tells owners.
pub(super) struct Owners<'e> {
    ev: &'e Evaluator,
    /// Which folders are the root of nixpkgs.
    roots: RefCell<HashMap<PathBuf, bool>>,
}

impl<'e> Owners<'e> {
    pub(super) fn new(ev: &'e Evaluator) -> Owners<'e> {
        Owners {
            ev,
            roots: RefCell::default(),
        }
    }

    /// Whose code a position is in.
    pub(super) fn of(&self, pos: Pos) -> Owner {
        match self.ev.origin(pos) {
            _ if self.ev.is_internal(pos) => Owner::Library,
            None => Owner::Library,
            Some(Origin::String(_) | Origin::Stdin(_)) => Owner::User,
            Some(Origin::File(path)) => self.of_file(Path::new(OsStr::from_bytes(&path))),
        }
    }

    fn of_file(&self, path: &Path) -> Owner {
        if path.starts_with("/__corepkgs__") {
            return Owner::Library;
        }
        if let Some(root) = self.nixpkgs(path) {
            let below = path.strip_prefix(root).unwrap_or(path);
            let lists = below.to_string_lossy().ends_with(LISTS_OF_PACKAGES);
            return match LIBRARY.iter().any(|folder| below.starts_with(folder)) && !lists {
                true => Owner::Library,
                false => Owner::Packages,
            };
        }
        match self
            .ev
            .host
            .store_dir()
            .to_store_path(path.as_os_str().as_bytes())
        {
            Ok(_) => Owner::Packages,
            Err(_) => Owner::User,
        }
    }

    /// The root of the nixpkgs that a file belongs to.
    fn nixpkgs<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.ancestors().skip(1).find(|folder| {
            let mut roots = self.roots.borrow_mut();
            *roots
                .entry(folder.to_path_buf())
                .or_insert_with(|| MARK_OF_NIXPKGS.iter().all(|mark| folder.join(mark).exists()))
        })
    }

    /// A short name of the file of a position, for lists of files.
    pub(super) fn short_name(&self, pos: Pos) -> Option<String> {
        let Origin::File(path) = self.ev.origin(pos)? else {
            return None;
        };
        let path = Path::new(OsStr::from_bytes(&path));
        let short = match self.nixpkgs(path) {
            Some(root) => path.strip_prefix(root).unwrap_or(path),
            None => Path::new(path.file_name()?),
        };
        Some(short.to_string_lossy().into_owned())
    }
}
