//! `nix-instantiate`: evaluates expressions, and writes the derivations they give to the store.

mod flags;

use crate::args;
use crate::failure::{Failure, Result};
use crate::host::RealHost;
use crate::options::{AutoArg, Common};
use crate::output::{self, Out, complain};
use crate::program::Invocation;
use crate::report::{self, Style};
use crate::{attr_path, derivations};
use flags::{Flags, Input, Output};
use nivis_eval::attrs::{Attrs, Entry};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::settings::{SearchPathElement, Settings};
use nivis_eval::value::Slot;
use nivis_lang::position::{Origin, Pos};
use nivis_store::path::StoreDir;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

/// Runs the command.
pub(crate) fn run(invocation: &Invocation, style: Style) -> Result<()> {
    let mut flags = Flags::default();
    args::parse(&mut flags, invocation.args.clone())?;
    if flags.version {
        println!("{} (Nix) {}", invocation.name, nivis_primops::NIX_VERSION);
        return Ok(());
    }
    let style = Style {
        show_trace: flags.common.show_trace,
        ..style
    };
    let read_only = flags.common.read_only || (flags.eval_only && !flags.read_write);
    let ev = evaluator(invocation, &flags.common, read_only, style)?;
    let mut out = output::stdout();
    let outcome = nivis_primops::install(&ev)
        .map_err(Failure::from)
        .and_then(|()| evaluate(&ev, &flags, &mut out));
    // What was printed before an error stays printed before it.
    let flushed = out.flush();
    if let Err(Failure::Eval(error)) = &outcome {
        complain(&report::error(&ev, error, style));
        let status = error
            .details()
            .exit_status
            .and_then(|status| u8::try_from(status).ok());
        return Err(Failure::Exit(status.unwrap_or(1)));
    }
    outcome.and(flushed.map_err(Failure::from))
}

fn evaluator(invocation: &Invocation, common: &Common, read_only: bool, style: Style) -> Result<Evaluator> {
    let environment = &invocation.environment;
    let store_dir = match &environment.store_dir {
        Some(dir) => StoreDir::new(dir).map_err(|error| Failure::Plain(error.to_string()))?,
        None => StoreDir::default(),
    };
    let host = RealHost::new(store_dir, common.verbosity, style);
    let mut search_path = common.search_path.clone();
    if let Some(path) = &environment.nix_path {
        let elements = path.split(|&byte| byte == b':').filter(|part| !part.is_empty());
        search_path.extend(elements.map(SearchPathElement::parse));
    }
    let settings = Settings {
        search_path,
        read_only,
        count_calls: environment.count_calls,
        abort_on_warn: environment.abort_on_warn,
        home: environment
            .home
            .as_ref()
            .map(|home| home.as_os_str().as_bytes().to_vec()),
        ..Settings::default()
    };
    let ev = Evaluator::new(Box::new(host), settings);
    ev.set_native_stack(invocation.stack_size);
    Ok(ev)
}

fn evaluate(ev: &Evaluator, flags: &Flags, out: &mut Out) -> Result<()> {
    let auto_args = auto_args(ev, &flags.common)?;
    for input in flags.inputs() {
        if flags.parse_only {
            show_parsed(ev, &input, out)?;
            continue;
        }
        let root = load(ev, &input)?;
        for path in flags.attr_paths() {
            let slot = attr_path::find(ev, path, auto_args, root)?;
            ev.force(slot, Pos::NONE)?;
            match flags.eval_only {
                true => print_value(ev, flags, slot, auto_args, out)?,
                false => print_derivations(ev, slot, auto_args, out)?,
            }
        }
    }
    Ok(())
}

