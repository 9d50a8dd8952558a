//! Going through the store and deleting what is dead.
//!
//! Dead paths are gathered into batches: all of a batch becomes invalid in one transaction, which is on disk
//! before the first file is deleted. After a crash at any point there are only invalid leftovers.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;

use super::graph::{Graph, Judge, Node};
use super::server::Shared;
use super::{Alive, GcAction, GcOptions, GcResults, explain};
use crate::config::StoreConfig;
use crate::db::Db;
use crate::db::gc::Doomed;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::locks::{LockKind, try_lock};
use crate::notify::Notify;
use crate::path::StorePath;
use crate::remove::remove_tree;
use crate::roots::Roots;

/// The greatest number of paths that become invalid at once.
const BATCH_PATHS: usize = 512;

/// The greatest size of the archives of paths that become invalid at once.
const BATCH_SIZE: u64 = 64 << 20;

/// How long deletion may be put off.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// A collection that is going on.
pub(super) struct Sweep<'a> {
    config: &'a StoreConfig,
    notify: &'a Notify,
    options: &'a GcOptions,
    db: &'a Db,
    shared: &'a Shared,
    store: File,
    roots: Roots,
    results: &'a mut GcResults,
    batch: Batch,
    /// What was thought dead, but got a new referrer in the last moment.
    revived: FxHashSet<StorePath>,
    /// What is dead, if only that is wanted, or the order is still to be found.
    dead: Vec<Vec<Node>>,
    /// A file could not be deleted.
    failure: Option<StoreError>,
    limit_reached: bool,
}

#[derive(Default)]
struct Batch {
    paths: Vec<(Option<i64>, StorePath)>,
    /// No less than what deleting them will free.
    size: u64,
    begun: Option<Instant>,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(
        config: &'a StoreConfig,
        notify: &'a Notify,
        options: &'a GcOptions,
        db: &'a Db,
        shared: &'a Shared,
        roots: Roots,
        results: &'a mut GcResults,
    ) -> Result<Self, StoreError> {
        let store = &config.real_store_dir;
        Ok(Sweep {
            config,
            notify,
            options,
            db,
            shared,
            store: File::open(store).map_err(|error| IoError::at("opening directory", store, error))?,
            roots,
            results,
            batch: Batch::default(),
            revived: FxHashSet::default(),
            dead: Vec::new(),
            failure: None,
            limit_reached: false,
        })
    }

    pub(super) fn run(mut self, graph: &mut Graph<'_>) -> Result<(), StoreError> {
        match &self.options.action {
            GcAction::DeleteSpecific(paths) => self.delete_specific(paths, graph)?,
            _ if self.options.max_freed == Some(0) => {}
            GcAction::DeleteDead => {
                self.notify.say("deleting garbage...");
                self.sweep(graph)?;
            }
            GcAction::ReturnDead | GcAction::ReturnLive => {
                self.notify.say("determining live/dead paths...");
                self.sweep(graph)?;
                let print = |node| self.config.store_dir.print(graph.path(node));
                if self.options.action == GcAction::ReturnLive {
                    let alive = graph.nodes().filter(|node| graph.is_alive(*node));
                    self.results.paths.extend(alive.map(print));
                } else {
                    let dead = self.dead.iter().flatten();
                    self.results.paths.extend(dead.map(|node| print(*node)));
                }
            }
        }
        self.failure.map_or(Ok(()), Err)
    }

    fn deletes(&self) -> bool {
        self.options.action.deletes()
    }

    /// Whether the order in which paths are deleted matters, so that all that are dead must be known first.
    fn is_planned(&self) -> bool {
        self.options.max_freed.is_some() || self.options.unused_since.is_some()
    }

