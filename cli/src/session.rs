//! An evaluator set up as the command line, the settings and the environment say.

use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::host::{RealHost, StoreHandle};
use crate::log::Logger;
use crate::options::{AutoArg, Common};
use crate::profile::Watching;
use crate::program::Invocation;
use crate::settings::file::is_url;
use crate::store_choice::StoreChoice;
use crate::{interrupt, stats, store_choice, store_entry, store_session};
use nivis_eval::attrs::{Attrs, Entry};
use nivis_eval::error::{Error, Kind};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::settings::{SearchPathElement, Settings};
use nivis_lang::position::{Origin, Pos};
use nivis_store::path::StorePath;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// An evaluator and the store it writes to.
pub(crate) struct Session {
    /// The evaluator.
    pub(crate) ev: Evaluator,
    /// Its store.
    pub(crate) store: Rc<StoreHandle>,
    /// Where messages go.
    pub(crate) logger: Logger,
}

/// Runs `work` with an evaluator, tells of an error with its positions, and shows statistics if wanted.
pub(crate) fn run(
    invocation: &Invocation,
    common: &Common,
    read_only: bool,
    work: impl FnOnce(&Session) -> Result<()>,
) -> Result<()> {
    let session = Session::new(invocation, common, read_only)?;
    let outcome = nivis_primops::install(&session.ev)
        .map_err(Failure::from)
        .and_then(|()| {
            let watching = Watching::start(&session, invocation, &common.settings)?;
            let outcome = work(&session);
            // An error of the evaluation is the one to tell of.
            let watched = watching.finish(&session);
            outcome.and(watched)
        });
    // What was evaluated before an error is kept, and an error in keeping it is not the one to tell of.
    let kept = session.store.flush().map_err(Failure::from);
    match outcome.and(kept) {
        Ok(()) => stats::show(&session, &invocation.environment),
        Err(Failure::Eval(error)) => {
            session.logger.error(&session.ev, &error);
            Err(Failure::Exit(exit_status(&error)))
        }
        outcome => outcome,
    }
}

/// The status to end with after an error.
fn exit_status(error: &Error) -> u8 {
    let status = match error.kind() {
        Kind::Interrupted => interrupt::status(),
        _ => error.details().exit_status,
    };
    status.and_then(|status| u8::try_from(status).ok()).unwrap_or(1)
}

impl Session {
    fn new(invocation: &Invocation, common: &Common, read_only: bool) -> Result<Session> {
        let environment = &invocation.environment;
        let uri = common.eval_store.as_deref().or(common.store.as_deref());
        store_entry::enter(invocation, common, uri, read_only)?;
        let logger = common.logger(invocation.style);
        store_session::show_warnings(invocation, common);
        let mut choice = store_choice::choose(uri, &common.settings, environment, read_only)?;
        if let StoreChoice::Local(config) = &mut choice {
            config.repair = common.repair;
        }
        let store = StoreHandle::new(choice, read_only, logger);
        let host = RealHost::new(store.clone(), logger, common, environment);
        let settings = eval_settings(common, environment, read_only);
        let ev = Evaluator::new(Box::new(host), settings);
        ev.set_native_stack(invocation.stack_size);
        let session = Session { ev, store, logger };
        session.allow_search_path()?;
        Ok(session)
    }

    /// With restricted access, the search path is what may be read.
    fn allow_search_path(&self) -> Result<()> {
        let ev = &self.ev;
        if !ev.settings.restrict_eval && !ev.settings.pure_eval {
            return Ok(());
        }
        for element in &ev.settings.search_path {
            if is_url(&String::from_utf8_lossy(&element.path)) {
                continue;
            }
            let path = nivis_lang::path::absolute(&current_dir()?, &element.path);
            ev.allow_path(&path);
            if let Ok((object, _)) = ev.host.store_dir().to_store_path(&path) {
                self.allow_closure(object);
            }
        }
        Ok(())
    }

    /// Objects that are not valid bring nothing along.
    fn allow_closure(&self, object: StorePath) {
        let mut open = vec![object];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(path) = open.pop() {
            if seen.insert(path.clone())
                && let Ok(references) = self.ev.host.references(&path)
            {
                self.ev.allow_store_path(&path);
                open.extend(references);
            }
        }
    }

