//! Primops on attribute sets, and `functionArgs`.

use nivis_eval::attrs::{Attrs, Entry};
use nivis_eval::code::Parameter;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::function::FunctionKind;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;

fn attr_names(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.attrNames";
    let set = ev.expect_attrs(args[0], pos, context)?;
    let mut entries = ev.sorted_entries(set);
    Ok(ev.heap.list_with(set.len(), |_| {
        entries
            .next()
            .map_or(Slot::NULL, |entry| ev.symbol_value(entry.name).slot())
    }))
}

fn attr_values(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.attrValues";
    let set = ev.expect_attrs(args[0], pos, context)?;
    let mut entries = ev.sorted_entries(set);
    Ok(ev.heap.list_with(set.len(), |_| {
        entries.next().map_or(Slot::NULL, |entry| entry.slot)
    }))
}

/// The name and the set that `getAttr` and its like are given.
fn name_and_set(
    ev: &Evaluator,
    args: &[Slot],
    pos: Pos,
    [first, second]: [&'static str; 2],
) -> Result<(Symbol, &'static Attrs)> {
    ev.expect_string_without_context(args[0], pos, first)?;
    let set = ev.expect_attrs(args[1], pos, second)?;
    // New names get their symbols in the reference's order: after those that the set brings.
    Ok((ev.expect_name(args[0], pos, first)?, set))
}

fn get_attr(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let contexts = [
        "while evaluating the first argument passed to builtins.getAttr",
        "while evaluating the second argument passed to builtins.getAttr",
    ];
    let (name, set) = name_and_set(ev, args, pos, contexts)?;
    let slot = ev.required_attr(set, name, "in the attribute set under consideration")?;
    ev.force(slot, pos)
}

fn has_attr(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let contexts = [
        "while evaluating the first argument passed to builtins.hasAttr",
        "while evaluating the second argument passed to builtins.hasAttr",
    ];
    let (name, set) = name_and_set(ev, args, pos, contexts)?;
    Ok(Value::bool(set.get(name).is_some()))
}

fn unsafe_get_attr_pos(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let contexts = [
        "while evaluating the first argument passed to builtins.unsafeGetAttrPos",
        "while evaluating the second argument passed to builtins.unsafeGetAttrPos",
    ];
    let (name, set) = name_and_set(ev, args, pos, contexts)?;
    Ok(set
        .find(name)
        .map_or(Value::NULL, |found| ev.position_value(found.pos)))
}

fn remove_attrs(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.removeAttrs";
    let set = ev.expect_attrs(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.removeAttrs";
    let names = ev.expect_list(args[1], pos, context)?;
    let context = "while evaluating the values of the second argument passed to builtins.removeAttrs";
    let mut removed = names.iter().map(|&name| ev.expect_name(name, pos, context));
    match ev.heap.without(set.flat(ev.heap), &mut removed)? {
        Some(rest) => Ok(rest),
        None => ev.force(args[0], pos),
    }
}

fn list_to_attrs(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.listToAttrs";
    let list = ev.expect_list(args[0], pos, context)?;
    let mut pairs: Vec<(Symbol, &'static Attrs)> = Vec::with_capacity(list.len());
    for &element in list {
        let context = "while evaluating an element of the list passed to builtins.listToAttrs";
        let pair = ev.expect_attrs(element, pos, context)?;
        let Some(name) = pair.find(ev.names.name) else {
            return Err(missing(ev, ev.names.name));
        };
        let context =
            "while evaluating the `name` attribute of an element of the list passed to builtins.listToAttrs";
        pairs.push((ev.expect_name(name.slot, name.pos, context)?, pair));
    }
    // Stable: of several pairs of one name the first counts.
    pairs.sort_by_key(|&(name, _)| name);
    pairs.dedup_by_key(|&mut (name, _)| name);
    let mut entries = Vec::with_capacity(pairs.len());
    for (name, pair) in pairs {
        let Some(value) = pair.find(ev.names.value) else {
            return Err(missing(ev, ev.names.value));
        };
        entries.push(Entry {
            name,
            slot: value.slot,
            pos: value.pos,
        });
    }
    Ok(ev.heap.attrs_sorted(&entries))
}

#[cold]
fn missing(ev: &Evaluator, name: Symbol) -> Error {
    let message = format!("attribute '{}' missing", ev.name_in_message(name));
    Error::new(Kind::Type, message).frame(Pos::NONE, "in a {name=...; value=...;} pair")
}

fn intersect_attrs(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.intersectAttrs";
    let left = ev.expect_attrs(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.intersectAttrs";
    let right = ev.expect_attrs(args[1], pos, context)?;
    // How many attributes a layered set has is not worth counting: `callPackage` intersects with all packages.
    let mut entries: Vec<Entry> = Vec::with_capacity(left.bound().min(right.bound()));
    if left.bound() < right.bound() {
        for &name in left.flat(ev.heap).keys.symbols() {
            if let Some(found) = right.find(name) {
                entries.push(Entry {
                    name,
                    slot: found.slot,
                    pos: found.pos,
                });
            }
        }
    } else {
        let common = |entry: &Entry| left.find(entry.name).is_some();
        let all = right.flat(ev.heap);
        entries.extend(all.entries().filter(common));
        if entries.len() == all.len() {
            return ev.force(args[1], pos);
        }
    }
    Ok(ev.heap.attrs_sorted(&entries))
}

fn cat_attrs(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.catAttrs";
    let name = ev.expect_name(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.catAttrs";
    let list = ev.expect_list(args[1], pos, context)?;
    let mut found = Vec::with_capacity(list.len());
    for &element in list {
        let context =
            "while evaluating an element in the list passed as second argument to builtins.catAttrs";
        found.extend(ev.expect_attrs(element, pos, context)?.get(name));
    }
    Ok(ev.heap.list(&found))
}

fn function_args(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let Some(function) = ev.force(args[0], pos)?.as_function() else {
        return Err(Error::new(Kind::Type, "'functionArgs' requires a function").at(pos));
    };
    let pattern = match function.kind() {
        FunctionKind::Lambda(code, _) => match code.parameter {
            Parameter::Pattern(pattern) => pattern,
            Parameter::Name(_) => return Ok(ev.heap.attrs(&mut [])),
        },
        FunctionKind::Primop(_) | FunctionKind::Partial(..) => return Ok(ev.heap.attrs(&mut [])),
    };
    if let Some(args) = pattern.args.get() {
        return Ok(args);
    }
    let formals = pattern.formals.iter();
    let entries: Vec<Entry> = formals
        .map(|formal| Entry {
            name: formal.name,
            slot: Value::bool(formal.has_default()).slot(),
            pos: formal.pos,
        })
        .collect();
    let args = ev.heap.permanently(|| ev.heap.attrs_sorted(&entries));
    pattern.args.set(Some(args));
    Ok(args)
}

fn map_attrs(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the second argument passed to builtins.mapAttrs";
    let set = ev.expect_attrs(args[1], pos, context)?;
    Ok(ev.heap.map_attrs(args[0], set))
}

fn zip_attrs_with(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.zipAttrsWith";
    ev.expect_function(args[0], pos, context)?;
    let context = "while evaluating the second argument passed to builtins.zipAttrsWith";
    let list = ev.expect_list(args[1], pos, context)?;
    let mut all: Vec<(Symbol, Slot)> = vec![];
    for &element in list {
        let context =
            "while evaluating a value of the list passed as second argument to builtins.zipAttrsWith";
        let set = ev.expect_attrs(element, Pos::NONE, context)?.flat(ev.heap);
        all.extend(set.keys.symbols().iter().copied().zip(set.slots.iter().copied()));
    }
    // Stable, and fast because each set is a sorted run.
    all.sort_by_key(|&(name, _)| name);
    let entries: Vec<Entry> = all
        .chunk_by(|a, b| a.0 == b.0)
        .map(|group| {
            let name = group[0].0;
            let values = ev.heap.list_with(group.len(), |i| group[i].1);
            let name_value = ev.symbol_value(name);
            Entry {
                name,
                slot: ev.heap.apply2(args[0], name_value.slot(), values.slot()),
                pos: Pos::NONE,
            }
        })
        .collect();
    Ok(ev.heap.attrs_sorted(&entries))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "attrNames",
        function: attr_names,
        args: &["set"],
        doc: "Returns the names of the attributes of *set* in alphabetical order.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "attrValues",
        function: attr_values,
        args: &["set"],
        doc: "Returns the values of the attributes of *set* in the order of `attrNames`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "getAttr",
        arity: 2,
        function: get_attr,
        args: &["s", "set"],
        doc: "Returns the attribute of *set* whose name is the string *s*; there must be one.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "hasAttr",
        arity: 2,
        function: has_attr,
        args: &["s", "set"],
        doc: "Returns whether *set* has an attribute whose name is the string *s*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "unsafeGetAttrPos",
        arity: 2,
        function: unsafe_get_attr_pos,
        args: &["s", "set"],
        doc: "Returns where the attribute *s* of *set* was defined: `{ file, line, column }`, or `null` if that is \
              not known. Results may change when files are reformatted, so use it for messages only.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "removeAttrs",
        arity: 2,
        function: remove_attrs,
        args: &["set", "list"],
        doc: "Returns *set* without the attributes that *list* names. They need not exist.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "listToAttrs",
        function: list_to_attrs,
        args: &["e"],
        doc: "Returns a set made of a list of `{ name, value }`. Of several elements of the same name the first \
              counts.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "intersectAttrs",
        arity: 2,
        function: intersect_attrs,
        args: &["e1", "e2"],
        doc: "Returns the attributes of the set *e2* whose names occur in the set *e1* too. Takes time in proportion to \
              the smaller one.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "catAttrs",
        arity: 2,
        function: cat_attrs,
        args: &["attr", "list"],
        doc: "Returns the values of the attribute *attr* of those sets in *list* that have it.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "functionArgs",
        function: function_args,
        args: &["f"],
        doc: "Returns a set of the names in the set pattern of the function *f*; each value tells whether the argument \
              has a default. Functions without such a pattern have none.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "mapAttrs",
        arity: 2,
        function: map_attrs,
        args: &["f", "attrset"],
        doc: "Returns the set of what `f name value` returns for each attribute of *attrset*. *f* is called when an \
              attribute of the result is used.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "zipAttrsWith",
        arity: 2,
        function: zip_attrs_with,
        args: &["f", "list"],
        doc: "Collects the values of each name in a list of sets, and returns the set of `f name values` for each name.",
        ..Primop::DEFAULT
    },
];
