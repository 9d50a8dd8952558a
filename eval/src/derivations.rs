//! The derivations computed in this evaluation: their hashes, and what they were made of.
//!
//! Read-only evaluation writes no `.drv` file, so what later derivations need to know of earlier ones is kept
//! here. A derivation's inputs are exactly the context of its strings, so one interned id remembers them.

use crate::context::{ContextElement, ContextId};
use crate::error::{Error, Kind, Result};
use crate::evaluator::Evaluator;
use crate::value::Value;
use nivis_store::derivation::{Derivation, DerivationError, HashModuloCache, aterm};
use nivis_store::path::{PathError, StorePath};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// What is known of derivations and texts without reading the store.
#[derive(Default)]
pub struct Derivations {
    /// The hashes that output paths are made of.
    pub hashes: RefCell<HashModuloCache>,
    /// What derivations and texts refer to, as the context they were made with.
    made_of: RefCell<FxHashMap<StorePath, ContextId>>,
    /// The function that makes packages of derivations in the store.
    pub imported: Cell<Option<Value>>,
}

impl Derivations {
    /// Remembers that an object of the store was made of strings with that context.
    pub fn remember(&self, path: StorePath, context: ContextId) {
        self.made_of.borrow_mut().insert(path, context);
    }

    fn context_of(&self, path: &StorePath) -> Option<ContextId> {
        self.made_of.borrow().get(path).copied()
    }
}

impl Evaluator {
    /// A derivation of the store.
    pub fn read_derivation(&self, path: &StorePath) -> Result<Derivation> {
        let text = self.host.read_derivation(path)?;
        let name = path.drv_name()?;
        aterm::parse(self.host.store_dir(), &text, name).map_err(|source| {
            DerivationError::InFile {
                path: self.host.store_dir().print(path),
                source,
            }
            .into()
        })
    }

    /// The path and everything it refers to, directly or not.
    pub fn store_closure(&self, path: &StorePath) -> Result<BTreeSet<StorePath>> {
        let mut closure = BTreeSet::from([path.clone()]);
        let mut todo = vec![path.clone()];
        while let Some(path) = todo.pop() {
            for reference in self.store_references(&path)? {
                if closure.insert(reference.clone()) {
                    todo.push(reference);
                }
            }
        }
        Ok(closure)
    }

    /// What an object of the store refers to.
    pub fn store_references(&self, path: &StorePath) -> Result<Vec<StorePath>> {
        if let Some(context) = self.derivations.context_of(path) {
            let elements = self.contexts.elements(context);
            let mut references = vec![];
            for element in elements.iter() {
                match element {
                    ContextElement::Path(path) => references.push(path.clone()),
                    ContextElement::Output { drv, .. } => references.push(drv.clone()),
                    // The whole closure was made an input; walking it from its top gives the same.
                    ContextElement::DrvDeep(drv) => references.push(drv.clone()),
                }
            }
            return Ok(references);
        }
        match self.host.references(path) {
            // Sources that were not copied refer to nothing.
            Err(_) if self.settings.read_only => Ok(vec![]),
            found => found,
        }
    }

    /// The names of a derivation's outputs, in order.
    pub fn output_names(&self, drv: &StorePath) -> Result<BTreeSet<String>> {
        if let Some(known) = self.derivations.hashes.borrow().get(drv) {
            return Ok(known.output_names().map(str::to_owned).collect());
        }
        Ok(self.read_derivation(drv)?.outputs.into_keys().collect())
    }
}

impl From<DerivationError> for Error {
    #[cold]
    fn from(error: DerivationError) -> Error {
        Error::new(Kind::Store, error.to_string())
    }
}

impl From<PathError> for Error {
    #[cold]
    fn from(error: PathError) -> Error {
        Error::new(Kind::Store, error.to_string())
    }
}
