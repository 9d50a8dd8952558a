//! The commands by name.

use crate::args::lossy;
use crate::failure::{Failure, Result};
use crate::program::Invocation;
use crate::{
    build, channel, collect_garbage, enter, hash_command, help, instantiate, link, nix_env, prefetch,
    profile, repl, shell, store_command,
};

/// A classic command.
pub(crate) struct Command {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is for, in a line.
    pub(crate) summary: &'static str,
    /// Runs it.
    run: fn(&Invocation) -> Result<()>,
}

/// The classic commands that exist.
pub(crate) static COMMANDS: &[Command] = &[
    Command {
        name: "nix-build",
        summary: "evaluate expressions, and build the derivations they give",
        run: build::run,
    },
    Command {
        name: "nix-channel",
        summary: "keep the expressions of channels up to date",
        run: channel::run,
    },
    Command {
        name: "nix-collect-garbage",
        summary: "delete what nothing needs any more, and old generations of profiles",
        run: collect_garbage::run,
    },
    Command {
        name: "nix-env",
        summary: "list packages, and install them into profiles",
        run: nix_env::run,
    },
    Command {
        name: "nix-instantiate",
        summary: "evaluate expressions, and write the derivations they give to the store",
        run: instantiate::run,
    },
    Command {
        name: "nix-prefetch-url",
        summary: "fetch a file to the store and print its hash",
        run: prefetch::run,
    },
    Command {
        name: "nix-shell",
        summary: "open a shell with the environment that a derivation is built in",
        run: shell::run,
    },
    Command {
        name: "nix-store",
        summary: "look at the store and work on it",
        run: store_command::run,
    },
    Command {
        name: "nix-hash",
        summary: "hash files and folders, and write hashes in other ways",
        run: hash_command::run,
    },
];

/// Runs the command that the program's name or its first argument says.
pub(crate) fn dispatch(invocation: &Invocation) -> Result<()> {
    if let Some(command) = find(&invocation.name) {
        return (command.run)(invocation);
    }
    if invocation.name.starts_with("nix-") {
        return Err(unknown(&invocation.name));
    }
    let Some((first, rest)) = invocation.args.split_first() else {
        return help::overview(&invocation.called_as);
    };
    let name = lossy(first);
    let inner = || Invocation {
        called_as: format!("{} {name}", invocation.called_as),
        name: name.clone(),
        args: rest.to_vec(),
        environment: invocation.environment.clone(),
        profile: invocation.profile.clone(),
        ..*invocation
    };
    if let Some(command) = find(&name) {
        return (command.run)(&inner());
    }
    match name.as_str() {
        "help" | "--help" | "-h" => help::overview(&invocation.called_as),
        "--version" if invocation.name == "nix" => help::version("nix", invocation, None),
        "--version" => help::version("nivis", invocation, None),
        "repl" => repl::run(&inner()),
        // The one command of that family that has no classic name.
        "store"
            if rest
                .first()
                .is_some_and(|command| command == b"path-from-hash-part") =>
        {
            let mut call = inner();
            call.args[0] = b"--path-from-hash-part".to_vec();
            call.name = "nix-store".to_owned();
            store_command::run(&call)
        }
        "enter" => enter::run(&inner()),
        "profile" => profile::run(&inner()),
        "link" => link::run(rest),
        _ => Err(unknown(&name)),
    }
}

/// Runs the classic command of the invocation's name.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    match find(&invocation.name) {
        Some(command) => (command.run)(invocation),
        None => Err(unknown(&invocation.name)),
    }
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    Failure::Plain(format!(
        "nivis has no command '{name}' yet; it has {}, enter, link, profile, repl, store path-from-hash-part and help",
        names.join(", ")
    ))
}
