//! Primops on strings, and on paths as text.

use crate::replace::replace_strings;
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::path;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn to_string(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    // Strings are returned as they are, if it takes no evaluation to see that they are strings.
    if let Some(value) = args[0].evaluated()
        && value.as_string().is_some()
    {
        return Ok(value);
    }
    let mut context = ContextBuilder::default();
    let frame = "while evaluating the first argument passed to builtins.toString";
    let text = ev.coerce_to_string(args[0], pos, &mut context, frame, Coercion::TO_STRING)?;
    Ok(ev.heap.string_in(&text, ev.contexts.build(context)))
}

fn string_length(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the argument passed to builtins.stringLength";
    let mut context = ContextBuilder::default();
    let text = ev.coerce_to_string(args[0], pos, &mut context, frame, Coercion::INTERPOLATION)?;
    Ok(ev.int(text.len() as i64))
}

fn substring(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the first argument (the start offset) passed to builtins.substring";
    let start = ev.expect_int(args[0], pos, frame)?;
    let Ok(start) = usize::try_from(start) else {
        return Err(Error::new(Kind::Eval, "negative start position in 'substring'").at(pos));
    };
    let frame = "while evaluating the second argument (the substring length) passed to builtins.substring";
    // Negative lengths mean "to the end".
    let length = usize::try_from(ev.expect_int(args[1], pos, frame)?).unwrap_or(usize::MAX);
    let value = ev.force(args[2], pos)?;
    let frame = "while evaluating the third argument (the string) passed to builtins.substring";
    let mut context = ContextBuilder::default();
    let text = ev.coerce_to_string(args[2], pos, &mut context, frame, Coercion::INTERPOLATION)?;
    let start = start.min(text.len());
    let end = start.saturating_add(length).min(text.len());
    if end - start == text.len() && value.as_string().is_some() {
        return Ok(value);
    }
    Ok(ev.heap.string_in(&text[start..end], ev.contexts.build(context)))
}

fn concat_strings_sep(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let mut context = ContextBuilder::default();
    let frame =
        "while evaluating the first argument (the separator string) passed to builtins.concatStringsSep";
    let separator = ev.expect_string_in(args[0], pos, frame, &mut context)?;
    let frame = "while evaluating the second argument (the list of strings to concat) passed to builtins.concatStringsSep";
    let list = ev.expect_list(args[1], pos, frame)?;
    let frame =
        "while evaluating one element of the list of strings to concat passed to builtins.concatStringsSep";
    let mut parts = Vec::with_capacity(list.len());
    for &element in list {
        parts.push(ev.coerce_to_string(element, pos, &mut context, frame, Coercion::INTERPOLATION)?);
    }
    let separators = parts.len().saturating_sub(1) * separator.len();
    let total = separators + parts.iter().map(|part| part.len()).sum::<usize>();
    let pieces = parts.iter().enumerate().flat_map(|(i, part)| {
        let separator = if i == 0 { &[] } else { separator };
        [separator, part]
    });
    Ok(ev.heap.string_of_parts(total, pieces, ev.contexts.build(context)))
}

fn replace(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the first argument passed to builtins.replaceStrings";
    let from = ev.expect_list(args[0], pos, frame)?;
    let frame = "while evaluating the second argument passed to builtins.replaceStrings";
    let to = ev.expect_list(args[1], pos, frame)?;
    if from.len() != to.len() {
        let message = "'from' and 'to' arguments passed to builtins.replaceStrings have different lengths";
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    let frame = "while evaluating one of the strings to replace passed to builtins.replaceStrings";
    let mut patterns = Vec::with_capacity(from.len());
    for &pattern in from {
        patterns.push(ev.expect_string(pattern, pos, frame)?);
    }
    let mut context = ContextBuilder::default();
    let frame = "while evaluating the third argument passed to builtins.replaceStrings";
    let text = ev.expect_string_in(args[2], pos, frame, &mut context)?;
    let frame = "while evaluating one of the replacement strings passed to builtins.replaceStrings";
    let replaced = replace_strings(text, &patterns, |i| {
        ev.expect_string_in(to[i], pos, frame, &mut context)
    })?;
    match replaced {
        Some(replaced) => Ok(ev.heap.string_in(&replaced, ev.contexts.build(context))),
        None => ev.force(args[2], pos),
    }
}

fn base_name_of(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let mut context = ContextBuilder::default();
    let frame = "while evaluating the first argument passed to builtins.baseNameOf";
    let text = ev.coerce_to_string(args[0], pos, &mut context, frame, Coercion::PLAIN)?;
    // One slash at the end is ignored, a second one isn't.
    let trimmed = text.strip_suffix(b"/").unwrap_or(&text);
    Ok(ev
        .heap
        .string_in(path::base_name(trimmed), ev.contexts.build(context)))
}

fn dir_of(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    if let Some(path) = ev.force(args[0], pos)?.as_path() {
        return Ok(ev.heap.path(path::parent(path)));
    }
    let mut context = ContextBuilder::default();
    let frame = "while evaluating the first argument passed to 'builtins.dirOf'";
    let text = ev.coerce_to_string(args[0], pos, &mut context, frame, Coercion::PLAIN)?;
    let directory = if text.contains(&b'/') {
        path::parent(&text)
    } else {
        b"."
    };
    Ok(ev.heap.string_in(directory, ev.contexts.build(context)))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "toString",
        arity: 1,
        function: to_string,
        args: &["e"],
        doc: "Converts *e* to a string. Paths become their text and are not copied to the store; `true` is `\"1\"`, `false` and `null` are `\"\"`; lists are joined with spaces.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "stringLength",
        arity: 1,
        function: string_length,
        args: &["e"],
        doc: "Returns the number of bytes of a string.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "substring",
        arity: 3,
        function: substring,
        args: &["start", "len", "s"],
        doc: "Returns up to *len* bytes of *s* from byte *start* on; all that follow if *len* is negative.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "concatStringsSep",
        arity: 2,
        function: concat_strings_sep,
        args: &["separator", "list"],
        doc: "Joins a list of strings with *separator* between them.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "replaceStrings",
        arity: 3,
        function: replace,
        args: &["from", "to", "s"],
        doc: "Replaces each occurrence of a string of the list *from* in *s* with the corresponding string of the list *to*. Only those that occur are evaluated.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "baseNameOf",
        arity: 1,
        function: base_name_of,
        args: &["x"],
        doc: "Returns what follows the last slash of a path or string; one slash at the end of a string is ignored.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "dirOf",
        arity: 1,
        function: dir_of,
        args: &["s"],
        doc: "Returns what comes before the last slash of a path (as a path) or string.",
        global: true,
        ..Primop::DEFAULT
    },
];
