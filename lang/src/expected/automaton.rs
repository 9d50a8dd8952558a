//! An LALR(1) automaton with bison's default reductions.

use super::rules::{Assoc, PRECEDENCE, RULES, TERMINALS};
use std::collections::{BTreeMap, HashMap};

/// A symbol: a terminal by its number, or a nonterminal by its number plus the number of terminals.
type Symbol = usize;
/// A set of terminals.
type Terminals = u128;
/// An item: a production and how much of it was read.
type Item = (usize, usize);

const END: Symbol = 0;

struct Production {
    left: Symbol,
    right: Vec<Symbol>,
    /// Index in [`PRECEDENCE`].
    strength: Option<usize>,
}

struct Grammar {
    productions: Vec<Production>,
    /// Productions of each nonterminal.
    by_left: Vec<Vec<usize>>,
    nullable: Vec<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    /// What the state does by default.
    Default,
    Shift(usize),
    Reduce(usize),
    /// An operator that cannot be chained.
    Error,
}

struct State {
    actions: Vec<Action>,
    default: Option<usize>,
    /// Nothing to decide: the next token is not looked at.
    consistent: bool,
    gotos: HashMap<Symbol, usize>,
}

/// The automaton.
pub(super) struct Automaton {
    productions: Vec<Production>,
    states: Vec<State>,
}

/// What the automaton thinks of a sequence of tokens.
pub(super) enum Verdict {
    /// It may be the start of something.
    Incomplete,
    /// It is a whole source.
    Accept,
    /// The last token is not acceptable, these would be.
    Error { expected: Vec<usize> },
}

impl Grammar {
    fn new() -> Grammar {
        let count = TERMINALS.len();
        // Nonterminal 0 is the goal.
        let symbol = |name: &str| {
            let terminal = TERMINALS.iter().position(|terminal| terminal.0 == name);
            terminal
                .or_else(|| {
                    RULES
                        .iter()
                        .position(|rule| rule.0 == name)
                        .map(|nth| count + 1 + nth)
                })
                .unwrap_or_else(|| unreachable!("the rules name no {name}"))
        };
        let strength = |name: &str| {
            PRECEDENCE
                .iter()
                .position(|(_, operators)| operators.contains(&name))
        };
        let goal = Production {
            left: count,
            right: vec![symbol("start"), END],
            strength: None,
        };
        let mut productions = vec![goal];
        for (left, alternatives) in RULES {
            for alternative in *alternatives {
                let (right, explicit) = match alternative.split_once(" % ") {
                    Some((right, operator)) => (right, strength(operator)),
                    None => (*alternative, None),
                };
                let names = || right.split_whitespace();
                let last = names().rfind(|name| symbol(name) < count);
                productions.push(Production {
                    left: symbol(left),
                    right: names().map(symbol).collect(),
                    strength: explicit.or_else(|| last.and_then(strength)),
                });
            }
        }
        let mut by_left = vec![Vec::new(); RULES.len() + 1];
        for (number, production) in productions.iter().enumerate() {
            by_left[production.left - count].push(number);
        }
        let mut grammar = Grammar {
            productions,
            by_left,
            nullable: vec![false; RULES.len() + 1],
        };
        grammar.find_nullable();
        grammar
    }

    fn find_nullable(&mut self) {
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for production in &self.productions {
                let left = production.left - TERMINALS.len();
                if !self.nullable[left] && production.right.iter().all(|&symbol| self.is_nullable(symbol)) {
                    self.nullable[left] = true;
                    changed = true;
                }
            }
        }
    }

    fn is_nullable(&self, symbol: Symbol) -> bool {
        symbol
            .checked_sub(TERMINALS.len())
            .is_some_and(|nonterminal| self.nullable[nonterminal])
    }

    fn closure(&self, kernel: &[Item]) -> Vec<Item> {
        let mut items = kernel.to_vec();
        let mut added = vec![false; self.by_left.len()];
        let mut next = 0;
        while let Some(&(production, dot)) = items.get(next) {
            next += 1;
            let Some(symbol) = self.productions[production].right.get(dot) else {
                continue;
            };
            let Some(nonterminal) = symbol.checked_sub(TERMINALS.len()) else {
                continue;
            };
            if !std::mem::replace(&mut added[nonterminal], true) {
                items.extend(
                    self.by_left[nonterminal]
                        .iter()
                        .map(|&production| (production, 0)),
                );
            }
        }
        items
    }
}

