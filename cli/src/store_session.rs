//! A store opened as the command line, the settings and the environment say, without an evaluator.

use crate::args;
use crate::failure::{Failure, Result};
use crate::log::Logger;
use crate::options::Common;
use crate::output::{self, Out};
use crate::program::Invocation;
use crate::store_choice::{self, StoreChoice};
use crate::store_entry;
use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::derivation::Derivation;
use nivis_store::path::StorePath;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// A folder that does not exist: where the state of a store is that is not on disk.
const NOWHERE: &str = "/nonexistent/none";

/// A store to work on, and where messages go.
pub(crate) struct StoreSession<'i> {
    /// The store.
    pub(crate) store: Arc<LocalStore>,
    /// Where messages go.
    pub(crate) logger: Logger,
    /// What the common flags say.
    pub(crate) common: &'i Common,
    /// How the program was called.
    pub(crate) invocation: &'i Invocation,
}

/// Runs `work` with a store and standard output. What is queued is written afterwards, and what was printed before
/// an error stays printed.
pub(crate) fn run(
    invocation: &Invocation,
    common: &Common,
    work: impl FnOnce(&StoreSession, &mut Out) -> Result<()>,
) -> Result<()> {
    store_entry::enter(invocation, common, common.store.as_deref(), common.read_only)?;
    run_here(invocation, common, work)
}

/// As [`run`], where the program was called, even if the store is not at its place there. Who collects garbage has to
/// see all processes that use the store.
pub(crate) fn run_here(
    invocation: &Invocation,
    common: &Common,
    work: impl FnOnce(&StoreSession, &mut Out) -> Result<()>,
) -> Result<()> {
    let session = StoreSession::new(invocation, common)?;
    let mut out = output::stdout();
    let outcome = work(&session, &mut out);
    let kept = session.store.flush().map_err(Failure::from);
    let flushed = out.flush().map_err(Failure::from);
    outcome.and(kept).and(flushed)
}

/// Shows what the user should know of the settings and of the stores' parameters.
pub(crate) fn show_warnings(invocation: &Invocation, common: &Common) {
    let logger = common.logger(invocation.style);
    let of_store = |uri| store_choice::warnings(uri, &common.settings, &invocation.environment);
    let mut warnings = common.settings.warnings();
    warnings.extend(of_store(common.store.as_deref()));
    if let Some(uri) = &common.eval_store {
        warnings.extend(of_store(Some(uri)));
    }
    for warning in warnings {
        logger.warning(&warning);
    }
}

impl<'i> StoreSession<'i> {
    /// Nothing is opened before it is needed.
    fn new(invocation: &'i Invocation, common: &'i Common) -> Result<StoreSession<'i>> {
        show_warnings(invocation, common);
        StoreSession::open(invocation, common)
    }

    /// A session where the settings' warnings are shown by another process.
    pub(crate) fn after_warnings(invocation: &'i Invocation, common: &'i Common) -> Result<StoreSession<'i>> {
        store_entry::enter(invocation, common, common.store.as_deref(), common.read_only)?;
        StoreSession::open(invocation, common)
    }

    fn open(invocation: &'i Invocation, common: &'i Common) -> Result<StoreSession<'i>> {
        let logger = common.logger(invocation.style);
        let choice = store_choice::choose(
            common.store.as_deref(),
            &common.settings,
            &invocation.environment,
            common.read_only,
        )?;
        let config = match choice {
            StoreChoice::Local(config) => *config,
            StoreChoice::Dummy(store_dir) => StoreConfig {
                read_only: true,
                ..StoreConfig::new(store_dir, NOWHERE, NOWHERE)
            },
        };
        let mut store = LocalStore::new(config, logger.notify());
        if let Some(uri) = &common.eval_store {
            let environment = &invocation.environment;
            if let StoreChoice::Local(config) =
                store_choice::choose(Some(uri), &common.settings, environment, common.read_only)?
            {
                store = store.with_eval_store(Arc::new(LocalStore::new(*config, logger.notify())));
            }
        }
        Ok(StoreSession {
            store: Arc::new(store),
            logger,
            common,
            invocation,
        })
    }

    /// The store object that an argument names: its path, or that of a symlink to it, or of something within it.
    pub(crate) fn object(&self, arg: &[u8]) -> Result<StorePath> {
        Ok(self
            .store
            .follow_links_to_store_path(Path::new(OsStr::from_bytes(arg)))?)
    }

    /// The objects that arguments name, in their order.
    pub(crate) fn objects(&self, args: &[args::Arg]) -> Result<Vec<StorePath>> {
        args.iter().map(|arg| self.object(arg)).collect()
    }

    /// Reads a derivation that is valid.
    pub(crate) fn derivation(&self, path: &StorePath) -> Result<Derivation> {
        if !self.store.is_valid_path(path)? {
            return Err(Failure::Plain(format!(
                "path '{}' is required, but there is no substituter that can build it",
                self.print(path)
            )));
        }
        if let Err(error) = path.drv_name() {
            let path = self.print(path);
            let message = format!("error parsing derivation '{path}': {error}");
            return Err(Failure::Plain(message));
        }
        Ok(self.store.read_derivation(path)?)
    }

    /// A path as text.
    pub(crate) fn print(&self, path: &StorePath) -> String {
        self.store.store_dir().print(path)
    }
}
