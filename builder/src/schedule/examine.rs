//! Looking at goals: what is there of what they want, and what they need.

use std::collections::BTreeSet;
use std::rc::Rc;

use nivis_store::derivation::Derivation;
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
        if !matches!(self.goals[id.0].state, State::New) {
            return Ok(());
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
        let outputs = self.wanted_paths(id, &drv)?;
        let mode = self.goals[id.0].mode;
        let mut all_valid = true;
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
    fn wanted_paths<E>(&self, id: GoalId, drv: &Derivation) -> Result<Vec<StorePath>, Stop<E>> {
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
            let path = drv.output_path(store_dir, name);
            match path.map_err(|error| Stop::Request(error.to_string()))? {
                Some(path) => paths.push(path),
                None if self.options.content_addressed => {
                    let path = store_dir.print(&goal.drv);
                    let message =
                        format!("cannot build '{path}': content-addressed outputs are not supported yet");
                    return Err(Stop::Request(message));
                }
                None => {
                    return Err(Stop::Request(
                        "experimental Nix feature 'ca-derivations' is disabled; add \
                         '--extra-experimental-features ca-derivations' to enable it"
                            .to_owned(),
                    ));
                }
            }
        }
        Ok(paths)
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
            if world.is_valid(source)? {
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
            let input = self.goal(input, &Outputs::Names(wanted.outputs.clone()), mode);
            match &self.goals[input.0].state {
                State::Succeeded(_) => {}
                State::Failed(_) => self.goals[id.0].failed_inputs += 1,
                _ => {
                    self.goals[input.0].dependents.push(id);
                    self.goals[id.0].open_inputs += 1;
                }
            }
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
