//! Taking a command line apart: tables of flags, in any order among the other arguments.
//!
//! The classic commands have rules that argument parsers of today lack: a flag may take two values, short flags
//! can be bundled (`-qaP`, `-j3`), every setting is a flag, and a flag's values may start with a dash.

use crate::failure::{Failure, Result};
use std::collections::VecDeque;

/// Arguments are bytes: paths need not be text.
pub(crate) type Arg = Vec<u8>;

/// A flag and what it does to `T`.
pub(crate) struct Flag<T: 'static> {
    /// Its names with their dashes, the best one first.
    pub(crate) names: &'static [&'static str],
    /// What to call each value it takes.
    pub(crate) values: &'static [&'static str],
    /// What it is for; flags without help are not shown.
    pub(crate) help: &'static str,
    /// Does it.
    pub(crate) apply: fn(&mut T, &[Arg]) -> Result<()>,
}

/// A command whose arguments are parsed.
pub(crate) trait Arguments: Sized + 'static {
    /// What the flags common to all commands change.
    type Common: 'static;
    /// Flags shared with other commands, by subject.
    const COMMON_FLAGS: &'static [&'static [Flag<Self::Common>]];
    /// Flags of this command.
    const FLAGS: &'static [Flag<Self>];

    /// What the common flags change.
    fn common(&mut self) -> &mut Self::Common;

    /// Flags that are not in a table (settings): how many values it takes and how to apply it.
    fn other_flag(&mut self, name: &str) -> Option<OtherFlag<Self>>;

    /// An argument that is not a flag; `false` if the command takes none.
    fn positional(&mut self, arg: Arg) -> Result<bool>;
}

/// What a flag that is not in a table does.
pub(crate) type Apply<T> = Box<dyn FnOnce(&mut T, &[Arg]) -> Result<()>>;

/// A flag that is not in a table.
pub(crate) struct OtherFlag<T> {
    /// How many values it takes.
    pub(crate) values: usize,
    /// Whether it is a flag of the command, and not one that many commands share.
    pub(crate) is_own: bool,
    /// Does it.
    pub(crate) apply: Apply<T>,
}

/// Applies a command line to a command.
pub(crate) fn parse<C: Arguments>(command: &mut C, args: Vec<Arg>) -> Result<()> {
    let mut rest: VecDeque<Arg> = args.into();
    let mut only_positional = false;
    while let Some(mut arg) = rest.pop_front() {
        if only_positional || arg.first() != Some(&b'-') || arg == b"-" {
            if !command.positional(arg.clone())? {
                return Err(Failure::Usage(format!("unexpected argument '{}'", lossy(&arg))));
            }
            continue;
        }
        if arg == b"--" {
            only_positional = true;
            continue;
        }
        unbundle(&mut arg, &mut rest);
        apply_flag(command, &arg, &mut rest)?;
    }
    Ok(())
}

/// Replaces `-qaP` by `-q` `-a` `-P`, and `-j3` by `-j` `3`.
fn unbundle(arg: &mut Arg, rest: &mut VecDeque<Arg>) {
    if arg.len() <= 2 || arg[1] == b'-' || !arg[1].is_ascii_alphabetic() {
        return;
    }
    let tail = arg.split_off(2);
    let letters = tail.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters < tail.len() {
        rest.push_front(tail[letters..].to_vec());
    }
    for &letter in tail[..letters].iter().rev() {
        rest.push_front(vec![b'-', letter]);
    }
}

fn apply_flag<C: Arguments>(command: &mut C, arg: &[u8], rest: &mut VecDeque<Arg>) -> Result<()> {
    let unknown = || Failure::Usage(format!("unrecognised flag '{}'", lossy(arg)));
    let name = std::str::from_utf8(arg).map_err(|_| unknown())?;
    if let Some(flag) = C::COMMON_FLAGS.iter().find_map(|flags| find(flags, name)) {
        let values = take_values(name, flag.values.len(), rest)?;
        return (flag.apply)(command.common(), &values);
    }
    let require = |values: usize, rest: &VecDeque<Arg>| match rest.len() < values {
        true => Err(Failure::Usage(format!("'{name}' requires an argument"))),
        false => Ok(()),
    };
    if let Some(flag) = find(C::FLAGS, name) {
        require(flag.values.len(), rest)?;
        let values = take_values(name, flag.values.len(), rest)?;
        return (flag.apply)(command, &values);
    }
    let flag = command.other_flag(name).ok_or_else(unknown)?;
    if flag.is_own {
        require(flag.values, rest)?;
    }
    let values = take_values(name, flag.values, rest)?;
    (flag.apply)(command, &values)
}

