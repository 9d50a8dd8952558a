//! Profiles for pprof: the messages of `profile.proto`, compressed.

use super::{Weight, stacks};
use crate::failure::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use nivis_eval::profile::{Kind, Profile};
use std::collections::BTreeMap;
use std::io::Write;

/// The bytes of a message while it is written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A number. Those that are 0 are left out.
    fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.varint(field << 3);
            self.varint(value);
        }
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut message = Message::default();
        fill(&mut message);
        self.bytes(field, &message.0);
    }

    fn numbers(&mut self, field: u64, values: impl IntoIterator<Item = u64>) {
        let mut packed = Message::default();
        values.into_iter().for_each(|value| packed.varint(value));
        self.bytes(field, &packed.0);
    }
}

/// The strings of a profile; each is named by its index.
#[derive(Default)]
struct Strings {
    known: BTreeMap<String, u64>,
    all: Vec<String>,
}

impl Strings {
    fn index(&mut self, text: &str) -> u64 {
        if let Some(&index) = self.known.get(text) {
            return index;
        }
        let index = self.all.len() as u64;
        self.all.push(text.to_owned());
        self.known.insert(text.to_owned(), index);
        index
    }
}

/// The profile as a file that shows `weight` first.
pub(super) fn encode(profile: &Profile, weight: Weight, frequency: u32) -> Result<Vec<u8>> {
    let mut strings = Strings::default();
    // The first string must be the empty one.
    strings.index("");
    let mut file = Message::default();
    for (what, unit) in [("time", "nanoseconds"), ("bytes", "bytes")] {
        let (what, unit) = (strings.index(what), strings.index(unit));
        file.message(1, |value| {
            value.number(1, what);
            value.number(2, unit);
        });
    }
    for (i, node) in profile.tree.iter().enumerate() {
        if node.nanos == 0 && node.bytes == 0 {
            continue;
        }
        let mut stack = stacks::chain(profile, i);
        stack.reverse();
        file.message(2, |sample| {
            sample.numbers(1, stack.iter().map(|&function| function as u64 + 1));
            sample.numbers(2, [node.nanos, node.bytes]);
        });
    }
    for (id, row) in (1..).zip(&profile.rows) {
        let function = &row.function;
        let line = function.place.as_ref().map_or(0, |place| u64::from(place.line));
        let name = match function.kind {
            Kind::Primop => format!("builtins.{}", function.name),
            // Functions without a name must not be taken for one another.
            _ => match &function.place {
                Some(place) => {
                    let file = place.file.rsplit('/').next().unwrap_or_default();
                    format!("{} {file}:{}:{}", function.name, place.line, place.column)
                }
                None => function.name.to_string(),
            },
        };
        let name = strings.index(&name);
        let path = strings.index(function.place.as_ref().map_or("", |place| &place.file));
        file.message(4, |location| {
            location.number(1, id);
            location.message(4, |at| {
                at.number(1, id);
                at.number(2, line);
            });
        });
        file.message(5, |message| {
            message.number(1, id);
            message.number(2, name);
            message.number(3, name);
            message.number(4, path);
            message.number(5, line);
        });
    }
    let (what, unit) = (strings.index("time"), strings.index("nanoseconds"));
    let default = strings.index(match weight {
        Weight::Time => "time",
        Weight::Bytes => "bytes",
    });
    for text in &strings.all {
        file.bytes(6, text.as_bytes());
    }
    file.number(10, profile.nanos);
    file.message(11, |value| {
        value.number(1, what);
        value.number(2, unit);
    });
    file.number(12, 1_000_000_000 / u64::from(frequency.max(1)));
    file.number(14, default);
    let mut compressed = GzEncoder::new(vec![], Compression::default());
    compressed.write_all(&file.0)?;
    Ok(compressed.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        let mut message = Message::default();
        message.number(1, 300);
        message.number(2, 0);
        message.numbers(3, [1, 128]);
        assert_eq!(message.0, [0x08, 0xac, 0x02, 0x1a, 0x03, 0x01, 0x80, 0x01]);
    }
}
