//! Where lines come from: an editor with history and completion on a terminal, else standard input as it is.

use super::complete::Completer;
use super::session::Repl;
use crate::env::Environment;
use crate::failure::{Failure, Result};
use rustyline::config::{CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Editor, history::History};
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

const PROMPT: &str = "nix-repl> ";
/// Before further lines of one input.
const CONTINUED: &str = "        > ";

/// A line that was typed.
pub(super) enum Line {
    /// Its text.
    Text(String),
    /// ^C: the user wants to start afresh.
    Abandoned,
}

/// Where lines come from.
pub(super) struct Input<'r, 's> {
    repl: &'r Repl<'s>,
    editor: Option<Editor<Completer<'r, 's>, FileHistory>>,
    history: Option<PathBuf>,
}

impl<'r, 's> Input<'r, 's> {
    /// The terminal, or standard input.
    pub(super) fn new(repl: &'r Repl<'s>, environment: &Environment) -> Result<Input<'r, 's>> {
        let mut input = Input {
            repl,
            editor: None,
            history: None,
        };
        if io::stdin().is_terminal() {
            let config = Config::builder()
                .completion_type(CompletionType::List)
                .auto_add_history(false)
                .build();
            let mut editor = Editor::with_config(config).map_err(failed)?;
            editor.set_helper(Some(Completer::new(repl)));
            input.history = environment.data_home.as_ref().map(|dir| dir.join("repl-history"));
            if let Some(file) = &input.history {
                // There is none before the first session.
                let _ = editor.load_history(file);
            }
            input.editor = Some(editor);
        }
        Ok(input)
    }

    /// The next line; `None` at the end of input.
    pub(super) fn line(&mut self, continued: bool) -> Result<Option<Line>> {
        self.repl.flush()?;
        let prompt = if continued { CONTINUED } else { PROMPT };
        let line = match &mut self.editor {
            Some(editor) => match editor.readline(prompt) {
                Ok(line) => Some(Line::Text(line)),
                Err(ReadlineError::Interrupted) => Some(Line::Abandoned),
                Err(ReadlineError::Eof) => None,
                Err(error) => return Err(failed(error)),
            },
            None => self.plain_line(prompt)?.map(Line::Text),
        };
        if line.is_none() {
            self.repl.print(b"\n")?;
        }
        Ok(line)
    }

    /// Without a terminal what is read is shown behind its prompt, so that the output reads like a session.
    fn plain_line(&self, prompt: &str) -> Result<Option<String>> {
        self.repl.print(prompt.as_bytes())?;
        let mut line = vec![];
        let read = io::stdin().lock().read_until(b'\n', &mut line);
        read.map_err(|error| Failure::Plain(format!("reading standard input: {error}")))?;
        if line.is_empty() {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
        self.repl.print(line.as_bytes())?;
        self.repl.print(b"\n")?;
        self.repl.flush()?;
        Ok(Some(line))
    }

    /// Keeps an input for later sessions.
    pub(super) fn remember(&mut self, text: &str) {
        let Some(editor) = self.editor.as_mut().filter(|_| !text.trim().is_empty()) else {
            return;
        };
        // A session is of use without a history that lasts.
        let _ = editor.history_mut().add(text);
        if let Some(file) = &self.history {
            let _ = file.parent().map(std::fs::create_dir_all);
            let _ = editor.save_history(file);
        }
    }
}

fn failed(error: ReadlineError) -> Failure {
    Failure::Plain(format!("reading from the terminal: {error}"))
}
