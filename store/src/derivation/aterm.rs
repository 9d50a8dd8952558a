//! The text of `.drv` files.

use std::borrow::Cow;
use std::ops::Range;

use super::{Derivation, DerivationOutput, InputOutputs};
use crate::content_address::{ContentAddress, ContentAddressMethod};
use crate::hash::{Hash, HashAlgorithm, HashError};
use crate::path::{PathError, StoreDir, StorePath};
use crate::quote::write_quoted;

/// The only version besides the one that has no name.
const DYNAMIC_VERSION: &str = "xp-dyn-drv";

/// How deep dynamic inputs may nest in a file.
const MAX_DYNAMIC_DEPTH: usize = 64;

/// What can be wrong with the text of a `.drv` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ParseError {
    #[error("file is empty (possible filesystem corruption)")]
    Empty,
    #[error("derivation does not start with 'Derive' or 'DrvWithVersion'")]
    NotADerivation,
    #[error("Unknown derivation ATerm format version '{0}'")]
    UnknownVersion(String),
    #[error("expected string '{0}'")]
    Expected(&'static str),
    #[error("unterminated string in derivation")]
    Unterminated,
    #[error("bad path '{0}' in derivation")]
    BadPath(String),
    #[error("invalid inputDrvs entry in derivation")]
    BadInput,
    #[error("inputDrvs of derivation nest too deeply")]
    TooDeep,
    #[error("output name '{0}' of derivation is not UTF-8")]
    OutputName(String),
    #[error("impure derivation output should not specify output path")]
    ImpureWithPath,
    #[error("content-addressing derivation output should not specify output path")]
    FloatingWithPath,
    #[error("derivation is followed by other data")]
    TrailingData,
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// What stands in the place of input derivations.
pub(super) enum Inputs<'a> {
    /// Their paths.
    Paths,
    /// Their hashes in base16, sorted.
    Hashes(&'a [(HexHash, Cow<'a, InputOutputs>)]),
}

/// A sha256 in base16.
pub(super) type HexHash = [u8; 64];

impl Derivation {
    /// Write the text to the end of `out`.
    pub fn write_aterm(&self, store: &StoreDir, out: &mut Vec<u8>) -> Result<(), PathError> {
        self.write(store, false, &Inputs::Paths, out)?;
        Ok(())
    }

    /// Write the text to the end of `out`, given the text that was written with its output paths left empty and
    /// hashes for inputs: most of both is the same. Gives the place of the inputs.
    pub(super) fn write_unmasked(
        &self,
        store: &StoreDir,
        masked: &[u8],
        layout: &Layout,
        out: &mut Vec<u8>,
    ) -> Result<Range<usize>, PathError> {
        let inputs = self.write_head(store, false, &Inputs::Paths, out)?;
        let mut done = layout.inputs.end;
        let paths = self
            .outputs
            .keys()
            .filter_map(|name| self.env.get(name.as_bytes()));
        for (&hidden, path) in layout.hidden.iter().zip(paths) {
            out.extend_from_slice(&masked[done..hidden]);
            write_string(path, out);
            done = hidden + EMPTY_STRING.len();
        }
        out.extend_from_slice(&masked[done..]);
        Ok(inputs)
    }

    /// The text.
    pub fn to_aterm(&self, store: &StoreDir) -> Result<Vec<u8>, PathError> {
        let mut out = Vec::with_capacity(4096);
        self.write_aterm(store, &mut out)?;
        Ok(out)
    }

