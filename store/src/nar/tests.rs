use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::hash::Hash;

fn dump(node: &Node) -> Vec<u8> {
    let mut out = Vec::new();
    dump_node(node, &mut out).unwrap();
    out
}

/// An archive of the given strings; what starts with `=` is put in as it is.
fn archive(tokens: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for token in tokens {
        match token.strip_prefix('=') {
            Some(raw) => out.extend_from_slice(raw.as_bytes()),
            None => wire::put(&mut out, token.as_bytes()),
        }
    }
    out
}

fn message(tokens: &[&str]) -> String {
    parse_node(&mut archive(tokens).as_slice())
        .unwrap_err()
        .to_string()
}

/// Numbers that look random, always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn bytes(&mut self, limit: u64) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.below(256) as u8).collect()
    }

    fn node(&mut self, depth: u32) -> Node {
        match self.below(if depth == 0 { 2 } else { 3 }) {
            0 => Node::File {
                executable: self.below(2) == 0,
                contents: self.bytes(200),
            },
            1 => Node::Symlink(format!("../target-{}", self.below(100)).into_bytes()),
            _ => Node::Directory(
                (0..self.below(6))
                    .map(|_| {
                        (
                            format!("name{}", self.below(1000)).into_bytes(),
                            self.node(depth - 1),
                        )
                    })
                    .collect(),
            ),
        }
    }
}

#[test]
fn the_worked_example() {
    let bytes = dump(&Node::file("hello\n"));
    assert_eq!(bytes.len(), 120);
    assert_eq!(
        Hash::sha256(&bytes).to_base16(),
        "1c37d01af40be2e80691de3cc3df44377a699afbb17c68f080964b2fd071fc13"
    );
}

#[test]
fn reading_what_was_written() {
    let mut random = Random(7);
    for _ in 0..300 {
        let node = random.node(4);
        let bytes = dump(&node);
        assert_eq!(parse_node(&mut bytes.as_slice()).unwrap(), node);
        parse(&mut bytes.as_slice(), &mut NoSink).unwrap();
    }
}

#[test]
fn every_cut_and_every_change_is_survived() {
    let node = Node::Directory(
        [
            (b"a".to_vec(), Node::file("hello")),
            (b"b".to_vec(), Node::Symlink(b"a".to_vec())),
        ]
        .into(),
    );
    let bytes = dump(&node);
    for end in 0..bytes.len() {
        assert!(parse_node(&mut &bytes[..end]).is_err(), "cut at {end}");
    }
    for index in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[index] ^= change;
            // Contents and names may change unseen; nothing may panic or ask for memory.
            let _ = parse_node(&mut changed.as_slice());
        }
    }
}

#[test]
fn bad_archives() {
    assert_eq!(message(&[]), "bad archive: input doesn't look like a Nix archive");
    assert_eq!(
        message(&["=x\n"]),
        "bad archive: input doesn't look like a Nix archive"
    );
    assert_eq!(
        message(&["nix-archive-2"]),
        "bad archive: input doesn't look like a Nix archive"
    );
    assert_eq!(
        message(&["nix-archive-1", "x"]),
        "bad archive: expected tag '(', got 'x'"
    );
    assert_eq!(message(&["nix-archive-1", "("]), "unexpected end-of-file");
    assert_eq!(
        message(&["nix-archive-1", "(", "type", "pipe"]),
        "bad archive: unknown file type 'pipe'"
    );
    assert_eq!(message(&["nix-archive-1", &"x".repeat(40)]), "string is too long");
    let start = ["nix-archive-1", "(", "type"];
    let with = |rest: &[&str]| message(&[&start[..], rest].concat());
    assert_eq!(
        with(&["regular", "x"]),
        "bad archive: expected tag 'contents', got 'x'"
    );
    assert_eq!(with(&["regular", "executable", "x"]), "string is too long");
    assert_eq!(
        with(&["symlink", "target", ""]),
        "bad archive: NAR contains invalid symlink target"
    );
    assert_eq!(
        with(&["symlink", "target", "a\0b"]),
        "bad archive: NAR contains invalid symlink target"
    );
    assert_eq!(
        with(&["directory", "x"]),
        "bad archive: expected tag 'entry' or ')', got 'x'"
    );
    assert_eq!(
        with(&["regular", "contents", "=\x01\0\0\0\0\0\0\0a\x01\0\0\0\0\0\0"]),
        "non-zero padding"
    );
    assert_eq!(
        with(&["regular", "contents", "=\x01\0\0\0\0\0\0\x7fa"]),
        "unexpected end-of-file",
        "a size beyond all files is not allocated"
    );
    let entry = |name: &'static str| ["entry", "(", "name", name, "node"];
    let file = ["(", "type", "regular", "contents", "", ")", ")"];
    for name in ["", ".", "..", "a/b", "/", "a\0"] {
        assert_eq!(
            with(&[&["directory"][..], &entry(name)].concat()),
            format!("bad archive: NAR contains invalid file name '{name}'")
        );
    }
    for (first, second) in [("b", "a"), ("a", "a")] {
        let tokens = [&["directory"][..], &entry(first), &file, &entry(second), &file].concat();
        assert_eq!(with(&tokens), "bad archive: NAR directory is not sorted");
    }
    let deep: Vec<&str> = ["directory"]
        .into_iter()
        .chain((0..70).flat_map(|_| ["entry", "(", "name", "a", "node", "(", "type", "directory"]))
        .collect();
    assert_eq!(
        with(&deep),
        "bad archive: NAR directory nesting exceeds maximum depth of 64"
    );
}

