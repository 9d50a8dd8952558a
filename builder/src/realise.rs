//! Realises targets: runs what the scheduler says, and watches it.
//!
//! One thread does all of it with `poll`. The locks of the outputs of a derivation are taken together and only if
//! nobody has any of them; otherwise the derivation gives its slot to others and is tried again, [`LOCK_RETRY`]
//! apart. A process holds locks only while it builds, never while it waits, so processes cannot block one another.

mod hook;
mod lines;
mod suspend;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nivis_store::LocalStore;
use nivis_store::PathLocks;
use nivis_store::derivation::Derivation;
use nivis_store::error::StoreError;
use nivis_store::path::StorePath;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::build::{self, Job, Mode, Running};
use crate::events::{Ended, Event, Level, Observer};
use crate::failure::{BuildFailure, FailureKind, Remark};
use crate::schedule::{self, Failure, Scheduler, Step, Stop, Success, World};
use crate::settings::BuildSettings;

/// The paths of outputs, by derivation and name.
pub type OutputPaths = BTreeMap<(StorePath, String), StorePath>;

pub use crate::schedule::{Counts, GoalId, Missing, Options, Outputs, Summary, Target};
pub use world::StoreWorld;

/// How long a goal whose locks others have waits before it tries again.
const LOCK_RETRY: Duration = Duration::from_millis(50);
/// How often to look whether the user wants something.
const ATTENTION: Duration = Duration::from_millis(100);

/// What the user may want while builds run.
pub trait Control {
    /// Whether to stop everything.
    fn interrupted(&self) -> bool;

    /// Whether to stop for now; asking takes the wish away.
    fn suspend(&self) -> bool {
        false
    }

    /// Stops the program itself until it is continued.
    fn stop_here(&self) {}
}

/// Nobody wants anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unattended;

impl Control for Unattended {
    fn interrupted(&self) -> bool {
        false
    }
}

/// Why a realisation could not be brought to an end.
#[derive(Debug)]
pub enum RealiseError {
    /// The user asked to stop.
    Interrupted,
    /// What is asked for makes no sense.
    Request(String),
    /// The store does not work.
    Store(StoreError),
    /// The system does not.
    System(String),
}

impl fmt::Display for RealiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RealiseError::Interrupted => f.write_str("interrupted by the user"),
            RealiseError::Request(message) | RealiseError::System(message) => f.write_str(message),
            RealiseError::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RealiseError {}

impl From<StoreError> for RealiseError {
    fn from(error: StoreError) -> RealiseError {
        match error {
            StoreError::Interrupted => RealiseError::Interrupted,
            error => RealiseError::Store(error),
        }
    }
}

impl From<Stop<StoreError>> for RealiseError {
    fn from(stop: Stop<StoreError>) -> RealiseError {
        match stop {
            Stop::World(error) => error.into(),
            Stop::Request(message) => RealiseError::Request(message),
        }
    }
}

/// What is not there of the targets.
pub fn missing(store: &LocalStore, targets: &[Target]) -> Result<Missing, RealiseError> {
    let mut world = StoreWorld::new(store);
    Ok(schedule::missing(&mut world, targets)?)
}

/// Everything that a derivation's inputs, which are valid, refer to, and they themselves.
pub fn input_closure(store: &LocalStore, drv: &Derivation) -> Result<BTreeSet<StorePath>, RealiseError> {
    Ok(StoreWorld::new(store).input_closure(drv)?)
}

/// Makes targets valid. Gives the paths of the outputs that are there.
pub fn realise(
    store: &LocalStore,
    settings: &BuildSettings,
    options: Options,
    targets: &[Target],
    control: &dyn Control,
    observer: &mut dyn Observer,
) -> Result<(Summary, OutputPaths), RealiseError> {
    let mut scheduler = Scheduler::new(store.store_dir().clone(), options);
    for target in targets {
        scheduler.add(target.clone());
    }
    let mut realiser = Realiser {
        store,
        settings,
        scheduler,
        world: StoreWorld::new(store),
        control,
        observer,
        running: BTreeMap::new(),
        waiting: BTreeSet::new(),
        next_try: Instant::now(),
        counts: None,
    };
    realiser.run()?;
    store.record_use(realiser.world.used());
    let outputs = realiser.target_outputs(targets)?;
    Ok((realiser.scheduler.summary(), outputs))
}

/// A build and what is held for it.
struct Child {
    running: Running,
    mode: Mode,
    /// Given back when the build has ended and its outputs are registered.
    _locks: PathLocks,
}

struct Realiser<'r> {
    store: &'r LocalStore,
    settings: &'r BuildSettings,
    scheduler: Scheduler,
    world: StoreWorld<'r>,
    control: &'r dyn Control,
    observer: &'r mut dyn Observer,
    running: BTreeMap<GoalId, Child>,
    /// Goals that were told to wait.
    waiting: BTreeSet<GoalId>,
    /// When busy goals are tried again.
    next_try: Instant,
    counts: Option<schedule::Counts>,
}

