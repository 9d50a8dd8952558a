//! `nix-store`: looks at the store and works on it.
//!
//! Every operation is an [`Operation`] of [`OPERATIONS`]: its names, its flags, its part of the help, and the
//! function that does it.

mod add;
mod archive;
mod flags;
pub(crate) mod gc;
mod query;
mod realise;
mod registration;
mod small;
mod verify;

use crate::args::{self, Arg};
use crate::failure::{Failure, Result};
use crate::help;
use crate::output::Out;
use crate::program::Invocation;
use crate::store_session::{self, StoreSession};
use flags::Flags;
use std::path::Path;

/// The operations. `--help` shows them in this order.
static OPERATIONS: &[&Operation] = &[
    &realise::REALISE,
    &query::QUERY,
    &add::ADD,
    &add::ADD_FIXED,
    &add::PRINT_FIXED_PATH,
    &gc::GC,
    &gc::DELETE,
    &gc::OPTIMISE,
    &archive::DUMP,
    &archive::RESTORE,
    &archive::EXPORT,
    &archive::IMPORT,
    &verify::VERIFY,
    &verify::VERIFY_PATH,
    &verify::REPAIR_PATH,
    &small::READ_LOG,
    &small::PRINT_ENV,
    &small::CHECK_VALIDITY,
    &small::PATH_FROM_HASH_PART,
    &registration::DUMP_DB,
    &registration::LOAD_DB,
    &registration::REGISTER_VALIDITY,
    &small::GENERATE_KEY,
    &small::INIT,
    &VERSION,
];

/// What `nix-store` can do.
pub(crate) struct Operation {
    /// Its names, the best one first.
    pub(crate) names: &'static [&'static str],
    /// What arguments it takes, for the help.
    pub(crate) arguments: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
    /// Its flags.
    pub(crate) flags: &'static [OperationFlag],
    /// Whether standard input is data for it, and not more arguments.
    pub(crate) reads_stdin: bool,
    /// Whether it asks which processes use the store.
    pub(crate) collects: bool,
    /// The message about a flag that is not its own.
    pub(crate) unknown_flag: fn(&str) -> String,
    /// Does it.
    pub(crate) run: fn(&mut Call) -> Result<()>,
}

/// A flag of an operation.
pub(crate) struct OperationFlag {
    /// Its names, the first one is what [`Call::has`] and [`Call::value`] want.
    pub(crate) names: &'static [&'static str],
    /// What to call its value; empty if it has none.
    pub(crate) value: &'static str,
    /// What it is for; flags without help are not shown.
    pub(crate) help: &'static str,
}

/// The parts of an operation that most have in common.
pub(crate) const PLAIN: Operation = Operation {
    names: &[],
    arguments: "",
    help: "",
    flags: &[],
    reads_stdin: false,
    collects: false,
    unknown_flag: |flag| format!("unknown flag '{flag}'"),
    run: |_| Ok(()),
};

/// How some operations refuse flags: without naming them.
pub(crate) fn bare_unknown_flag(_: &str) -> String {
    "unknown flag".to_owned()
}

/// How operations that have no flags refuse them.
pub(crate) fn refuse_flags(_: &str) -> String {
    "no flags expected".to_owned()
}

static VERSION: Operation = Operation {
    names: &["--version"],
    help: "Print the version.",
    run: |call| {
        let invocation = call.session.invocation;
        help::version(&invocation.name, invocation, Some(call.session.common))
    },
    ..PLAIN
};

/// One run of an operation.
pub(crate) struct Call<'c> {
    /// The store.
    pub(crate) session: &'c StoreSession<'c>,
    /// Where results go.
    pub(crate) out: &'c mut Out,
    /// The flags of the operation, by their first names, in order, with their values.
    pub(crate) flags: Vec<(&'static str, Option<Arg>)>,
    /// The arguments that are not flags.
    pub(crate) args: Vec<Arg>,
    /// `--add-root`: where the links that keep results go.
    pub(crate) root: Option<&'c Path>,
    /// `--no-output`: do not print what is realised.
    pub(crate) no_output: bool,
}

impl Call<'_> {
    /// Whether a flag of the operation is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|(flag, _)| *flag == name)
    }

    /// The last value given to a flag of the operation.
    pub(crate) fn value(&self, name: &str) -> Option<&Arg> {
        let mut values = self.flags.iter().rev().filter(|(flag, _)| *flag == name);
        values.find_map(|(_, value)| value.as_ref())
    }

    /// Fails if there are arguments.
    pub(crate) fn no_arguments(&self) -> Result<()> {
        match self.args.is_empty() {
            true => Ok(()),
            false => Err(Failure::Usage("no arguments expected".to_owned())),
        }
    }
}

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut flags = Flags::new(&invocation.environment)?;
    args::parse(&mut flags, invocation.args.clone())?;
    if flags.help {
        return flags::print_help(invocation, flags.operation);
    }
    let Some(operation) = flags.operation else {
        return Err(Failure::Usage("no operation specified".to_owned()));
    };
    let own = flags.take_own(operation)?;
    let work = |session: &StoreSession, out: &mut Out| {
        (operation.run)(&mut Call {
            session,
            out,
            flags: own,
            args: flags.args.clone(),
            root: flags.root.as_deref(),
            no_output: flags.no_output,
        })
    };
    match operation.collects {
        true => store_session::run_here(invocation, &flags.common, work),
        false => store_session::run(invocation, &flags.common, work),
    }
}
