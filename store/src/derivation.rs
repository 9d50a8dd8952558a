//! Derivations: what is to be built, from what, and where the results will be.
//!
//! [`aterm`] reads and writes the file format, [`hash_modulo`] computes the hash that output paths are
//! made of, [`instantiate`] does for a new derivation all that happens before it is written.

pub mod aterm;
pub mod hash_modulo;
mod instantiate;
pub mod placeholder;
mod resolve;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use crate::content_address::{ContentAddress, ContentAddressMethod};
use crate::hash::{HashAlgorithm, HashError};
use crate::path::{PathError, StoreDir, StorePath, output_path_name};

pub use hash_modulo::{DrvHash, HashModuloCache};
pub use instantiate::{Instantiated, check_invariants, instantiate};
pub use resolve::OutputPath;
pub use variables::{Text, Variables};

/// A derivation. Strings of the language are bytes, hence so are the strings here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derivation {
    /// The name, without `.drv`.
    pub name: String,
    /// What it makes; at least one.
    pub outputs: BTreeMap<String, DerivationOutput>,
    /// The outputs of other derivations that it needs.
    pub input_drvs: BTreeMap<StorePath, InputOutputs>,
    /// The store objects that it needs as they are.
    pub input_srcs: BTreeSet<StorePath>,
    /// The system it is built on, such as `x86_64-linux`.
    pub platform: Vec<u8>,
    /// The program to run.
    pub builder: Vec<u8>,
    /// The program's arguments.
    pub args: Vec<Vec<u8>>,
    /// The program's environment. Structured attributes are the variable `__json`.
    pub env: Variables,
}

/// Which outputs of an input derivation are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputOutputs {
    /// The outputs themselves.
    pub outputs: BTreeSet<String>,
    /// Outputs that are derivations, of which outputs are needed (the experimental feature
    /// `dynamic-derivations`).
    pub dynamic: BTreeMap<String, InputOutputs>,
}

/// What is known of an output before it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DerivationOutput {
    /// The path comes from the derivation's hash.
    InputAddressed(StorePath),
    /// The contents have a known hash, and the path comes from it.
    Fixed(ContentAddress),
    /// The path will come from the contents once they exist (`ca-derivations`).
    Floating {
        /// What is hashed.
        method: ContentAddressMethod,
        /// With which algorithm.
        algorithm: HashAlgorithm,
    },
    /// Input-addressed, but an input's path is not known yet, or has not been computed yet.
    Deferred,
    /// As floating, but built anew each time, with the network (`impure-derivations`).
    Impure {
        /// What is hashed.
        method: ContentAddressMethod,
        /// With which algorithm.
        algorithm: HashAlgorithm,
    },
}

/// The kind that all outputs of a derivation have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivationKind {
    /// All are input-addressed.
    InputAddressed,
    /// All are deferred.
    Deferred,
    /// The one output `out` is fixed.
    Fixed,
    /// All are floating, with one algorithm.
    Floating,
    /// All are impure.
    Impure,
}

