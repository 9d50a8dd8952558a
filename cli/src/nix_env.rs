//! `nix-env`: lists packages, and installs them into profiles.

mod flags;
mod query;
#[allow(dead_code, reason = "installing packages uses the rest")]
mod selection;
mod source;

use crate::args;
use crate::failure::{Failure, Result};
use crate::help;
use crate::host_dirs::UserDirs;
use crate::program::Invocation;
use crate::session::{self, Session};
use flags::{Flags, Operation};
use nivis_eval::attrs::Attrs;
use nivis_eval::host::Level;
use std::path::PathBuf;

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut flags = Flags::new(&invocation.environment)?;
    args::parse(&mut flags, invocation.args.clone())?;
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
    match operation {
        Operation::Query => {
            let wanted = query::Wanted::new(&flags)?;
            // Nothing is written: listing a package does not instantiate it.
            session::run(invocation, &flags.common, true, |session| {
                Env::new(session, &flags, &dirs)?.query(&wanted)
            })
        }
        other => Err(Failure::Plain(format!(
            "nix-env {} is not supported yet",
            other.flag()
        ))),
    }
}

/// One run of the command.
struct Env<'r> {
    session: &'r Session,
    flags: &'r Flags,
    auto_args: &'static Attrs,
    /// Where packages come from unless a flag says otherwise.
    default_expression: PathBuf,
    /// The profile to look at or to change.
    profile: PathBuf,
}

impl<'r> Env<'r> {
    fn new(session: &'r Session, flags: &'r Flags, dirs: &UserDirs) -> Result<Env<'r>> {
        if flags.dry_run {
            session
                .logger
                .message(Level::Info, "(dry run; not doing anything)");
        }
        Ok(Env {
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
