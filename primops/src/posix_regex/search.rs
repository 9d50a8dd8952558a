//! Running a program over a text: depth first, remembering what has been settled.
//!
//! What a state can reach from a position doesn't depend on how it was reached, so each (state, position) pair is
//! followed once at most, and the time is linear in the text. Only the loops whose body can be empty make an
//! exception: how often such a loop was entered at the present position is part of what has to be remembered.

use rustc_hash::FxHashMap;

use super::program::{Program, State, StateId};
use super::{Captures, RegexError};

/// What counts as a match.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The match has to reach the end of the text.
    Whole,
    /// The longest match found by following all alternatives.
    Prefix,
    /// The same, but the empty match doesn't count.
    NonEmptyPrefix,
}

/// Identifies a vector of loop counts; zero means that no loop was entered at the present position.
type CountsId = u32;

/// More distinct vectors than this mean a hopeless pattern.
const COUNTS_LIMIT: usize = 1 << 16;

/// Tables of more bits than this (64 MiB) are replaced by hashing.
const TABLE_LIMIT: usize = 1 << 29;

/// A place in the search; frames hold those of branches.
#[derive(Clone, Copy)]
struct Config {
    state: StateId,
    counts: CountsId,
    at: usize,
}

impl Config {
    /// The same state at this position or a later one, where no loop has been entered yet.
    fn moved_to(self, at: usize) -> Config {
        let counts = if at == self.at { self.counts } else { 0 };
        Config { counts, at, ..self }
    }
}

enum Frame {
    /// One more round of a repetition has been tried; leave it unless that led to a match.
    Repeat(Config),
    /// The exit of a one-byte loop, entered at this place, has been tried at `at`; try it after fewer bytes.
    Scan(Config, usize),
    /// The first alternative has been followed; follow the second too.
    Either(Config),
    /// The first alternative led to a match, so both together did.
    Matched,
    /// All ways on from this branch have been followed.
    Settled(Config),
    /// Restore a group's start or end on the way back.
    Slot(usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unknown,
    Fails,
    Matches,
}

/// The verdicts reached so far on branches of the program.
enum Memo {
    /// Not needed yet.
    Unused,
    /// Two bits for each branch and position: settled, and matches.
    Table(Vec<u64>),
    Hashed(FxHashMap<(StateId, CountsId, usize), bool>),
}

const UNSET: usize = usize::MAX;

/// A text being searched.
pub(super) struct Search<'a> {
    program: &'a Program,
    text: &'a [u8],
    memo: Memo,
    /// Branches whose verdict holds for the present search only.
    provisional: Vec<Config>,
    counts: Counts,
    /// Start and end of each group, on the path being followed.
    slots: Vec<usize>,
    frames: Vec<Frame>,
}