impl Realiser<'_> {
    fn run(&mut self) -> Result<(), RealiseError> {
        loop {
            if self.control.interrupted() {
                return Err(RealiseError::Interrupted);
            }
            let step = self.scheduler.step(&mut self.world)?;
            self.tell_of_the_world();
            match step {
                Step::Build(goal) => self.build(goal)?,
                Step::Abort(goal) => self.abort(goal),
                Step::Resolved { drv, to } => self.tell_of_resolving(&drv, &to),
                Step::Tell(failure) => self.observer.event(Event::Failure {
                    text: &failure.message,
                }),
                Step::Damaged { path, drv } => self.tell_of_damage(&path, &drv),
                Step::Wait => {
                    self.tell_counts();
                    self.wait()?;
                }
                Step::Done => break,
            }
        }
        self.tell_counts();
        Ok(())
    }

    fn tell_counts(&mut self) {
        let counts = self.scheduler.counts();
        if self.counts != Some(counts) {
            self.counts = Some(counts);
            self.observer.event(Event::Counts(counts));
        }
    }

    /// What asking the store found worth telling.
    fn tell_of_the_world(&mut self) {
        for (level, text) in self.world.take_messages() {
            self.observer.event(Event::Message { level, text: &text });
        }
    }

    fn tell_of_resolving(&mut self, drv: &StorePath, to: &StorePath) {
        let store_dir = self.store.store_dir();
        let text = format!(
            "resolved derivation: '{}' -> '{}'...",
            store_dir.print(drv),
            store_dir.print(to)
        );
        self.observer.event(Event::Message {
            level: Level::Info,
            text: &text,
        });
    }

    /// The outputs that were asked for, as far as there are any.
    fn target_outputs(&mut self, targets: &[Target]) -> Result<OutputPaths, RealiseError> {
        let mut paths = OutputPaths::new();
        for target in targets {
            let Target::Outputs {
                drv: drv_path,
                outputs,
            } = target
            else {
                continue;
            };
            let Some(drv) = self.scheduler.derivation_of(drv_path).cloned() else {
                continue;
            };
            for name in drv.outputs.keys().filter(|name| outputs.contains(name)) {
                if let Some(path) = self.world.output_path(drv_path, &drv, name)? {
                    paths.insert((drv_path.clone(), name.clone()), path);
                }
            }
        }
        Ok(paths)
    }

    fn tell_of_damage(&mut self, path: &StorePath, drv: &StorePath) {
        let store_dir = self.store.store_dir();
        let text = format!(
            "found corrupted or missing path '{}' in the output closure of '{}'",
            store_dir.print(path),
            store_dir.print(drv)
        );
        self.observer.event(Event::Message {
            level: Level::Error,
            text: &text,
        });
    }

    fn abort(&mut self, goal: GoalId) {
        if let Some(child) = self.running.remove(&goal) {
            let drv = child.running.drv_path().clone();
            drop(child);
            self.observer.event(Event::Ended {
                goal,
                drv: &drv,
                how: Ended::Aborted,
            });
        }
    }

    /// Takes the locks of a goal and starts it.
    fn build(&mut self, goal: GoalId) -> Result<(), RealiseError> {
        let Some(drv) = self.scheduler.derivation(goal).cloned() else {
            return Ok(());
        };
        // A builder needs room; what this build needs is a root already.
        self.store.auto_gc()?;
        let mode = self.scheduler.mode(goal);
        let drv_path = self.scheduler.drv_path(goal).clone();
        let files = self.lock_files(&drv_path, &drv)?;
        let Some(locks) = PathLocks::try_lock(&files)? else {
            let paths = files.iter();
            let paths: Vec<String> = paths.map(|path| format!("'{}'", path.display())).collect();
            self.put_off(goal, &format!("waiting for lock on {}", paths.join(", ")));
            return Ok(());
        };
        // Another process may have built it before the locks were had.
        if mode != Mode::Check
            && let Some(outputs) = self.known_outputs(&drv_path, &drv)?
            && self.world.all_good(&outputs, mode == Mode::Repair)?
        {
            self.no_longer_waiting(goal);
            self.scheduler.finished(goal, Ok(Success::Valid));
            return Ok(());
        }
        let closure = self.world.input_closure(&drv)?;
        let job = Job {
            drv_path,
            drv: (*drv).clone(),
            mode,
        };
        match build::start(self.store, self.settings, job, closure) {
            Ok(running) => {
                self.no_longer_waiting(goal);
                self.scheduler.started(goal);
                for text in running.warnings() {
                    let level = Level::Warning;
                    self.observer.event(Event::Message { level, text });
                }
                self.observer.event(Event::Started {
                    goal,
                    drv: self.scheduler.drv_path(goal),
                    mode,
                });
                let child = Child {
                    running,
                    mode,
                    _locks: locks,
                };
                self.running.insert(goal, child);
            }
            Err(failure) if failure.kind == FailureKind::NoBuildUser => {
                drop(locks);
                let drv = self.store.store_dir().print(self.scheduler.drv_path(goal));
                self.put_off(goal, &format!("waiting for a free build user ID for '{drv}'"));
            }
            Err(failure) => {
                drop(locks);
                self.no_longer_waiting(goal);
                self.failed(goal, failure)?;
            }
        }
        Ok(())
    }

    /// What to lock for a build: its outputs, and what stands for those whose paths are not known.
    fn lock_files(&self, drv_path: &StorePath, drv: &Derivation) -> Result<BTreeSet<PathBuf>, RealiseError> {
        let mut files = BTreeSet::new();
        for name in drv.outputs.keys() {
            let path = drv.output_path(self.store.store_dir(), name);
            files.insert(match path.map_err(StoreError::from)? {
                Some(path) => self.store.real_path(&path),
                None => {
                    let mut file = self.store.real_path(drv_path).into_os_string();
                    file.push(format!(".{name}"));
                    file.into()
                }
            });
        }
        Ok(files)
    }

    /// The paths of all outputs, if all are known.
    fn known_outputs(
        &mut self,
        drv_path: &StorePath,
        drv: &Derivation,
    ) -> Result<Option<BTreeSet<StorePath>>, RealiseError> {
        let mut paths = BTreeSet::new();
        for name in drv.outputs.keys() {
            match self.world.output_path(drv_path, drv, name)? {
                Some(path) => paths.insert(path),
                None => return Ok(None),
            };
        }
        Ok(Some(paths))
    }

    /// Gives the slot of a goal to others for a while.
    fn put_off(&mut self, goal: GoalId, text: &str) {
        self.scheduler.busy(goal);
        if self.waiting.insert(goal) {
            self.observer.event(Event::Waiting { goal, text });
        }
        self.next_try = Instant::now() + LOCK_RETRY;
    }

    fn no_longer_waiting(&mut self, goal: GoalId) {
        if self.waiting.remove(&goal) {
            self.observer.event(Event::WaitingEnded { goal });
        }
    }

    /// Waits until something happens.
    fn wait(&mut self) -> Result<(), RealiseError> {
        let now = Instant::now();
        let mut until = now + ATTENTION;
        let deadlines = self.running.values().filter_map(|child| child.running.deadline());
        until = deadlines.fold(until, Instant::min);
        if !self.waiting.is_empty() && self.scheduler.has_slot() {
            until = until.min(self.next_try);
        }
        let readable = self.poll(until.saturating_duration_since(now))?;
        if self.control.suspend() {
            self.suspend();
        }
        for goal in readable {
            self.read(goal)?;
        }
        self.check_deadlines()?;
        let now = Instant::now();
        if now >= self.next_try && !self.waiting.is_empty() {
            for goal in self.scheduler.busy_goals() {
                self.scheduler.retry(goal);
            }
            self.next_try = now + LOCK_RETRY;
        }
        if self.observer.wants_ticks() {
            self.observer.event(Event::Tick);
        }
        Ok(())
    }

    /// The goals whose builders wrote something or ended.
    fn poll(&self, time: Duration) -> Result<Vec<GoalId>, RealiseError> {
        let mut fds: Vec<PollFd<'_>> = self
            .running
            .values()
            .map(|child| PollFd::new(child.running.log_fd(), PollFlags::POLLIN))
            .collect();
        // Rounded up: otherwise the last millisecond would be spent spinning.
        let milliseconds = u16::try_from(time.as_millis() + 1).unwrap_or(u16::MAX);
        match poll(&mut fds, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => {
                return Err(RealiseError::System(format!(
                    "waiting for builds: {}",
                    error.desc()
                )));
            }
        }
        let happened = fds.iter().map(|fd| fd.any().unwrap_or(true));
        Ok(self
            .running
            .keys()
            .zip(happened)
            .filter_map(|(&goal, happened)| happened.then_some(goal))
            .collect())
    }

    /// Takes what a builder wrote; ends the build if it has ended.
    fn read(&mut self, goal: GoalId) -> Result<(), RealiseError> {
        let Some(child) = self.running.get_mut(&goal) else {
            return Ok(());
        };
        match child.running.read_log() {
            Ok(read) => {
                for line in &read.lines {
                    lines::take(goal, line, self.observer);
                }
                match read.eof {
                    true => self.end(goal),
                    false => Ok(()),
                }
            }
            Err(failure) => self.end_badly(goal, failure),
        }
    }

    fn end(&mut self, goal: GoalId) -> Result<(), RealiseError> {
        let Some(child) = self.running.remove(&goal) else {
            return Ok(());
        };
        let drv = child.running.drv_path().clone();
        let Child {
            running,
            _locks,
            mode,
            ..
        } = child;
        let outcome = running.finish_keeping(self.store).map_err(|(failure, kept)| {
            if let Some(mut kept) = kept {
                self.observer.event(Event::Suspending);
                self.observer.debug(&drv, &failure, &mut kept);
            }
            failure
        });
        if let Ok(built) = &outcome {
            if mode == Mode::Repair {
                self.world.mark_intact(built.outputs.values());
            }
            self.world.mark_built(&drv, &built.outputs);
            self.run_hook(goal, built.outputs.values())?;
        }
        drop(_locks);
        let how = if outcome.is_ok() {
            Ended::Built
        } else {
            Ended::Failed
        };
        let outcome = match outcome {
            Ok(_) => {
                self.scheduler.finished(goal, Ok(Success::Built));
                Ok(())
            }
            Err(failure) => self.failed(goal, failure),
        };
        self.tell_counts();
        self.observer.event(Event::Ended { goal, drv: &drv, how });
        outcome
    }

    /// Runs the program that the user wants to be run after builds.
    fn run_hook<'p>(
        &mut self,
        goal: GoalId,
        outputs: impl Iterator<Item = &'p StorePath>,
    ) -> Result<(), RealiseError> {
        let Some(hook) = &self.settings.post_build_hook else {
            return Ok(());
        };
        let outputs: BTreeSet<StorePath> = outputs.cloned().collect();
        let store_dir = self.store.store_dir();
        hook::run(
            hook,
            store_dir,
            self.scheduler.drv_path(goal),
            &outputs,
            self.observer,
        )
        .map_err(RealiseError::System)
    }

    /// Ends a build that was killed.
    fn end_badly(&mut self, goal: GoalId, mut failure: BuildFailure) -> Result<(), RealiseError> {
        let Some(child) = self.running.remove(&goal) else {
            return Ok(());
        };
        let Child { running, _locks, .. } = child;
        let drv = running.drv_path().clone();
        // It tells where the folder is, if that is kept.
        if let Err(ended) = running.finish(self.store) {
            failure.note = ended.note;
        }
        drop(_locks);
        let outcome = self.failed(goal, failure);
        self.observer.event(Event::Ended {
            goal,
            drv: &drv,
            how: Ended::Failed,
        });
        outcome
    }

    fn failed(&mut self, goal: GoalId, mut failure: BuildFailure) -> Result<(), RealiseError> {
        if failure.kind == FailureKind::Interrupted {
            return Err(RealiseError::Interrupted);
        }
        let drv = self.store.store_dir().print(self.scheduler.drv_path(goal));
        if failure.kind == FailureKind::LogLimitExceeded
            && let Some(rest) = failure.message.strip_prefix("builder ")
        {
            failure.message = format!("building derivation '{drv}' {rest}");
        }
        // Where the folder is kept is told at once, and not with the failure.
        let (kept, note) = failure
            .note
            .lines()
            .partition(|line| line.starts_with("note: keeping "));
        let (kept, note): (Vec<&str>, Vec<&str>) = (kept, note);
        for text in kept {
            let level = Level::Error;
            self.observer.event(Event::Message { level, text });
        }
        failure.note = note.join("\n");
        for remark in std::mem::take(&mut failure.remarks) {
            self.observer.event(match &remark {
                Remark::Text(text) => Event::Message {
                    level: Level::Error,
                    text,
                },
                Remark::Error(text) => Event::Failure { text },
            });
        }
        let message = match self.observer.shows_logs() {
            true => failure.to_string(),
            false => failure.with_log(&drv),
        };
        self.scheduler
            .finished(goal, Err(Failure::new(failure.kind.into(), message)));
        Ok(())
    }

    fn check_deadlines(&mut self) -> Result<(), RealiseError> {
        let now = Instant::now();
        let mut late = vec![];
        for (&goal, child) in &mut self.running {
            if let Err(failure) = child.running.check_deadline(now) {
                late.push((goal, failure));
            }
        }
        for (goal, failure) in late {
            self.end_badly(goal, failure)?;
        }
        Ok(())
    }

    /// Stops all builds and this program, until somebody continues it.
    fn suspend(&mut self) {
        let pids: Vec<_> = self.running.values().map(|child| child.running.pid()).collect();
        let stopped = suspend::stop(&pids);
        self.observer.event(Event::Suspending);
        let began = Instant::now();
        self.control.stop_here();
        for child in self.running.values_mut() {
            child.running.add_pause(began.elapsed());
        }
        suspend::go_on(&stopped);
    }
}
