//! Cases known to differ from the reference: they must go on differing until their line goes.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The case names in `known-failing`: one each line, reasons after a `#`.
pub(crate) fn load(root: &Path) -> HashSet<String> {
    let text = fs::read_to_string(root.join("known-failing")).unwrap_or_default();
    text.lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Turns the result of a case around when the case is listed.
pub(crate) fn judge(result: Result<(), String>, expected_to_fail: bool) -> Result<(), String> {
    match (result, expected_to_fail) {
        (Ok(()), true) => Err("passes now: take it out of corpus/known-failing".to_owned()),
        (Err(_), true) => Ok(()),
        (result, false) => result,
    }
}
