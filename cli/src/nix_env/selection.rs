//! Selecting packages by name.

use crate::failure::{Failure, Result};
use crate::log::Logger;
use crate::packages::{DrvName, Package, Selector};
use nivis_eval::evaluator::Evaluator;
use nivis_primops::posix_regex::RegexError;
use nivis_primops::versions::compare_versions;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// How many names a failed selector suggests.
const MAX_SUGGESTIONS: usize = 3;

/// A package and its name.
pub(super) struct Named {
    pub(super) package: Package,
    pub(super) name: DrvName,
}

/// The names of packages.
pub(super) fn named(ev: &Evaluator, packages: Vec<Package>) -> Result<Vec<Named>> {
    let mut all = Vec::with_capacity(packages.len());
    for package in packages {
        let name = DrvName::new(package.name(ev)?);
        all.push(Named { package, name });
    }
    Ok(all)
}

/// The packages that the selectors select, each once, in the order of the selectors.
pub(super) fn select(all: Vec<Named>, selectors: &[Vec<u8>]) -> Result<Vec<Named>> {
    if selectors.is_empty() {
        return Ok(all);
    }
    let matches = matches(&all, selectors)?;
    Ok(take(all, matches.into_iter().flatten()))
}

/// As [`select`], but of the packages of one name that a selector selects only the best: for this system, then by
/// priority, then by version.
pub(super) fn select_newest(
    ev: &Evaluator,
    logger: Logger,
    system: &str,
    all: Vec<Named>,
    selectors: &[Vec<u8>],
) -> Result<Vec<Named>> {
    let mut best = vec![];
    for matches in matches(&all, selectors)? {
        best.extend(newest(ev, logger, system, &all, matches)?);
    }
    Ok(take(all, best.into_iter()))
}

/// The elements with these indices, each once.
fn take(all: Vec<Named>, indices: impl Iterator<Item = usize>) -> Vec<Named> {
    let mut all: Vec<Option<Named>> = all.into_iter().map(Some).collect();
    indices.filter_map(|index| all[index].take()).collect()
}

/// For each selector the packages it matches. No selector is one that matches everything; one that matches nothing
/// is an error.
fn matches(all: &[Named], selectors: &[Vec<u8>]) -> Result<Vec<Vec<usize>>> {
    if selectors.is_empty() {
        return Ok(vec![(0..all.len()).collect()]);
    }
    let mut found = vec![];
    for selector in selectors {
        let selector = Selector::new(selector.clone());
        let mut matches = vec![];
        for (i, package) in all.iter().enumerate() {
            if is_match(&selector, &package.name)? {
                matches.push(i);
            }
        }
        if matches.is_empty() && selector.name.full != b"*" {
            return Err(no_match(all, &selector.name));
        }
        found.push(matches);
    }
    Ok(found)
}

/// Whether a selector selects a package of that name.
pub(super) fn is_match(selector: &Selector, name: &DrvName) -> Result<bool> {
    selector.matches(name).map_err(|error| bad_regex(selector, error))
}

fn bad_regex(selector: &Selector, error: RegexError) -> Failure {
    let name = String::from_utf8_lossy(selector.name.name());
    Failure::Plain(match error {
        RegexError::Invalid => format!("invalid regular expression '{name}'"),
        RegexError::TooLarge => format!("memory limit exceeded by regular expression '{name}'"),
    })
}

fn no_match(all: &[Named], selector: &DrvName) -> Failure {
    let mut similar = BTreeSet::new();
    for package in all {
        if package.name.name().starts_with(selector.name()) {
            similar.insert(package.name.name());
            if similar.len() >= MAX_SUGGESTIONS {
                break;
            }
        }
    }
    let mut message = format!(
        "selector '{}' matches no derivations",
        String::from_utf8_lossy(&selector.full)
    );
    if !similar.is_empty() {
        message.push_str(", maybe you meant:");
        for name in similar {
            message.push_str(&format!("\n{}", String::from_utf8_lossy(name)));
        }
    }
    Failure::Plain(message)
}

/// Of the packages of each name the best one, in the order of names.
fn newest(
    ev: &Evaluator,
    logger: Logger,
    system: &str,
    all: &[Named],
    matches: Vec<usize>,
) -> Result<Vec<usize>> {
    let mut newest: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut multiple: BTreeSet<&[u8]> = BTreeSet::new();
    for index in matches {
        let candidate = &all[index];
        let name = candidate.name.name();
        let order = match newest.get(name) {
            None => Ordering::Greater,
            Some(&other) => compare(ev, system, candidate, &all[other])?,
        };
        match order {
            Ordering::Greater => {
                newest.insert(name, index);
                multiple.remove(&*candidate.name.full);
            }
            Ordering::Equal => {
                multiple.insert(&candidate.name.full);
            }
            Ordering::Less => {}
        }
    }
    for name in newest.keys().filter(|name| multiple.contains(*name)) {
        let name = String::from_utf8_lossy(name);
        logger.warning(&format!(
            "there are multiple derivations named '{name}'; using the first one"
        ));
    }
    Ok(newest.into_values().collect())
}

fn compare(ev: &Evaluator, system: &str, left: &Named, right: &Named) -> Result<Ordering> {
    let (left_system, right_system) = (left.package.system(ev)?, right.package.system(ev)?);
    if left_system != right_system {
        if left_system == system.as_bytes() {
            return Ok(Ordering::Greater);
        }
        if right_system == system.as_bytes() {
            return Ok(Ordering::Less);
        }
    }
    let order = compare_priorities(ev, &left.package, &right.package)?;
    Ok(order.then_with(|| compare_versions(left.name.version(), right.name.version())))
}

/// Which package has the greater priority, that is the lower number.
pub(super) fn compare_priorities(
    ev: &Evaluator,
    left: &Package,
    right: &Package,
) -> nivis_eval::error::Result<Ordering> {
    let right = right.priority(ev)?;
    Ok(right.cmp(&left.priority(ev)?))
}
