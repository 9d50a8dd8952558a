//! What is to be built when: a state machine that starts no process, reads no file and knows no time.
//!
//! There is a goal for each derivation that somebody wants outputs of. The scheduler is told what happened
//! ([`Scheduler::finished`], [`Scheduler::busy`], …) and says what to do next ([`Scheduler::step`]). What it must
//! know of the store it asks a [`World`]. A goal holds nothing while it waits for others: locks are taken for a
//! goal whose inputs are all there, and are given back when it ends, so that processes cannot block one another.

mod examine;
mod failure;
mod missing;
mod reject;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::rc::Rc;

use nivis_store::derivation::Derivation;
use nivis_store::path::{StoreDir, StorePath};
use rustc_hash::FxHashMap;

use crate::build::Mode;

pub use failure::{ExitStatus, Failure, Reason, Summary};
pub use missing::{Missing, missing};

/// What the scheduler asks of the store.
pub trait World {
    /// Why it cannot be asked.
    type Error;

    /// A derivation; `None` if it is not valid and cannot be had.
    fn derivation(&mut self, drv: &StorePath) -> Result<Option<Rc<Derivation>>, Self::Error>;

    /// The path of an output, as far as it is known: from the derivation, or from a build.
    fn output_path(
        &mut self,
        drv_path: &StorePath,
        drv: &Derivation,
        output: &str,
    ) -> Result<Option<StorePath>, Self::Error>;

    /// Makes a derivation that has the outputs of its inputs as sources, and gives its path; or gives an input that
    /// has no such output.
    fn resolve(&mut self, drv: &Derivation) -> Result<Result<StorePath, StorePath>, Self::Error>;

    /// Notes that wanted outputs of a derivation are those of the derivation that it was resolved to. An output that
    /// does not exist is an error, which is told.
    fn adopt(
        &mut self,
        drv: &StorePath,
        resolved: &StorePath,
        wanted: &Outputs,
    ) -> Result<Result<(), String>, Self::Error>;

    /// Whether a path is in the store. It is kept from being collected from now on.
    fn is_valid(&mut self, path: &StorePath) -> Result<bool, Self::Error>;

    /// Whether a source is in the store, or can be copied from where sources come from.
    fn has_source(&mut self, path: &StorePath) -> Result<bool, Self::Error> {
        self.is_valid(path)
    }

    /// Whether the contents of a valid path are those that were registered.
    fn is_intact(&mut self, path: &StorePath) -> Result<bool, Self::Error>;

    /// The paths in the closure of a valid path that are damaged, each with the derivation that makes it.
    fn damaged_closure(
        &mut self,
        drv: &StorePath,
        output: &StorePath,
    ) -> Result<Vec<(StorePath, Option<StorePath>)>, Self::Error>;
}

/// Which outputs of a derivation are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// All that it has.
    All,
    /// Those.
    Names(BTreeSet<String>),
}

/// Something that is to be there in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Outputs of a derivation.
    Outputs {
        /// The derivation.
        drv: StorePath,
        /// Which of its outputs.
        outputs: Outputs,
    },
    /// A path that no derivation is known for.
    Path(StorePath),
}

/// What the scheduler goes by.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Go on with what does not need what failed.
    pub keep_going: bool,
    /// How many builds may run at once; with 0 none can.
    pub max_jobs: usize,
    /// What is done with the targets.
    pub mode: Mode,
    /// The system that is built for here.
    pub system: String,
    /// Other systems that can be built for here.
    pub extra_platforms: BTreeSet<String>,
    /// What this machine offers.
    pub features: BTreeSet<String>,
    /// Whether there may be derivations whose outputs are not known before they are built.
    pub content_addressed: bool,
    /// Whether there may be derivations that are built anew each time, with the network.
    pub impure: bool,
    /// Whether paths may come from elsewhere than builds. Only messages differ.
    pub substitute: bool,
}

/// A goal, for as long as its scheduler lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoalId(usize);

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Take the locks of a goal's outputs and build them; to be answered with [`Scheduler::started`],
    /// [`Scheduler::busy`] or [`Scheduler::finished`].
    Build(GoalId),
    /// End a running build: nobody wants it any more. No answer is expected.
    Abort(GoalId),
    /// Tell that a derivation became one that needs no others.
    Resolved {
        /// The derivation.
        drv: StorePath,
        /// What it became.
        to: StorePath,
    },
    /// Tell of a failure that makes others fail.
    Tell(Rc<Failure>),
    /// Tell that a path in the closure of the outputs is damaged.
    Damaged {
        /// The path.
        path: StorePath,
        /// Whose outputs need it.
        drv: StorePath,
    },
    /// Nothing can be done before a build ends or a lock becomes free.
    Wait,
    /// Everything ended.
    Done,
}

