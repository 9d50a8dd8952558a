//! Primops on lists.

mod sort;

use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::function::FunctionKind;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Type, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;

fn eval_error(pos: Pos, message: impl Into<String>) -> Error {
    Error::new(Kind::Eval, message).at(pos)
}

fn length(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.length";
    let list = ev.expect_list(args[0], pos, context)?;
    Ok(ev.int(list.len() as i64))
}

fn elem_at(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the second argument passed to 'builtins.elemAt'";
    let index = ev.expect_int(args[1], pos, context)?;
    let context = "while evaluating the first argument passed to 'builtins.elemAt'";
    let list = ev.expect_list(args[0], pos, context)?;
    let element = usize::try_from(index).ok().and_then(|index| list.get(index));
    match element {
        Some(&element) => ev.force(element, pos),
        None => Err(eval_error(
            pos,
            format!(
                "'builtins.elemAt' called with index {index} on a list of size {}",
                list.len()
            ),
        )),
    }
}

fn head(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to 'builtins.head'";
    match ev.expect_list(args[0], pos, context)?.first() {
        Some(&first) => ev.force(first, pos),
        None => Err(eval_error(pos, "'builtins.head' called on an empty list")),
    }
}

fn tail(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to 'builtins.tail'";
    match ev.expect_list(args[0], pos, context)?.split_first() {
        Some((_, rest)) => Ok(ev.heap.rest(rest)),
        None => Err(eval_error(pos, "'builtins.tail' called on an empty list")),
    }
}

fn map(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the second argument passed to builtins.map";
    let list = ev.expect_list(args[1], pos, context)?;
    if list.is_empty() {
        return Ok(Value::EMPTY_LIST);
    }
    let context = "while evaluating the first argument passed to builtins.map";
    ev.expect_function(args[0], pos, context)?;
    Ok(ev
        .heap
        .list_with(list.len(), |i| ev.heap.apply1(args[0], list[i])))
}

fn gen_list(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the second argument passed to builtins.genList";
    let len = ev.expect_int(args[1], pos, context)?;
    let Ok(count) = usize::try_from(len) else {
        return Err(eval_error(pos, format!("cannot create list of size {len}")));
    };
    let context = "while evaluating the first argument passed to builtins.genList";
    ev.expect_function(args[0], Pos::NONE, context)?;
    Ok(ev
        .heap
        .list_with(count, |i| ev.heap.apply1(args[0], ev.int(i as i64).slot())))
}

fn filter(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the second argument passed to builtins.filter";
    let list = ev.expect_list(args[1], pos, context)?;
    if list.is_empty() {
        return Ok(Value::EMPTY_LIST);
    }
    let context = "while evaluating the first argument passed to builtins.filter";
    let predicate = ev.expect_function(args[0], pos, context)?;
    // Nothing is copied before an element is dropped; often none is.
    let mut kept: Option<Vec<Slot>> = None;
    for (i, &element) in list.iter().enumerate() {
        let keep = ev.call(predicate, &[element], Pos::NONE)?;
        let context = "while evaluating the return value of the filtering function passed to builtins.filter";
        let keep = ev.expect_bool(keep.slot(), pos, context)?;
        match &mut kept {
            Some(kept) if keep => kept.push(element),
            None if !keep => kept = Some(list[..i].to_vec()),
            _ => {}
        }
    }
    match kept {
        Some(kept) => Ok(ev.heap.list(&kept)),
        None => ev.force(args[1], pos),
    }
}

