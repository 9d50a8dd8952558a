//! Evaluation errors: one word, made and extended only on the cold path.
//!
//! An error holds what happened, where, and the frames it passed on its way up. It holds no values of the heap and
//! no formatted frames; only the command line turns it into words and colours.

use nivis_lang::error::Hint;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;

/// What kind of failure it is. [`Kind::is_catchable`] decides what `tryEval` catches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `throw`
    Thrown,
    /// `assert`
    Assertion,
    /// `abort`
    Abort,
    /// A value of the wrong type.
    Type,
    /// A missing attribute, a failed conversion, division by zero, ...
    Eval,
    /// A variable nobody defined.
    UndefinedVariable,
    /// A required argument of a function called automatically.
    MissingArgument,
    /// A value that needs itself.
    InfiniteRecursion,
    /// Calls or data nested too deeply.
    StackOverflow,
    /// Text that is no Nix.
    Syntax,
    /// A file or directory.
    File,
    /// Access that `restrict-eval` or `pure-eval` forbids.
    Restricted,
    /// The store or a build.
    Store,
    /// Import from derivation where it is not allowed.
    ImportFromDerivation,
    /// The user interrupted.
    Interrupted,
    /// Misuse outside the language, such as a bad attribute path on the command line.
    Usage,
}

impl Kind {
    /// Whether `tryEval` turns it into `{ success = false; }`.
    pub fn is_catchable(self) -> bool {
        match self {
            Kind::Thrown | Kind::Assertion => true,
            Kind::Abort
            | Kind::Type
            | Kind::Eval
            | Kind::UndefinedVariable
            | Kind::MissingArgument
            | Kind::InfiniteRecursion
            | Kind::StackOverflow
            | Kind::Syntax
            | Kind::File
            | Kind::Restricted
            | Kind::Store
            | Kind::ImportFromDerivation
            | Kind::Interrupted
            | Kind::Usage => false,
        }
    }

    /// Whether forcing the failed thunk again should start over instead of reporting the same error.
    pub fn is_retryable(self) -> bool {
        matches!(self, Kind::Interrupted)
    }
}

/// What an error passed on its way up.
#[derive(Clone, Debug)]
pub enum FrameText {
    /// A fixed sentence.
    Static(&'static str),
    /// A sentence made for this error.
    Owned(Box<str>),
    /// `while calling 'name'` or `while calling anonymous lambda`
    Calling(Option<Symbol>),
    /// `while calling the 'name' builtin`
    Builtin(&'static str),
    /// `while evaluating the attribute 'name'`
    Attribute(Symbol),
    /// A lazy value was needed: a step of an infinite recursion, and no frame of the reference's traces.
    Needed,
}

impl From<&'static str> for FrameText {
    fn from(text: &'static str) -> FrameText {
        FrameText::Static(text)
    }
}

impl From<String> for FrameText {
    fn from(text: String) -> FrameText {
        FrameText::Owned(text.into())
    }
}

/// One frame of a trace.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Where.
    pub pos: Pos,
    /// What was being done.
    pub text: FrameText,
    /// Made by `addErrorContext`: shown even in short traces.
    pub always: bool,
}

/// An infinite recursion: which value needs itself, and how.
#[derive(Clone, Copy, Debug)]
pub struct Cycle {
    /// Where the value lies. Only compared with others while the error passes them on its way up: the value stays
    /// marked until then, so nothing else can lie there.
    cell: usize,
    /// How many of the frames lead from the value to itself, once it is known.
    pub frames: Option<usize>,
}

/// The contents of an [`Error`].
#[derive(Clone, Debug)]
pub struct Details {
    /// The kind of failure.
    pub kind: Kind,
    /// The first sentence: the reference's words.
    pub message: String,
    /// Where it happened, if known.
    pub pos: Pos,
    /// What it passed, innermost first.
    pub frames: Vec<Frame>,
    /// Where the offending value comes from, if that is known: a function, or an attribute of a set.
    pub origin: Pos,
    /// How an infinite recursion comes about.
    pub cycle: Option<Cycle>,
    /// Names close to one that was not found, best first.
    pub suggestions: Vec<String>,
    /// Advice, and places that explain a syntax error.
    pub hints: Vec<Hint>,
    /// The exit status the command should end with, when not 1.
    pub exit_status: Option<i32>,
}

