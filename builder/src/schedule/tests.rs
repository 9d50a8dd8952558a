//! The scheduler against a world in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::rc::Rc;

use nivis_store::content_address::ContentAddressMethod;
use nivis_store::derivation::{Derivation, DerivationError, DerivationOutput, InputOutputs};
use nivis_store::hash::HashAlgorithm;
use nivis_store::path::{StoreDir, StorePath};

use super::*;

#[derive(Default)]
struct Memory {
    derivations: BTreeMap<StorePath, Rc<Derivation>>,
    valid: BTreeSet<StorePath>,
    damaged: BTreeSet<StorePath>,
    asked: usize,
    realised: BTreeMap<(StorePath, String), StorePath>,
}

fn path(name: &str) -> StorePath {
    let hash = nivis_store::hash::Hash::sha256(name.as_bytes());
    StoreDir::default().make_text_path(name, &hash, []).unwrap()
}

fn drv(name: &str) -> StorePath {
    path(&format!("{name}.drv"))
}

fn printed(path: &StorePath) -> String {
    StoreDir::default().print(path)
}

impl Memory {
    /// A derivation with outputs `out` and `man`.
    fn add(&mut self, name: &str, inputs: &[&str]) -> &mut Derivation {
        let output = |output: &str| DerivationOutput::InputAddressed(path(&format!("{name}-{output}")));
        let derivation = Derivation {
            name: name.to_owned(),
            outputs: ["out", "man"].map(|name| (name.to_owned(), output(name))).into(),
            input_drvs: inputs
                .iter()
                .map(|input| (drv(input), InputOutputs::from(["out"])))
                .collect(),
            platform: b"here".to_vec(),
            ..Derivation::default()
        };
        let slot = self
            .derivations
            .entry(drv(name))
            .insert_entry(Rc::new(derivation));
        Rc::make_mut(slot.into_mut())
    }

    fn build(&mut self, drv: &StorePath) {
        let derivation = self.derivations[drv].clone();
        for name in derivation.outputs.keys() {
            let output = derivation.output_path(&StoreDir::default(), name).unwrap();
            // The contents are the same for all derivations of a name.
            let output = output.unwrap_or_else(|| path(&format!("{}-{name}-ca", derivation.name)));
            self.realised.insert((drv.clone(), name.clone()), output.clone());
            self.damaged.remove(&output);
            self.valid.insert(output);
        }
    }
}

impl World for Memory {
    type Error = Infallible;

    fn derivation(&mut self, drv: &StorePath) -> Result<Option<Rc<Derivation>>, Infallible> {
        Ok(self.derivations.get(drv).cloned())
    }

    fn output_path(
        &mut self,
        drv_path: &StorePath,
        drv: &Derivation,
        output: &str,
    ) -> Result<Option<StorePath>, Infallible> {
        let realised = self.realised.get(&(drv_path.clone(), output.to_owned()));
        Ok(drv
            .output_path(&StoreDir::default(), output)
            .unwrap()
            .or(realised.cloned()))
    }

    fn resolve(&mut self, drv: &Derivation) -> Result<Result<StorePath, StorePath>, Infallible> {
        let (resolved, made) = drv
            .resolve::<DerivationError>(&StoreDir::default(), &mut |input, output| {
                let derivation = self.derivations[input].clone();
                Ok(self.output_path(input, &derivation, output).unwrap())
            })
            .unwrap()
            .unwrap();
        self.derivations.insert(made.drv_path.clone(), Rc::new(resolved));
        Ok(Ok(made.drv_path))
    }

    fn adopt(
        &mut self,
        drv: &StorePath,
        resolved: &StorePath,
        wanted: &Outputs,
    ) -> Result<Result<(), String>, Infallible> {
        let names = self.derivations[drv].outputs.keys().cloned().collect::<Vec<_>>();
        for name in names.into_iter().filter(|name| wanted.contains(name)) {
            let path = self.realised[&(resolved.clone(), name.clone())].clone();
            self.realised.insert((drv.clone(), name), path);
        }
        Ok(Ok(()))
    }

