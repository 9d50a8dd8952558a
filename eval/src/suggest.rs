//! Names that may have been meant: those at a small edit distance.

/// How many changes away a name may be to be suggested.
const MAX_DISTANCE: usize = 2;
/// How many names are suggested at the most.
const MAX_SUGGESTIONS: usize = 5;

/// The names closest to `query`, best first: at most five, at most two edits away.
pub fn best_matches(names: impl Iterator<Item = String>, query: &str) -> Vec<String> {
    let close = |name: &String| name.len().abs_diff(query.len()) <= MAX_DISTANCE;
    let mut matches: Vec<(usize, String)> = names
        .filter(close)
        .map(|name| (distance(query, &name), name))
        .filter(|(d, _)| *d <= MAX_DISTANCE)
        .collect();
    matches.sort();
    matches.truncate(MAX_SUGGESTIONS);
    matches.into_iter().map(|(_, name)| name).collect()
}

/// Levenshtein's distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut current = vec![i + 1];
        for (j, y) in b.bytes().enumerate() {
            let substituted = previous[j] + usize::from(x != y);
            current.push(substituted.min(previous[j + 1] + 1).min(current[j] + 1));
        }
        previous = current;
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_come_first() {
        let names = ["foo", "fob", "bar", "fooo"].map(str::to_owned).into_iter();
        assert_eq!(best_matches(names, "foo"), ["foo", "fob", "fooo"]);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
