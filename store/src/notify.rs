//! Messages of the store to whoever runs it, such as what is waited for.

use std::fmt;
use std::sync::Arc;

/// Where messages go. Nothing is printed here.
#[derive(Clone, Default)]
pub struct Notify(Option<Arc<Say>>);

type Say = dyn Fn(&str) + Send + Sync;

impl Notify {
    /// Messages go to that function.
    pub fn new(say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Notify(Some(Arc::new(say)))
    }

    /// Messages go nowhere.
    pub fn silent() -> Self {
        Notify(None)
    }

    pub(crate) fn say(&self, message: &str) {
        if let Some(say) = &self.0 {
            say(message);
        }
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notify")
    }
}
