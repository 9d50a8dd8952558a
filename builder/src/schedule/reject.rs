//! What cannot be built here, and how the reference says so.

use std::collections::BTreeSet;
use std::fmt::Write;

use nivis_store::derivation::Derivation;
use nivis_store::path::StoreDir;

use crate::options::DrvOptions;

use super::{Failure, GoalId, Reason, Scheduler};

impl Scheduler {
    /// Why a goal cannot be built here, if it cannot.
    pub(super) fn reject(&self, id: GoalId) -> Option<Failure> {
        let goal = &self.goals[id.0];
        let drv = goal.derivation.as_deref()?;
        let options = &self.options;
        let mut reasons = String::new();
        if options.max_jobs == 0 {
            reasons.push_str(
                "\nReason: local builds are disabled (max-jobs = 0)\
                 \nHint: set 'max-jobs' to a non-zero value to enable local builds, \
                 or configure remote builders via 'builders'",
            );
        }
        let platform = String::from_utf8_lossy(&drv.platform);
        let can_run =
            *platform == options.system || options.extra_platforms.contains(&*platform) || drv.is_builtin();
        if !can_run {
            let _ = write!(
                reasons,
                "\nReason: platform mismatch\nRequired system: '{platform}'\nCurrent system: '{}'",
                options.system
            );
        }
        let required = match DrvOptions::parse(&self.store_dir, drv) {
            Ok(_) if drv.is_builtin() => BTreeSet::new(),
            Ok(own) => own.required_system_features,
            Err(failure) => return Some(Failure::new(failure.kind.into(), failure.message)),
        };
        if !required.is_subset(&options.features) {
            let _ = write!(
                reasons,
                "\nReason: missing system features\nRequired features: {{{}}}\nAvailable features: {{{}}}",
                joined(&required),
                joined(&options.features)
            );
        }
        let path = self.store_dir.print(&goal.drv);
        (!reasons.is_empty())
            .then(|| Failure::new(Reason::InputRejected, format!("Cannot build '{path}'.{reasons}")))
    }

    /// A failure to build, with the outputs that there would have been.
    pub(super) fn cannot_build(&self, id: GoalId, why: Reason, reason: &str) -> Failure {
        let goal = &self.goals[id.0];
        let drv = goal.derivation.as_deref();
        let outputs = drv.map(|drv| known_outputs(&self.store_dir, drv));
        let path = self.store_dir.print(&goal.drv);
        let outputs = outputs.unwrap_or_default();
        Failure::new(why, format!("Cannot build '{path}'.\nReason: {reason}{outputs}"))
    }
}

/// The paths of the outputs, as the reference lists them below a failure.
pub(crate) fn known_outputs(store_dir: &StoreDir, drv: &Derivation) -> String {
    let paths: BTreeSet<_> = drv
        .outputs
        .keys()
        .filter_map(|name| drv.output_path(store_dir, name).ok().flatten())
        .collect();
    let mut text = String::new();
    if !paths.is_empty() {
        text.push_str("\nOutput paths:");
        for path in paths {
            let _ = write!(text, "\n  {}", store_dir.print(&path));
        }
    }
    text
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