    /// Write the text, with its own output paths left empty if `masked`.
    pub(super) fn write(
        &self,
        store: &StoreDir,
        masked: bool,
        inputs: &Inputs<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Layout, PathError> {
        let inputs = self.write_head(store, masked, inputs, out)?;
        let mut hidden = vec![];
        out.extend_from_slice(b"],[");
        separated(&self.input_srcs, out, |path, out| {
            write_path(store, path, out);
            Ok(())
        })?;
        out.extend_from_slice(b"],");
        write_raw(&self.platform, out);
        out.push(b',');
        write_string(&self.builder, out);
        out.extend_from_slice(b",[");
        separated(&self.args, out, |arg, out| {
            write_string(arg, out);
            Ok(())
        })?;
        out.extend_from_slice(b"],[");
        separated(self.env.iter(), out, |(name, value), out| {
            out.push(b'(');
            write_string(name, out);
            out.push(b',');
            if masked && self.is_output(name) {
                hidden.push(out.len());
                out.extend_from_slice(EMPTY_STRING);
            } else {
                write_string(value, out);
            }
            out.push(b')');
            Ok(())
        })?;
        out.extend_from_slice(b"])");
        Ok(Layout { inputs, hidden })
    }

    /// Write what comes before the input sources. Gives the place of the inputs.
    fn write_head(
        &self,
        store: &StoreDir,
        masked: bool,
        inputs: &Inputs<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Range<usize>, PathError> {
        // By the derivation alone, also when hashes are written.
        if self.has_dynamic_inputs() {
            out.extend_from_slice(b"DrvWithVersion(\"xp-dyn-drv\",[");
        } else {
            out.extend_from_slice(b"Derive([");
        }
        separated(&self.outputs, out, |(name, output), out| {
            write_output(store, &self.name, name, output, masked, out)
        })?;
        out.extend_from_slice(b"],[");
        let inputs_start = out.len();
        match inputs {
            Inputs::Paths => separated(&self.input_drvs, out, |(path, outputs), out| {
                out.extend_from_slice(b"(");
                write_path(store, path, out);
                write_input_outputs(outputs, out);
                Ok(())
            })?,
            Inputs::Hashes(hashes) => separated(*hashes, out, |(hash, outputs), out| {
                out.extend_from_slice(b"(");
                write_raw(hash, out);
                write_input_outputs(outputs, out);
                Ok(())
            })?,
        }
        Ok(inputs_start..out.len())
    }

    fn is_output(&self, name: &[u8]) -> bool {
        // There are few.
        self.outputs.keys().any(|output| output.as_bytes() == name)
    }
}

/// Where what differs between the texts of one derivation lies in one of them.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The inputs.
    pub(super) inputs: Range<usize>,
    /// The empty values of the variables of outputs, if these are masked.
    hidden: Vec<usize>,
}

/// An empty string as it is written.
const EMPTY_STRING: &[u8] = b"\"\"";

fn separated<I: IntoIterator>(
    items: I,
    out: &mut Vec<u8>,
    mut write: impl FnMut(I::Item, &mut Vec<u8>) -> Result<(), PathError>,
) -> Result<(), PathError> {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out)?;
    }
    Ok(())
}

fn write_output(
    store: &StoreDir,
    drv_name: &str,
    name: &str,
    output: &DerivationOutput,
    masked: bool,
    out: &mut Vec<u8>,
) -> Result<(), PathError> {
    out.push(b'(');
    write_raw(name.as_bytes(), out);
    out.push(b',');
    let path = if masked {
        None
    } else {
        output.path(store, drv_name, name)?
    };
    match path {
        Some(path) => write_path(store, &path, out),
        None => write_raw(b"", out),
    }
    let (method, algorithm, hash) = match output {
        DerivationOutput::InputAddressed(_) | DerivationOutput::Deferred => {
            out.extend_from_slice(b",\"\",\"\")");
            return Ok(());
        }
        DerivationOutput::Fixed(address) => (
            address.method,
            address.hash.algorithm(),
            Cow::Owned(address.hash.to_base16()),
        ),
        DerivationOutput::Floating { method, algorithm } => (*method, *algorithm, Cow::Borrowed("")),
        DerivationOutput::Impure { method, algorithm } => (*method, *algorithm, Cow::Borrowed("impure")),
    };
    for part in [",\"", method.prefix(), algorithm.name(), "\",\"", &hash, "\")"] {
        out.extend_from_slice(part.as_bytes());
    }
    Ok(())
}

/// Write the outputs of one input and close its parenthesis.
fn write_input_outputs(node: &InputOutputs, out: &mut Vec<u8>) {
    out.push(b',');
    write_node(node, out);
    out.push(b')');
}

