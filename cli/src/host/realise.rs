//! Building during evaluation: import from derivation.

use super::{RealHost, not_valid};
use crate::env::Environment;
use crate::options::Common;
use crate::realise::{Realiser, Unrealised};
use nivis_builder::Mode;
use nivis_builder::realise::{Outputs, Target};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::host::{RealisedOutputs, WantedOutputs};
use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;

/// What building during evaluation goes by.
pub(super) struct Building {
    common: Common,
    environment: Environment,
}

impl Building {
    pub(super) fn new(common: &Common, environment: &Environment) -> Building {
        Building {
            common: common.clone(),
            environment: environment.clone(),
        }
    }
}

impl RealHost {
    /// Builds what is wanted. What evaluation has queued is written first.
    pub(super) fn build(&self, wanted: &[WantedOutputs<'_>]) -> Result<RealisedOutputs> {
        let Some(first) = wanted.first() else {
            return Ok(RealisedOutputs::new());
        };
        let missing = || not_valid(first.drv.base_name());
        let local = self.store.local.as_ref().ok_or_else(missing)?;
        let common = &self.building.common;
        if common.settings.bool("trace-import-from-derivation") {
            let output = first.outputs.first().map(|output| &**output).unwrap_or_default();
            let drv = self.store.store_dir.print(first.drv);
            self.logger.warning(&format!(
                "built '{drv}^{output}' during evaluation due to an import from derivation"
            ));
        }
        let targets: Vec<Target> = wanted.iter().map(target).collect();
        match self.store.writable() {
            Some(_) => {
                self.store.flush()?;
                self.realise_in(&local.store, &targets)
            }
            // Derivations that were only computed cannot be built, others can.
            None if wanted.iter().any(|wanted| self.store.computed.knows(wanted.drv))
                && !local.has_all(wanted)? =>
            {
                Err(missing())
            }
            None => {
                let config = StoreConfig {
                    read_only: false,
                    ..local.store.config().clone()
                };
                let store = LocalStore::new(config, self.logger.notify());
                self.realise_in(&store, &targets)
            }
        }
    }

    fn realise_in(&self, store: &LocalStore, targets: &[Target]) -> Result<RealisedOutputs> {
        let Building { common, environment } = &self.building;
        let realiser = Realiser::new(store, common, environment, self.logger);
        realiser
            .realise(targets, Mode::Normal, None)
            .map_err(evaluation_error)
    }
}

fn target(wanted: &WantedOutputs<'_>) -> Target {
    Target::Outputs {
        drv: wanted.drv.clone(),
        outputs: Outputs::names(wanted.outputs.iter().map(|output| &**output)),
    }
}

/// The error that evaluation ends with, and the program with its exit status.
fn evaluation_error(failure: Unrealised) -> Error {
    let mut error = Error::new(Kind::Store, failure.message);
    error.details_mut().exit_status = Some(failure.status.into());
    error
}
