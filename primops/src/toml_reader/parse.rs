//! The grammar of tables, keys and nesting values.

use super::scalar;
use super::tree::{Key, NodeId, TableKind, Tree, Value};
use super::{MAX_DEPTH, Parsed, Problem, Region};
use std::borrow::Cow;

/// Parses a document; stops at the first problem.
pub(super) fn parse(text: &[u8]) -> Parsed<Tree<'_>> {
    let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut parser = Parser {
        text,
        at,
        tree: Tree::new(),
        depth: 0,
    };
    parser.document()?;
    Ok(parser.tree)
}

/// A place in the text, and the document so far.
pub(super) struct Parser<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    tree: Tree<'t>,
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        &self.text[self.at.min(self.text.len())..]
    }

    pub(super) fn skip(&mut self, expected: &[u8]) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn fail<T>(&self, title: impl Into<String>, label: &'static str) -> Parsed<T> {
        Err(Problem::new(title, Region::at(self.at), label))
    }

    fn skip_blanks(&mut self) {
        self.at += self
            .rest()
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
    }

    pub(super) fn skip_newline(&mut self) -> bool {
        self.skip(b"\n") || self.skip(b"\r\n")
    }

    /// Skips a comment up to the end of its line.
    fn skip_comment(&mut self) -> Parsed<bool> {
        if !self.skip(b"#") {
            return Ok(false);
        }
        while let Some(length) = scalar::plain_length(self.rest(), |byte| matches!(byte, b'\t' | 0x20..0x7f))
        {
            self.at += length;
        }
        if self.at < self.text.len() && !self.rest().starts_with(b"\n") && !self.rest().starts_with(b"\r\n") {
            let title = "toml::parse_comment_line: newline (LF / CRLF) or EOF is expected";
            return Err(Problem::new(title, Region::at(self.at), "but got this")
                .hint("Hint: most of the control characters are not allowed in comments"));
        }
        Ok(true)
    }

    /// Skips blanks, newlines and comments; returns whether there was a newline.
    fn skip_lines(&mut self) -> Parsed<bool> {
        let mut newline = false;
        loop {
            self.skip_blanks();
            if self.skip_newline() {
                newline = true;
            } else if !self.skip_comment()? {
                return Ok(newline);
            }
        }
    }

    fn document(&mut self) -> Parsed<()> {
        self.table_body(self.tree.root)?;
        while self.at < self.text.len() {
            let start = self.at;
            let is_array = self.skip(b"[[");
            let title = match is_array {
                true => "toml::parse_file: invalid array-table key",
                false => "toml::parse_file: invalid table key",
            };
            if !is_array && !self.skip(b"[") {
                return self.fail(title, "expected [");
            }
            self.skip_blanks();
            let parts = self
                .key_parts()
                .or_else(|_| self.fail(title, "expected basic key([a-zA-Z0-9_-]) or quoted key(\" or ')"))?;
            self.skip_blanks();
            match is_array {
                true if !self.skip(b"]]") => return self.fail(title, "expected ]]"),
                false if !self.skip(b"]") => return self.fail(title, "expected ]"),
                _ => {}
            }
            let key = Key {
                parts,
                region: Region { start, end: self.at },
            };
            self.skip_blanks();
            if !self.skip_comment()? && self.at < self.text.len() && !self.skip_newline() {
                return self.fail(
                    "toml::parse_file: newline (or EOF) expected",
                    "expected 0x0a(LINE FEED) or\n",
                );
            }
            let table = match is_array {
                true => self.tree.open_array_table(key)?,
                false => self.tree.open_table(key)?,
            };
            self.table_body(table)?;
        }
        Ok(())
    }

    /// Reads the `key = value` lines up to the next header or the end.
    fn table_body(&mut self, table: NodeId) -> Parsed<()> {
        let mut newline = true;
        loop {
            newline |= self.skip_lines()?;
            match self.peek() {
                None | Some(b'[') => return Ok(()),
                _ if !newline => {
                    return self.fail(
                        "toml::parse_table: newline (LF / CRLF) or EOF is expected",
                        "here",
                    );
                }
                _ => {}
            }
            let (key, value) = self.pair()?;
            self.skip_blanks();
            newline = self.skip_comment()?;
            self.tree.define(table, key, value)?;
        }
    }

    fn pair(&mut self) -> Parsed<(Key<'t>, NodeId)> {
        let start = self.at;
        let parts = self.key_parts()?;
        let region = Region { start, end: self.at };
        self.skip_blanks();
        if !self.skip(b"=") {
            return self.fail(
                "toml::parse_key_value_pair: invalid key value separator `=`",
                "expected =",
            );
        }
        self.skip_blanks();
        Ok((Key { parts, region }, self.value()?))
    }

    /// Reads `a."b".c`, and leaves the blanks after it.
    fn key_parts(&mut self) -> Parsed<Vec<Cow<'t, [u8]>>> {
        let mut parts = vec![self.simple_key()?];
        loop {
            let end = self.at;
            self.skip_blanks();
            if !self.skip(b".") {
                self.at = end;
                return Ok(parts);
            }
            self.skip_blanks();
            parts.push(self.simple_key()?);
        }
    }

    fn simple_key(&mut self) -> Parsed<Cow<'t, [u8]>> {
        match self.peek() {
            Some(b'"') => return scalar::basic_string(self),
            Some(b'\'') => return scalar::literal_string(self),
            _ => {}
        }
        let is_bare = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let length = self.rest().iter().take_while(is_bare).count();
        if length == 0 {
            let title = "toml::parse_simple_key: invalid key: key must be \"quoted\", 'quoted-literal', or bare \
                         key.";
            let label = "expected alpha [a-zA-Z], digit [0-9], -, or _";
            return Err(Problem::new(title, Region::at(self.at), label)
                .hint("Hint: non-ASCII scripts are allowed in toml v1.1.0, but not in v1.0.0.\n"));
        }
        let key = &self.rest()[..length];
        self.at += length;
        Ok(Cow::Borrowed(key))
    }

    fn value(&mut self) -> Parsed<NodeId> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'[') => self.nested(Self::array)?,
            Some(b'{') => self.nested(Self::inline_table)?,
            _ => scalar::value(self)?,
        };
        let region = Region { start, end: self.at };
        Ok(match value {
            Nested::Table(table) => {
                self.tree.nodes[table].region = region;
                table
            }
            Nested::Value(value) => self.tree.add(value, region),
        })
    }

    fn nested(&mut self, read: impl Fn(&mut Self) -> Parsed<Nested<'t>>) -> Parsed<Nested<'t>> {
        if self.depth == MAX_DEPTH {
            return self.fail("toml::parse_value: values are nested too deeply", "here");
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Parsed<Nested<'t>> {
        self.at += 1;
        let mut elements = vec![];
        let mut comma = true;
        loop {
            self.skip_lines()?;
            match self.peek() {
                Some(b']') => break,
                None => {
                    let title = "toml::parse_array: missing closing bracket `]`";
                    return self.fail(title, "expected `]`, reached EOF");
                }
                Some(_) if !comma => {
                    return self.fail(
                        "toml::parse_array: expected value-separator `,` or closing `]`",
                        "here",
                    );
                }
                Some(_) => {}
            }
            elements.push(self.value()?);
            self.skip_lines()?;
            comma = self.skip(b",");
        }
        self.at += 1;
        Ok(Nested::Value(Value::Array {
            elements,
            of_tables: false,
        }))
    }

    fn inline_table(&mut self) -> Parsed<Nested<'t>> {
        let table = self.tree.add_table(TableKind::Explicit, Region::at(self.at));
        self.at += 1;
        let mut comma = false;
        let mut empty = true;
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'}') if comma => {
                    return self.fail(
                        "toml::parse_inline_table: trailing comma is not allowed in TOML-v1.0.0)",
                        "here",
                    );
                }
                Some(b'}') => break,
                None if empty || comma => {
                    let title = "toml::parse_inline_table: missing closing bracket `}`";
                    return self.fail(title, "expected `}`, reached line end");
                }
                _ if !comma && !empty => {
                    return self.fail(
                        "toml::parse_inline_table: expected value-separator `,` or closing `}`",
                        "here",
                    );
                }
                _ => {}
            }
            empty = false;
            let (key, value) = self.pair()?;
            self.tree.define(table, key, value)?;
            self.skip_blanks();
            comma = self.skip(b",");
        }
        self.at += 1;
        if let Value::Table { kind, .. } = &mut self.tree.nodes[table].value {
            *kind = TableKind::Inline;
        }
        Ok(Nested::Table(table))
    }
}

/// A value that was read: a table is already part of the tree.
pub(super) enum Nested<'t> {
    Table(NodeId),
    Value(Value<'t>),
}
