//! Lexes, parses and lowers the files named on standard input, one a line, and prints how fast.

#![forbid(unsafe_code)]

use nivis_lang::position::Origin;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(run);
    thread.expect("a thread").join().expect("no panic");
}

fn run() {
    let paths: Vec<String> = std::io::stdin().lock().lines().map_while(Result::ok).collect();
    let sources: Vec<Vec<u8>> = paths.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    let bytes: usize = sources.iter().map(Vec::len).sum();
    let ev = nivis_benches::evaluator();
    let start = Instant::now();
    let mut failed = 0;
    for (path, source) in paths.iter().zip(&sources) {
        let origin = Origin::File(Arc::from(path.as_bytes()));
        failed += usize::from(ev.delay_text(source, origin, b"/").is_err());
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} files, {:.1} MB in {:.3} s: {:.0} MB/s, {} nodes, {failed} failed",
        sources.len(),
        bytes as f64 / 1e6,
        seconds,
        bytes as f64 / 1e6 / seconds,
        ev.stats.expressions.get(),
    );
}
