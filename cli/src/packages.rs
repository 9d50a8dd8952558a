//! Packages: what is known of a derivation that can be listed or installed.
//!
//! A package is a derivation found in an expression, or an object of the store. What is asked of it is evaluated
//! when it is asked, so that listing names does not instantiate anything.

mod meta;
mod name;
mod order;

pub(crate) use meta::MetaValue;
pub(crate) use name::{DrvName, Selector};
pub(crate) use order::sort_like_reference;

use crate::derivations::{self, coerce_to_store_path, name_of};
use nivis_eval::attrs::Attrs;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::Slot;
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;
use std::collections::BTreeMap;

/// The outputs of a package by name, with their paths if these were asked for.
pub(crate) type Outputs = BTreeMap<Vec<u8>, Option<StorePath>>;

/// A package.
#[derive(Clone)]
pub(crate) struct Package {
    /// Where it was found; empty if it is an object of the store.
    pub(crate) attr_path: Vec<u8>,
    attrs: Option<&'static Attrs>,
    /// What few packages of a listing have.
    given: Option<Box<Given>>,
}

/// What is known of a package apart from what its expression says.
#[derive(Clone, Default)]
struct Given {
    /// Its name.
    name: Option<Vec<u8>>,
    /// Its derivation, for objects of the store.
    drv: Option<StorePath>,
    /// Its output, for objects of the store.
    out: Option<StorePath>,
    /// `meta` with what was changed of it.
    meta: Option<&'static Attrs>,
}

impl From<derivations::Package> for Package {
    fn from(found: derivations::Package) -> Package {
        Package {
            attr_path: found.attr_path,
            attrs: Some(found.attrs),
            given: None,
        }
    }
}

impl Package {
    /// A package that is an object of the store, made by `drv` if that is known.
    pub(crate) fn of_store(name: Vec<u8>, drv: Option<StorePath>, out: StorePath) -> Package {
        Package {
            attr_path: vec![],
            attrs: None,
            given: Some(Box::new(Given {
                name: Some(name),
                drv,
                out: Some(out),
                meta: None,
            })),
        }
    }

    /// The values that it consists of.
    pub(crate) fn values(&self) -> impl Iterator<Item = Slot> {
        let sets = self.attrs.into_iter().chain(self.given(|given| given.meta));
        sets.map(|set| set.value().slot())
    }

    fn given<'p, T>(&'p self, part: impl FnOnce(&'p Given) -> Option<T>) -> Option<T> {
        self.given.as_deref().and_then(part)
    }

    /// Gives it another name.
    pub(crate) fn set_name(&mut self, name: &[u8]) {
        self.given.get_or_insert_default().name = Some(name.to_vec());
    }

    fn attribute(&self, name: nivis_lang::symbol::Symbol) -> Option<nivis_eval::attrs::Found> {
        self.attrs?.find(name)
    }

