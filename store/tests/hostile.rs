//! Input that is malformed or means harm: refused with a message that says why, and nothing of it stays.

use std::fs;
use std::path::{Path, PathBuf};

use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::hash::Hash;
use nivis_store::nar::{self, Node, dump_node, restore_path};
use nivis_store::notify::Notify;
use nivis_store::path_info::PathInfo;

const EXPORT_MAGIC: u64 = 0x4558_494e;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn open(&self) -> LocalStore {
        // Paths of tests are those of a usual store, which lies elsewhere.
        let config = StoreConfig {
            sync_before_registering: false,
            fsync_metadata: false,
            ..StoreConfig::below(&self.path("root"))
        };
        LocalStore::new(config, Notify::silent())
    }

    /// What is in the store.
    fn objects(&self) -> Vec<String> {
        let names = fs::read_dir(self.path("root/nix/store")).into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != ".links").collect()
    }
}

/// A stream of tokens, as archives and exports are made of.
#[derive(Clone, Default)]
struct Tokens(Vec<u8>);

impl Tokens {
    fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn text(mut self, text: &[u8]) -> Self {
        self = self.number(text.len() as u64);
        self.0.extend_from_slice(text);
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        self
    }

    fn texts(self, texts: &[&str]) -> Self {
        texts
            .iter()
            .fold(self, |tokens, text| tokens.text(text.as_bytes()))
    }

    fn node(mut self, node: &Node) -> Self {
        dump_node(node, &mut self.0).unwrap();
        self
    }

    /// What follows an archive in an export.
    fn told(self, path: &str, references: &[&str], deriver: &str) -> Self {
        let count = references.len() as u64;
        self.number(EXPORT_MAGIC)
            .text(path.as_bytes())
            .number(count)
            .texts(references)
            .text(deriver.as_bytes())
            .number(0)
    }
}

fn file(contents: &str) -> Node {
    Node::file(contents)
}

fn entry(name: &str) -> [&str; 5] {
    ["entry", "(", "name", name, "node"]
}

