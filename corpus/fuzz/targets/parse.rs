//! Any text is an expression or has an error within it. The lossless tree holds all of it, and agrees on what is right.
#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbols;
use nivis_lang::tree::parse_tree;
use nivis_lang::{Lint, ParseOptions, SyntaxError};

fn check(error: &SyntaxError, source: &[u8]) {
    assert!(!error.message.is_empty());
    let hints = error.hints.iter().filter_map(|hint| hint.pos);
    for Pos(at) in error.previous.into_iter().chain(hints).chain([error.pos]) {
        // Some messages of the reference have no place.
        let place = at == 0 || (1..=source.len() + 1).contains(&(at as usize));
        assert!(place, "{at}: {error:?}");
    }
}

nivis_fuzz::programs!();

fuzz_target!(|source: &[u8]| {
    for pipe_operators in [false, true] {
        let mut options = ParseOptions::new(1, b"/dir");
        options.home = Some(b"/home");
        options.pipe_operators = pipe_operators;
        options.url_literals = Lint::Warn;
        options.short_path_literals = Lint::Warn;
        options.absolute_path_literals = Lint::Warn;
        let (mut symbols, arena) = (Symbols::new(), Bump::new());
        let tree = parse_tree(source, pipe_operators);
        assert_eq!(tree.text(), source);
        for diagnostic in tree.diagnostics() {
            assert!(diagnostic.range.start <= diagnostic.range.end);
            assert!(diagnostic.range.end as usize <= source.len());
        }
        let parsed = nivis_lang::parse(source, &options, &mut symbols, &arena);
        assert_eq!(parsed.is_ok(), tree.diagnostics().is_empty());
        match parsed {
            Ok(parsed) => {
                nivis_lang::show::show(parsed.ast, &symbols);
            }
            Err(error) => check(&error, source),
        }
        let arena = Bump::new();
        if let Err(error) = nivis_lang::parse_bindings(source, &options, &mut symbols, &arena) {
            check(&error, source);
        }
    }
});
