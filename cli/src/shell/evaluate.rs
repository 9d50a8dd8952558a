//! What `nix-shell` evaluates: the derivation, and the shell of nixpkgs.

use super::Script;
use crate::attr_path;
use crate::build::flags::Flags;
use crate::build::{derivations_of, drv_argument};
use crate::derivations;
use crate::failure::{Failure, Result};
use crate::hand_over::{Evaluated, Parent, Wanted};
use crate::inputs::{Input, Text};
use crate::program::Invocation;
use crate::session::{self, Session, current_dir};
use nivis_eval::attrs::{Attrs, Entry};
use nivis_eval::error::{Error, Kind};
use nivis_eval::host::Level;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::{Origin, Pos};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The shell to be used unless the user says another.
const SHELL: &[u8] = b"(import <nixpkgs> {}).bashInteractive";

/// Evaluates, and hands over what is found.
pub(super) fn run(invocation: &Invocation, flags: &Flags, script: Option<&Script>) -> Result<()> {
    let parent = Parent::connect()?;
    session::run(invocation, &flags.common, flags.common.read_only, |session| {
        let inputs = Inputs::new(session, flags, script)?;
        let mut found = Evaluated {
            wanted: inputs.derivations()?,
            ..Evaluated::default()
        };
        if found.wanted.len() != 1 {
            return Err(Failure::Usage(
                "nix-shell requires a single derivation".to_owned(),
            ));
        }
        if invocation.environment.build_shell.is_none() {
            found.shell = shell(session, inputs.auto_args);
        }
        session.store.flush()?;
        parent.hand_over(session.ev.host.store_dir(), &found)
    })
}

/// The shell of nixpkgs; if there is none, that is told.
fn shell(session: &Session, auto_args: &'static Attrs) -> Option<Wanted> {
    let ev = &session.ev;
    let find = || -> Result<Wanted, Error> {
        let origin = Origin::String(Arc::from(SHELL));
        let value = ev.eval_text(SHELL, origin, &ev.settings.current_dir)?;
        let set = value.as_attrs();
        let is_derivation = set.map_or(Ok(false), |set| ev.is_derivation(set))?;
        let package = match is_derivation {
            true => derivations::find(ev, value.slot(), auto_args)?.into_iter().next(),
            false => None,
        };
        let Some(package) = package else {
            let message = "the 'bashInteractive' attribute in <nixpkgs> did not evaluate to a derivation";
            return Err(Error::new(Kind::Eval, message));
        };
        Ok(Wanted {
            drv: package.drv_path(ev)?,
            output: "out".to_owned(),
        })
    };
    match find() {
        Ok(wanted) => Some(wanted),
        Err(error) => {
            session.logger.error(ev, &error);
            session
                .logger
                .message(Level::Notice, "uses bash from your environment");
            None
        }
    }
}

/// Where expressions come from and what they are called with.
struct Inputs<'i> {
    session: &'i Session,
    flags: &'i Flags,
    script: Option<&'i Script>,
    auto_args: &'static Attrs,
    /// Those, and `inNixShell`.
    in_shell_args: &'static Attrs,
}

impl<'i> Inputs<'i> {
    fn new(session: &'i Session, flags: &'i Flags, script: Option<&'i Script>) -> Result<Inputs<'i>> {
        let ev = &session.ev;
        let auto_args = session.auto_args(&flags.common)?;
        let mut entries: Vec<Entry> = auto_args.flat(ev.heap).entries().collect();
        let name = ev.intern(b"inNixShell");
        if auto_args.find(name).is_none() {
            let slot = Value::TRUE.slot();
            entries.push(Entry {
                name,
                slot,
                pos: Pos::NONE,
            });
        }
        let in_shell_args = ev.heap.attrs(&mut entries).as_attrs().unwrap_or(auto_args);
        Ok(Inputs {
            session,
            flags,
            script,
            auto_args,
            in_shell_args,
        })
    }

    fn derivations(&self) -> Result<Vec<Wanted>> {
        let mut found = vec![];
        let mut texts = vec![];
        for input in self.inputs()? {
            match drv_argument(self.session, &input)? {
                Some(wanted) => found.push(wanted),
                None => texts.push(self.read(&input)?),
            }
        }
        for (text, origin, dir) in texts {
            let root = self.session.ev.eval_text(&text, origin, &dir)?.slot();
            for path in self.flags.attr_paths() {
                let ev = &self.session.ev;
                let slot = attr_path::find(ev, path, self.arguments_for(root)?, root)?;
                found.extend(derivations_of(self.session, slot, self.arguments_for(slot)?)?);
            }
        }
        Ok(found)
    }

    /// The arguments for a value: only functions that ask for `inNixShell` get it.
    fn arguments_for(&self, value: Slot) -> Result<&'static Attrs> {
        let ev = &self.session.ev;
        if ev.force(value, Pos::NONE)?.as_function().is_none() {
            return Ok(self.auto_args);
        }
        let text: &[u8] = b"f: (builtins.functionArgs f) ? inNixShell";
        let asks = ev.eval_text(text, Origin::String(Arc::from(text)), b"/")?;
        // Builtins have no arguments by name.
        let asks = ev.call(asks, &[value], Pos::NONE).ok().and_then(Value::as_bool);
        Ok(match asks {
            Some(true) => self.in_shell_args,
            _ => self.auto_args,
        })
    }