fn find<T>(flags: &'static [Flag<T>], name: &str) -> Option<&'static Flag<T>> {
    flags.iter().find(|flag| flag.names.contains(&name))
}

fn take_values(name: &str, wanted: usize, rest: &mut VecDeque<Arg>) -> Result<Vec<Arg>> {
    if rest.len() < wanted {
        return Err(Failure::Usage(format!(
            "flag '{name}' requires {wanted} argument(s), but only {} were given",
            rest.len()
        )));
    }
    Ok(rest.drain(..wanted).collect())
}

/// An argument as text, for messages and names.
pub(crate) fn lossy(arg: &[u8]) -> String {
    String::from_utf8_lossy(arg).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Command {
        common: Vec<String>,
        own: Vec<String>,
    }

    fn all(values: &[Arg]) -> String {
        values
            .iter()
            .map(|value| lossy(value))
            .collect::<Vec<_>>()
            .join(",")
    }

    impl Arguments for Command {
        type Common = Vec<String>;
        const COMMON_FLAGS: &'static [&'static [Flag<Vec<String>>]] = &[&[Flag {
            names: &["--arg"],
            values: &["name", "expr"],
            help: "",
            apply: |common, values| {
                common.push(format!("arg {}", all(values)));
                Ok(())
            },
        }]];
        const FLAGS: &'static [Flag<Command>] = &[
            Flag {
                names: &["--jobs", "-j"],
                values: &["n"],
                help: "",
                apply: |command, values| {
                    command.own.push(format!("jobs {}", all(values)));
                    Ok(())
                },
            },
            Flag {
                names: &["-q"],
                values: &[],
                help: "",
                apply: |command, _| {
                    command.own.push("q".to_owned());
                    Ok(())
                },
            },
        ];

        fn common(&mut self) -> &mut Vec<String> {
            &mut self.common
        }

        fn other_flag(&mut self, name: &str) -> Option<OtherFlag<Command>> {
            (name == "--setting").then(|| OtherFlag {
                values: 1,
                is_own: false,
                apply: Box::new(|command: &mut Command, values| {
                    command.own.push(format!("setting {}", all(values)));
                    Ok(())
                }),
            })
        }

        fn positional(&mut self, arg: Arg) -> Result<bool> {
            self.own.push(format!("<{}>", lossy(&arg)));
            Ok(arg != b"bad")
        }
    }

    fn parsed(line: &str) -> Result<String, String> {
        let mut command = Command::default();
        let args = line.split(' ').map(|arg| arg.as_bytes().to_vec()).collect();
        match parse(&mut command, args) {
            Ok(()) => Ok([command.common, command.own].concat().join(" ")),
            Err(Failure::Usage(message)) => Err(message),
            Err(other) => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn flags_stand_anywhere_and_may_be_bundled() {
        assert_eq!(parsed("f --arg x -q g -j 3").unwrap(), "arg x,-q <f> <g> jobs 3");
        assert_eq!(parsed("-qj3 -qq").unwrap(), "q jobs 3 q q");
        assert_eq!(parsed("--setting --x - -- -q").unwrap(), "setting --x <-> <-q>");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parsed("--foo").unwrap_err(), "unrecognised flag '--foo'");
        assert_eq!(parsed("-j").unwrap_err(), "'-j' requires an argument");
        assert_eq!(
            parsed("--arg x").unwrap_err(),
            "flag '--arg' requires 2 argument(s), but only 1 were given"
        );
        assert_eq!(parsed("bad").unwrap_err(), "unexpected argument 'bad'");
    }
}
