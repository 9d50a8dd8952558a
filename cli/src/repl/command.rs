//! What an input asks for, and the answer.

use super::session::{Repl, is_incomplete, is_syntax_error};
use super::{doc, tools};
use crate::failure::{Failure, Result};
use nivis_eval::context::ContextBuilder;
use nivis_eval::function::FunctionKind;
use nivis_eval::value::{Unpacked, Value};
use nivis_lang::position::Pos;
use std::time::Instant;

/// What comes after an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum After {
    /// The next input.
    Next,
    /// More of this one: it is not complete.
    More,
    /// The end.
    Quit,
}

const HELP: &str = "\
The following commands are available:

  <expr>                       Evaluate and print expression
  <x> = <expr>                 Bind expression to variable
  :a, :add <expr>              Add attributes from resulting set to scope
  :b <expr>                    Build a derivation
  :bl <expr>                   Build a derivation, creating GC roots in the
                               working directory
  :e, :edit <expr>             Open package or function in $EDITOR
  :i <expr>                    Build derivation, then install result into
                               current profile
  :l, :load <path>             Load Nix expression and add it to scope
  :ll, :last-loaded            Show most recently loaded variables added to scope
  :p, :print <expr>            Evaluate and print expression recursively
                               Strings are printed directly, without escaping.
  :profile <expr>              Evaluate expression; show what that took
  :q, :quit                    Exit nix-repl
  :r, :reload                  Reload all files
  :sh <expr>                   Build dependencies of derivation, then start
                               nix-shell
  :t <expr>                    Describe result of evaluation
  :u <expr>                    Build derivation, then start nix-shell
  :doc <expr>                  Show documentation of a function or attribute
  :log <expr>                  Show logs for a derivation
  :te, :trace-enable [bool]    Enable, disable or toggle showing traces for
                               errors
  :why <expr>                  Show where a value was defined
  :?, :help                    Brings up this help menu
";

/// Answers an input.
pub(super) fn answer(repl: &Repl<'_>, input: &str) -> Result<After> {
    let input = input.trim();
    let answered = match input.starts_with(':') {
        true => {
            let (command, argument) = input.split_once(char::is_whitespace).unwrap_or((input, ""));
            run(repl, command, argument.trim())
        }
        false if input.is_empty() => Ok(After::Next),
        false => evaluate(repl, input),
    };
    match answered {
        Err(failure) if is_incomplete(&failure) => Ok(After::More),
        answered => answered,
    }
}

/// Definitions, or an expression.
fn evaluate(repl: &Repl<'_>, input: &str) -> Result<After> {
    let bindings = match repl.bindings(input, "") {
        // The last semicolon may be left out.
        Err(failure) if is_syntax_error(&failure) => repl.bindings(input, ";"),
        bindings => bindings,
    };
    match bindings {
        Ok(set) => repl.define(set),
        Err(failure) if !is_syntax_error(&failure) || is_incomplete(&failure) => return Err(failure),
        // It is no definition.
        Err(_) => {
            let value = repl.eval(input)?;
            repl.print_value(value, 1)?;
        }
    }
    Ok(After::Next)
}

fn run(repl: &Repl<'_>, command: &str, argument: &str) -> Result<After> {
    match command {
        ":?" | ":help" => repl.print(HELP.as_bytes())?,
        ":q" | ":quit" => return Ok(After::Quit),
        ":a" | ":add" => repl.add(repl.eval(argument)?)?,
        ":l" | ":load" => {
            repl.session.ev.forget_files();
            repl.load(argument)?;
        }
        ":ll" | ":last-loaded" => {
            for name in repl.last_loaded()? {
                line(repl, &name)?;
            }
        }
        ":r" | ":reload" => repl.reload()?,
        ":t" => {
            let value = repl.eval(argument)?;
            line(repl, &repl.session.ev.describe(value))?;
        }
        ":p" | ":print" => print_all(repl, argument)?,
        ":te" | ":trace-enable" => trace_enable(repl, command, argument)?,
        ":doc" => line(repl, &doc::document(repl, argument)?)?,
        ":why" => why(repl, argument)?,
        ":profile" => profile(repl, argument)?,
        ":e" | ":edit" => edit(repl, argument)?,
        ":b" | ":bl" => tools::build(repl, argument, command == ":bl")?,
        ":i" => tools::run(repl, "nix-env", &["-i", &tools::drv_path(repl, argument)?])?,
        ":sh" => tools::run(repl, "nix-shell", &[&tools::drv_path(repl, argument)?])?,
        ":u" => {
            let shell = format!(
                "(import <nixpkgs> {{ }}).runCommand \"shell\" {{ buildInputs = [ ({argument}) ]; }} \"\""
            );
            tools::run(repl, "nix-shell", &[&tools::drv_path(repl, &shell)?])?;
        }
        ":log" => tools::run(
            repl,
            "nix-store",
            &["--read-log", &tools::drv_path(repl, argument)?],
        )?,
        ":lf" | ":load-flake" => return Err(Failure::Plain("flakes cannot be loaded".to_owned())),
        _ => return Err(Failure::Plain(format!("unknown command '{command}'"))),
    }
    Ok(After::Next)
}

