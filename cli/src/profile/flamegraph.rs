//! Flame graphs.

use super::{Weight, stacks};
use crate::failure::{Failure, Result};
use inferno::flamegraph::{self, Options};
use nivis_eval::profile::Profile;

/// A flame graph as SVG, without frames of less than so many percent.
pub(super) fn svg(profile: &Profile, weight: Weight, min_width: f64) -> Result<Vec<u8>> {
    let prefix = stacks::common_prefix(profile);
    let lines = stacks::lines(profile, weight, &prefix);
    let mut options = Options::default();
    (options.title, options.count_name) = match weight {
        Weight::Time => ("Time by Nix function".to_owned(), "µs".to_owned()),
        Weight::Bytes => ("Bytes by Nix function".to_owned(), "bytes".to_owned()),
    };
    if !prefix.is_empty() {
        options.subtitle = Some(format!("files are below {prefix}"));
    }
    options.min_width = min_width;
    let mut svg = vec![];
    flamegraph::from_lines(&mut options, lines.iter().map(|line| line.trim_end()), &mut svg)
        .map_err(|error| Failure::Plain(format!("cannot draw the flame graph: {error}")))?;
    Ok(svg)
}
