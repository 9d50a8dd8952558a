//! Replacing several patterns at once, as `builtins.replaceStrings` does.

use memchr::memmem;

/// Copies `text`, replacing each occurrence of a pattern; of those that fit at one place the first in the list wins.
///
/// Returns `None` when nothing was found. `replacement` is asked for the replacement of a pattern (by its index) when it is first needed, and once only. An
/// empty pattern fits before every byte and at the end; the byte after it is copied unseen.
pub(crate) fn replace_strings<R: AsRef<[u8]>, E>(
    text: &[u8],
    patterns: &[&[u8]],
    mut replacement: impl FnMut(usize) -> Result<R, E>,
) -> Result<Option<Vec<u8>>, E> {
    let mut output = Vec::new();
    let mut known: Vec<Option<R>> = patterns.iter().map(|_| None).collect();
    let index = PatternIndex::new(patterns);
    let mut at = 0;
    while at <= text.len() {
        let Some((next, found)) = index.find(text, at) else {
            if at == 0 {
                return Ok(None);
            }
            output.extend_from_slice(&text[at..]);
            break;
        };
        output.extend_from_slice(&text[at..next]);
        let value = match &mut known[found] {
            Some(value) => value,
            unknown => unknown.insert(replacement(found)?),
        };
        output.extend_from_slice(value.as_ref());
        if patterns[found].is_empty() {
            output.extend(text.get(next));
            at = next + 1;
        } else {
            at = next + patterns[found].len();
        }
    }
    Ok(Some(output))
}

/// Finds the next place where one of many patterns fits.
enum PatternIndex<'a> {
    One(Box<memmem::Finder<'a>>),
    /// For each byte the patterns that start with it, or are empty, in the order given.
    ByFirstByte {
        patterns: &'a [&'a [u8]],
        by_first: Vec<Vec<usize>>,
    },
}

impl<'a> PatternIndex<'a> {
    fn new(patterns: &'a [&'a [u8]]) -> PatternIndex<'a> {
        if let [pattern] = patterns
            && !pattern.is_empty()
        {
            return PatternIndex::One(Box::new(memmem::Finder::new(pattern)));
        }
        let mut by_first = vec![Vec::new(); 257];
        for (index, pattern) in patterns.iter().enumerate() {
            match pattern.first() {
                Some(&byte) => by_first[usize::from(byte)].push(index),
                None => by_first.iter_mut().for_each(|list| list.push(index)),
            }
        }
        PatternIndex::ByFirstByte { patterns, by_first }
    }

    /// Returns the place and the pattern's index.
    fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            PatternIndex::One(finder) => Some((from + finder.find(&text[from..])?, 0)),
            PatternIndex::ByFirstByte { patterns, by_first } => (from..=text.len()).find_map(|at| {
                let rest = &text[at..];
                // The last list is for the end of the text, where only empty patterns fit.
                let candidates = &by_first[rest.first().map_or(256, |&byte| usize::from(byte))];
                let found = candidates
                    .iter()
                    .find(|&&index| rest.starts_with(patterns[index]))?;
                Some((at, *found))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(text: &str, pairs: &[(&str, &str)]) -> String {
        let patterns: Vec<_> = pairs.iter().map(|(from, _)| from.as_bytes()).collect();
        let output = replace_strings(text.as_bytes(), &patterns, |index| Ok::<_, ()>(pairs[index].1));
        output
            .unwrap()
            .map_or(text.to_owned(), |output| String::from_utf8(output).unwrap())
    }

    #[test]
    fn as_in_the_reference() {
        assert_eq!(replace("foobar", &[("oo", "a"), ("a", "i")]), "fabir");
        assert_eq!(replace("abc", &[("", "x")]), "xaxbxcx");
        assert_eq!(replace("", &[("", "x")]), "x");
        assert_eq!(replace("abc", &[("b", "-"), ("", "x")]), "xa-xcx");
        assert_eq!(replace("abc", &[("", "x"), ("b", "-")]), "xaxbxcx");
        assert_eq!(replace("aaa", &[("aa", "b")]), "ba");
        assert_eq!(replace("abc", &[]), "abc");
        assert_eq!(replace("abc", &[("ab", "1"), ("abc", "2")]), "1c");
    }

    #[test]
    fn replacements_are_asked_for_once_and_when_needed() {
        let mut asked = Vec::new();
        let patterns: [&[u8]; 3] = [b"a", b"x", b"b"];
        let output = replace_strings(b"abab", &patterns, |index| {
            asked.push(index);
            Ok::<_, ()>(".")
        });
        assert_eq!(output, Ok(Some(b"....".to_vec())));
        assert_eq!(asked, [0, 2]);
    }
}
