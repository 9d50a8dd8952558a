//! Writing XML in the reference's layout: an element a line, two blanks a level.

use std::io::{self, Write};

/// Attributes of an element, in the order in which they are written.
pub(crate) type Attributes<'a> = &'a [(&'a str, &'a [u8])];

/// A writer of one document.
pub(crate) struct XmlWriter<'w> {
    out: &'w mut dyn Write,
    open: Vec<&'static str>,
}

impl<'w> XmlWriter<'w> {
    /// Starts a document.
    pub(crate) fn new(out: &'w mut dyn Write) -> io::Result<XmlWriter<'w>> {
        out.write_all(b"<?xml version='1.0' encoding='utf-8'?>\n")?;
        Ok(XmlWriter { out, open: vec![] })
    }

    /// Starts an element.
    pub(crate) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) -> io::Result<()> {
        self.tag(name, attributes, ">\n")?;
        self.open.push(name);
        Ok(())
    }

    /// Ends the element that was started last.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        match self.open.pop() {
            Some(name) => writeln!(self.out, "{:1$}</{name}>", "", 2 * self.open.len()),
            None => Ok(()),
        }
    }

    /// An element without contents.
    pub(crate) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) -> io::Result<()> {
        self.tag(name, attributes, " />\n")
    }

    fn tag(&mut self, name: &str, attributes: Attributes<'_>, end: &str) -> io::Result<()> {
        let mut text = format!("{:1$}<{name}", "", 2 * self.open.len()).into_bytes();
        for (name, value) in attributes {
            text.extend_from_slice(format!(" {name}=\"").as_bytes());
            nivis_eval::to_xml::escape(&mut text, value);
            text.push(b'"');
        }
        text.extend_from_slice(end.as_bytes());
        self.out.write_all(&text)
    }
}