    fn delete_specific(
        &mut self,
        paths: &BTreeSet<StorePath>,
        graph: &mut Graph<'_>,
    ) -> Result<(), StoreError> {
        for path in paths {
            let dead = match graph.find(path) {
                Some(node) => graph.decide(node, self)?,
                None => self.condemn_leftover(path)?,
            };
            if !dead || self.revived.contains(path) {
                self.flush()?;
                let alive = explain::why_alive(path, graph, &self.roots, self.config, self.shared)?;
                return Err(StoreError::StillAlive(Box::new(alive)));
            }
        }
        self.flush()?;
        match paths.iter().find(|path| self.revived.contains(*path)) {
            None => Ok(()),
            Some(path) => Err(StoreError::StillAlive(Box::new(Alive::without_reason(
                self.config.store_dir.print(path),
            )))),
        }
    }

    /// Go through all that is in the store.
    fn sweep(&mut self, graph: &mut Graph<'_>) -> Result<(), StoreError> {
        let candidates = self.sweep_leftovers(graph)?;
        for node in candidates {
            if self.limit_reached {
                return Ok(());
            }
            graph.decide(node, self)?;
        }
        if self.deletes() && self.is_planned() {
            self.delete_planned(graph)?;
        }
        self.flush()
    }

    /// Delete what is not valid; gives the paths that are.
    fn sweep_leftovers(&mut self, graph: &Graph<'_>) -> Result<Vec<Node>, StoreError> {
        let folder = &self.config.real_store_dir;
        let at = |error| IoError::at("reading directory", folder, error);
        let mut candidates = Vec::new();
        for entry in fs::read_dir(folder).map_err(at)? {
            self.notify.check_interrupt()?;
            let name = entry.map_err(at)?.file_name();
            if name == ".links" || self.limit_reached {
                continue;
            }
            match StorePath::from_base_name(name.as_bytes()) {
                Ok(path) => match graph.find(&path) {
                    Some(node) => candidates.push(node),
                    None => {
                        self.condemn_leftover(&path)?;
                        // Its size is not known.
                        if self.options.max_freed.is_some() {
                            self.flush()?;
                        }
                    }
                },
                Err(_) => self.delete_stranger(Path::new(&name))?,
            }
        }
        self.flush()?;
        Ok(candidates)
    }

    /// A name that is no store path: files that are being made, or have been left.
    fn delete_stranger(&mut self, name: &Path) -> Result<(), StoreError> {
        let mut in_use = None;
        if name.as_os_str().as_bytes().starts_with(b"tmp-") {
            let place = self.config.real_store_dir.join(name);
            match File::open(&place) {
                Ok(file) if !try_lock(&file, &place, LockKind::Exclusive)? => return Ok(()),
                file => in_use = file.ok(),
            }
        }
        if self.deletes() {
            self.delete(name)?;
        } else if self.options.action == GcAction::ReturnDead {
            let path = self.printed(name);
            self.results.paths.insert(path);
        }
        drop(in_use);
        Ok(())
    }

    /// A path that is not valid: dead unless somebody is making it.
    fn condemn_leftover(&mut self, path: &StorePath) -> Result<bool, StoreError> {
        if !self.deletes() {
            let is_root = self.shared.is_root(path);
            let wanted = match self.options.action {
                GcAction::ReturnLive => is_root,
                _ => !is_root,
            };
            if wanted {
                let path = self.config.store_dir.print(path);
                self.results.paths.insert(path);
            }
            return Ok(!is_root);
        }
        if !self.shared.doom([path].into_iter()) {
            return Ok(false);
        }
        self.batch.add(None, path.clone(), 0);
        self.flush_if_due()?;
        Ok(true)
    }

    /// Delete what is dead in the order of use. What refers to a path is used no later than that path: it comes
    /// first.
    fn delete_planned(&mut self, graph: &Graph<'_>) -> Result<(), StoreError> {
        let mut units = std::mem::take(&mut self.dead);
        let last_use = |unit: &Vec<Node>| unit.first().map_or(0, |node| graph.last_use(*node));
        if let Some(limit) = self.options.unused_since {
            units.retain(|unit| last_use(unit) < limit);
        }
        units.sort_by_key(last_use);
        let mut kept: FxHashSet<Node> = FxHashSet::default();
        for unit in units {
            if self.limit_reached {
                return Ok(());
            }
            // Somebody may have begun to need something in the meantime.
            let mut is_kept = false;
            for node in &unit {
                let keepers = graph.keepers(*node)?;
                is_kept |= keepers
                    .iter()
                    .any(|(_, keeper)| keeper.is_none_or(|keeper| kept.contains(&keeper)));
            }
            if is_kept || !self.doom(graph, &unit)? {
                kept.extend(unit);
            }
        }
        Ok(())
    }

