//! The `nivis` command.

fn main() {}
