//! Strings, paths and URIs, and the lints about them.

use super::{Builder, Part};
use crate::ast::*;
use crate::error::{SyntaxError, Warning};
use crate::event::{Mark, Sink};
use crate::kind::SyntaxKind;
use crate::lexer::Token;
use crate::options::Lint;
use crate::path;
use crate::position::Pos;
use crate::unescape::{IndentedPart, Stripper, common_indent, unescape, unescape_indented};
use std::borrow::Cow;

impl<'a> Builder<'a, '_> {
    /// The text of a part of a `"…"` string or a path.
    pub(super) fn part_bytes(&self, token: Token) -> &'a [u8] {
        let text = self.slice(token);
        if token.kind == SyntaxKind::StringText {
            self.bytes(unescape(text))
        } else {
            text
        }
    }

    /// Takes the finished parts off the stack.
    pub(super) fn concat_parts(&mut self, parts: usize) -> &'a [ConcatPart<'a>] {
        let mut finished = bumpalo::collections::Vec::with_capacity_in(self.parts.len() - parts, self.arena);
        for part in &self.parts[parts..] {
            finished.push(match *part {
                Part::Expr(pos, expr) => ConcatPart { pos, expr },
                Part::Text(token) => ConcatPart {
                    pos: self.pos(token.start),
                    expr: self.expr(Pos::NONE, ExprKind::String(self.part_bytes(token))),
                },
            });
        }
        self.parts.truncate(parts);
        finished.into_bump_slice()
    }

    /// A string, as an expression or only as text where that is all it is.
    pub(super) fn finish_string(&mut self, parts: usize) -> Result<&'a [u8], ExprRef<'a>> {
        match self.parts[parts..] {
            [] => Ok(b""),
            [Part::Text(token)] => {
                self.parts.truncate(parts);
                Ok(self.part_bytes(token))
            }
            [first, ..] => {
                let pos = match first {
                    Part::Text(token) => self.pos(token.start),
                    Part::Expr(pos, _) => pos,
                };
                let parts = self.concat_parts(parts);
                Err(self.expr(
                    pos,
                    ExprKind::Concat {
                        force_string: true,
                        parts,
                    },
                ))
            }
        }
    }

    /// The expression a path starts with.
    pub(super) fn path_start(&mut self, token: Token) -> ExprRef<'a> {
        let text = self.slice(token);
        let lint = |setting: Lint| (setting != Lint::Ignore).then_some(setting);
        let absolute = token.kind == SyntaxKind::HomePath || text.starts_with(b"/");
        if absolute && let Some(setting) = lint(self.options.absolute_path_literals) {
            let kind = if text.starts_with(b"~") {
                "home"
            } else {
                "absolute"
            };
            let message = format!(
                "{kind} path literals are not portable. Consider replacing path literal '{}' by a string, relative path, or parameter (lint-absolute-path-literals)",
                String::from_utf8_lossy(text)
            );
            self.lint(setting, token, message);
        }
        if !absolute
            && !text.starts_with(b".")
            && let Some(setting) = lint(self.options.short_path_literals)
        {
            let text = String::from_utf8_lossy(text);
            let message = format!(
                "relative path literal '{text}' should be prefixed with '.' for clarity: './{text}' (lint-short-path-literals)"
            );
            self.lint(setting, token, message);
        }
        let (value, start) = if token.kind == SyntaxKind::HomePath {
            match self.options.home {
                Some(home) => ([home, &text[1..]].concat(), PathStart::Home),
                None => {
                    let message = format!(
                        "the path '{}' can not be resolved in pure mode",
                        String::from_utf8_lossy(text)
                    );
                    self.fail(token.start, SyntaxError::new(message, Pos::NONE));
                    return self.missing();
                }
            }
        } else {
            let start = match absolute {
                true => PathStart::Root,
                false => PathStart::Directory(text),
            };
            (path::literal(self.options.base_dir, text), start)
        };
        let value = self.arena.alloc_slice_copy(&value);
        self.expr(Pos::NONE, ExprKind::Path(value, start))
    }

    #[cold]
    pub(super) fn lint(&mut self, setting: Lint, token: Token, message: String) {
        let pos = self.pos(token.start);
        match setting {
            Lint::Ignore => {}
            Lint::Warn => self.warnings.push(Warning::Lint { pos, message }),
            Lint::Fatal => self.fail(token.start, SyntaxError::new(message, pos)),
        }
    }

    pub(super) fn uri(&mut self, token: Token) -> ExprRef<'a> {
        let text = self.slice(token);
        if self.options.url_literals != Lint::Ignore {
            let fatal = self.options.url_literals == Lint::Fatal;
            let message = format!(
                "URL literals are {}. Consider using a string literal \"{}\" instead (lint-url-literals)",
                if fatal { "disallowed" } else { "discouraged" },
                String::from_utf8_lossy(text)
            );
            self.lint(self.options.url_literals, token, message);
        }
        self.expr(Pos::NONE, ExprKind::String(text))
    }

    /// A `''…''` string, its indentation stripped.
    pub(super) fn finish_indented(&mut self, mark: Mark<()>, parts: usize) -> ExprRef<'a> {
        let indent = common_indent(self.parts[parts..].iter().map(|part| match *part {
            Part::Text(token) if token.kind == SyntaxKind::IndentedText => {
                IndentedPart::Text(self.slice(token))
            }
            _ => IndentedPart::Other,
        }));
        let mut stripper = Stripper::new(indent);
        let mut finished = bumpalo::collections::Vec::new_in(self.arena);
        for (index, part) in self.parts.iter().enumerate().skip(parts) {
            let (pos, value) = match *part {
                Part::Expr(pos, expr) => {
                    stripper.skip();
                    finished.push(ConcatPart { pos, expr });
                    continue;
                }
                Part::Text(token) => {
                    let text = self.slice(token);
                    let last = index + 1 == self.parts.len();
                    let value = if token.kind == SyntaxKind::IndentedText {
                        stripper.strip(text, last)
                    } else {
                        unescape_indented_part(&mut stripper, text, last)
                    };
                    (self.pos(token.start), self.bytes(value))
                }
            };
            if !value.is_empty() {
                finished.push(ConcatPart {
                    pos,
                    expr: self.expr(Pos::NONE, ExprKind::String(value)),
                });
            }
        }
        self.parts.truncate(parts);
        match finished[..] {
            [] => self.expr(Pos::NONE, ExprKind::String(b"")),
            [ConcatPart { expr, .. }] if matches!(expr.kind, ExprKind::String(_)) => expr,
            _ => {
                let parts = finished.into_bump_slice();
                self.expr(
                    self.pos(mark.start),
                    ExprKind::Concat {
                        force_string: true,
                        parts,
                    },
                )
            }
        }
    }
}

/// The value of an escape. As in the reference it passes through the stripper like text: the indentation of its
/// line has ended, but a newline it makes starts a new line.
fn unescape_indented_part<'s>(stripper: &mut Stripper, escape: &'s [u8], last: bool) -> Cow<'s, [u8]> {
    match unescape_indented(escape) {
        Cow::Borrowed(value) => stripper.strip(value, last),
        Cow::Owned(value) => Cow::Owned(stripper.strip(&value, last).into_owned()),
    }
}
