//! What `nix-instantiate` prints: values and paths of derivations.

use super::Run;
use super::flags::Output;
use crate::collection::collect_if_due;
use crate::derivations::{Package, Search};
use crate::failure::{Failure, Result};
use crate::output::Out;
use crate::session::current_dir;
use nivis_eval::context::ContextBuilder;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::to_json::JsonStyle;
use nivis_eval::to_xml::XmlOptions;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Run<'_> {
    /// A value, as the flags want it.
    pub(super) fn print_value(&self, slot: Slot, out: &mut Out) -> Result<()> {
        let ev = &self.session.ev;
        let value = match self.auto_args.is_empty() {
            true => ev.force(slot, Pos::NONE)?,
            false => ev.auto_call(self.auto_args, slot)?,
        };
        match self.flags.output {
            Output::Plain => {
                if self.flags.strict {
                    ev.force_deep(value.slot())?;
                }
                ev.print_ambiguous(value, out)?;
                Ok(out.write_all(b"\n")?)
            }
            Output::Raw => self.print_raw(value, out),
            Output::Json => self.print_json(value, out),
            Output::Xml => self.print_xml(value, out),
        }
    }

    /// One line of JSON, once all of it is known to be JSON.
    fn print_json(&self, value: Value, out: &mut Out) -> Result<()> {
        let style = JsonStyle {
            strict: self.flags.strict,
            ..JsonStyle::BUILTIN
        };
        let mut context = ContextBuilder::default();
        let mut text = self
            .session
            .ev
            .to_json(value.slot(), Pos::NONE, &mut context, style)?;
        text.push(b'\n');
        Ok(out.write_all(&text)?)
    }

    /// XML is printed as far as it goes, even before an error.
    fn print_xml(&self, value: Value, out: &mut Out) -> Result<()> {
        let options = XmlOptions {
            strict: self.flags.strict,
            location: self.flags.locations,
        };
        let mut text = vec![];
        let mut context = ContextBuilder::default();
        let outcome = self
            .session
            .ev
            .to_xml(value.slot(), options, Pos::NONE, &mut context, &mut text);
        out.write_all(&text)?;
        Ok(outcome?)
    }

    /// A string as it is, without a newline.
    fn print_raw(&self, value: Value, out: &mut Out) -> Result<()> {
        let ev = &self.session.ev;
        let mut context = ContextBuilder::default();
        let while_ = "while generating the nix-instantiate output";
        let text = ev.coerce_to_string(
            value.slot(),
            Pos::NONE,
            &mut context,
            while_,
            Coercion::INTERPOLATION,
        )?;
        Ok(out.write_all(&text)?)
    }

    /// The paths of the derivations in a value; they are in the store before they are printed.
    /// `path` is where the value is, `needed` what will be looked at afterwards.
    pub(super) fn print_derivations(
        &mut self,
        slot: Slot,
        path: &[u8],
        needed: Option<Slot>,
        out: &mut Out,
    ) -> Result<()> {
        let mut search = Search::new(&self.session.ev, self.auto_args);
        search.keep_going = self.failures.keeps_going;
        search.all(slot, path)?;
        let (packages, broken) = (search.found, search.broken);
        let mut lines = vec![];
        for (i, package) in packages.iter().enumerate() {
            let values = packages[i..].iter().map(|package| package.attrs.value().slot());
            collect_if_due(&self.session.ev, || values.chain(needed));
            match self.describe(package) {
                Ok(line) => lines.push(line),
                Err(failure) => self.failures.note(Err(failure), &package.attr_path)?,
            }
        }
        for broken in broken {
            self.failures.note(Err(broken.error.into()), &broken.attr_path)?;
        }
        self.session.store.flush()?;
        for line in lines {
            out.write_all(&line)?;
        }
        Ok(())
    }

    /// The line for a derivation: its path or root, and the output unless it is `out`.
    fn describe(&mut self, package: &Package) -> Result<Vec<u8>> {
        let ev = &self.session.ev;
        let path = package.drv_path(ev)?;
        let shown = ev.host.store_dir().print(&path);
        let output = package.output_name(ev)?;
        if output.is_empty() {
            let message = format!("derivation '{shown}' lacks an 'outputName' attribute");
            return Err(Failure::Plain(message));
        }
        let mut line = shown.into_bytes();
        match &self.flags.root {
            None => self.warn_of_collection(),
            Some(root) => {
                if let Some(link) = self.session.store.add_root(&path, &self.next_root(root)?)? {
                    line = link.as_os_str().as_bytes().to_vec();
                }
            }
        }
        if output != "out" {
            line.extend(format!("!{output}").into_bytes());
        }
        line.push(b'\n');
        Ok(line)
    }

    fn next_root(&mut self, root: &[u8]) -> Result<std::path::PathBuf> {
        self.roots += 1;
        let mut link = nivis_lang::path::absolute(&current_dir()?, root);
        if self.roots > 1 {
            link.extend(format!("-{}", self.roots).into_bytes());
        }
        Ok(Path::new(OsStr::from_bytes(&link)).to_owned())
    }

    fn warn_of_collection(&mut self) {
        if std::mem::take(&mut self.gc_warning) {
            self.session.logger.warning(
                "you did not specify '--add-root'; the result might be removed by the garbage collector",
            );
        }
    }
}
