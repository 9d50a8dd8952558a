//! Changes to programs that keep their tokens whole, so that more of them still mean something.

use nivis_lang::kind::SyntaxKind;
use nivis_lang::lexer::{Token, lex};
use std::ops::Range;

/// Around what was there: `@` stands for it.
const FRAMES: &[&str] = &[
    "(@)",
    "[ @ ]",
    "(x: @)",
    "{ a = @; b = 1; }",
    "(rec { a = @; }).a",
    "(let a = @; in a)",
    "\"${@}\"",
    "(with { x = @; }; x)",
    "(assert true; @)",
    "(if @ then 1 else @)",
    "(@ == @)",
    "(@ // @)",
    "(@ ++ @)",
    "(@ + @)",
    "((@).a or 2)",
    "(@ ? a)",
    "((@) 1)",
    "(map (@) [ 1 \"a\" { } ])",
    "({ a ? @, ... }: a) { }",
    "(toString (@))",
    "(builtins.toJSON (@))",
    "(builtins.toXML (@))",
    "(builtins.tryEval (@))",
    "(builtins.foldl' (x: y: @) 1 [ 2 3 ])",
    "(builtins.seq (@) (@))",
    "(builtins.deepSeq (@) 1)",
    "(builtins.length (@))",
    "(builtins.attrNames (@))",
    "(builtins.mapAttrs (n: v: @) { a = 1; b = @; })",
    "(builtins.genList (x: @) 3)",
    "(builtins.removeAttrs (@) [ \"a\" ])",
    "(builtins.intersectAttrs { a = 1; } (@))",
    "(builtins.functionArgs (@))",
    "(builtins.sort (x: y: @) [ 3 1 2 ])",
    "(builtins.concatStringsSep \",\" (@))",
    "(builtins.genericClosure { startSet = [ { key = @; } ]; operator = x: [ ]; })",
    "(derivation { name = \"n\"; system = \"s\"; builder = \"b\"; a = @; })",
    "(derivation { name = \"n\"; system = \"s\"; builder = \"b\"; __structuredAttrs = true; a = @; })",
    "(builtins.getContext (@))",
    "(builtins.addErrorContext \"c\" (@))",
    "(builtins.trace (@) 1)",
];

/// Numbers as they come, from a seed.
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u32) -> Random {
        Random(u64::from(seed) << 1 | 1)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        // Knuth's constants.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

fn tokens(source: &[u8]) -> Vec<Token> {
    let mut tokens = lex(source, true, true).tokens;
    tokens.retain(|token| token.kind != SyntaxKind::Eof && token.end > token.start);
    tokens
}

/// Some tokens in a row: a bracket with all up to its counterpart, or a few.
fn piece(source: &[u8], tokens: &[Token], random: &mut Random) -> Range<usize> {
    let first = random.below(tokens.len());
    let Some(token) = tokens.get(first) else {
        return 0..0;
    };
    let text = |token: &Token| &source[token.start as usize..token.end as usize];
    let mut depth = 0;
    let mut last = first;
    if matches!(text(token), b"(" | b"[" | b"{" | b"${") {
        for (i, token) in tokens.iter().enumerate().skip(first) {
            last = i;
            match text(token) {
                b"(" | b"[" | b"{" | b"${" => depth += 1,
                b")" | b"]" | b"}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    } else if random.below(2) == 0 {
        last = (first + random.below(6)).min(tokens.len() - 1);
    }
    token.start as usize..tokens[last].end as usize
}

/// A changed program; `other` is one that pieces may be taken from.
pub fn change(source: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let own = tokens(source);
    let target = piece(source, &own, random);
    let replacement = match random.below(8) {
        0 => vec![],
        1..4 => {
            let frame = FRAMES[random.below(FRAMES.len())].as_bytes();
            let parts: Vec<&[u8]> = frame.split(|&byte| byte == b'@').collect();
            parts.join(&source[target.clone()])
        }
        4 | 5 => source[piece(source, &own, random)].to_vec(),
        _ => other[piece(other, &tokens(other), random)].to_vec(),
    };
    let (before, after) = (&source[..target.start], &source[target.end..]);
    // Tokens that were apart stay apart; within strings the blanks do no harm.
    [before, &replacement, after].join(&b" "[..])
}
