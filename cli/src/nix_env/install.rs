//! `nix-env`'s operations that change what a profile holds.

use super::Env;
use super::flags::unknown;
use super::selection::compare_priorities;
use super::sources::{Source, is_path};
use crate::args::lossy;
use crate::failure::{Failure, Result};
use crate::packages::{DrvName, Package, Selector};
use crate::realise::Realiser;
use crate::user_environment::Installer;
use nivis_eval::error::ResultExt;
use nivis_eval::host::Level;
use nivis_lang::position::Pos;
use nivis_primops::versions::compare_versions;
use nivis_store::LocalStore;
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which versions are an upgrade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum UpgradeTo {
    /// `--lt`: greater ones.
    Greater,
    /// `--leq`: greater or equal ones.
    GreaterOrEqual,
    /// `--eq`: equal ones.
    Equal,
    /// `--always`: any.
    Any,
}

impl UpgradeTo {
    fn takes(self, order: Ordering) -> bool {
        match self {
            UpgradeTo::Greater => order.is_lt(),
            UpgradeTo::GreaterOrEqual => order.is_le(),
            UpgradeTo::Equal => order.is_eq(),
            UpgradeTo::Any => true,
        }
    }
}

impl Env<'_> {
    fn info(&self, text: &str) {
        self.session.logger.message(Level::Info, text);
    }

    fn local_store(&self) -> Result<&LocalStore> {
        let store = self.session.store.local_store();
        store.ok_or_else(|| Failure::Plain("profiles need a store on disk".to_owned()))
    }

    fn installer(&self) -> Result<Installer<'_>> {
        let store = self.local_store()?;
        Ok(Installer {
            session: self.session,
            store,
            realiser: Realiser::new(
                store,
                &self.flags.common,
                &self.invocation.environment,
                self.session.logger,
            ),
            keep_derivations: self.flags.common.settings.bool("keep-env-derivations"),
            repair: self.flags.repair,
        })
    }

    /// Makes a new generation of the packages that `choose` makes of the installed ones; again, if somebody else
    /// changed the profile meanwhile. `None` is that there is nothing to do.
    fn change(
        &self,
        mut choose: impl FnMut(&Installer<'_>, Vec<Package>) -> Result<Option<Vec<Package>>>,
    ) -> Result<()> {
        let installer = self.installer()?;
        let profile = self.profile();
        loop {
            let before = profile.target()?;
            let Some(packages) = choose(&installer, self.installed()?)? else {
                return Ok(());
            };
            if installer.install(&packages, &profile, before)? {
                return Ok(());
            }
        }
    }

    /// `--install`
    pub(super) fn install(&self) -> Result<()> {
        let ev = &self.session.ev;
        let (mut source, mut keep_same, mut remove_all, mut priority) =
            (Source::default(), false, false, None);
        let mut rest = self.flags.operation_flags.iter();
        while let Some(flag) = rest.next() {
            if source.take(flag, &mut rest)? {
                continue;
            }
            match flag.as_slice() {
                b"--preserve-installed" | b"-P" => keep_same = true,
                b"--remove-all" | b"-r" => remove_all = true,
                b"--priority" => {
                    let value = rest.next().ok_or_else(|| super::query::needs_argument(flag))?;
                    let number: Option<i32> = lossy(value).parse().ok();
                    let bad = || Failure::Usage("'--priority' requires an integer argument".to_owned());
                    priority = Some(number.ok_or_else(bad)?);
                }
                _ => return Err(unknown(flag)),
            }
        }
        let mut new = vec![];
        for mut package in self.wanted(&source, self.local_store()?, true)? {
            if self.flags.prebuilt_only && !self.is_prebuilt(&package)? {
                continue;
            }
            if let Some(name) = &self.flags.force_name {
                package.set_name(name);
            }
            if let Some(priority) = priority {
                package.set_meta(ev, b"priority", priority.to_string().as_bytes())?;
            }
            new.push(package);
        }
        let mut new_names = BTreeSet::new();
        for package in &new {
            new_names.insert(DrvName::new(package.name(ev)?).name().to_vec());
        }
        self.change(|installer, installed| {
            let mut all = new.clone();
            if !remove_all {
                for package in installed {
                    let name = DrvName::new(package.name(ev)?);
                    let is_replaced = !keep_same && new_names.contains(name.name());
                    if is_replaced && !package.meta_bool(ev, b"keep", false)? {
                        self.info(&format!("replacing old '{}'", lossy(&name.full)));
                    } else {
                        all.push(package);
                    }
                }
                for package in &new {
                    self.info(&format!("installing '{}'", lossy(&package.name(ev)?)));
                }
            }
            installer.tell_missing(&new)?;
            Ok((!self.flags.dry_run).then_some(all))
        })
    }

    /// Whether a package is in the store.
    fn is_prebuilt(&self, package: &Package) -> Result<bool> {
        let path = package.out_path(&self.session.ev)?;
        Ok(self.session.ev.host.is_valid_path(&path)?)
    }

    /// `--upgrade`
    pub(super) fn upgrade(&self) -> Result<()> {
        let ev = &self.session.ev;
        let (mut source, mut to) = (Source::default(), UpgradeTo::Greater);
        let mut rest = self.flags.operation_flags.iter();
        while let Some(flag) = rest.next() {
            if source.take(flag, &mut rest)? {
                continue;
            }
            to = match flag.as_slice() {
                b"--lt" => UpgradeTo::Greater,
                b"--leq" => UpgradeTo::GreaterOrEqual,
                b"--eq" => UpgradeTo::Equal,
                b"--always" => UpgradeTo::Any,
                _ => return Err(unknown(flag)),
            };
        }
        self.change(|installer, installed| {
            let available = self.wanted(&source, self.local_store()?, false)?;
            let mut all = vec![];
            for package in installed {
                let name = package.name(ev)?;
                let upgraded = self.upgraded(package, &available, to);
                all.push(upgraded.in_frame_with(Pos::NONE, || {
                    format!("while trying to find an upgrade for '{}'", lossy(&name))
                })?);
            }
            installer.tell_missing(&all)?;
            Ok((!self.flags.dry_run).then_some(all))
        })
    }

    /// The package, or the best one that it is to be upgraded to: of the same name, no lower priority and a fitting
    /// version.
    fn upgraded(
        &self,
        package: Package,
        available: &[Package],
        to: UpgradeTo,
    ) -> nivis_eval::error::Result<Package> {
        let ev = &self.session.ev;
        if package.meta_bool(ev, b"keep", false)? {
            return Ok(package);
        }
        let name = DrvName::new(package.name(ev)?);
        let mut best: Option<(&Package, DrvName)> = None;
        for candidate in available {
            if compare_priorities(ev, &package, candidate)?.is_gt() {
                continue;
            }
            let new = DrvName::new(candidate.name(ev)?);
            if new.name() != name.name() || !to.takes(compare_versions(name.version(), new.version())) {
                continue;
            }
            if let Some((best, best_name)) = &best {
                let order = compare_priorities(ev, best, candidate)?;
                if order
                    .then_with(|| compare_versions(best_name.version(), new.version()))
                    .is_ge()
                {
                    continue;
                }
            }
            if !self.flags.prebuilt_only || ev.host.is_valid_path(&candidate.out_path(ev)?)? {
                best = Some((candidate, new));
            }
        }
        let Some((best, best_name)) = best else {
            return Ok(package);
        };
        if package.out_path(ev)? == best.out_path(ev)? {
            return Ok(package);
        }
        let action = match compare_versions(name.version(), best_name.version()).is_le() {
            true => "upgrading",
            false => "downgrading",
        };
        self.info(&format!(
            "{action} '{}' to '{}'",
            lossy(&name.full),
            lossy(&best_name.full)
        ));
        Ok(best.clone())
    }

    /// `--set-flag`
    pub(super) fn set_flag(&self) -> Result<()> {
        self.no_operation_flags()?;
        let ev = &self.session.ev;
        let [flag, value, selectors @ ..] = &self.flags.arguments[..] else {
            return Err(Failure::Usage("not enough arguments to '--set-flag'".to_owned()));
        };
        let selectors: Vec<(Selector, Cell<bool>)> = selectors
            .iter()
            .map(|selector| (Selector::new(selector.clone()), Cell::new(false)))
            .collect();
        self.change(|_, mut installed| {
            for package in &mut installed {
                let name = DrvName::new(package.name(ev)?);
                for (selector, used) in &selectors {
                    if super::selection::is_match(selector, &name)? {
                        self.info(&format!("setting flag on '{}'", lossy(&name.full)));
                        used.set(true);
                        package.set_meta(ev, flag, value)?;
                        break;
                    }
                }
            }
            let unused =
                |(selector, used): &&(Selector, Cell<bool>)| !used.get() && selector.name.full != b"*";
            match selectors.iter().find(unused) {
                Some((selector, _)) => Err(Failure::Plain(format!(
                    "selector '{}' matches no derivations",
                    lossy(&selector.name.full)
                ))),
                None => Ok(Some(installed)),
            }
        })
    }

    /// `--set`: makes one package the profile itself.
    pub(super) fn set(&self) -> Result<()> {
        let mut source = Source::default();
        let mut rest = self.flags.operation_flags.iter();
        while let Some(flag) = rest.next() {
            if !source.take(flag, &mut rest)? {
                return Err(unknown(flag));
            }
        }
        let installer = self.installer()?;
        let mut wanted = self.wanted(&source, installer.store, true)?.into_iter();
        let (Some(package), None) = (wanted.next(), wanted.next()) else {
            return Err(Failure::Plain("--set requires exactly one derivation".to_owned()));
        };
        let target = installer.target(&package)?;
        installer.tell_missing(std::slice::from_ref(&package))?;
        if self.flags.dry_run {
            return Ok(());
        }
        installer.build(&[target])?;
        let profile = self.profile();
        let path = package.out_path(&self.session.ev)?;
        let generation = profile.create_generation(installer.store, &path)?;
        Ok(profile.switch_to(&generation)?)
    }

    /// `--uninstall`
    pub(super) fn uninstall(&self) -> Result<()> {
        self.no_operation_flags()?;
        let ev = &self.session.ev;
        self.change(|installer, mut installed| {
            for selector in &self.flags.arguments {
                let mut removed = vec![];
                for package in &installed {
                    removed.push(match is_path(selector) {
                        true => {
                            let path = Path::new(OsStr::from_bytes(selector));
                            installer.store.follow_links_to_store_path(path)? == package.out_path(ev)?
                        }
                        false => {
                            let name = DrvName::new(package.name(ev)?);
                            super::selection::is_match(&Selector::new(selector.clone()), &name)?
                        }
                    });
                }
                let removed = split_off(&mut installed, removed);
                if removed.is_empty() {
                    let selector = lossy(selector);
                    let message = format!("selector '{selector}' matched no installed derivations");
                    self.session.logger.warning(&message);
                }
                for package in removed {
                    self.info(&format!("uninstalling '{}'", lossy(&package.name(ev)?)));
                }
            }
            Ok((!self.flags.dry_run).then_some(installed))
        })
    }
}

