//! From a derivation as it was written to one that can be stored: output paths, text and path.

use super::hash_modulo::{DrvHash, HashModuloCache, hash_derivation_modulo};
use super::placeholder::placeholder;
use super::{Derivation, DerivationError, DerivationKind, DerivationOutput};
use crate::hash::Hash;
use crate::path::{DRV_EXTENSION, StoreDir, StorePath};

/// More than most texts have.
const TEXT_SIZE: usize = 8 * 1024;

/// What [`instantiate`] found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instantiated {
    /// The path of the `.drv` file.
    pub drv_path: StorePath,
    /// The text of the `.drv` file.
    pub text: Vec<u8>,
}

/// Compute the paths of the outputs that are [`DerivationOutput::Deferred`], set the variable of each output
/// to its path (or what stands for it), and make text and path of the `.drv` file.
///
/// Outputs stay deferred if an input's path is not known before it is built. The hash of the derivation is
/// put into the cache, so that derivations that need it do without the file.
pub fn instantiate<E: From<DerivationError>>(
    store: &StoreDir,
    drv: &mut Derivation,
    cache: &mut HashModuloCache,
    read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
) -> Result<Instantiated, E> {
    let masked = fill_in_output_paths(store, drv, cache, read)?;
    let mut text = Vec::with_capacity(TEXT_SIZE);
    let drv_path = match masked {
        Some(masked) => {
            let inputs = cache.write_unmasked(store, drv, &mut text)?;
            let drv_path = drv_path(store, drv, &text)?;
            if cache.get(&drv_path).is_none() {
                cache.insert_unmasked(drv_path.clone(), masked, &text, inputs);
            }
            drv_path
        }
        None => {
            drv.write_aterm(store, &mut text).map_err(DerivationError::from)?;
            let drv_path = drv_path(store, drv, &text)?;
            if cache.get(&drv_path).is_none() {
                let hash = hash_derivation_modulo(store, drv, false, cache, read)?;
                cache.insert(drv_path.clone(), hash);
            }
            drv_path
        }
    };
    Ok(Instantiated { drv_path, text })
}

/// The path of the `.drv` file with that text.
fn drv_path(store: &StoreDir, drv: &Derivation, text: &[u8]) -> Result<StorePath, DerivationError> {
    let name = format!("{}{DRV_EXTENSION}", drv.name);
    let hash = Hash::sha256(text);
    let mut references: Vec<_> = drv.input_srcs.iter().chain(drv.input_drvs.keys()).collect();
    references.sort_unstable();
    references.dedup();
    Ok(store.make_text_path(&name, &hash, references)?)
}

/// Gives the masked hash, if the output paths come from it.
fn fill_in_output_paths<E: From<DerivationError>>(
    store: &StoreDir,
    drv: &mut Derivation,
    cache: &mut HashModuloCache,
    read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
) -> Result<Option<DrvHash>, E> {
    let mut known = None;
    let kind = drv.kind()?;
    // Whatever the variables of the outputs were set to: the hash is that of empty ones.
    for output in drv.outputs.keys() {
        let value = match kind {
            DerivationKind::Floating | DerivationKind::Impure => placeholder(output.as_bytes()).into_bytes(),
            _ => Vec::new(),
        };
        drv.env.insert(output.as_bytes().to_vec(), value);
    }
    if kind == DerivationKind::Deferred {
        let masked = hash_derivation_modulo(store, drv, true, cache, read)?;
        if !masked.deferred {
            for (output_name, output) in &mut drv.outputs {
                let path = store.make_output_path(output_name, &masked.hash, &drv.name);
                *output = DerivationOutput::InputAddressed(path.map_err(DerivationError::from)?);
            }
            known = Some(masked);
        }
    }
    for (output_name, output) in &drv.outputs {
        let path = output
            .path(store, &drv.name, output_name)
            .map_err(DerivationError::from)?;
        if let Some(path) = path {
            drv.env
                .insert(output_name.as_bytes().to_vec(), store.print(&path).into_bytes());
        }
    }
    Ok(known)
}

/// Check that a derivation that was read from `drv_path` has the outputs that its inputs give it.
pub fn check_invariants<E: From<DerivationError>>(
    store: &StoreDir,
    drv: &Derivation,
    drv_path: &StorePath,
    cache: &mut HashModuloCache,
    read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
) -> Result<(), E> {
    if drv_path.drv_name().map_err(DerivationError::from)? != drv.name {
        return Err(DerivationError::NameMismatch {
            path: store.print(drv_path),
            name: drv.name.clone(),
        }
        .into());
    }
    let hash = match drv.kind()? {
        DerivationKind::InputAddressed | DerivationKind::Deferred => {
            Some(hash_derivation_modulo(store, drv, true, cache, read)?)
        }
        _ => None,
    };
    for (name, output) in &drv.outputs {
        check_output(store, drv, name, output, hash.as_ref()).map_err(|source| DerivationError::While {
            path: store.print(drv_path),
            source: Box::new(source),
        })?;
    }
    Ok(())
}

fn check_output(
    store: &StoreDir,
    drv: &Derivation,
    name: &str,
    output: &DerivationOutput,
    hash: Option<&DrvHash>,
) -> Result<(), DerivationError> {
    let path = match (output, hash) {
        (DerivationOutput::InputAddressed(path), Some(hash)) if hash.deferred => {
            return Err(DerivationError::NotDeferred(store.print(path)));
        }
        (DerivationOutput::InputAddressed(path), Some(DrvHash { hash, .. })) => {
            let expected = store.make_output_path(name, hash, &drv.name)?;
            // The reference leaves the variable alone if the path is right.
            return if *path == expected {
                Ok(())
            } else {
                Err(DerivationError::WrongOutput {
                    actual: store.print(path),
                    expected: store.print(&expected),
                })
            };
        }
        (
            DerivationOutput::Deferred,
            Some(DrvHash {
                hash,
                deferred: false,
                ..
            }),
        ) => {
            // Old files have such outputs; only the variable counts.
            Some(store.make_output_path(name, hash, &drv.name)?)
        }
        (DerivationOutput::Fixed(_), _) => output.path(store, &drv.name, name)?,
        _ => None,
    };
    let Some(path) = path else { return Ok(()) };
    let expected = store.print(&path);
    match drv.env.get(name.as_bytes()) {
        None => Err(DerivationError::MissingVariable {
            output: name.to_owned(),
            expected,
        }),
        Some(actual) if *actual == *expected.as_bytes() => Ok(()),
        Some(actual) => Err(DerivationError::WrongVariable {
            output: name.to_owned(),
            expected,
            actual: String::from_utf8_lossy(actual).into_owned(),
        }),
    }
}
