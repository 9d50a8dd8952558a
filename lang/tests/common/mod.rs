//! What several tests need.
#![allow(dead_code, reason = "not every test uses everything")]

use bumpalo::Bump;
use nivis_lang::position::{Origin, Pos, SourceMap};
use nivis_lang::show::show;
use nivis_lang::symbol::Symbols;
use nivis_lang::{ParseOptions, parse};

/// The source, parsed in the directory `/` and printed; or the error and its place.
pub(crate) fn parse_and_show(source: &[u8], pipe_operators: bool) -> String {
    let mut sources = SourceMap::new();
    let base = sources.add(Origin::String(source.into()), source.len());
    let place = |pos: Pos| {
        let location = sources.locate(pos, |_| None);
        location.map_or(String::new(), |location| {
            format!("{}:{}", location.line, location.column)
        })
    };
    let options = ParseOptions {
        home: Some(b"/home"),
        pipe_operators,
        ..ParseOptions::new(base, b"/")
    };
    let (mut symbols, arena) = (Symbols::new(), Bump::new());
    match parse(source, &options, &mut symbols, &arena) {
        Ok(parsed) => String::from_utf8_lossy(&show(parsed.ast, &symbols)).into_owned(),
        Err(error) => {
            let previous = error
                .previous
                .map(|pos| format!(" at {}", place(pos)))
                .unwrap_or_default();
            format!("error: {}{previous} @ {}", error.message, place(error.pos))
        }
    }
}

/// Checks what sources are printed as.
pub(crate) fn check(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(
            parse_and_show(source.as_bytes(), false),
            *expected,
            "for {source:?}"
        );
    }
}

/// Runs on a thread with a stack of the size that main threads have.
pub(crate) fn on_main_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(test)
        .expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A small generator of pseudo-random numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}
