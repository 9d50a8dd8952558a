//! The index of listings never answers with what is not so any more.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A tree of expressions that looks at everything that can be looked at.
const EXPRESSION: &str = r#"
{ extra ? "none" }:
let
  package = name: more: derivation ({ inherit name; system = "s"; builder = "b"; } // more);
  named = import ./named.nix;
in
{
  named = package named { } // { meta.description = named; };
  file = package "file" { text = builtins.readFile ./text; };
  folder = package "folder-${toString (builtins.length (builtins.attrNames (builtins.readDir ./folder)))}" {
    names = builtins.attrNames (builtins.readDir ./folder);
  };
  types = package "types" { types = builtins.attrValues (builtins.readDir ./folder); };
  source = package "source" { src = ./source; };
  filtered = package "filtered" {
    src = builtins.filterSource (path: type: baseNameOf path != "ignored") ./source;
  };
  maybe = package "maybe-${if builtins.pathExists ./maybe then "1" else "2"}" { };
  variable = package "variable" { value = builtins.getEnv "SOME_VARIABLE"; };
  argument = package "argument-${extra}" { };
  link = package "link" { text = import ./link; };
  through = package "through" { text = import ./way/inner.nix; };
  channel = package "channel" { text = (builtins.tryEval (import <channel>)).value; };
  searched = package "searched" { text = (builtins.tryEval (import <searched>)).value; };
}
"#;

/// One place to list in.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Place {
        let root = TempDir::new().unwrap();
        let place = Place { root };
        for folder in [
            "tree/folder",
            "tree/source/sub",
            "tree/ways/one",
            "tree/ways/two",
            "home",
            "search/one",
            "search/two",
        ] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        for (file, text) in [
            ("tree/default.nix", EXPRESSION),
            ("tree/named.nix", "\"name-1\"\n"),
            ("tree/text", "some text\n"),
            ("tree/folder/a", "a"),
            ("tree/folder/b", "b"),
            ("tree/source/file", "source"),
            ("tree/source/ignored", "ignored"),
            ("tree/source/sub/deep", "deep"),
            ("tree/target1", "\"one\""),
            ("tree/target2", "\"two\""),
            ("tree/ways/one/inner.nix", "\"one\""),
            ("tree/ways/two/inner.nix", "\"two\""),
            ("search/one/searched", "\"one\""),
            ("search/two/searched", "\"two\""),
            ("spare", "\"name-2\"\n"),
        ] {
            fs::write(place.path(file), text).unwrap();
        }
        symlink("target1", place.path("tree/link")).unwrap();
        symlink("ways/one", place.path("tree/way")).unwrap();
        place
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    /// Copies the tree as it is.
    fn keep_copy(&self) {
        let copied = Command::new("cp")
            .arg("-a")
            .args([self.path("tree"), self.path("copy")])
            .status();
        assert!(copied.unwrap().success());
    }

    /// Puts the copy in the place of the tree.
    fn restore_copy(&self) {
        fs::rename(self.path("tree"), self.path("undone")).unwrap();
        fs::rename(self.path("copy"), self.path("tree")).unwrap();
    }

    /// A listing, the flags and variables of the change included.
    fn list(&self, given: &Given, indexed: bool) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nivis"));
        command
            .args([
                "nix-env",
                "-f",
                "tree",
                "-qaP",
                "--out-path",
                "--description",
                "--store",
                "dummy://",
            ])
            .args(&given.flags)
            .env_clear()
            .env("HOME", self.path("home"))
            .env("NIX_CONF_DIR", self.path("home"))
            .env("NIX_STATE_DIR", self.path("state"))
            .env("NIX_PATH", self.path(given.search))
            .current_dir(self.root.path());
        if let Some(value) = given.variable {
            command.env("SOME_VARIABLE", value);
        }
        if !indexed {
            command.arg("--no-listing-index");
        }
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The entries of the index by their inodes: a new one is a listing that was not answered from it.
    fn entries(&self) -> Vec<u64> {
        let folder = self.path("home/.cache/nix/nivis-listings");
        let mut entries: Vec<u64> = fs::read_dir(folder)
            .map(|entries| {
                entries
                    .map(|entry| entry.unwrap().metadata().unwrap().ino())
                    .collect()
            })
            .unwrap_or_default();
        entries.sort_unstable();
        entries
    }
}