/// Why scheduling cannot go on at all.
#[derive(Debug)]
pub enum Stop<E> {
    /// The world could not be asked.
    World(E),
    /// What is asked for makes no sense.
    Request(String),
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Stop<E> {
        Stop::World(error)
    }
}

/// How many goals there are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Builds that ended well.
    pub built: usize,
    /// Builds that go on.
    pub running: usize,
    /// Derivations that are still to be built, as far as is known.
    pub waiting: usize,
    /// Builds that failed.
    pub failed: usize,
}

/// How a goal came to be fulfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// It was built.
    Built,
    /// The outputs were there.
    Valid,
}

#[derive(Debug)]
enum State {
    /// To be looked at.
    New,
    /// Some inputs are not there yet.
    Waiting,
    /// The inputs are there; to be resolved.
    Unresolved,
    /// What it was resolved to is there.
    Resolved,
    /// Can be built as soon as there is a slot.
    Ready,
    /// Somebody else has the locks.
    Busy,
    /// Given out by [`Step::Build`], or running.
    Running,
    Succeeded(Success),
    Failed(Rc<Failure>),
}

#[derive(Debug)]
struct Goal {
    drv: StorePath,
    derivation: Option<Rc<Derivation>>,
    mode: Mode,
    wanted: Outputs,
    state: State,
    /// Whether it was asked for by itself.
    is_target: bool,
    /// Whether `state` has been counted as a build to come.
    expected: bool,
    /// Inputs that are not there yet.
    open_inputs: usize,
    failed_inputs: usize,
    /// What it was resolved to, which is then the one thing that it waits for.
    resolved: Option<GoalId>,
    dependents: Vec<GoalId>,
}

/// The state machine.
pub struct Scheduler {
    options: Options,
    store_dir: StoreDir,
    goals: Vec<Goal>,
    by_drv: FxHashMap<StorePath, GoalId>,
    /// Targets that are no derivations; with their failure once they were looked at.
    paths: BTreeMap<StorePath, Option<Rc<Failure>>>,
    unseen_paths: Vec<StorePath>,
    fresh: VecDeque<GoalId>,
    /// Goals that can be built, the first by name first.
    ready: BinaryHeap<Reverse<(String, StorePath, GoalId)>>,
    steps: VecDeque<Step>,
    counts: Counts,
    exit_status: ExitStatus,
    /// Whether a target failed and nothing more is to be started.
    stopped: bool,
}

impl Outputs {
    /// Those names.
    pub fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Outputs {
        Outputs::Names(names.into_iter().map(Into::into).collect())
    }

    /// Whether an output is among them.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Outputs::All => true,
            Outputs::Names(names) => names.contains(name),
        }
    }

    /// Adds others; whether that made a difference.
    fn merge(&mut self, other: &Outputs) -> bool {
        match (&mut *self, other) {
            (Outputs::All, _) => false,
            (_, Outputs::All) => {
                *self = Outputs::All;
                true
            }
            (Outputs::Names(own), Outputs::Names(other)) => {
                let before = own.len();
                own.extend(other.iter().cloned());
                own.len() > before
            }
        }
    }
}

impl Scheduler {
    /// A scheduler without targets.
    pub fn new(store_dir: StoreDir, options: Options) -> Scheduler {
        Scheduler {
            options,
            store_dir,
            goals: vec![],
            by_drv: FxHashMap::default(),
            paths: BTreeMap::new(),
            unseen_paths: vec![],
            fresh: VecDeque::new(),
            ready: BinaryHeap::new(),
            steps: VecDeque::new(),
            counts: Counts::default(),
            exit_status: ExitStatus::default(),
            stopped: false,
        }
    }

    /// Asks for something. Gives the goal, if it is one of a derivation.
    pub fn add(&mut self, target: Target) -> Option<GoalId> {
        match target {
            Target::Path(path) => {
                self.paths.insert(path.clone(), None);
                self.unseen_paths.push(path);
                None
            }
            Target::Outputs { drv, outputs } => {
                let goal = self.goal(&drv, &outputs, self.options.mode);
                self.goals[goal.0].is_target = true;
                Some(goal)
            }
        }
    }

    /// The derivation of a goal, once it was read.
    pub fn derivation(&self, goal: GoalId) -> Option<&Rc<Derivation>> {
        self.goals[goal.0].derivation.as_ref()
    }

    /// A derivation by its path, once it was read.
    pub fn derivation_of(&self, drv: &StorePath) -> Option<&Rc<Derivation>> {
        self.by_drv.get(drv).and_then(|goal| self.derivation(*goal))
    }

    /// The path of a goal's derivation.
    pub fn drv_path(&self, goal: GoalId) -> &StorePath {
        &self.goals[goal.0].drv
    }

