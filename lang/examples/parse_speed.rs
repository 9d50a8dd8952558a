//! Measures lexing and parsing: every `.nix` file of the directories given as arguments.

use bumpalo::Bump;
use nivis_lang::{ParseOptions, lexer::lex, parse, symbol::Symbols};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// The time this thread has run, so that other programs do not count.
fn clock() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
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
        let start = clock();
        let tokens: usize = sources
            .iter()
            .map(|source| lex(source, false, false).tokens.len())
            .sum();
        report("lex", bytes, clock() - start);
        let mut symbols = Symbols::new();
        let mut errors = 0;
        let mut arena = Bump::new();
        let start = clock();
        for source in &sources {
            let options = ParseOptions {
                home: Some(b"/home"),
                ..ParseOptions::new(1, b"/base")
            };
            errors += usize::from(parse(source, &options, &mut symbols, &arena).is_err());
            arena.reset();
        }
        report("lex and parse", bytes, clock() - start);
        println!("{} files, {tokens} tokens, {errors} errors", sources.len());
    }
}
