//! Looking at goals: what is there of what they want, and what they need.

use std::collections::BTreeSet;
use std::rc::Rc;

use nivis_store::derivation::{Derivation, DerivationKind};
use nivis_store::path::StorePath;

use crate::build::Mode;

use super::{Failure, GoalId, Outputs, Reason, Scheduler, State, Step, Stop, Success, World};

impl Scheduler {
    pub(super) fn look_at_path<W: World>(
        &mut self,
        path: StorePath,
        world: &mut W,
    ) -> Result<(), Stop<W::Error>> {
        if world.is_valid(&path)? {
            return Ok(());
        }
        let failure = Rc::new(Failure {
            reason: Reason::NoSubstituters,
            message: format!(
                "path '{}' is required, but there is no substituter that can build it",
                self.store_dir.print(&path)
            ),
        });
        self.paths.insert(path, Some(failure));
        self.stopped |= !self.options.keep_going;
        self.abort_all_if_stopped();
        Ok(())
    }

    /// Looks at a goal for the first time, or again with more outputs.
    pub(super) fn look_at<W: World>(&mut self, id: GoalId, world: &mut W) -> Result<(), Stop<W::Error>> {
        let drv_path = self.goals[id.0].drv.clone();
        match self.goals[id.0].state {
            State::New => {}
            State::Unresolved => return self.resolve(id, world),
            State::Resolved => return self.adopt(id, world),
            _ => return Ok(()),
        }
        let Some(drv) = world.derivation(&drv_path)? else {
            let message = format!(
                "failed to obtain derivation of '{}'",
                self.store_dir.print(&drv_path)
            );
            self.fail(id, Failure::new(Reason::DependencyFailed, message));
            return Ok(());
        };
        self.goals[id.0].derivation = Some(drv.clone());
        self.check_features(&drv)?;
        let outputs = self.wanted_paths(id, &drv, world)?;
        let mode = self.goals[id.0].mode;
        let mut all_valid = outputs.iter().all(Option::is_some);
        let outputs: Vec<StorePath> = outputs.into_iter().flatten().collect();
        for path in &outputs {
            all_valid &= world.is_valid(path)? && (mode != Mode::Repair || world.is_intact(path)?);
        }
        match (mode, all_valid) {
            (Mode::Normal, true) => {
                self.succeed(id, Success::Valid);
                return Ok(());
            }
            (Mode::Check, false) => {
                return Err(Stop::Request(format!(
                    "some outputs of '{}' are not valid, so checking is not possible\n\
                     Hint: --rebuild and --check error if the derivation was not previously built and cannot be \
                     substituted.\n      Remove it to perform a fresh build, or use --repair to rewrite missing or \
                     corrupted builds in the store.",
                    self.store_dir.print(&drv_path)
                )));
            }
            (Mode::Repair, true) => return self.repair_closure(id, &outputs, world),
            _ => {}
        }
        self.need_inputs(id, &drv, world)
    }

    /// The paths of the outputs that are wanted of a goal.
    fn wanted_paths<W: World>(
        &self,
        id: GoalId,
        drv: &Derivation,
        world: &mut W,
    ) -> Result<Vec<Option<StorePath>>, Stop<W::Error>> {
        let goal = &self.goals[id.0];
        let store_dir = &self.store_dir;
        if let Outputs::Names(names) = &goal.wanted
            && let Some(unknown) = names.iter().find(|name| !drv.outputs.contains_key(*name))
        {
            let path = store_dir.print(&goal.drv);
            let message = format!("derivation '{path}' does not have output '{unknown}'");
            return Err(Stop::Request(message));
        }
        let mut paths = vec![];
        for name in drv.outputs.keys().filter(|name| goal.wanted.contains(name)) {
            paths.push(world.output_path(&goal.drv, drv, name)?);
        }
        Ok(paths)
    }

    /// Refuses derivations of kinds that must be asked for.
    fn check_features<E>(&self, drv: &Derivation) -> Result<(), Stop<E>> {
        let kind = drv.kind().map_err(|error| Stop::Request(error.to_string()))?;
        let (is_enabled, feature) = match kind {
            DerivationKind::InputAddressed | DerivationKind::Fixed => return Ok(()),
            DerivationKind::Impure => (self.options.impure, "impure-derivations"),
            DerivationKind::Floating | DerivationKind::Deferred => {
                (self.options.content_addressed, "ca-derivations")
            }
        };
        match is_enabled {
            true => Ok(()),
            false => Err(Stop::Request(format!(
                "experimental Nix feature '{feature}' is disabled; add \
                 '--extra-experimental-features {feature}' to enable it"
            ))),
        }
    }

    /// What is built once and for all must not come from what is built anew each time, unless its contents are known.
    fn check_purity<W: World>(
        &self,
        id: GoalId,
        drv: &Derivation,
        input: &StorePath,
        world: &mut W,
    ) -> Result<(), Stop<W::Error>> {
        let is_exempt = matches!(drv.kind(), Ok(DerivationKind::Impure | DerivationKind::Fixed));
        if !self.options.impure || is_exempt {
            return Ok(());
        }
        match world.derivation(input)?.map(|input| input.kind()) {
            Some(Ok(DerivationKind::Impure)) => Err(Stop::Request(format!(
                "pure derivation '{}' depends on impure derivation '{}'",
                self.store_dir.print(&self.goals[id.0].drv),
                self.store_dir.print(input)
            ))),
            _ => Ok(()),
        }
    }