    /// The name with the version.
    pub(crate) fn name(&self, ev: &Evaluator) -> Result<Vec<u8>> {
        match (self.given(|given| given.name.as_ref()), self.attrs) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some(attrs)) => Ok(name_of(ev, attrs)?.to_vec()),
            (None, None) => Ok(vec![]),
        }
    }

    /// The type of machine it is for.
    pub(crate) fn system(&self, ev: &Evaluator) -> Result<Vec<u8>> {
        if self.attrs.is_none() {
            return Ok(vec![]);
        }
        let Some(found) = self.attribute(ev.names.system) else {
            return Ok(b"unknown".to_vec());
        };
        let context = "while evaluating the 'system' attribute of a derivation";
        let system = ev.expect_string_without_context(found.slot, found.pos, context)?;
        Ok(system.to_vec())
    }

    /// The path of the `.drv` file, if it says so.
    pub(crate) fn drv_path(&self, ev: &Evaluator) -> Result<Option<StorePath>> {
        if let Some(path) = self.given(|given| given.drv.as_ref()) {
            return Ok(Some(path.clone()));
        }
        match (self.attrs, self.attribute(ev.names.drv_path)) {
            (Some(attrs), Some(_)) => {
                let found = derivations::Package {
                    attr_path: vec![],
                    attrs,
                };
                found.drv_path(ev).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The path of the output that the package stands for.
    pub(crate) fn out_path(&self, ev: &Evaluator) -> Result<StorePath> {
        if let Some(path) = self.given(|given| given.out.as_ref()) {
            return Ok(path.clone());
        }
        let Some(found) = self.attribute(ev.names.out_path) else {
            let message = "derivation does not have attribute 'outPath'";
            return Err(Error::new(Kind::Eval, message));
        };
        let context = "while evaluating the output path of a derivation";
        coerce_to_store_path(ev, found.slot, found.pos, context)
    }

    /// The name of the output that the package stands for; empty if it does not say.
    pub(crate) fn output_name(&self, ev: &Evaluator) -> Result<Vec<u8>> {
        let Some(found) = self.attribute(ev.names.output_name) else {
            return Ok(vec![]);
        };
        let context = "while evaluating the output name of a derivation";
        let name = ev.expect_string_without_context(found.slot, Pos::NONE, context)?;
        Ok(name.to_vec())
    }

    /// All outputs.
    pub(crate) fn outputs(&self, ev: &Evaluator, with_paths: bool) -> Result<Outputs> {
        let mut outputs = Outputs::new();
        let Some(found) = self.attribute(ev.names.outputs) else {
            let path = with_paths.then(|| self.out_path(ev)).transpose()?;
            outputs.insert(b"out".to_vec(), path);
            return Ok(outputs);
        };
        let context = "while evaluating the 'outputs' attribute of a derivation";
        for &element in ev.expect_list(found.slot, found.pos, context)? {
            let context = "while evaluating the name of an output of a derivation";
            let name = ev.expect_string_without_context(element, found.pos, context)?;
            if !with_paths {
                outputs.insert(name.to_vec(), None);
            } else if let Some(path) = self.output_path(ev, name, found.pos)? {
                outputs.entry(name.to_vec()).or_insert(Some(path));
            }
        }
        Ok(outputs)
    }

    /// The path of a named output; `None` if the package does not tell.
    fn output_path(&self, ev: &Evaluator, name: &[u8], pos: Pos) -> Result<Option<StorePath>> {
        let Some(output) = self.attribute(ev.intern(name)) else {
            return Ok(None);
        };
        let context = "while evaluating an output of a derivation";
        let output = ev.expect_attrs(output.slot, pos, context)?;
        let Some(path) = output.find(ev.names.out_path) else {
            return Ok(None);
        };
        let context = "while evaluating an output path of a derivation";
        coerce_to_store_path(ev, path.slot, path.pos, context).map(Some)
    }

    /// The outputs that are installed, with their paths: the one that was selected, those that
    /// `meta.outputsToInstall` names, or all.
    pub(crate) fn outputs_to_install(&self, ev: &Evaluator) -> Result<Outputs> {
        let mut outputs = self.outputs(ev, true)?;
        if self.attrs.is_none() {
            return Ok(outputs);
        }
        if let Some(found) = self.attribute(ev.names.output_specified) {
            let context = "while evaluating the 'outputSpecified' attribute of a derivation";
            if ev.expect_bool(found.slot, found.pos, context)? {
                let name = self.output_name(ev)?;
                return match outputs.remove_entry(&name) {
                    Some(output) => Ok(Outputs::from([output])),
                    None => {
                        let name = String::from_utf8_lossy(&name);
                        let message = format!("derivation does not have output '{name}'");
                        Err(Error::new(Kind::Eval, message))
                    }
                };
            }
        }
        let Some(wanted) = self.meta(ev, b"outputsToInstall")? else {
            return Ok(outputs);
        };
        let bad = || Error::new(Kind::Eval, "this derivation has bad 'meta.outputsToInstall'");
        let mut chosen = Outputs::new();
        for &name in wanted.as_list().ok_or_else(bad)? {
            let name = name.evaluated().and_then(|value| value.as_string());
            let name = name.ok_or_else(bad)?.bytes();
            let path = outputs.get(name).ok_or_else(bad)?;
            chosen.insert(name.to_vec(), path.clone());
        }
        Ok(chosen)
    }
}

/// The derivations in a value; those that `throw` or fail an assertion are left out if `skip_assertions`.
pub(crate) fn find(
    ev: &Evaluator,
    slot: Slot,
    auto_args: &'static Attrs,
    skip_assertions: bool,
) -> Result<Vec<Package>> {
    let mut search = derivations::Search::new(ev, auto_args);
    search.skip_assertions = skip_assertions;
    search.all(slot, b"")?;
    Ok(search.found.into_iter().map(Package::from).collect())
}
