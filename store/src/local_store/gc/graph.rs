//! Which paths are alive, found out for one path at a time.
//!
//! A path is alive if it is a root or if something alive refers to it (or, as the settings say, was made by it or makes
//! it). So for each path, first those that keep it are looked at. They may keep one another in circles: a
//! strongly connected component is alive or dead as a whole, and is found dead when all that keeps it is. Every
//! path and every reference is looked at once, whatever the order.

use rustc_hash::FxHashMap;

use crate::db::Db;
use crate::db::gc::PathRow;
use crate::error::StoreError;
use crate::notify::Notify;
use crate::path::StorePath;

/// The index of a valid path in the graph.
pub(super) type Node = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    /// On the stack, at that place.
    Open(u32),
    Alive,
    Dead,
}

/// Why one path keeps another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It refers to it.
    Refers,
    /// It was made by it, and `keep-derivations` is set.
    MadeBy,
    /// It is a derivation that makes it, and `keep-outputs` is set.
    Makes,
}

/// The valid paths.
pub(super) struct Graph<'a> {
    db: &'a Db,
    notify: &'a Notify,
    pub(super) keep_outputs: bool,
    pub(super) keep_derivations: bool,
    rows: Vec<PathRow>,
    /// The content-addressed paths that derivations made.
    made: FxHashMap<StorePath, Vec<i64>>,
    by_path: FxHashMap<StorePath, Node>,
    fates: Vec<Fate>,
    /// When each path was last used, or something that it keeps from being deleted.
    last_uses: Vec<i64>,
}

/// Says what becomes of paths.
pub(super) trait Judge {
    /// Whether a path stays, whatever keeps it.
    fn keeps(&mut self, node: Node, path: &StorePath) -> bool;

    /// Paths that nothing keeps, as a unit, those that refer to others first. False if they stay nevertheless.
    fn condemn(&mut self, graph: &Graph<'_>, unit: &[Node]) -> Result<bool, StoreError>;
}

struct Frame {
    node: Node,
    keepers: Vec<Node>,
    /// How many of the keepers have been looked at.
    seen: usize,
    /// The lowest place on the stack that can be reached.
    low: u32,
}

impl<'a> Graph<'a> {
    /// Read the valid paths; references are read when they are needed.
    pub(super) fn load(db: &'a Db, notify: &'a Notify) -> Result<Self, StoreError> {
        let mut rows = db.path_rows()?;
        rows.sort_unstable_by_key(|row| row.id);
        let nodes = 0..Node::try_from(rows.len()).unwrap_or(Node::MAX);
        let by_path = rows.iter().zip(nodes).map(|(row, node)| (row.path.clone(), node));
        Ok(Graph {
            db,
            notify,
            made: db.content_addressed_outputs()?,
            keep_outputs: false,
            keep_derivations: false,
            by_path: by_path.collect(),
            fates: vec![Fate::Unknown; rows.len()],
            last_uses: rows.iter().map(|row| row.registration_time).collect(),
            rows,
        })
    }

    pub(super) fn nodes(&self) -> std::ops::Range<Node> {
        0..Node::try_from(self.rows.len()).unwrap_or(Node::MAX)
    }

    pub(super) fn find(&self, path: &StorePath) -> Option<Node> {
        self.by_path.get(path).copied()
    }

    pub(super) fn row(&self, node: Node) -> &PathRow {
        &self.rows[node as usize]
    }

    pub(super) fn path(&self, node: Node) -> &StorePath {
        &self.row(node).path
    }

    pub(super) fn is_alive(&self, node: Node) -> bool {
        self.fates[node as usize] == Fate::Alive
    }

    pub(super) fn last_use(&self, node: Node) -> i64 {
        self.last_uses[node as usize]
    }

    /// A path was used later than it was registered.
    pub(super) fn note_use(&mut self, node: Node, time: i64) {
        let last = &mut self.last_uses[node as usize];
        *last = time.max(*last);
    }

    fn by_id(&self, id: i64) -> Option<Node> {
        let index = self.rows.binary_search_by_key(&id, |row| row.id).ok()?;
        Node::try_from(index).ok()
    }

    /// The paths that keep a path, and how; `None` for one that was registered a moment ago.
    pub(super) fn keepers(&self, node: Node) -> Result<Vec<(Link, Option<Node>)>, StoreError> {
        let row = self.row(node);
        let mut keepers = Vec::new();
        let mut add = |link, ids: Vec<i64>| {
            keepers.extend(ids.into_iter().map(|id| (link, self.by_id(id))));
        };
        add(Link::Refers, self.db.referrer_ids(row.id)?);
        if self.keep_derivations && row.path.is_derivation() {
            add(Link::MadeBy, self.db.made_output_ids(row.id, &row.path)?);
            add(
                Link::MadeBy,
                self.made.get(&row.path).cloned().unwrap_or_default(),
            );
        }
        if self.keep_outputs {
            add(Link::Makes, self.db.deriver_ids(&row.path)?);
        }
        Ok(keepers)
    }

