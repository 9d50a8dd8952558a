//! The lossless syntax tree, for tools: every byte of the source is in it, whatever the source.
//!
//! Parsing never fails. What is wrong is listed in [`Tree::diagnostics`]; tokens that fit nowhere are in nodes of
//! kind [`SyntaxKind::ErrorNode`].

use crate::bytes::{decode, encode};
use crate::error::Diagnostic;
use crate::event::{Mark, Parameters, SetKind, Sink};
use crate::grammar;
use crate::kind::SyntaxKind;
use crate::lexer::{Token, lex, lex_message, trivia};
use crate::parser::Parser;
use crate::validate::validate;
use rowan::{Checkpoint, GreenNode, GreenNodeBuilder};

/// The language, for rowan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Nix {}

impl rowan::Language for Nix {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        SyntaxKind::from_raw(raw.0)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node.
pub type SyntaxNode = rowan::SyntaxNode<Nix>;
/// A token.
pub type SyntaxToken = rowan::SyntaxToken<Nix>;
/// A node or token.
pub type SyntaxElement = rowan::SyntaxElement<Nix>;

/// A source as a tree, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Tree {
    green: GreenNode,
    diagnostics: Vec<Diagnostic>,
    verbatim: bool,
}

impl Tree {
    /// The root of the tree.
    ///
    /// Its ranges count bytes of the source if the source is UTF-8 ([`Tree::is_verbatim`]). Otherwise bytes that
    /// are not are represented by private code points, and ranges count their bytes.
    pub fn root(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// What is wrong, in the order of the source. Ranges count bytes of the source.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether the text of the tree is the source as it is.
    pub fn is_verbatim(&self) -> bool {
        self.verbatim
    }

    /// The source.
    pub fn text(&self) -> Vec<u8> {
        decode(&self.root().text().to_string()).into_owned()
    }
}

/// Parses a source into a tree.
///
/// Of a source of 4 GiB or more, the tree holds only what comes before.
pub fn parse_tree(source: &[u8], pipe_operators: bool) -> Tree {
    let source = &source[..source.len().min(u32::MAX as usize)];
    let (green, mut diagnostics) = syntax(source, pipe_operators);
    let root = SyntaxNode::new_root(green.clone());
    // Where letters are not allowed, their bytes are tokens of their own, and none of these is UTF-8.
    let verbatim = usize::from(root.text().len()) == source.len();
    if verbatim {
        validate(&root, |offset| offset, &mut diagnostics);
    } else {
        let offsets = source_offsets(&root.text().to_string());
        validate(&root, |offset| offsets[offset as usize], &mut diagnostics);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.range.start);
    Tree {
        green,
        diagnostics,
        verbatim,
    }
}

/// The tree and the diagnostics of lexer and grammar.
pub(crate) fn syntax(source: &[u8], pipe_operators: bool) -> (GreenNode, Vec<Diagnostic>) {
    let tokens = lex(source, pipe_operators, true);
    let mut sink = TreeSink {
        source,
        position: 0,
        builder: GreenNodeBuilder::new(),
        diagnostics: Vec::new(),
    };
    sink.builder.start_node(SyntaxKind::Root.into());
    let mut parser = Parser::new(&tokens.tokens, sink);
    grammar::root(&mut parser);
    let mut sink = parser.sink;
    sink.diagnostics
        .extend(tokens.errors.iter().map(|(index, error)| {
            let token = tokens.tokens[*index];
            let text = &source[token.start as usize..token.end as usize];
            Diagnostic {
                message: lex_message(error, text),
                range: token.start..token.end,
                related: None,
                hint: None,
            }
        }));
    sink.rest();
    sink.builder.finish_node();
    (sink.builder.finish(), sink.diagnostics)
}

/// For each offset in the text of a tree that is not verbatim, the offset in the source.
fn source_offsets(text: &str) -> Vec<u32> {
    let mut offsets = Vec::with_capacity(text.len() + 1);
    let (mut offset, mut buffer) = (0, [0; 4]);
    for c in text.chars() {
        let encoded = c.encode_utf8(&mut buffer);
        offsets.extend(std::iter::repeat_n(offset, encoded.len()));
        offset += decode(encoded).len() as u32;
    }
    offsets.push(offset);
    offsets
}

impl From<SyntaxKind> for rowan::SyntaxKind {
    fn from(kind: SyntaxKind) -> Self {
        rowan::SyntaxKind(kind as u16)
    }
}

/// The sink that builds the tree.
struct TreeSink<'s> {
    source: &'s [u8],
    /// How much of the source is in the tree.
    position: u32,
    builder: GreenNodeBuilder<'static>,
    diagnostics: Vec<Diagnostic>,
}

impl TreeSink<'_> {
    fn push(&mut self, token: Token) {
        if token.end > token.start {
            let text = encode(&self.source[token.start as usize..token.end as usize]);
            self.builder.token(token.kind.into(), &text);
            self.position = token.end;
        }
    }

    /// Adds blanks and comments up to an offset.
    fn flush(&mut self, offset: u32) {
        if offset > self.position {
            for token in trivia(self.source, self.position, offset) {
                self.push(token);
            }
        }
    }

    /// Adds what follows the last token: blanks and comments, or whatever comes after a zero byte or in a string
    /// that is cut off.
    fn rest(&mut self) {
        let end = self.source.len() as u32;
        for token in trivia(self.source, self.position, end) {
            let text = &self.source[token.start as usize..token.end as usize];
            let blank =
                token.kind == SyntaxKind::Whitespace && !matches!(text, [b' ' | b'\t' | b'\r' | b'\n', ..]);
            let comment = token.kind == SyntaxKind::Comment
                && text.starts_with(b"/")
                && !(text.starts_with(b"/*") && text.ends_with(b"*/") && text.len() >= 4);
            if blank || comment {
                self.push(Token {
                    start: token.start,
                    end,
                    kind: SyntaxKind::Unknown,
                });
                return;
            }
            self.push(token);
        }
    }

    fn node_at(&mut self, mark: Mark<Checkpoint>, kind: SyntaxKind) {
        self.builder.start_node_at(mark.node, kind.into());
        self.builder.finish_node();
    }
}

