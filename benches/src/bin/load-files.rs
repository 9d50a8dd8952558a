//! Lexes, parses and lowers the files named on standard input, one a line, and prints how much time of the CPU it took.

#![forbid(unsafe_code)]

use nivis_lang::position::Origin;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::io::BufRead;
use std::sync::Arc;

fn main() {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(run);
    thread.expect("a thread").join().expect("no panic");
}

fn run() {
    let paths: Vec<String> = std::io::stdin().lock().lines().map_while(Result::ok).collect();
    let sources: Vec<Vec<u8>> = paths.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    let bytes: usize = sources.iter().map(Vec::len).sum();
    let ev = nivis_benches::evaluator();
    let start = cpu_seconds();
    let mut failed = 0;
    for (path, source) in paths.iter().zip(&sources) {
        let origin = Origin::File(Arc::from(path.as_bytes()));
        failed += usize::from(ev.delay_text(source, origin, b"/").is_err());
    }
    let seconds = cpu_seconds() - start;
    println!(
        "{} files, {:.1} MB in {:.3} s: {:.0} MB/s, {} nodes, {failed} failed",
        sources.len(),
        bytes as f64 / 1e6,
        seconds,
        bytes as f64 / 1e6 / seconds,
        ev.stats.expressions.get(),
    );
}

/// What the process used of the CPU so far, in the program and in the system.
fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the process may look at itself");
    (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6
}
