//! Experimental features that primops ask for while they run.

use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;

/// Fails unless the experimental feature is on. `reason` may say what needs it.
pub(crate) fn require_feature(ev: &Evaluator, feature: &str, reason: &str) -> Result<()> {
    if ev.settings.has_feature(feature) {
        return Ok(());
    }
    let reason = match reason {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    let message = format!(
        "experimental Nix feature '{feature}' is disabled{reason}; add '--extra-experimental-features {feature}' to enable it"
    );
    Err(Error::new(Kind::Usage, message))
}
