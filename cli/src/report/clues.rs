//! Where in the user's files something stands that a message talks of.
//!
//! Libraries find mistakes far from where they were made: the module system knows of a definition only its file, an
//! assertion only its text. What the message quotes leads back: the names of options to their definitions, sentences
//! to the strings that have them.

use super::cycle;
use super::scope::static_name;
use super::source::{Source, Sources, Span, range};
use super::story::Label;
use nivis_eval::error::Details;
use nivis_lang::kind::SyntaxKind;
use nivis_lang::tree::SyntaxNode;
use std::rc::Rc;

/// So many places are shown.
const MAX_CLUES: usize = 3;
/// Shorter texts occur by chance.
const MIN_TEXT: usize = 12;

/// The places, the best first.
pub(super) fn find(sources: &Sources<'_>, message: &str) -> Vec<Label> {
    let own: Vec<Rc<Source>> = sources.own().collect();
    let mut clues: Vec<Label> = named_lines(&own, message);
    for option in options(message) {
        clues.extend(own.iter().flat_map(|source| definitions(source, &option)));
    }
    if clues.is_empty() {
        clues.extend(quoted_text(&own, message));
    }
    clues.truncate(MAX_CLUES);
    clues
}

/// Where the user's files name a derivation that needs itself, or one that it goes through. The derivations are made in
/// the library from sets that were evaluated before, so their names are all that is left.
pub(super) fn derivations(sources: &Sources<'_>, details: &Details) -> Vec<Label> {
    let mut names: Vec<String> = vec![];
    for (_, what) in cycle::places(details) {
        let quoted = what.and_then(|what| what.rsplit('\'').nth(1).map(str::to_owned));
        if let Some(name) = quoted.filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    let mut clues = vec![];
    for source in sources.own() {
        for name in &names {
            let package = package_name(name);
            let mut tokens = source
                .root()
                .descendants_with_tokens()
                .filter_map(|part| part.into_token());
            let token = tokens.find(|token| token.kind() == SyntaxKind::Ident && token.text() == package);
            clues.extend(token.map(|token| Label {
                span: Span {
                    source: source.clone(),
                    range: token.text_range().start().into()..token.text_range().end().into(),
                },
                text: format!("perhaps this is '{name}', which needs itself"),
            }));
        }
    }
    clues.truncate(MAX_CLUES);
    clues
}

/// The name of a derivation without its version and what the package set adds.
fn package_name(name: &str) -> &str {
    let is_version = |(at, _): &(usize, &str)| name[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    let version = name.match_indices('-').find(is_version);
    let name = version.map_or(name, |(at, _)| &name[..at]);
    let suffixes = ["-wrapper", "-linux", "-darwin"];
    suffixes
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}

/// Lines that a message names as `file:line`; of a line the word that the message quotes, if it is there.
fn named_lines(own: &[Rc<Source>], message: &str) -> Vec<Label> {
    let mut found = vec![];
    for source in own {
        let Some((_, rest)) = message.split_once(&format!("{}:", source.name)) else {
            continue;
        };
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let Some(line) = rest[..digits].parse().ok().and_then(|line| source.line(line)) else {
            continue;
        };
        let words = message.split('"').skip(1).step_by(2);
        let word = words.filter(|word| !word.is_empty()).find_map(|word| {
            let at = source.text[line.clone()].find(word)?;
            Some(line.start + at..line.start + at + word.len())
        });
        found.push(Label {
            span: Span {
                source: source.clone(),
                range: word.unwrap_or(line),
            },
            text: "the message names this".to_owned(),
        });
    }
    found
}

/// An option that a message names.
struct OptionName {
    path: Vec<String>,
    /// Which element of a list it is about, from 1.
    element: Option<usize>,
}

/// The options that a message quotes.
fn options(message: &str) -> Vec<OptionName> {
    let mut found: Vec<OptionName> = vec![];
    for quoted in message.split(['`', '\'']).skip(1) {
        let (path, rest) = match quoted.split_once(".\"[definition ") {
            Some((path, rest)) => (path, Some(rest)),
            None => (quoted, None),
        };
        let is_option = path.contains('.')
            && path
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '"' | '<' | '>'));
        let element = rest
            .and_then(|rest| rest.split_once("-entry "))
            .and_then(|(_, number)| number.trim_end_matches(['"', ']']).parse().ok());
        let path: Vec<String> = path
            .split('.')
            .map(|name| name.trim_matches('"').to_owned())
            .collect();
        if is_option && !found.iter().any(|option| option.path == path) {
            found.push(OptionName { path, element });
        }
    }
    found
}

