//! Images: lowered code as bytes.
//!
//! [`crate::lower`] writes a file's code into an image, and the evaluator reads a function or thunk of it ([`reader`]) when
//! that runs for the first time: most code of a file never does. An image depends on nothing but the text of the file and
//! the names of the base scope, so the host may keep it ([`Saved`]) and save the next process the parsing.
//!
//! An image is a sequence of records, one for each node, a node behind its operands. A record starts with its [`Tag`]; what
//! follows are numbers in 7-bit groups ([`put_number`]): names as places on the file's roll, positions counted from the
//! start of the file, operands as distances to the records before.
//!
//! Images come from [`writer`] alone, or from a host that answers for their being whole; reading looks at no byte beyond
//! the end, but code that nobody wrote makes no sense.

mod reader;
mod writer;

pub(crate) use writer::{Node, Writer};

use crate::code::ThunkCode;
use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::host::hash_contents;
use crate::import::SharedPath;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;

/// The version of the form of images. It changes with [`Tag`] and with what records hold.
const VERSION: u32 = 3;

macro_rules! tags {
    ($($name:ident),* $(,)?) => {
        /// What a record is.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum Tag { $($name),* }

        impl Tag {
            const ALL: &[Tag] = &[$(Tag::$name),*];
        }
    };
}

tags! {
    Int, Float, String, AbsolutePath, RelativePath, EmptyList, Global, Local, Captured, Variable, Thunk, Lambda, With,
    Select, SelectPath, HasAttr, Call, Sub, Mul, Div, Less, Let, Attrs, RecAttrs, List, WithScope, If, Assert, Not, Equal,
    NotEqual, And, Or, Implies, Update, ConcatLists, Concat, CurPos,
}

/// The code of one file.
pub(crate) struct Image {
    records: &'static [u8],
    /// The names that records refer to by their places.
    names: &'static [Symbol],
    /// The position of the file's first byte.
    start: Pos,
    /// What relative paths start from.
    directory: SharedPath,
}

/// Which record of which image: the body of a function or thunk that did not run yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) image: u32,
    pub(crate) record: u32,
}

/// An image with the names it refers to, as the host keeps it.
struct Saved<'a> {
    names: Vec<&'a [u8]>,
    expressions: u64,
    root: Node,
    records: &'a [u8],
}

impl<'a> Saved<'a> {
    /// Takes apart what [`Evaluator::save_image`] put together. `None` if it is cut off.
    fn read(bytes: &'a [u8]) -> Option<Saved<'a>> {
        let mut rest = bytes;
        let count = usize::try_from(take_number(&mut rest)?).ok()?;
        if count > rest.len() {
            return None;
        }
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            let length = usize::try_from(take_number(&mut rest)?).ok()?;
            let (name, others) = rest.split_at_checked(length)?;
            names.push(name);
            rest = others;
        }
        Some(Saved {
            names,
            expressions: take_number(&mut rest)?,
            root: Node(u32::try_from(take_number(&mut rest)?).ok()?),
            records: rest,
        })
    }
}

impl Evaluator {
    /// The key of a file's code: all that the code depends on. `contents` is the hash of the file's contents.
    pub(crate) fn code_key(&self, contents: &[u8; 32]) -> [u8; 32] {
        let surroundings = self.code_surroundings.get_or_init(|| {
            let mut names = self.base_names();
            names.sort_unstable();
            let version = env!("CARGO_PKG_VERSION");
            let settings = &self.settings;
            let (pipes, lints) = (
                settings.has_feature("pipe-operators"),
                [
                    settings.url_literals,
                    settings.short_path_literals,
                    settings.absolute_path_literals,
                ],
            );
            hash_contents(format!("{VERSION} {version} {pipes} {lints:?} {names:?}").as_bytes())
        });
        hash_contents([*surroundings, *contents].as_flattened())
    }

    /// The code in an image of a file that starts at `start`. `root` is its last record.
    pub(crate) fn add_image(
        &self,
        records: &[u8],
        names: &[Symbol],
        start: Pos,
        directory: &[u8],
        root: Node,
    ) -> Result<&'static ThunkCode> {
        let mut images = self.images.borrow_mut();
        let id = u32::try_from(images.len()).expect("fewer than 2^32 images");
        images.push(self.code.alloc(Image {
            records: self.code.alloc_slice_copy(records),
            names: self.code.alloc_slice_copy(names),
            start,
            directory: self.files.shared(directory),
        }));
        drop(images);
        self.read_root(Place {
            image: id,
            record: root.0,
        })
    }

    /// The code in an image that the host kept. `None` if it is not whole.
    pub(crate) fn add_saved_image(
        &self,
        saved: &[u8],
        start: Pos,
        directory: &[u8],
    ) -> Option<Result<&'static ThunkCode>> {
        let saved = Saved::read(saved)?;
        let mut symbols = self.symbols.borrow_mut();
        let names: Vec<Symbol> = saved.names.iter().map(|name| symbols.intern(name)).collect();
        drop(symbols);
        let expressions = &self.stats.expressions;
        expressions.set(expressions.get().wrapping_add(saved.expressions));
        Some(self.add_image(saved.records, &names, start, directory, saved.root))
    }

    /// An image as the host keeps it.
    pub(crate) fn save_image(&self, writer: &Writer, root: Node) -> Vec<u8> {
        let names = writer.names();
        let mut saved = Vec::with_capacity(writer.records().len() + 8 * names.len());
        put_number(&mut saved, names.len() as u64);
        let symbols = self.symbols.borrow();
        for &name in names {
            let name = symbols.resolve(name);
            put_number(&mut saved, name.len() as u64);
            saved.extend_from_slice(name);
        }
        put_number(&mut saved, writer.expressions());
        put_number(&mut saved, root.0.into());
        saved.extend_from_slice(writer.records());
        saved
    }
}

/// Appends a number: seven bits a byte, the lowest first, the highest bit set while more follow.
#[inline(always)]
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number from the front; `None` where the bytes end before it does.
#[inline(always)]
fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(first.into());
    }
    take_long_number(bytes)
}

fn take_long_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
