//! `genericClosure`, and the ordered set of keys behind it.

use nivis_eval::error::{Error, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use std::collections::VecDeque;

pub(super) fn generic_closure(ev: &Evaluator, args: &[Slot], _: Pos) -> Result<Value> {
    let none = Pos::NONE;
    let context = "while evaluating the first argument passed to builtins.genericClosure";
    let set = ev.expect_attrs(args[0], none, context)?;
    let in_set = "in the attrset passed as argument to builtins.genericClosure";
    let start = ev.required_attr(set, ev.names.start_set, in_set)?;
    let context = "while evaluating the 'startSet' attribute passed as argument to builtins.genericClosure";
    let start_set = ev.expect_list(start, none, context)?;
    if start_set.is_empty() {
        return Ok(Value::EMPTY_LIST);
    }
    let operator = ev.required_attr(set, ev.names.operator, in_set)?;
    let context = "while evaluating the 'operator' attribute passed as argument to builtins.genericClosure";
    let operator = ev.expect_function(operator, none, context)?;

    let mut work: VecDeque<Slot> = start_set.iter().copied().collect();
    let mut found = KeySet::default();
    while let Some(element) = work.pop_front() {
        let key = key_of(ev, element)?;
        if !found.insert(ev, key, element)? {
            continue;
        }
        expand(ev, operator, element, &mut work).map_err(|error| {
            let element = show(ev, element);
            error.frame(
                none,
                format!("while calling operator on genericClosure element {element}"),
            )
        })?;
    }
    Ok(ev.heap.list_with(found.nodes.len(), |i| found.nodes[i].element))
}

fn key_of(ev: &Evaluator, element: Slot) -> Result<Value> {
    let key = ev
        .expect_attrs(element, Pos::NONE, "")
        .and_then(|set| ev.required_attr(set, ev.names.key, ""))
        .map_err(|error| {
            let element = show(ev, element);
            error.frame(Pos::NONE, format!("in genericClosure element {element}"))
        })?;
    ev.force(key, Pos::NONE)
}

/// Adds what the operator returns for an element to the work that is left.
fn expand(ev: &Evaluator, operator: Value, element: Slot, work: &mut VecDeque<Slot>) -> Result<()> {
    let new = ev.call(operator, &[element], Pos::NONE)?;
    let context = "while evaluating the return value of the `operator` passed to builtins.genericClosure";
    for &element in ev.expect_list(new.slot(), Pos::NONE, context)? {
        ev.force(element, Pos::NONE)?;
        work.push_back(element);
    }
    Ok(())
}

fn show(ev: &Evaluator, slot: Slot) -> String {
    slot.evaluated()
        .map_or_else(|| "«thunk»".to_owned(), |value| ev.show_for_error(value))
}

/// Elements by key: a red-black tree whose nodes lie in the order in which they were inserted.
///
/// Comparing two keys can fail, and the error names the key that was met first on the way down: so this has to be
/// the very tree that the reference has, and none of the library's.
#[derive(Default)]
struct KeySet {
    nodes: Vec<Node>,
    root: Option<usize>,
}

struct Node {
    key: Value,
    element: Slot,
    parent: Option<usize>,
    /// Smaller keys, greater keys.
    children: [Option<usize>; 2],
    red: bool,
}

impl KeySet {
    /// Adds an element unless there is one with that key.
    fn insert(&mut self, ev: &Evaluator, key: Value, element: Slot) -> Result<bool> {
        let place = self
            .place_of(ev, key)
            .map_err(|error| self.explain(ev, error, key, element))?;
        let Some((parent, side)) = place else {
            return Ok(false);
        };
        let new = self.nodes.len();
        self.nodes.push(Node {
            key,
            element,
            parent,
            children: [None, None],
            red: true,
        });
        match parent {
            None => self.root = Some(new),
            Some(parent) => self.nodes[parent].children[side] = Some(new),
        }
        self.rebalance(new);
        Ok(true)
    }

    /// Below which node and on which side a key belongs; `None` if it is there already.
    fn place_of(&self, ev: &Evaluator, key: Value) -> Result<Option<(Option<usize>, usize)>> {
        let (mut parent, mut side) = (None, 0);
        let mut next_smaller = None;
        let mut at = self.root;
        while let Some(node) = at {
            parent = Some(node);
            side = usize::from(!ev.less(key, self.nodes[node].key)?);
            if side == 1 {
                next_smaller = Some(node);
            }
            at = self.nodes[node].children[side];
        }
        match next_smaller {
            Some(node) if !ev.less(self.nodes[node].key, key)? => Ok(None),
            _ => Ok(Some((parent, side))),
        }
    }

    /// Tells which elements have keys that cannot be compared.
    #[cold]
    fn explain(&self, ev: &Evaluator, error: Error, key: Value, element: Slot) -> Error {
        let none = Pos::NONE;
        let element = show(ev, element);
        let other = self.first_incomparable(ev, key);
        match other.map(|other| show(ev, other)) {
            Some(other) => error
                .frame(none, format!("with element {other}"))
                .frame(none, format!("while comparing element {element}")),
            None => error.frame(none, format!("while checking key of element {element}")),
        }
    }

    /// The element with the smallest key that `key` cannot be compared with.
    fn first_incomparable(&self, ev: &Evaluator, key: Value) -> Option<Slot> {
        let mut ancestors = vec![];
        let mut at = self.root;
        loop {
            while let Some(node) = at {
                ancestors.push(node);
                at = self.nodes[node].children[0];
            }
            let node = &self.nodes[ancestors.pop()?];
            if ev.less(key, node.key).is_err() {
                return Some(node.element);
            }
            at = node.children[1];
        }
    }

    /// Restores the rules of red-black trees after `node`, which is red, was inserted.
    fn rebalance(&mut self, mut node: usize) {
        while let Some(mut parent) = self.nodes[node].parent
            && self.nodes[parent].red
            && let Some(grandparent) = self.nodes[parent].parent
        {
            let side = self.side(grandparent, parent);
            let uncle = self.nodes[grandparent].children[1 - side];
            if let Some(uncle) = uncle
                && self.nodes[uncle].red
            {
                self.nodes[parent].red = false;
                self.nodes[uncle].red = false;
                self.nodes[grandparent].red = true;
                node = grandparent;
                continue;
            }
            if self.side(parent, node) != side {
                self.rotate(parent, side);
                (node, parent) = (parent, node);
            }
            self.nodes[parent].red = false;
            self.nodes[grandparent].red = true;
            self.rotate(grandparent, 1 - side);
        }
        if let Some(root) = self.root {
            self.nodes[root].red = false;
        }
    }

    fn side(&self, parent: usize, child: usize) -> usize {
        usize::from(self.nodes[parent].children[1] == Some(child))
    }

    /// Moves `node` down to the given side; its child on the other side takes its place.
    fn rotate(&mut self, node: usize, side: usize) {
        let Some(up) = self.nodes[node].children[1 - side] else {
            return;
        };
        let moved = self.nodes[up].children[side];
        self.nodes[node].children[1 - side] = moved;
        if let Some(moved) = moved {
            self.nodes[moved].parent = Some(node);
        }
        let parent = self.nodes[node].parent;
        self.nodes[up].parent = parent;
        match parent {
            None => self.root = Some(up),
            Some(parent) => {
                let at = self.side(parent, node);
                self.nodes[parent].children[at] = Some(up);
            }
        }
        self.nodes[up].children[side] = Some(node);
        self.nodes[node].parent = Some(up);
    }
}
