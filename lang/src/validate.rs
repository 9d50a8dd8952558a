//! The rules that the grammar cannot express, as a pass over the tree: names that are bound twice, and dynamic
//! names where only static ones are allowed.

use crate::bytes::decode;
use crate::error::Diagnostic;
use crate::kind::SyntaxKind::*;
use crate::show::identifier_text;
use crate::tree::{SyntaxElement, SyntaxNode};
use crate::unescape::{IndentedPart, Stripper, common_indent, unescape, unescape_indented};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

/// Adds what the rules find to `diagnostics`. `offset` maps offsets of the tree to offsets of the source.
pub fn validate(root: &SyntaxNode, offset: impl Fn(u32) -> u32, diagnostics: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    for node in root.descendants() {
        match node.kind() {
            AttrSet | LegacyLet | LetIn => bindings(&node, &mut found),
            Lambda => formals(&node, &mut found),
            _ => {}
        }
    }
    // A set that is merged into another one may be looked at twice.
    found.sort_by_key(|problem| (problem.range.start, problem.range.end));
    found.dedup();
    let map = |range: Range<u32>| offset(range.start)..offset(range.end);
    diagnostics.extend(found.into_iter().map(|problem| Diagnostic {
        range: map(problem.range),
        related: problem.related.map(|(range, text)| (map(range), text)),
        ..problem
    }));
}

fn range(node: &SyntaxNode) -> Range<u32> {
    node.text_range().start().into()..node.text_range().end().into()
}

fn problem(message: impl Into<String>, range: Range<u32>) -> Diagnostic {
    Diagnostic {
        message: message.into(),
        range,
        related: None,
        hint: None,
    }
}

/// What a name is bound to, as far as merging goes.
enum Slot {
    /// Something that cannot be merged.
    Leaf,
    /// A set literal that was not looked into yet.
    Literal(SyntaxNode),
    /// A set made of several pieces.
    Set(Scope),
}

type Scope = HashMap<Vec<u8>, (Range<u32>, Slot)>;

/// The bindings of a set or `let`.
fn bindings(node: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let in_let = node.kind() == LetIn;
    for child in node.children() {
        match child.kind() {
            InheritClause => {
                for name in names(&child).filter(|name| static_name(name).is_none()) {
                    found.push(problem("dynamic attributes not allowed in inherit", range(&name)));
                }
            }
            Binding if in_let => {
                let first = path(&child).and_then(|path| names(&path).next());
                if let Some(name) = first.filter(|name| static_name(name).is_none()) {
                    found.push(Diagnostic {
                        hint: Some("use a set and select from it".to_owned()),
                        ..problem("dynamic attributes not allowed in let", range(&name))
                    });
                }
            }
            _ => {}
        }
    }
    define_all(&mut Scope::new(), node, &mut Vec::new(), found);
}

/// Enters all bindings of a set into a scope. `prefix` are the names that lead to the scope.
fn define_all(scope: &mut Scope, set: &SyntaxNode, prefix: &mut Vec<Vec<u8>>, found: &mut Vec<Diagnostic>) {
    for child in set.children() {
        match child.kind() {
            Binding => {
                let Some(path) = path(&child) else { continue };
                let names: Vec<_> = names(&path).map(|name| static_name(&name)).collect();
                let value = child.children().filter(|node| node.kind() != ErrorNode).nth(1);
                define(scope, &names, range(&path), value, prefix, found);
            }
            InheritClause => {
                for name in names(&child) {
                    define(scope, &[static_name(&name)], range(&name), None, prefix, found);
                }
            }
            _ => {}
        }
    }
}

fn define(
    scope: &mut Scope,
    names: &[Option<Vec<u8>>],
    place: Range<u32>,
    value: Option<SyntaxNode>,
    prefix: &mut Vec<Vec<u8>>,
    found: &mut Vec<Diagnostic>,
) {
    // A dynamic name is not known before evaluation.
    let Some((Some(name), rest)) = names.split_first() else {
        return;
    };
    let literal = value.as_ref().and_then(set_literal);
    let (first, slot) = match scope.entry(name.clone()) {
        Entry::Vacant(vacant) => {
            let slot = match literal {
                _ if !rest.is_empty() => Slot::Set(Scope::new()),
                Some(set) => {
                    vacant.insert((place, Slot::Literal(set)));
                    return;
                }
                None => Slot::Leaf,
            };
            let leaf = matches!(slot, Slot::Leaf);
            let occupied = vacant.insert((place.clone(), slot));
            if leaf {
                return;
            }
            (occupied.0.clone(), &mut occupied.1)
        }
        Entry::Occupied(occupied) => {
            let occupied = occupied.into_mut();
            (occupied.0.clone(), &mut occupied.1)
        }
    };
    prefix.push(name.clone());
    if let Slot::Literal(set) = slot {
        let set = set.clone();
        let mut inner = Scope::new();
        define_all(&mut inner, &set, prefix, &mut Vec::new());
        *slot = Slot::Set(inner);
    }
    match (slot, rest, literal) {
        (Slot::Set(inner), [], Some(set)) => define_all(inner, &set, prefix, found),
        (Slot::Set(inner), [_, ..], _) => define(inner, rest, place, value, prefix, found),
        _ => {
            let path: Vec<_> = prefix.iter().map(|name| identifier_text(name)).collect();
            found.push(Diagnostic {
                related: Some((first, "first defined here".to_owned())),
                ..problem(format!("attribute '{}' already defined", path.join(".")), place)
            });
        }
    }
    prefix.pop();
}