fn write_node(node: &InputOutputs, out: &mut Vec<u8>) {
    if !node.dynamic.is_empty() {
        out.push(b'(');
    }
    out.push(b'[');
    for (index, name) in node.outputs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_raw(name.as_bytes(), out);
    }
    out.push(b']');
    if !node.dynamic.is_empty() {
        out.extend_from_slice(b",[");
        for (index, (name, child)) in node.dynamic.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",(" } else { b"(" });
            write_raw(name.as_bytes(), out);
            write_input_outputs(child, out);
        }
        out.extend_from_slice(b"])");
    }
}

fn write_path(store: &StoreDir, path: &StorePath, out: &mut Vec<u8>) {
    for part in ["\"", store.as_str(), "/", path.base_name(), "\""] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Write a string that needs no escapes, or that the format never escapes.
fn write_raw(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// For each byte what follows the backslash, or zero if the byte stands for itself.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table
};

/// Write a string with its quotes and escapes.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    // `\r` is the last control character that is escaped.
    write_quoted::<0x0e>(text, out, &ESCAPES, |out, _, escape| {
        out.extend_from_slice(&[b'\\', escape])
    });
}

/// Parse the text of the `.drv` file of the derivation `name`.
pub fn parse(store: &StoreDir, text: &[u8], name: &str) -> Result<Derivation, ParseError> {
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    let mut parser = Parser {
        store,
        rest: text,
        dynamic: false,
    };
    parser.header()?;
    let mut drv = Derivation {
        name: name.to_owned(),
        ..Derivation::default()
    };
    parser.expect("[")?;
    while !parser.end_of_list() {
        let (name, output) = parser.output()?;
        drv.outputs.entry(name).or_insert(output);
    }
    parser.expect(",[")?;
    while !parser.end_of_list() {
        parser.expect("(")?;
        let path = parser.path()?;
        parser.expect(",")?;
        let outputs = parser.input_outputs(0)?;
        parser.expect(")")?;
        drv.input_drvs.insert(path, outputs);
    }
    parser.expect(",[")?;
    while !parser.end_of_list() {
        drv.input_srcs.insert(parser.path()?);
    }
    parser.expect(",")?;
    drv.platform = parser.string()?.into_owned();
    parser.expect(",")?;
    drv.builder = parser.string()?.into_owned();
    parser.expect(",[")?;
    while !parser.end_of_list() {
        drv.args.push(parser.string()?.into_owned());
    }
    parser.expect(",[")?;
    while !parser.end_of_list() {
        parser.expect("(")?;
        let name = parser.string()?.into_owned();
        parser.expect(",")?;
        let value = parser.string()?.into_owned();
        parser.expect(")")?;
        drv.env.insert(name, value);
    }
    parser.expect(")")?;
    if parser.rest.is_empty() {
        Ok(drv)
    } else {
        Err(ParseError::TrailingData)
    }
}

struct Parser<'a> {
    store: &'a StoreDir,
    rest: &'a [u8],
    dynamic: bool,
}

impl<'a> Parser<'a> {
    fn header(&mut self) -> Result<(), ParseError> {
        self.expect("D")?;
        match self.rest.first() {
            Some(b'e') => self.expect("erive("),
            Some(b'r') => {
                self.expect("rvWithVersion(")?;
                let version = self.string()?;
                if *version != *DYNAMIC_VERSION.as_bytes() {
                    return Err(ParseError::UnknownVersion(lossy(&version)));
                }
                self.dynamic = true;
                self.expect(",")
            }
            _ => Err(ParseError::NotADerivation),
        }
    }

    fn expect(&mut self, text: &'static str) -> Result<(), ParseError> {
        self.rest = self
            .rest
            .strip_prefix(text.as_bytes())
            .ok_or(ParseError::Expected(text))?;
        Ok(())
    }

