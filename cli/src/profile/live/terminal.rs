//! The terminal as a screen to draw on and keys to read.

use super::guard::Guard;
use super::held::Held;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;
use terminal_size::{Height, Width, terminal_size_of};

/// What the user pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    /// A character.
    Char(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    /// Escape, backspace or the left arrow.
    Back,
    /// Control-C.
    Interrupt,
    /// Something else.
    Other,
}

/// The terminal of the process; dropping it restores what was on it.
pub(super) struct Terminal {
    file: File,
    saved: Termios,
    held: Held,
    /// If there is none, what kills the program leaves the terminal as it is.
    _guard: Option<Guard>,
    drawn: Vec<String>,
    /// What was read and is not taken for a key yet.
    read: Vec<u8>,
}

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn open() -> io::Result<Terminal> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let saved = tcgetattr(&file)?;
        let mut raw = saved.clone();
        cfmakeraw(&mut raw);
        let kept = tempfile::tempfile()?;
        let mut terminal = Terminal {
            _guard: Guard::start(&file, &kept).ok(),
            file,
            saved,
            held: Held::new(kept)?,
            drawn: vec![],
            read: vec![],
        };
        tcsetattr(&terminal.file, SetArg::TCSANOW, &raw)?;
        // Another screen, without a cursor and without wrapping.
        terminal.file.write_all(b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J")?;
        Ok(terminal)
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (usize, usize) {
        match terminal_size_of(&self.file) {
            Some((Width(width), Height(height))) if width > 0 && height > 0 => (width.into(), height.into()),
            _ => (80, 24),
        }
    }

    /// Draws the lines that differ from those that are there.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let mut text = String::new();
        if self.drawn.len() != lines.len() {
            text.push_str("\x1b[2J");
            self.drawn.clear();
        }
        for (i, line) in lines.iter().enumerate() {
            if self.drawn.get(i) != Some(line) {
                text.push_str(&format!("\x1b[{};1H{line}\x1b[0m\x1b[K", i + 1));
            }
        }
        self.drawn = lines.to_vec();
        self.file.write_all(text.as_bytes())
    }

    /// The next key, if one is pressed in time.
    pub(super) fn key(&mut self, patience: Duration) -> io::Result<Option<Key>> {
        if self.read.is_empty() {
            if !self.waits_for_input(patience)? {
                return Ok(None);
            }
            let mut bytes = [0; 64];
            match self.file.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.read.extend_from_slice(&bytes[..count]),
            }
        }
        let length = length(&self.read);
        let key = parse(&self.read[..length]);
        self.read.drain(..length);
        Ok(Some(key))
    }

    fn waits_for_input(&self, patience: Duration) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore(&mut self.file, Some(&self.saved));
        // If the terminal is gone nobody reads it.
        let _ = self.held.release(&mut self.file);
    }
}

/// Goes back to the screen that was there before, and to the settings.
pub(super) fn restore(terminal: &mut File, settings: Option<&Termios>) {
    // If the terminal is gone there is nothing to restore.
    let _ = terminal.write_all(b"\x1b[?7h\x1b[?25h\x1b[?1049l");
    if let Some(settings) = settings {
        let _ = tcsetattr(&*terminal, SetArg::TCSANOW, settings);
    }
}

/// How many bytes the first key takes.
fn length(bytes: &[u8]) -> usize {
    match bytes {
        // A sequence ends with a letter or `~`.
        [b'\x1b', b'[' | b'O', rest @ ..] => {
            let end = rest.iter().position(|byte| (0x40..0x7f).contains(byte));
            end.map_or(bytes.len(), |end| end + 3)
        }
        _ => 1,
    }
}

/// What the terminal sends for a key.
fn parse(bytes: &[u8]) -> Key {
    match bytes {
        b"\x1b[A" | b"\x1bOA" => Key::Up,
        b"\x1b[B" | b"\x1bOB" => Key::Down,
        b"\x1b[C" | b"\x1bOC" | b"\r" | b"\n" => Key::Enter,
        b"\x1b[D" | b"\x1bOD" | b"\x1b" | b"\x7f" | b"\x08" => Key::Back,
        b"\x1b[5~" => Key::PageUp,
        b"\x1b[6~" => Key::PageDown,
        b"\x1b[H" | b"\x1bOH" | b"\x1b[1~" => Key::Home,
        b"\x1b[F" | b"\x1bOF" | b"\x1b[4~" => Key::End,
        [3] => Key::Interrupt,
        [byte] if (0x20..0x7f).contains(byte) => Key::Char(char::from(*byte)),
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_come_together_are_taken_apart() {
        let mut bytes = &b"\x1b[Hj\x1b[6~\x1bOB\r\x1b"[..];
        let mut keys = vec![];
        while !bytes.is_empty() {
            let (key, rest) = bytes.split_at(length(bytes));
            keys.push(parse(key));
            bytes = rest;
        }
        use Key::*;
        assert_eq!(keys, [Home, Char('j'), PageDown, Down, Enter, Back]);
    }
}
