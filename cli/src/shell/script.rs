//! Scripts that `nix-shell` interprets: `#! /usr/bin/env nix-shell`, then lines `#! nix-shell OPTION…`.

use crate::args::Arg;
use crate::failure::{Failure, Result};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A script.
#[derive(Debug)]
pub(super) struct Script {
    /// Its path, as it was given.
    pub(super) path: Arg,
    /// What its first lines say.
    pub(super) flags: Vec<Arg>,
    /// What it is called with.
    pub(super) arguments: Vec<Arg>,
}

impl Script {
    /// The script that the command line starts with, if it does.
    pub(super) fn read(arguments: &[Arg]) -> Result<Option<Script>> {
        let Some((path, rest)) = arguments.split_first() else {
            return Ok(None);
        };
        let Ok(text) = fs::read(Path::new(OsStr::from_bytes(path))) else {
            return Ok(None);
        };
        if !text.starts_with(b"#!") {
            return Ok(None);
        }
        let mut flags = vec![];
        for line in text.split(|&byte| byte == b'\n').skip(1) {
            if let Some(words) = own_line(line) {
                flags.extend(split(words)?);
            }
        }
        Ok(Some(Script {
            path: path.clone(),
            flags,
            arguments: rest.to_vec(),
        }))
    }

    /// The folder it is in.
    pub(super) fn folder(&self) -> &[u8] {
        let end = self.path.iter().rposition(|&byte| byte == b'/');
        end.map_or(b".", |end| &self.path[..end.max(1)])
    }
}

/// What a line says to this program.
fn own_line(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"#!")?.trim_ascii_start();
    let words = rest.strip_prefix(b"nix-shell")?;
    let words = words.strip_suffix(b"\r").unwrap_or(words);
    words
        .first()?
        .is_ascii_whitespace()
        .then(|| words.trim_ascii_start())
}

/// Words as a shell sees them: quotes keep blanks, and a backslash the next character.
fn split(text: &[u8]) -> Result<Vec<Arg>> {
    let mut words = vec![];
    let mut word: Arg = vec![];
    let mut quote = None;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (byte, None) if byte.is_ascii_whitespace() => {
                words.push(std::mem::take(&mut word));
                while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
                if bytes.peek().is_none() {
                    return Ok(words);
                }
            }
            (b'\'' | b'"', None) => quote = Some(byte),
            (byte, Some(open)) if byte == open => quote = None,
            (b'\\', None | Some(b'"')) => word.extend(bytes.next()),
            (byte, _) => word.push(byte),
        }
    }
    match quote {
        Some(_) => Err(Failure::Plain("unterminated quote in shebang line".to_owned())),
        None => {
            words.push(word);
            Ok(words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let words = split(text.as_bytes()).unwrap();
        words
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    #[test]
    fn words_are_those_of_a_shell() {
        assert_eq!(words("-i bash  -p hello"), ["-i", "bash", "-p", "hello"]);
        assert_eq!(words("'a b'\"c d\"e\\ f"), ["a bc de f"]);
        assert_eq!(words(r#""a\"b" '\x'"#), ["a\"b", "\\x"]);
        assert_eq!(words("a ''  "), ["a", ""]);
        assert!(split(b"'a").is_err());
    }

    #[test]
    fn own_lines_are_found() {
        let own =
            |line: &str| own_line(line.as_bytes()).map(|words| String::from_utf8_lossy(words).into_owned());
        assert_eq!(own("#! nix-shell -p a").as_deref(), Some("-p a"));
        assert_eq!(own("#!nix-shell\t-p a\r").as_deref(), Some("-p a"));
        assert_eq!(own("#! nix-shells -p"), None);
        assert_eq!(own("# nix-shell -p"), None);
    }
}
