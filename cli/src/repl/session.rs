//! The state of a session: variables, what was loaded, how to print.

use super::flags::{Flags, Start};
use super::print;
use super::scope::Scope;
use crate::failure::{Failure, Result};
use crate::output::{self, Out};
use crate::program::Invocation;
use crate::session::{Session, current_dir};
use nivis_eval::attrs::Attrs;
use nivis_eval::error::{Error, Kind};
use nivis_eval::host::Level;
use nivis_eval::value::Value;
use nivis_lang::position::{Origin, Pos};
use nivis_lang::show::write_identifier;
use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

/// How many names are listed when a set is added.
const NAMES_SHOWN: usize = 20;

/// A session.
pub(super) struct Repl<'s> {
    /// The evaluator and its surroundings.
    pub(super) session: &'s Session,
    /// `:te`
    pub(super) show_trace: Cell<bool>,
    /// `--store`, for programs that are called.
    pub(super) store: Option<String>,
    editor: String,
    scope: RefCell<Scope>,
    auto_args: &'static Attrs,
    loaded: RefCell<Vec<Start>>,
    last_loaded: Cell<Option<&'static Attrs>>,
    colour: bool,
    out: RefCell<Out>,
}

impl<'s> Repl<'s> {
    /// A session that has loaded nothing yet.
    pub(super) fn new(session: &'s Session, flags: &Flags, invocation: &Invocation) -> Result<Repl<'s>> {
        Ok(Repl {
            session,
            show_trace: Cell::new(session.logger.style.show_trace),
            store: flags.common.store.clone(),
            editor: invocation.environment.editor.clone(),
            scope: RefCell::default(),
            auto_args: session.auto_args(&flags.common)?,
            loaded: RefCell::new(flags.start.clone()),
            last_loaded: Cell::new(None),
            colour: io::stdout().is_terminal() && !invocation.environment.no_colour,
            out: RefCell::new(output::stdout()),
        })
    }

    /// The user's editor.
    pub(super) fn editor(&self) -> &str {
        &self.editor
    }

    /// Writes to standard output.
    pub(super) fn print(&self, text: &[u8]) -> Result<()> {
        Ok(self.out.borrow_mut().write_all(text)?)
    }

    /// Brings what was printed to the screen.
    pub(super) fn flush(&self) -> Result<()> {
        Ok(self.out.borrow_mut().flush()?)
    }

    /// Prints a value, parts nested deeper than `depth` left out.
    pub(super) fn print_value(&self, value: Value, depth: usize) -> Result<()> {
        let mut text = print::show(&self.session.ev, value, depth, self.colour)?;
        text.push(b'\n');
        self.print(&text)
    }

    /// Evaluates an expression that sees the session's variables.
    pub(super) fn eval(&self, text: &str) -> Result<Value> {
        let (text, origin) = source(text);
        let scope = self.scope.borrow().variables().to_vec();
        Ok(self
            .session
            .ev
            .eval_in_scope(&text, origin, &current_dir()?, &scope)?)
    }

    /// What definitions without braces define; `end` was not typed, and messages do not show it.
    pub(super) fn bindings(&self, text: &str, end: &str) -> Result<&'static Attrs> {
        let (mut text, origin) = source(text);
        text.extend_from_slice(end.as_bytes());
        let scope = self.scope.borrow().variables().to_vec();
        Ok(self
            .session
            .ev
            .bindings_in_scope(&text, origin, &current_dir()?, &scope)?)
    }

    /// Defines variables without telling.
    pub(super) fn define(&self, set: &'static Attrs) {
        self.scope.borrow_mut().define_all(&self.session.ev, set);
    }

    /// The names that an expression can use.
    pub(super) fn names(&self) -> Vec<String> {
        let ev = &self.session.ev;
        let mut names: Vec<String> = ev.base_names();
        names.extend(
            self.scope
                .borrow()
                .variables()
                .iter()
                .map(|&(name, _)| ev.name(name)),
        );
        names.sort();
        names.dedup();
        names
    }

