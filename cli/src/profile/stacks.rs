//! Stacks as lines of text, a function and its callers in each, and what it took.

use super::Weight;
use nivis_eval::profile::{Described, Kind, Profile};

/// What a node took.
pub(super) fn weight(node: &nivis_eval::profile::Node, weight: Weight) -> u64 {
    match weight {
        Weight::Time => node.nanos,
        Weight::Bytes => node.bytes,
    }
}

/// Stacks with full paths; time in microseconds.
pub(super) fn folded(profile: &Profile, of: Weight) -> String {
    lines(profile, of, "").join("")
}

/// A line for each stack that took something. Paths are without the prefix.
pub(super) fn lines(profile: &Profile, of: Weight, prefix: &str) -> Vec<String> {
    let names: Vec<String> = profile
        .rows
        .iter()
        .map(|row| frame(&row.function, prefix))
        .collect();
    let mut lines = vec![];
    for (i, node) in profile.tree.iter().enumerate() {
        let taken = match of {
            Weight::Time => (node.nanos + 500) / 1000,
            Weight::Bytes => node.bytes,
        };
        if taken > 0 {
            let frames: Vec<&str> = chain(profile, i).iter().map(|&f| names[f].as_str()).collect();
            lines.push(format!("{} {taken}\n", frames.join(";")));
        }
    }
    lines
}

/// The functions from the outermost caller to a node. The first node shows only by itself.
pub(super) fn chain(profile: &Profile, node: usize) -> Vec<usize> {
    let mut at = node;
    let mut functions = vec![profile.tree[at].function as usize];
    while at != 0 {
        at = profile.tree[at].parent as usize;
        if at != 0 {
            functions.push(profile.tree[at].function as usize);
        }
    }
    functions.reverse();
    functions
}

/// A function in one line: its name, and where it is.
pub(super) fn frame(function: &Described, prefix: &str) -> String {
    let text = match (&function.place, function.kind) {
        (_, Kind::Primop) => format!("builtins.{}", function.name),
        (Some(place), _) => format!(
            "{} {}:{}:{}",
            function.name,
            place.file.strip_prefix(prefix).unwrap_or(&place.file),
            place.line,
            place.column
        ),
        (None, _) => function.name.to_string(),
    };
    // A semicolon ends a frame, and a newline a stack.
    text.replace([';', '\n'], ",")
}

/// The directories that all files share, but for those that are part of the program.
pub(super) fn common_prefix(profile: &Profile) -> String {
    let files = profile.rows.iter().filter_map(|row| row.function.place.as_ref());
    let mut files = files
        .map(|place| &*place.file)
        .filter(|file| file.starts_with('/') && !file.starts_with("/__corepkgs__/"));
    let Some(first) = files.next() else {
        return String::new();
    };
    let mut prefix = &first[..first.rfind('/').map_or(0, |at| at + 1)];
    for file in files {
        while !file.starts_with(prefix) {
            let shorter = prefix.trim_end_matches('/');
            prefix = &shorter[..shorter.rfind('/').map_or(0, |at| at + 1)];
        }
    }
    // Paths without their first character would only look wrong.
    match prefix {
        "/" => String::new(),
        _ => prefix.to_owned(),
    }
}