    /// Find out whether a path is dead. What is found dead on the way is condemned, in an order in which it can be
    /// deleted.
    pub(super) fn decide(&mut self, start: Node, judge: &mut impl Judge) -> Result<bool, StoreError> {
        match self.fates[start as usize] {
            Fate::Alive | Fate::Open(_) => return Ok(false),
            Fate::Dead => return Ok(true),
            Fate::Unknown => {}
        }
        let mut open = Vec::new();
        let dead = self.search(start, &mut open, judge)?;
        if !dead {
            // From all that is still open a path leads to what is alive.
            for node in open {
                self.fates[node as usize] = Fate::Alive;
            }
        }
        Ok(dead)
    }

    /// Tarjan's search for strongly connected components, without recursion. Gives false as soon as something
    /// alive is found.
    fn search(
        &mut self,
        start: Node,
        open: &mut Vec<Node>,
        judge: &mut impl Judge,
    ) -> Result<bool, StoreError> {
        let mut frames = Vec::new();
        let Some(frame) = self.enter(start, open, judge)? else {
            return Ok(false);
        };
        frames.push(frame);
        while let Some(frame) = frames.last_mut() {
            if let Some(&keeper) = frame.keepers.get(frame.seen) {
                frame.seen += 1;
                match self.fates[keeper as usize] {
                    Fate::Alive => return Ok(false),
                    Fate::Dead => self.inherit_use(frame.node, keeper),
                    Fate::Open(place) => frame.low = frame.low.min(place),
                    Fate::Unknown => match self.enter(keeper, open, judge)? {
                        Some(frame) => frames.push(frame),
                        None => return Ok(false),
                    },
                }
                continue;
            }
            let (node, low) = (frame.node, frame.low);
            frames.pop();
            if self.fates[node as usize] == Fate::Open(low) && !self.close(low, open, judge)? {
                return Ok(false);
            }
            if let Some(parent) = frames.last_mut() {
                parent.low = parent.low.min(low);
                let parent = parent.node;
                self.inherit_use(parent, node);
            }
        }
        Ok(true)
    }

    /// Begin to look at a path; nothing if it is alive by itself.
    fn enter(
        &mut self,
        node: Node,
        open: &mut Vec<Node>,
        judge: &mut impl Judge,
    ) -> Result<Option<Frame>, StoreError> {
        self.notify.check_interrupt()?;
        let place = u32::try_from(open.len()).unwrap_or(u32::MAX);
        open.push(node);
        self.fates[node as usize] = Fate::Open(place);
        if judge.keeps(node, self.path(node)) {
            return Ok(None);
        }
        let keepers = self.keepers(node)?.into_iter().map(|(_, keeper)| keeper);
        // What is new is needed by somebody.
        let Some(keepers) = keepers.collect() else {
            return Ok(None);
        };
        Ok(Some(Frame {
            node,
            keepers,
            seen: 0,
            low: place,
        }))
    }

    /// The component that begins at that place of the stack is complete, and all that keeps it is dead.
    fn close(
        &mut self,
        place: u32,
        open: &mut Vec<Node>,
        judge: &mut impl Judge,
    ) -> Result<bool, StoreError> {
        let mut unit = open[place as usize..].to_vec();
        let last_use = unit.iter().map(|node| self.last_use(*node)).max();
        for node in &unit {
            self.note_use(*node, last_use.unwrap_or(0));
        }
        self.sort_unit(&mut unit)?;
        if !judge.condemn(self, &unit)? {
            return Ok(false);
        }
        open.truncate(place as usize);
        for node in unit {
            self.fates[node as usize] = Fate::Dead;
        }
        Ok(true)
    }

    fn inherit_use(&mut self, node: Node, keeper: Node) {
        self.note_use(node, self.last_use(keeper));
    }

    /// Within a component, put what refers to others before them.
    fn sort_unit(&self, unit: &mut Vec<Node>) -> Result<(), StoreError> {
        if unit.len() < 2 {
            return Ok(());
        }
        let mut referrers = FxHashMap::default();
        for node in unit.iter() {
            let ids = self.db.referrer_ids(self.row(*node).id)?;
            let nodes: Vec<Node> = ids.into_iter().filter_map(|id| self.by_id(id)).collect();
            referrers.insert(*node, nodes);
        }
        let mut sorted = Vec::with_capacity(unit.len());
        let mut stack: Vec<(Node, bool)> = unit.iter().rev().map(|node| (*node, false)).collect();
        while let Some((node, done)) = stack.pop() {
            if done {
                sorted.push(node);
            } else if let Some(referrers) = referrers.remove(&node) {
                stack.push((node, true));
                stack.extend(referrers.into_iter().rev().map(|node| (node, false)));
            }
        }
        *unit = sorted;
        Ok(())
    }
}
