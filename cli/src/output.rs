//! Standard output with a buffer.

use std::io::{self, BufWriter, Stdout, Write};

/// Standard output. What is left in the buffer is lost unless it is flushed: the program ends without unwinding.
pub(crate) type Out = BufWriter<Stdout>;

/// Standard output with a buffer.
pub(crate) fn stdout() -> Out {
    BufWriter::with_capacity(64 * 1024, io::stdout())
}

/// Writes a message to standard error; if that is closed there is nobody to tell.
pub(crate) fn complain(text: &str) {
    let mut text = text.to_owned();
    text.push('\n');
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
