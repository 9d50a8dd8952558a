//! Where packages come from: a Nix file, or a folder of them whose files become attributes.

use super::Env;
use crate::attr_path;
use crate::derivations::{Broken, COMBINE_CHANNELS, Search};
use crate::failure::{Failure, Result};
use crate::packages::Package;
use crate::session::current_dir;
use nivis_eval::attrs::Entry;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::{FileType, Level};
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

/// A folder may define so many attributes.
const MAX_ATTRS: usize = 1024;

/// The packages of an expression, and the places in it that could not be evaluated.
#[derive(Default)]
pub(super) struct Available {
    pub(super) packages: Vec<Package>,
    pub(super) broken: Vec<Broken>,
}

impl Env<'_> {
    fn ev(&self) -> &Evaluator {
        &self.session.ev
    }

    /// The value that packages are looked for in.
    pub(super) fn source(&self) -> Result<Slot> {
        let path = match &self.flags.file {
            Some(file) => self.session.locate(file, &current_dir()?)?,
            None => self.default_expression.as_os_str().as_bytes().to_vec(),
        };
        self.load(&path)
    }

    fn load(&self, path: &[u8]) -> Result<Slot> {
        let ev = self.ev();
        let real = ev.resolve_links(path)?;
        match ev.file_type(&real)? {
            Some(FileType::Regular) => Ok(ev.import(path)?.slot()),
            Some(FileType::Directory) if self.has_default(&real)? => Ok(ev.import(path)?.slot()),
            Some(FileType::Directory) => self.combine(path),
            None => Err(nivis_eval::files::does_not_exist(path).into()),
            Some(_) => Err(Failure::Plain(format!(
                "path '{}' is not a directory or a Nix expression",
                String::from_utf8_lossy(path)
            ))),
        }
    }

    fn has_default(&self, dir: &[u8]) -> Result<bool> {
        let ev = self.ev();
        let file = nivis_eval::path::join(dir, b"default.nix");
        // A dangling link is no expression.
        let real = ev.resolve_links(&file);
        Ok(matches!(real, Ok(real) if ev.file_type(&real)?.is_some()))
    }

    /// A set of the expressions in a folder by their names. Folders in it are looked through, too, but the set is
    /// flat.
    fn combine(&self, dir: &[u8]) -> Result<Slot> {
        let ev = self.ev();
        let mut entries = vec![Entry {
            name: ev.intern(COMBINE_CHANNELS),
            slot: Value::EMPTY_LIST.slot(),
            pos: Pos::NONE,
        }];
        self.collect(dir, &mut BTreeSet::new(), &mut entries)?;
        Ok(ev.heap.attrs(&mut entries).slot())
    }

    fn collect(&self, dir: &[u8], seen: &mut BTreeSet<Vec<u8>>, entries: &mut Vec<Entry>) -> Result<()> {
        let ev = self.ev();
        let mut names: Vec<Vec<u8>> = ev
            .read_dir(&ev.resolve_links(dir)?)?
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.sort();
        for name in names {
            // Channels are a profile, and its manifest is no expression to list.
            if name == b"manifest.nix" {
                continue;
            }
            let Ok(path) = ev.resolve_links(&nivis_eval::path::join(dir, &name)) else {
                continue;
            };
            let is_expression = match ev.file_type(&path) {
                Ok(Some(FileType::Regular)) => match path.ends_with(b".nix") {
                    true => true,
                    false => continue,
                },
                Ok(Some(FileType::Directory)) => self.has_default(&path)?,
                // Dangling links are common here.
                _ => continue,
            };
            if !is_expression {
                self.collect(&path, seen, entries)?;
                continue;
            }
            let attribute = name.strip_suffix(b".nix").unwrap_or(&name);
            if !seen.insert(attribute.to_vec()) {
                self.warn_of_collision(&path, dir, attribute);
                continue;
            }
            if seen.len() == MAX_ATTRS {
                let dir = String::from_utf8_lossy(dir);
                return Err(Failure::Plain(format!(
                    "too many Nix expressions in directory '{dir}'"
                )));
            }
            let import = ev.base_variable("import").unwrap_or(Slot::NULL);
            entries.push(Entry {
                name: ev.intern(attribute),
                slot: ev.heap.apply1(import, ev.heap.path(&path).slot()),
                pos: Pos::NONE,
            });
        }
        Ok(())
    }

    fn warn_of_collision(&self, path: &[u8], dir: &[u8], attribute: &[u8]) {
        let is_channel = |path: &[u8]| path.windows(8).any(|part| part == b"channels");
        let mut message = format!(
            "warning: name collision in input Nix expressions, skipping '{}'",
            String::from_utf8_lossy(path)
        );
        if is_channel(path) && is_channel(dir) {
            let attribute = String::from_utf8_lossy(attribute);
            message.push_str(&format!(
                "\nsuggestion: remove '{attribute}' from either the root channels or the user channels"
            ));
        }
        self.session.logger.message(Level::Error, &message);
    }

    /// The packages below an attribute path of the source. With `keep_going`, what fails is set aside; with `collects`, the
    /// caller has no other values that [`Evaluator::keep`] does not know.
    pub(super) fn available(&self, path: &[u8], keep_going: bool, collects: bool) -> Result<Available> {
        let ev = self.ev();
        let slot = attr_path::find(ev, path, self.auto_args, self.source()?)?;
        let mut search = Search::new(ev, self.auto_args);
        search.skip_assertions = true;
        search.keep_going = keep_going;
        search.collects = collects;
        search.all(slot, path)?;
        let mut available = Available {
            packages: search.found.into_iter().map(Package::from).collect(),
            broken: search.broken,
        };
        if let Some(wanted) = self
            .flags
            .system_filter
            .as_deref()
            .filter(|filter| *filter != b"*")
        {
            let mut kept = vec![];
            for package in available.packages {
                if package.system(ev)? == wanted {
                    kept.push(package);
                }
            }
            available.packages = kept;
        }
        Ok(available)
    }

    /// The packages of the profile.
    pub(super) fn installed(&self) -> Result<Vec<Package>> {
        let packages = crate::user_environment::installed(self.ev(), &self.profile)?;
        packages
            .iter()
            .flat_map(Package::values)
            .for_each(|slot| self.ev().keep(slot));
        Ok(packages)
    }

    /// Those of the paths that are in the store, asked in one go.
    pub(super) fn valid_paths(&self, paths: &BTreeSet<StorePath>) -> Result<BTreeSet<StorePath>> {
        Ok(self.session.store.valid_paths(paths)?)
    }
}