impl<'a> Search<'a> {
    pub(super) fn new(program: &'a Program, text: &'a [u8]) -> Search<'a> {
        Search {
            program,
            text,
            memo: Memo::Unused,
            provisional: Vec::new(),
            counts: Counts::default(),
            slots: vec![UNSET; program.groups * 2],
            frames: Vec::new(),
        }
    }

    pub(super) fn text_len(&self) -> usize {
        self.text.len()
    }

    /// Finds the first match that starts at `from` or later.
    pub(super) fn find(&mut self, from: usize) -> Result<Option<Captures>, RegexError> {
        let mut start = from;
        loop {
            match self.program.first.skip_to(&self.text[start..]) {
                Some(skipped) => start += skipped,
                None => return Ok(None),
            }
            if let Some(found) = self.run(start, Goal::Prefix)? {
                return Ok(Some(found));
            }
            if start == self.text.len() {
                return Ok(None);
            }
            start += 1;
        }
    }

    /// Looks for a match that starts at `start`.
    pub(super) fn run(&mut self, start: usize, goal: Goal) -> Result<Option<Captures>, RegexError> {
        // All whole matches are equally long, and without alternatives only one match is ever considered.
        let first_wins = goal == Goal::Whole || !self.program.has_alternatives;
        let mut best: Option<Captures> = None;
        let mut matched = false;
        let mut next = Some(Config {
            state: self.program.start,
            counts: 0,
            at: start,
        });
        loop {
            if let Some(config) = next.take() {
                let outcome = self.follow(config, start, goal)?;
                matched = outcome != Outcome::Fails;
                if let Outcome::Accepted(end) = outcome
                    && best.as_ref().is_none_or(|best| best.whole.end < end)
                {
                    best = Some(self.captures(start, end));
                }
                if matched && first_wins {
                    break;
                }
            }
            let Some(frame) = self.frames.pop() else { break };
            match frame {
                Frame::Slot(slot, old) => self.slots[slot] = old,
                Frame::Matched => matched = true,
                Frame::Repeat(config) if matched => self.settle(config, true, start, goal),
                Frame::Repeat(config) => {
                    self.frames.push(Frame::Settled(config));
                    next = Some(Config {
                        state: self.other_way(config.state),
                        ..config
                    });
                }
                Frame::Either(config) => {
                    self.frames.push(Frame::Settled(config));
                    if matched {
                        self.frames.push(Frame::Matched);
                    }
                    next = Some(Config {
                        state: self.other_way(config.state),
                        ..config
                    });
                }
                Frame::Settled(config) => self.settle(config, matched, start, goal),
                Frame::Scan(low, at) => next = self.shorten_scan(low, at, matched, start, goal),
            }
        }
        self.frames.clear();
        self.slots.fill(UNSET);
        for config in std::mem::take(&mut self.provisional) {
            self.set_verdict(config, Verdict::Unknown);
        }
        Ok(best)
    }

    /// Follows one path to its end, leaving frames for what else is to be tried.
    fn follow(&mut self, config: Config, start: usize, goal: Goal) -> Result<Outcome, RegexError> {
        let Config {
            mut state,
            mut counts,
            mut at,
        } = config;
        loop {
            state = match self.program.states[state as usize] {
                State::Byte { next, .. } | State::Set { next, .. } => {
                    if !self.accepts(state, at) {
                        return Ok(Outcome::Fails);
                    }
                    at += 1;
                    counts = 0;
                    next
                }
                State::LineStart { next } if at == 0 => next,
                State::LineEnd { next } if at == self.text.len() => next,
                State::LineStart { .. } | State::LineEnd { .. } => return Ok(Outcome::Fails),
                State::Open { group, next } => {
                    self.set_slot(group as usize * 2, at);
                    next
                }
                State::Close { group, next } => {
                    self.set_slot(group as usize * 2 + 1, at);
                    next
                }
                State::Either { first, .. } => {
                    let config = Config { state, counts, at };
                    if let Some(known) = self.known_outcome(config) {
                        return Ok(known);
                    }
                    self.frames.push(Frame::Either(config));
                    first
                }
                State::Scan { body, exit, .. } => {
                    match self.scan(Config { state, counts, at }, body) {
                        Ok(end) => Config { counts, at, .. } = end,
                        Err(known) => return Ok(known),
                    }
                    exit
                }
                State::Repeat {
                    more, exit, counter, ..
                } => {
                    let config = Config { state, counts, at };
                    if let Some(known) = self.known_outcome(config) {
                        return Ok(known);
                    }
                    let entered = match counter {
                        None => Some(counts),
                        Some(counter) => self.counts.entered(counts, counter, self.program.counters)?,
                    };
                    if let Some(entered) = entered {
                        self.frames.push(Frame::Repeat(config));
                        counts = entered;
                        more
                    } else {
                        self.frames.push(Frame::Settled(config));
                        exit
                    }
                }
                State::Accept => {
                    let accepted = match goal {
                        Goal::Whole => at == self.text.len(),
                        Goal::Prefix => true,
                        Goal::NonEmptyPrefix => at > start,
                    };
                    return Ok(if accepted {
                        Outcome::Accepted(at)
                    } else {
                        Outcome::Fails
                    });
                }
            };
        }
    }

    /// Runs a one-byte loop as far as it goes, and returns where its exit is to be tried first.
    fn scan(&mut self, low: Config, body: StateId) -> Result<Config, Outcome> {
        let mut at = low.at;
        loop {
            match self.known_outcome(low.moved_to(at)) {
                None => {}
                Some(Outcome::Fails) if at > low.at => {
                    at -= 1;
                    break;
                }
                Some(known) => return Err(known),
            }
            if !self.accepts(body, at) {
                break;
            }
            at += 1;
        }
        self.frames.push(Frame::Scan(low, at));
        Ok(low.moved_to(at))
    }

    /// After the exit of a one-byte loop was tried at `at`: settles that, and returns what to try next.
    fn shorten_scan(
        &mut self,
        low: Config,
        at: usize,
        matched: bool,
        start: usize,
        goal: Goal,
    ) -> Option<Config> {
        if matched {
            for at in low.at..=at {
                self.settle(low.moved_to(at), true, start, goal);
            }
            return None;
        }
        self.settle(low.moved_to(at), false, start, goal);
        if at == low.at {
            return None;
        }
        self.frames.push(Frame::Scan(low, at - 1));
        let state = self.other_way(low.state);
        Some(Config {
            state,
            ..low.moved_to(at - 1)
        })
    }

    /// Whether a one-byte state accepts the byte at a position.
    fn accepts(&self, state: StateId, at: usize) -> bool {
        let Some(&byte) = self.text.get(at) else {
            return false;
        };
        match self.program.states[state as usize] {
            State::Byte { byte: expected, .. } => byte == expected,
            State::Set { set, .. } => self.program.sets[set as usize].contains(byte),
            _ => false,
        }
    }

    /// The way that is tried second.
    fn other_way(&self, branch: StateId) -> StateId {
        match self.program.states[branch as usize] {
            State::Either { second, .. } => second,
            State::Repeat { exit, .. } | State::Scan { exit, .. } => exit,
            _ => branch,
        }
    }

    fn set_slot(&mut self, slot: usize, at: usize) {
        let old = std::mem::replace(&mut self.slots[slot], at);
        self.frames.push(Frame::Slot(slot, old));
    }

    fn captures(&self, start: usize, end: usize) -> Captures {
        let group = |slots: &[usize]| (slots[1] != UNSET).then_some(slots[0]..slots[1]);
        Captures {
            whole: start..end,
            groups: self.slots.chunks_exact(2).map(group).collect(),
        }
    }

    fn settle(&mut self, config: Config, matched: bool, start: usize, goal: Goal) {
        self.set_verdict(config, if matched { Verdict::Matches } else { Verdict::Fails });
        // A match found now says nothing about a later search; a failure does, unless the empty match was barred.
        if matched || (goal == Goal::NonEmptyPrefix && config.at == start) {
            self.provisional.push(config);
        }
    }

    fn known_outcome(&self, config: Config) -> Option<Outcome> {
        let Config { state, counts, at } = config;
        let matches = match &self.memo {
            Memo::Unused => return None,
            Memo::Table(words) => {
                let bit = self.table_bit(state, at);
                match words[bit / 64] >> (bit % 64) & 3 {
                    0 => return None,
                    bits => bits == 3,
                }
            }
            Memo::Hashed(map) => *map.get(&(state, counts, at))?,
        };
        Some(if matches { Outcome::Matches } else { Outcome::Fails })
    }

    fn set_verdict(&mut self, config: Config, verdict: Verdict) {
        let Config { state, counts, at } = config;
        if matches!(self.memo, Memo::Unused) {
            let bits = (self.text.len() + 1).saturating_mul(self.program.branches as usize * 2);
            self.memo = if self.program.counters > 0 || bits > TABLE_LIMIT {
                Memo::Hashed(FxHashMap::default())
            } else {
                Memo::Table(vec![0; bits.div_ceil(64)])
            };
        }
        let bit = self.table_bit(state, at);
        match &mut self.memo {
            Memo::Unused => {}
            Memo::Table(words) => {
                let bits = match verdict {
                    Verdict::Unknown => 0,
                    Verdict::Fails => 1,
                    Verdict::Matches => 3,
                };
                let word = &mut words[bit / 64];
                *word = *word & !(3 << (bit % 64)) | bits << (bit % 64);
            }
            Memo::Hashed(map) => {
                match verdict {
                    Verdict::Unknown => map.remove(&(state, counts, at)),
                    verdict => map.insert((state, counts, at), verdict == Verdict::Matches),
                };
            }
        }
    }

    fn table_bit(&self, state: StateId, at: usize) -> usize {
        let branch = match self.program.states[state as usize] {
            State::Either { branch, .. } | State::Repeat { branch, .. } | State::Scan { branch, .. } => {
                branch
            }
            _ => 0,
        };
        (at * self.program.branches as usize + branch as usize) * 2
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fails,
    /// A branch was reached that is known to match, no better than what was found there before.
    Matches,
    /// The end of the program was reached at this position.
    Accepted(usize),
}

/// How often each counted loop was entered at the present position, as interned vectors.
#[derive(Default)]
struct Counts {
    vectors: Vec<Box<[u8]>>,
    ids: FxHashMap<Box<[u8]>, CountsId>,
}

impl Counts {
    /// A loop may be entered twice at one position; returns `None` for the third time.
    fn entered(
        &mut self,
        counts: CountsId,
        counter: u32,
        counters: u32,
    ) -> Result<Option<CountsId>, RegexError> {
        let mut vector = match counts.checked_sub(1) {
            None => vec![0; counters as usize].into_boxed_slice(),
            Some(index) => self.vectors[index as usize].clone(),
        };
        let count = &mut vector[counter as usize];
        if *count == 2 {
            return Ok(None);
        }
        *count += 1;
        if let Some(&id) = self.ids.get(&vector) {
            return Ok(Some(id));
        }
        if self.vectors.len() >= COUNTS_LIMIT {
            return Err(RegexError::TooLarge);
        }
        self.vectors.push(vector.clone());
        let id = self.vectors.len() as CountsId;
        self.ids.insert(vector, id);
        Ok(Some(id))
    }
}
