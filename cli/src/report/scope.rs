//! Names in a tree: where a variable gets its value, and which variables there are.

use super::source::{Source, Span, range};
use nivis_lang::kind::SyntaxKind;
use nivis_lang::tree::SyntaxNode;
use std::ops::Range;
use std::rc::Rc;

/// Where a variable gets its value.
pub(super) struct Definition {
    /// The binding, or the name in an `inherit` or among a function's arguments.
    pub(super) span: Span,
    /// Whether it is a function's argument.
    pub(super) is_argument: bool,
}

/// Something that binds a name.
struct Binder {
    name: String,
    range: Range<usize>,
    is_argument: bool,
}

/// Where the variable that starts at a byte gets its value, if that is written in its source.
pub(super) fn definition(source: &Rc<Source>, offset: usize) -> Option<Definition> {
    let token = source.token(offset)?;
    let variable = token.parent()?;
    if variable.kind() != SyntaxKind::Variable {
        return None;
    }
    let found = visible(&variable)
        .into_iter()
        .find(|binder| binder.name == token.text())?;
    Some(Definition {
        span: Span {
            source: source.clone(),
            range: found.range,
        },
        is_argument: found.is_argument,
    })
}

/// The variables that can be seen from a byte of a source, the nearest first.
pub(super) fn names(source: &Source, offset: usize) -> Vec<String> {
    let Some(node) = source.token(offset).and_then(|token| token.parent()) else {
        return vec![];
    };
    visible(&node).into_iter().map(|binder| binder.name).collect()
}

/// What binds the names that can be seen from a node, the nearest first.
fn visible(node: &SyntaxNode) -> Vec<Binder> {
    let mut binders = vec![];
    for scope in node.ancestors() {
        match scope.kind() {
            SyntaxKind::LetIn | SyntaxKind::LegacyLet => bindings(&scope, node, &mut binders),
            SyntaxKind::AttrSet if is_recursive(&scope) => bindings(&scope, node, &mut binders),
            SyntaxKind::Lambda => arguments(&scope, &mut binders),
            _ => {}
        }
    }
    binders
}

fn is_recursive(set: &SyntaxNode) -> bool {
    set.children_with_tokens()
        .any(|part| part.kind() == SyntaxKind::Rec)
}

/// The names that the bindings of a scope define for `user`. What an `inherit` without a source is given comes from
/// further out.
fn bindings(scope: &SyntaxNode, user: &SyntaxNode, binders: &mut Vec<Binder>) {
    let encloses = |node: &SyntaxNode| node.text_range().contains_range(user.text_range());
    for part in scope.children() {
        match part.kind() {
            SyntaxKind::Binding => {
                let path = part.children().find(|child| child.kind() == SyntaxKind::AttrPath);
                let first = path.and_then(|path| path.first_child());
                if let Some(name) = first.and_then(|first| static_name(&first)) {
                    binders.push(Binder {
                        name,
                        range: range(&part),
                        is_argument: false,
                    });
                }
            }
            SyntaxKind::InheritClause if !encloses(&part) => {
                for child in part.children() {
                    if let Some(name) = static_name(&child) {
                        binders.push(Binder {
                            name,
                            range: range(&child),
                            is_argument: false,
                        });
                    }
                }
            }
            _ => {}
        }
    }
}

fn arguments(lambda: &SyntaxNode, binders: &mut Vec<Binder>) {
    let mut argument = |name: &str, range: Range<usize>| {
        binders.push(Binder {
            name: name.to_owned(),
            range,
            is_argument: true,
        });
    };
    let formals = lambda
        .children()
        .find(|child| child.kind() == SyntaxKind::Formals);
    for formal in formals.iter().flat_map(|formals| formals.children()) {
        if let Some(token) = formal.first_token() {
            argument(token.text(), range(&formal));
        }
    }
    for part in lambda.children_with_tokens() {
        if let Some(token) = part.as_token().filter(|token| token.kind() == SyntaxKind::Ident) {
            let at = token.text_range();
            argument(token.text(), at.start().into()..at.end().into());
        }
    }
}

/// The name that a node of an attribute path writes, unless it is computed.
pub(super) fn static_name(node: &SyntaxNode) -> Option<String> {
    match node.kind() {
        SyntaxKind::AttrName => Some(node.text().to_string()),
        SyntaxKind::StringLiteral if node.children().next().is_none() => {
            let text = node.text().to_string();
            Some(text.trim_matches('"').to_owned())
        }
        _ => None,
    }
}
