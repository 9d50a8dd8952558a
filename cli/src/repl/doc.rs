//! Documentation: the comments before definitions.

use super::session::Repl;
use crate::failure::{Failure, Result};
use nivis_eval::function::FunctionKind;
use nivis_eval::value::Value;
use nivis_lang::position::{Origin, Pos};

/// The documentation of the value of an expression, or of the attribute it selects.
pub(super) fn document(repl: &Repl<'_>, text: &str) -> Result<String> {
    let selected = attribute(repl, text)?;
    let value = repl.eval(text)?;
    if let Some(found) = of_value(repl, value)? {
        return Ok(found);
    }
    let Some((name, pos)) = selected.filter(|(_, pos)| pos.is_some()) else {
        return Err(Failure::Plain("value does not have documentation".to_owned()));
    };
    let comment = match text_before(repl, pos)?.as_deref().and_then(comment_at_end) {
        Some(comment) => comment,
        None => "No documentation found.".to_owned(),
    };
    Ok(format!(
        "Attribute {name}\n\n  … defined at {}\n\n{comment}",
        repl.session.ev.show_position(pos)
    ))
}

/// The name and place of the attribute that an expression like `a.b.c` selects.
pub(super) fn attribute(repl: &Repl<'_>, text: &str) -> Result<Option<(String, Pos)>> {
    let ev = &repl.session.ev;
    let Some((base, name)) = text.rsplit_once('.') else {
        return Ok(None);
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'\'');
    if name.is_empty() || !name.bytes().all(is_name) {
        return Ok(None);
    }
    // Text before a dot need not be an expression: 1.5, ./a.nix
    let Some(set) = repl.eval(base).ok().and_then(Value::as_attrs) else {
        return Ok(None);
    };
    let found = ev.known_symbol(name.as_bytes()).and_then(|name| set.find(name));
    Ok(found.map(|found| (name.to_owned(), found.pos)))
}

fn of_value(repl: &Repl<'_>, value: Value) -> Result<Option<String>> {
    let ev = &repl.session.ev;
    let Some(function) = value.as_function() else {
        return Ok(None);
    };
    match function.kind() {
        FunctionKind::Primop(primop) if !primop.doc.is_empty() => Ok(Some(format!(
            "Synopsis: builtins.{} {}\n\n{}",
            primop.name,
            primop.args.join(" "),
            primop.doc
        ))),
        FunctionKind::Primop(_) => Ok(None),
        FunctionKind::Partial(..) => Ok(None),
        FunctionKind::Lambda(code, _) => {
            let Some(before) = text_before(repl, code.pos)? else {
                return Ok(None);
            };
            let comment = comment_at_end(&before).or_else(|| comment_at_end(without_name(&before)));
            let name = code.name.get().map(|name| ev.name(name)).unwrap_or_default();
            Ok(comment.map(|comment| {
                format!(
                    "Function {name}\n\n  … defined at {}\n\n{comment}",
                    ev.show_position(code.pos)
                )
            }))
        }
    }
}

/// The file and line of a place, for an editor.
pub(super) fn file_and_line(repl: &Repl<'_>, pos: Pos) -> Result<(String, u32)> {
    let ev = &repl.session.ev;
    match (ev.origin(pos), ev.locate(pos)) {
        (Some(Origin::File(path)), Some(location)) => {
            Ok((String::from_utf8_lossy(&path).into_owned(), location.line))
        }
        _ => Err(Failure::Plain(format!(
            "'{}' cannot be shown in an editor",
            ev.show_position(pos)
        ))),
    }
}

/// The source before a place.
fn text_before(repl: &Repl<'_>, pos: Pos) -> Result<Option<String>> {
    let ev = &repl.session.ev;
    let (Some(origin), Some(offset)) = (ev.origin(pos), ev.offset(pos)) else {
        return Ok(None);
    };
    let text = match origin {
        Origin::File(path) => ev.read_file(&path)?,
        Origin::String(text) | Origin::Stdin(text) => text.to_vec(),
    };
    // A file that has changed since says nothing about this place.
    let before = text.get(..offset as usize);
    Ok(before.map(|before| String::from_utf8_lossy(before).into_owned()))
}

/// Leaves out `name =` at the end.
fn without_name(text: &str) -> &str {
    let Some(rest) = text.trim_end().trim_end_matches('(').trim_end().strip_suffix('=') else {
        return text;
    };
    rest.trim_end()
        .trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\'' | '"' | '.'))
}

/// The documentation comment (`/** … */`) that a text ends with, without its marks and indentation.
fn comment_at_end(text: &str) -> Option<String> {
    let rest = text.trim_end().strip_suffix("*/")?;
    let start = rest.rfind("/*")?;
    let body = rest[start..].strip_prefix("/**")?;
    let lines: Vec<&str> = body.trim_end().trim_start_matches('\n').lines().collect();
    let indent = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| line.get(indent..).unwrap_or_default())
        .collect();
    Some(lines.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_found_before_a_definition() {
        let text = "{\n  /**\n    Adds.\n\n      add 1\n  */\n  add = ";
        assert_eq!(comment_at_end(text), None);
        let comment = comment_at_end(without_name(text));
        assert_eq!(comment.as_deref(), Some("Adds.\n\n  add 1"));
    }

    #[test]
    fn other_comments_are_not_documentation() {
        assert_eq!(comment_at_end("/* internal */ "), None);
        assert_eq!(comment_at_end("x = 1; "), None);
    }
}
