//! The `nivis` command, which is also every classic command: it does what the name it was called by says.

#![forbid(unsafe_code)]

mod args;
mod attr_path;
mod commands;
mod derivations;
mod env;
mod failure;
mod help;
mod host;
mod instantiate;
mod interrupt;
mod link;
mod log;
mod options;
mod output;
mod program;
mod report;
mod session;
mod settings;
mod stats;
mod store_choice;
mod store_command;
mod store_session;

fn main() {
    program::main()
}
