//! `nix-env`'s operations on generations of a profile.

use super::Env;
use super::flags::{absolute, unknown};
use crate::args::lossy;
use crate::failure::{Failure, Result};
use crate::host_dirs::UserDirs;
use crate::output;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use nivis_store::profile::{Profile, Selection, parse_age};
use std::collections::BTreeSet;
use std::io::Write;

impl Env<'_> {
    pub(super) fn profile(&self) -> Profile {
        Profile::new(&self.profile).with_notify(self.session.logger.notify())
    }

    pub(super) fn no_operation_flags(&self) -> Result<()> {
        match self.flags.operation_flags.first() {
            Some(flag) => Err(unknown(flag)),
            None => Ok(()),
        }
    }

    fn only_argument(&self) -> Result<&[u8]> {
        self.no_operation_flags()?;
        match &self.flags.arguments[..] {
            [argument] => Ok(argument),
            _ => Err(Failure::Usage("exactly one argument expected".to_owned())),
        }
    }

    fn no_arguments(&self) -> Result<()> {
        self.no_operation_flags()?;
        match self.flags.arguments.is_empty() {
            true => Ok(()),
            false => Err(Failure::Usage("no arguments expected".to_owned())),
        }
    }

    /// `--switch-profile`: makes `~/.nix-profile` point to another profile.
    pub(super) fn switch_profile(&self, dirs: &UserDirs) -> Result<()> {
        let profile = absolute(self.only_argument()?)?;
        Ok(Profile::new(dirs.profile_link()?).switch_to(&profile)?)
    }

    /// `--switch-generation`
    pub(super) fn switch_generation(&self) -> Result<()> {
        let argument = lossy(self.only_argument()?);
        let Ok(number) = argument.parse() else {
            return Err(Failure::Usage("expected a generation number".to_owned()));
        };
        Ok(self
            .profile()
            .switch_generation(Some(number), self.flags.dry_run)?)
    }

    /// `--rollback`
    pub(super) fn rollback(&self) -> Result<()> {
        self.no_arguments()?;
        Ok(self.profile().switch_generation(None, self.flags.dry_run)?)
    }

    /// `--list-generations`
    pub(super) fn list_generations(&self) -> Result<()> {
        self.no_arguments()?;
        let profile = self.profile();
        let _lock = profile.lock()?;
        let (generations, current) = profile.generations()?;
        let zone = TimeZone::system();
        let mut out = output::stdout();
        for generation in generations {
            let created = Timestamp::from_second(generation.created).unwrap_or(Timestamp::UNIX_EPOCH);
            let created = created
                .to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string();
            let mark = match Some(generation.number) == current {
                true => "(current)",
                false => "",
            };
            writeln!(out, "{:4}   {created}   {mark}", generation.number)?;
        }
        Ok(out.flush()?)
    }

    /// `--delete-generations`
    pub(super) fn delete_generations(&self) -> Result<()> {
        self.no_operation_flags()?;
        let selection = selection(&self.flags.arguments)?;
        self.profile()
            .delete_generations(&selection, self.flags.dry_run)?;
        Ok(())
    }
}

/// What the arguments select: `old`, `14d`, `+5`, or numbers.
fn selection(arguments: &[Vec<u8>]) -> Result<Selection> {
    if let [argument] = arguments {
        let text = lossy(argument);
        if text == "old" {
            return Ok(Selection::Old);
        }
        if text.contains('d') {
            let now = Timestamp::now().as_second();
            return parse_age(&text, now)
                .map(Selection::OlderThan)
                .map_err(Failure::Usage);
        }
        if text.contains('+') {
            let count = text.get(1..).unwrap_or_default();
            if count.is_empty() {
                return Err(Failure::Plain(format!("invalid number of generations '{text}'")));
            }
            return count
                .parse()
                .map(Selection::Keep)
                .map_err(|_| Failure::Plain(format!("invalid number of generations to keep '{text}'")));
        }
    }
    let mut numbers = BTreeSet::new();
    for argument in arguments {
        let text = lossy(argument);
        let number = text.parse();
        numbers.insert(number.map_err(|_| Failure::Usage(format!("invalid generation number '{text}'")))?);
    }
    Ok(Selection::Numbers(numbers))
}
