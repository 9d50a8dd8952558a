//! `nix-env --query`: lists packages.

mod columns;
mod json;
mod status;

use super::Env;
use super::flags::{Flags, unknown};
use super::selection::{self, Named};
use super::source::Available;
use crate::args::{Arg, lossy};
use crate::collection::collect_if_due;
use crate::derivations::Broken;
use crate::failure::{Failure, Result};
use crate::listing_index::{ListingIndex, Objects};
use crate::options::AutoArg;
use crate::output::{self, Out, complain};
use crate::packages::{Package, sort_like_reference};
use crate::report::Sources;
use crate::session::current_dir;
use crate::user_environment;
use nivis_eval::error::ResultExt;
use nivis_eval::host::Level;
use nivis_lang::position::Pos;
use nivis_primops::versions::compare_versions;
use nivis_store::path::StorePath;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use tempfile::NamedTempFile;

/// What is listed and how.
#[derive(Default)]
pub(super) struct Wanted {
    available: bool,
    attr_path: Arg,
    show_status: bool,
    hide_name: bool,
    show_attr_path: bool,
    show_system: bool,
    show_drv_path: bool,
    show_out_path: bool,
    show_description: bool,
    show_meta: bool,
    compare_versions: bool,
    xml: bool,
    json: bool,
}

impl Wanted {
    /// Reads the flags of the operation.
    pub(super) fn new(flags: &Flags) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        let mut rest = flags.operation_flags.iter();
        while let Some(flag) = rest.next() {
            match lossy(flag).as_str() {
                "--status" | "-s" => wanted.show_status = true,
                "--no-name" => wanted.hide_name = true,
                "--system" => wanted.show_system = true,
                "--description" => wanted.show_description = true,
                "--compare-versions" | "-c" => wanted.compare_versions = true,
                "--drv-path" => wanted.show_drv_path = true,
                "--out-path" => wanted.show_out_path = true,
                "--meta" => wanted.show_meta = true,
                "--installed" => wanted.available = false,
                "--available" | "-a" => wanted.available = true,
                "--xml" => wanted.xml = true,
                "--json" => wanted.json = true,
                "--attr-path" | "-P" => wanted.show_attr_path = true,
                "--attr" | "-A" => match rest.next() {
                    Some(path) => wanted.attr_path.clone_from(path),
                    None => return Err(needs_argument(flag)),
                },
                _ => return Err(unknown(flag)),
            }
        }
        if wanted.show_attr_path && !wanted.available {
            let message = "--attr-path(-P) only works with --available";
            return Err(Failure::Usage(message.to_owned()));
        }
        Ok(wanted)
    }
}

/// The error for a flag without its value.
pub(super) fn needs_argument(flag: &[u8]) -> Failure {
    Failure::Usage(format!("'{}' requires an argument", lossy(flag)))
}

/// What the store knows of the packages.
#[derive(Default)]
struct Status {
    /// In the profile.
    installed: BTreeSet<StorePath>,
    /// In the store.
    valid: BTreeSet<StorePath>,
    /// In a binary cache.
    substitutable: BTreeSet<StorePath>,
}

/// A listing about to be written.
struct Listing<'l> {
    env: &'l Env<'l>,
    wanted: &'l Wanted,
    status: Status,
    /// Names with the versions of the packages to compare with.
    versions: FxHashMap<Vec<u8>, Vec<Vec<u8>>>,
    /// What could not be evaluated, with `--keep-going`.
    broken: Vec<Broken>,
    /// Nobody's status is shown as it is.
    is_blank: bool,
    /// What is to be remembered of the store's part.
    objects: &'l mut Objects,
}