/// Takes the marked elements out. Those that are left come in the order in which the reference leaves them, which the
/// manifest shows: a marked element is swapped with the last one that is not.
fn split_off<T>(items: &mut Vec<T>, mut marked: Vec<bool>) -> Vec<T> {
    let (mut first, mut last) = (0, items.len());
    loop {
        while first < last && !marked[first] {
            first += 1;
        }
        while first < last && marked[last - 1] {
            last -= 1;
        }
        if first == last {
            return items.split_off(first);
        }
        last -= 1;
        items.swap(first, last);
        marked.swap(first, last);
        first += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::split_off;

    fn split(marks: &str) -> (String, String) {
        let mut items: Vec<char> = ('a'..).take(marks.len()).collect();
        let removed = split_off(&mut items, marks.chars().map(|mark| mark == 'x').collect());
        (items.into_iter().collect(), removed.into_iter().collect())
    }

    #[test]
    fn what_is_left_is_in_the_order_of_the_reference() {
        let both = |left: &str, removed: &str| (left.to_owned(), removed.to_owned());
        assert_eq!(split("...."), both("abcd", ""));
        assert_eq!(split("x..."), both("dbc", "a"));
        assert_eq!(split("x.x."), both("db", "ca"));
        assert_eq!(split("xxxx"), both("", "abcd"));
        assert_eq!(split(""), both("", ""));
    }
}
