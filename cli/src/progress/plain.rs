//! Lines on standard error, as the reference writes them.

use super::package_name;
use crate::history::History;
use crate::log::Logger;
use crate::realise::Realiser;
use nivis_builder::Mode;
use nivis_builder::events::{Ended, Event, Level, Observer};
use nivis_builder::realise::GoalId;
use nivis_eval::host;
use nivis_store::path::StoreDir;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Instant;

/// What is shown of what builders write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Logs {
    /// Nothing.
    None,
    /// The lines as they are.
    Bare,
    /// The lines, each with the builder's name before it.
    Prefixed,
}

/// Writes lines.
pub(super) struct Plain {
    logger: Logger,
    store_dir: StoreDir,
    logs: Logs,
    /// Whether escape sequences mean anything to who reads.
    terminal: bool,
    /// What is being built, and since when.
    builds: BTreeMap<GoalId, (String, Instant)>,
    /// How long builds took is remembered here too, for whoever watches them next.
    history: History,
}

impl Plain {
    pub(super) fn new(realiser: &Realiser, logs: Logs) -> Plain {
        let logger = realiser.logger;
        Plain {
            logger,
            store_dir: realiser.store.store_dir().clone(),
            logs,
            terminal: logger.style.rich,
            builds: BTreeMap::new(),
            history: History::load(realiser.environment),
        }
    }

    fn line(&self, goal: GoalId, line: &[u8]) {
        match (self.logs, self.builds.get(&goal)) {
            (Logs::None, _) => {}
            (Logs::Prefixed, Some((name, _))) => self.write(format!("{name}> ").into_bytes(), line),
            _ => self.write(vec![], line),
        }
    }

    fn write(&self, mut text: Vec<u8>, line: &[u8]) {
        text.extend(clean(line, self.terminal));
        text.push(b'\n');
        // If it is closed there is nobody to tell.
        let _ = io::stderr().lock().write_all(&text);
    }
}

/// The sentence that tells what is done to a derivation.
pub(super) fn doing(mode: Mode, drv: &str) -> String {
    match mode {
        Mode::Normal => format!("building '{drv}'"),
        Mode::Check => format!("checking outputs of '{drv}'"),
        Mode::Repair => format!("repairing outputs of '{drv}'"),
    }
}

/// A message's level as evaluation names it.
pub(super) fn level(level: Level) -> host::Level {
    match level {
        Level::Error => host::Level::Error,
        Level::Warning => host::Level::Warning,
        Level::Info => host::Level::Info,
        Level::Talkative => host::Level::Talkative,
    }
}

impl Observer for Plain {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Started { goal, drv, mode } => {
                self.builds
                    .insert(goal, (package_name(drv).to_owned(), Instant::now()));
                let text = doing(mode, &self.store_dir.print(drv));
                self.logger.message(host::Level::Info, &format!("{text}..."));
            }
            Event::Line { goal, line } => self.line(goal, line),
            Event::HookLine { line } if self.logs != Logs::None => {
                let text = [b"post-build-hook: ".as_slice(), line].concat();
                self.write(vec![], &text);
            }
            Event::Ended { goal, how, .. } => {
                if let (Some((name, began)), Ended::Built) = (self.builds.remove(&goal), how) {
                    self.history.record(&name, began.elapsed());
                }
            }
            Event::Waiting { text, .. } => self.logger.message(host::Level::Warning, &format!("{text}...")),
            Event::Message { level: loud, text } => self.logger.message(level(loud), text),
            Event::Failure { text } => {
                let text = clean_text(text, self.logger.style.colour);
                self.logger.failure("build", &text);
            }
            Event::HookLine { .. }
            | Event::Phase { .. }
            | Event::WaitingEnded { .. }
            | Event::Counts(_)
            | Event::Suspending
            | Event::Tick => {}
        }
    }

    fn shows_logs(&self) -> bool {
        self.logs != Logs::None
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.history.save();
    }
}

/// A line of a log: tabs as blanks, no bells and carriage returns, and escape sequences only if they mean something.
/// Of these only colours remain: others would disturb the screen.
pub(super) fn clean(line: &[u8], colours: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut column = 0;
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            0x1b => {
                let length = escape_length(tail);
                let (sequence, after) = tail.split_at(length);
                if colours && sequence.starts_with(b"[") && sequence.ends_with(b"m") {
                    out.push(byte);
                    out.extend_from_slice(sequence);
                }
                rest = after;
            }
            b'\t' => loop {
                out.push(b' ');
                column += 1;
                if column % 8 == 0 {
                    break;
                }
            },
            b'\r' | 0x07 => {}
            byte => {
                // Only first bytes of characters take room.
                column += usize::from(byte & 0xc0 != 0x80);
                out.push(byte);
            }
        }
    }
    out
}

/// A text whose lines are cleaned.
pub(crate) fn clean_text(text: &str, colours: bool) -> String {
    let lines = text.split('\n').map(|line| {
        let cleaned = clean(line.as_bytes(), colours);
        String::from_utf8_lossy(&cleaned).into_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How many bytes after an escape belong to it.
fn escape_length(tail: &[u8]) -> usize {
    let end = |from: usize, last: fn(&u8) -> bool| {
        let found = tail.get(from..).and_then(|tail| tail.iter().position(last));
        found.map_or(tail.len(), |at| from + at + 1)
    };
    match tail.first() {
        Some(b'[') => end(1, |byte| (0x40..=0x7e).contains(byte)),
        Some(b']') => end(1, |&byte| byte == 0x07 || byte == b'\\'),
        Some(_) => 1,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cleaned() {
        let cleaned = |line: &[u8], colours| String::from_utf8(clean(line, colours)).unwrap();
        assert_eq!(cleaned(b"a\tb\r\x07", false), "a       b");
        assert_eq!(cleaned(b"\x1b[31mred\x1b[0m \x1b[2Kx", false), "red x");
        assert_eq!(
            cleaned(b"\x1b[31mred\x1b[0m \x1b[2Kx", true),
            "\x1b[31mred\x1b[0m x"
        );
        assert_eq!(cleaned(b"\x1b]0;title\x07x\x1b", true), "x");
        assert_eq!(cleaned(b"\x1b[31", true), "");
    }
}
