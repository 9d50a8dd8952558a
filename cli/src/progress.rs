//! Showing builds: plain lines, a live tree on a terminal, or JSON for programs.

mod debug;
mod events;
mod json;
mod plain;
pub(crate) mod screen;
mod tree;

use crate::realise::Realiser;
use nivis_builder::events::{Event, Observer};
use nivis_builder::realise::Missing;
use nivis_builder::{BuildFailure, Kept};
use nivis_store::path::StorePath;

pub(crate) use plain::clean_text;

/// How builds are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Display {
    /// The tree on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// `-Q`: as that, but what builders write is not shown.
    Quiet,
    /// Lines, without what builders write.
    Raw,
    /// Lines, with what builders write.
    RawWithLogs,
    /// The tree.
    Bar,
    /// The tree below what builders write.
    BarWithLogs,
    /// The reference's JSON.
    Json,
}

/// Whoever shows builds as the flags say.
pub(super) fn observer(realiser: &Realiser, plan: Option<&Missing>) -> Result<Box<dyn Observer>, String> {
    let logger = realiser.logger;
    let store_dir = realiser.store.store_dir();
    let terminal = logger.style.rich;
    let plain = |logs| plain::Plain::new(realiser, logs);
    let tree = |logs| Box::new(tree::Tree::new(realiser, plan, logs)) as Box<dyn Observer>;
    let shown: Box<dyn Observer> = match (realiser.common.display, terminal) {
        (Display::Json, _) => Box::new(json::Json::new(logger, store_dir.clone())),
        (Display::Auto | Display::Bar, true) => tree(tree::Logs::LastLine),
        (Display::Quiet, true) => tree(tree::Logs::Hidden),
        (Display::BarWithLogs, true) => tree(tree::Logs::Above),
        (Display::BarWithLogs, false) => Box::new(plain(plain::Logs::Prefixed)),
        (Display::Auto | Display::RawWithLogs, _) => Box::new(plain(plain::Logs::Bare)),
        (Display::Quiet | Display::Raw | Display::Bar, _) => Box::new(plain(plain::Logs::None)),
    };
    let shown: Box<dyn Observer> = match realiser.debug_shell {
        true => Box::new(debug::Debug::new(shown, logger, store_dir.clone())),
        false => shown,
    };
    match &realiser.common.events {
        None => Ok(shown),
        Some(path) => Ok(Box::new(Both {
            shown,
            written: events::Events::open(path, store_dir.clone())?,
        })),
    }
}

/// Shows to two.
struct Both {
    shown: Box<dyn Observer>,
    written: events::Events,
}

impl Observer for Both {
    fn event(&mut self, event: Event<'_>) {
        self.written.event(event);
        self.shown.event(event);
    }

    fn shows_logs(&self) -> bool {
        self.shown.shows_logs()
    }

    fn wants_ticks(&self) -> bool {
        self.shown.wants_ticks()
    }

    fn debug(&mut self, drv: &StorePath, failure: &BuildFailure, kept: &mut Kept) {
        self.shown.debug(drv, failure, kept);
    }
}

/// The name of a derivation: without hash and `.drv`.
fn short_name(drv: &StorePath) -> &str {
    drv.name().strip_suffix(".drv").unwrap_or(drv.name())
}

/// That name without its version: what is before the first dash that no letter follows.
fn package_name(drv: &StorePath) -> &str {
    let name = short_name(drv);
    let bytes = name.as_bytes();
    let end = (0..bytes.len())
        .find(|&i| bytes[i] == b'-' && bytes.get(i + 1).is_some_and(|next| !next.is_ascii_alphabetic()));
    &name[..end.unwrap_or(name.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_versions() {
        let path = |name: &str| {
            StorePath::from_base_name(format!("00000000000000000000000000000000-{name}.drv")).unwrap()
        };
        assert_eq!(package_name(&path("hello-world-2.1-rc1")), "hello-world");
        assert_eq!(package_name(&path("hello")), "hello");
        assert_eq!(short_name(&path("hello-1")), "hello-1");
    }
}
