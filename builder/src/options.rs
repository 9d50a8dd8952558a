//! What a derivation itself says about how it is to be built: attributes that mean something to the builder.

use std::collections::{BTreeMap, BTreeSet};

use nivis_store::derivation::{Derivation, DerivationKind};
use nivis_store::path::{StoreDir, StorePath};
use serde_json::{Map, Value};

use crate::failure::BuildFailure;

/// A path that an output may or may not refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference {
    /// That path.
    Path(StorePath),
    /// The output of that name.
    Output(String),
}

/// What must be true of an output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputChecks {
    /// Requisites do not include the output itself.
    pub(crate) ignore_self: bool,
    pub(crate) max_size: Option<u64>,
    pub(crate) max_closure_size: Option<u64>,
    pub(crate) allowed_references: Option<BTreeSet<Reference>>,
    pub(crate) disallowed_references: BTreeSet<Reference>,
    pub(crate) allowed_requisites: Option<BTreeSet<Reference>>,
    pub(crate) disallowed_requisites: BTreeSet<Reference>,
}

/// The checks of all outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checks {
    /// The same for all.
    All(OutputChecks),
    /// By the output's name, as structured attributes have them.
    Each(BTreeMap<String, OutputChecks>),
}

/// What a derivation says about how it is to be built.
#[derive(Clone, Debug)]
pub struct DrvOptions {
    pub(crate) structured: Option<Map<String, Value>>,
    pub(crate) checks: Checks,
    pub(crate) discard_references: BTreeMap<String, bool>,
    pub(crate) pass_as_file: BTreeSet<Vec<u8>>,
    pub(crate) references_graph: BTreeMap<String, BTreeSet<StorePath>>,
    pub(crate) no_chroot: bool,
    pub(crate) impure_host_deps: BTreeSet<String>,
    pub(crate) impure_env_vars: BTreeSet<String>,
    /// The features that a machine must have to build it.
    pub required_system_features: BTreeSet<String>,
    /// Building is not worth asking another machine for.
    pub prefer_local_build: bool,
    /// The outputs may be fetched instead of built.
    pub allow_substitutes: bool,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

/// The variable that holds structured attributes.
pub(crate) const JSON_VARIABLE: &[u8] = b"__json";

impl DrvOptions {
    /// Read the attributes of a derivation.
    pub fn parse(store: &StoreDir, drv: &Derivation) -> Result<Self, BuildFailure> {
        let structured = match drv.env.get(JSON_VARIABLE) {
            None => None,
            Some(text) => match serde_json::from_slice(text) {
                Ok(Value::Object(attributes)) => Some(attributes),
                Ok(_) => {
                    return Err(BuildFailure::other(
                        "cannot process __json attribute: it is not an object",
                    ));
                }
                Err(error) => {
                    return Err(BuildFailure::other(format!(
                        "cannot process __json attribute: {error}"
                    )));
                }
            },
        };
        let attributes = Attributes {
            store,
            drv,
            structured: structured.as_ref(),
        };
        let mut required_system_features = attributes.set("requiredSystemFeatures")?.unwrap_or_default();
        if matches!(
            drv.kind(),
            Ok(DerivationKind::Floating | DerivationKind::Impure | DerivationKind::Deferred)
        ) {
            required_system_features.insert("ca-derivations".to_owned());
        }
        let mut warnings = Vec::new();
        Ok(DrvOptions {
            checks: attributes.checks(&mut warnings)?,
            discard_references: attributes.discard_references()?,
            pass_as_file: attributes.pass_as_file(&mut warnings),
            references_graph: attributes.references_graph(&mut warnings)?,
            no_chroot: attributes.flag("__noChroot", false)?,
            impure_host_deps: attributes.set("__impureHostDeps")?.unwrap_or_default(),
            impure_env_vars: attributes.set("impureEnvVars")?.unwrap_or_default(),
            required_system_features,
            prefer_local_build: attributes.flag("preferLocalBuild", false)?,
            allow_substitutes: attributes.flag("allowSubstitutes", true)?,
            warnings,
            structured,
        })
    }

