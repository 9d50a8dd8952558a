//! What must be true of outputs: promised hashes, references that are or are not allowed, sizes.

use std::collections::{BTreeMap, BTreeSet};

use nivis_store::LocalStore;
use nivis_store::derivation::DerivationOutput;
use nivis_store::path::StorePath;
use nivis_store::path_info::PathInfo;

use crate::failure::{BuildFailure, FailureKind};
use crate::options::{Checks, OutputChecks, Reference};
use crate::prepare::Prepared;

/// Check outputs that are in place but not registered yet.
pub(crate) fn check(
    store: &LocalStore,
    prepared: &Prepared,
    infos: &BTreeMap<String, PathInfo>,
) -> Result<(), BuildFailure> {
    let checker = Checker {
        store,
        drv: store.store_dir().print(&prepared.job.drv_path),
        infos,
    };
    for (name, info) in infos {
        if let Some(DerivationOutput::Fixed(promised)) = prepared.job.drv.outputs.get(name) {
            let found = info.content_address.map(|address| address.hash);
            checker.check_promise(info, promised.hash, found.unwrap_or(info.nar_hash))?;
        }
        match &prepared.options.checks {
            Checks::All(checks) => checker.check(name, info, checks)?,
            Checks::Each(each) => {
                if let Some(checks) = each.get(name) {
                    checker.check(name, info, checks)?;
                }
            }
        }
    }
    Ok(())
}

struct Checker<'a> {
    store: &'a LocalStore,
    drv: String,
    infos: &'a BTreeMap<String, PathInfo>,
}

fn rejected(message: String) -> BuildFailure {
    BuildFailure::new(FailureKind::OutputRejected, message)
}

impl Checker<'_> {
    fn print(&self, path: &StorePath) -> String {
        self.store.store_dir().print(path)
    }

    fn check_promise(
        &self,
        info: &PathInfo,
        promised: nivis_store::hash::Hash,
        found: nivis_store::hash::Hash,
    ) -> Result<(), BuildFailure> {
        let mismatch = |message| Err(BuildFailure::new(FailureKind::HashMismatch, message));
        if promised != found {
            return mismatch(format!(
                "hash mismatch in fixed-output derivation '{}':\n  specified: {}\n     got:    {}",
                self.drv,
                promised.to_sri(),
                found.to_sri()
            ));
        }
        if let Some(first) = info.references.first() {
            return mismatch(format!(
                "fixed-output derivations must not reference store paths: '{}' references {} distinct paths, e.g. '{}'",
                self.drv,
                info.references.len(),
                self.print(first)
            ));
        }
        Ok(())
    }

    fn check(&self, name: &str, info: &PathInfo, checks: &OutputChecks) -> Result<(), BuildFailure> {
        if let Some(limit) = checks.max_size.filter(|limit| info.nar_size > *limit) {
            return Err(rejected(format!(
                "path '{}' is too large at {} bytes; limit is {limit} bytes",
                self.print(&info.path),
                info.nar_size
            )));
        }
        if let Some(limit) = checks.max_closure_size {
            let size = self.closure(&info.path)?.1;
            if size > limit {
                return Err(rejected(format!(
                    "closure of path '{}' is too large at {size} bytes; limit is {limit} bytes",
                    self.print(&info.path)
                )));
            }
        }
        if let Some(allowed) = &checks.allowed_references {
            self.check_used(name, info, allowed, true, &info.references)?;
        }
        let requisites = || -> Result<BTreeSet<StorePath>, BuildFailure> {
            let mut closure = self.closure(&info.path)?.0;
            if checks.ignore_self {
                closure.remove(&info.path);
            }
            Ok(closure)
        };
        if let Some(allowed) = &checks.allowed_requisites {
            self.check_used(name, info, allowed, true, &requisites()?)?;
        }
        if !checks.disallowed_references.is_empty() {
            self.check_used(name, info, &checks.disallowed_references, false, &info.references)?;
        }
        if !checks.disallowed_requisites.is_empty() {
            self.check_used(name, info, &checks.disallowed_requisites, false, &requisites()?)?;
        }
        Ok(())
    }

    /// Check paths that are used against a list of those that are, or are not, allowed.
    fn check_used(
        &self,
        name: &str,
        info: &PathInfo,
        list: &BTreeSet<Reference>,
        is_allowed: bool,
        used: &BTreeSet<StorePath>,
    ) -> Result<(), BuildFailure> {
        let mut listed = BTreeSet::new();
        for reference in list {
            listed.insert(match reference {
                Reference::Path(path) => path,
                Reference::Output(output) => match self.infos.get(output) {
                    Some(info) => &info.path,
                    None => {
                        let outputs: Vec<&str> = self.infos.keys().map(String::as_str).collect();
                        return Err(rejected(format!(
                            "derivation '{}' output check for '{name}' contains output name '{output}', \
                             but this is not a valid output of this derivation. (Valid outputs are [{}].)",
                            self.drv,
                            outputs.join(", ")
                        )));
                    }
                },
            });
        }
        let bad: String = used
            .iter()
            .filter(|path| listed.contains(path) != is_allowed)
            .map(|path| format!("\n  {}", self.print(path)))
            .collect();
        if bad.is_empty() {
            return Ok(());
        }
        Err(rejected(format!(
            "output '{}' is not allowed to refer to the following paths:{bad}",
            self.print(&info.path)
        )))
    }

    /// The closure of an output and its size, where other outputs may not be registered yet.
    fn closure(&self, path: &StorePath) -> Result<(BTreeSet<StorePath>, u64), BuildFailure> {
        let mut done = BTreeSet::new();
        let mut open = vec![path.clone()];
        let mut size = 0;
        while let Some(path) = open.pop() {
            if !done.insert(path.clone()) {
                continue;
            }
            match self.infos.values().find(|info| info.path == path) {
                Some(info) => {
                    size += info.nar_size;
                    open.extend(info.references.iter().cloned());
                }
                None => {
                    let info = self.store.query_path_info(&path)?;
                    size += info.nar_size;
                    open.extend(info.references);
                }
            }
        }
        Ok((done, size))
    }
}