    fn is_valid(&mut self, path: &StorePath) -> Result<bool, Infallible> {
        self.asked += 1;
        Ok(self.valid.contains(path))
    }

    fn is_intact(&mut self, path: &StorePath) -> Result<bool, Infallible> {
        Ok(!self.damaged.contains(path))
    }

    fn damaged_closure(
        &mut self,
        drv_path: &StorePath,
        _: &StorePath,
    ) -> Result<Vec<(StorePath, Option<StorePath>)>, Infallible> {
        let mut found = vec![];
        let mut open: Vec<_> = self.derivations[drv_path].input_drvs.keys().collect();
        while let Some(input) = open.pop() {
            let derivation = &self.derivations[input];
            open.extend(derivation.input_drvs.keys());
            let path = derivation
                .output_path(&StoreDir::default(), "out")
                .unwrap()
                .unwrap();
            if self.damaged.contains(&path) {
                found.push((path, Some(input.clone())));
            }
        }
        found.dedup();
        Ok(found)
    }
}

fn options() -> Options {
    Options {
        max_jobs: 1,
        system: "here".to_owned(),
        substitute: true,
        ..Options::default()
    }
}

/// What happened, a word each.
struct Run {
    scheduler: Scheduler,
    world: Memory,
    log: Vec<String>,
    /// Names of derivations whose builders fail.
    bad: Vec<&'static str>,
    running: Vec<GoalId>,
}

impl Run {
    fn new(world: Memory, options: Options, targets: &[&str]) -> Run {
        let mut scheduler = Scheduler::new(StoreDir::default(), options);
        for target in targets {
            scheduler.add(Target::Outputs {
                drv: drv(target),
                outputs: Outputs::names(["out"]),
            });
        }
        Run {
            scheduler,
            world,
            log: vec![],
            bad: vec![],
            running: vec![],
        }
    }

    fn name(&self, goal: GoalId) -> String {
        let name = self.scheduler.drv_path(goal).name();
        name.strip_suffix(".drv").unwrap_or(name).to_owned()
    }

    /// Goes on to where it must wait, or to the end: whether it must wait.
    fn advance(&mut self) -> bool {
        loop {
            match self.scheduler.step(&mut self.world) {
                Ok(Step::Build(goal)) => {
                    self.log.push(self.name(goal));
                    self.scheduler.started(goal);
                    self.running.push(goal);
                }
                Ok(Step::Abort(goal)) => {
                    self.log.push(format!("abort-{}", self.name(goal)));
                    self.running.retain(|&running| running != goal);
                }
                Ok(Step::Tell(failure)) => {
                    let reason = failure.message.lines().nth(1).unwrap_or(&failure.message);
                    self.log.push(format!("tell({reason})"));
                }
                Ok(Step::Resolved { drv, .. }) => {
                    let name = drv.name().trim_end_matches(".drv").to_owned();
                    self.log.push(format!("resolved-{name}"));
                }
                Ok(Step::Damaged { path, .. }) => self.log.push(format!("damaged-{}", path.name())),
                Ok(Step::Wait) => return true,
                Ok(Step::Done) => return false,
                Err(Stop::Request(message)) => {
                    self.log.push(message);
                    return false;
                }
                Err(Stop::World(never)) => match never {},
            }
        }
    }

    fn end_build(&mut self, goal: GoalId) {
        self.running.retain(|&running| running != goal);
        let outcome = match self.bad.contains(&self.name(goal).as_str()) {
            true => Err(Failure::new(Reason::Permanent, "Cannot build.\nReason: bad")),
            false => {
                self.world.build(&self.scheduler.drv_path(goal).clone());
                Ok(Success::Built)
            }
        };
        self.scheduler.finished(goal, outcome);
    }

    /// Goes on to the end; builds end in the order in which they were started.
    fn all(&mut self) -> String {
        while self.advance() {
            let goal = self.running[0];
            self.end_build(goal);
        }
        assert_eq!(self.scheduler.counts().running, 0);
        self.log.join(" ")
    }

