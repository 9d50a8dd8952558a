//! Primops on numbers.

use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::{Primop, PrimopFunction};
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn operands(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<(Value, Value)> {
    let left = ev.force(args[0], pos)?;
    Ok((left, ev.force(args[1], pos)?))
}

fn add(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let (left, right) = operands(ev, args, pos)?;
    ev.add(left, right)
}

fn sub(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let (left, right) = operands(ev, args, pos)?;
    ev.sub(left, right)
}

fn mul(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let (left, right) = operands(ev, args, pos)?;
    ev.mul(left, right)
}

fn div(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let (left, right) = operands(ev, args, pos)?;
    ev.div(left, right)
}

/// `builtins.lessThan`; `sort` compares directly when it is given this very function.
pub(super) fn less_than(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let (left, right) = operands(ev, args, pos)?;
    ev.less(left, right).map(Value::bool)
}

fn bit_and(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let left = ev.expect_int(
        args[0],
        pos,
        "while evaluating the first argument passed to builtins.bitAnd",
    )?;
    let right = ev.expect_int(
        args[1],
        pos,
        "while evaluating the second argument passed to builtins.bitAnd",
    )?;
    Ok(ev.int(left & right))
}

fn bit_or(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let left = ev.expect_int(
        args[0],
        pos,
        "while evaluating the first argument passed to builtins.bitOr",
    )?;
    let right = ev.expect_int(
        args[1],
        pos,
        "while evaluating the second argument passed to builtins.bitOr",
    )?;
    Ok(ev.int(left | right))
}

fn bit_xor(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let left = ev.expect_int(
        args[0],
        pos,
        "while evaluating the first argument passed to builtins.bitXor",
    )?;
    let right = ev.expect_int(
        args[1],
        pos,
        "while evaluating the second argument passed to builtins.bitXor",
    )?;
    Ok(ev.int(left ^ right))
}

fn ceil(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.ceil";
    round(ev, args[0], pos, context, f64::ceil)
}

fn floor(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.floor";
    round(ev, args[0], pos, context, f64::floor)
}

/// Rounds to an integer. The reference converts integers to floats first, and fails where that loses digits.
fn round(
    ev: &Evaluator,
    slot: Slot,
    pos: Pos,
    context: &'static str,
    rounding: fn(f64) -> f64,
) -> Result<Value> {
    const LIMIT: f64 = -(i64::MIN as f64);
    let number = ev.expect_float(slot, pos, context)?;
    let rounded = rounding(number);
    let exact = ev.force(slot, pos)?.as_int();
    let fail = |message: String| Err(Error::new(Kind::Eval, message).at(pos));
    if !(-LIMIT..LIMIT).contains(&rounded) {
        return fail(match exact {
            Some(int) => format!(
                "Due to a bug (see https://github.com/NixOS/nix/issues/12899) the NixInt argument {int} caused \
                 undefined behavior in previous Nix versions.\n\tFuture Nix versions might implement the correct \
                 behavior."
            ),
            None => format!(
                "NixFloat argument {} is not in the range of NixInt",
                ev.show_for_error(ev.heap.float(number))
            ),
        });
    }
    let result = rounded as i64;
    match exact {
        Some(int) if int != result => fail(format!(
            "Due to a bug (see https://github.com/NixOS/nix/issues/12899) a loss of precision occurred in previous \
             Nix versions because the NixInt argument {int} was rounded to {result}.\n\tFuture Nix versions might \
             implement the correct behavior."
        )),
        _ => Ok(ev.int(result)),
    }
}

const fn binary(name: &'static str, function: PrimopFunction, doc: &'static str) -> Primop {
    Primop {
        name,
        arity: 2,
        function,
        args: &["e1", "e2"],
        doc,
        ..Primop::DEFAULT
    }
}

const fn rounding(name: &'static str, function: PrimopFunction, doc: &'static str) -> Primop {
    Primop {
        name,
        function,
        args: &["number"],
        doc,
        ..Primop::DEFAULT
    }
}

pub(super) static TABLE: &[Primop] = &[
    binary("add", add, "Returns the sum of the numbers *e1* and *e2*."),
    binary("sub", sub, "Returns the number *e1* minus the number *e2*."),
    binary("mul", mul, "Returns the product of the numbers *e1* and *e2*."),
    binary(
        "div",
        div,
        "Returns the number *e1* divided by the number *e2*; the quotient of two integers is truncated.",
    ),
    binary(
        "lessThan",
        less_than,
        "Returns whether *e1* is less than *e2*. Both must be numbers, strings, paths, or lists of these.",
    ),
    binary("bitAnd", bit_and, "Returns the bitwise AND of two integers."),
    binary("bitOr", bit_or, "Returns the bitwise OR of two integers."),
    binary(
        "bitXor",
        bit_xor,
        "Returns the bitwise exclusive OR of two integers.",
    ),
    rounding(
        "ceil",
        ceil,
        "Returns the smallest integer that is not less than *number*. Fails if there is none, or if *number* is an \
         integer that a float cannot hold exactly.",
    ),
    rounding(
        "floor",
        floor,
        "Returns the greatest integer that is not greater than *number*. Fails if there is none, or if *number* is \
         an integer that a float cannot hold exactly.",
    ),
];