/// What is given on the command line and by the environment.
#[derive(Clone)]
struct Given {
    flags: Vec<&'static str>,
    variable: Option<&'static str>,
    search: &'static str,
}

impl Default for Given {
    fn default() -> Given {
        Given {
            flags: vec![],
            variable: Some("value"),
            search: "search/one",
        }
    }
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

/// A change, and whether the listing changes with it.
type Change = (&'static str, bool, fn(&Place, &mut Given));

static CHANGES: &[Change] = &[
    ("nothing", false, |_, _| {}),
    ("a file is touched", false, |place, _| {
        set_modified(&place.path("tree/named.nix"), SystemTime::now())
    }),
    ("a file gets a time in the future", false, |place, _| {
        set_modified(
            &place.path("tree/named.nix"),
            SystemTime::now() + Duration::from_secs(100_000),
        );
    }),
    ("an expression is edited", true, |place, _| {
        place.write("tree/named.nix", "\"other-name-1\"\n")
    }),
    (
        "an expression gets other contents of the same size",
        true,
        |place, _| {
            place.write("tree/named.nix", "\"name-2\"\n");
        },
    ),
    (
        "an expression gets other contents of the same size and time",
        true,
        |place, _| {
            let path = place.path("tree/named.nix");
            let time = modified(&path);
            place.write("tree/named.nix", "\"name-2\"\n");
            set_modified(&path, time);
        },
    ),
    (
        "another file of the same size and time takes its place",
        true,
        |place, _| {
            let path = place.path("tree/named.nix");
            set_modified(&place.path("spare"), modified(&path));
            fs::rename(place.path("spare"), path).unwrap();
        },
    ),
    ("a file is written anew as it was", false, |place, _| {
        place.write("tree/named.nix", "\"name-1\"\n")
    }),
    ("the main file is edited", true, |place, _| {
        place.write("tree/default.nix", &EXPRESSION.replace("argument-", "renamed-"));
    }),
    ("a file that is read is edited", true, |place, _| {
        place.write("tree/text", "more text\n")
    }),
    ("a file that is read becomes empty", true, |place, _| {
        place.write("tree/text", "")
    }),
    (
        "a file that is read becomes a link to the like",
        false,
        |place, _| {
            fs::rename(place.path("tree/text"), place.path("tree/moved")).unwrap();
            symlink("moved", place.path("tree/text")).unwrap();
        },
    ),
    (
        "a file that is read becomes a link to another",
        true,
        |place, _| {
            fs::remove_file(place.path("tree/text")).unwrap();
            symlink("target1", place.path("tree/text")).unwrap();
        },
    ),
    ("a folder gains a file", true, |place, _| {
        place.write("tree/folder/c", "c")
    }),
    ("a folder loses a file", true, |place, _| {
        fs::remove_file(place.path("tree/folder/b")).unwrap()
    }),
    ("a file in a folder is renamed", true, |place, _| {
        fs::rename(place.path("tree/folder/b"), place.path("tree/folder/z")).unwrap();
    }),
    ("a file in a folder becomes a folder", true, |place, _| {
        fs::remove_file(place.path("tree/folder/b")).unwrap();
        fs::create_dir(place.path("tree/folder/b")).unwrap();
    }),
    ("a file in a folder becomes a link", true, |place, _| {
        fs::remove_file(place.path("tree/folder/b")).unwrap();
        symlink("a", place.path("tree/folder/b")).unwrap();
    }),
    (
        "a file in a folder that is only listed is edited",
        false,
        |place, _| place.write("tree/folder/a", "other"),
    ),
    (
        "a folder is replaced by another with a new file",
        true,
        |place, _| {
            fs::rename(place.path("tree/folder"), place.path("tree/old")).unwrap();
            fs::create_dir(place.path("tree/folder")).unwrap();
            place.write("tree/folder/only", "");
        },
    ),
    ("a source is edited", true, |place, _| {
        place.write("tree/source/file", "SOURCE")
    }),
    ("a file deep in a source is edited", true, |place, _| {
        place.write("tree/source/sub/deep", "DEEP")
    }),
    ("a source gains a file", true, |place, _| {
        place.write("tree/source/sub/new", "")
    }),
    ("a source loses a folder", true, |place, _| {
        fs::remove_dir_all(place.path("tree/source/sub")).unwrap()
    }),
    ("a file of a source becomes executable", true, |place, _| {
        fs::set_permissions(place.path("tree/source/file"), fs::Permissions::from_mode(0o755)).unwrap();
    }),
    ("a file that a filter leaves out is edited", true, |place, _| {
        place.write("tree/source/ignored", "other")
    }),
    ("a file of a source is replaced by a link", true, |place, _| {
        fs::remove_file(place.path("tree/source/file")).unwrap();
        symlink("ignored", place.path("tree/source/file")).unwrap();
    }),
    ("what was missing is there", true, |place, _| {
        place.write("tree/maybe", "")
    }),
    ("what was missing is a dangling link", true, |place, _| {
        symlink("nowhere", place.path("tree/maybe")).unwrap()
    }),
    ("something that nobody looked at is there", false, |place, _| {
        place.write("tree/new", "")
    }),
    ("a link points elsewhere", true, |place, _| {
        fs::remove_file(place.path("tree/link")).unwrap();
        symlink("target2", place.path("tree/link")).unwrap();
    }),
    ("a link is replaced by a file", true, |place, _| {
        fs::remove_file(place.path("tree/link")).unwrap();
        place.write("tree/link", "\"file\"");
    }),
    ("what a link points to is edited", true, |place, _| {
        place.write("tree/target1", "\"uno\"")
    }),
    ("what no link points to is edited", false, |place, _| {
        place.write("tree/target2", "\"duo\"")
    }),
    (
        "a link to a folder points elsewhere, as another generation",
        true,
        |place, _| {
            symlink("ways/two", place.path("tree/new-way")).unwrap();
            fs::rename(place.path("tree/new-way"), place.path("tree/way")).unwrap();
        },
    ),
    ("a file behind a link to a folder is edited", true, |place, _| {
        place.write("tree/ways/one/inner.nix", "\"uno\"");
    }),
    ("a variable has another value", true, |_, given| {
        given.variable = Some("other")
    }),
    ("a variable is empty", true, |_, given| given.variable = Some("")),
    ("a variable is gone", true, |_, given| given.variable = None),
    ("an argument is given", true, |_, given| {
        given.flags = vec!["--argstr", "extra", "some"]
    }),
    ("an argument is given as an expression", true, |_, given| {
        given.flags = vec!["--arg", "extra", "\"x\""]
    }),
    ("a part is listed", true, |_, given| {
        given.flags = vec!["--system-filter", "other"]
    }),
    ("a selector is given", true, |_, given| {
        given.flags = vec!["maybe"]
    }),
    ("a setting changes", false, |_, given| {
        given.flags = vec!["--option", "cores", "7"]
    }),
    ("NIX_PATH changes", true, |_, given| given.search = "search/two"),
    ("a folder of the search path is inserted", true, |_, given| {
        given.flags = vec!["-I", "search/two"]
    }),
    ("a file of the search path is edited", true, |place, _| {
        place.write("search/one/searched", "\"uno\"")
    }),
    ("channels appear", true, |place, _| {
        let folder = "state/profiles/per-user/root/channels/channel";
        fs::create_dir_all(place.path(folder)).unwrap();
        place.write(&format!("{folder}/default.nix"), "\"here\"");
    }),
    ("the index is cut short", false, |place, _| {
        for entry in fs::read_dir(place.path("home/.cache/nix/nivis-listings")).unwrap() {
            let file = File::options().write(true).open(entry.unwrap().path()).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }
    }),
    ("the index is emptied", false, |place, _| {
        for entry in fs::read_dir(place.path("home/.cache/nix/nivis-listings")).unwrap() {
            File::create(entry.unwrap().path()).unwrap();
        }
    }),
    ("the index is removed", false, |place, _| {
        fs::remove_dir_all(place.path("home/.cache/nix/nivis-listings")).unwrap();
    }),
    ("the index cannot be written", true, |place, _| {
        fs::remove_dir_all(place.path("home/.cache")).unwrap();
        place.write("home/.cache", "");
        place.write("tree/text", "other");
    }),
];

/// Every change, and undoing it, on trees that were made just now and on trees that were there for a while.
#[test]
fn answers_are_never_stale() {
    let settled: Vec<Place> = CHANGES.iter().map(|_| Place::new()).collect();
    std::thread::sleep(Duration::from_millis(3100));
    let fresh: Vec<Place> = CHANGES.iter().map(|_| Place::new()).collect();
    let (mut answered, mut restored) = (0, 0);
    for (places, age) in [(&fresh, "fresh"), (&settled, "settled")] {
        for ((name, changes, change), place) in CHANGES.iter().zip(places) {
            let mut given = Given::default();
            let before = place.list(&given, true);
            let entries = place.entries();
            assert_eq!(entries.len(), 1, "{age}, {name}: the listing is remembered");
            assert_eq!(place.list(&given, true), before, "{age}, {name}");
            assert_eq!(
                place.entries(),
                entries,
                "{age}, {name}: the second answer comes from the index"
            );
            place.keep_copy();
            change(place, &mut given);
            let after = place.list(&given, true);
            answered += usize::from(place.entries() == entries);
            assert_eq!(
                after,
                place.list(&given, false),
                "{age}, {name}: as without the index"
            );
            assert_eq!(
                after != before,
                *changes,
                "{age}, {name}: whether the change shows"
            );
            assert_eq!(place.list(&given, true), after, "{age}, {name}: again");
            // What is as it was, times included, may be answered from what was remembered first.
            place.restore_copy();
            given = Given::default();
            let back = place.list(&given, true);
            assert_eq!(back, place.list(&given, false), "{age}, {name}: undone");
            restored += usize::from(back == before);
        }
    }
    assert!(
        restored >= 90,
        "what is undone is as it was, but only {restored} times"
    );
    assert!(
        answered >= 10,
        "what did not change is answered from the index, but only {answered} times"
    );
}

/// Messages come again, and what depends on the time is not remembered.
#[test]
fn messages_are_repeated_and_time_is_not_remembered() {
    let place = Place::new();
    place.write("tree/default.nix", "builtins.trace \"hi\" { }");
    let given = Given::default();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nivis"));
        command.args(["nix-env", "-f", "tree", "-qa", "--store", "dummy://"]);
        command
            .env_clear()
            .env("HOME", place.path("home"))
            .env("NIX_CONF_DIR", place.path("home"));
        command
            .env("NIX_STATE_DIR", place.path("state"))
            .current_dir(place.root.path());
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert_eq!((run(), place.entries().len()), ("trace: hi\n".to_owned(), 1));
    let entries = place.entries();
    assert_eq!((run(), place.entries()), ("trace: hi\n".to_owned(), entries));
    place.write(
        "tree/default.nix",
        "{ a = derivation { name = \"a-${toString builtins.currentTime}\"; system = \"s\"; builder = \"b\"; }; }",
    );
    let count = place.entries().len();
    assert!(place.list(&given, true).contains("a-"));
    assert_eq!(place.entries().len(), count, "the time is not remembered");
}
