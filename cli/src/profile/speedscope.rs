//! Profiles for speedscope: <https://www.speedscope.app/file-format-schema.json>.

use super::{Weight, stacks};
use nivis_eval::profile::{Kind, Profile};
use serde_json::{Value, json};

/// Time and bytes, each a profile of the file.
pub(super) fn encode(profile: &Profile) -> String {
    let frames: Vec<Value> = profile
        .rows
        .iter()
        .map(|row| {
            let name = match row.function.kind {
                Kind::Primop => format!("builtins.{}", row.function.name),
                _ => row.function.name.to_string(),
            };
            let mut frame = json!({ "name": name });
            if let Some(place) = &row.function.place {
                frame["file"] = json!(&*place.file);
                frame["line"] = json!(place.line);
                frame["col"] = json!(place.column);
            }
            frame
        })
        .collect();
    let one = |name: &str, unit: &str, of: Weight| {
        let taken = profile.tree.iter().enumerate();
        let taken = taken.map(|(i, node)| (i, stacks::weight(node, of)));
        let (samples, weights): (Vec<Vec<usize>>, Vec<u64>) = taken
            .filter(|&(_, weight)| weight > 0)
            .map(|(i, weight)| (stacks::chain(profile, i), weight))
            .unzip();
        json!({
            "type": "sampled",
            "name": name,
            "unit": unit,
            "startValue": 0,
            "endValue": weights.iter().sum::<u64>(),
            "samples": samples,
            "weights": weights,
        })
    };
    json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "nivis",
        "shared": { "frames": frames },
        "profiles": [one("time", "nanoseconds", Weight::Time), one("bytes", "bytes", Weight::Bytes)],
    })
    .to_string()
}