fn partition(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.partition";
    let predicate = ev.expect_function(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.partition";
    let list = ev.expect_list(args[1], pos, context)?;
    let (mut right, mut wrong) = (vec![], vec![]);
    for &element in list {
        ev.force(element, pos)?;
        let is_right = ev.call(predicate, &[element], pos)?;
        let context =
            "while evaluating the return value of the partition function passed to builtins.partition";
        let side = match ev.expect_bool(is_right.slot(), pos, context)? {
            true => &mut right,
            false => &mut wrong,
        };
        side.push(element);
    }
    Ok(ev.attrs(&[
        (ev.names.right, ev.heap.list(&right).slot()),
        (ev.names.wrong, ev.heap.list(&wrong).slot()),
    ]))
}

fn group_by(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.groupBy";
    let function = ev.expect_function(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.groupBy";
    let list = ev.expect_list(args[1], pos, context)?;
    let mut places: FxHashMap<Symbol, usize> = FxHashMap::default();
    let mut groups: Vec<(Symbol, Vec<Slot>)> = vec![];
    for &element in list {
        let name = ev.call(function, &[element], pos)?;
        let context = "while evaluating the return value of the grouping function passed to builtins.groupBy";
        let symbol = ev.expect_name(name.slot(), pos, context)?;
        let place = *places.entry(symbol).or_insert_with(|| {
            groups.push((symbol, vec![]));
            groups.len() - 1
        });
        groups[place].1.push(element);
    }
    let attrs: Vec<(Symbol, Slot)> = groups
        .iter()
        .map(|(name, group)| (*name, ev.heap.list(group).slot()))
        .collect();
    Ok(ev.attrs(&attrs))
}

fn elem(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the second argument passed to builtins.elem";
    for &element in ev.expect_list(args[1], pos, context)? {
        if ev.equal(args[0], element, pos)? {
            return Ok(Value::TRUE);
        }
    }
    Ok(Value::FALSE)
}

fn concat_lists(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.concatLists";
    let lists = ev.expect_list(args[0], pos, context)?;
    let context = "while evaluating a value of the list passed to builtins.concatLists";
    ev.concat_lists(lists, pos, context)
}

fn concat_map(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.concatMap";
    let function = ev.expect_function(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.concatMap";
    let list = ev.expect_list(args[1], pos, context)?;
    let mut parts: Vec<&[Slot]> = Vec::with_capacity(list.len());
    let mut only = Value::EMPTY_LIST;
    let mut total = 0;
    for &element in list {
        let result = ev.call(function, &[element], pos)?;
        let Some(part) = result.as_list() else {
            return Err(not_a_list(ev, function, result));
        };
        if !part.is_empty() {
            total += part.len();
            only = result;
            parts.push(part);
        }
    }
    match parts.len() {
        0 | 1 => Ok(only),
        _ => Ok(ev.heap.list_of_parts(total, &parts)),
    }
}

/// The error of a function passed to `concatMap` that did not return a list; it is placed at the function.
#[cold]
fn not_a_list(ev: &Evaluator, function: Value, result: Value) -> Error {
    let places = [result, function].map(|value| ev.place_of(value.slot()));
    let pos = places.into_iter().find(|pos| pos.is_some()).unwrap_or(Pos::NONE);
    let context = "while evaluating the return value of the function passed to builtins.concatMap";
    ev.type_error(Type::List, result).frame(pos, context)
}

fn foldl_strict(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.foldlStrict";
    let function = ev.expect_function(args[0], pos, context)?;
    let context = "while evaluating the third argument passed to builtins.foldlStrict";
    let list = ev.expect_list(args[2], pos, context)?;
    let mut accumulator = args[1];
    for &element in list {
        accumulator = ev.call(function, &[accumulator, element], pos)?.slot();
    }
    ev.force(accumulator, pos)
}

fn any(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let contexts = [
        "while evaluating the first argument passed to builtins.any",
        "while evaluating the second argument passed to builtins.any",
        "while evaluating the return value of the function passed to builtins.any",
    ];
    contains(ev, args, pos, true, contexts).map(Value::bool)
}

fn all(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let contexts = [
        "while evaluating the first argument passed to builtins.all",
        "while evaluating the second argument passed to builtins.all",
        "while evaluating the return value of the function passed to builtins.all",
    ];
    contains(ev, args, pos, false, contexts).map(|found| Value::bool(!found))
}

/// Whether the predicate answers `wanted` for an element.
fn contains(
    ev: &Evaluator,
    args: &[Slot],
    pos: Pos,
    wanted: bool,
    [first, second, third]: [&'static str; 3],
) -> Result<bool> {
    let predicate = ev.expect_function(args[0], pos, first)?;
    for &element in ev.expect_list(args[1], pos, second)? {
        let answer = ev.call(predicate, &[element], pos)?;
        if ev.expect_bool(answer.slot(), pos, third)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sort_list(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the second argument passed to builtins.sort";
    let list = ev.expect_list(args[1], pos, context)?;
    if list.is_empty() {
        return Ok(Value::EMPTY_LIST);
    }
    let context = "while evaluating the first argument passed to builtins.sort";
    let comparator = ev.expect_function(args[0], pos, context)?;
    for &element in list {
        ev.force(element, pos)?;
    }
    let mut elements = list.to_vec();
    let is_less_than = matches!(
        comparator.as_function().map(|function| function.kind()),
        Some(FunctionKind::Primop(primop)) if primop.name == "lessThan"
    );
    if is_less_than {
        sort::sort(&mut elements, &mut |a, b| {
            let context = "while evaluating the ordering function passed to builtins.sort";
            let (a, b) = (ev.force(a, pos)?, ev.force(b, pos)?);
            ev.less(a, b).map_err(|error| error.frame(Pos::NONE, context))
        })?;
    } else {
        sort::sort(&mut elements, &mut |a, b| {
            let context = "while evaluating the return value of the sorting function passed to builtins.sort";
            let is_less = ev.call(comparator, &[a, b], Pos::NONE)?;
            ev.expect_bool(is_less.slot(), pos, context)
        })?;
    }
    Ok(ev.heap.list(&elements))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "length",
        function: length,
        args: &["e"],
        doc: "Returns how many elements the list *e* has.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "elemAt",
        arity: 2,
        function: elem_at,
        args: &["xs", "n"],
        doc: "Returns element *n* of the list *xs*, counted from 0.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "head",
        function: head,
        args: &["list"],
        doc: "Returns the first element of a list, which must not be empty.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "tail",
        function: tail,
        args: &["list"],
        doc: "Returns a list, which must not be empty, without its first element. It is a copy: going through a \
              list by calling `tail` again and again takes quadratic time.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "map",
        arity: 2,
        function: map,
        args: &["f", "list"],
        doc: "Returns the list of what *f* returns for each element of *list*. *f* is called when an element of the \
              result is used.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "genList",
        arity: 2,
        function: gen_list,
        args: &["generator", "length"],
        doc: "Returns a list of *length* elements, element *i* being `generator i`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "filter",
        arity: 2,
        function: filter,
        args: &["f", "list"],
        doc: "Returns the elements of *list* for which *f* returns `true`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "partition",
        arity: 2,
        function: partition,
        args: &["pred", "list"],
        doc: "Returns `{ right, wrong }`: the elements of *list* for which *pred* returns `true`, and the others.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "groupBy",
        arity: 2,
        function: group_by,
        args: &["f", "list"],
        doc: "Groups the elements of *list* by the string that *f* returns for each: a set of lists by that string.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "elem",
        arity: 2,
        function: elem,
        args: &["x", "xs"],
        doc: "Returns whether an element of the list *xs* equals *x*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "concatLists",
        function: concat_lists,
        args: &["lists"],
        doc: "Concatenates the lists in a list.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "concatMap",
        arity: 2,
        function: concat_map,
        args: &["f", "list"],
        doc: "Concatenates the lists that *f* returns for the elements of *list*: `concatLists (map f list)`, but \
              faster.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "foldl'",
        arity: 3,
        function: foldl_strict,
        args: &["op", "nul", "list"],
        doc: "Folds a list from the left: `op (op (op nul x0) x1) x2 ...`. Each result of *op* is evaluated before the \
              next call; *nul* is only if it is used.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "any",
        arity: 2,
        function: any,
        args: &["pred", "list"],
        doc: "Returns whether *pred* returns `true` for at least one element of *list*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "all",
        arity: 2,
        function: all,
        args: &["pred", "list"],
        doc: "Returns whether *pred* returns `true` for all elements of *list*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "sort",
        arity: 2,
        function: sort_list,
        args: &["comparator", "list"],
        doc: "Returns the elements of *list* in order. `comparator a b` must return whether *a* comes before *b*. \
              Elements of which neither comes before the other stay in the order they had. If the comparator does \
              not describe a strict weak order, the elements come out in any order.",
        ..Primop::DEFAULT
    },
];
