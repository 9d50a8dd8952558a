//! What the arguments of the evaluating commands name: files, expressions, standard input.

use crate::failure::Result;
use crate::session::{Session, current_dir, read_stdin};
use crate::settings::file::is_url;
use nivis_eval::value::Slot;
use nivis_lang::position::{Origin, Pos};
use std::sync::Arc;

/// Where an expression comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// `-`
    Stdin,
    /// `--expr`
    Expression(Vec<u8>),
    /// A file.
    File(Vec<u8>),
}

/// The text of an expression, where it came from, and where its relative paths start.
pub(crate) type Text = (Vec<u8>, Origin, Vec<u8>);

impl Session {
    /// Reads an input.
    pub(crate) fn read_input(&self, input: &Input) -> Result<Text> {
        match input {
            Input::Stdin => {
                let text = read_stdin()?;
                let origin = Origin::Stdin(Arc::from(text.as_slice()));
                Ok((text, origin, current_dir()?))
            }
            Input::Expression(text) => {
                let origin = Origin::String(Arc::from(text.as_slice()));
                Ok((text.clone(), origin, current_dir()?))
            }
            Input::File(path) => {
                // Looked up once; `/` stands for a folder that is gone as well.
                let here = &self.ev.settings.current_dir;
                let path = match here.as_slice() {
                    b"/" => self.locate(path, &current_dir()?)?,
                    _ => self.locate(path, here)?,
                };
                self.read_source(&path)
            }
        }
    }

    /// Reads a file, or the `default.nix` of a folder.
    pub(crate) fn read_source(&self, path: &[u8]) -> Result<Text> {
        let path = self.ev.resolve_import(path)?;
        let dir = nivis_eval::path::parent(&path).to_vec();
        Ok((self.ev.read_file(&path)?, Origin::File(Arc::from(path)), dir))
    }

    /// The path that a file argument names: a path, `<name>`, or something to fetch.
    pub(crate) fn locate(&self, argument: &[u8], dir: &[u8]) -> Result<Vec<u8>> {
        if let Some(name) = argument
            .strip_prefix(b"<")
            .and_then(|rest| rest.strip_suffix(b">"))
            && !name.is_empty()
        {
            return self.find_file(name);
        }
        let text = String::from_utf8_lossy(argument);
        if is_url(&text) {
            let url = match text.strip_prefix("channel:") {
                Some(name) => format!("https://channels.nixos.org/{name}/nixexprs.tar.xz"),
                None => text.into_owned(),
            };
            return self.apply(b"builtins.fetchTarball", &[url.as_bytes()]);
        }
        Ok(nivis_lang::path::absolute(dir, argument))
    }

    /// Looks a name up in the search path.
    pub(crate) fn find_file(&self, name: &[u8]) -> Result<Vec<u8>> {
        self.apply(b"builtins.findFile builtins.nixPath", &[name])
    }

    /// Applies a builtin that gives a path.
    fn apply(&self, function: &[u8], arguments: &[&[u8]]) -> Result<Vec<u8>> {
        let ev = &self.ev;
        let origin = Origin::String(Arc::from(function));
        let function = ev.eval_text(function, origin, b"/")?;
        let arguments: Vec<Slot> = arguments.iter().map(|text| ev.string(text).slot()).collect();
        let result = ev.call(function, &arguments, Pos::NONE).map_err(|mut error| {
            // Nothing of this is text that the user wrote.
            error.details_mut().frames.clear();
            error
        })?;
        let mut context = nivis_eval::context::ContextBuilder::default();
        let path = ev.coerce_to_path(result.slot(), Pos::NONE, &mut context, "while looking up a file")?;
        Ok(path.into_owned())
    }
}