    /// Take the comma or bracket after an element, or the bracket of an empty list. Anything else is left
    /// for the element's parser to report.
    fn end_of_list(&mut self) -> bool {
        match self.rest.split_first() {
            Some((b']', rest)) => {
                self.rest = rest;
                true
            }
            Some((b',', rest)) => {
                self.rest = rest;
                false
            }
            _ => false,
        }
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        self.expect("\"")?;
        let text = self.rest;
        let mut unescaped: Option<Vec<u8>> = None;
        let mut start = 0;
        loop {
            let stop =
                start + memchr::memchr2(b'"', b'\\', &text[start..]).ok_or(ParseError::Unterminated)?;
            let plain = &text[start..stop];
            if text[stop] == b'"' {
                self.rest = &text[stop + 1..];
                return Ok(match unescaped {
                    None => Cow::Borrowed(plain),
                    Some(mut string) => {
                        string.extend_from_slice(plain);
                        Cow::Owned(string)
                    }
                });
            }
            let escaped = *text.get(stop + 1).ok_or(ParseError::Unterminated)?;
            let string = unescaped.get_or_insert_with(Vec::new);
            string.extend_from_slice(plain);
            string.push(match escaped {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => other,
            });
            start = stop + 2;
        }
    }

    fn path(&mut self) -> Result<StorePath, ParseError> {
        let path = self.string()?;
        parse_path(self.store, &path)
    }

    fn output_name(&mut self) -> Result<String, ParseError> {
        String::from_utf8(self.string()?.into_owned())
            .map_err(|error| ParseError::OutputName(lossy(error.as_bytes())))
    }

    fn output(&mut self) -> Result<(String, DerivationOutput), ParseError> {
        self.expect("(")?;
        let name = self.output_name()?;
        self.expect(",")?;
        let path = self.string()?;
        self.expect(",")?;
        let algorithm = self.string()?;
        self.expect(",")?;
        let hash = self.string()?;
        self.expect(")")?;
        Ok((name, parse_output(self.store, &path, &algorithm, &hash)?))
    }

    fn input_outputs(&mut self, depth: usize) -> Result<InputOutputs, ParseError> {
        let mut node = InputOutputs::default();
        match self.rest.first() {
            Some(b'(') if self.dynamic => {
                if depth >= MAX_DYNAMIC_DEPTH {
                    return Err(ParseError::TooDeep);
                }
                self.expect("(")?;
                self.output_names(&mut node)?;
                self.expect(",[")?;
                while !self.end_of_list() {
                    self.expect("(")?;
                    let name = self.output_name()?;
                    self.expect(",")?;
                    node.dynamic.insert(name, self.input_outputs(depth + 1)?);
                    self.expect(")")?;
                }
                self.expect(")")?;
            }
            Some(byte) if self.dynamic && *byte != b'[' => return Err(ParseError::BadInput),
            _ => self.output_names(&mut node)?,
        }
        Ok(node)
    }

    fn output_names(&mut self, node: &mut InputOutputs) -> Result<(), ParseError> {
        self.expect("[")?;
        while !self.end_of_list() {
            node.outputs.insert(self.output_name()?);
        }
        Ok(())
    }
}

fn parse_output(
    store: &StoreDir,
    path: &[u8],
    algorithm: &[u8],
    hash: &[u8],
) -> Result<DerivationOutput, ParseError> {
    if algorithm.is_empty() {
        return Ok(match path {
            b"" => DerivationOutput::Deferred,
            _ => DerivationOutput::InputAddressed(parse_path(store, path)?),
        });
    }
    let algorithm = lossy(algorithm);
    let (method, algorithm) = ContentAddressMethod::split_prefix(&algorithm);
    let algorithm: HashAlgorithm = algorithm.parse()?;
    match hash {
        b"impure" if !path.is_empty() => Err(ParseError::ImpureWithPath),
        b"impure" => Ok(DerivationOutput::Impure { method, algorithm }),
        b"" if !path.is_empty() => Err(ParseError::FloatingWithPath),
        b"" => Ok(DerivationOutput::Floating { method, algorithm }),
        _ => {
            if path.first() != Some(&b'/') {
                return Err(ParseError::BadPath(lossy(path)));
            }
            let hash = Hash::parse_unprefixed(&lossy(hash), algorithm)?;
            Ok(DerivationOutput::Fixed(ContentAddress { method, hash }))
        }
    }
}

fn parse_path(store: &StoreDir, path: &[u8]) -> Result<StorePath, ParseError> {
    if path.first() != Some(&b'/') {
        return Err(ParseError::BadPath(lossy(path)));
    }
    Ok(store.parse(path)?)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
