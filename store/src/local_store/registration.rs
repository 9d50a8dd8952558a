//! What the database has of paths, as text: for moving it, and for registering what others put into the store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::LocalStore;
use crate::canonicalise::canonicalise;
use crate::db::Registration;
use crate::error::StoreError;
use crate::hash::{Hash, HashAlgorithm};
use crate::io_error::IoError;
use crate::nar::hash_path;
use crate::path::StorePath;
use crate::path_info::PathInfo;

/// How [`LocalStore::load_registrations`] takes what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reregister {
    /// The text has hashes and sizes, which are believed.
    pub hash_given: bool,
    /// What is valid already is registered again.
    pub known_too: bool,
    /// The metadata of the files is brought into the form of the store.
    pub canonicalise: bool,
}

impl LocalStore {
    /// A path as [`LocalStore::load_registrations`] reads it.
    pub fn registration_text(&self, info: &PathInfo) -> String {
        let print = |path: &StorePath| self.store_dir().print(path);
        let mut text = format!(
            "{}\n{}\n{}\n{}\n{}\n",
            print(&info.path),
            info.nar_hash.to_base16(),
            info.nar_size,
            info.deriver.as_ref().map(print).unwrap_or_default(),
            info.references.len()
        );
        for reference in &info.references {
            text.push_str(&print(reference));
            text.push('\n');
        }
        text
    }

    /// Register paths whose files are in place, all of them or none.
    pub fn load_registrations(&self, source: &mut impl BufRead, how: Reregister) -> Result<(), StoreError> {
        let mut infos = BTreeMap::new();
        let mut lines = Lines { source };
        while let Some(mut info) = self.read_registration(&mut lines, how.hash_given)? {
            if !how.known_too && self.is_valid_path(&info.path)? {
                continue;
            }
            let place = self.real_path(&info.path);
            if how.canonicalise {
                canonicalise(&place, None)?;
            }
            if !how.hash_given {
                (info.nar_hash, info.nar_size) = hash_path::<_, StoreError>(&place, |_, _| {
                    self.notify.check_interrupt()?;
                    Ok(true)
                })?;
            }
            infos.insert(info.path.clone(), info);
        }
        let registrations = infos
            .into_values()
            .map(|info| {
                Ok(Registration {
                    outputs: self.outputs_of(&info)?,
                    info,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        self.register_valid_paths(&registrations)
    }

    fn read_registration<R: BufRead>(
        &self,
        lines: &mut Lines<'_, R>,
        with_hash: bool,
    ) -> Result<Option<PathInfo>, StoreError> {
        let Some(path) = lines.next()? else {
            return Ok(None);
        };
        let (mut nar_hash, mut nar_size) = (Hash::zero(HashAlgorithm::Sha256), 0);
        if with_hash {
            nar_hash = Hash::parse_any(&lines.need()?, Some(HashAlgorithm::Sha256))
                .map_err(|error| StoreError::BadRegistration(error.to_string()))?;
            nar_size = number(&lines.need()?)?;
        }
        let mut info = PathInfo::new(self.store_dir().parse(path)?, nar_hash, nar_size);
        let deriver = lines.need()?;
        if !deriver.is_empty() {
            info.deriver = Some(self.store_dir().parse(deriver)?);
        }
        let mut references = BTreeSet::new();
        for _ in 0..number(&lines.need()?)? {
            references.insert(self.store_dir().parse(lines.need()?)?);
        }
        info.references = references;
        Ok(Some(info))
    }
}

fn number(text: &str) -> Result<u64, StoreError> {
    text.parse()
        .map_err(|_| StoreError::BadRegistration("number expected".to_owned()))
}

struct Lines<'a, R> {
    source: &'a mut R,
}

impl<R: BufRead> Lines<'_, R> {
    /// The next line, if there is one with an end.
    fn next(&mut self) -> Result<Option<String>, StoreError> {
        let mut line = Vec::new();
        self.source
            .read_until(b'\n', &mut line)
            .map_err(|error| IoError::during("reading standard input", error))?;
        match line.pop() {
            Some(b'\n') => Ok(Some(String::from_utf8_lossy(&line).into_owned())),
            _ => Ok(None),
        }
    }

    fn need(&mut self) -> Result<String, StoreError> {
        let missing = || StoreError::BadRegistration("missing input".to_owned());
        self.next()?.ok_or_else(missing)
    }
}
