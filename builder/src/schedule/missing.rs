//! What would be built: for `--dry-run`, and to say it before building.

use std::collections::{BTreeMap, BTreeSet};

use nivis_store::path::StorePath;

use super::{Outputs, Stop, Target, World};

/// What is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Derivations that will be built.
    pub will_build: BTreeSet<StorePath>,
    /// Paths that nobody can make.
    pub unknown: BTreeSet<StorePath>,
    /// For each of the derivations that is not a target, one of those that need it. There are no circles.
    pub needed_by: BTreeMap<StorePath, StorePath>,
}

/// What is missing of the targets. Nothing is looked at that is below something that is there.
pub fn missing<W: World>(world: &mut W, targets: &[Target]) -> Result<Missing, Stop<W::Error>> {
    let mut found = Missing::default();
    let mut open: Vec<(StorePath, Outputs)> = vec![];
    for target in targets {
        match target {
            Target::Outputs { drv, outputs } => open.push((drv.clone(), outputs.clone())),
            Target::Path(path) if !world.is_valid(path)? => {
                found.unknown.insert(path.clone());
            }
            Target::Path(_) => {}
        }
    }
    let asked_for: BTreeSet<StorePath> = open.iter().map(|(drv, _)| drv.clone()).collect();
    let mut seen = BTreeSet::new();
    while let Some((drv_path, outputs)) = open.pop() {
        let names = match &outputs {
            Outputs::All => None,
            Outputs::Names(names) => Some(names.clone()),
        };
        if found.will_build.contains(&drv_path) || !seen.insert((drv_path.clone(), names)) {
            continue;
        }
        let Some(drv) = world.derivation(&drv_path)? else {
            found.unknown.insert(drv_path);
            continue;
        };
        let mut complete = true;
        for name in drv.outputs.keys() {
            let path = world.output_path(&drv_path, &drv, name)?;
            complete &= match path {
                None => !outputs.contains(name),
                Some(path) => !outputs.contains(name) || world.is_valid(&path)?,
            };
        }
        if complete {
            continue;
        }
        for (input, wanted) in &drv.input_drvs {
            if !asked_for.contains(input) {
                found
                    .needed_by
                    .entry(input.clone())
                    .or_insert_with(|| drv_path.clone());
            }
            open.push((input.clone(), Outputs::Names(wanted.outputs.clone())));
        }
        found.will_build.insert(drv_path);
    }
    Ok(found)
}
