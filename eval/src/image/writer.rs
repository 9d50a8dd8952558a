//! Writing records.

use super::{Tag, put_number};
use crate::code::Source;
use crate::import::KEPT_ROOM;
use nivis_lang::position::Pos;
use nivis_lang::symbol::{Roll, Symbol};

/// A record, by where it starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Node(pub(crate) u32);

/// An image that is being written.
#[derive(Default)]
pub(crate) struct Writer {
    records: Vec<u8>,
    roll: Roll,
    start: Pos,
    /// The record that is being written.
    current: u32,
    expressions: u64,
    is_portable: bool,
}

impl Writer {
    /// Starts with another file. `roll` has its names.
    pub(crate) fn start(&mut self, start: Pos, roll: Roll) {
        self.records.clear();
        self.roll = roll;
        self.start = start;
        self.current = 0;
        self.expressions = 0;
        // Without positions of its own an image says less than it should.
        self.is_portable = start.is_some();
    }

    /// Makes ready for the next file, which will use the roll.
    pub(crate) fn finish(&mut self) -> Roll {
        if self.records.capacity() > KEPT_ROOM {
            self.records = vec![];
        }
        std::mem::take(&mut self.roll)
    }

    /// What was written.
    pub(crate) fn records(&self) -> &[u8] {
        &self.records
    }

    /// The names that records refer to.
    pub(crate) fn names(&self) -> &[Symbol] {
        self.roll.names()
    }

    /// How many nodes of code were written.
    pub(crate) fn expressions(&self) -> u64 {
        self.expressions
    }

    /// Whether the image says the same of the same text in another place.
    pub(crate) fn is_portable(&self) -> bool {
        self.is_portable
    }

    /// The image depends on more than its text.
    pub(crate) fn not_portable(&mut self) {
        self.is_portable = false;
    }

    /// Starts a record of a node that the reference has, too.
    pub(crate) fn node(&mut self, tag: Tag) -> Node {
        self.expressions += 1;
        self.leaf(tag)
    }

    /// Starts a record of a constant or variable.
    pub(crate) fn leaf(&mut self, tag: Tag) -> Node {
        self.current = u32::try_from(self.records.len()).expect("code of less than 4 GiB");
        self.records.push(tag as u8);
        Node(self.current)
    }

    #[inline]
    pub(crate) fn number(&mut self, number: u64) {
        put_number(&mut self.records, number);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.records.extend_from_slice(bytes);
    }

    pub(crate) fn pos(&mut self, pos: Pos) {
        let offset = match pos.is_some() {
            true => u64::from(pos.0 - self.start.0) + 1,
            false => 0,
        };
        self.number(offset);
    }

    pub(crate) fn name(&mut self, name: Symbol) {
        let place = self.roll.place(name);
        self.number(place.into());
    }

    /// A name that may be missing.
    pub(crate) fn optional_name(&mut self, name: Option<Symbol>) {
        let place = name.map_or(0, |name| self.roll.place(name) + 1);
        self.number(place.into());
    }

    /// An operand of the record.
    pub(crate) fn operand(&mut self, node: Node) {
        self.number(u64::from(self.current - node.0));
    }

    /// An operand that may be missing.
    pub(crate) fn optional_operand(&mut self, node: Option<Node>) {
        self.number(node.map_or(0, |node| u64::from(self.current - node.0)));
    }

    pub(crate) fn source(&mut self, source: Source) {
        let number = match source.as_captured() {
            Ok(index) => u64::from(index) << 1 | 1,
            Err(index) => u64::from(index) << 1,
        };
        self.number(number);
    }

    pub(crate) fn sources(&mut self, sources: &[Source]) {
        self.number(sources.len() as u64);
        for &source in sources {
            self.source(source);
        }
    }
}
