//! The store's connection to whoever runs it: messages, such as what is waited for, and being told to stop.

use std::fmt;
use std::sync::Arc;

use crate::error::StoreError;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warning,
    /// What the user asked for is being done.
    Notice,
    /// What is going on.
    Info,
    /// Details of it.
    Talkative,
}

/// Where messages go, and who says when to stop. Nothing is printed here.
#[derive(Clone, Default)]
pub struct Notify {
    say: Option<Arc<Say>>,
    interrupted: Option<Arc<Interrupted>>,
}

type Say = dyn Fn(Level, &str) + Send + Sync;

type Interrupted = dyn Fn() -> bool + Send + Sync;

impl Notify {
    /// Messages go to that function.
    pub fn new(say: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Notify {
            say: Some(Arc::new(say)),
            interrupted: None,
        }
    }

    /// Messages go nowhere.
    pub fn silent() -> Self {
        Notify::default()
    }

    /// That function says whether the user asked to stop. It is asked while the store waits for others, and
    /// between files.
    #[must_use]
    pub fn with_interrupt(self, interrupted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Notify {
            interrupted: Some(Arc::new(interrupted)),
            ..self
        }
    }

    /// Say what is going on.
    pub(crate) fn say(&self, message: &str) {
        self.tell(Level::Info, message);
    }

    /// Say something of any level.
    pub(crate) fn tell(&self, level: Level, message: &str) {
        if let Some(say) = &self.say {
            say(level, message);
        }
    }

    /// Fails if the user asked to stop.
    pub(crate) fn check_interrupt(&self) -> Result<(), StoreError> {
        match &self.interrupted {
            Some(interrupted) if interrupted() => Err(StoreError::Interrupted),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notify")
    }
}
