//! Finding derivations in a value: itself, or those in a list or set, further down where
//! `recurseForDerivations` says so.

use crate::collection::collect_if_due;
use nivis_eval::attrs::Attrs;
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Error, Kind, Result, ResultExt};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;
use rustc_hash::FxHashSet;

/// A derivation that was found.
#[derive(Clone)]
pub(crate) struct Package {
    /// Where it was found: names and indices with dots between.
    pub(crate) attr_path: Vec<u8>,
    /// The set.
    pub(crate) attrs: &'static Attrs,
}

/// A place in a value where a search failed and went on.
pub(crate) struct Broken {
    /// The place.
    pub(crate) attr_path: Vec<u8>,
    /// What is wrong there.
    pub(crate) error: Error,
}

/// The derivations in a value, in the order of attribute names.
pub(crate) fn find(ev: &Evaluator, slot: Slot, auto_args: &'static Attrs) -> Result<Vec<Package>> {
    let mut search = Search::new(ev, auto_args);
    search.all(slot, b"")?;
    Ok(search.found)
}

/// A search for derivations.
pub(crate) struct Search<'e> {
    ev: &'e Evaluator,
    auto_args: &'static Attrs,
    /// Sets that were taken already: `rec { a = derivation …; b = a; }` is one derivation. All are in `found`.
    seen: FxHashSet<*const Attrs>,
    /// Leave out what `throw`s or fails an assertion.
    pub(crate) skip_assertions: bool,
    /// Note what fails in any other way, and go on.
    pub(crate) keep_going: bool,
    /// Collect garbage on the way: only if those who search have no other values at hand.
    pub(crate) collects: bool,
    /// The values that are being searched.
    open: Vec<Slot>,
    /// What was found so far.
    pub(crate) found: Vec<Package>,
    /// What failed so far, with `keep_going`.
    pub(crate) broken: Vec<Broken>,
}

