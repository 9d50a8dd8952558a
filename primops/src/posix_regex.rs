//! POSIX extended regular expressions, as `builtins.match` and `builtins.split` need them.
//!
//! Nix leaves regular expressions to the C++ standard library, whose `extended` grammar has a taste of its own:
//! alternatives are all tried and the longest wins, while a repetition keeps the first way on that leads to a match;
//! an empty loop body may be entered twice at one place; `[[=a=]]` ignores case. Expressions in the wild depend on
//! the result, so this engine follows the same rules, but in time linear in the length of the text: it backtracks
//! over a compact program and remembers which (state, position) pairs it has already settled.
//!
//! * `parse` turns the pattern into a syntax tree and holds every rule about what is valid,
//! * `program` turns the tree into states,
//! * `search` runs a program over a text.
//!
//! Answers recorded from the reference are in `tests/regex.rs`.

mod byte_set;
mod parse;
mod program;
mod search;

use std::ops::Range;
use std::sync::Arc;

use program::Program;
use search::{Goal, Search};

/// Why a pattern can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegexError {
    /// The pattern isn't a valid extended regular expression.
    Invalid,
    /// The pattern is valid, but it (or the work it asks for) is too large.
    TooLarge,
}

/// A compiled regular expression; cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Regex {
    program: Arc<Program>,
}

/// What one match covers: the whole match and its groups, as ranges of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captures {
    /// The text matched by the whole expression.
    pub whole: Range<usize>,
    /// One entry for each `( )`; `None` for a group that took no part in the match.
    pub groups: Vec<Option<Range<usize>>>,
}

impl Regex {
    /// Compiles `pattern`.
    pub fn new(pattern: &[u8]) -> Result<Regex, RegexError> {
        let tree = parse::parse(pattern)?;
        Ok(Regex {
            program: Arc::new(Program::new(&tree)),
        })
    }

    /// Matches the whole of `text`.
    pub fn match_whole(&self, text: &[u8]) -> Result<Option<Captures>, RegexError> {
        let mut search = Search::new(&self.program, text);
        search.run(0, Goal::Whole)
    }

    /// Returns the matches in `text`, one after the other, none overlapping.
    pub fn matches<'a>(&'a self, text: &'a [u8]) -> Matches<'a> {
        Matches {
            search: Search::new(&self.program, text),
            at: 0,
            previous_was_empty: false,
            done: false,
        }
    }
}

/// Iterator over the successive matches in a text.
pub struct Matches<'a> {
    search: Search<'a>,
    at: usize,
    previous_was_empty: bool,
    done: bool,
}

impl Matches<'_> {
    fn find_next(&mut self) -> Result<Option<Captures>, RegexError> {
        if self.previous_was_empty {
            if self.at == self.search.text_len() {
                return Ok(None);
            }
            // After an empty match, something longer at the same place is preferred to moving on.
            if let Some(found) = self.search.run(self.at, Goal::NonEmptyPrefix)? {
                return Ok(Some(found));
            }
            self.at += 1;
        }
        self.search.find(self.at)
    }
}

impl Iterator for Matches<'_> {
    type Item = Result<Captures, RegexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.find_next() {
            Ok(Some(found)) => {
                self.at = found.whole.end;
                self.previous_was_empty = found.whole.is_empty();
                Some(Ok(found))
            }
            other => {
                self.done = true;
                other.transpose()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(pattern: &str, text: &str) -> Option<Vec<Option<String>>> {
        let regex = Regex::new(pattern.as_bytes()).unwrap();
        let found = regex.match_whole(text.as_bytes()).unwrap()?;
        Some(
            found
                .groups
                .into_iter()
                .map(|group| group.map(|range| text[range].to_owned()))
                .collect(),
        )
    }

    #[test]
    fn alternatives_prefer_the_longest_match() {
        let regex = Regex::new(b"a|ab").unwrap();
        let found: Vec<_> = regex.matches(b"abab").map(|found| found.unwrap().whole).collect();
        assert_eq!(found, [0..2, 2..4]);
    }

    #[test]
    fn a_loop_keeps_the_last_round_of_its_group() {
        assert_eq!(
            groups("((a)|b)*", "ab"),
            Some(vec![Some("b".into()), Some("a".into())])
        );
        assert_eq!(groups("(a*)*", "aaa"), Some(vec![Some("".into())]));
    }

    #[test]
    fn hostile_patterns_stay_linear() {
        let text = vec![b'a'; 20_000];
        let regex = Regex::new(b"(a*)*(a|aa)*(a*a*)*b").unwrap();
        assert_eq!(regex.match_whole(&text), Ok(None));
        let regex = Regex::new(b"a(.*x)?").unwrap();
        assert_eq!(regex.matches(&text).count(), text.len());
        let stars = format!("a{}{}", "*".repeat(5_000), "+?*?+".repeat(5_000));
        let regex = Regex::new(stars.as_bytes()).unwrap();
        assert!(regex.match_whole(&text).unwrap().is_some());
        let groups = format!("{}a*{}", "(".repeat(30), ")*".repeat(30));
        let regex = Regex::new(groups.as_bytes()).unwrap();
        assert_eq!(regex.match_whole(b"b"), Err(RegexError::TooLarge));
        let nested = format!("{}a{}", "(".repeat(30_000), ")".repeat(30_000));
        assert!(Regex::new(nested.as_bytes()).is_ok());
        let nested = format!("{}a{}", "(".repeat(300_000), ")".repeat(300_000));
        assert_eq!(Regex::new(nested.as_bytes()).err(), Some(RegexError::TooLarge));
    }
}
