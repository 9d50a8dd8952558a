//! What several tests share.

use std::fs::File;
use std::io::Read;
use std::sync::mpsc::{Receiver, channel};

/// What a program writes to its terminal, as it comes. It is read at once: a terminal that nobody reads stops its program.
pub(crate) fn screen_of(mut master: File) -> Receiver<Vec<u8>> {
    let (send, screen) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read) = master.read(&mut buffer)
            && send.send(buffer[..read].to_vec()).is_ok()
        {}
    });
    screen
}