impl<'e> Search<'e> {
    /// A search that stops at the first failure.
    pub(crate) fn new(ev: &'e Evaluator, auto_args: &'static Attrs) -> Search<'e> {
        Search {
            ev,
            auto_args,
            seen: FxHashSet::default(),
            skip_assertions: false,
            keep_going: false,
            collects: false,
            open: vec![],
            found: vec![],
            broken: vec![],
        }
    }

    /// Takes the value if it is a derivation; otherwise gives it back to be searched.
    fn take(&mut self, slot: Slot, path: &[u8]) -> Result<Option<Value>> {
        match self.take_or_fail(slot, path) {
            Err(error) if self.skip_assertions && error.kind().is_catchable() => Ok(None),
            outcome => outcome,
        }
    }

    fn take_or_fail(&mut self, slot: Slot, path: &[u8]) -> Result<Option<Value>> {
        let value = self.ev.force(slot, Pos::NONE)?;
        let Some(attrs) = value.as_attrs() else {
            return Ok(Some(value));
        };
        if !self.ev.is_derivation(attrs)? {
            return Ok(Some(value));
        }
        if !self.seen.contains(&std::ptr::from_ref(attrs)) {
            name_of(self.ev, attrs)?;
            self.seen.insert(std::ptr::from_ref(attrs));
            self.found.push(Package {
                attr_path: path.to_vec(),
                attrs,
            });
        }
        Ok(None)
    }

    /// Searches a value; `path` is where it is.
    pub(crate) fn all(&mut self, slot: Slot, path: &[u8]) -> Result<()> {
        let _depth = self.ev.enter_call(Pos::NONE)?;
        let value = self.ev.auto_call(self.auto_args, slot)?;
        let Some(value) = self.take(value.slot(), path)? else {
            return Ok(());
        };
        self.open.push(value.slot());
        let outcome = self.parts(value, path);
        self.open.pop();
        outcome
    }

    /// Searches the parts of a value.
    fn parts(&mut self, value: Value, path: &[u8]) -> Result<()> {
        if let Some(set) = value.as_attrs() {
            return self.attributes(set, path);
        }
        if let Some(list) = value.as_list() {
            for (i, &element) in list.iter().enumerate() {
                let path = below(path, i.to_string().as_bytes());
                let outcome = self.element(element, &path);
                self.note(outcome, &path)?;
                self.collect_if_due();
            }
            return Ok(());
        }
        let message = "expression does not evaluate to a derivation (or a set or list of those)";
        Err(Error::new(Kind::Type, message))
    }

    fn element(&mut self, slot: Slot, path: &[u8]) -> Result<()> {
        match self.take(slot, path)? {
            Some(_) => self.all(slot, path),
            None => Ok(()),
        }
    }

    fn attributes(&mut self, set: &'static Attrs, path: &[u8]) -> Result<()> {
        let ev = self.ev;
        let combine = ev
            .known_symbol(COMBINE_CHANNELS)
            .is_some_and(|name| set.find(name).is_some());
        for entry in ev.sorted_entries(set) {
            let name = ev.symbol_bytes(entry.name);
            if !is_path_component(name) {
                continue;
            }
            let path = below(path, name);
            let outcome = self.attribute(entry.slot, &path, combine);
            let outcome = outcome.in_frame_with(entry.pos, || {
                format!(
                    "while evaluating the attribute '{}'",
                    String::from_utf8_lossy(name)
                )
            });
            self.note(outcome, &path)?;
            self.collect_if_due();
        }
        Ok(())
    }

    /// Collects what evaluating the last part left behind.
    fn collect_if_due(&self) {
        if self.collects {
            let sets = self.found.iter().map(|package| package.attrs.value().slot());
            collect_if_due(self.ev, || sets.chain(self.open.iter().copied()));
        }
    }

    fn attribute(&mut self, slot: Slot, path: &[u8], combine: bool) -> Result<()> {
        if combine {
            return self.all(slot, path);
        }
        let Some(set) = self.take(slot, path)?.and_then(Value::as_attrs) else {
            return Ok(());
        };
        let Some(recurse) = set.find(self.ev.names.recurse_for_derivations) else {
            return Ok(());
        };
        let context = "while evaluating the attribute `recurseForDerivations`";
        match self.ev.expect_bool(recurse.slot, recurse.pos, context)? {
            true => self.all(slot, path),
            false => Ok(()),
        }
    }

    /// Stops at a failure, unless the search is to keep going.
    fn note(&mut self, outcome: Result<()>, path: &[u8]) -> Result<()> {
        match outcome {
            Err(error) if self.keep_going && error.kind() != Kind::Interrupted => {
                self.broken.push(Broken {
                    attr_path: path.to_vec(),
                    error,
                });
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// An attribute that marks sets whose attributes are sets of packages each.
pub(crate) const COMBINE_CHANNELS: &[u8] = b"_combineChannels";

/// A path one step further down.
fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    match path {
        b"" => name.to_vec(),
        path => [path, b".", name].concat(),
    }
}

/// Names that cannot be written in an attribute path are not searched.
fn is_path_component(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'))
}

/// The name of a derivation.
pub(crate) fn name_of(ev: &Evaluator, attrs: &'static Attrs) -> Result<&'static [u8]> {
    let Some(name) = attrs.get(ev.names.name) else {
        return Err(Error::new(Kind::Type, "derivation name missing"));
    };
    let context = "while evaluating the 'name' attribute of a derivation";
    ev.expect_string_without_context(name, Pos::NONE, context)
}

impl Package {
    /// The path of the `.drv` file.
    pub(crate) fn drv_path(&self, ev: &Evaluator) -> Result<StorePath> {
        let Some(found) = self.attrs.find(ev.names.drv_path) else {
            let message = "derivation does not contain a 'drvPath' attribute";
            return Err(Error::new(Kind::Eval, message));
        };
        let context = "while evaluating the 'drvPath' attribute of a derivation";
        let path = coerce_to_store_path(ev, found.slot, found.pos, context)?;
        if !path.is_derivation() {
            let message = format!("store path '{}' is not a valid derivation path", path.base_name());
            return Err(Error::new(Kind::Eval, message).frame(found.pos, context));
        }
        Ok(path)
    }

    /// The name of the output that the value stands for; empty if it does not say.
    pub(crate) fn output_name(&self, ev: &Evaluator) -> Result<String> {
        let Some(slot) = self.attrs.get(ev.names.output_name) else {
            return Ok(String::new());
        };
        let context = "while evaluating the output name of a derivation";
        let name = ev.expect_string_without_context(slot, Pos::NONE, context)?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

/// The store path that a string or path names.
pub(crate) fn coerce_to_store_path(
    ev: &Evaluator,
    slot: Slot,
    pos: Pos,
    context: &'static str,
) -> Result<StorePath> {
    let mut strings = ContextBuilder::default();
    let text = ev.coerce_to_string(slot, pos, &mut strings, context, Coercion::PLAIN)?;
    ev.host.store_dir().parse(&text).map_err(|_| {
        let message = format!(
            "path '{}' is not in the Nix store",
            String::from_utf8_lossy(&text)
        );
        Error::new(Kind::Eval, message).frame(pos, context)
    })
}
