//! `nix-env`: lists packages, and installs them into profiles.

mod flags;
mod generations;
mod install;
mod query;
mod selection;
mod source;
mod sources;

use crate::args::{self, Arg};
use crate::failure::{Failure, Result};
use crate::help;
use crate::host_dirs::UserDirs;
use crate::options::Common;
use crate::program::Invocation;
use crate::session::{self, Session};
use crate::settings;
use flags::{Flags, Operation};
use nivis_eval::attrs::Attrs;
use nivis_eval::host::Level;
use std::path::PathBuf;

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let common = Common::new(settings::file::load(&invocation.environment)?);
    run_with(invocation, common, invocation.args.clone())
}

/// Runs the command with these arguments, and what another command's common flags said.
pub(crate) fn run_with(invocation: &Invocation, common: Common, args: Vec<Arg>) -> Result<()> {
    let mut flags = Flags::new(common);
    args::parse(&mut flags, args)?;
    if flags.help {
        let usage = format!("{} OPERATION [OPTION]… [ARGUMENT]…", invocation.called_as);
        return help::command::<Flags>(&usage, flags::EXPLANATION);
    }
    let operation = match flags.operation {
        None => return Err(Failure::Usage("no operation specified".to_owned())),
        Some(Operation::Version) => {
            return help::version(&invocation.name, invocation, Some(&flags.common));
        }
        Some(operation) => operation,
    };
    let dirs = UserDirs::new(&invocation.environment, &flags.common.settings);
    dirs.make_default_expression();
    if operation == Operation::Query {
        let wanted = query::Wanted::new(&flags)?;
        // Nothing is written: listing a package does not instantiate it.
        return session::run(invocation, &flags.common, true, |session| {
            Env::new(invocation, session, &flags, &dirs)?.query(&wanted)
        });
    }
    let read_only = flags.common.read_only;
    session::run(invocation, &flags.common, read_only, |session| {
        let env = Env::new(invocation, session, &flags, &dirs)?;
        match operation {
            Operation::Install => env.install(),
            Operation::Uninstall => env.uninstall(),
            Operation::Upgrade => env.upgrade(),
            Operation::SetFlag => env.set_flag(),
            Operation::Set => env.set(),
            Operation::SwitchProfile => env.switch_profile(&dirs),
            Operation::SwitchGeneration => env.switch_generation(),
            Operation::Rollback => env.rollback(),
            Operation::ListGenerations => env.list_generations(),
            Operation::DeleteGenerations => env.delete_generations(),
            Operation::Query | Operation::Version => Ok(()),
        }
    })
}

/// One run of the command.
struct Env<'r> {
    invocation: &'r Invocation,
    session: &'r Session,
    flags: &'r Flags,
    auto_args: &'static Attrs,
    /// Where packages come from unless a flag says otherwise.
    default_expression: PathBuf,
    /// The profile to look at or to change.
    profile: PathBuf,
}

impl<'r> Env<'r> {
    fn new(
        invocation: &'r Invocation,
        session: &'r Session,
        flags: &'r Flags,
        dirs: &UserDirs,
    ) -> Result<Env<'r>> {
        if flags.dry_run {
            session
                .logger
                .message(Level::Info, "(dry run; not doing anything)");
        }
        Ok(Env {
            invocation,
            session,
            flags,
            auto_args: session.auto_args(&flags.common)?,
            default_expression: dirs.default_expression()?,
            profile: match &flags.profile {
                Some(profile) => profile.clone(),
                None => dirs.profile()?,
            },
        })
    }
}