impl Env<'_> {
    /// Prints the listing, from the index if it is there.
    pub(super) fn query(&self, wanted: &Wanted) -> Result<()> {
        let mut out = output::stdout();
        let mut objects = Objects::default();
        let Some(index) = self.index(wanted)? else {
            return self.list(wanted, false, &mut objects, &mut out);
        };
        if wanted.show_status {
            user_environment::refuse_other_kind(&self.profile)?;
        }
        if let Some(mut listing) = index.find(&self.session.store)
            && self.is_as_it_was(&listing.objects)?
        {
            listing
                .messages
                .iter()
                .for_each(|message| output::complain(message));
            match wanted.show_status {
                true => self.print_with_status(
                    wanted,
                    BufReader::new(listing.output),
                    listing.objects.shown,
                    &mut out,
                )?,
                false => drop(io::copy(&mut listing.output, &mut out)?),
            }
            return Ok(out.flush()?);
        }
        match wanted.show_status {
            true => self.remember_without_status(wanted, &index, &mut out),
            false => self.remember(wanted, &index, out),
        }
    }

    /// Writes the listing, and keeps a copy.
    fn remember(&self, wanted: &Wanted, index: &ListingIndex, mut out: Out) -> Result<()> {
        let recorder = &self.session.store.recorder;
        let mut objects = Objects::default();
        let Ok(copy) = NamedTempFile::new() else {
            return self.list(wanted, false, &mut objects, &mut out);
        };
        recorder.start();
        output::start_transcript();
        let mut both = Both {
            out,
            copy: BufWriter::new(copy),
            is_copied: true,
        };
        let outcome = self.list(wanted, false, &mut objects, &mut both);
        let (facts, messages) = (recorder.finish(), output::end_transcript());
        outcome?;
        if let (Some(facts), Ok(mut copy), true) = (facts, both.copy.into_inner(), both.is_copied)
            && copy.rewind().is_ok()
        {
            index.keep(&facts, &messages, &objects, &mut copy);
        }
        Ok(())
    }

    /// Makes the listing without anybody's status, keeps it so, and prints it with the status. What is in the profile is
    /// read after all else: the evaluator remembers files, and this is not to hide that the packages depend on one.
    fn remember_without_status(
        &self,
        wanted: &Wanted,
        index: &ListingIndex,
        out: &mut dyn Write,
    ) -> Result<()> {
        let recorder = &self.session.store.recorder;
        let mut objects = Objects::default();
        let mut text = vec![];
        recorder.start();
        output::start_transcript();
        let outcome = self.list(wanted, true, &mut objects, &mut text);
        let (facts, messages) = (recorder.finish(), output::end_transcript());
        if let (Some(facts), Ok(())) = (facts, &outcome) {
            index.keep(&facts, &messages, &objects, &mut text.as_slice());
        }
        self.print_with_status(wanted, text.as_slice(), objects.shown, out)?;
        out.flush()?;
        outcome
    }

    /// Whether the same of the objects that decide what is listed are in the store.
    fn is_as_it_was(&self, objects: &Objects) -> Result<bool> {
        if objects.decisive.is_empty() {
            return Ok(true);
        }
        let paths = objects.decisive.iter().map(|(path, _)| path.clone()).collect();
        let valid = self.valid_paths(&paths)?;
        let mut decisive = objects.decisive.iter();
        Ok(decisive.all(|(path, was_there)| valid.contains(path) == *was_there))
    }

    /// Prints a listing that says of nothing that it is installed or in the store, with what is so now.
    fn print_with_status(
        &self,
        wanted: &Wanted,
        listing: impl BufRead,
        shown: Vec<StorePath>,
        out: &mut dyn Write,
    ) -> Result<()> {
        let installed = self.installed_paths(&self.installed()?)?;
        let valid = self.valid_paths(&shown.iter().cloned().collect())?;
        let status = shown
            .iter()
            .map(|path| [installed.contains(path), valid.contains(path)]);
        Ok(status::fill_in(wanted.xml, listing, status, out)?)
    }

    fn installed_paths(&self, installed: &[Package]) -> Result<BTreeSet<StorePath>> {
        let paths = installed.iter().map(|package| package.out_path(&self.session.ev));
        Ok(paths.collect::<nivis_eval::error::Result<_>>()?)
    }

    /// Where the listing may be remembered: only if it depends on nothing but expressions and what is asked of the
    /// store with [`Objects`].
    fn index(&self, wanted: &Wanted) -> Result<Option<ListingIndex>> {
        let common = &self.flags.common;
        let environment = &self.invocation.environment;
        let settings = &common.settings;
        let needs_evaluation = wanted.available || (wanted.compare_versions && !wanted.show_status);
        let depends_on_more = !needs_evaluation
            || environment.show_stats
            || settings.bool("pure-eval")
            || settings.bool("restrict-eval");
        let (true, false, Some(cache)) = (
            settings.bool("listing-index"),
            depends_on_more,
            &environment.cache_home,
        ) else {
            return Ok(None);
        };
        let mut files = vec![];
        for argument in common.auto_args.values() {
            match argument {
                AutoArg::File(path) => files.push(std::fs::read(OsStr::from_bytes(path)).ok()),
                AutoArg::Stdin => return Ok(None),
                AutoArg::Expression(_) | AutoArg::Text(_) => {}
            }
        }
        let flags = self.flags;
        let given = format!(
            "{common:?} {environment:?} {files:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            // Channels are searched if they exist, which nobody asks for by the evaluator.
            self.session.ev.settings.search_path,
            flags.operation_flags,
            flags.arguments,
            flags.file,
            flags.system_filter,
            flags.prebuilt_only,
            self.profile,
            self.session.logger.style.colour,
            self.session
                .store
                .place(self.session.ev.host.store_dir().as_str().as_bytes())
                .ok(),
            current_dir()?,
        );
        Ok(Some(ListingIndex::new(&cache.join("nivis-listings"), &given)))
    }

    /// Writes the listing, if `is_blank` as if nothing were installed or in the store; notes what it is about.
    fn list(
        &self,
        wanted: &Wanted,
        is_blank: bool,
        objects: &mut Objects,
        out: &mut dyn Write,
    ) -> Result<()> {
        let ev = &self.session.ev;
        let keep_going = self.flags.common.settings.bool("keep-going");
        let shows_status = wanted.show_status && !is_blank;
        let mut installed = match !wanted.available || wanted.compare_versions || shows_status {
            true => self.installed()?,
            false => vec![],
        };
        let Available { mut packages, broken } = match wanted.available || wanted.compare_versions {
            true => self.available(&wanted.attr_path, keep_going, true)?,
            false => Available::default(),
        };
        if !wanted.available {
            std::mem::swap(&mut installed, &mut packages);
        }
        // From here on `packages` are listed, and `installed` are the others to compare with.
        let other = installed;
        let packages = selection::named(ev, packages)?;
        let mut packages = selection::select(packages, &self.flags.arguments)?;
        sort_like_reference(&mut packages, precedes);
        let mut listing = Listing {
            env: self,
            wanted,
            status: Status::default(),
            versions: FxHashMap::default(),
            broken,
            is_blank,
            objects,
        };
        if wanted.compare_versions {
            for package in selection::named(ev, other.clone())? {
                let versions = listing.versions.entry(package.name.name().to_vec()).or_default();
                versions.push(package.name.version().to_vec());
            }
        }
        if shows_status {
            listing.status.installed = match wanted.available {
                true => self.installed_paths(&other)?,
                false => {
                    let listed: Vec<Package> = packages.iter().map(|listed| listed.package.clone()).collect();
                    self.installed_paths(&listed)?
                }
            };
        }
        if wanted.show_status || self.flags.prebuilt_only {
            listing.ask_store(&mut packages)?;
        }
        let written = listing.write(&packages, out);
        let flushed = out.flush();
        written?;
        flushed?;
        listing.tell_broken()
    }
}

