//! The hash of a derivation *modulo* fixed outputs, from which output paths are made.
//!
//! An input derivation counts by its own such hash and not by its path, and a fixed-output derivation only
//! by what it makes, so that how a source is fetched can change without changing what is built from it.

use std::borrow::Cow;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::aterm::{HexHash, Inputs, Layout};
use super::{Derivation, DerivationError, DerivationKind, DerivationOutput, InputOutputs};
use crate::hash::{Hash, Hasher};
use crate::path::{StoreDir, StorePath};

/// The hash of a derivation, as the derivations that need it see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrvHash {
    /// The hash, the same for every output.
    pub hash: Hash,
    /// Whether an output path depends on something that is not built yet, so that the hash gives no paths.
    pub deferred: bool,
    outputs: Box<[Box<str>]>,
}

impl DrvHash {
    /// The names of the derivation's outputs, in order.
    pub fn output_names(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|name| &**name)
    }
}

/// The hashes of the derivations met so far.
#[derive(Debug, Default)]
pub struct HashModuloCache {
    hashes: FxHashMap<StorePath, DrvHash>,
    /// Where texts are put together; kept to be used again.
    scratch: Vec<u8>,
    /// Where in the scratch things are.
    layout: Layout,
}

impl HashModuloCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of that derivation, if it is known.
    pub fn get(&self, drv_path: &StorePath) -> Option<&DrvHash> {
        self.hashes.get(drv_path)
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub(super) fn insert(&mut self, drv_path: StorePath, hash: DrvHash) {
        self.hashes.insert(drv_path, hash);
    }

    /// Make the hashes of all inputs of `drv` known. `read` gives a derivation by its path; it need not be
    /// a valid path.
    ///
    /// Goes without recursion: chains of inputs are long.
    fn learn_inputs<E: From<DerivationError>>(
        &mut self,
        store: &StoreDir,
        drv: &Derivation,
        read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
    ) -> Result<(), E> {
        let missing = |cache: &Self, drv: &Derivation| {
            drv.input_drvs
                .keys()
                .find(|path| !cache.hashes.contains_key(*path))
                .cloned()
        };
        let Some(first) = missing(self, drv) else {
            return Ok(());
        };
        let mut open = FxHashSet::from_iter([first.clone()]);
        let mut stack = vec![(first.clone(), read(&first)?)];
        let mut next = Some(first);
        while next.is_some() {
            while let Some((path, input)) = stack.pop() {
                // The inputs of a fixed-output derivation do not count.
                let inner = match input.kind()? {
                    DerivationKind::Fixed => None,
                    _ => missing(self, &input),
                };
                match inner {
                    Some(inner) if !open.insert(inner.clone()) => {
                        return Err(DerivationError::Cycle(store.print(&inner)).into());
                    }
                    Some(inner) => {
                        let inner_drv = read(&inner)?;
                        stack.push((path, input));
                        stack.push((inner, inner_drv));
                    }
                    None => {
                        let hash = self.hash_known(store, &input, false)?;
                        open.remove(&path);
                        self.hashes.insert(path, hash);
                    }
                }
            }
            next = missing(self, drv);
            if let Some(path) = &next {
                open.insert(path.clone());
                stack.push((path.clone(), read(path)?));
            }
        }
        Ok(())
    }

    /// Write the text of the derivation that was hashed last, masked, now that it has its output paths. Gives the
    /// place of the inputs.
    pub(super) fn write_unmasked(
        &self,
        store: &StoreDir,
        drv: &Derivation,
        out: &mut Vec<u8>,
    ) -> Result<Range<usize>, DerivationError> {
        Ok(drv.write_unmasked(store, &self.scratch, &self.layout, out)?)
    }

    /// The hash of the derivation that was hashed last, masked, now that it has its output paths. `text` is
    /// the text of its file, with the inputs at that place.
    pub(super) fn insert_unmasked(
        &mut self,
        drv_path: StorePath,
        masked: DrvHash,
        text: &[u8],
        inputs: Range<usize>,
    ) {
        let mut hasher = Hasher::sha256();
        hasher.update(&text[..inputs.start]);
        hasher.update(&self.scratch[self.layout.inputs.clone()]);
        hasher.update(&text[inputs.end..]);
        self.hashes.insert(
            drv_path,
            DrvHash {
                hash: hasher.finish(),
                ..masked
            },
        );
    }

    /// The hash of a derivation whose inputs' hashes are known.
    fn hash_known(
        &mut self,
        store: &StoreDir,
        drv: &Derivation,
        masked: bool,
    ) -> Result<DrvHash, DerivationError> {
        let kind = drv.kind()?;
        let outputs = drv.outputs.keys().map(|name| name.as_str().into()).collect();
        if let (DerivationKind::Fixed, Some(hash)) = (kind, fixed_hash(store, drv)?) {
            return Ok(DrvHash {
                hash,
                deferred: false,
                outputs,
            });
        }
        let mut deferred = matches!(kind, DerivationKind::Floating | DerivationKind::Impure);
        let mut inputs: Vec<(HexHash, Cow<'_, InputOutputs>)> = Vec::with_capacity(drv.input_drvs.len());
        for (path, needed) in &drv.input_drvs {
            let input = self.hashes.get(path).ok_or_else(|| DerivationError::NoHash {
                output: needed.outputs.first().cloned().unwrap_or_default(),
                drv: drv.name.clone(),
            })?;
            deferred |= input.deferred;
            for output in &needed.outputs {
                if !input.outputs.iter().any(|name| **name == **output) {
                    return Err(DerivationError::NoHash {
                        output: output.clone(),
                        drv: drv.name.clone(),
                    });
                }
            }
            if needed.outputs.is_empty() {
                continue;
            }
            // Outputs of outputs do not count here, as in the reference.
            let needed = match needed.dynamic.is_empty() {
                true => Cow::Borrowed(needed),
                false => Cow::Owned(InputOutputs {
                    outputs: needed.outputs.clone(),
                    ..InputOutputs::default()
                }),
            };
            inputs.push((hex(&input.hash), needed));
        }
        merge_equal(&mut inputs);
        self.scratch.clear();
        self.layout = drv.write(store, masked, &Inputs::Hashes(&inputs), &mut self.scratch)?;
        Ok(DrvHash {
            hash: Hash::sha256(&self.scratch),
            deferred,
            outputs,
        })
    }
}

/// Compute the hash of a derivation; with `masked` as if its output paths were empty, which is how the
/// output paths themselves are computed.
///
/// `read` gives an input derivation by its path if the cache has no hash for it.
pub fn hash_derivation_modulo<E: From<DerivationError>>(
    store: &StoreDir,
    drv: &Derivation,
    masked: bool,
    cache: &mut HashModuloCache,
    read: &mut dyn FnMut(&StorePath) -> Result<Derivation, E>,
) -> Result<DrvHash, E> {
    if drv.kind()? != DerivationKind::Fixed {
        cache.learn_inputs(store, drv, read)?;
    }
    Ok(cache.hash_known(store, drv, masked)?)
}

/// The hash that stands for the one output of a fixed-output derivation.
fn fixed_hash(store: &StoreDir, drv: &Derivation) -> Result<Option<Hash>, DerivationError> {
    let Some((name, DerivationOutput::Fixed(address))) = drv.outputs.first_key_value() else {
        return Ok(None);
    };
    let Some(path) = drv.output_path(store, name)? else {
        return Ok(None);
    };
    let mut hasher = Hasher::sha256();
    for part in [
        "fixed:out:",
        address.method.prefix(),
        address.hash.algorithm().name(),
        ":",
        &address.hash.base16(),
        ":",
        store.as_str(),
        "/",
        path.base_name(),
    ] {
        hasher.update(part.as_bytes());
    }
    Ok(Some(hasher.finish()))
}

fn hex(hash: &Hash) -> HexHash {
    let mut out = [0; 64];
    for (pair, byte) in out.chunks_exact_mut(2).zip(hash.as_bytes()) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    out
}

/// Sort by hash; inputs with one hash become one that needs all their outputs.
fn merge_equal(inputs: &mut Vec<(HexHash, Cow<'_, InputOutputs>)>) {
    inputs.sort_by_key(|input| input.0);
    inputs.dedup_by(|second, first| {
        let equal = second.0 == first.0;
        if equal {
            first.1.to_mut().outputs.extend(second.1.outputs.iter().cloned());
        }
        equal
    });
}
