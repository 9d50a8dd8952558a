//! Standard output with a buffer.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Standard output. What is left in the buffer is lost unless it is flushed: the program ends without unwinding.
pub(crate) type Out = BufWriter<Stdout>;

/// Standard output with a buffer.
pub(crate) fn stdout() -> Out {
    BufWriter::with_capacity(64 * 1024, io::stdout())
}

/// Messages since the transcript was started, if it was.
static TRANSCRIPT: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn transcript() -> MutexGuard<'static, Option<Vec<String>>> {
    TRANSCRIPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, messages are kept as well as written.
pub(crate) fn start_transcript() {
    *transcript() = Some(vec![]);
}

/// Ends the transcript; gives the messages in it.
pub(crate) fn end_transcript() -> Vec<String> {
    transcript().take().unwrap_or_default()
}

/// Writes a message to standard error; if that is closed there is nobody to tell.
pub(crate) fn complain(text: &str) {
    if let Some(messages) = &mut *transcript() {
        messages.push(text.to_owned());
    }
    let mut text = text.to_owned();
    text.push('\n');
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
