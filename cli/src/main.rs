//! The `nivis` command, which is also every classic command: it does what the name it was called by says.

#![forbid(unsafe_code)]

mod args;
mod attr_path;
mod build;
mod build_settings;
mod commands;
mod derivations;
mod env;
mod failure;
mod hand_over;
mod help;
mod history;
mod host;
mod inputs;
mod instantiate;
mod interrupt;
mod link;
mod log;
mod options;
mod output;
mod program;
mod progress;
mod realise;
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
