//! Showing how an answer differs from the recorded one.

/// Says how two texts differ, or that they do not.
pub(crate) fn same(what: &str, expected: &str, actual: &str) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let mut text = format!("{what} differs (- recorded, + now):\n");
    match (&old[..], &new[..]) {
        ([old], [new]) => text.push_str(&long_lines(old, new)),
        (old, new) => text.push_str(&hunks(old, new)),
    }
    if expected.ends_with('\n') != actual.ends_with('\n') {
        text.push_str("(one of them has no newline at its end)\n");
    }
    Err(text)
}

/// Two differing lines, only the part around the first difference when they are long.
fn long_lines(old: &str, new: &str) -> String {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let ahead = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let part = |line: &[char]| {
        let (start, end) = (ahead.saturating_sub(100), (ahead + 100).min(line.len()));
        let dots = |cut| if cut { "…" } else { "" };
        let text: String = line[start..end].iter().collect();
        format!("{}{text}{}", dots(start > 0), dots(end < line.len()))
    };
    format!("- {}\n+ {}\n", part(&old), part(&new))
}

/// The lines that were taken away and added, below the last common line that says what they
/// answer (in a session the one with the command).
fn hunks(old: &[&str], new: &[&str]) -> String {
    let common = common_lengths(old, new);
    let (mut i, mut j, mut text) = (0, 0, String::new());
    let mut heading = None;
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            if old[i].starts_with('$') || heading.is_none() {
                heading = Some(old[i]);
            }
            (i, j) = (i + 1, j + 1);
            continue;
        }
        if let Some(line) = heading.take() {
            text.push_str(&format!("  {line}\n"));
        }
        if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            text.push_str(&format!("- {}\n", old[i]));
            i += 1;
        } else {
            text.push_str(&format!("+ {}\n", new[j]));
            j += 1;
        }
    }
    text
}

/// `[i][j]`: how many lines `old[i..]` and `new[j..]` have in common at most, in order.
fn common_lengths(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_stands_below_its_command() {
        let text = same("x", "$ a\n| 1\n$ b\n| 2\n| 3\n", "$ a\n| 1\n$ b\n| 4\n| 3\n").unwrap_err();
        assert_eq!(text, "x differs (- recorded, + now):\n  $ b\n- | 2\n+ | 4\n");
    }
}