    fn error(&self) -> Option<String> {
        self.scheduler.summary().error
    }
}

fn diamond() -> Memory {
    let mut world = Memory::default();
    world.add("a", &[]);
    world.add("b", &["a"]);
    world.add("c", &["a"]);
    world.add("d", &["b", "c"]);
    world
}

#[test]
fn inputs_come_first_and_once() {
    let mut run = Run::new(diamond(), options(), &["d", "c"]);
    assert_eq!(run.all(), "a b c d");
    assert_eq!(run.error(), None);
    assert_eq!(run.scheduler.counts().built, 4);
}

#[test]
fn what_is_there_is_not_looked_behind() {
    let mut world = diamond();
    world.valid.insert(path("c-out"));
    world.valid.insert(path("b-out"));
    let mut run = Run::new(world, options(), &["d"]);
    assert_eq!(run.all(), "d");
    let before = run.world.asked;
    let mut again = Run::new(run.world, options(), &["d"]);
    assert_eq!(again.all(), "");
    assert_eq!(again.world.asked - before, 1);
}

#[test]
fn as_many_run_as_there_are_jobs() {
    let mut run = Run::new(
        diamond(),
        Options {
            max_jobs: 2,
            ..options()
        },
        &["d"],
    );
    assert!(run.advance());
    assert_eq!(run.log, ["a"]);
    run.end_build(run.running[0]);
    assert!(run.advance());
    assert_eq!(run.log, ["a", "b", "c"]);
    assert_eq!(
        run.scheduler.counts(),
        Counts {
            built: 1,
            running: 2,
            waiting: 1,
            failed: 0
        }
    );
    run.end_build(run.running[1]);
    assert!(run.advance());
    assert_eq!(run.running.len(), 1);
    assert_eq!(run.all(), "a b c d");
}

#[test]
fn the_first_failure_ends_all() {
    let mut world = diamond();
    world.add("x", &[]);
    let mut run = Run::new(
        world,
        Options {
            max_jobs: 2,
            ..options()
        },
        &["d", "x"],
    );
    run.bad = vec!["a"];
    let log = run.all();
    assert_eq!(
        log,
        "a x tell(Reason: bad) tell(Reason: 1 dependency failed.) abort-x"
    );
    let summary = run.scheduler.summary();
    assert_eq!(summary.status, 100);
    let mut names = [printed(&drv("d")), printed(&drv("x"))];
    names.sort();
    let names = format!("'{}', '{}'", names[0], names[1]);
    assert_eq!(summary.error, Some(format!("build of {names} failed")));
    assert!(summary.messages[0].contains("Reason: 1 dependency failed."));
    assert!(summary.messages[0].contains(&format!("\n  {}", printed(&path("d-man")))));
}

#[test]
fn keep_going_builds_what_it_can() {
    let mut world = diamond();
    world.add("e", &["b", "c"]);
    world.add("x", &[]);
    let mut run = Run::new(
        world,
        Options {
            keep_going: true,
            ..options()
        },
        &["e", "x"],
    );
    run.bad = vec!["b", "c"];
    assert_eq!(run.all(), "a b tell(Reason: bad) c tell(Reason: bad) x");
    let summary = run.scheduler.summary();
    assert!(summary.error.unwrap().contains("Reason: 2 dependencies failed."));
    assert_eq!((summary.status, summary.messages.len()), (100, 0));
    assert_eq!(
        run.scheduler.counts(),
        Counts {
            built: 2,
            failed: 2,
            ..Counts::default()
        }
    );
}

