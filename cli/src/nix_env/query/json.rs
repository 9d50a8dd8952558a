//! Listings as JSON: an object with an entry for each attribute path.

use super::Listing;
use crate::failure::Result;
use crate::nix_env::selection::Named;
use crate::pretty_json;
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::Result as EvalResult;
use nivis_eval::to_json::{JsonStyle, write_json_string};
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;
use std::collections::BTreeMap;
use std::io::Write;

/// An object's fields as compact JSON.
type Fields = BTreeMap<Vec<u8>, Vec<u8>>;

impl Listing<'_> {
    /// Names are sorted, so nothing can be written before all is known.
    pub(super) fn write_json(&mut self, packages: &[Named], out: &mut dyn Write) -> Result<()> {
        let mut entries = Fields::new();
        for (i, package) in packages.iter().enumerate() {
            self.collect_if_due(&packages[i..]);
            let mut fields = Fields::new();
            let outcome = self.fields(package, &mut fields);
            // What was known before a failure stays listed.
            let entry = match fields.is_empty() {
                true => b"null".to_vec(),
                false => object(&fields)?,
            };
            entries.insert(package.package.attr_path.clone(), entry);
            if let Err(error) = outcome {
                self.failed(package, error)?;
            }
        }
        for broken in &self.broken {
            let fields = Fields::from([(
                b"error".to_vec(),
                string(broken.error.details().message.as_bytes())?,
            )]);
            entries.insert(broken.attr_path.clone(), object(&fields)?);
        }
        let mut text = vec![];
        // One entry after another: laid out in lines, all of them together are large.
        let mut separator = "{\n  ";
        for (name, entry) in &entries {
            text.clear();
            text.extend_from_slice(separator.as_bytes());
            separator = ",\n  ";
            write_json_string(&mut text, name)?;
            text.extend_from_slice(b": ");
            pretty_json::write(&mut text, entry, 1);
            out.write_all(&text)?;
        }
        Ok(out.write_all(if entries.is_empty() { b"{}\n" } else { b"\n}\n" })?)
    }

    fn fields(&self, listed: &Named, fields: &mut Fields) -> EvalResult<()> {
        let (ev, wanted, package) = (&self.env.session.ev, self.wanted, &listed.package);
        let path = |path: &StorePath| string(ev.host.store_dir().print(path).as_bytes());
        let basic = [
            ("name", listed.name.full.clone()),
            ("pname", listed.name.name().to_vec()),
            ("version", listed.name.version().to_vec()),
            ("system", package.system(ev)?),
            ("outputName", package.output_name(ev)?),
        ];
        for (name, text) in basic {
            fields.insert(name.into(), string(&text)?);
        }
        let mut outputs = Fields::new();
        for (name, found) in package.outputs(ev, wanted.show_out_path)? {
            let value = match &found {
                Some(found) => path(found)?,
                None => b"null".to_vec(),
            };
            outputs.insert(name, value);
        }
        fields.insert(b"outputs".to_vec(), object(&outputs)?);
        if wanted.show_drv_path
            && let Some(found) = package.drv_path(ev)?
        {
            fields.insert(b"drvPath".to_vec(), path(&found)?);
        }
        if !wanted.show_meta {
            return Ok(());
        }
        let mut meta = Fields::new();
        let outcome = self.meta(listed, &mut meta);
        fields.insert(b"meta".to_vec(), object(&meta)?);
        outcome
    }

    fn meta(&self, listed: &Named, meta: &mut Fields) -> EvalResult<()> {
        let ev = &self.env.session.ev;
        for name in listed.package.meta_names(ev)? {
            let text = ev.symbol_bytes(name).to_vec();
            let value = match listed.package.meta_of(ev, name)? {
                Some(value) => ev.to_json(
                    value.slot(),
                    Pos::NONE,
                    &mut ContextBuilder::default(),
                    JsonStyle::BUILTIN,
                )?,
                None => {
                    self.tell_invalid_meta(listed, &text);
                    b"null".to_vec()
                }
            };
            meta.insert(text, value);
        }
        Ok(())
    }
}

fn string(text: &[u8]) -> EvalResult<Vec<u8>> {
    let mut out = vec![];
    write_json_string(&mut out, text)?;
    Ok(out)
}

fn object(fields: &Fields) -> EvalResult<Vec<u8>> {
    let mut out = vec![b'{'];
    for (name, value) in fields {
        if out.len() > 1 {
            out.push(b',');
        }
        write_json_string(&mut out, name)?;
        out.push(b':');
        out.extend_from_slice(value);
    }
    out.push(b'}');
    Ok(out)
}
