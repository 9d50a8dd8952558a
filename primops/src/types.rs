//! Primops that ask what a value is.

use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Type, Value};
use nivis_lang::position::Pos;

fn has_type(ev: &Evaluator, slot: Slot, pos: Pos, ty: Type) -> Result<Value> {
    Ok(Value::bool(ev.force(slot, pos)?.ty() == ty))
}

fn is_attrs(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::Attrs)
}

fn is_bool(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::Bool)
}

fn is_float(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::Float)
}

fn is_function(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::Function)
}

fn is_int(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::Int)
}

fn is_list(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::List)
}

fn is_null(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::Null)
}

fn is_path(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::Path)
}

fn is_string(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    has_type(ev, args[0], pos, Type::String)
}

fn type_of(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let name = match ev.force(args[0], pos)?.ty() {
        Type::Null => "null",
        Type::Bool => "bool",
        Type::Int => "int",
        Type::Float => "float",
        Type::String => "string",
        Type::Path => "path",
        Type::List => "list",
        Type::Attrs => "set",
        Type::Function => "lambda",
    };
    Ok(ev.symbol_value(ev.intern(name.as_bytes())))
}

const fn test(name: &'static str, function: nivis_eval::primop::PrimopFunction, doc: &'static str) -> Primop {
    Primop {
        name,
        arity: 1,
        function,
        args: &["e"],
        doc,
        ..Primop::DEFAULT
    }
}

pub(super) static TABLE: &[Primop] = &[
    test("isAttrs", is_attrs, "Returns whether *e* evaluates to a set."),
    test("isBool", is_bool, "Returns whether *e* evaluates to a Boolean."),
    test("isFloat", is_float, "Returns whether *e* evaluates to a float."),
    test(
        "isFunction",
        is_function,
        "Returns whether *e* evaluates to a function. Sets with `__functor` are none.",
    ),
    test("isInt", is_int, "Returns whether *e* evaluates to an integer."),
    test("isList", is_list, "Returns whether *e* evaluates to a list."),
    Primop {
        global: true,
        ..test("isNull", is_null, "Returns whether *e* evaluates to `null`.")
    },
    test("isPath", is_path, "Returns whether *e* evaluates to a path."),
    test(
        "isString",
        is_string,
        "Returns whether *e* evaluates to a string.",
    ),
    test(
        "typeOf",
        type_of,
        "Returns the name of the type of *e*: `\"int\"`, `\"bool\"`, `\"string\"`, `\"path\"`, `\"null\"`, `\"set\"`, `\"list\"`, `\"lambda\"` or `\"float\"`.",
    ),
];
