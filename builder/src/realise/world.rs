//! The store as the scheduler sees it. What was asked once is remembered as far as it cannot change.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use nivis_store::LocalStore;
use nivis_store::derivation::{Derivation, DerivationKind};
use nivis_store::error::StoreError;
use nivis_store::nar;
use nivis_store::path::StorePath;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::events::Level;
use crate::schedule::{Outputs, World};

/// A store on disk.
pub struct StoreWorld<'s> {
    store: &'s LocalStore,
    /// Paths known to be valid: they are roots of this process, so they stay.
    valid: FxHashSet<StorePath>,
    references: FxHashMap<StorePath, Rc<[StorePath]>>,
    intact: FxHashMap<StorePath, bool>,
    messages: Vec<(Level, String)>,
    /// Outputs that were built here, of derivations that do not say their paths.
    built: FxHashMap<(StorePath, String), StorePath>,
}

impl<'s> StoreWorld<'s> {
    /// That store.
    pub fn new(store: &'s LocalStore) -> StoreWorld<'s> {
        StoreWorld {
            store,
            valid: FxHashSet::default(),
            references: FxHashMap::default(),
            intact: FxHashMap::default(),
            messages: vec![],
            built: FxHashMap::default(),
        }
    }

    /// The valid paths that were asked for.
    pub(super) fn used(&self) -> impl Iterator<Item = &StorePath> {
        self.valid.iter()
    }

    /// What there is to tell since the last time.
    pub(super) fn take_messages(&mut self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.messages)
    }