/// A state of the LR(0) automaton.
struct Lr0State {
    items: Vec<Item>,
    transitions: BTreeMap<Symbol, usize>,
}

fn lr0(grammar: &Grammar) -> Vec<Lr0State> {
    let mut kernels: HashMap<Vec<Item>, usize> = HashMap::from([(vec![(0, 0)], 0)]);
    let mut order = vec![vec![(0, 0)]];
    let mut states = Vec::new();
    while let Some(kernel) = order.get(states.len()) {
        let items = grammar.closure(kernel);
        let mut next: BTreeMap<Symbol, Vec<Item>> = BTreeMap::new();
        for &(production, dot) in &items {
            if let Some(&symbol) = grammar.productions[production].right.get(dot) {
                next.entry(symbol).or_default().push((production, dot + 1));
            }
        }
        let mut transitions = BTreeMap::new();
        for (symbol, mut kernel) in next {
            kernel.sort_unstable();
            let target = *kernels.entry(kernel).or_insert_with_key(|kernel| {
                order.push(kernel.clone());
                order.len() - 1
            });
            transitions.insert(symbol, target);
        }
        states.push(Lr0State { items, transitions });
    }
    states
}

/// What may follow each transition on a nonterminal, after DeRemer and Pennello.
fn follows(grammar: &Grammar, states: &[Lr0State]) -> HashMap<(usize, Symbol), Terminals> {
    let count = TERMINALS.len();
    let mut follows: HashMap<(usize, Symbol), Terminals> = HashMap::new();
    // (a, b): what may follow b may follow a.
    let mut edges = Vec::new();
    for (number, state) in states.iter().enumerate() {
        for (&symbol, &target) in state.transitions.range(count..) {
            let direct = states[target].transitions.range(..count);
            follows.insert(
                (number, symbol),
                direct.fold(0, |set, (&terminal, _)| set | 1 << terminal),
            );
            for &next in states[target].transitions.keys() {
                if grammar.is_nullable(next) {
                    edges.push(((number, symbol), (target, next)));
                }
            }
        }
        for &(production, dot) in &state.items {
            if dot > 0 {
                continue;
            }
            let Production { left, right, .. } = &grammar.productions[production];
            let mut at = number;
            for (index, &symbol) in right.iter().enumerate() {
                if symbol >= count
                    && right[index + 1..]
                        .iter()
                        .all(|&symbol| grammar.is_nullable(symbol))
                {
                    edges.push(((at, symbol), (number, *left)));
                }
                at = states[at].transitions[&symbol];
            }
        }
    }
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (to, from) in &edges {
            let Some(&from) = follows.get(from) else { continue };
            let to = follows.entry(*to).or_default();
            changed |= from & !*to != 0;
            *to |= from;
        }
    }
    follows
}

/// The complete productions of each state and the tokens they may be reduced at.
fn reductions(grammar: &Grammar, states: &[Lr0State]) -> Vec<BTreeMap<usize, Terminals>> {
    let follows = follows(grammar, states);
    let mut reductions = vec![BTreeMap::new(); states.len()];
    for (number, state) in states.iter().enumerate() {
        for &(production, dot) in &state.items {
            if dot > 0 {
                continue;
            }
            let Production { left, right, .. } = &grammar.productions[production];
            let end = right
                .iter()
                .fold(number, |at, symbol| states[at].transitions[symbol]);
            let follow = follows.get(&(number, *left)).copied().unwrap_or(0);
            *reductions[end].entry(production).or_insert(0) |= follow;
        }
    }
    reductions
}

