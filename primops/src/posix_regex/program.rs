//! The states a pattern is compiled to.

use super::byte_set::ByteSet;
use super::parse::{Kind, NodeId, Tree};

/// Index of a state in [`Program::states`].
pub(super) type StateId = u32;

/// One step of a program.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Byte {
        byte: u8,
        next: StateId,
    },
    Set {
        set: u32,
        next: StateId,
    },
    LineStart {
        next: StateId,
    },
    LineEnd {
        next: StateId,
    },
    /// Start of a group.
    Open {
        group: u32,
        next: StateId,
    },
    /// End of a group.
    Close {
        group: u32,
        next: StateId,
    },
    /// Two alternatives: both are followed, the longer match wins, the first on a tie.
    Either {
        first: StateId,
        second: StateId,
        branch: u32,
    },
    /// A repetition: one more round if that leads to a match, else on to what follows.
    Repeat {
        more: StateId,
        exit: StateId,
        branch: u32,
        counter: Option<u32>,
    },
    /// A repetition of a single byte state, which can be run through without leaving frames.
    Scan {
        body: StateId,
        exit: StateId,
        branch: u32,
    },
    Accept,
}

/// What a match can start with.
#[derive(Debug)]
pub(super) enum First {
    /// Anything: the match can be empty.
    Any,
    Byte(u8),
    OneOf(ByteSet),
}

impl First {
    /// Returns the first position where a match may start.
    pub(super) fn skip_to(&self, text: &[u8]) -> Option<usize> {
        match self {
            First::Any => Some(0),
            First::Byte(byte) => memchr::memchr(*byte, text),
            First::OneOf(set) => text.iter().position(|&byte| set.contains(byte)),
        }
    }
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) states: Vec<State>,
    pub(super) sets: Vec<ByteSet>,
    pub(super) start: StateId,
    pub(super) groups: usize,
    /// The number of states that have two ways on.
    pub(super) branches: u32,
    /// The number of repetitions whose empty rounds have to be counted.
    pub(super) counters: u32,
    pub(super) has_alternatives: bool,
    pub(super) first: First,
}

/// Work that is left while states are emitted, from the pattern's end to its start.
enum Task {
    /// Emit a node (and whether it stands in a loop whose body can be empty) in front of the current state.
    Node(NodeId, bool),
    /// Emit `node?` in front of the current state, leaving to `exit`.
    Optional {
        node: NodeId,
        exit: StateId,
        in_empty_loop: bool,
    },
    Loop {
        node: NodeId,
        at_least_once: bool,
    },
    Open(u32),
    /// Make the current state the preferred way of a branch.
    SetFirst(StateId),
    SetSecond(StateId),
    /// Continue in front of the given state.
    Goto(StateId),
}

/// A loop over loops, as in `a**`, does what one loop does: this returns the innermost body, and whether it has to
/// match once. Each loop over what can be empty multiplies the ways to search. If the innermost body can be empty all
/// loops are kept, since the number of its empty rounds shows in groups.
fn flatten_loops(tree: &Tree, node: NodeId, at_least_once: bool) -> (NodeId, bool) {
    let (mut innermost, mut once) = (node, at_least_once);
    while let Kind::Repeat {
        node: body,
        min: min @ 0..=1,
        max: None | Some(1),
    } = tree.nodes[innermost as usize].kind
    {
        (innermost, once) = (body, once && min == 1);
    }
    if tree.nodes[innermost as usize].nullable {
        (node, at_least_once)
    } else {
        (innermost, once)
    }
}

impl Program {
    /// Compiles a syntax tree.
    pub(super) fn new(tree: &Tree) -> Program {
        let mut program = Program {
            states: vec![State::Accept],
            sets: Vec::new(),
            start: 0,
            groups: tree.groups as usize,
            branches: 0,
            counters: 0,
            has_alternatives: false,
            first: First::Any,
        };
        program.start = program.emit(tree);
        program.first = program.find_first();
        program
    }

