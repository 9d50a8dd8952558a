//! Why a path cannot be deleted: the root, and how one gets from there to the path.

use std::collections::VecDeque;
use std::fmt;

use rustc_hash::FxHashMap;

use super::graph::{Graph, Link, Node};
use super::server::Shared;
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::path::StorePath;
use crate::roots::Roots;

/// What kind of a root keeps a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootKind {
    /// A symlink in the folders of roots or profiles, or one that they know of.
    Link(String),
    /// A running process uses it: the file below `/proc` that says so, and the program's name.
    Process(String, Option<String>),
    /// A process that has not ended needs it: its number and the program's name.
    Temporary(u32, Option<String>),
    /// A process asked for it during this collection.
    JustNow,
    /// Nothing: it is only not to be deleted.
    None,
}

/// A path that was to be deleted, but is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alive {
    /// The path.
    pub path: String,
    /// How it is kept by the next path, that one by the next, and so on.
    pub chain: Vec<(Link, String)>,
    /// What keeps the last path.
    pub root: RootKind,
}

impl Alive {
    /// Of a path whose keeper has come and gone.
    pub(super) fn without_reason(path: String) -> Self {
        Alive {
            path,
            chain: Vec::new(),
            root: RootKind::JustNow,
        }
    }
}

impl fmt::Display for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Cannot delete path '{}' since it is still alive. To find out why, use: \
             nix-store --query --roots and nix-store --query --referrers",
            self.path
        )?;
        for (link, path) in &self.chain {
            match link {
                Link::Refers => write!(f, "\nit is referred to by '{path}'")?,
                Link::MadeBy => write!(f, "\nit made '{path}', and keep-derivations is set")?,
                Link::Makes => write!(f, "\nit is an output of '{path}', and keep-outputs is set")?,
            }
        }
        let of = |program: &Option<String>| match program {
            Some(program) => format!(" ({program})"),
            None => String::new(),
        };
        match &self.root {
            RootKind::Link(link) => write!(f, "\nthe link \"{link}\" is a root of it"),
            RootKind::Process(file, program) => {
                write!(f, "\na running process{} uses it: \"{file}\"", of(program))
            }
            RootKind::Temporary(pid, program) => {
                write!(f, "\nit is a temporary root of process {pid}{}", of(program))
            }
            RootKind::JustNow => write!(f, "\na process has just asked for it"),
            RootKind::None => write!(f, "\nwhich is not to be deleted"),
        }
    }
}

/// Find the shortest way from a path to a root.
pub(super) fn why_alive(
    path: &StorePath,
    graph: &Graph<'_>,
    roots: &Roots,
    config: &StoreConfig,
    shared: &Shared,
) -> Result<Alive, StoreError> {
    let mut alive = Alive {
        path: config.store_dir.print(path),
        chain: Vec::new(),
        root: RootKind::None,
    };
    let Some(start) = graph.find(path) else {
        alive.root = root_of(path, roots, shared).unwrap_or(RootKind::JustNow);
        return Ok(alive);
    };
    let mut came_from: FxHashMap<Node, Option<(Link, Node)>> = FxHashMap::default();
    came_from.insert(start, None);
    let mut open = VecDeque::from([start]);
    let mut last = None;
    while let Some(node) = open.pop_front() {
        if let Some(root) = root_of(graph.path(node), roots, shared) {
            alive.root = root;
            last = Some(node);
            break;
        }
        for (link, keeper) in graph.keepers(node)? {
            let Some(keeper) = keeper else {
                continue;
            };
            if let std::collections::hash_map::Entry::Vacant(entry) = came_from.entry(keeper) {
                entry.insert(Some((link, node)));
                open.push_back(keeper);
            }
        }
    }
    // Without a root there is something else that keeps it, and that nobody wants deleted.
    let mut node = match last {
        Some(node) => node,
        None => match graph.keepers(start)?.first() {
            Some((_, Some(keeper))) => *keeper,
            _ => {
                alive.root = RootKind::JustNow;
                start
            }
        },
    };
    while let Some(Some((link, from))) = came_from.get(&node) {
        alive
            .chain
            .push((*link, config.store_dir.print(graph.path(node))));
        node = *from;
    }
    alive.chain.reverse();
    Ok(alive)
}

fn root_of(path: &StorePath, roots: &Roots, shared: &Shared) -> Option<RootKind> {
    let links = roots.get(path).map(|links| {
        let texts = links
            .iter()
            .map(|link| String::from_utf8_lossy(link).into_owned());
        texts.map(kind_of)
    });
    // Links are what one can do something about.
    let best = links.and_then(|kinds| {
        kinds.min_by_key(|kind| match kind {
            RootKind::Link(_) => 0,
            RootKind::Process(..) => 1,
            _ => 2,
        })
    });
    best.or_else(|| shared.is_root(path).then_some(RootKind::JustNow))
}

fn kind_of(link: String) -> RootKind {
    let temporary = link
        .strip_prefix("{temp:")
        .and_then(|rest| rest.strip_suffix('}'));
    if let Some(pid) = temporary.and_then(|pid| pid.parse().ok()) {
        return RootKind::Temporary(pid, program(pid));
    }
    match link.strip_prefix("/proc/") {
        Some(rest) => {
            let pid = rest.split('/').next().and_then(|pid| pid.parse().ok());
            RootKind::Process(link, pid.and_then(program))
        }
        None => RootKind::Link(link),
    }
}

/// The name of the program that a process runs, if it still does.
fn program(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_roots() {
        assert_eq!(kind_of("/x/result".into()), RootKind::Link("/x/result".into()));
        assert!(matches!(kind_of("{temp:1}".into()), RootKind::Temporary(1, _)));
        let file = format!("/proc/{}/maps", std::process::id());
        assert!(matches!(kind_of(file), RootKind::Process(_, Some(_))));
    }
}