#[test]
fn what_follows_is_left_alone() {
    let mut bytes = dump(&Node::Symlink(b"x".to_vec()));
    bytes.extend_from_slice(b"more");
    let mut source = bytes.as_slice();
    parse_node(&mut source).unwrap();
    assert_eq!(source, b"more");
}

#[test]
fn the_file_system_gives_the_same_archive() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let big = vec![b'x'; 300_000];
    fs::write(root.join("big"), &big).unwrap();
    fs::write(root.join("run"), "#!").unwrap();
    fs::set_permissions(root.join("run"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(root.join("group-only"), "").unwrap();
    fs::set_permissions(root.join("group-only"), fs::Permissions::from_mode(0o654)).unwrap();
    symlink("/nowhere", root.join("link")).unwrap();
    fs::create_dir(root.join("Z")).unwrap();
    fs::write(root.join("Z/left-out"), "").unwrap();
    let node = Node::Directory(
        [
            (b"big".to_vec(), Node::file(big)),
            (
                b"run".to_vec(),
                Node::File {
                    executable: true,
                    contents: b"#!".to_vec(),
                },
            ),
            (b"group-only".to_vec(), Node::file("")),
            (b"link".to_vec(), Node::Symlink(b"/nowhere".to_vec())),
            (b"Z".to_vec(), Node::Directory([].into())),
        ]
        .into(),
    );
    let mut out = Vec::new();
    let mut seen = Vec::new();
    dump_path(&root, &mut out, |path, file_type| -> Result<bool, NarError> {
        seen.push((path.strip_prefix(&root).unwrap().to_owned(), file_type.name()));
        Ok(!path.ends_with("left-out"))
    })
    .unwrap();
    assert!(out == dump(&node));
    let seen: Vec<_> = seen
        .iter()
        .map(|(path, kind)| (path.to_str().unwrap(), *kind))
        .collect();
    assert_eq!(
        seen,
        [
            ("Z", "directory"),
            ("Z/left-out", "regular"),
            ("big", "regular"),
            ("group-only", "regular"),
            ("link", "symlink"),
            ("run", "regular"),
        ]
    );
    let (hash, size) = hash_path(&root.join("link"), accept_all).unwrap();
    let link = dump(&Node::Symlink(b"/nowhere".to_vec()));
    assert_eq!((hash, size), (Hash::sha256(&link), link.len() as u64));
}

#[test]
fn trees_that_cannot_be_dumped() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = hash_path(&missing, accept_all).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("path '{}' does not exist", missing.display())
    );
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = hash_path(folder.path(), accept_all).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("file '{}' has an unsupported type", socket.display())
    );
    let without = |path: &std::path::Path, _| -> Result<bool, NarError> { Ok(!path.ends_with("socket")) };
    hash_path(folder.path(), without).unwrap();
    let mut deep = folder.path().join("deep");
    for _ in 0..70 {
        fs::create_dir(&deep).unwrap();
        deep.push("d");
    }
    let error = hash_path(&folder.path().join("deep"), accept_all).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("exceeds maximum NAR directory depth of 64"),
        "{error}"
    );
    // The filter's own error type comes back.
    #[derive(Debug, PartialEq)]
    enum Own {
        Stop,
        Nar(String),
    }
    impl From<NarError> for Own {
        fn from(error: NarError) -> Self {
            Own::Nar(error.to_string())
        }
    }
    let error = hash_path(folder.path(), |_, _| Err(Own::Stop)).unwrap_err();
    assert_eq!(error, Own::Stop);
}