fn state(grammar: &Grammar, lr0: &Lr0State, reductions: &BTreeMap<usize, Terminals>) -> State {
    let count = TERMINALS.len();
    let shifts = || lr0.transitions.range(..count);
    let consistent = reductions.len() <= 1 && (reductions.is_empty() || shifts().next().is_none());
    let mut actions = vec![Action::Default; count];
    for (&terminal, &target) in shifts() {
        actions[terminal] = Action::Shift(target);
    }
    for (&production, &lookahead) in reductions {
        for (terminal, action) in actions.iter_mut().enumerate() {
            if lookahead & (1 << terminal) == 0 {
                continue;
            }
            *action = match *action {
                Action::Shift(target) => resolve(grammar, production, terminal, target),
                Action::Default => Action::Reduce(production),
                other => other,
            };
        }
    }
    // The most frequent reduction is made by default.
    let uses = |production| {
        actions
            .iter()
            .filter(|&&action| action == Action::Reduce(production))
            .count()
    };
    let default = match reductions.first_key_value() {
        Some((&only, _)) if consistent => Some(only),
        // Of equally frequent ones the first.
        _ => reductions
            .keys()
            .copied()
            .rev()
            .max_by_key(|&production| uses(production)),
    };
    for action in &mut actions {
        let is_default = default.is_some_and(|production| *action == Action::Reduce(production));
        if is_default || default.is_none() && *action == Action::Error {
            *action = Action::Default;
        }
    }
    let gotos = lr0
        .transitions
        .range(count..)
        .map(|(&symbol, &target)| (symbol, target))
        .collect();
    State {
        actions,
        default,
        consistent: consistent && default.is_some(),
        gotos,
    }
}

/// Whether an operator is read or the one before it is reduced first.
fn resolve(grammar: &Grammar, production: usize, terminal: usize, target: usize) -> Action {
    let operator = TERMINALS[terminal].0;
    let operator = PRECEDENCE
        .iter()
        .position(|(_, operators)| operators.contains(&operator));
    match (operator, grammar.productions[production].strength) {
        (Some(operator), Some(before)) if operator < before => Action::Reduce(production),
        (Some(operator), Some(before)) if operator == before => match PRECEDENCE[operator].0 {
            Assoc::Left => Action::Reduce(production),
            Assoc::Right => Action::Shift(target),
            Assoc::None => Action::Error,
        },
        _ => Action::Shift(target),
    }
}

impl Automaton {
    pub(super) fn new() -> Automaton {
        let grammar = Grammar::new();
        let states = lr0(&grammar);
        let reductions = reductions(&grammar, &states);
        let states = states
            .iter()
            .zip(&reductions)
            .map(|(lr0, reductions)| state(&grammar, lr0, reductions))
            .collect();
        Automaton {
            productions: grammar.productions,
            states,
        }
    }

    /// Runs over tokens, until they end or one is not acceptable.
    pub(super) fn run(&self, tokens: impl Iterator<Item = usize>) -> Verdict {
        let mut tokens = tokens.peekable();
        let mut stack = vec![0];
        loop {
            let state = &self.states[stack[stack.len() - 1]];
            let mut action = Action::Default;
            if !state.consistent {
                let Some(&token) = tokens.peek() else {
                    return Verdict::Incomplete;
                };
                action = state.actions[token];
            }
            let production = match (action, state.default) {
                (Action::Shift(target), _) => {
                    if tokens.next() == Some(END) {
                        return Verdict::Accept;
                    }
                    stack.push(target);
                    continue;
                }
                (Action::Reduce(production), _) | (Action::Default, Some(production)) => production,
                (Action::Error, _) | (Action::Default, None) => {
                    let acceptable = |action: &Action| matches!(action, Action::Shift(_) | Action::Reduce(_));
                    let actions = state.actions.iter().enumerate();
                    let expected = actions
                        .filter(|(_, action)| acceptable(action))
                        .map(|(token, _)| token);
                    return Verdict::Error {
                        expected: expected.collect(),
                    };
                }
            };
            let Production { left, right, .. } = &self.productions[production];
            stack.truncate(stack.len() - right.len());
            let Some(&target) = self.states[stack[stack.len() - 1]].gotos.get(left) else {
                return Verdict::Accept;
            };
            stack.push(target);
        }
    }
}