/// What can be wrong with a derivation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum DerivationError {
    #[error("can't mix derivation output types")]
    MixedOutputs,
    #[error("only one fixed output is allowed for now")]
    SeveralFixed,
    #[error("single fixed output must be named \"out\"")]
    FixedNotOut,
    #[error("all floating outputs must use the same hash algorithm")]
    MixedAlgorithms,
    #[error("must have at least one output")]
    NoOutputs,
    #[error("no hash for output '{output}' of derivation '{drv}'")]
    NoHash { output: String, drv: String },
    #[error("derivation '{path}' has name '{name}' which does not match its path")]
    NameMismatch { path: String, name: String },
    #[error("derivation has incorrect output '{actual}', should be '{expected}'")]
    WrongOutput { actual: String, expected: String },
    #[error("derivation has incorrect output '{0}', should be deferred")]
    NotDeferred(String),
    #[error(
        "derivation has missing environment variable '{output}', should be '{expected}' but is not present"
    )]
    MissingVariable { output: String, expected: String },
    #[error(
        "derivation has incorrect environment variable '{output}', should be '{expected}' but is actually '{actual}'"
    )]
    WrongVariable {
        output: String,
        expected: String,
        actual: String,
    },
    #[error("while checking derivation '{path}': {source}")]
    While {
        path: String,
        source: Box<DerivationError>,
    },
    #[error("derivation '{0}' depends on itself")]
    Cycle(String),
    #[error("error parsing derivation '{path}': {source}")]
    InFile { path: String, source: aterm::ParseError },
    #[error(transparent)]
    Parse(#[from] aterm::ParseError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl Derivation {
    /// The kind of the outputs, which must agree.
    pub fn kind(&self) -> Result<DerivationKind, DerivationError> {
        let mut kind = None;
        let mut floating = None;
        for (name, output) in &self.outputs {
            let this = match output {
                DerivationOutput::InputAddressed(_) => DerivationKind::InputAddressed,
                DerivationOutput::Deferred => DerivationKind::Deferred,
                DerivationOutput::Fixed(_) => DerivationKind::Fixed,
                DerivationOutput::Floating { .. } => DerivationKind::Floating,
                DerivationOutput::Impure { .. } => DerivationKind::Impure,
            };
            match kind {
                None => kind = Some(this),
                Some(kind) if kind != this => return Err(DerivationError::MixedOutputs),
                Some(DerivationKind::Fixed) => return Err(DerivationError::SeveralFixed),
                Some(_) => {}
            }
            match output {
                DerivationOutput::Fixed(_) if name != "out" => return Err(DerivationError::FixedNotOut),
                DerivationOutput::Floating { algorithm, .. }
                    if *floating.get_or_insert(*algorithm) != *algorithm =>
                {
                    return Err(DerivationError::MixedAlgorithms);
                }
                _ => {}
            }
        }
        kind.ok_or(DerivationError::NoOutputs)
    }

    /// The path of an output, where it is known without building.
    pub fn output_path(&self, store: &StoreDir, output: &str) -> Result<Option<StorePath>, PathError> {
        self.outputs
            .get(output)
            .map_or(Ok(None), |kind| kind.path(store, &self.name, output))
    }

    /// Everything the `.drv` file refers to, in order: input sources and input derivations, but no outputs.
    pub fn references(&self) -> BTreeSet<StorePath> {
        self.input_srcs
            .iter()
            .chain(self.input_drvs.keys())
            .cloned()
            .collect()
    }

    /// Whether it needs outputs of derivations that are themselves outputs.
    pub fn has_dynamic_inputs(&self) -> bool {
        self.input_drvs.values().any(|input| !input.dynamic.is_empty())
    }

    /// The environment and the arguments as text for a shell, as `nix-store --print-env` has it.
    pub fn print_env(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in self.env.iter() {
            for part in [&b"export "[..], name, b"; ", name, b"="] {
                out.extend_from_slice(part);
            }
            quote_for_shell(value, &mut out);
            out.push(b'\n');
        }
        out.extend_from_slice(b"export _args; _args=");
        quote_for_shell(&self.args.join(&b' '), &mut out);
        out.push(b'\n');
        out
    }

    /// Whether the builder is part of the program that builds.
    pub fn is_builtin(&self) -> bool {
        self.builder.starts_with(b"builtin:")
    }
}

/// Write a string so that a shell takes it for one word.
fn quote_for_shell(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    for &byte in text {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            _ => out.push(byte),
        }
    }
    out.push(b'\'');
}

impl DerivationOutput {
    /// The path of the output of that name, where it is known without building.
    pub fn path(
        &self,
        store: &StoreDir,
        drv_name: &str,
        output: &str,
    ) -> Result<Option<StorePath>, PathError> {
        match self {
            DerivationOutput::InputAddressed(path) => Ok(Some(path.clone())),
            DerivationOutput::Fixed(address) => store
                .make_fixed_output_path(address, &output_path_name(drv_name, output), [], false)
                .map(Some),
            DerivationOutput::Floating { .. }
            | DerivationOutput::Deferred
            | DerivationOutput::Impure { .. } => Ok(None),
        }
    }
}

impl<const N: usize> From<[&str; N]> for InputOutputs {
    fn from(outputs: [&str; N]) -> Self {
        InputOutputs {
            outputs: outputs.into_iter().map(String::from).collect(),
            dynamic: BTreeMap::new(),
        }
    }
}