fn path(binding: &SyntaxNode) -> Option<SyntaxNode> {
    binding.children().next().filter(|node| node.kind() == AttrPath)
}

/// The names of an attribute path or inherit clause.
fn names(path: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> + use<> {
    path.children()
        .filter(|node| matches!(node.kind(), AttrName | StringLiteral | DynamicName))
}

/// The set literal that an expression is.
fn set_literal(expr: &SyntaxNode) -> Option<SyntaxNode> {
    let expr = without_parens(expr);
    (expr.kind() == AttrSet).then_some(expr)
}

fn without_parens(expr: &SyntaxNode) -> SyntaxNode {
    let mut expr = expr.clone();
    while expr.kind() == Paren {
        let Some(inner) = expr.children().next() else {
            break;
        };
        expr = inner;
    }
    expr
}

/// A name that does not depend on evaluation.
fn static_name(name: &SyntaxNode) -> Option<Vec<u8>> {
    match name.kind() {
        DynamicName => static_text(&name.children().next()?),
        StringLiteral => static_string(name),
        _ => Some(decode(&name.text().to_string()).into_owned()),
    }
}

/// The value of an expression that is nothing but a string.
fn static_text(expr: &SyntaxNode) -> Option<Vec<u8>> {
    let mut expr = without_parens(expr);
    loop {
        match expr.kind() {
            StringLiteral => return static_string(&expr),
            Literal => {
                let uri = expr.first_token().filter(|token| token.kind() == Uri)?;
                return Some(uri.text().as_bytes().to_vec());
            }
            IndentedString => match static_indented(&expr)? {
                Ok(text) => return Some(text),
                // A lone interpolation is the string it holds.
                Err(inner) => expr = without_parens(&inner),
            },
            _ => return None,
        }
    }
}

/// The value of a `"…"` string without interpolations.
fn static_string(string: &SyntaxNode) -> Option<Vec<u8>> {
    if string.children().next().is_some() {
        return None;
    }
    let text = string
        .children_with_tokens()
        .filter_map(SyntaxElement::into_token);
    let text = text.filter(|token| token.kind() == StringText);
    Some(
        text.flat_map(|token| unescape(&decode(token.text())).into_owned())
            .collect(),
    )
}

/// The value of a `''…''` string that the parser does not have to concatenate: its text, or the only expression.
fn static_indented(string: &SyntaxNode) -> Option<Result<Vec<u8>, SyntaxNode>> {
    let parts: Vec<_> = string
        .children_with_tokens()
        .filter(|part| matches!(part.kind(), IndentedText | IndentedEscape | Interpolation))
        .collect();
    let texts: Vec<_> = parts
        .iter()
        .map(|part| {
            part.as_token()
                .map(|token| decode(token.text()).into_owned())
                .unwrap_or_default()
        })
        .collect();
    let indent = common_indent(parts.iter().zip(&texts).map(|(part, text)| match part.kind() {
        IndentedText => IndentedPart::Text(text),
        _ => IndentedPart::Other,
    }));
    let mut stripper = Stripper::new(indent);
    let mut value = None;
    for (index, (part, text)) in parts.iter().zip(&texts).enumerate() {
        let piece = match part.kind() {
            Interpolation => {
                stripper.skip();
                Err(part.as_node()?.children().next()?)
            }
            kind => {
                let text = if kind == IndentedText {
                    text.into()
                } else {
                    unescape_indented(text)
                };
                let text = stripper.strip(&text, index + 1 == parts.len()).into_owned();
                if text.is_empty() {
                    continue;
                }
                Ok(text)
            }
        };
        if value.replace(piece).is_some() {
            return None;
        }
    }
    Some(value.unwrap_or(Ok(Vec::new())))
}

/// The parameters of a function.
fn formals(lambda: &SyntaxNode, found: &mut Vec<Diagnostic>) {
    let Some(pattern) = lambda.children().find(|node| node.kind() == Formals) else {
        return;
    };
    let name = lambda
        .children_with_tokens()
        .filter_map(SyntaxElement::into_token);
    let name = name.filter(|token| token.kind() == Ident).take(1);
    let mut seen: HashMap<String, Range<u32>> = HashMap::new();
    let tokens = pattern
        .children()
        .filter(|node| node.kind() == Formal)
        .filter_map(|node| node.first_token());
    for token in tokens.chain(name) {
        let place = token.text_range().start().into()..token.text_range().end().into();
        match seen.entry(token.text().to_owned()) {
            Entry::Vacant(vacant) => {
                vacant.insert(place);
            }
            Entry::Occupied(first) => found.push(Diagnostic {
                related: Some((first.get().clone(), "first given here".to_owned())),
                ..problem(
                    format!("duplicate formal function argument '{}'", token.text()),
                    place,
                )
            }),
        }
    }
}