    /// Resolves a goal whose inputs are there, and waits for what it became.
    fn resolve<W: World>(&mut self, id: GoalId, world: &mut W) -> Result<(), Stop<W::Error>> {
        let goal = &self.goals[id.0];
        let (drv_path, mode, wanted) = (goal.drv.clone(), goal.mode, goal.wanted.clone());
        let Some(drv) = goal.derivation.clone() else {
            return Ok(());
        };
        let resolved = match world.resolve(&drv)? {
            Ok(resolved) => resolved,
            Err(input) => {
                let message = format!(
                    "cannot resolve '{}': an output of '{}' that it needs is missing",
                    self.store_dir.print(&drv_path),
                    self.store_dir.print(&input)
                );
                self.fail(id, Failure::new(Reason::Permanent, message));
                return Ok(());
            }
        };
        self.steps.push_back(Step::Resolved {
            drv: drv_path,
            to: resolved.clone(),
        });
        let resolved = self.goal(&resolved, &wanted, mode);
        let goal = &mut self.goals[id.0];
        goal.resolved = Some(resolved);
        goal.state = State::Waiting;
        self.wait_for(id, resolved);
        self.inputs_changed(id);
        Ok(())
    }

    /// What a goal was resolved to is there: its outputs are those of the goal.
    fn adopt<W: World>(&mut self, id: GoalId, world: &mut W) -> Result<(), Stop<W::Error>> {
        let goal = &self.goals[id.0];
        let Some(resolved) = goal.resolved else {
            return Ok(());
        };
        match world.adopt(&goal.drv, &self.goals[resolved.0].drv, &goal.wanted)? {
            // Other outputs may still be wanted, so it counts as found, not as built.
            Ok(()) => self.succeed(id, Success::Valid),
            Err(message) => self.fail(id, Failure::new(Reason::Permanent, message)),
        }
        Ok(())
    }

    fn wait_for(&mut self, id: GoalId, input: GoalId) {
        match &self.goals[input.0].state {
            State::Succeeded(_) => {}
            State::Failed(_) => self.goals[id.0].failed_inputs += 1,
            _ => {
                self.goals[input.0].dependents.push(id);
                self.goals[id.0].open_inputs += 1;
            }
        }
    }

    /// Makes goals of what a goal needs, or makes it ready if that is all there.
    fn need_inputs<W: World>(
        &mut self,
        id: GoalId,
        drv: &Derivation,
        world: &mut W,
    ) -> Result<(), Stop<W::Error>> {
        self.expect(id);
        self.goals[id.0].state = State::Waiting;
        for source in &drv.input_srcs {
            if world.has_source(source)? {
                continue;
            }
            if !self.options.substitute {
                return Err(Stop::Request(format!(
                    "dependency '{}' of '{}' does not exist, and substitution is disabled",
                    self.store_dir.print(source),
                    self.store_dir.print(&self.goals[id.0].drv)
                )));
            }
            self.goals[id.0].failed_inputs += 1;
        }
        let mode = match self.goals[id.0].mode {
            Mode::Repair => Mode::Repair,
            _ => Mode::Normal,
        };
        for (input, wanted) in &drv.input_drvs {
            if !wanted.dynamic.is_empty() {
                let path = self.store_dir.print(&self.goals[id.0].drv);
                let message = format!("cannot build '{path}': dynamic derivations are not supported yet");
                return Err(Stop::Request(message));
            }
            self.check_purity(id, drv, input, world)?;
            let input = self.goal(input, &Outputs::Names(wanted.outputs.clone()), mode);
            self.wait_for(id, input);
        }
        self.inputs_changed(id);
        Ok(())
    }

    /// Repairs the damaged paths that the outputs of a goal refer to; its own are good.
    fn repair_closure<W: World>(
        &mut self,
        id: GoalId,
        outputs: &[StorePath],
        world: &mut W,
    ) -> Result<(), Stop<W::Error>> {
        let drv_path = self.goals[id.0].drv.clone();
        let mut repairs = BTreeSet::new();
        for output in outputs {
            for (path, deriver) in world.damaged_closure(&drv_path, output)? {
                self.steps.push_back(Step::Damaged {
                    path: path.clone(),
                    drv: drv_path.clone(),
                });
                match deriver {
                    Some(deriver) => {
                        repairs.insert(deriver);
                    }
                    None => {
                        return Err(Stop::Request(format!(
                            "some paths in the output closure of derivation '{}' could not be repaired",
                            self.store_dir.print(&drv_path)
                        )));
                    }
                }
            }
        }
        for deriver in repairs {
            // It counts as a target, so that its failure is one of the whole.
            let goal = self.goal(&deriver, &Outputs::All, Mode::Repair);
            self.goals[goal.0].is_target = true;
        }
        self.succeed(id, Success::Valid);
        Ok(())
    }
}
