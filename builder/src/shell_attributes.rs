//! Structured attributes for a shell: the files that a builder would find in its folder.

use std::collections::BTreeSet;

use nivis_store::LocalStore;
use nivis_store::derivation::Derivation;
use nivis_store::path::StorePath;

use crate::failure::BuildFailure;
use crate::options::DrvOptions;
use crate::structured;

/// The contents of `.attrs.json` and `.attrs.sh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructuredFiles {
    /// The attributes as JSON.
    pub json: String,
    /// The attributes as variables of bash.
    pub shell: String,
}

/// The files of a derivation with structured attributes; `None` if it has none. `closure` is that of its inputs.
pub fn structured_files(
    store: &LocalStore,
    drv: &Derivation,
    closure: &BTreeSet<StorePath>,
) -> Result<Option<StructuredFiles>, BuildFailure> {
    let options = DrvOptions::parse(store.store_dir(), drv)?;
    let Some(attributes) = &options.structured else {
        return Ok(None);
    };
    let attributes = structured::prepare(store, drv, &options, attributes, closure)?;
    let shell = structured::write_shell(&attributes);
    let mut json = String::new();
    structured::write_json(&serde_json::Value::Object(attributes), &mut json);
    Ok(Some(StructuredFiles { json, shell }))
}
