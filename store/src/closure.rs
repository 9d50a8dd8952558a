//! What can be reached from paths, by references or against them.

use std::collections::BTreeSet;

use crate::LocalStore;
use crate::error::StoreError;
use crate::path::StorePath;

/// Which way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what a path refers to.
    References {
        /// Also from a derivation to its valid outputs.
        outputs: bool,
        /// Also from a path to its deriver, if that is valid.
        derivers: bool,
    },
    /// To what refers to a path.
    Referrers {
        /// Also from a path to the valid derivations that have it for an output.
        derivers: bool,
        /// Also from a derivation to its valid outputs.
        outputs: bool,
    },
}

impl LocalStore {
    /// All that can be reached from `paths`, and they themselves.
    pub fn closure(
        &self,
        paths: impl IntoIterator<Item = StorePath>,
        direction: Direction,
    ) -> Result<BTreeSet<StorePath>, StoreError> {
        let mut open: Vec<StorePath> = paths.into_iter().collect();
        let mut closure = BTreeSet::from_iter(open.iter().cloned());
        while let Some(path) = open.pop() {
            for next in self.step(&path, direction)? {
                if closure.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        Ok(closure)
    }

    fn step(&self, path: &StorePath, direction: Direction) -> Result<BTreeSet<StorePath>, StoreError> {
        let mut next;
        let with_outputs;
        match direction {
            Direction::References { outputs, derivers } => {
                let info = self.query_path_info(path)?;
                next = info.references;
                with_outputs = outputs;
                if let Some(deriver) = info.deriver.filter(|_| derivers)
                    && self.is_valid_path(&deriver)?
                {
                    next.insert(deriver);
                }
            }
            Direction::Referrers { derivers, outputs } => {
                next = self.query_referrers(path)?;
                with_outputs = outputs;
                if derivers {
                    next.append(&mut self.query_valid_derivers(path)?);
                }
            }
        }
        if with_outputs && path.is_derivation() {
            let outputs = self.query_derivation_outputs(path)?;
            let outputs = outputs.into_iter().map(|(_, output)| output).collect();
            next.append(&mut self.query_valid_paths(&outputs)?);
        }
        Ok(next)
    }
}