/// Archives by what they try, with what is said of them.
fn archives() -> Vec<(&'static str, Tokens, &'static str)> {
    let start = || Tokens::default().texts(&["nix-archive-1", "(", "type"]);
    let folder = || start().texts(&["directory"]);
    let contents = ["(", "type", "regular", "contents", "x", ")", ")"];
    let link = ["(", "type", "symlink", "target", "..", ")", ")"];
    vec![
        (
            "nothing",
            Tokens::default(),
            "input doesn't look like a Nix archive",
        ),
        (
            "another format",
            Tokens::default().texts(&["nix-archive-2"]),
            "input doesn't look like a Nix archive",
        ),
        (
            "a huge first token",
            Tokens::default().number(u64::MAX),
            "input doesn't look like a Nix archive",
        ),
        ("an end after the start", start(), "unexpected end-of-file"),
        (
            "a name that leads up",
            folder().texts(&entry("..")).texts(&contents),
            "invalid file name '..'",
        ),
        (
            "a name with folders",
            folder().texts(&entry("../../etc/x")).texts(&contents),
            "invalid file name",
        ),
        (
            "an absolute name",
            folder().texts(&entry("/etc/x")).texts(&contents),
            "invalid file name",
        ),
        (
            "the folder itself",
            folder().texts(&entry(".")).texts(&contents),
            "invalid file name",
        ),
        (
            "no name",
            folder().texts(&entry("")).texts(&contents),
            "invalid file name",
        ),
        (
            "a name with a zero",
            folder().texts(&entry("a\0b")).texts(&contents),
            "invalid file name",
        ),
        (
            "a name that is too long",
            folder().texts(&entry(&"n".repeat(256))).texts(&contents),
            "string is too long",
        ),
        (
            "the same name twice",
            folder()
                .texts(&entry("a"))
                .texts(&contents)
                .texts(&entry("a"))
                .texts(&contents),
            "not sorted",
        ),
        (
            "a symlink, then a file below it",
            folder()
                .texts(&entry("a"))
                .texts(&link)
                .texts(&entry("a"))
                .texts(&["(", "type", "directory"]),
            "not sorted",
        ),
        (
            "names out of order",
            folder()
                .texts(&entry("b"))
                .texts(&contents)
                .texts(&entry("a"))
                .texts(&contents),
            "not sorted",
        ),
        (
            "names whose order depends on the case",
            folder()
                .texts(&entry("a"))
                .texts(&contents)
                .texts(&entry("B"))
                .texts(&contents),
            "not sorted",
        ),
        (
            "contents as long as memory",
            start().texts(&["regular", "contents"]).number(u64::MAX),
            "unexpected end-of-file",
        ),
        (
            "contents longer than all files",
            start().texts(&["regular", "contents"]).number(1 << 62).text(b"x"),
            "unexpected end-of-file",
        ),
        (
            "padding that is not zero",
            Tokens(
                [
                    start().texts(&["regular", "contents"]).number(1).0,
                    b"xxxxxxxx".to_vec(),
                ]
                .concat(),
            ),
            "non-zero padding",
        ),
        (
            "an executable with a value",
            start().texts(&["regular", "executable", "x"]),
            "string is too long",
        ),
        ("a pipe", start().texts(&["fifo"]), "unknown file type 'fifo'"),
        (
            "a device",
            start().texts(&["device"]),
            "unknown file type 'device'",
        ),
        (
            "a symlink to nothing",
            start().texts(&["symlink", "target", ""]),
            "invalid symlink target",
        ),
        (
            "a symlink with a zero",
            start().texts(&["symlink", "target", "a\0"]),
            "invalid symlink target",
        ),
        (
            "a symlink that is too long",
            start().texts(&["symlink", "target", &"t".repeat(4096)]),
            "string is too long",
        ),
        (
            "folders in folders",
            (0..70).fold(start(), |tokens, _| {
                tokens
                    .texts(&["directory"])
                    .texts(&entry("a"))
                    .texts(&["(", "type"])
            }),
            "nesting exceeds maximum depth",
        ),
        (
            "a tag of megabytes",
            start().number(100 << 20),
            "string is too long",
        ),
    ]
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

#[test]
fn archives_are_refused_and_write_nothing_elsewhere() {
    for (what, archive, message) in archives() {
        let place = Place::new();
        let root = place.path("root");
        let error = restore_path(&mut archive.0.as_slice(), &root).expect_err(what);
        assert!(error.to_string().contains(message), "{what}: {error}");
        let outside: Vec<_> = below(&place.path(""))
            .into_iter()
            .filter(|path| !path.starts_with(&root))
            .collect();
        assert!(outside.is_empty(), "{what}: {outside:?}");
    }
}

#[test]
fn archives_for_the_store_leave_nothing() {
    for (what, archive, message) in archives() {
        let place = Place::new();
        let store = place.open();
        let path = store
            .store_dir()
            .parse("/nix/store/00000000000000000000000000000000-x")
            .unwrap();
        let info = PathInfo::new(path.clone(), Hash::sha256(&archive.0), archive.0.len() as u64);
        let error = store
            .add_archive(&info, &mut archive.0.as_slice())
            .expect_err(what);
        assert!(error.to_string().contains(message), "{what}: {error}");
        assert!(!store.is_valid_path(&path).unwrap(), "{what}");
        assert_eq!(place.objects(), [""; 0], "{what}");
    }
}

#[test]
fn archives_that_are_not_as_announced_leave_nothing() {
    let archive = Tokens::default().node(&file("x")).0;
    let size = archive.len() as u64;
    let path = "/nix/store/00000000000000000000000000000000-x";
    let hash = Hash::sha256(&archive);
    for (hash, size, message) in [
        (Hash::sha256(b"other"), size, "hash mismatch importing path"),
        (hash, size + 1, "size mismatch importing path"),
        (hash, 0, "size mismatch importing path"),
    ] {
        let place = Place::new();
        let store = place.open();
        let info = PathInfo::new(store.store_dir().parse(path).unwrap(), hash, size);
        let error = store.add_archive(&info, &mut archive.as_slice()).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(place.objects(), [""; 0], "{message}");
    }
}

/// Exports by what they try, with what is said of them.
fn exports() -> Vec<(&'static str, Tokens, &'static str)> {
    const PATH: &str = "/nix/store/00000000000000000000000000000000-x";
    const OTHER: &str = "/nix/store/11111111111111111111111111111111-y";
    let object = || Tokens::default().number(1).node(&file("x"));
    let bad_derivation = "Derive([(\"out\",\"/nix/store/22222222222222222222222222222222-z\",\"\",\"\")],[],[],\"s\",\
                          \"b\",[],[(\"out\",\"/nix/store/22222222222222222222222222222222-z\")])";
    let mut all = vec![
        ("nothing", Tokens::default(), "unexpected end-of-file"),
        (
            "another start",
            Tokens::default().number(2),
            "input doesn't look like something created by",
        ),
        (
            "an archive alone",
            Tokens::default().node(&file("x")),
            "input doesn't look like something created by",
        ),
        (
            "another magic",
            object().number(0),
            "Nix archive cannot be imported; wrong format",
        ),
        ("no end", object(), "unexpected end-of-file"),
        (
            "no end after an object",
            object().told(PATH, &[], ""),
            "unexpected end-of-file",
        ),
        (
            "a path elsewhere",
            object().told("/etc/passwd", &[], ""),
            "is not in the Nix store",
        ),
        (
            "a path that leads up",
            object().told("/nix/store/../../etc/passwd", &[], ""),
            "is not in the Nix store",
        ),
        (
            "a path in an object",
            object().told(&format!("{PATH}/bin"), &[], ""),
            "is not in the Nix store",
        ),
        (
            "a folder of the store",
            object().told("/nix/store/.links", &[], ""),
            "too short to be a valid store path",
        ),
        (
            "the store itself",
            object().told("/nix/store", &[], ""),
            "is not in the Nix store",
        ),
        (
            "a reference elsewhere",
            object().told(PATH, &["/etc/passwd"], ""),
            "is not in the Nix store",
        ),
        (
            "a deriver elsewhere",
            object().told(PATH, &[], "/etc/passwd"),
            "is not in the Nix store",
        ),
        (
            "a reference to nothing",
            object().told(PATH, &[OTHER], "").number(0),
            "-y' is not valid",
        ),
        (
            "two that refer to one another",
            object()
                .told(PATH, &[OTHER], "")
                .number(1)
                .node(&file("y"))
                .told(OTHER, &[PATH], "")
                .number(0),
            "is not valid",
        ),
        (
            "a path of megabytes",
            object().number(EXPORT_MAGIC).number(100 << 20),
            "string is too long",
        ),
        (
            "references without number",
            object()
                .number(EXPORT_MAGIC)
                .text(PATH.as_bytes())
                .number(u64::MAX),
            "string is too long",
        ),
        (
            "a derivation that is none",
            object()
                .told("/nix/store/00000000000000000000000000000000-x.drv", &[], "")
                .number(0),
            "error parsing derivation",
        ),
        (
            "a derivation that claims the output of another",
            Tokens::default()
                .number(1)
                .node(&file(bad_derivation))
                .told("/nix/store/00000000000000000000000000000000-z.drv", &[], "")
                .number(0),
            "has incorrect output",
        ),
    ];
    for (what, archive, message) in archives() {
        let mut tokens = Tokens::default().number(1);
        tokens.0.extend_from_slice(&archive.0);
        all.push((what, tokens, message));
    }
    all
}

#[test]
fn exports_are_refused_and_leave_nothing() {
    for (what, export, message) in exports() {
        let place = Place::new();
        let store = place.open();
        let error = store.import(&mut export.0.as_slice()).expect_err(what);
        assert!(error.to_string().contains(message), "{what}: {error}");
        let valid = store.query_all_valid_paths().unwrap();
        // What came whole before the trouble is kept.
        let whole = usize::from(what == "no end after an object");
        assert_eq!(valid.len(), whole, "{what}");
        assert_eq!(place.objects().len(), whole, "{what}: {:?}", place.objects());
    }
}

#[test]
fn exports_cut_anywhere_leave_whole_objects_only() {
    let first = "/nix/store/00000000000000000000000000000000-x";
    let second = "/nix/store/11111111111111111111111111111111-y";
    let tree = Node::Directory([(b"a".to_vec(), file("a")), (b"b".to_vec(), file("b"))].into());
    let export = Tokens::default()
        .number(1)
        .node(&tree)
        .told(first, &[], "")
        .number(1)
        .node(&file("y"))
        .told(second, &[first, second], "")
        .number(0);
    let place = Place::new();
    // Not a multiple of eight, so that tokens are cut as well.
    for length in (0..export.0.len()).step_by(7) {
        let store = place.open();
        store.import(&mut &export.0[..length]).expect_err("it is cut");
        let valid = store.query_all_valid_paths().unwrap();
        assert_eq!(place.objects().len(), valid.len(), "{length}");
    }
    let store = place.open();
    let imported = store.import(&mut export.0.as_slice()).unwrap();
    assert_eq!(imported.len(), 2);
    let (_, size) = nar::hash_path(&store.real_path(&imported[0]), nar::accept_all).unwrap();
    assert_eq!(store.query_path_info(&imported[0]).unwrap().nar_size, size);
}

/// Texts of derivations that are not derivations, or lie.
#[test]
fn derivations_are_refused_and_leave_nothing() {
    let output = "/nix/store/22222222222222222222222222222222-z";
    let with = |outputs: &str, rest: &str| format!("Derive([{outputs}],[],[],\"s\",\"b\",[],[{rest}])");
    let one = format!("(\"out\",\"{output}\",\"\",\"\")");
    let env = format!("(\"out\",\"{output}\")");
    for (what, text) in [
        ("nothing", String::new()),
        ("something else", "hello".to_owned()),
        ("an end in the middle", "Derive([(\"out\",\"".to_owned()),
        ("a string without end", "Derive([(\"out".to_owned()),
        ("no outputs", with("", "")),
        (
            "an output elsewhere",
            with("(\"out\",\"/etc/passwd\",\"\",\"\")", ""),
        ),
        ("an output of another", with(&one, &env)),
        ("two outputs of one name", with(&format!("{one},{one}"), &env)),
        ("an output with a bad name", with("(\"a b\",\"\",\"\",\"\")", "")),
        (
            "a hash that is none",
            with(&format!("(\"out\",\"{output}\",\"sha256\",\"xyz\")"), ""),
        ),
        (
            "an algorithm that is none",
            with(&format!("(\"out\",\"{output}\",\"rot13\",\"00\")"), ""),
        ),
        ("more after the end", with(&one, &env) + "x"),
        (
            "a version that is not known",
            "DrvWithVersion(\"future\",[])".to_owned(),
        ),
        ("brackets in brackets", "[".repeat(100_000)),
    ] {
        let place = Place::new();
        let store = place.open();
        let added = store.add_text("z.drv", text.as_bytes(), &Default::default());
        assert!(added.is_err(), "{what}");
        store.flush().unwrap();
        assert_eq!(place.objects(), [""; 0], "{what}");
    }
}
