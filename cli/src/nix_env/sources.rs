//! What is to be installed: packages of the default expression, of an attribute, of a function applied to it, of
//! another profile, or objects of the store.

use super::Env;
use super::flags::absolute;
use super::selection::{self, Named};
use crate::attr_path;
use crate::failure::Result;
use crate::packages::{self, Package};
use crate::session::current_dir;
use crate::user_environment;
use nivis_lang::position::Origin;
use nivis_store::LocalStore;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where packages come from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Source {
    /// The default expression, or the store if the first argument is a path.
    #[default]
    Default,
    /// `--from-expression`: the arguments are functions to apply to the default expression.
    Functions,
    /// `--attr`: the arguments are attribute paths.
    Attributes,
    /// `--from-profile`
    Profile(PathBuf),
}

impl Source {
    /// Takes a flag that says where packages come from; `false` if it is none of these.
    pub(super) fn take<'f>(
        &mut self,
        flag: &[u8],
        rest: &mut impl Iterator<Item = &'f Vec<u8>>,
    ) -> Result<bool> {
        *self = match flag {
            b"--from-expression" | b"-E" => Source::Functions,
            b"--attr" | b"-A" => Source::Attributes,
            b"--from-profile" => match rest.next() {
                Some(profile) => Source::Profile(absolute(profile)?),
                None => return Err(super::query::needs_argument(flag)),
            },
            _ => return Ok(false),
        };
        Ok(true)
    }
}

pub(super) fn is_path(argument: &[u8]) -> bool {
    argument.contains(&b'/')
}

impl Env<'_> {
    /// The packages that the arguments select; only the newest of each name if `newest_only`.
    pub(super) fn wanted(
        &self,
        source: &Source,
        store: &LocalStore,
        newest_only: bool,
    ) -> Result<Vec<Package>> {
        let ev = &self.session.ev;
        let arguments = &self.flags.arguments;
        match source {
            Source::Default if arguments.first().is_some_and(|first| is_path(first)) => arguments
                .iter()
                .map(|path| self.store_object(path, store))
                .collect(),
            Source::Default => {
                let all = self.available(b"", false, false)?.packages;
                self.selected(all, newest_only)
            }
            Source::Profile(profile) => self.selected(user_environment::installed(ev, profile)?, newest_only),
            Source::Functions => {
                let argument = self.source()?;
                let mut found = vec![];
                for text in arguments {
                    let origin = Origin::String(Arc::from(text.as_slice()));
                    let function = ev.eval_text(text, origin, &current_dir()?)?;
                    let value = ev.heap.apply1(function.slot(), argument);
                    found.extend(packages::find(ev, value, self.auto_args, true)?);
                }
                Ok(found)
            }
            Source::Attributes => {
                let root = self.source()?;
                let mut found = vec![];
                for path in arguments {
                    let value = attr_path::find(ev, path, self.auto_args, root)?;
                    found.extend(packages::find(ev, value, self.auto_args, true)?);
                }
                Ok(found)
            }
        }
    }

    fn selected(&self, all: Vec<Package>, newest_only: bool) -> Result<Vec<Package>> {
        let ev = &self.session.ev;
        let all = selection::named(ev, all)?;
        let arguments = &self.flags.arguments;
        let selected: Vec<Named> = match newest_only {
            true => {
                let system = self.flags.common.system();
                selection::select_newest(ev, self.session.logger, &system, all, arguments)?
            }
            false => selection::select(all, arguments)?,
        };
        Ok(selected.into_iter().map(|selected| selected.package).collect())
    }

    /// An object of the store as a package.
    fn store_object(&self, path: &[u8], store: &LocalStore) -> Result<Package> {
        let path = store.follow_links_to_store_path(Path::new(OsStr::from_bytes(path)))?;
        let name = path.name().as_bytes().to_vec();
        if !path.is_derivation() {
            return Ok(Package::of_store(name, None, path));
        }
        let outputs = store.query_derivation_outputs(&path)?;
        let out = outputs.into_iter().find(|(name, _)| name == "out");
        let out = out.map(|(_, path)| path).ok_or_else(|| {
            let path = store.store_dir().print(&path);
            crate::failure::Failure::Plain(format!("derivation '{path}' does not have output 'out'"))
        })?;
        Ok(Package::of_store(name, Some(path), out))
    }
}
