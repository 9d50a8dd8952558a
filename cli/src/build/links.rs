//! Links to results: `result`, `result-man`, `result-2`, `result-2-man`.

use crate::failure::Result;
use crate::hand_over::Wanted;
use crate::session::current_dir;
use crate::store_session::StoreSession;
use nivis_builder::realise::OutputPaths;
use nivis_store::path::StorePath;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Makes the links, if any are wanted; gives the paths of the outputs.
pub(super) fn make(
    session: &StoreSession,
    link: Option<&[u8]>,
    wanted: &[Wanted],
    outputs: &OutputPaths,
) -> Result<Vec<StorePath>> {
    let mut paths = vec![];
    let names = wanted.iter().map(|wanted| (&wanted.drv, wanted.output.as_str()));
    for (wanted, suffix) in wanted.iter().zip(suffixes(names)) {
        let Some(path) = outputs.get(&(wanted.drv.clone(), wanted.output.clone())) else {
            continue;
        };
        if let Some(link) = link {
            let mut link = nivis_lang::path::absolute(&current_dir()?, link);
            link.extend(suffix.into_bytes());
            session
                .store
                .add_perm_root(path, Path::new(OsStr::from_bytes(&link)))?;
        }
        paths.push(path.clone());
    }
    Ok(paths)
}

/// What is appended to the name of the link for each output: a number for each further derivation, and the name of
/// the output unless it is `out`.
fn suffixes<'w, D: Ord + 'w>(wanted: impl Iterator<Item = (&'w D, &'w str)>) -> Vec<String> {
    let mut numbers = BTreeMap::new();
    let mut suffixes = vec![];
    for (drv, output) in wanted {
        let next = numbers.len() + 1;
        let number = *numbers.entry(drv).or_insert(next);
        let mut suffix = String::new();
        if number > 1 {
            suffix.push_str(&format!("-{number}"));
        }
        if output != "out" {
            suffix.push_str(&format!("-{output}"));
        }
        suffixes.push(suffix);
    }
    suffixes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_numbered_by_derivation() {
        let wanted = [
            (&1, "out"),
            (&1, "man"),
            (&2, "out"),
            (&1, "bin"),
            (&2, "man"),
            (&3, "out"),
        ];
        let suffixes = suffixes(wanted.into_iter());
        assert_eq!(suffixes, ["", "-man", "-2", "-bin", "-2-man", "-3"]);
    }
}
