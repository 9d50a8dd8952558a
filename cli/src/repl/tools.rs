//! Other programs that a session calls: this one for builds and shells, and the user's editor.

use super::session::Repl;
use crate::failure::{Failure, Result};
use nivis_eval::context::ContextBuilder;
use nivis_eval::ops::coerce::Coercion;
use nivis_lang::position::Pos;
use std::process::{Command, Stdio};

/// The path of the derivation that an expression gives; it is in the store.
pub(super) fn drv_path(repl: &Repl<'_>, text: &str) -> Result<String> {
    let ev = &repl.session.ev;
    let value = repl.eval(text)?;
    let set = match value.as_attrs() {
        Some(set) if ev.is_derivation(set)? => set,
        _ => {
            let message = "expression does not evaluate to a derivation, so I can't build it";
            return Err(Failure::Plain(message.to_owned()));
        }
    };
    let drv_path = set.get(ev.names.drv_path).ok_or_else(|| {
        Failure::Plain(
            "expression did not evaluate to a valid derivation (no 'drvPath' attribute)".to_owned(),
        )
    })?;
    let context = "while evaluating the 'drvPath' attribute of a derivation";
    let mut strings = ContextBuilder::default();
    let path = ev.coerce_to_string(drv_path, Pos::NONE, &mut strings, context, Coercion::PLAIN)?;
    repl.session.store.flush()?;
    Ok(String::from_utf8_lossy(&path).into_owned())
}

/// Builds the derivation that an expression gives, and says what it produced.
pub(super) fn build(repl: &Repl<'_>, text: &str, links: bool) -> Result<()> {
    let drv = drv_path(repl, text)?;
    let realised = command(repl, "nix-store", &["--quiet", "--realise", &drv])?
        .stdout(Stdio::null())
        .status()
        .map_err(|error| cannot_run("nix-store", &error))?;
    if !realised.success() {
        // It has told why.
        return Err(Failure::Exit(1));
    }
    repl.print(b"\nThis derivation produced the following outputs:\n")?;
    for (name, path) in outputs(repl, text)? {
        match links {
            true => {
                let link = format!("repl-result-{name}");
                let status = command(repl, "nix-store", &["--realise", &path, "--add-root", &link])?
                    .stdout(Stdio::null())
                    .status()
                    .map_err(|error| cannot_run("nix-store", &error))?;
                if !status.success() {
                    return Err(Failure::Exit(1));
                }
                repl.print(format!("  ./{link} -> {path}\n").as_bytes())?;
            }
            false => repl.print(format!("  {name} -> {path}\n").as_bytes())?,
        }
    }
    Ok(())
}

/// The names and paths of a derivation's outputs.
fn outputs(repl: &Repl<'_>, text: &str) -> Result<Vec<(String, String)>> {
    let listed = repl.eval(&format!(
        "let derivation = ({text}); in builtins.concatMap (name: [ name (derivation.${{name}} or derivation).outPath ]) \
         (builtins.sort (a: b: a < b) (derivation.outputs or [ \"out\" ]))"
    ))?;
    let ev = &repl.session.ev;
    let context = "while evaluating the outputs of a derivation";
    let mut texts = vec![];
    for &slot in ev.expect_list(listed.slot(), Pos::NONE, context)? {
        let text = ev.expect_string(slot, Pos::NONE, context)?;
        texts.push(String::from_utf8_lossy(text).into_owned());
    }
    let pairs = texts.chunks_exact(2);
    Ok(pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect())
}

/// Runs one of our commands; it talks to the user itself.
pub(super) fn run(repl: &Repl<'_>, name: &str, arguments: &[&str]) -> Result<()> {
    let status = command(repl, name, arguments)?
        .status()
        .map_err(|error| cannot_run(name, &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::Plain(format!("'{name}' failed: {status}"))),
    }
}

fn command(repl: &Repl<'_>, name: &str, arguments: &[&str]) -> Result<Command> {
    repl.flush()?;
    let program = std::env::current_exe().map_err(|error| cannot_run(name, &error))?;
    let mut command = Command::new(program);
    command.arg(name).args(arguments);
    if let Some(store) = &repl.store {
        command.args(["--store", store]);
    }
    Ok(command)
}

/// Opens a file at a line (0: no line) with `$EDITOR`.
pub(super) fn edit(repl: &Repl<'_>, file: &str, line: u32) -> Result<()> {
    repl.flush()?;
    let editor = repl.editor();
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let mut command = Command::new(program);
    command.args(words);
    let understands_lines = ["emacs", "nano", "vim", "vi", "kak", "nvim"]
        .iter()
        .any(|name| program.ends_with(name));
    if line > 0 && understands_lines {
        command.arg(format!("+{line}"));
    }
    let status = command
        .arg(file)
        .status()
        .map_err(|error| cannot_run(program, &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::Plain(format!("'{program}' failed: {status}"))),
    }
}

fn cannot_run(program: &str, error: &std::io::Error) -> Failure {
    Failure::Plain(format!("cannot run '{program}': {error}"))
}
