//! `<`: the one order of values, for operators, `sort` and `genericClosure`.

use crate::error::{Error, Kind, Result};
use crate::evaluator::Evaluator;
use crate::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;

impl Evaluator {
    /// `left < right`
    pub fn less(&self, left: Value, right: Value) -> Result<bool> {
        self.stack.check_native()?;
        match (left.unpack(), right.unpack()) {
            (Unpacked::Int(a), Unpacked::Int(b)) => Ok(a < b),
            (Unpacked::Float(a), Unpacked::Float(b)) => Ok(a < b),
            (Unpacked::Int(a), Unpacked::Float(b)) => Ok((a as f64) < b),
            (Unpacked::Float(a), Unpacked::Int(b)) => Ok(a < b as f64),
            (Unpacked::String(a), Unpacked::String(b)) => Ok(a.bytes() < b.bytes()),
            (Unpacked::Path(a), Unpacked::Path(b)) => Ok(a < b),
            (Unpacked::List(a), Unpacked::List(b)) => self.list_less(a, b),
            _ => Err(self.incomparable(left, right)),
        }
    }

    fn list_less(&self, left: &[Slot], right: &[Slot]) -> Result<bool> {
        for (&a, &b) in left.iter().zip(right) {
            if !self.equal(a, b, Pos::NONE)? {
                let (a, b) = (self.force(a, Pos::NONE)?, self.force(b, Pos::NONE)?);
                return self
                    .less(a, b)
                    .map_err(|e| e.frame(Pos::NONE, "while comparing two list elements"));
            }
        }
        Ok(left.len() < right.len())
    }

    #[cold]
    fn incomparable(&self, left: Value, right: Value) -> Error {
        let (a, b) = (self.describe(left), self.describe(right));
        let (x, y) = (self.show_for_error(left), self.show_for_error(right));
        let message = if left.ty() == right.ty() {
            format!(
                "cannot compare {a} with {b}; values of that type are incomparable (values are {x} and {y})"
            )
        } else {
            format!("cannot compare {a} with {b}; values are {x} and {y}")
        };
        Error::new(Kind::Eval, message)
    }
}