    /// How a goal is to be built.
    pub fn mode(&self, goal: GoalId) -> Mode {
        self.goals[goal.0].mode
    }

    /// How many goals there are in which state.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What failed; an empty summary if nothing did.
    pub fn summary(&self) -> Summary {
        let paths = self.paths.iter().filter_map(|(path, failure)| {
            let unfinished = self.unseen_paths.contains(path);
            (failure.is_some() || unfinished).then(|| (path.clone(), failure.clone()))
        });
        let mut goals: Vec<(String, StorePath, Option<Rc<Failure>>)> = vec![];
        for goal in self.goals.iter().filter(|goal| goal.is_target) {
            let failure = match &goal.state {
                State::Succeeded(_) => continue,
                State::Failed(failure) => Some(failure.clone()),
                _ => None,
            };
            goals.push((goal.drv.name().to_owned(), goal.drv.clone(), failure));
        }
        goals.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let goals = goals.into_iter().map(|(_, drv, failure)| (drv, failure));
        Summary::new(&self.store_dir, paths.chain(goals).collect(), self.exit_status)
    }

    /// The goal of a derivation, with at least those outputs.
    fn goal(&mut self, drv: &StorePath, outputs: &Outputs, mode: Mode) -> GoalId {
        if let Some(&id) = self.by_drv.get(drv) {
            let goal = &mut self.goals[id.0];
            // What was built has all outputs; what was only found has those that were looked for.
            if goal.wanted.merge(outputs) && matches!(goal.state, State::Succeeded(Success::Valid)) {
                goal.state = State::New;
                self.fresh.push_back(id);
            }
            return id;
        }
        let id = GoalId(self.goals.len());
        self.goals.push(Goal {
            drv: drv.clone(),
            derivation: None,
            mode,
            wanted: outputs.clone(),
            state: State::New,
            is_target: false,
            expected: false,
            open_inputs: 0,
            failed_inputs: 0,
            resolved: None,
            dependents: vec![],
        });
        self.by_drv.insert(drv.clone(), id);
        self.fresh.push_back(id);
        id
    }

