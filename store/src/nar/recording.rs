//! What a sink was told, kept in memory to be told to another one.

use super::{NarError, NarSink};

/// One call of a [`NarSink`], with the lengths of its names and data.
#[derive(Clone, Copy, Debug)]
enum Event {
    BeginDirectory {
        name: usize,
    },
    EndDirectory,
    Symlink {
        name: usize,
        target: usize,
    },
    BeginFile {
        name: usize,
        executable: bool,
        size: u64,
    },
    Write {
        data: usize,
    },
    EndFile,
}

/// A sink that remembers. It can be replayed at any time, also between the beginning and the end of a file, and
/// whoever it was replayed to can be told the rest.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    events: Vec<Event>,
    /// The names and data of all events, one after the other.
    bytes: Vec<u8>,
}

impl Recording {
    /// How much memory it takes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.events.len() * size_of::<Event>()
    }

    /// Whether the root of the tree is a folder.
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.events.first(), Some(Event::BeginDirectory { .. }))
    }

    /// Tell `sink` all that this one was told.
    pub(crate) fn replay(&self, sink: &mut impl NarSink) -> Result<(), NarError> {
        let mut rest = self.bytes.as_slice();
        let mut take = |len| {
            let (taken, after) = rest.split_at(len);
            rest = after;
            taken
        };
        self.events.iter().try_for_each(|event| match *event {
            Event::BeginDirectory { name } => sink.begin_directory(take(name)),
            Event::EndDirectory => sink.end_directory(),
            Event::Symlink { name, target } => sink.symlink(take(name), take(target)),
            Event::BeginFile {
                name,
                executable,
                size,
            } => sink.begin_file(take(name), executable, size),
            Event::Write { data } => sink.write(take(data)),
            Event::EndFile => sink.end_file(),
        })
    }

    fn add(&mut self, event: Event, bytes: &[&[u8]]) -> Result<(), NarError> {
        self.events.push(event);
        for bytes in bytes {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }
}

impl NarSink for Recording {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.add(Event::BeginDirectory { name: name.len() }, &[name])
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        self.add(Event::EndDirectory, &[])
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        let event = Event::Symlink {
            name: name.len(),
            target: target.len(),
        };
        self.add(event, &[name, target])
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError> {
        let event = Event::BeginFile {
            name: name.len(),
            executable,
            size,
        };
        self.add(event, &[name])
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        self.add(Event::Write { data: data.len() }, &[data])
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        self.add(Event::EndFile, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nar::{NarWriter, Node, dump_node};
    use std::collections::BTreeMap;

    fn example() -> Node {
        let file = |executable, contents: &[u8]| Node::File {
            executable,
            contents: contents.to_vec(),
        };
        let inner = BTreeMap::from([(b"none".to_vec(), file(false, b""))]);
        Node::Directory(BTreeMap::from([
            (b"dir".to_vec(), Node::Directory(inner)),
            (b"file".to_vec(), file(true, &[7; 1000])),
            (b"link".to_vec(), Node::Symlink(b"dir/none".to_vec())),
        ]))
    }

    fn archive(node: &Node) -> Vec<u8> {
        let mut out = Vec::new();
        dump_node(node, &mut out).unwrap();
        out
    }

    /// Records what comes before one of the events, and passes on the rest.
    struct Switching {
        left: usize,
        recording: Recording,
        writer: NarWriter<Vec<u8>>,
    }

    impl Switching {
        fn sink(&mut self) -> &mut dyn NarSink {
            if self.left == 0 {
                self.recording.replay(&mut self.writer).unwrap();
                self.recording = Recording::default();
            }
            self.left = self.left.wrapping_sub(1);
            match self.left < usize::MAX / 2 {
                true => &mut self.recording,
                false => &mut self.writer,
            }
        }
    }

    impl NarSink for Switching {
        fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
            self.sink().begin_directory(name)
        }

        fn end_directory(&mut self) -> Result<(), NarError> {
            self.sink().end_directory()
        }

        fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
            self.sink().symlink(name, target)
        }

        fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError> {
            self.sink().begin_file(name, executable, size)
        }

        fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
            self.sink().write(data)
        }

        fn end_file(&mut self) -> Result<(), NarError> {
            self.sink().end_file()
        }
    }

    #[test]
    fn what_is_replayed_is_the_same() {
        for node in [example(), Node::file("x"), Node::Symlink(b"y".to_vec())] {
            let mut recording = Recording::default();
            node.walk(&mut recording).unwrap();
            let mut writer = NarWriter::new(Vec::new());
            recording.replay(&mut writer).unwrap();
            assert!(writer.finish().unwrap() == archive(&node));
            assert_eq!(recording.is_folder(), matches!(node, Node::Directory(_)));
        }
    }

    #[test]
    fn the_rest_can_go_elsewhere_after_any_event() {
        // Two folders, two files with contents, one link.
        for left in 0..11 {
            let mut sink = Switching {
                left,
                recording: Recording::default(),
                writer: NarWriter::new(Vec::new()),
            };
            example().walk(&mut sink).unwrap();
            assert!(
                sink.writer.finish().unwrap() == archive(&example()),
                "after {left}"
            );
        }
    }

    #[test]
    fn its_size_grows_with_what_it_is_told() {
        let mut recording = Recording::default();
        Node::file("x".repeat(1000)).walk(&mut recording).unwrap();
        assert!((1000..1100).contains(&recording.size()), "{}", recording.size());
    }
}