type At = Mark<Checkpoint>;

impl Sink for TreeSink<'_> {
    const RECOVERS: bool = true;
    type Node = Checkpoint;
    type Expr = ();
    type Bindings = ();
    type BindingsStart = ();

    fn node(&mut self, offset: u32) -> Checkpoint {
        self.flush(offset);
        self.builder.checkpoint()
    }

    fn token(&mut self, token: Token) {
        self.flush(token.start);
        self.push(token);
    }

    fn close(&mut self, mark: At, kind: SyntaxKind) {
        self.node_at(mark, kind);
    }

    fn problem(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn leaf(&mut self, mark: At, token: Token) {
        self.node_at(
            mark,
            match token.kind {
                SyntaxKind::Ident => SyntaxKind::Variable,
                SyntaxKind::SearchPath => SyntaxKind::SearchPathLiteral,
                _ => SyntaxKind::Literal,
            },
        );
    }

    fn paren(&mut self, mark: At, (): ()) {
        self.node_at(mark, SyntaxKind::Paren);
    }

    fn part_expr(&mut self, mark: At, (): ()) {
        self.node_at(mark, SyntaxKind::Interpolation);
    }

    fn string(&mut self, mark: At, _: usize) {
        self.node_at(mark, SyntaxKind::StringLiteral);
    }

    fn indented_string(&mut self, mark: At, _: usize) {
        self.node_at(mark, SyntaxKind::IndentedString);
    }

    fn path(&mut self, mark: At, _: usize) {
        self.node_at(mark, SyntaxKind::PathLiteral);
    }

    fn name_token(&mut self, mark: At, _: Token) {
        self.node_at(mark, SyntaxKind::AttrName);
    }

    fn name_string(&mut self, mark: At, _: usize) {
        self.node_at(mark, SyntaxKind::StringLiteral);
    }

    fn name_dynamic(&mut self, mark: At, (): ()) {
        self.node_at(mark, SyntaxKind::DynamicName);
    }

    fn select(&mut self, mark: At, (): (), _: usize, _: Option<()>) {
        self.node_at(mark, SyntaxKind::Select);
    }

    fn or_call(&mut self, mark: At, (): (), _: Token) {
        self.node_at(mark, SyntaxKind::OrCall);
    }

    fn has_attr(&mut self, mark: At, (): (), _: usize) {
        self.node_at(mark, SyntaxKind::HasAttr);
    }

    fn call(&mut self, mark: At, (): (), _: usize) {
        self.node_at(mark, SyntaxKind::Apply);
    }

    fn list(&mut self, mark: At, _: usize) {
        self.node_at(mark, SyntaxKind::List);
    }

    fn unary(&mut self, mark: At, _: Token, (): ()) {
        self.node_at(mark, SyntaxKind::Unary);
    }

    fn binary(&mut self, mark: At, _: Token, (): (), (): (), _: u32) {
        self.node_at(mark, SyntaxKind::Binary);
    }

    fn if_else(&mut self, mark: At, (): (), (): (), (): ()) {
        self.node_at(mark, SyntaxKind::IfElse);
    }

    fn with(&mut self, mark: At, (): (), (): ()) {
        self.node_at(mark, SyntaxKind::WithExpr);
    }

    fn assert(&mut self, mark: At, (): (), (): ()) {
        self.node_at(mark, SyntaxKind::AssertExpr);
    }

    fn binding(&mut self, mark: At, _: usize, (): (), _: u32) {
        self.node_at(mark, SyntaxKind::Binding);
    }

    fn inherit(&mut self, mark: At, _: Option<()>, _: usize, _: u32) {
        self.node_at(mark, SyntaxKind::InheritClause);
    }

    fn set(&mut self, mark: At, kind: SetKind, (): ()) {
        self.node_at(
            mark,
            if kind == SetKind::Legacy {
                SyntaxKind::LegacyLet
            } else {
                SyntaxKind::AttrSet
            },
        );
    }

    fn let_in(&mut self, mark: At, (): (), (): (), _: u32) {
        self.node_at(mark, SyntaxKind::LetIn);
    }

    fn formal(&mut self, mark: At, _: Token, _: Option<()>) {
        self.node_at(mark, SyntaxKind::Formal);
    }

    fn lambda(&mut self, mark: At, _: Parameters, (): (), _: u32) {
        self.node_at(mark, SyntaxKind::Lambda);
    }

    // What follows means nothing to a tree.
    fn stop(&mut self) {}
    fn missing(&mut self) {}
    fn or_warning(&mut self, (): (), _: u32) {}
    fn parts_start(&mut self) -> usize {
        0
    }
    fn part_text(&mut self, _: Token) {}
    fn names_start(&mut self) -> usize {
        0
    }
    fn items_start(&mut self) -> usize {
        0
    }
    fn item(&mut self, (): ()) {}
    fn bindings_start(&mut self) {}
    fn inherit_name(&mut self, _: u32) {}
    fn bindings(&mut self, (): ()) {}
    fn formals_start(&mut self) -> usize {
        0
    }
}
