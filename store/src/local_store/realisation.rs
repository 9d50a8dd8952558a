//! Outputs whose paths come from their contents: which path an output is is known once it was built, and kept in the
//! database under the derivation's hash, so that derivations that are the same but for how their fixed inputs are
//! fetched share it.

use std::collections::BTreeMap;

use super::LocalStore;
use crate::derivation::hash_modulo::hash_derivation_modulo;
use crate::derivation::{Derivation, DerivationKind};
use crate::error::StoreError;
use crate::hash::{Hash, HashFormat};
use crate::path::StorePath;

/// An output, by the hash of its derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputId {
    hash: Hash,
    /// The output's name.
    pub output: String,
}

impl OutputId {
    /// The derivation as the database has it.
    pub(crate) fn derivation(&self) -> String {
        self.hash.to_prefixed(HashFormat::Base16)
    }
}

impl LocalStore {
    /// The names under which outputs are known of a derivation, which need not be in the store; its inputs must be.
    pub fn output_ids<'o>(
        &self,
        drv: &Derivation,
        outputs: impl IntoIterator<Item = &'o str>,
    ) -> Result<Vec<OutputId>, StoreError> {
        let mut cache = self.drv_hashes();
        let hash = hash_derivation_modulo(self.store_dir(), drv, true, &mut cache, &mut |input| {
            self.read_derivation(input)
        })?;
        let id = |output: &str| OutputId {
            hash: hash.hash,
            output: output.to_owned(),
        };
        Ok(outputs.into_iter().map(id).collect())
    }

    /// The path of an output: what the derivation says, or what it was when it was built.
    pub fn query_output_path(&self, drv: &Derivation, output: &str) -> Result<Option<StorePath>, StoreError> {
        if let Some(path) = drv.output_path(self.store_dir(), output)? {
            return Ok(Some(path));
        }
        if drv.kind()? == DerivationKind::Impure || !drv.outputs.contains_key(output) {
            return Ok(None);
        }
        match self.output_ids(drv, [output])?.first() {
            Some(id) => self.query(|db| db.realisation(id)),
            None => Ok(None),
        }
    }

    /// What a derivation became when it was built, if that is another one and known.
    pub fn query_resolved(&self, drv_path: &StorePath) -> Result<Option<StorePath>, StoreError> {
        let drv = self.read_derivation(drv_path)?;
        if !drv.must_be_resolved(false)? {
            return Ok(None);
        }
        let resolved = drv.resolve(self.store_dir(), &mut |input, output| {
            self.query_output_path(&self.read_derivation(input)?, output)
        })?;
        Ok(resolved.ok().map(|(_, made)| made.drv_path))
    }

    /// Notes what outputs of a derivation are, all of which are valid.
    pub fn register_realisations(
        &self,
        drv: &Derivation,
        outputs: &BTreeMap<String, StorePath>,
    ) -> Result<(), StoreError> {
        let ids = self.output_ids(drv, outputs.keys().map(String::as_str))?;
        let realisations: Vec<_> = ids.into_iter().zip(outputs.values().cloned()).collect();
        self.opened(|open, _| match &open.db {
            Some(db) if !self.config().read_only => db.register_realisations(&realisations),
            _ => Ok(()),
        })
    }
}
