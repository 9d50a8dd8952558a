//! Sums over the tree of calls.

use nivis_eval::profile::Node;
use std::collections::BTreeMap;

/// Nanoseconds and bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Sum {
    /// Nanoseconds.
    pub(super) nanos: u64,
    /// Bytes.
    pub(super) bytes: u64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.nanos += other.nanos;
        self.bytes += other.bytes;
    }
}

/// What each node took with all that it called. A node's callees come after it.
fn inclusive(tree: &[Node]) -> Vec<Sum> {
    let mut sums: Vec<Sum> = tree
        .iter()
        .map(|node| Sum {
            nanos: node.nanos,
            bytes: node.bytes,
        })
        .collect();
    for i in (1..tree.len()).rev() {
        let sum = sums[i];
        sums[tree[i].parent as usize].add(sum);
    }
    sums
}

/// Walks the tree; tells of each node with how many of its callers have its group, itself not counted.
fn walk(
    tree: &[Node],
    groups: usize,
    group: impl Fn(u32) -> Option<usize>,
    mut visit: impl FnMut(usize, u32),
) {
    let mut children: Vec<Vec<u32>> = vec![vec![]; tree.len()];
    for (i, node) in tree.iter().enumerate().skip(1) {
        children[node.parent as usize].push(i as u32);
    }
    let mut active = vec![0; groups];
    // Each node is met twice: to enter it and to leave it.
    let mut open = vec![(0, false)];
    while let Some((i, entered)) = open.pop() {
        let Some(node) = tree.get(i as usize) else { return };
        let own = group(node.function);
        if entered {
            if let Some(own) = own {
                active[own] -= 1;
            }
            continue;
        }
        visit(i as usize, own.map_or(0, |own| active[own]));
        if let Some(own) = own {
            active[own] += 1;
        }
        open.push((i, true));
        open.extend(children[i as usize].iter().map(|&child| (child, false)));
    }
}

/// What each group of functions took with all that it called. What a group calls of its own counts once.
pub(super) fn by_group(tree: &[Node], groups: usize, group: impl Fn(u32) -> Option<usize>) -> Vec<Sum> {
    let inclusive = inclusive(tree);
    let mut sums = vec![Sum::default(); groups];
    walk(tree, groups, &group, |i, active| {
        if let (Some(own), 0) = (group(tree[i].function), active) {
            sums[own].add(inclusive[i]);
        }
    });
    sums
}

/// The callers of a function and what it took for each; the functions that it called and what each took for it.
pub(super) fn neighbours(tree: &[Node], function: u32) -> [Vec<(u32, Sum)>; 2] {
    let inclusive = inclusive(tree);
    let mut neighbours: [BTreeMap<u32, Sum>; 2] = Default::default();
    let mut outermost = vec![false; tree.len()];
    walk(
        tree,
        1,
        |other| (other == function).then_some(0),
        |i, active| outermost[i] = active == 0 && tree[i].function == function,
    );
    for (i, node) in tree.iter().enumerate().skip(1) {
        if outermost[i] {
            let caller = tree[node.parent as usize].function;
            neighbours[0].entry(caller).or_default().add(inclusive[i]);
        }
        if outermost[node.parent as usize] {
            neighbours[1].entry(node.function).or_default().add(inclusive[i]);
        }
    }
    neighbours.map(|sums| sums.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 calls 1, which calls 2, which calls 1 again, which calls 3.
    fn tree() -> Vec<Node> {
        let node = |parent, function, nanos| Node {
            parent,
            function,
            nanos,
            bytes: 10 * nanos,
        };
        vec![
            node(0, 0, 1),
            node(0, 1, 2),
            node(1, 2, 4),
            node(2, 1, 8),
            node(3, 3, 16),
        ]
    }

    #[test]
    fn recursion_counts_once() {
        let sums = by_group(&tree(), 4, |function| Some(function as usize));
        let nanos: Vec<u64> = sums.iter().map(|sum| sum.nanos).collect();
        assert_eq!(nanos, [31, 30, 28, 16]);
        assert_eq!(sums[0].bytes, 310);
    }

    #[test]
    fn callers_and_callees_share_what_a_function_took() {
        let of = |function| {
            neighbours(&tree(), function)
                .map(|sums| sums.iter().map(|(f, s)| (*f, s.nanos)).collect::<Vec<_>>())
        };
        assert_eq!(of(1), [vec![(0, 30)], vec![(2, 28)]]);
        assert_eq!(of(2), [vec![(1, 28)], vec![(1, 24)]]);
    }
}
