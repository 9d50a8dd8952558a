//! Values as text: for messages (elided, nothing forced).

use crate::evaluator::Evaluator;
use crate::value::Value;

impl Evaluator {
    /// A value as error messages show it.
    pub fn show_for_error(&self, value: Value) -> String {
        format!("{value:?}")
    }
}