    fn emit(&mut self, tree: &Tree) -> StateId {
        let mut current = 0;
        let mut tasks = vec![Task::Node(tree.root, false)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Node(node, in_empty_loop) => {
                    current = self.emit_node(tree, node, in_empty_loop, current, &mut tasks);
                }
                Task::Optional {
                    node,
                    exit,
                    in_empty_loop,
                } => {
                    let counted = in_empty_loop && tree.nodes[node as usize].nullable;
                    let repeat = self.push_repeat(exit, counted);
                    tasks.extend([
                        Task::Goto(repeat),
                        Task::SetFirst(repeat),
                        Task::Node(node, in_empty_loop),
                    ]);
                }
                Task::Loop { node, at_least_once } => {
                    let (node, at_least_once) = flatten_loops(tree, node, at_least_once);
                    let nullable = tree.nodes[node as usize].nullable;
                    let repeat = self.push_repeat(current, nullable);
                    if !at_least_once {
                        tasks.push(Task::Goto(repeat));
                    }
                    tasks.extend([Task::SetFirst(repeat), Task::Node(node, nullable)]);
                    current = repeat;
                }
                Task::Open(group) => current = self.push(State::Open { group, next: current }),
                Task::SetFirst(branch) => self.set_first(branch, current),
                Task::SetSecond(branch) => {
                    if let State::Either { second, .. } = &mut self.states[branch as usize] {
                        *second = current;
                    }
                }
                Task::Goto(state) => current = state,
            }
        }
        current
    }

    fn emit_node(
        &mut self,
        tree: &Tree,
        node: NodeId,
        in_empty_loop: bool,
        next: StateId,
        tasks: &mut Vec<Task>,
    ) -> StateId {
        match &tree.nodes[node as usize].kind {
            Kind::Empty => next,
            Kind::Byte(byte) => self.push(State::Byte { byte: *byte, next }),
            Kind::Set(set) => {
                let set = self.intern_set(set);
                self.push(State::Set { set, next })
            }
            Kind::LineStart => self.push(State::LineStart { next }),
            Kind::LineEnd => self.push(State::LineEnd { next }),
            Kind::Group(group, body) => {
                tasks.extend([Task::Open(*group), Task::Node(*body, in_empty_loop)]);
                self.push(State::Close { group: *group, next })
            }
            Kind::Concat(parts) => {
                // The last part is emitted first.
                tasks.extend(parts.iter().map(|&part| Task::Node(part, in_empty_loop)));
                next
            }
            Kind::Either(first, second) => {
                let branch = self.push(State::Either {
                    first: 0,
                    second: 0,
                    branch: self.branches,
                });
                self.branches += 1;
                self.has_alternatives = true;
                tasks.extend([
                    Task::Goto(branch),
                    Task::SetSecond(branch),
                    Task::Node(*second, in_empty_loop),
                    Task::Goto(next),
                    Task::SetFirst(branch),
                    Task::Node(*first, in_empty_loop),
                ]);
                next
            }
            &Kind::Repeat {
                node,
                min: min @ 0..=1,
                max: None,
            } => {
                tasks.push(Task::Loop {
                    node,
                    at_least_once: min == 1,
                });
                next
            }
            &Kind::Repeat { node, min, max } => {
                tasks.extend((0..min).map(|_| Task::Node(node, in_empty_loop)));
                match max {
                    None => tasks.push(Task::Loop {
                        node,
                        at_least_once: false,
                    }),
                    Some(max) => {
                        let optional = || Task::Optional {
                            node,
                            exit: next,
                            in_empty_loop,
                        };
                        tasks.extend((min..max).map(|_| optional()));
                    }
                }
                next
            }
        }
    }

    fn push(&mut self, state: State) -> StateId {
        let id = self.states.len() as StateId;
        self.states.push(state);
        id
    }

    /// Completes a branch once its preferred way is known.
    fn set_first(&mut self, id: StateId, way: StateId) {
        let one_byte = matches!(
            self.states[way as usize],
            State::Byte { next, .. } | State::Set { next, .. } if next == id
        );
        match &mut self.states[id as usize] {
            State::Either { first, .. } => *first = way,
            &mut State::Repeat { exit, branch, .. } if one_byte => {
                self.states[id as usize] = State::Scan {
                    body: way,
                    exit,
                    branch,
                };
            }
            State::Repeat { more, .. } => *more = way,
            _ => {}
        }
    }

    fn push_repeat(&mut self, exit: StateId, counted: bool) -> StateId {
        let counter = counted.then_some(self.counters);
        self.counters += u32::from(counted);
        let branch = self.branches;
        self.branches += 1;
        self.push(State::Repeat {
            more: 0,
            exit,
            branch,
            counter,
        })
    }

    /// Equal sets share one entry, where that is cheap to see.
    fn intern_set(&mut self, set: &ByteSet) -> u32 {
        const LOOK_BACK: usize = 8;
        let recent = self.sets.len().saturating_sub(LOOK_BACK);
        let known = self.sets[recent..].iter().position(|known| known == set);
        let index = known.map_or(self.sets.len(), |index| recent + index);
        if known.is_none() {
            self.sets.push(*set);
        }
        index as u32
    }

    fn find_first(&self) -> First {
        let mut bytes = ByteSet::default();
        let mut seen = vec![false; self.states.len()];
        let mut pending = vec![self.start];
        while let Some(state) = pending.pop() {
            if std::mem::replace(&mut seen[state as usize], true) {
                continue;
            }
            match self.states[state as usize] {
                State::Byte { byte, .. } => bytes.insert(byte),
                State::Set { set, .. } => bytes.union(&self.sets[set as usize]),
                State::LineStart { next }
                | State::LineEnd { next }
                | State::Open { next, .. }
                | State::Close { next, .. } => pending.push(next),
                State::Either { first, second, .. } => pending.extend([first, second]),
                State::Repeat { more: way, exit, .. } | State::Scan { body: way, exit, .. } => {
                    pending.extend([way, exit]);
                }
                State::Accept => return First::Any,
            }
        }
        bytes.single().map_or(First::OneOf(bytes), First::Byte)
    }
}