    /// What is to be done next.
    pub fn step<W: World>(&mut self, world: &mut W) -> Result<Step, Stop<W::Error>> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Ok(step);
            }
            if self.stopped {
                return Ok(Step::Done);
            }
            if let Some(path) = self.unseen_paths.pop() {
                self.look_at_path(path, world)?;
            } else if let Some(goal) = self.fresh.pop_front() {
                self.look_at(goal, world)?;
            } else if let Some(goal) = self.next_ready() {
                return Ok(Step::Build(goal));
            } else if self.steps.is_empty() {
                let open = |goal: &Goal| !matches!(goal.state, State::Succeeded(_) | State::Failed(_));
                return Ok(match self.counts.running > 0 || self.goals.iter().any(open) {
                    true => Step::Wait,
                    false => Step::Done,
                });
            }
        }
    }

    /// A goal that can be built now, if there is one and a slot for it.
    fn next_ready(&mut self) -> Option<GoalId> {
        while self.options.max_jobs == 0 || self.counts.running < self.options.max_jobs {
            let Reverse((_, _, id)) = self.ready.pop()?;
            if !matches!(self.goals[id.0].state, State::Ready) {
                continue;
            }
            if let Some(failure) = self.reject(id) {
                self.fail(id, failure);
                return None;
            }
            self.goals[id.0].state = State::Running;
            self.counts.running += 1;
            self.unexpect(id);
            return Some(id);
        }
        None
    }

    /// The build of a goal has begun. Nothing changes: the slot was taken when it was given out.
    pub fn started(&mut self, goal: GoalId) {
        debug_assert!(matches!(self.goals[goal.0].state, State::Running));
    }

    /// Somebody else builds that, or what it takes cannot be had now: the slot is given to others until
    /// [`Scheduler::retry`].
    pub fn busy(&mut self, goal: GoalId) {
        self.counts.running -= 1;
        self.goals[goal.0].state = State::Busy;
        self.expect(goal);
    }

    /// Tries a goal that was busy again.
    pub fn retry(&mut self, goal: GoalId) {
        if matches!(self.goals[goal.0].state, State::Busy) {
            self.make_ready(goal);
        }
    }

    /// The goals that are busy.
    pub fn busy_goals(&self) -> Vec<GoalId> {
        let ids = (0..self.goals.len()).map(GoalId);
        ids.filter(|id| matches!(self.goals[id.0].state, State::Busy))
            .collect()
    }

    /// Whether a slot is free.
    pub fn has_slot(&self) -> bool {
        self.counts.running < self.options.max_jobs
    }

    /// A goal that was given out has ended.
    pub fn finished(&mut self, goal: GoalId, outcome: Result<Success, Failure>) {
        if !matches!(self.goals[goal.0].state, State::Running) {
            return;
        }
        self.counts.running -= 1;
        match outcome {
            Ok(success) => {
                self.counts.built += usize::from(success == Success::Built);
                self.succeed(goal, success);
            }
            Err(failure) => self.fail(goal, failure),
        }
    }

    fn expect(&mut self, id: GoalId) {
        if !std::mem::replace(&mut self.goals[id.0].expected, true) {
            self.counts.waiting += 1;
        }
    }

    fn unexpect(&mut self, id: GoalId) {
        if std::mem::take(&mut self.goals[id.0].expected) {
            self.counts.waiting -= 1;
        }
    }

    fn make_ready(&mut self, id: GoalId) {
        let goal = &mut self.goals[id.0];
        goal.state = State::Ready;
        let key = (goal.drv.name().to_owned(), goal.drv.clone(), id);
        self.ready.push(Reverse(key));
    }

    /// An input of a waiting goal has ended, or there is none.
    fn inputs_changed(&mut self, id: GoalId) {
        let goal = &self.goals[id.0];
        if !matches!(goal.state, State::Waiting) {
            return;
        }
        let failed = goal.failed_inputs;
        if failed > 0 && (goal.open_inputs == 0 || !self.options.keep_going) {
            let failure = self.dependency_failed(id, failed);
            self.fail(id, failure);
        } else if goal.open_inputs == 0 {
            self.inputs_are_there(id);
        }
    }

    /// Nothing is waited for any more.
    fn inputs_are_there(&mut self, id: GoalId) {
        let goal = &mut self.goals[id.0];
        if goal.resolved.is_some() {
            goal.state = State::Resolved;
            return self.fresh.push_back(id);
        }
        let drv = goal.derivation.as_ref();
        let must_be_resolved = drv.map(|drv| drv.must_be_resolved(self.options.content_addressed));
        match must_be_resolved {
            Some(Ok(true)) => {
                goal.state = State::Unresolved;
                self.fresh.push_back(id);
            }
            _ => self.make_ready(id),
        }
    }

    fn succeed(&mut self, id: GoalId, success: Success) {
        self.unexpect(id);
        self.goals[id.0].state = State::Succeeded(success);
        for dependent in std::mem::take(&mut self.goals[id.0].dependents) {
            self.goals[dependent.0].open_inputs -= 1;
            self.inputs_changed(dependent);
        }
    }

    /// A goal failed, and with it what needs it. Goes without recursion: chains are long.
    fn fail(&mut self, id: GoalId, failure: Failure) {
        let mut open = VecDeque::from([(id, failure)]);
        while let Some((id, failure)) = open.pop_front() {
            self.exit_status.add(failure.reason);
            self.counts.failed += usize::from(failure.reason != Reason::DependencyFailed);
            self.unexpect(id);
            let failure = Rc::new(failure);
            self.goals[id.0].state = State::Failed(failure.clone());
            self.stopped |= self.goals[id.0].is_target && !self.options.keep_going;
            let dependents = std::mem::take(&mut self.goals[id.0].dependents);
            // Nobody needs to hear of it again from those that failed already.
            let waits = |id: &GoalId| matches!(self.goals[id.0].state, State::Waiting);
            if dependents.iter().any(waits) {
                self.steps.push_back(Step::Tell(failure));
            }
            for dependent in dependents {
                let goal = &mut self.goals[dependent.0];
                goal.open_inputs -= 1;
                goal.failed_inputs += 1;
                let failed = goal.failed_inputs;
                let last = goal.open_inputs == 0 || !self.options.keep_going;
                if last && matches!(goal.state, State::Waiting) {
                    // No other input may make it fail again.
                    goal.state = State::New;
                    open.push_back((dependent, self.dependency_failed(dependent, failed)));
                }
            }
        }
        self.abort_all_if_stopped();
    }

    fn abort_all_if_stopped(&mut self) {
        if !self.stopped {
            return;
        }
        for id in (0..self.goals.len()).map(GoalId) {
            if matches!(self.goals[id.0].state, State::Running) {
                self.goals[id.0].state = State::New;
                self.counts.running -= 1;
                self.steps.push_back(Step::Abort(id));
            }
        }
    }

    fn dependency_failed(&self, id: GoalId, count: usize) -> Failure {
        if let Some(resolved) = self.goals[id.0].resolved {
            let path = self.store_dir.print(&self.goals[resolved.0].drv);
            return Failure::new(
                Reason::DependencyFailed,
                format!("build of resolved derivation '{path}' failed"),
            );
        }
        let noun = if count == 1 { "dependency" } else { "dependencies" };
        self.cannot_build(id, Reason::DependencyFailed, &format!("{count} {noun} failed."))
    }
}
