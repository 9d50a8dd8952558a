//! What the parser has to know besides the source.

use crate::position::Pos;

/// What to do about a discouraged construct.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Lint {
    /// Nothing.
    #[default]
    Ignore,
    /// Warn.
    Warn,
    /// Fail.
    Fatal,
}

/// What the parser has to know besides the source.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions<'o> {
    /// The position of the first byte, from [`crate::position::SourceMap::add`]; 0 for no positions.
    pub base: u32,
    /// The absolute directory that relative path literals start from.
    pub base_dir: &'o [u8],
    /// The home directory. Without one, `~/…` is an error, as in pure evaluation.
    pub home: Option<&'o [u8]>,
    /// Whether `|>` and `<|` are operators.
    pub pipe_operators: bool,
    /// The setting `lint-url-literals`.
    pub url_literals: Lint,
    /// The setting `lint-short-path-literals`.
    pub short_path_literals: Lint,
    /// The setting `lint-absolute-path-literals`.
    pub absolute_path_literals: Lint,
}

impl<'o> ParseOptions<'o> {
    /// Options with all features and lints off.
    pub fn new(base: u32, base_dir: &'o [u8]) -> ParseOptions<'o> {
        ParseOptions {
            base,
            base_dir,
            home: None,
            pipe_operators: false,
            url_literals: Lint::Ignore,
            short_path_literals: Lint::Ignore,
            absolute_path_literals: Lint::Ignore,
        }
    }

    /// The position of a byte.
    #[inline(always)]
    pub fn pos(&self, offset: u32) -> Pos {
        if self.base == 0 {
            Pos::NONE
        } else {
            Pos(self.base + offset)
        }
    }
}