    fn inputs(&self) -> Result<Vec<Input>> {
        let flags = self.flags;
        if flags.for_shell.packages {
            let mut text = b"{...}@args: with import <nixpkgs> args; (pkgs.runCommandCC or pkgs.runCommand) \
                \"shell\" { buildInputs = [ "
                .to_vec();
            for package in &flags.arguments {
                text.extend([b"(", package.as_slice(), b") "].concat());
            }
            text.extend(b"]; } \"\"");
            return Ok(vec![Input::Expression(text)]);
        }
        let prefers_shell = self.prefers_shell_file();
        let exists = |name: &str| Path::new(name).exists();
        if flags.arguments.is_empty() && !flags.expressions && !flags.stdin {
            if !prefers_shell && exists("shell.nix") {
                return Ok(flags.inputs("shell.nix"));
            }
            if !exists("shell.nix") && !exists("default.nix") {
                let message = "no argument specified and no 'shell.nix' or 'default.nix' file found in the \
                    working directory";
                return Err(Failure::Plain(message.to_owned()));
            }
        }
        Ok(flags.inputs("."))
    }

    fn prefers_shell_file(&self) -> bool {
        self.flags
            .common
            .settings
            .bool("nix-shell-always-looks-for-shell-nix")
    }

    /// Whether what a script says is relative to it, not to where it is run.
    fn relative_to_script(&self) -> bool {
        let setting = "nix-shell-shebang-arguments-relative-to-script";
        self.flags.common.settings.bool(setting)
    }

    fn read(&self, input: &Input) -> Result<Text> {
        let here = current_dir()?;
        let there = self
            .script
            .map(|script| nivis_lang::path::absolute(&here, script.folder()));
        match (input, there) {
            (Input::File(path), there) => {
                let dir = there.filter(|_| !self.flags.for_shell.packages).unwrap_or(here);
                let path = self.session.locate(path, &dir)?;
                let path = self.shell_file(path)?;
                self.session.read_source(&path)
            }
            (Input::Expression(_), Some(dir)) if self.relative_to_script() => {
                let (text, origin, _) = self.session.read_input(input)?;
                Ok((text, origin, dir))
            }
            _ => self.session.read_input(input),
        }
    }

    /// In a folder, `shell.nix` or else `default.nix`.
    fn shell_file(&self, path: Vec<u8>) -> Result<Vec<u8>> {
        let folder = Path::new(OsStr::from_bytes(&path));
        if !folder.is_dir() {
            return Ok(path);
        }
        let shell = folder.join("shell.nix");
        if shell.exists() {
            if self.prefers_shell_file() {
                return Ok(shell.into_os_string().into_encoded_bytes());
            }
            self.session.logger.warning(&format!(
                "Skipping '{}', because the setting 'nix-shell-always-looks-for-shell-nix' is disabled. This is a \
                 deprecated behavior. Consider enabling 'nix-shell-always-looks-for-shell-nix'.",
                shell.display()
            ));
        }
        if folder.join("default.nix").exists() {
            return Ok(path);
        }
        Err(Failure::Plain(format!(
            "neither 'shell.nix' nor 'default.nix' found in '{}'",
            folder.display()
        )))
    }
}
