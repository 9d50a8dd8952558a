//! Resolving: a derivation whose inputs were built becomes one that needs no other derivations.

use super::placeholder::DownstreamPlaceholder;
use super::{Derivation, DerivationError, DerivationKind, HashModuloCache, Instantiated, instantiate};
use crate::path::{StoreDir, StorePath};

/// Gives the path of an output of an input, if it has one.
pub type OutputPath<'f, E> = dyn FnMut(&StorePath, &str) -> Result<Option<StorePath>, E> + 'f;

impl Derivation {
    /// Whether it can only be built once it is resolved. With `content_addressed`, also those with fixed outputs
    /// that need other derivations are, for that saves builds.
    pub fn must_be_resolved(&self, content_addressed: bool) -> Result<bool, DerivationError> {
        Ok(!self.input_drvs.is_empty()
            && match self.kind()? {
                DerivationKind::InputAddressed => false,
                DerivationKind::Fixed => content_addressed,
                DerivationKind::Floating | DerivationKind::Deferred | DerivationKind::Impure => true,
            })
    }

    /// The derivation with the outputs that it needs as sources; `output_path` gives the path of an output of an
    /// input. Also gives the first input whose output has none.
    pub fn resolve<E: From<DerivationError>>(
        &self,
        store: &StoreDir,
        output_path: &mut OutputPath<'_, E>,
    ) -> Result<Result<(Derivation, Instantiated), StorePath>, E> {
        let mut resolved = self.clone();
        let mut rewrites = vec![];
        for (input, needed) in std::mem::take(&mut resolved.input_drvs) {
            for output in &needed.outputs {
                let Some(path) = output_path(&input, output)? else {
                    return Ok(Err(input));
                };
                let placeholder = DownstreamPlaceholder::unknown_ca_output(&input, output)
                    .map_err(DerivationError::from)?;
                rewrites.push((placeholder.render(), store.print(&path)));
                resolved.input_srcs.insert(path);
            }
        }
        let rewrite = |text: &mut Vec<u8>| {
            for (from, to) in &rewrites {
                replace(text, from.as_bytes(), to.as_bytes());
            }
        };
        rewrite(&mut resolved.builder);
        resolved.args.iter_mut().for_each(rewrite);
        let rewritten = |text: &[u8]| {
            let mut text = text.to_vec();
            rewrite(&mut text);
            text
        };
        let variables = self.env.iter();
        resolved.env = variables
            .map(|(name, value)| (rewritten(name), rewritten(value)))
            .collect();
        // Nothing is read: there are no inputs any more.
        let made = instantiate(store, &mut resolved, &mut HashModuloCache::new(), &mut |path| {
            Err(DerivationError::Cycle(store.print(path)))
        })?;
        Ok(Ok((resolved, made)))
    }
}

fn replace(text: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    let mut start = 0;
    while let Some(offset) = memchr::memmem::find(&text[start..], from) {
        let place = start + offset;
        text.splice(place..place + from.len(), to.iter().copied());
        start = place + to.len();
    }
}