/// An evaluation error.
#[derive(Clone, Debug)]
pub struct Error(Box<Details>);

const _: () = assert!(size_of::<Error>() == 8);

/// The result of evaluating something.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a position.
    #[cold]
    #[inline(never)]
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Details {
            kind,
            message: message.into(),
            pos: Pos::NONE,
            frames: vec![],
            origin: Pos::NONE,
            cycle: None,
            suggestions: vec![],
            hints: vec![],
            exit_status: None,
        }))
    }

    /// Sets the position it happened at.
    #[cold]
    #[must_use]
    pub fn at(mut self, pos: Pos) -> Error {
        self.0.pos = pos;
        self
    }

    /// Sets the position unless there is one.
    #[cold]
    #[must_use]
    pub fn at_if_none(mut self, pos: Pos) -> Error {
        if !self.0.pos.is_some() {
            self.0.pos = pos;
        }
        self
    }

    /// Adds a frame.
    #[cold]
    #[must_use]
    pub fn frame(mut self, pos: Pos, text: impl Into<FrameText>) -> Error {
        let text = text.into();
        // Callers that frame errors themselves pass no text on.
        if !matches!(text, FrameText::Static("")) {
            self.0.frames.push(Frame {
                pos,
                text,
                always: false,
            });
        }
        self
    }

    /// Adds a frame that short traces show too.
    #[cold]
    #[must_use]
    pub fn context(mut self, pos: Pos, text: impl Into<FrameText>) -> Error {
        self.0.frames.push(Frame {
            pos,
            text: text.into(),
            always: true,
        });
        self
    }

    /// Sets where the offending value comes from.
    #[cold]
    #[must_use]
    pub fn originates(mut self, origin: Pos) -> Error {
        self.0.origin = origin;
        self
    }

    /// Says that the value at the address needs itself.
    #[cold]
    #[must_use]
    pub(crate) fn cycle(mut self, cell: usize) -> Error {
        self.0.cycle = Some(Cycle { cell, frames: None });
        self
    }

    /// Passes a lazy value, needed at a position: a step of an infinite recursion, if that is what the error is about.
    #[cold]
    #[must_use]
    pub(crate) fn needed(mut self, cell: usize, pos: Pos) -> Error {
        let Details { cycle, frames, .. } = &mut *self.0;
        if let Some(cycle @ Cycle { frames: None, .. }) = cycle {
            frames.push(Frame {
                pos,
                text: FrameText::Needed,
                always: false,
            });
            if cycle.cell == cell {
                cycle.frames = Some(frames.len());
            }
        }
        self
    }

    /// Adds names that may have been meant.
    #[cold]
    #[must_use]
    pub fn suggest(mut self, suggestions: Vec<String>) -> Error {
        self.0.suggestions = suggestions;
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Everything there is to know.
    pub fn details(&self) -> &Details {
        &self.0
    }

    /// Everything there is to know, to change.
    pub fn details_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

/// Extends the error of a result: nothing is done, or even built, on success.
pub trait ResultExt: Sized {
    /// Adds a frame to the error.
    #[must_use]
    fn in_frame(self, pos: Pos, text: &'static str) -> Self;
    /// Adds a frame made when needed.
    #[must_use]
    fn in_frame_with<F: Into<FrameText>>(self, pos: Pos, text: impl FnOnce() -> F) -> Self;
}

impl<T> ResultExt for Result<T> {
    #[inline(always)]
    fn in_frame(self, pos: Pos, text: &'static str) -> Self {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.frame(pos, text)),
        }
    }

    #[inline(always)]
    fn in_frame_with<F: Into<FrameText>>(self, pos: Pos, text: impl FnOnce() -> F) -> Self {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.frame(pos, text())),
        }
    }
}
