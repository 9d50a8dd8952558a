//! The terminal as a screen to draw on and keys to read.

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
    drawn: Vec<String>,
}

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn open() -> io::Result<Terminal> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let saved = tcgetattr(&file)?;
        let mut raw = saved.clone();
        cfmakeraw(&mut raw);
        tcsetattr(&file, SetArg::TCSANOW, &raw)?;
        let mut terminal = Terminal {
            file,
            saved,
            drawn: vec![],
        };
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
        if !self.waits_for_input(patience)? {
            return Ok(None);
        }
        let mut bytes = [0; 32];
        let count = self.file.read(&mut bytes)?;
        match count {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(Some(parse(&bytes[..count]))),
        }
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
        // If the terminal is gone there is nothing to restore.
        let _ = self.file.write_all(b"\x1b[?7h\x1b[?25h\x1b[?1049l");
        let _ = tcsetattr(&self.file, SetArg::TCSANOW, &self.saved);
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
