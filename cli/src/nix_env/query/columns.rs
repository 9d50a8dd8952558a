//! Listings as plain columns and as XML.

use super::Listing;
use crate::failure::Result;
use crate::nix_env::selection::Named;
use crate::packages::{MetaValue, Outputs};
use crate::table::Table;
use crate::xml::XmlWriter;
use nivis_eval::error::Result as EvalResult;
use nivis_eval::host::Level;
use nivis_eval::value::Unpacked;
use nivis_lang::show::write_float;
use std::collections::BTreeMap;
use std::io::{self, Write};

impl Listing<'_> {
    /// Columns line up, so nothing can be written before all is known.
    pub(super) fn write_table(&mut self, packages: &[Named], out: &mut dyn Write) -> Result<()> {
        let mut table = Table::default();
        for (i, package) in packages.iter().enumerate() {
            self.collect_if_due(&packages[i..]);
            match self.row(package) {
                Ok(Some(row)) => {
                    self.note_shown(package);
                    table.push(&row);
                }
                Ok(None) => {}
                Err(error) => self.failed(package, error)?,
            }
        }
        Ok(table.write(out)?)
    }

    fn row(&self, listed: &Named) -> EvalResult<Option<Vec<Vec<u8>>>> {
        let (ev, wanted, package) = (&self.env.session.ev, self.wanted, &listed.package);
        let store_dir = ev.host.store_dir();
        if self.is_left_out(package)? {
            return Ok(None);
        }
        let mut row = vec![];
        if wanted.show_status {
            row.push(self.status_letters(listed)?);
        }
        if wanted.show_attr_path {
            row.push(package.attr_path.clone());
        }
        if !wanted.hide_name {
            row.push(listed.name.full.clone());
        }
        if wanted.compare_versions {
            let (sign, version) = self.compare(listed);
            let cell = [&[sign, b' '], &version[..]].concat();
            row.push(match sign == b'<' && self.env.session.logger.style.colour {
                true => [b"\x1b[31;1m", &cell[..], b"\x1b[0m"].concat(),
                false => cell,
            });
        }
        if wanted.show_system {
            row.push(package.system(ev)?);
        }
        if wanted.show_drv_path {
            let path = package.drv_path(ev)?;
            row.push(path.map_or(b"-".to_vec(), |path| store_dir.print(&path).into_bytes()));
        }
        if wanted.show_out_path {
            row.push(self.output_paths(&package.outputs(ev, true)?));
        }
        if wanted.show_description {
            row.push(package.meta_string(ev, b"description")?.to_vec());
        }
        Ok(Some(row))
    }

    fn status_letters(&self, listed: &Named) -> EvalResult<Vec<u8>> {
        let letters = self.is_in_status(listed)?.into_iter().zip(*b"IPS");
        Ok(letters
            .map(|(is, letter)| if is { letter } else { b'-' })
            .collect())
    }

    /// Remembers that the status of a package is shown here.
    fn note_shown(&mut self, listed: &Named) {
        if self.is_blank
            && let Ok(path) = listed.package.out_path(&self.env.session.ev)
        {
            self.objects.shown.push(path);
        }
    }

    /// Whether it is installed, in the store and in a cache.
    fn is_in_status(&self, listed: &Named) -> EvalResult<[bool; 3]> {
        let path = listed.package.out_path(&self.env.session.ev)?;
        if self.is_blank {
            return Ok([false; 3]);
        }
        let status = &self.status;
        Ok([&status.installed, &status.valid, &status.substitutable].map(|set| set.contains(&path)))
    }

    /// `bin=/…;man=/…;/…`, the output `out` without its name.
    fn output_paths(&self, outputs: &Outputs) -> Vec<u8> {
        let mut text = vec![];
        for (name, path) in outputs {
            if !text.is_empty() {
                text.push(b';');
            }
            if name != b"out" {
                text.extend_from_slice(name);
                text.push(b'=');
            }
            if let Some(path) = path {
                text.extend_from_slice(self.env.session.ev.host.store_dir().print(path).as_bytes());
            }
        }
        text
    }

    /// Each element is written as soon as it is known; elements are ended even before an error.
    pub(super) fn write_xml(&mut self, packages: &[Named], out: &mut dyn Write) -> Result<()> {
        let mut xml = XmlWriter::new(out)?;
        xml.open("items", &[])?;
        let outcome = self.write_items(packages, &mut xml);
        xml.close()?;
        outcome
    }

    fn write_items(&mut self, packages: &[Named], xml: &mut XmlWriter<'_>) -> Result<()> {
        for (i, package) in packages.iter().enumerate() {
            self.collect_if_due(&packages[i..]);
            let attributes = match self.attributes(package) {
                Ok(Some(attributes)) => attributes,
                Ok(None) => continue,
                Err(error) => {
                    self.failed(package, error)?;
                    continue;
                }
            };
            let attributes: Vec<(&str, &[u8])> = attributes
                .iter()
                .map(|(name, value)| (*name, value.as_slice()))
                .collect();
            xml.open("item", &attributes)?;
            self.note_shown(package);
            let contents = self.write_contents(package, xml);
            xml.close()?;
            if let Err(error) = contents? {
                self.failed(package, error)?;
            }
        }
        Ok(())
    }

    fn attributes(&self, listed: &Named) -> EvalResult<Option<BTreeMap<&'static str, Vec<u8>>>> {
        let (ev, wanted, package) = (&self.env.session.ev, self.wanted, &listed.package);
        if self.is_left_out(package)? {
            return Ok(None);
        }
        let mut attributes = BTreeMap::new();
        if wanted.show_status {
            let names = ["installed", "valid", "substitutable"];
            for (name, is) in names.into_iter().zip(self.is_in_status(listed)?) {
                attributes.insert(name, vec![if is { b'1' } else { b'0' }]);
            }
        }
        attributes.insert("attrPath", package.attr_path.clone());
        attributes.insert("name", listed.name.full.clone());
        attributes.insert("pname", listed.name.name().to_vec());
        attributes.insert("version", listed.name.version().to_vec());
        if wanted.compare_versions {
            let (sign, version) = self.compare(listed);
            if sign != b'-' {
                attributes.insert("versionDiff", vec![sign]);
                attributes.insert("maxComparedVersion", version);
            }
        }
        let system = package.system(ev)?;
        if !system.is_empty() {
            attributes.insert("system", system);
        }
        if wanted.show_drv_path
            && let Some(path) = package.drv_path(ev)?
        {
            attributes.insert("drvPath", ev.host.store_dir().print(&path).into_bytes());
        }
        attributes.insert("outputName", package.output_name(ev)?);
        if wanted.show_description {
            let description = package.meta_string(ev, b"description")?;
            if !description.is_empty() {
                attributes.insert("description", description.to_vec());
            }
        }
        Ok(Some(attributes))
    }

    /// The outputs and what is in `meta`. The outer result is that of writing.
    fn write_contents(&self, listed: &Named, xml: &mut XmlWriter<'_>) -> Result<EvalResult<()>> {
        let ev = &self.env.session.ev;
        let outputs = match listed.package.outputs(ev, self.wanted.show_out_path) {
            Ok(outputs) => outputs,
            Err(error) => return Ok(Err(error)),
        };
        for (name, path) in &outputs {
            match path {
                Some(path) => {
                    let path = ev.host.store_dir().print(path);
                    xml.empty("output", &[("name", name), ("path", path.as_bytes())])?;
                }
                None => xml.empty("output", &[("name", name)])?,
            }
        }
        if !self.wanted.show_meta {
            return Ok(Ok(()));
        }
        let names = match listed.package.meta_names(ev) {
            Ok(names) => names,
            Err(error) => return Ok(Err(error)),
        };
        for name in names {
            match listed.package.meta_of(ev, name) {
                Ok(Some(value)) => self.write_meta(ev.symbol_bytes(name), value, xml)?,
                Ok(None) => self.tell_invalid_meta(listed, ev.symbol_bytes(name)),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    pub(super) fn tell_invalid_meta(&self, listed: &Named, name: &[u8]) {
        let message = format!(
            "derivation '{}' has invalid meta attribute '{}'",
            String::from_utf8_lossy(&listed.name.full),
            String::from_utf8_lossy(name)
        );
        self.env.session.logger.message(Level::Error, &message);
    }

    /// A value of `meta`; of lists and sets only the strings.
    fn write_meta(&self, name: &[u8], value: MetaValue, xml: &mut XmlWriter<'_>) -> io::Result<()> {
        let ev = &self.env.session.ev;
        let mut atom = |kind: &str, value: &[u8]| {
            xml.empty(
                "meta",
                &[("name", name), ("type", kind.as_bytes()), ("value", value)],
            )
        };
        match value.unpack() {
            Unpacked::String(text) => atom("string", text.bytes()),
            Unpacked::Int(number) => atom("int", number.to_string().as_bytes()),
            Unpacked::Float(number) => {
                let mut text = vec![];
                write_float(&mut text, number);
                atom("float", &text)
            }
            Unpacked::Bool(is) => atom("bool", if is { b"true" } else { b"false" }),
            Unpacked::List(list) => {
                xml.open("meta", &[("name", name), ("type", b"strings")])?;
                let strings = list.iter().filter_map(|slot| slot.evaluated()?.as_string());
                for text in strings {
                    xml.empty("string", &[("value", text.bytes())])?;
                }
                xml.close()
            }
            Unpacked::Attrs(set) => {
                xml.open("meta", &[("name", name), ("type", b"strings")])?;
                for entry in set.flat(ev.heap).entries() {
                    if let Some(text) = entry.slot.evaluated().and_then(|value| value.as_string()) {
                        let name = ev.symbol_bytes(entry.name);
                        xml.empty("string", &[("type", name), ("value", text.bytes())])?;
                    }
                }
                xml.close()
            }
            Unpacked::Null | Unpacked::Path(_) | Unpacked::Function(_) => Ok(()),
        }
    }
}
