//! What a primop is. The primops themselves are in the crate `nivis-primops`.
//!
//! # How to write one
//!
//! A primop is a plain function over slots and a record that names it:
//!
//! ```ignore
//! /// Returns the number of elements of a list.
//! fn length(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value, Error> {
//!     let list = ev.expect_list(args[0], pos, "while evaluating the first argument passed to builtins.length")?;
//!     Ok(ev.int(list.len() as i64))
//! }
//! pub(super) static TABLE: &[Primop] = &[Primop { name: "length", arity: 1, function: length, doc: "…", ..Primop::DEFAULT }];
//! ```
//!
//! * Arguments are slots: nothing is forced before the body asks (`ev.force`, `ev.expect_*`, `ev.coerce_*`).
//! * `pos` is where the call stands: pass it on to what can fail.
//! * New values come from `ev.heap` (`list`, `attrs`, `string`, `apply1` for a lazy call, …).
//! * Elements that are passed on (`filter`, `sort`, `attrValues`) must be the very slots of the argument: identity
//!   of slots is observable through `==`.

use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::value::{Slot, Value};
use nivis_lang::position::Pos;

/// The body of a primop.
pub type PrimopFunction = fn(&Evaluator, &[Slot], Pos) -> Result<Value, Error>;

/// A builtin function.
pub struct Primop {
    /// Its name without `__` or `builtins.`.
    pub name: &'static str,
    /// How many arguments it takes (at least one).
    pub arity: usize,
    /// Its body.
    pub function: PrimopFunction,
    /// Names of the arguments, for documentation.
    pub args: &'static [&'static str],
    /// What it does, in Markdown.
    pub doc: &'static str,
    /// Whether the bare name is in scope everywhere, not only as `builtins.name`.
    pub global: bool,
    /// Whether errors in it get the frame "while calling the '…' builtin".
    pub trace: bool,
    /// The experimental feature that must be on for it to exist.
    pub feature: Option<&'static str>,
}

impl Primop {
    /// Defaults for the fields that most entries don't set.
    pub const DEFAULT: Primop = Primop {
        name: "",
        arity: 1,
        function: |_, _, _| Ok(Value::NULL),
        args: &[],
        doc: "",
        global: false,
        trace: true,
        feature: None,
    };
}

impl std::fmt::Debug for Primop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Primop({})", self.name)
    }
}
