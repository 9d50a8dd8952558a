//! The `nivis` command, which is also every classic command: it does what the name it was called by says.

#![forbid(unsafe_code)]

mod args;
mod attr_path;
mod derivations;
mod env;
mod failure;
mod host;
mod instantiate;
mod options;
mod output;
mod program;
mod report;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::main()
}
