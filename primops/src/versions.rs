//! Primops on version strings and the names of packages: how they are taken apart and ordered.

use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use std::cmp::Ordering;

/// The components of a version: runs of digits, and runs of anything else but digits, dots and dashes.
#[derive(Clone, Debug)]
pub struct Components<'a> {
    rest: &'a [u8],
}

/// Splits `version` into its components.
pub fn components(version: &[u8]) -> Components<'_> {
    Components { rest: version }
}

impl<'a> Iterator for Components<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let is_separator = |byte: &u8| matches!(byte, b'.' | b'-');
        let start = self.rest.iter().position(|byte| !is_separator(byte))?;
        let rest = &self.rest[start..];
        let numeric = rest[0].is_ascii_digit();
        let belongs = |byte: &u8| byte.is_ascii_digit() == numeric && !is_separator(byte);
        let length = rest.iter().position(|byte| !belongs(byte)).unwrap_or(rest.len());
        let (component, rest) = rest.split_at(length);
        self.rest = rest;
        Some(component)
    }
}

/// Compares two versions, component by component.
pub fn compare_versions(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (components(left), components(right));
    loop {
        let (first, second) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (first, second) => (first.unwrap_or_default(), second.unwrap_or_default()),
        };
        if is_older(first, second) {
            return Ordering::Less;
        }
        if is_older(second, first) {
            return Ordering::Greater;
        }
    }
}

/// Whether one component comes before another. A version that has ended has an empty component here.
fn is_older(left: &[u8], right: &[u8]) -> bool {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left < right,
        (_, Some(_)) if left.is_empty() => true,
        _ if left == b"pre" && right != b"pre" => true,
        _ if right == b"pre" => false,
        // `2.3a` is older than `2.3.1`.
        (_, Some(_)) => true,
        (Some(_), _) => false,
        (None, None) => left < right,
    }
}

/// A component's value, if it is a number that fits a C `int`; a longer one is compared as text.
fn number(component: &[u8]) -> Option<i32> {
    if !component.first()?.is_ascii_digit() {
        return None;
    }
    std::str::from_utf8(component).ok()?.parse().ok()
}

/// Splits `hello-2.12` into name and version, at the first dash that isn't followed by a letter.
pub fn parse_drv_name(full: &[u8]) -> (&[u8], &[u8]) {
    let dash = full
        .windows(2)
        .position(|pair| pair[0] == b'-' && !pair[1].is_ascii_alphabetic());
    match dash {
        Some(dash) => (&full[..dash], &full[dash + 1..]),
        None => (full, b""),
    }
}

fn compare(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.compareVersions";
    let left = ev.expect_string_without_context(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.compareVersions";
    let right = ev.expect_string_without_context(args[1], pos, context)?;
    Ok(ev.int(compare_versions(left, right) as i64))
}

fn split(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.splitVersion";
    let version = ev.expect_string_without_context(args[0], pos, context)?;
    let parts: Vec<Slot> = components(version)
        .map(|component| ev.string(component).slot())
        .collect();
    Ok(ev.heap.list(&parts))
}

fn parse(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.parseDrvName";
    let full = ev.expect_string_without_context(args[0], pos, context)?;
    let (name, version) = parse_drv_name(full);
    Ok(ev.attrs(&[
        (ev.names.name, ev.string(name).slot()),
        (ev.intern(b"version"), ev.string(version).slot()),
    ]))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "compareVersions",
        arity: 2,
        function: compare,
        args: &["s1", "s2"],
        doc: "Returns -1 if version *s1* is older than version *s2*, 0 if they are equal and 1 if it is newer.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "splitVersion",
        arity: 1,
        function: split,
        args: &["s"],
        doc: "Returns the components of a version, as `compareVersions` compares them.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "parseDrvName",
        arity: 1,
        function: parse,
        args: &["s"],
        doc: "Splits *s* at the first dash that isn't followed by a letter, into `{ name, version }`.",
        ..Primop::DEFAULT
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordering() {
        // As printed by the reference.
        for (left, right, expected) in [
            ("1.0", "2.3", Ordering::Less),
            ("2.1", "2.1", Ordering::Equal),
            ("2.3", "2.3.1", Ordering::Less),
            ("2.3.1", "2.3a", Ordering::Greater),
            ("2.3pre1", "2.3", Ordering::Less),
            ("2.3pre3", "2.3pre12", Ordering::Less),
            ("2.3a", "2.3c", Ordering::Less),
            ("2.3pre1", "2.3c", Ordering::Less),
            ("2.3pre1", "2.3q", Ordering::Less),
            ("1.", "1", Ordering::Equal),
            ("01", "1", Ordering::Equal),
            ("2147483648", "2147483647", Ordering::Less),
            ("2147483648", "10000000000", Ordering::Greater),
            ("", "a", Ordering::Less),
            ("", "pre", Ordering::Greater),
            ("-", "", Ordering::Equal),
        ] {
            assert_eq!(
                compare_versions(left.as_bytes(), right.as_bytes()),
                expected,
                "{left} {right}"
            );
        }
    }

    #[test]
    fn splitting() {
        let split = |version: &'static str| components(version.as_bytes()).collect::<Vec<_>>();
        assert_eq!(
            split("2.3pre-rc1..4-"),
            [&b"2"[..], b"3", b"pre", b"rc", b"1", b"4"]
        );
        assert!(split("-.").is_empty());
    }

    #[test]
    fn names() {
        let parse = |name: &'static str| parse_drv_name(name.as_bytes());
        assert_eq!(parse("nix-0.12pre12876"), (&b"nix"[..], &b"0.12pre12876"[..]));
        assert_eq!(parse("a-b-c-1234pre5+git"), (&b"a-b-c"[..], &b"1234pre5+git"[..]));
        assert_eq!(parse("hello-"), (&b"hello-"[..], &b""[..]));
        assert_eq!(parse("a--b"), (&b"a"[..], &b"-b"[..]));
    }
}
