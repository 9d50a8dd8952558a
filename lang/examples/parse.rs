//! Prints files as `nix-instantiate --parse` does. Arguments are files, or `-` to read their names from standard
//! input; then each output is preceded by a line `== FILE`.

use bumpalo::Bump;
use nivis_lang::position::{Origin, SourceMap};
use nivis_lang::{ParseOptions, parse, show::show, symbol::Symbols};
use std::io::{BufRead, Write};
use std::path::Path;

fn print(file: &Path, out: &mut impl Write) -> std::io::Result<()> {
    let source = std::fs::read(file)?;
    let directory = std::path::absolute(file)?
        .parent()
        .unwrap_or(Path::new("/"))
        .to_path_buf();
    let options = ParseOptions {
        home: Some(b"/root"),
        pipe_operators: std::env::var_os("PIPES").is_some(),
        ..ParseOptions::new(1, directory.as_os_str().as_encoded_bytes())
    };
    let mut symbols = Symbols::new();
    let arena = Bump::new();
    match parse(&source, &options, &mut symbols, &arena) {
        Ok(parsed) => {
            for warning in &parsed.warnings {
                eprintln!("warning: {}", warning.message("POS"));
            }
            out.write_all(&show(parsed.ast, &symbols))?;
            writeln!(out)
        }
        Err(error) => {
            for warning in &error.warnings {
                eprintln!("warning: {}", warning.message("POS"));
            }
            let mut sources = SourceMap::new();
            sources.add(Origin::String(source.as_slice().into()), source.len());
            let place = |pos| match sources.locate(pos, |_| None) {
                Some(location) => format!("{}:{}", location.line, location.column),
                None => String::new(),
            };
            let previous = error
                .previous
                .map(|pos| format!(" at {}", place(pos)))
                .unwrap_or_default();
            writeln!(out, "error: {}{previous} @ {}", error.message, place(error.pos))
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for file in std::env::args_os().skip(1) {
        if file == "-" {
            for line in std::io::stdin().lock().lines() {
                let line = line?;
                writeln!(out, "== {line}")?;
                print(Path::new(&line), &mut out)?;
            }
        } else {
            print(Path::new(&file), &mut out)?;
        }
    }
    out.flush()
}