/// Writes to two places; trouble with the copy is no trouble of the listing.
struct Both {
    out: Out,
    copy: BufWriter<NamedTempFile>,
    is_copied: bool,
}

impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.is_copied &= self.copy.write_all(bytes).is_ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.is_copied &= self.copy.flush().is_ok();
        self.out.flush()
    }
}

/// The order of listings: by name without regard to case.
fn precedes(left: &Named, right: &Named) -> bool {
    let upper = |byte: &u8| byte.to_ascii_uppercase();
    let (left, right) = (&left.name.full, &right.name.full);
    left.iter().map(upper).lt(right.iter().map(upper))
}

impl Listing<'_> {
    fn write(&mut self, packages: &[Named], out: &mut dyn Write) -> Result<()> {
        if self.wanted.json {
            return self.write_json(packages, out);
        }
        match self.wanted.xml {
            true => self.write_xml(packages, out),
            false => self.write_table(packages, out),
        }
    }

    /// Collects what evaluating earlier packages left behind, when these are all that are still needed.
    fn collect_if_due<'p>(&self, needed: impl IntoIterator<Item = &'p Named>) {
        let values = needed.into_iter().flat_map(|listed| listed.package.values());
        collect_if_due(&self.env.session.ev, || values);
    }

    /// Asks in one go which packages are in the store; those that cannot be evaluated are dropped.
    fn ask_store(&mut self, packages: &mut Vec<Named>) -> Result<()> {
        let mut paths = BTreeSet::new();
        let mut kept: Vec<Named> = vec![];
        let mut rest = std::mem::take(packages).into_iter();
        while let Some(listed) = rest.next() {
            self.collect_if_due(kept.iter().chain([&listed]).chain(rest.as_slice()));
            match listed.package.out_path(&self.env.session.ev) {
                Ok(path) => {
                    paths.insert(path);
                    kept.push(listed);
                }
                Err(error) if error.kind().is_catchable() => self.tell_skipped(&listed),
                Err(error) => self.note_failure(&listed, error)?,
            }
        }
        *packages = kept;
        if !self.is_blank || self.env.flags.prebuilt_only {
            self.status.valid = self.env.valid_paths(&paths)?;
        }
        if self.env.flags.prebuilt_only {
            let valid = &self.status.valid;
            self.objects.decisive = paths
                .into_iter()
                .map(|path| (path.clone(), valid.contains(&path)))
                .collect();
        }
        Ok(())
    }

    /// Whether `--prebuilt-only` leaves the package out.
    fn is_left_out(&self, package: &Package) -> nivis_eval::error::Result<bool> {
        if !self.env.flags.prebuilt_only {
            return Ok(false);
        }
        let path = package.out_path(&self.env.session.ev)?;
        Ok(!self.status.valid.contains(&path) && !self.status.substitutable.contains(&path))
    }

    /// How the version compares with those of the same name: `<` if there is a greater one, `=` if not but an equal
    /// one, `>` if there are only lower ones, and `-` if there are none; and that version.
    fn compare(&self, package: &Named) -> (u8, Vec<u8>) {
        let (mut sign, mut version) = (b'-', b"?".to_vec());
        let own = package.name.version();
        for other in self.versions.get(package.name.name()).into_iter().flatten() {
            match (compare_versions(own, other), sign) {
                (Ordering::Less, _) => sign = b'<',
                (Ordering::Equal, b'-' | b'>' | b'=') => sign = b'=',
                (Ordering::Greater, b'-' | b'>') => {
                    sign = b'>';
                    if !version.is_empty() && compare_versions(&version, other).is_ge() {
                        continue;
                    }
                }
                _ => continue,
            }
            version.clone_from(other);
        }
        (sign, version)
    }

    /// A package whose evaluation failed: skipped if it `throw`s or fails an assertion.
    fn failed(&mut self, package: &Named, error: nivis_eval::error::Error) -> Result<()> {
        if error.kind().is_catchable() {
            self.tell_skipped(package);
            return Ok(());
        }
        let name = String::from_utf8_lossy(&package.name.full).into_owned();
        let outcome: nivis_eval::error::Result<()> = Err(error);
        match outcome.in_frame_with(Pos::NONE, || {
            format!("while querying the derivation named '{name}'")
        }) {
            Err(error) => self.note_failure(package, error),
            Ok(()) => Ok(()),
        }
    }

    fn tell_skipped(&self, package: &Named) {
        let name = String::from_utf8_lossy(&package.name.full);
        let message = format!("skipping derivation named '{name}' which gives an assertion failure");
        self.env.session.logger.message(Level::Talkative, &message);
    }

    /// Ends the listing, unless it is to keep going.
    fn note_failure(&mut self, package: &Named, error: nivis_eval::error::Error) -> Result<()> {
        let keep_going = self.env.flags.common.settings.bool("keep-going");
        if !keep_going || error.kind() == nivis_eval::error::Kind::Interrupted {
            return Err(error.into());
        }
        self.broken.push(Broken {
            attr_path: package.package.attr_path.clone(),
            error,
        });
        Ok(())
    }

    /// Reports what could not be evaluated.
    fn tell_broken(&self) -> Result<()> {
        let logger = self.env.session.logger;
        let sources = Sources::new(&self.env.session.ev);
        for broken in &self.broken {
            complain(&logger.error_text(&sources, &broken.error));
        }
        match self.broken.len() {
            0 => Ok(()),
            count => Err(Failure::Plain(format!("{count} packages could not be evaluated"))),
        }
    }
}
