//! Checks the syntax tree of files named on standard input: its text is the source, and it has diagnostics exactly
//! when the file does not parse. With a file as argument, prints its tree and diagnostics.

use bumpalo::Bump;
use nivis_lang::tree::parse_tree;
use nivis_lang::{ParseOptions, parse, symbol::Symbols};
use std::io::BufRead;

fn main() -> std::io::Result<()> {
    if let Some(file) = std::env::args_os().nth(1) {
        let tree = parse_tree(&std::fs::read(file)?, true);
        println!("{:#?}{:#?}", tree.root(), tree.diagnostics());
        return Ok(());
    }
    let mut count = 0;
    for file in std::io::stdin().lock().lines() {
        let file = file?;
        let source = std::fs::read(&file)?;
        let tree = parse_tree(&source, true);
        if tree.text() != source {
            println!("{file}: the text differs");
        }
        let options = ParseOptions {
            home: Some(b"/home"),
            pipe_operators: true,
            ..ParseOptions::new(1, b"/")
        };
        let arena = Bump::new();
        match parse(&source, &options, &mut Symbols::new(), &arena) {
            Ok(_) if !tree.diagnostics().is_empty() => println!("{file}: {:?}", tree.diagnostics()),
            Err(error) if tree.diagnostics().is_empty() => println!("{file}: {}", error.message),
            _ => {}
        }
        count += 1;
    }
    println!("{count} files");
    Ok(())
}