    /// Whether all paths are valid, and intact if that matters.
    pub(super) fn all_good(&mut self, paths: &BTreeSet<StorePath>, intact: bool) -> Result<bool, StoreError> {
        for path in paths {
            if !self.is_valid(path)? || (intact && !self.is_intact(path)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Paths that were just made again.
    pub(super) fn mark_intact<'p>(&mut self, paths: impl Iterator<Item = &'p StorePath>) {
        self.intact.extend(paths.map(|path| (path.clone(), true)));
    }

    /// What a derivation was built to.
    pub(super) fn mark_built(&mut self, drv: &StorePath, outputs: &BTreeMap<String, StorePath>) {
        for (name, path) in outputs {
            self.built.insert((drv.clone(), name.clone()), path.clone());
        }
    }

    /// Everything that a derivation's inputs refer to, and they themselves.
    pub(super) fn input_closure(&mut self, drv: &Derivation) -> Result<BTreeSet<StorePath>, StoreError> {
        let mut open: Vec<StorePath> = drv.input_srcs.iter().cloned().collect();
        for (input_path, wanted) in &drv.input_drvs {
            let input = self.store.read_derivation(input_path)?;
            for name in &wanted.outputs {
                open.extend(self.output_path(input_path, &input, name)?);
            }
        }
        self.closure(open)
    }

    /// The outputs of a derivation whose paths are known.
    fn output_paths(&mut self, drv_path: &StorePath) -> Result<Vec<StorePath>, StoreError> {
        let drv = self.store.read_derivation(drv_path)?;
        let mut paths = vec![];
        for name in drv.outputs.keys() {
            paths.extend(self.output_path(drv_path, &drv, name)?);
        }
        Ok(paths)
    }

    fn closure(&mut self, mut open: Vec<StorePath>) -> Result<BTreeSet<StorePath>, StoreError> {
        let mut closure: BTreeSet<StorePath> = open.iter().cloned().collect();
        while let Some(path) = open.pop() {
            for reference in self.references(&path)?.iter() {
                if !closure.contains(reference) {
                    closure.insert(reference.clone());
                    open.push(reference.clone());
                }
            }
        }
        Ok(closure)
    }

    fn references(&mut self, path: &StorePath) -> Result<Rc<[StorePath]>, StoreError> {
        if let Some(known) = self.references.get(path) {
            return Ok(known.clone());
        }
        let found: Rc<[StorePath]> = self.store.query_references(path)?.into_iter().collect();
        self.references.insert(path.clone(), found.clone());
        Ok(found)
    }

    fn hash_is_right(&self, path: &StorePath) -> Result<bool, StoreError> {
        let info = self.store.query_path_info(path)?;
        let found = nar::hash_path(&self.store.real_path(path), nar::accept_all);
        // What cannot be read is not intact.
        Ok(found.is_ok_and(|(hash, _)| hash == info.nar_hash))
    }
}

impl World for StoreWorld<'_> {
    type Error = StoreError;

    fn derivation(&mut self, drv: &StorePath) -> Result<Option<Rc<Derivation>>, StoreError> {
        match self.is_valid(drv)? || self.store.is_valid_derivation(drv)? {
            true => self.store.read_derivation(drv).map(|drv| Some(Rc::new(drv))),
            false => Ok(None),
        }
    }

    fn output_path(
        &mut self,
        drv_path: &StorePath,
        drv: &Derivation,
        output: &str,
    ) -> Result<Option<StorePath>, StoreError> {
        if let Some(path) = drv.output_path(self.store.store_dir(), output)? {
            return Ok(Some(path));
        }
        match self.built.get(&(drv_path.clone(), output.to_owned())) {
            Some(path) => Ok(Some(path.clone())),
            None => self.store.query_output_path(drv, output),
        }
    }

    fn resolve(&mut self, drv: &Derivation) -> Result<Result<StorePath, StorePath>, StoreError> {
        let store = self.store;
        let resolved = drv.resolve(store.store_dir(), &mut |input, output| {
            let derivation = store.read_derivation(input)?;
            self.output_path(input, &derivation, output)
        })?;
        Ok(match resolved {
            Ok((resolved, made)) => {
                store.add_temp_roots([&made.drv_path])?;
                store.add_derivation(&resolved, &made)?;
                Ok(made.drv_path)
            }
            Err(input) => Err(input),
        })
    }

    fn adopt(
        &mut self,
        drv_path: &StorePath,
        resolved_path: &StorePath,
        wanted: &Outputs,
    ) -> Result<Result<(), String>, StoreError> {
        let drv = self.store.read_derivation(drv_path)?;
        let resolved = self.store.read_derivation(resolved_path)?;
        let mut outputs = BTreeMap::new();
        for name in drv.outputs.keys().filter(|name| wanted.contains(name)) {
            let Some(path) = self.output_path(resolved_path, &resolved, name)? else {
                return Ok(Err(format!(
                    "derivation '{}' doesn't have expected output '{name}'",
                    self.store.store_dir().print(resolved_path)
                )));
            };
            outputs.insert(name.clone(), path);
        }
        self.mark_built(drv_path, &outputs);
        if drv.kind()? != DerivationKind::Impure {
            self.store.register_realisations(&drv, &outputs)?;
        }
        Ok(Ok(()))
    }

    fn is_valid(&mut self, path: &StorePath) -> Result<bool, StoreError> {
        if self.valid.contains(path) {
            return Ok(true);
        }
        // A root before it is looked up, or a collector could delete it in between.
        self.store.add_temp_roots([path])?;
        let valid = self.store.is_valid_path(path)?;
        if valid {
            self.valid.insert(path.clone());
        }
        Ok(valid)
    }

    fn has_source(&mut self, path: &StorePath) -> Result<bool, StoreError> {
        self.store.obtain_source(path)?;
        self.is_valid(path)
    }

    fn is_intact(&mut self, path: &StorePath) -> Result<bool, StoreError> {
        if let Some(&known) = self.intact.get(path) {
            return Ok(known);
        }
        let printed = self.store.store_dir().print(path);
        self.messages
            .push((Level::Info, format!("checking path '{printed}'...")));
        let intact = self.hash_is_right(path)?;
        if !intact {
            self.messages
                .push((Level::Error, format!("path '{printed}' is corrupted or missing!")));
        }
        self.intact.insert(path.clone(), intact);
        Ok(intact)
    }

    fn damaged_closure(
        &mut self,
        drv: &StorePath,
        output: &StorePath,
    ) -> Result<Vec<(StorePath, Option<StorePath>)>, StoreError> {
        let mut closure = self.closure(vec![output.clone()])?;
        for own in self.output_paths(drv)? {
            closure.remove(&own);
        }
        let mut damaged = vec![];
        for path in closure {
            if !self.is_intact(&path)? {
                damaged.push(path);
            }
        }
        if damaged.is_empty() {
            return Ok(vec![]);
        }
        let mut makers = FxHashMap::default();
        for input in self.closure(vec![drv.clone()])? {
            if input.is_derivation() {
                for path in self.output_paths(&input)? {
                    makers.insert(path, input.clone());
                }
            }
        }
        Ok(damaged
            .into_iter()
            .map(|path| (path.clone(), makers.get(&path).cloned()))
            .collect())
    }
}