fn line(repl: &Repl<'_>, text: &str) -> Result<()> {
    repl.print(format!("{text}\n").as_bytes())
}

fn print_all(repl: &Repl<'_>, argument: &str) -> Result<()> {
    let value = repl.eval(argument)?;
    match value.as_string() {
        Some(string) => {
            repl.print(string.bytes())?;
            repl.print(b"\n")
        }
        None => repl.print_value(value, usize::MAX),
    }
}

fn trace_enable(repl: &Repl<'_>, command: &str, argument: &str) -> Result<()> {
    let enable = match argument {
        "" => !repl.show_trace.get(),
        "true" => true,
        "false" => false,
        _ => {
            let message = format!("unexpected argument '{argument}' to {command}");
            return Err(Failure::Plain(message));
        }
    };
    repl.show_trace.set(enable);
    line(
        repl,
        match enable {
            true => "showing error traces",
            false => "not showing error traces",
        },
    )
}

/// Where the value of an expression was defined: the attribute it was selected by, and the function that it is.
fn why(repl: &Repl<'_>, argument: &str) -> Result<()> {
    let ev = &repl.session.ev;
    let mut places = vec![];
    if let Some((name, pos)) = doc::attribute(repl, argument)? {
        places.push((format!("attribute '{name}'"), pos));
    }
    let value = repl.eval(argument)?;
    match value.unpack() {
        Unpacked::Function(function) => {
            if let FunctionKind::Lambda(code, _) = function.kind() {
                places.push(("function".to_owned(), code.pos));
            }
        }
        Unpacked::Attrs(set) => {
            let first = ev
                .sorted_entries(set)
                .map(|entry| entry.pos)
                .find(|pos| pos.is_some());
            places.extend(first.map(|pos| ("attributes of the set".to_owned(), pos)));
        }
        _ => {}
    }
    places.retain(|(_, pos)| pos.is_some());
    if places.is_empty() {
        return Err(Failure::Plain(format!(
            "nothing is known of where {} comes from",
            ev.describe(value)
        )));
    }
    for (what, pos) in places {
        line(repl, &format!("{what} defined at {}", ev.show_position(pos)))?;
        if let Some(place) = ev.place(pos) {
            line(repl, &place.to_string())?;
        }
    }
    Ok(())
}

/// Evaluates completely, and shows what that took.
fn profile(repl: &Repl<'_>, argument: &str) -> Result<()> {
    let ev = &repl.session.ev;
    let counters = || {
        let stats = &ev.stats;
        [
            ("function calls", stats.function_calls.get()),
            ("calls of builtins", stats.primop_calls.get()),
            ("selections", stats.lookups.get()),
            ("updates (//)", stats.updates.get()),
            ("list concatenations", stats.list_concats.get()),
        ]
    };
    let before = counters();
    let start = Instant::now();
    let value = repl.eval(argument)?;
    ev.force_deep(value.slot())?;
    let seconds = start.elapsed().as_secs_f64();
    line(repl, &format!("{seconds:>14.6} s  {}", ev.describe(value)))?;
    for ((name, before), (_, after)) in before.into_iter().zip(counters()) {
        line(repl, &format!("{:>14}    {name}", after - before))?;
    }
    Ok(())
}

/// Opens the place where a function or package is defined, or a file, in the user's editor; loads all files again.
fn edit(repl: &Repl<'_>, argument: &str) -> Result<()> {
    let ev = &repl.session.ev;
    let value = repl.eval(argument)?;
    let (file, line) = match value.unpack() {
        Unpacked::Path(_) | Unpacked::String(_) => {
            let context = "while evaluating the filename to edit";
            let mut strings = ContextBuilder::default();
            let path = ev.coerce_to_path(value.slot(), Pos::NONE, &mut strings, context)?;
            (String::from_utf8_lossy(&path).into_owned(), 0)
        }
        Unpacked::Function(function) => match function.kind() {
            FunctionKind::Lambda(code, _) => doc::file_and_line(repl, code.pos)?,
            _ => return Err(Failure::Plain(format!("{} has no source", ev.describe(value)))),
        },
        _ => package_place(repl, value, argument)?,
    };
    tools::edit(repl, &file, line)?;
    repl.reload()
}

/// `meta.position` of a package.
fn package_place(repl: &Repl<'_>, value: Value, what: &str) -> Result<(String, u32)> {
    let ev = &repl.session.ev;
    let unknown = || Failure::Plain(format!("package '{what}' has no source location information"));
    let set = value.as_attrs().ok_or_else(unknown)?;
    let meta = ev.known_symbol(b"meta").and_then(|name| set.get(name));
    let meta = ev.expect_attrs(
        meta.ok_or_else(unknown)?,
        Pos::NONE,
        "while evaluating the 'meta' attribute of a package",
    )?;
    let position = ev.known_symbol(b"position").and_then(|name| meta.get(name));
    let position = ev.expect_string(
        position.ok_or_else(unknown)?,
        Pos::NONE,
        "while evaluating the 'position' attribute of a package",
    )?;
    let position = String::from_utf8_lossy(position).into_owned();
    let (file, line) = position.rsplit_once(':').ok_or_else(unknown)?;
    Ok((file.to_owned(), line.parse().map_err(|_| unknown())?))
}
