//! The tree of calls that samples saw: who was called by whom, all the way up.

use rustc_hash::FxHashMap;

/// A function as it was called by a chain of others. The first node stands for what no function did.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The index of the caller's node, which is smaller than its own. The first node is its own caller.
    pub parent: u32,
    /// The index of the function among the rows of the profile.
    pub function: u32,
    /// Nanoseconds of its own.
    pub nanos: u64,
    /// Bytes of its own.
    pub bytes: u64,
}

/// The tree while it grows.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    children: FxHashMap<(u32, u32), u32>,
}

impl Tree {
    /// A tree with its first node, which is of function 0.
    pub(super) fn new() -> Tree {
        Tree {
            nodes: vec![Node {
                parent: 0,
                function: 0,
                nanos: 0,
                bytes: 0,
            }],
            children: FxHashMap::default(),
        }
    }

    /// The node of a function called from a node. Direct recursion stays in one node.
    pub(super) fn child(&mut self, parent: u32, function: u32) -> u32 {
        if self.nodes[parent as usize].function == function {
            return parent;
        }
        let nodes = &mut self.nodes;
        *self.children.entry((parent, function)).or_insert_with(|| {
            nodes.push(Node {
                parent,
                function,
                nanos: 0,
                bytes: 0,
            });
            nodes.len() as u32 - 1
        })
    }
}
