//! Measures lexing and parsing: every `.nix` file of the directories given as arguments.

use bumpalo::Bump;
use nivis_lang::{ParseOptions, lexer::lex, parse, symbol::Symbols};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, files),
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|extension| extension == "nix") => {
                files.push(path);
            }
            _ => {}
        }
    }
}

fn report(what: &str, bytes: usize, time: Duration) {
    let seconds = time.as_secs_f64();
    println!(
        "{what}: {:.1} MB in {:.0} ms, {:.0} MB/s, {:.2} ns/byte",
        bytes as f64 / 1e6,
        seconds * 1e3,
        bytes as f64 / 1e6 / seconds,
        seconds * 1e9 / bytes as f64
    );
}

fn main() {
    let mut files = Vec::new();
    for directory in std::env::args_os().skip(1) {
        collect(Path::new(&directory), &mut files);
    }
    let sources: Vec<_> = files.iter().filter_map(|file| std::fs::read(file).ok()).collect();
    let bytes = sources.iter().map(Vec::len).sum();
    for _ in 0..3 {
        let start = Instant::now();
        let tokens: usize = sources
            .iter()
            .map(|source| lex(source, false, false).tokens.len())
            .sum();
        report("lex", bytes, start.elapsed());
        let mut symbols = Symbols::new();
        let (mut errors, mut allocated) = (0, 0);
        let mut arena = Bump::new();
        let start = Instant::now();
        for source in &sources {
            let options = ParseOptions {
                home: Some(b"/home"),
                ..ParseOptions::new(1, b"/base")
            };
            errors += usize::from(parse(source, &options, &mut symbols, &arena).is_err());
            allocated += arena.allocated_bytes();
            arena.reset();
        }
        report("lex and parse", bytes, start.elapsed());
        println!(
            "{} files, {tokens} tokens, {errors} errors, {allocated} arena bytes",
            sources.len()
        );
    }
}
