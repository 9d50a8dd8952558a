//! `nix-collect-garbage`: deletes old generations of profiles if asked to, and then what nothing needs any more.

use crate::args::{self, Arg, Arguments, Flag, OtherFlag, lossy};
use crate::failure::{Failure, Result};
use crate::help;
use crate::options::{COMMON_FLAGS, Common};
use crate::program::Invocation;
use crate::settings;
use crate::store_command::gc::{byte_count, now, print_freed};
use crate::store_session::{self, StoreSession};
use nivis_eval::host::Level;
use nivis_store::io_error::IoError;
use nivis_store::local_store::gc::{GcAction, GcOptions, GcResults};
use nivis_store::profile::{Profile, Selection, parse_age};
use nix::unistd::{AccessFlags, access, geteuid};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const EXPLANATION: &str = "\
Deletes from the store what nothing needs: no profile, no link made by nix-build, no running program.
With -d, old generations of all profiles are deleted first, so that there is no going back to them.";

/// What the command line says.
struct Flags {
    common: Common,
    help: bool,
    version: bool,
    delete_old: bool,
    /// `--delete-older-than`
    period: Option<String>,
    dry_run: bool,
    max_freed: Option<u64>,
}

static FLAGS: &[Flag<Flags>] = &[
    Flag {
        names: &["--delete-old", "-d"],
        values: &[],
        help: "Delete all generations of profiles but the current ones first.",
        apply: |flags, _| {
            flags.delete_old = true;
            Ok(())
        },
    },
    Flag {
        names: &["--delete-older-than"],
        values: &["period"],
        help: "Delete the generations first that were not current any more so many days ago; for example 30d.",
        apply: |flags, values| {
            flags.delete_old = true;
            flags.period = Some(lossy(&values[0]));
            Ok(())
        },
    },
    Flag {
        names: &["--max-freed"],
        values: &["bytes"],
        help: "Stop when more than that is freed (with a unit: K, M, G, T).",
        apply: |flags, values| {
            flags.max_freed = Some(byte_count(&lossy(&values[0]))?);
            Ok(())
        },
    },
    Flag {
        names: &["--dry-run"],
        values: &[],
        help: "Only say what would be deleted.",
        apply: |flags, _| {
            flags.dry_run = true;
            Ok(())
        },
    },
    Flag {
        names: &["--help"],
        values: &[],
        help: "Print this.",
        apply: |flags, _| {
            flags.help = true;
            Ok(())
        },
    },
    Flag {
        names: &["--version"],
        values: &[],
        help: "Print the version.",
        apply: |flags, _| {
            flags.version = true;
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
        Common::setting_flag(name, Flags::common)
    }

    fn positional(&mut self, _: Arg) -> Result<bool> {
        Ok(false)
    }
}

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut flags = Flags {
        common: Common::new(settings::file::load(&invocation.environment)?),
        help: false,
        version: false,
        delete_old: false,
        period: None,
        dry_run: false,
        max_freed: None,
    };
    args::parse(&mut flags, invocation.args.clone())?;
    if flags.help {
        let usage = format!("{} [OPTION]…", invocation.called_as);
        return help::command::<Flags>(&usage, EXPLANATION);
    }
    if flags.version {
        return help::version(&invocation.name, invocation, Some(&flags.common));
    }
    if flags.max_freed.is_some() && flags.dry_run {
        return Err(Failure::Usage(
            "options --max-freed and --dry-run cannot be combined".to_owned(),
        ));
    }
    let selection = match &flags.period {
        Some(period) => Selection::OlderThan(parse_age(period, now()).map_err(Failure::Usage)?),
        None => Selection::Old,
    };
    store_session::run_here(invocation, &flags.common, |session, out| {
        if flags.delete_old {
            let cleaner = Cleaner {
                session,
                selection,
                dry_run: flags.dry_run,
            };
            for folder in profile_folders(session) {
                cleaner.clean(&folder)?;
            }
        }
        let action = match flags.dry_run {
            true => GcAction::ReturnDead,
            false => GcAction::DeleteDead,
        };
        let options = GcOptions {
            max_freed: flags.max_freed,
            ..GcOptions::new(action)
        };
        let mut results = GcResults::default();
        let outcome = session.store.collect_garbage(&options, &mut results);
        if flags.dry_run {
            writeln!(out, "{} store paths would be deleted", results.paths.len())?;
        } else {
            print_freed(out, &results)?;
        }
        Ok(outcome?)
    })
}

/// Where profiles are: the user's, those of the whole system, and where the user's default profile is.
fn profile_folders(session: &StoreSession) -> BTreeSet<PathBuf> {
    let (common, environment) = (session.common, &session.invocation.environment);
    let shared = session.store.config().state_dir.join("profiles");
    let own = match geteuid().is_root() {
        true => Some(shared.join("per-user/root")),
        false => environment.state_home.as_ref().map(|home| home.join("profiles")),
    };
    let link = match common.settings.bool("use-xdg-base-directories") {
        true => environment.state_home.as_ref().map(|home| home.join("profile")),
        false => environment.home.as_ref().map(|home| home.join(".nix-profile")),
    };
    let default = link.and_then(|link| {
        let profile = link.parent()?.join(fs::read_link(&link).ok()?);
        Some(profile.parent()?.to_owned())
    });
    [Some(shared), own, default].into_iter().flatten().collect()
}

/// Deletes old generations.
struct Cleaner<'s> {
    session: &'s StoreSession<'s>,
    selection: Selection,
    dry_run: bool,
}

impl Cleaner<'_> {
    /// Of all profiles in a folder and those below it, as far as they may be changed.
    fn clean(&self, folder: &Path) -> Result<()> {
        let may = |what| access(folder, what).is_ok();
        if !may(AccessFlags::R_OK) {
            return Ok(());
        }
        let may_write = may(AccessFlags::W_OK);
        let at = |error| IoError::at("reading directory", folder, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(at)? {
            names.push(entry.map_err(at)?.file_name());
        }
        names.sort();
        for name in names {
            let path = folder.join(name);
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => self.clean(&path)?,
                Ok(metadata) if metadata.is_symlink() && may_write => self.clean_profile(path)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A link is a profile if it is to a link.
    fn clean_profile(&self, path: PathBuf) -> Result<()> {
        let target = match fs::read_link(&path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(IoError::at("reading symbolic link", &path, error).into()),
        };
        let target = target.as_os_str().as_bytes();
        if !target.windows(4).any(|window| window == b"link") {
            return Ok(());
        }
        let logger = self.session.logger;
        logger.message(
            Level::Info,
            &format!("removing old generations of profile {}", path.display()),
        );
        let profile = Profile::new(path).with_notify(logger.notify());
        profile.delete_generations(&self.selection, self.dry_run)?;
        Ok(())
    }
}
