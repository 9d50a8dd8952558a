//! What a derivation makes: the kinds of its outputs, and the strings that stand for them.

use super::attributes::Attributes;
use crate::features::require_feature;
use nivis_eval::context::ContextElement;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::Level;
use nivis_eval::value::Value;
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::derivation::placeholder::DownstreamPlaceholder;
use nivis_store::derivation::{Derivation, DerivationOutput};
use nivis_store::hash::{Hash, HashAlgorithm};
use nivis_store::path::StorePath;

/// The derivation with the outputs that its attributes ask for. Paths are still to be filled in.
pub(super) fn with_outputs(ev: &Evaluator, attributes: Attributes<'_>) -> Result<Derivation> {
    let Attributes {
        mut drv,
        content_addressed,
        impure,
        hash,
        algorithm,
        method,
        outputs,
        ..
    } = attributes;
    if let Some(hash) = hash {
        // Whether it is content-addressed makes no difference: what is fixed always is.
        if !outputs.iter().map(String::as_str).eq(["out"]) {
            let message = "multiple outputs are not supported in fixed-output derivations";
            return Err(Error::new(Kind::Eval, message));
        }
        let address = ContentAddress {
            method: method.unwrap_or(ContentAddressMethod::Flat),
            hash: hash_allow_empty(ev, &hash, algorithm)?,
        };
        drv.outputs
            .insert("out".to_owned(), DerivationOutput::Fixed(address));
        return Ok(drv);
    }
    if content_addressed && impure {
        let message = "derivation cannot be both content-addressed and impure";
        return Err(Error::new(Kind::Eval, message));
    }
    let algorithm = algorithm.unwrap_or(HashAlgorithm::Sha256);
    let method = method.unwrap_or(ContentAddressMethod::NixArchive);
    for name in outputs {
        let output = if impure {
            DerivationOutput::Impure { method, algorithm }
        } else if content_addressed {
            DerivationOutput::Floating { method, algorithm }
        } else {
            DerivationOutput::Deferred
        };
        drv.outputs.insert(name, output);
    }
    Ok(drv)
}

/// Parses a hash. An empty one stands for the hash of only zeros, with a warning: it is what people write before
/// they know the right one.
pub(crate) fn hash_allow_empty(ev: &Evaluator, text: &str, algorithm: Option<HashAlgorithm>) -> Result<Hash> {
    let hash = Hash::parse_allow_empty(text, algorithm)
        .map_err(|error| Error::new(Kind::Eval, error.to_string()))?;
    if hash.algorithm() == HashAlgorithm::Blake3 {
        require_feature(ev, "blake3-hashes", "")?;
    }
    if text.is_empty() {
        let message = format!("found empty hash, assuming '{}'", hash.to_sri());
        ev.host.message(Level::Warning, &message);
    }
    Ok(hash)
}

/// The string for an output: its path, or what stands for that until it is known.
pub(crate) fn output_string(
    ev: &Evaluator,
    drv_path: &StorePath,
    drv_name: &str,
    output_name: &str,
    output: &DerivationOutput,
) -> Result<Value> {
    let store = ev.host.store_dir();
    let text = match output.path(store, drv_name, output_name)? {
        Some(path) => store.print(&path),
        None => {
            require_feature(ev, "ca-derivations", "")?;
            DownstreamPlaceholder::unknown_ca_output(drv_path, output_name)?.render()
        }
    };
    let context = ev.contexts.singleton(ContextElement::Output {
        drv: drv_path.clone(),
        output: output_name.into(),
    });
    Ok(ev.heap.string_in(text.as_bytes(), context))
}