/// The bindings of a source that define an option.
fn definitions(source: &Rc<Source>, option: &OptionName) -> Vec<Label> {
    let label = |range, text: &str| Label {
        span: Span {
            source: source.clone(),
            range,
        },
        text: text.to_owned(),
    };
    let bindings = source
        .root()
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::Binding);
    let mut found: Vec<SyntaxNode> = vec![];
    for binding in bindings {
        let is_below = found.iter().any(|other| range(other).end >= range(&binding).end);
        if !is_below && full_path(&binding).is_some_and(|path| defines(&path, &option.path)) {
            found.push(binding);
        }
    }
    found
        .into_iter()
        .map(
            |binding| match option.element.and_then(|number| element(&binding, number)) {
                Some(element) => label(range(&element), "this element"),
                None => label(range(&binding), "defined here"),
            },
        )
        .collect()
}

/// Whether a binding defines an option or part of it.
fn defines(binding: &[String], option: &[String]) -> bool {
    let inner = match binding.first() {
        Some(first) if first == "config" => &binding[1..],
        _ => binding,
    };
    inner.len() >= option.len()
        && inner
            .iter()
            .zip(option)
            .all(|(name, wanted)| name == wanted || wanted == "<name>")
}

/// The path of an attribute from the outermost set that is written around it.
fn full_path(binding: &SyntaxNode) -> Option<Vec<String>> {
    let mut path = vec![];
    for node in binding
        .ancestors()
        .filter(|node| node.kind() == SyntaxKind::Binding)
    {
        let names = node
            .children()
            .find(|child| child.kind() == SyntaxKind::AttrPath)?;
        let names: Option<Vec<String>> = names.children().map(|name| static_name(&name)).collect();
        let mut names = names?;
        names.append(&mut path);
        path = names;
    }
    Some(path)
}

/// An element of the list that a binding holds, if it is written as one list.
fn element(binding: &SyntaxNode, number: usize) -> Option<SyntaxNode> {
    let mut lists = binding
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::List);
    let list = lists.next()?;
    let is_part = list
        .ancestors()
        .take_while(|node| node != binding)
        .any(|node| node.kind() == SyntaxKind::Binary);
    match is_part {
        true => None,
        false => list.children().nth(number.checked_sub(1)?),
    }
}

/// The string that most of a message comes from.
fn quoted_text(own: &[Rc<Source>], message: &str) -> Option<Label> {
    let mut best: Option<(usize, Label)> = None;
    for source in own {
        for node in source.root().descendants() {
            if !matches!(
                node.kind(),
                SyntaxKind::StringLiteral | SyntaxKind::IndentedString
            ) {
                continue;
            }
            let length = matched_length(&node, message).unwrap_or(0);
            if length >= MIN_TEXT && best.as_ref().is_none_or(|(longest, _)| length > *longest) {
                let span = Span {
                    source: source.clone(),
                    range: range(&node),
                };
                let text = "the text comes from here".to_owned();
                best = Some((length, Label { span, text }));
            }
        }
    }
    best.map(|(_, label)| label)
}

/// How many bytes of a message come from a string; `None` unless all of the string's text is in the message.
fn matched_length(string: &SyntaxNode, message: &str) -> Option<usize> {
    let mut length = 0;
    for part in string.children_with_tokens() {
        if !matches!(part.kind(), SyntaxKind::StringText | SyntaxKind::IndentedText) {
            continue;
        }
        let token = part.into_token()?;
        for line in token.text().lines().map(str::trim) {
            match message.contains(line) {
                true => length += line.len(),
                false => return None,
            }
        }
    }
    Some(length)
}
