//! Garbage collection.
//!
//! A collector holds `gc.lock` from beginning to end, so that there is only one, and so that others know that
//! they have to tell it of what they need ([`server`]) instead of only writing it down. Adding to the store goes on
//! meanwhile. Invalid leftovers are deleted first, then what no root keeps ([`graph`]), as soon as that is
//! known of each ([`sweep`]).

mod auto;
mod explain;
mod graph;
mod links;
mod server;
mod sweep;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use super::{LocalStore, layout};
use crate::closure::Direction;
use crate::config::StoreConfig;
use crate::db::Db;
use crate::error::StoreError;
use crate::last_use;
use crate::locks::{GC_LOCK_MESSAGE, LockKind, lock, open_lock_file, try_lock};
use crate::notify::Notify;
use crate::path::StorePath;
use crate::roots::{Roots, persistent, runtime};
use crate::temp_roots;

pub(super) use auto::AutoGc;
pub use explain::{Alive, RootKind};
use graph::Graph;
pub use graph::Link;
use server::{Server, Shared};
use sweep::Sweep;

/// What to do with garbage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GcAction {
    /// Only find out what is not garbage.
    ReturnLive,
    /// Only find out what is garbage.
    ReturnDead,
    /// Delete all garbage.
    DeleteDead,
    /// Delete these paths; an error if they are alive.
    DeleteSpecific(BTreeSet<StorePath>),
}

/// How to collect garbage.
#[derive(Clone, Debug)]
pub struct GcOptions {
    /// What to do with it.
    pub action: GcAction,
    /// Roots that last, and what processes use, keep nothing.
    pub ignore_liveness: bool,
    /// Stop when more bytes than that are freed. What was not used for the longest time goes first then.
    pub max_freed: Option<u64>,
    /// Keep what was used after that time, in seconds since 1970.
    pub unused_since: Option<i64>,
}

impl GcAction {
    pub(crate) fn deletes(&self) -> bool {
        matches!(self, GcAction::DeleteDead | GcAction::DeleteSpecific(_))
    }
}

impl GcOptions {
    /// Do that, without limits.
    pub fn new(action: GcAction) -> Self {
        GcOptions {
            action,
            ignore_liveness: false,
            max_freed: None,
            unused_since: None,
        }
    }
}

/// What a collection has done or found out, also if it failed on the way.
#[derive(Clone, Debug, Default)]
pub struct GcResults {
    /// The paths that were deleted, or that are dead or alive.
    pub paths: BTreeSet<String>,
    /// How many bytes were freed.
    pub bytes_freed: u64,
    /// How many bytes are saved by hard links, if that was looked at.
    pub bytes_saved: Option<u64>,
}

impl LocalStore {
    /// Collect garbage. What is queued is written first.
    pub fn collect_garbage(&self, options: &GcOptions, results: &mut GcResults) -> Result<(), StoreError> {
        if self.config.read_only {
            return Err(StoreError::ReadOnlyCollection);
        }
        if options.action.deletes() {
            // Room to work in on a full disk.
            let _ = fs::remove_file(self.config.state_dir.join("db/reserved"));
        }
        self.flush()?;
        self.open_for_collecting()?;
        collect(&self.config, &self.notify, options, results)
    }

    /// Open the store without taking the space that a collection needs.
    fn open_for_collecting(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.open.is_none() {
            state.open = Some(layout::open_for_collecting(&self.config, &self.notify)?);
        }
        Ok(())
    }

    /// All garbage collector roots.
    pub fn find_roots(&self) -> Result<Roots, StoreError> {
        self.flush()?;
        let mut roots = Roots::new();
        self.opened(|_, _| Ok(()))?;
        let is_valid = &mut |path: &StorePath| self.is_valid_path(path);
        find_lasting_roots(&self.config, is_valid, &self.notify, &mut roots)?;
        if !self.config.read_only {
            temp_roots::find(&self.config, &self.notify, &mut roots)?;
        }
        Ok(roots)
    }

    /// The roots that keep one of the paths.
    pub fn query_roots(&self, paths: &BTreeSet<StorePath>) -> Result<Roots, StoreError> {
        for path in paths {
            self.query_path_info(path)?;
        }
        let direction = Direction::Referrers {
            derivers: self.config.gc.keep_outputs,
            outputs: self.config.gc.keep_derivations,
        };
        let referrers = self.closure(paths.iter().cloned(), direction)?;
        let mut roots = self.find_roots()?;
        roots.retain(|path, _| referrers.contains(path));
        Ok(roots)
    }
}

/// What links, and processes that run, keep.
fn find_lasting_roots(
    config: &StoreConfig,
    is_valid: &mut dyn FnMut(&StorePath) -> Result<bool, StoreError>,
    notify: &Notify,
    roots: &mut Roots,
) -> Result<(), StoreError> {
    persistent::find(config, is_valid, notify, roots)?;
    let mut used = Roots::new();
    runtime::find(&config.store_dir, notify, &mut used)?;
    for (path, users) in used {
        if is_valid(&path)? {
            roots.entry(path).or_default().extend(users);
        }
    }
    Ok(())
}

fn collect(
    config: &StoreConfig,
    notify: &Notify,
    options: &GcOptions,
    results: &mut GcResults,
) -> Result<(), StoreError> {
    let lock_path = config.state_dir.join("gc.lock");
    let gc_lock = open_lock_file(&lock_path)?;
    if !try_lock(&gc_lock, &lock_path, LockKind::Exclusive)? {
        notify.say(GC_LOCK_MESSAGE);
        lock(&gc_lock, &lock_path, LockKind::Exclusive, notify, GC_LOCK_MESSAGE)?;
    }
    let shared = Arc::new(Shared::default());
    // Dropped before the lock: whoever finds nobody at the socket can have the lock soon.
    let _server = Server::start(config, &shared, notify)?;

    notify.say("finding garbage collector roots...");
    let db = Db::open(config, notify.clone())?;
    db.prepare_for_collecting(config.fsync_metadata)?;
    // First what processes have written down: who makes a lasting root of that later, and ends, has not hidden it.
    let mut roots = Roots::new();
    temp_roots::find(config, notify, &mut roots)?;
    for path in roots.keys() {
        shared.add_root(path);
    }
    if !options.ignore_liveness {
        let is_valid = &mut |path: &StorePath| db.is_valid(path);
        find_lasting_roots(config, is_valid, notify, &mut roots)?;
    }

    let deletes = options.action.deletes();
    let mut graph = Graph::load(&db, notify)?;
    // Otherwise ignoring what keeps the outputs or derivers would delete these too.
    let follow = !(options.ignore_liveness && matches!(options.action, GcAction::DeleteSpecific(_)));
    graph.keep_outputs = follow && config.gc.keep_outputs;
    graph.keep_derivations = follow && config.gc.keep_derivations;
    if options.max_freed.is_some() || options.unused_since.is_some() {
        for (path, time) in last_use::all(config) {
            if let Some(node) = graph.find(&path) {
                graph.note_use(node, time);
            }
        }
    }
    let swept = Sweep::new(config, notify, options, &db, &shared, roots, results)?.run(&mut graph);
    if deletes {
        let names = results.paths.iter().filter_map(|path| path.rsplit('/').next());
        last_use::forget(config, names);
    }
    swept?;
    if deletes {
        results.bytes_saved = Some(links::clean(config, notify)?);
    }
    Ok(())
}
