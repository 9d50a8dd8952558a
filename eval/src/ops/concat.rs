//! `+`, interpolation and `++`.

use crate::code::ConcatCode;
use crate::context::ContextBuilder;
use crate::error::{Error, Kind, Result};
use crate::evaluator::{Evaluator, count};
use crate::ops::arith::overflow;
use crate::ops::coerce::Coercion;
use crate::stack::Frame;
use crate::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;
use std::borrow::Cow;

/// What the first part of a concatenation makes of the rest.
enum Sum {
    Int(i64),
    Float(f64),
    Text { is_path: bool },
}

impl Evaluator {
    /// `a + b + …`, or an interpolated string. The first part decides what the rest has to be.
    pub(crate) fn eval_concat(&self, code: &ConcatCode, frame: &Frame<'_>) -> Result<Value> {
        let (&(first, first_pos), rest) = code.parts.split_first().expect("a concatenation has parts");
        let value = self.eval(first, frame)?;
        let sum = match value.unpack() {
            Unpacked::Int(i) if !code.force_string => Sum::Int(i),
            Unpacked::Float(f) if !code.force_string => Sum::Float(f),
            Unpacked::Path(_) if !code.force_string => Sum::Text { is_path: true },
            _ => Sum::Text { is_path: false },
        };
        match sum {
            Sum::Text { is_path } => {
                let first_is_string = value.as_string().is_some() || code.force_string;
                self.concat_text(code, frame, (value, first_pos), rest, is_path, first_is_string)
            }
            number => self.concat_numbers(number, rest, frame),
        }
    }

    fn concat_numbers(
        &self,
        mut sum: Sum,
        rest: &[(crate::code::Code, Pos)],
        frame: &Frame<'_>,
    ) -> Result<Value> {
        for (part, pos) in rest {
            let value = self.eval(*part, frame)?;
            sum = match (sum, value.unpack()) {
                (Sum::Int(a), Unpacked::Int(b)) => match a.checked_add(b) {
                    Some(sum) => Sum::Int(sum),
                    None => return Err(overflow("adding", a, '+', b).at(*pos)),
                },
                (Sum::Int(a), Unpacked::Float(b)) => Sum::Float(a as f64 + b),
                (Sum::Float(a), Unpacked::Int(b)) => Sum::Float(a + b as f64),
                (Sum::Float(a), Unpacked::Float(b)) => Sum::Float(a + b),
                (sum, _) => {
                    let what = if matches!(sum, Sum::Int(_)) {
                        "an integer"
                    } else {
                        "a float"
                    };
                    let message = format!("cannot add {} to {what}", self.describe(value));
                    return Err(Error::new(Kind::Eval, message).at(*pos));
                }
            };
        }
        match sum {
            Sum::Int(i) => Ok(self.int(i)),
            Sum::Float(f) => Ok(self.heap.float(f)),
            Sum::Text { .. } => Ok(Value::NULL),
        }
    }

    fn concat_text(
        &self,
        code: &ConcatCode,
        frame: &Frame<'_>,
        first: (Value, Pos),
        rest: &[(crate::code::Code, Pos)],
        is_path: bool,
        first_is_string: bool,
    ) -> Result<Value> {
        let error_context = "while evaluating a path segment";
        let mut context = ContextBuilder::default();
        // Strings are the default; sets and such as the first operand of `+` are coerced without copying.
        let copy_to_store = if code.force_string { true } else { first_is_string };
        let how = Coercion {
            more: false,
            copy_to_store,
            canonicalise: true,
        };
        let first_how = Coercion {
            canonicalise: code.force_string,
            ..how
        };
        let mut few: [Cow<'static, [u8]>; 4] = [const { Cow::Borrowed(&[]) }; 4];
        let mut many = vec![];
        let parts = match few.get_mut(..code.parts.len()) {
            Some(parts) => parts,
            None => {
                many.resize(code.parts.len(), Cow::Borrowed(&[][..]));
                &mut many[..]
            }
        };
        parts[0] = self.coerce_to_string(first.0.slot(), first.1, &mut context, error_context, first_how)?;
        for (part, (code, pos)) in parts[1..].iter_mut().zip(rest) {
            let value = self.eval(*code, frame)?;
            *part = self.coerce_to_string(value.slot(), *pos, &mut context, error_context, how)?;
        }
        let total = parts.iter().map(|part| part.len()).sum();
        if !is_path {
            return Ok(self.heap.string_of_parts(
                total,
                parts.iter().map(|part| &**part),
                self.contexts.build(context),
            ));
        }
        if !context.is_empty() {
            let message = "a string that refers to a store path cannot be appended to a path";
            return Err(Error::new(Kind::Eval, message).at(code.pos));
        }
        Ok(self.heap.path(&crate::path::normalise(&parts.concat())))
    }

    /// The concatenation of lists that are still to be forced. With one non-empty operand, that very list.
    pub fn concat_lists(&self, lists: &[Slot], pos: Pos, context: &'static str) -> Result<Value> {
        count(&self.stats.list_concats);
        let mut total = 0;
        let mut non_empty = None;
        for &list in lists {
            let elements = self.expect_list(list, pos, context)?;
            if !elements.is_empty() {
                total += elements.len();
                non_empty = Some((list, elements.len()));
            }
        }
        match non_empty {
            None => Ok(Value::EMPTY_LIST),
            Some((list, len)) if len == total => self.force(list, pos),
            Some(_) => {
                let parts: Vec<&[Slot]> = lists
                    .iter()
                    .filter_map(|list| list.evaluated().and_then(Value::as_list))
                    .collect();
                Ok(self.heap.list_of_parts(total, &parts))
            }
        }
    }
}
