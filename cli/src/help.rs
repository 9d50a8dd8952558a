//! `--help` and `--version`, made from the tables of flags and settings.

use crate::args::{Arguments, Flag};
use crate::commands::COMMANDS;
use crate::failure::Result;
use crate::log;
use crate::options::Common;
use crate::output;
use crate::program::Invocation;
use crate::settings;
use crate::store_choice;
use std::fmt::Write as _;
use std::io::Write as _;

/// How wide text may be.
const WIDTH: usize = 100;
/// Where explanations start.
const COLUMN: usize = 30;

/// What nivis can do.
pub(crate) fn overview(called_as: &str) -> Result<()> {
    let mut text = format!("Nivis: a Nix in Rust.\n\nUsage: {called_as} COMMAND [ARGUMENT]…\n\nCommands:\n");
    for command in COMMANDS {
        entry(&mut text, command.name, command.summary);
    }
    entry(
        &mut text,
        "link DIR",
        "make links with the names above in DIR, to be put on PATH",
    );
    entry(
        &mut text,
        "enter [PROGRAM]…",
        "run a program where the store is at its place",
    );
    entry(
        &mut text,
        "profile -- COMMAND…",
        "run a command, and show which functions took time and memory",
    );
    entry(&mut text, "repl [FILE]…", "evaluate what is typed, line by line");
    entry(&mut text, "help", "print this");
    text.push_str("\nEach command explains itself with --help.\n");
    print(&text)
}

/// The help of a command: its usage line, an explanation and its flags.
pub(crate) fn command<C: Arguments>(usage: &str, explanation: &str) -> Result<()> {
    let mut text = format!("Usage: {usage}\n\n{explanation}\n\nOptions:\n");
    flag_entries(&mut text, C::FLAGS);
    text.push_str("\nOptions shared with other commands:\n");
    for flags in C::COMMON_FLAGS {
        flag_entries(&mut text, flags);
    }
    text.push_str("\nSettings (--name VALUE, or in nix.conf):\n");
    for setting in settings::documented() {
        entry(&mut text, setting.name, setting.doc);
    }
    text.push_str("\nOther settings of Nix 2.34 are accepted and do nothing yet.\n");
    print(&text)
}

/// The help of a command without tables of flags.
pub(crate) fn flags(usage: &str, explanation: &str, flags: &[(&str, &str)]) -> Result<()> {
    let mut text = format!("Usage: {usage}\n\n{explanation}\n\nOptions:\n");
    for (flag, help) in flags {
        entry(&mut text, flag, help);
    }
    print(&text)
}

fn flag_entries<T>(text: &mut String, flags: &[Flag<T>]) {
    for flag in flags.iter().filter(|flag| !flag.help.is_empty()) {
        let mut names = flag.names.join(", ");
        for value in flag.values {
            let _ = write!(names, " {}", value.to_uppercase());
        }
        entry(text, &names, flag.help);
    }
}

/// A name with an explanation beside or below it.
pub(crate) fn entry(text: &mut String, name: &str, explanation: &str) {
    let _ = write!(text, "  {name}");
    let mut column = name.len() + 2;
    if column + 2 > COLUMN {
        text.push('\n');
        column = 0;
    }
    let _ = write!(text, "{:1$}", "", COLUMN - column);
    column = COLUMN;
    for word in explanation.split(' ') {
        if column > COLUMN && column + 1 + word.chars().count() > WIDTH {
            let _ = write!(text, "\n{:COLUMN$}", "");
            column = COLUMN;
        } else if column > COLUMN {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.chars().count();
    }
    text.push('\n');
}

/// `name (Nix) 2.34.8`: scripts read the last word. With `-v` also what this installation uses.
pub(crate) fn version(name: &str, invocation: &Invocation, common: Option<&Common>) -> Result<()> {
    let mut text = format!("{name} (Nix) {}\n", nivis_primops::NIX_VERSION);
    if let Some(common) = common.filter(|common| common.verbosity > log::NORMAL) {
        let environment = &invocation.environment;
        let store = store_choice::choose(common.store.as_deref(), &common.settings, environment, true)?;
        let user_files: Vec<String> = settings::file::user_files(environment)
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let _ = writeln!(text, "nivis {}", env!("CARGO_PKG_VERSION"));
        let _ = writeln!(text, "System type: {}", common.system());
        let _ = writeln!(
            text,
            "System configuration file: {}",
            settings::file::system_file(environment).display()
        );
        let _ = writeln!(text, "User configuration files: {}", user_files.join(":"));
        let _ = writeln!(text, "Store directory: {}", store.store_dir().as_str());
        let _ = writeln!(text, "State directory: {}", environment.state_dir.display());
    }
    print(&text)
}

/// Prints a text.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = output::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