    /// The values of `--arg` and its kin as a set.
    pub(crate) fn auto_args(&self, common: &Common) -> Result<&'static Attrs> {
        let ev = &self.ev;
        let mut entries = vec![];
        for (name, value) in &common.auto_args {
            let slot = match value {
                AutoArg::Expression(text) => {
                    let origin = Origin::String(Arc::from(text.as_slice()));
                    ev.delay_text(text, origin, &current_dir()?)?
                }
                AutoArg::Text(text) => ev.string(text).slot(),
                AutoArg::File(path) => ev.string(&read_plain(path)?).slot(),
                AutoArg::Stdin => ev.string(&read_stdin()?).slot(),
            };
            entries.push(Entry {
                name: ev.intern(name),
                slot,
                pos: Pos::NONE,
            });
        }
        let set = ev.heap.attrs(&mut entries);
        ev.keep(set.slot());
        set.as_attrs()
            .ok_or_else(|| Failure::Plain("the arguments are not a set".to_owned()))
    }
}

fn eval_settings(common: &Common, environment: &Environment, read_only: bool) -> Settings {
    let settings = &common.settings;
    let system = match settings.text("eval-system") {
        "" => common.system(),
        system => system.to_owned(),
    };
    Settings {
        system,
        search_path: search_path(common, environment),
        pure_eval: settings.bool("pure-eval"),
        restrict_eval: settings.bool("restrict-eval"),
        allowed_uris: settings.list("allowed-uris").map(str::to_owned).collect(),
        max_call_depth: u32::try_from(settings.int("max-call-depth")).unwrap_or(u32::MAX),
        trace_verbose: settings.bool("trace-verbose"),
        abort_on_warn: settings.bool("abort-on-warn") || environment.abort_on_warn,
        allow_import_from_derivation: settings.bool("allow-import-from-derivation"),
        read_only,
        count_calls: environment.count_calls,
        initial_heap_size: environment
            .initial_heap_size
            .unwrap_or(Settings::default().initial_heap_size),
        current_dir: current_dir().unwrap_or_else(|_| b"/".to_vec()),
        features: settings
            .list("experimental-features")
            .map(str::to_owned)
            .collect(),
        home: environment
            .home
            .as_ref()
            .map(|home| home.as_os_str().as_bytes().to_vec()),
        url_literals: settings.lint("lint-url-literals"),
        short_path_literals: settings.lint("lint-short-path-literals"),
        absolute_path_literals: settings.lint("lint-absolute-path-literals"),
    }
}

/// `-I`, then `nix-path`, then channels.
fn search_path(common: &Common, environment: &Environment) -> Vec<SearchPathElement> {
    let settings = &common.settings;
    if settings.bool("pure-eval") {
        return vec![];
    }
    let mut elements = common.search_path.clone();
    let parsed = |text: &str| SearchPathElement::parse(text.as_bytes());
    elements.extend(settings.list("nix-path").map(parsed));
    if !settings.bool("restrict-eval") {
        let root_channels = environment.state_dir.join("profiles/per-user/root/channels");
        let mut add = |prefix: &str, path: Option<PathBuf>| {
            if let Some(path) = path.filter(|path| path.exists()) {
                elements.push(SearchPathElement {
                    prefix: prefix.into(),
                    path: path.into_os_string().into_vec(),
                });
            }
        };
        let own = match settings.bool("use-xdg-base-directories") {
            true => environment.state_home.as_ref().map(|dir| dir.join("defexpr")),
            false => environment.home.as_ref().map(|home| home.join(".nix-defexpr")),
        };
        add("", own.map(|dir| dir.join("channels")));
        add("nixpkgs", Some(root_channels.join("nixpkgs")));
        add("", Some(root_channels));
    }
    elements
}

/// The contents of a file that is no Nix source.
fn read_plain(path: &[u8]) -> Result<Vec<u8>> {
    std::fs::read(std::ffi::OsStr::from_bytes(path))
        .map_err(|error| Failure::Eval(nivis_eval::files::file_error("opening file", path, &error)))
}

/// All of standard input.
pub(crate) fn read_stdin() -> Result<Vec<u8>> {
    let mut text = vec![];
    io::stdin()
        .lock()
        .read_to_end(&mut text)
        .map_err(|error| Failure::Plain(format!("reading standard input: {error}")))?;
    Ok(text)
}

/// Where relative paths of the command line start.
pub(crate) fn current_dir() -> Result<Vec<u8>> {
    std::env::current_dir()
        .map(|dir| dir.into_os_string().into_vec())
        .map_err(|error| Failure::Plain(format!("cannot determine the current directory: {error}")))
}
