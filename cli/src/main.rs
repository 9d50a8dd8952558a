//! The `nivis` command, which is also every classic command: it does what the name it was called by says.

#![deny(unsafe_code)]

mod args;
mod attr_path;
mod build;
mod build_settings;
mod channel;
mod code_cache;
mod collect_garbage;
#[allow(
    unsafe_code,
    reason = "says which values are still needed: see the module's invariants"
)]
mod collection;
mod commands;
mod derivations;
mod download;
mod enter;
mod env;
mod failure;
mod files;
mod hand_over;
mod hash_command;
mod help;
mod history;
mod host;
mod host_dirs;
mod inputs;
mod instantiate;
mod interrupt;
mod keep_going;
mod link;
mod listing_index;
mod log;
mod nix_env;
mod options;
mod output;
mod packages;
mod percent;
mod prefetch;
mod pretty_json;
mod profile;
mod program;
mod progress;
mod realise;
mod repl;
mod report;
mod session;
mod settings;
mod shell;
mod stats;
mod store_choice;
mod store_command;
mod store_entry;
mod store_parameters;
mod store_session;
mod table;
mod user_environment;
mod xml;

#[global_allocator]
static ALLOCATOR: nivis_eval::allocator::Allocator = nivis_eval::allocator::Allocator;

fn main() {
    program::main()
}