    /// Delete a unit soon, unless it is needed now.
    fn doom(&mut self, graph: &Graph<'_>, unit: &[Node]) -> Result<bool, StoreError> {
        if !self.shared.doom(unit.iter().map(|node| graph.path(*node))) {
            return Ok(false);
        }
        for node in unit {
            let row = graph.row(*node);
            self.batch.add(Some(row.id), row.path.clone(), row.nar_size);
        }
        self.flush_if_due()?;
        Ok(true)
    }

    fn flush_if_due(&mut self) -> Result<(), StoreError> {
        let batch = &self.batch;
        let room = self
            .options
            .max_freed
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.results.bytes_freed));
        let is_due = batch.size > room
            || batch.size > BATCH_SIZE
            || batch.paths.len() >= BATCH_PATHS
            || batch.begun.is_some_and(|begun| begun.elapsed() >= BATCH_TIME)
            || self.shared.is_awaited();
        if is_due { self.flush() } else { Ok(()) }
    }

    /// Make the batch invalid, then delete it.
    fn flush(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        if batch.paths.is_empty() {
            return Ok(());
        }
        let doomed: Vec<_> = batch
            .paths
            .iter()
            .map(|(id, path)| Doomed { id: *id, path })
            .collect();
        let invalid = self.db.invalidate(&doomed)?;
        for ((_, path), invalid) in batch.paths.iter().zip(invalid) {
            let deleted = if invalid {
                self.delete(Path::new(path.base_name()))
            } else {
                self.revived.insert(path.clone());
                Ok(())
            };
            self.shared.release(path);
            deleted?;
        }
        Ok(())
    }

    fn printed(&self, name: &Path) -> String {
        format!("{}/{}", self.config.store_dir.as_str(), name.display())
    }

    /// Delete what has that name in the store. A file that cannot be deleted is told of at the end.
    fn delete(&mut self, name: &Path) -> Result<(), StoreError> {
        let path = self.printed(name);
        self.notify.say(&format!("deleting '{path}'"));
        self.results.paths.insert(path);
        let (freed, result) = remove_tree(self.store.as_fd(), &self.config.real_store_dir, name, self.notify);
        self.results.bytes_freed += freed;
        match result {
            Err(StoreError::Interrupted) => return Err(StoreError::Interrupted),
            Err(error) => {
                self.failure.get_or_insert(error);
            }
            Ok(()) => {}
        }
        if let Some(limit) = self.options.max_freed
            && self.results.bytes_freed > limit
            && !self.limit_reached
        {
            self.limit_reached = true;
            self.notify
                .say(&format!("deleted more than {limit} bytes; stopping"));
        }
        Ok(())
    }
}

impl Judge for Sweep<'_> {
    fn keeps(&mut self, _: Node, path: &StorePath) -> bool {
        let is_spared = match &self.options.action {
            GcAction::DeleteSpecific(paths) => !paths.contains(path),
            _ => self.limit_reached,
        };
        is_spared || self.roots.contains_key(path) || self.shared.is_root(path)
    }

    fn condemn(&mut self, graph: &Graph<'_>, unit: &[Node]) -> Result<bool, StoreError> {
        if self.deletes() && !self.is_planned() {
            return self.doom(graph, unit);
        }
        let is_needed = |node: &Node| self.shared.is_root(graph.path(*node));
        if unit.iter().any(is_needed) {
            return Ok(false);
        }
        self.dead.push(unit.to_vec());
        Ok(true)
    }
}

impl Batch {
    fn add(&mut self, id: Option<i64>, path: StorePath, size: u64) {
        self.begun.get_or_insert_with(Instant::now);
        self.paths.push((id, path));
        self.size = self.size.saturating_add(size);
    }
}
