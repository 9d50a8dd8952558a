//! Checked arithmetic on integers and floats.

use crate::code::Arithmetic;
use crate::error::{Error, Kind, Result};
use crate::evaluator::Evaluator;
use crate::value::{Type, Value};
use nivis_lang::position::Pos;

/// How errors speak of an operation.
struct Words {
    doing: &'static str,
    sign: char,
    first: &'static str,
    second: &'static str,
}

impl Evaluator {
    /// `left - right`, `left * right`, `left / right` or `left < right`.
    #[inline]
    pub(crate) fn arithmetic(&self, operator: Arithmetic, left: Value, right: Value) -> Result<Value> {
        match operator {
            Arithmetic::Sub => self.sub(left, right),
            Arithmetic::Mul => self.mul(left, right),
            Arithmetic::Div => self.div(left, right),
            Arithmetic::Less => self.less(left, right).map(Value::bool),
        }
    }

    /// `builtins.add`: numbers only, unlike the operator `+`.
    pub fn add(&self, left: Value, right: Value) -> Result<Value> {
        let words = Words {
            doing: "adding",
            sign: '+',
            first: "while evaluating the first argument of the addition",
            second: "while evaluating the second argument of the addition",
        };
        self.numeric(left, right, i64::checked_add, |a, b| a + b, &words)
    }

    /// `left - right`
    pub fn sub(&self, left: Value, right: Value) -> Result<Value> {
        let words = Words {
            doing: "subtracting",
            sign: '-',
            first: "while evaluating the first argument of the subtraction",
            second: "while evaluating the second argument of the subtraction",
        };
        self.numeric(left, right, i64::checked_sub, |a, b| a - b, &words)
    }

    /// `left * right`
    pub fn mul(&self, left: Value, right: Value) -> Result<Value> {
        // The missing word is the reference's.
        let words = Words {
            doing: "multiplying",
            sign: '*',
            first: match (left.as_float(), right.as_float()) {
                (None, None) => "while evaluating the first argument of the multiplication",
                _ => "while evaluating the first of the multiplication",
            },
            second: "while evaluating the second argument of the multiplication",
        };
        self.numeric(left, right, i64::checked_mul, |a, b| a * b, &words)
    }

    /// `left / right`, truncating on integers.
    pub fn div(&self, left: Value, right: Value) -> Result<Value> {
        let divisor = self.number(
            right,
            Type::Float,
            "while evaluating the second operand of the division",
        )?;
        if divisor == 0.0 {
            return Err(Error::new(Kind::Eval, "division by zero"));
        }
        let words = Words {
            doing: "dividing",
            sign: '/',
            first: "while evaluating the first operand of the division",
            second: "while evaluating the second operand of the division",
        };
        self.numeric(left, right, i64::checked_div, |a, b| a / b, &words)
    }

    #[inline]
    fn numeric(
        &self,
        left: Value,
        right: Value,
        on_ints: fn(i64, i64) -> Option<i64>,
        on_floats: fn(f64, f64) -> f64,
        words: &Words,
    ) -> Result<Value> {
        if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
            return match on_ints(a, b) {
                Some(result) => Ok(self.int(result)),
                None => Err(overflow(words.doing, a, words.sign, b)),
            };
        }
        let is_float = left.as_float().is_some() || right.as_float().is_some();
        let expected = if is_float { Type::Float } else { Type::Int };
        let a = self.number(left, expected, words.first)?;
        let b = self.number(right, expected, words.second)?;
        Ok(self.heap.float(on_floats(a, b)))
    }

    fn number(&self, value: Value, expected: Type, context: &'static str) -> Result<f64> {
        match (value.as_int(), value.as_float()) {
            (Some(i), _) => Ok(i as f64),
            (None, Some(f)) => Ok(f),
            (None, None) => Err(self.type_error(expected, value).frame(Pos::NONE, context)),
        }
    }
}

/// The error of an integer operation whose result does not fit.
#[cold]
pub(crate) fn overflow(doing: &str, a: i64, sign: char, b: i64) -> Error {
    Error::new(Kind::Eval, format!("integer overflow in {doing} {a} {sign} {b}"))
}