fn auto_args(ev: &Evaluator, common: &Common) -> Result<&'static Attrs> {
    let mut entries = vec![];
    for (name, value) in &common.auto_args {
        let slot = match value {
            AutoArg::Expression(text) => {
                let origin = Origin::String(Arc::from(text.as_slice()));
                ev.delay_text(text, origin, &current_dir()?)?
            }
            AutoArg::Text(text) => ev.string(text).slot(),
            AutoArg::File(path) => ev.string(&read_plain(path)?).slot(),
            AutoArg::Stdin => ev.string(&read_stdin()?).slot(),
        };
        entries.push(Entry {
            name: ev.intern(name),
            slot,
            pos: Pos::NONE,
        });
    }
    let set = ev.heap.attrs(&mut entries);
    Ok(set
        .as_attrs()
        .unwrap_or_else(|| unreachable!("a set was just made")))
}

fn read_plain(path: &[u8]) -> Result<Vec<u8>> {
    let file = std::ffi::OsStr::from_bytes(path);
    std::fs::read(file)
        .map_err(|error| Failure::Eval(nivis_eval::files::file_error("opening file", path, &error)))
}

fn read_stdin() -> Result<Vec<u8>> {
    let mut text = vec![];
    io::stdin()
        .lock()
        .read_to_end(&mut text)
        .map_err(|error| Failure::Plain(format!("reading standard input: {error}")))?;
    Ok(text)
}

fn current_dir() -> Result<Vec<u8>> {
    std::env::current_dir()
        .map(|dir| dir.into_os_string().into_vec())
        .map_err(|error| Failure::Plain(format!("cannot determine the current directory: {error}")))
}

/// Reads the text of an input: text, where it came from, and where its relative paths start.
fn read_input(ev: &Evaluator, input: &Input) -> Result<(Vec<u8>, Origin, Vec<u8>)> {
    match input {
        Input::Stdin => {
            let text = read_stdin()?;
            Ok((text.clone(), Origin::Stdin(Arc::from(text)), current_dir()?))
        }
        Input::Expression(text) => Ok((
            text.clone(),
            Origin::String(Arc::from(text.as_slice())),
            current_dir()?,
        )),
        Input::File(path) => {
            let path = nivis_lang::path::absolute(&current_dir()?, path);
            let path = ev.resolve_import(&path)?;
            let dir = nivis_eval::path::parent(&path).to_vec();
            Ok((ev.read_file(&path)?, Origin::File(Arc::from(path)), dir))
        }
    }
}

fn load(ev: &Evaluator, input: &Input) -> Result<Slot> {
    let (text, origin, dir) = read_input(ev, input)?;
    Ok(ev.eval_text(&text, origin, &dir)?.slot())
}

fn show_parsed(ev: &Evaluator, input: &Input, out: &mut Out) -> Result<()> {
    let (text, origin, dir) = read_input(ev, input)?;
    out.write_all(&ev.show_parsed(&text, origin, &dir)?)?;
    Ok(out.write_all(b"\n")?)
}

fn print_value(
    ev: &Evaluator,
    flags: &Flags,
    slot: Slot,
    auto_args: &'static Attrs,
    out: &mut Out,
) -> Result<()> {
    let value = match auto_args.is_empty() {
        true => ev.force(slot, Pos::NONE)?,
        false => ev.auto_call(auto_args, slot)?,
    };
    match flags.output {
        Output::Plain => {
            if flags.strict {
                ev.force_deep(value.slot())?;
            }
            ev.print_ambiguous(value, out)?;
            Ok(out.write_all(b"\n")?)
        }
        _ => Err(Failure::Plain(
            "this form of output is not supported yet".to_owned(),
        )),
    }
}

fn print_derivations(ev: &Evaluator, slot: Slot, auto_args: &'static Attrs, out: &mut Out) -> Result<()> {
    for package in derivations::find(ev, slot, auto_args)? {
        let path = ev.host.store_dir().print(&package.drv_path(ev)?);
        let output = package.output_name(ev)?;
        match &*output {
            "" => {
                let message = format!("derivation '{path}' lacks an 'outputName' attribute");
                return Err(Failure::Plain(message));
            }
            "out" => writeln!(out, "{path}")?,
            output => writeln!(out, "{path}!{output}")?,
        }
    }
    Ok(())
}