#[test]
fn busy_goals_leave_their_slot_to_others() {
    let mut world = Memory::default();
    world.add("x", &[]);
    world.add("y", &[]);
    let mut run = Run::new(world, options(), &["x", "y"]);
    assert!(run.advance());
    let x = run.running.pop().unwrap();
    run.scheduler.busy(x);
    assert!(run.advance());
    assert_eq!(run.log, ["x", "y"]);
    assert_eq!(run.scheduler.busy_goals(), [x]);
    run.scheduler.retry(x);
    assert!(run.advance(), "no slot is free");
    run.end_build(run.running[0]);
    // Somebody else has built it.
    assert!(run.advance());
    run.running.clear();
    run.scheduler.finished(x, Ok(Success::Valid));
    assert_eq!(run.all(), "x y x");
    assert_eq!(
        run.scheduler.counts(),
        Counts {
            built: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn what_cannot_be_built_here_says_why() {
    let mut world = Memory::default();
    let odd = world.add("odd", &[]);
    odd.platform = b"there".to_vec();
    odd.env
        .insert(b"requiredSystemFeatures".to_vec(), b"kvm foo".to_vec());
    let options = Options {
        max_jobs: 0,
        features: BTreeSet::from(["kvm".to_owned()]),
        ..options()
    };
    let mut run = Run::new(world, options, &["odd"]);
    assert_eq!(run.all(), "");
    let expected = format!(
        "Cannot build '{}'.\n\
         Reason: local builds are disabled (max-jobs = 0)\n\
         Hint: set 'max-jobs' to a non-zero value to enable local builds, or configure remote builders via 'builders'\n\
         Reason: platform mismatch\nRequired system: 'there'\nCurrent system: 'here'\n\
         Reason: missing system features\nRequired features: {{foo, kvm}}\nAvailable features: {{kvm}}",
        printed(&drv("odd"))
    );
    assert_eq!(run.error(), Some(expected));
    assert_eq!(run.scheduler.summary().status, 100);
}

#[test]
fn later_wishes_look_again() {
    let mut world = diamond();
    world.valid.insert(path("a-out"));
    let mut run = Run::new(world, options(), &["a"]);
    assert!(!run.advance());
    let add = |run: &mut Run, name: &str, output: &str| {
        run.scheduler.add(Target::Outputs {
            drv: drv(name),
            outputs: Outputs::names([output]),
        });
    };
    add(&mut run, "a", "out");
    assert!(!run.advance());
    add(&mut run, "a", "man");
    assert_eq!(run.all(), "a");
    // What was built has all outputs.
    add(&mut run, "b", "out");
    assert!(run.advance());
    add(&mut run, "b", "man");
    assert_eq!(run.all(), "a b");
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let refused = |outputs: Outputs, mode: Mode| {
        let mut run = Run::new(diamond(), Options { mode, ..options() }, &[]);
        run.scheduler.add(Target::Outputs {
            drv: drv("a"),
            outputs,
        });
        run.all()
    };
    let a = format!("'{}'", printed(&drv("a")));
    assert_eq!(
        refused(Outputs::names(["nope"]), Mode::Normal),
        format!("derivation {a} does not have output 'nope'")
    );
    let message = refused(Outputs::All, Mode::Check);
    assert!(message.starts_with(&format!(
        "some outputs of {a} are not valid, so checking is not possible\n"
    )));
}

#[test]
fn missing_things_are_told() {
    let mut run = Run::new(Memory::default(), options(), &["gone"]);
    assert_eq!(run.all(), "");
    let message = format!("failed to obtain derivation of '{}'", printed(&drv("gone")));
    assert_eq!(run.error(), Some(message));
    assert_eq!(run.scheduler.summary().status, 1);

    let mut run = Run::new(Memory::default(), options(), &[]);
    run.scheduler.add(Target::Path(path("gone")));
    run.all();
    assert!(
        run.error()
            .unwrap()
            .ends_with("but there is no substituter that can build it")
    );

    let mut world = diamond();
    world.add("s", &[]).input_srcs.insert(path("source"));
    let mut run = Run::new(world, options(), &["s"]);
    run.all();
    assert!(
        run.error()
            .unwrap()
            .contains("\nReason: 1 dependency failed.\nOutput paths:")
    );
    let mut run = Run::new(
        run.world,
        Options {
            substitute: false,
            ..options()
        },
        &["s"],
    );
    assert!(
        run.all()
            .ends_with("does not exist, and substitution is disabled")
    );
}

#[test]
fn damaged_outputs_are_repaired() {
    let mut world = diamond();
    for name in ["a", "b", "c", "d"] {
        world.build(&drv(name));
    }
    world.damaged.insert(path("d-out"));
    let mode = Mode::Repair;
    let mut run = Run::new(world, Options { mode, ..options() }, &["d"]);
    assert_eq!(run.all(), "d");
    // Those that it refers to, too.
    run.world.damaged.insert(path("a-out"));
    let mut run = Run::new(run.world, Options { mode, ..options() }, &["d"]);
    assert_eq!(run.all(), "damaged-a-out a");
}

#[test]
fn long_chains_need_no_stack() {
    let mut world = Memory::default();
    let names: Vec<String> = (0..20_000).map(|i| format!("n{i:05}")).collect();
    world.add(&names[0], &[]);
    for pair in names.windows(2) {
        world.add(&pair[1], &[&pair[0]]);
    }
    let last = names[names.len() - 1].clone();
    let mut run = Run::new(world, options(), &[&last]);
    run.bad = vec!["n00000"];
    assert!(run.all().ends_with("tell(Reason: 1 dependency failed.)"));
    let found = missing(
        &mut run.world,
        &[Target::Outputs {
            drv: drv(&last),
            outputs: Outputs::All,
        }],
    );
    let Ok(found) = found else {
        panic!("memory does not fail")
    };
    assert_eq!(found.will_build.len(), names.len());
}

/// `a`, `b` and `c`, which needs both, content-addressed.
fn content_addressed() -> Memory {
    let mut world = Memory::default();
    for (name, inputs) in [("a", &[][..]), ("b", &["a"]), ("c", &["a", "b"])] {
        let floating = DerivationOutput::Floating {
            method: ContentAddressMethod::NixArchive,
            algorithm: HashAlgorithm::Sha256,
        };
        for output in world.add(name, inputs).outputs.values_mut() {
            *output = floating.clone();
        }
    }
    world
}

fn with_content_addressing() -> Options {
    Options {
        content_addressed: true,
        features: BTreeSet::from(["ca-derivations".to_owned()]),
        ..options()
    }
}

#[test]
fn derivations_are_resolved_once_their_inputs_are_there() {
    let options = with_content_addressing();
    let mut run = Run::new(content_addressed(), options.clone(), &["c"]);
    assert_eq!(run.all(), "a resolved-b b resolved-c c");
    assert_eq!(run.error(), None);
    // Another derivation with an input of the same contents is resolved to the same, which is there.
    let mut world = run.world;
    let mut other = (*world.derivations[&drv("b")]).clone();
    let needed = other.input_drvs.remove(&drv("a")).unwrap();
    let mut first = (*world.derivations[&drv("a")]).clone();
    first.env.insert(b"x".to_vec(), b"1".to_vec());
    world.derivations.insert(drv("a2"), Rc::new(first));
    other.input_drvs.insert(drv("a2"), needed);
    world.derivations.insert(drv("b2"), Rc::new(other));
    let mut run = Run::new(world, options, &["b2"]);
    assert_eq!(run.all(), "a2 resolved-b2");
    assert_eq!(run.error(), None);
}

#[test]
fn failures_of_what_it_was_resolved_to_are_its_own() {
    let options = with_content_addressing();
    let mut run = Run::new(content_addressed(), options, &["b"]);
    run.bad = vec!["b"];
    assert_eq!(run.all(), "a resolved-b b tell(Reason: bad)");
    let error = run.error().unwrap();
    assert!(error.starts_with("build of resolved derivation '"), "{error}");
    assert_eq!(run.scheduler.summary().status, 100);
}

#[test]
fn kinds_that_were_not_asked_for_are_refused() {
    let mut run = Run::new(content_addressed(), options(), &["c"]);
    assert!(run.all().contains("'ca-derivations' is disabled"));
}