    /// Adds the attributes of a set to the variables, and says which.
    pub(super) fn add(&self, value: Value) -> Result<()> {
        let ev = &self.session.ev;
        let context = "while evaluating an attribute set to be merged in the global scope";
        let set = ev.expect_attrs(value.slot(), Pos::NONE, context)?;
        self.define(set);
        self.last_loaded.set(Some(set));
        let names: Vec<_> = ev.sorted_entries(set).map(|entry| entry.name).collect();
        self.tell(&format!("Added {} variables.", names.len()))?;
        let mut shown = vec![];
        for (i, &name) in names.iter().take(NAMES_SHOWN).enumerate() {
            if i > 0 {
                shown.extend_from_slice(b", ");
            }
            write_identifier(&mut shown, ev.symbol_bytes(name));
        }
        self.tell(&String::from_utf8_lossy(&shown))?;
        if names.len() > NAMES_SHOWN {
            let more = names.len() - NAMES_SHOWN;
            self.tell(&format!("... and {more} more; view with :ll"))?;
        }
        Ok(())
    }

    /// The names that were added last.
    pub(super) fn last_loaded(&self) -> Result<Vec<String>> {
        let ev = &self.session.ev;
        match self.last_loaded.get() {
            Some(set) => Ok(ev.sorted_entries(set).map(|entry| ev.name(entry.name)).collect()),
            None => Err(Failure::Plain("nothing has been loaded yet".to_owned())),
        }
    }

    /// Loads a file: a path, `<name>`, or something to fetch.
    pub(super) fn load(&self, file: &str) -> Result<()> {
        let start = Start::File(file.as_bytes().to_vec());
        let same = |old: &Start| matches!(old, Start::File(path) if path == file.as_bytes());
        self.loaded.borrow_mut().retain(|old| !same(old));
        self.loaded.borrow_mut().push(start.clone());
        self.start(&start)
    }

    /// Loads all that the command line named and `:l` loaded since.
    pub(super) fn load_all(&self) -> Result<()> {
        let all = self.loaded.borrow().clone();
        for start in &all {
            let (Start::File(text) | Start::Expression(text)) = start;
            self.tell(&format!("Loading '{}'...", String::from_utf8_lossy(text)))?;
            self.start(start)?;
        }
        Ok(())
    }

    /// Forgets all files and variables, and loads the files again.
    pub(super) fn reload(&self) -> Result<()> {
        self.session.ev.forget_files();
        self.scope.borrow_mut().clear();
        self.load_all()
    }

    fn start(&self, start: &Start) -> Result<()> {
        let ev = &self.session.ev;
        let value = match start {
            Start::File(path) => ev.import(&self.session.locate(path, &current_dir()?)?)?,
            Start::Expression(text) => self.eval(&String::from_utf8_lossy(text))?,
        };
        self.add(ev.auto_call(self.auto_args, value.slot())?)
    }

    /// A message beside the values.
    pub(super) fn tell(&self, text: &str) -> Result<()> {
        self.flush()?;
        self.session.logger.message(Level::Notice, text);
        Ok(())
    }
}

fn source(text: &str) -> (Vec<u8>, Origin) {
    (
        text.as_bytes().to_vec(),
        Origin::String(Arc::from(text.as_bytes())),
    )
}

/// Whether a text is no Nix.
pub(super) fn is_syntax_error(failure: &Failure) -> bool {
    matches!(failure, Failure::Eval(error) if error.kind() == Kind::Syntax)
}

/// Whether a text could go on: what is missing stands at its end.
pub(super) fn is_incomplete(failure: &Failure) -> bool {
    let at_end = |error: &Error| error.details().message.contains("unexpected end of file");
    is_syntax_error(failure) && matches!(failure, Failure::Eval(error) if at_end(error))
}
