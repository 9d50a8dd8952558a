//! The command line of `nix-store`. Flags that are not known belong to the operation, which may come after them.

use super::{OPERATIONS, Operation};
use crate::args::{Arg, Arguments, Flag, OtherFlag, lossy};
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::help;
use crate::options::{COMMON_FLAGS, Common};
use crate::output;
use crate::program::Invocation;
use crate::session::read_stdin;
use crate::settings;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

const EXPLANATION: &str = "\
Looks at the store and works on it. One operation is given, with its own options, and arguments that
are paths of the store, symlinks to them, or paths within them.";

/// What the command line says.
pub(super) struct Flags {
    pub(super) common: Common,
    pub(super) help: bool,
    pub(super) operation: Option<&'static Operation>,
    /// `--add-root`, absolute
    pub(super) root: Option<PathBuf>,
    pub(super) no_output: bool,
    pub(super) args: Vec<Arg>,
    /// Flags that are the operation's, as they are, with their values.
    own: Vec<(String, Option<Arg>)>,
    /// `--stdin`: there are more arguments on standard input.
    more_on_stdin: bool,
}

impl Flags {
    /// No flags, with the settings of the configuration files.
    pub(super) fn new(environment: &Environment) -> Result<Flags> {
        Ok(Flags {
            common: Common::new(settings::file::load(environment)?),
            help: false,
            operation: None,
            root: None,
            no_output: false,
            args: vec![],
            own: vec![],
            more_on_stdin: false,
        })
    }

    /// The flags of the operation, by their first names.
    pub(super) fn take_own(&mut self, operation: &Operation) -> Result<Vec<(&'static str, Option<Arg>)>> {
        if self.more_on_stdin && !operation.reads_stdin {
            let text = read_stdin()?;
            let words = text.split(u8::is_ascii_whitespace);
            self.args
                .extend(words.filter(|word| !word.is_empty()).map(<[u8]>::to_vec));
        }
        let own = std::mem::take(&mut self.own);
        own.into_iter()
            .map(|(name, value)| {
                let mut flags = operation.flags.iter();
                match flags.find(|flag| flag.names.contains(&name.as_str())) {
                    Some(flag) => Ok((flag.names[0], value)),
                    None => Err(Failure::Usage((operation.unknown_flag)(&name))),
                }
            })
            .collect()
    }

    fn set_operation(&mut self, operation: &'static Operation) -> Result<()> {
        match self.operation.replace(operation) {
            Some(earlier) if !std::ptr::eq(earlier, operation) => {
                Err(Failure::Usage("only one operation may be specified".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The flags that are no operation's.
static FLAGS: &[Flag<Flags>] = &[
    Flag {
        names: &["--add-root"],
        values: &["path"],
        help: "Make links at path to what is realised, which keep it from being collected.",
        apply: |flags, values| {
            let path = PathBuf::from(OsString::from_vec(values[0].clone()));
            let path = std::path::absolute(&path)
                .map_err(|error| Failure::Plain(format!("resolving '{}': {error}", path.display())))?;
            flags.root = Some(path);
            Ok(())
        },
    },
    Flag {
        names: &["--indirect"],
        values: &[],
        help: "",
        apply: |_, _| Ok(()),
    },
    Flag {
        names: &["--stdin"],
        values: &[],
        help: "Take more arguments from standard input, white space between them.",
        apply: |flags, _| {
            match std::io::stdin().is_terminal() {
                true => flags.own.push(("--stdin".to_owned(), None)),
                false => flags.more_on_stdin = true,
            }
            Ok(())
        },
    },
    Flag {
        names: &["--no-output"],
        values: &[],
        help: "Do not print the paths of what is realised.",
        apply: |flags, _| {
            flags.no_output = true;
            Ok(())
        },
    },
    Flag {
        names: &["--help"],
        values: &[],
        help: "Print this; after an operation only what belongs to it.",
        apply: |flags, _| {
            flags.help = true;
            Ok(())
        },
    },
];

impl Arguments for Flags {
    type Common = Common;
    const COMMON_FLAGS: &'static [&'static [Flag<Common>]] = &[COMMON_FLAGS];
    const FLAGS: &'static [Flag<Flags>] = FLAGS;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn other_flag(&mut self, name: &str) -> Option<OtherFlag<Flags>> {
        if let Some(flag) = Common::setting_flag(name, Flags::common) {
            return Some(flag);
        }
        let operation = OPERATIONS
            .iter()
            .find(|operation| operation.names.contains(&name));
        if let Some(operation) = operation {
            return Some(OtherFlag {
                values: 0,
                is_own: true,
                apply: Box::new(|flags, _| flags.set_operation(operation)),
            });
        }
        let name = name.to_owned();
        let takes_value = OPERATIONS
            .iter()
            .flat_map(|operation| operation.flags)
            .any(|flag| flag.names.contains(&name.as_str()) && !flag.value.is_empty());
        Some(OtherFlag {
            values: usize::from(takes_value),
            is_own: true,
            apply: Box::new(move |flags, values| {
                flags.own.push((name, values.first().cloned()));
                Ok(())
            }),
        })
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        // What is not a known flag is the operation's, also a lone dash.
        match arg.first() {
            Some(b'-') => self.own.push((lossy(&arg), None)),
            _ => self.args.push(arg),
        }
        Ok(true)
    }
}

/// Prints what there is to know about the command, or about one operation.
pub(super) fn print_help(invocation: &Invocation, operation: Option<&Operation>) -> Result<()> {
    let Some(operation) = operation else {
        let usage = format!("{} OPERATION [OPTION]… [ARGUMENT]…", invocation.called_as);
        let mut text = format!("{EXPLANATION}\n\nOperations:\n");
        for operation in OPERATIONS {
            let name = format!("{} {}", operation.names.join(", "), operation.arguments);
            help::entry(&mut text, name.trim_end(), operation.help);
            for flag in operation.flags.iter().filter(|flag| !flag.help.is_empty()) {
                let name = format!("  {} {}", flag.names.join(", "), flag.value.to_uppercase());
                help::entry(&mut text, name.trim_end(), flag.help);
            }
        }
        return help::command::<Flags>(&usage, text.trim_end());
    };
    let mut text = format!(
        "Usage: {} {} [OPTION]… {}\n\n{}\n",
        invocation.called_as, operation.names[0], operation.arguments, operation.help
    );
    if operation.names.len() > 1 {
        text.push_str(&format!("\nAlso: {}\n", operation.names[1..].join(", ")));
    }
    if !operation.flags.is_empty() {
        text.push_str("\nOptions:\n");
        for flag in operation.flags.iter().filter(|flag| !flag.help.is_empty()) {
            let name = format!("{} {}", flag.names.join(", "), flag.value.to_uppercase());
            help::entry(&mut text, name.trim_end(), flag.help);
        }
    }
    text.push_str(&format!(
        "\nOptions of all operations and settings: {} --help\n",
        invocation.called_as
    ));
    let mut out = output::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