    /// Whether the build wants a range of users for itself.
    pub(crate) fn uses_uid_range(&self) -> bool {
        self.required_system_features.contains("uid-range")
    }
}

/// The words of a string.
fn words(text: &[u8]) -> impl Iterator<Item = String> {
    text.split(|byte| b" \t\n\r".contains(byte))
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
}

/// The name of a JSON type.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn unexpected(attribute: &str, wanted: &str, value: &Value) -> BuildFailure {
    BuildFailure::other(format!(
        "while parsing attribute '{attribute}': expected JSON value to be of type '{wanted}' but it is of type '{}': {value}",
        type_name(value)
    ))
}

struct Attributes<'a> {
    store: &'a StoreDir,
    drv: &'a Derivation,
    structured: Option<&'a Map<String, Value>>,
}

impl Attributes<'_> {
    fn variable(&self, name: &str) -> Option<&[u8]> {
        self.drv.env.get(name.as_bytes())
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, BuildFailure> {
        match self.structured {
            None => Ok(self.variable(name).map_or(default, |value| value == b"1")),
            Some(attributes) => match attributes.get(name) {
                None => Ok(default),
                Some(Value::Bool(value)) => Ok(*value),
                Some(value) => Err(unexpected(name, "boolean", value)),
            },
        }
    }

    fn set(&self, name: &str) -> Result<Option<BTreeSet<String>>, BuildFailure> {
        match self.structured {
            None => Ok(self.variable(name).map(|value| words(value).collect())),
            Some(attributes) => attributes.get(name).map(|value| strings(name, value)).transpose(),
        }
    }

    fn reference(&self, text: String) -> Reference {
        match self.store.parse(&text) {
            Ok(path) => Reference::Path(path),
            Err(_) => Reference::Output(text),
        }
    }

    fn references(&self, texts: BTreeSet<String>) -> BTreeSet<Reference> {
        texts.into_iter().map(|text| self.reference(text)).collect()
    }

    fn checks(&self, warnings: &mut Vec<String>) -> Result<Checks, BuildFailure> {
        let Some(attributes) = self.structured else {
            let get = |name: &str| -> Result<Option<BTreeSet<Reference>>, BuildFailure> {
                Ok(self.set(name)?.map(|texts| self.references(texts)))
            };
            return Ok(Checks::All(OutputChecks {
                ignore_self: true,
                max_size: None,
                max_closure_size: None,
                allowed_references: get("allowedReferences")?,
                disallowed_references: get("disallowedReferences")?.unwrap_or_default(),
                allowed_requisites: get("allowedRequisites")?,
                disallowed_requisites: get("disallowedRequisites")?.unwrap_or_default(),
            }));
        };
        for name in [
            "allowedReferences",
            "allowedRequisites",
            "disallowedRequisites",
            "disallowedReferences",
            "maxSize",
            "maxClosureSize",
        ] {
            if attributes.contains_key(name) {
                warnings.push(format!(
                    "'structuredAttrs' disables the effect of the top-level attribute '{name}'; use 'outputChecks' instead"
                ));
            }
        }
        let mut each = BTreeMap::new();
        if let Some(value) = attributes.get("outputChecks") {
            let outputs = value
                .as_object()
                .ok_or_else(|| unexpected("outputChecks", "object", value))?;
            for (output, value) in outputs {
                let checks = value
                    .as_object()
                    .ok_or_else(|| unexpected("outputChecks", "object", value))?;
                each.insert(output.clone(), self.checks_of(output, checks)?);
            }
        }
        Ok(Checks::Each(each))
    }

    fn checks_of(&self, output: &str, checks: &Map<String, Value>) -> Result<OutputChecks, BuildFailure> {
        let attribute = |name: &str| format!("outputChecks.\"{output}\".{name}");
        let get = |name: &str| -> Result<Option<BTreeSet<Reference>>, BuildFailure> {
            let texts = checks
                .get(name)
                .map(|value| strings(&attribute(name), value))
                .transpose()?;
            Ok(texts.map(|texts| self.references(texts)))
        };
        let size = |name: &str| match checks.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(size) => Ok(Some(size)),
                None => Err(unexpected(&attribute(name), "unsigned number", value)),
            },
        };
        Ok(OutputChecks {
            ignore_self: false,
            max_size: size("maxSize")?,
            max_closure_size: size("maxClosureSize")?,
            allowed_references: get("allowedReferences")?,
            disallowed_references: get("disallowedReferences")?.unwrap_or_default(),
            allowed_requisites: get("allowedRequisites")?,
            disallowed_requisites: get("disallowedRequisites")?.unwrap_or_default(),
        })
    }

    fn discard_references(&self) -> Result<BTreeMap<String, bool>, BuildFailure> {
        let name = "unsafeDiscardReferences";
        let Some(value) = self.structured.and_then(|attributes| attributes.get(name)) else {
            return Ok(BTreeMap::new());
        };
        let outputs = value
            .as_object()
            .ok_or_else(|| unexpected(name, "object", value))?;
        outputs
            .iter()
            .map(|(output, value)| match value {
                Value::Bool(discard) => Ok((output.clone(), *discard)),
                value => Err(unexpected(name, "boolean", value)),
            })
            .collect()
    }

    fn pass_as_file(&self, warnings: &mut Vec<String>) -> BTreeSet<Vec<u8>> {
        match (self.variable("passAsFile"), self.structured) {
            (None, _) => BTreeSet::new(),
            (Some(_), Some(_)) => {
                warnings.push(
                    "'structuredAttrs' disables the effect of the top-level attribute 'passAsFile'; because all JSON is always passed via file"
                        .to_owned(),
                );
                BTreeSet::new()
            }
            (Some(names), None) => words(names).map(String::into_bytes).collect(),
        }
    }

    fn references_graph(
        &self,
        warnings: &mut Vec<String>,
    ) -> Result<BTreeMap<String, BTreeSet<StorePath>>, BuildFailure> {
        let name = "exportReferencesGraph";
        let mut graphs = BTreeMap::new();
        let Some(attributes) = self.structured else {
            let text = self.variable(name).unwrap_or_default();
            let words: Vec<String> = words(text).collect();
            if !words.len().is_multiple_of(2) {
                return Err(BuildFailure::other(format!(
                    "odd number of tokens in 'exportReferencesGraph': '{}'",
                    String::from_utf8_lossy(text)
                )));
            }
            for pair in words.chunks(2) {
                let [file, path] = pair else { continue };
                if !is_file_name(file) {
                    return Err(BuildFailure::other(format!(
                        "invalid file name '{file}' in 'exportReferencesGraph'"
                    )));
                }
                // The first of two of the same name stays.
                let path = self.store.to_store_path(path.as_bytes())?.0;
                graphs.entry(file.clone()).or_insert_with(|| [path].into());
            }
            return Ok(graphs);
        };
        match attributes.get(name) {
            None => {}
            Some(Value::Object(items)) => {
                for (key, value) in items {
                    let mut paths = BTreeSet::new();
                    self.flatten(value, &mut paths)?;
                    graphs.insert(key.clone(), paths);
                }
            }
            Some(_) => warnings.push(
                "'exportReferencesGraph' in structured attrs is not a JSON object, ignoring".to_owned(),
            ),
        }
        Ok(graphs)
    }

    fn flatten(&self, value: &Value, paths: &mut BTreeSet<StorePath>) -> Result<(), BuildFailure> {
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.flatten(item, paths)),
            Value::String(text) => {
                paths.insert(self.store.to_store_path(text.as_bytes())?.0);
                Ok(())
            }
            _ => Err(BuildFailure::other(
                "'exportReferencesGraph' value is not an array or a string",
            )),
        }
    }
}

/// A list of strings.
fn strings(attribute: &str, value: &Value) -> Result<BTreeSet<String>, BuildFailure> {
    let items = value
        .as_array()
        .ok_or_else(|| unexpected(attribute, "array", value))?;
    items
        .iter()
        .map(|item| match item {
            Value::String(text) => Ok(text.clone()),
            item => Err(unexpected(attribute, "string", item)),
        })
        .collect()
}

fn is_file_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
}
