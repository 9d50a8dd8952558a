//! What `nix-store` does beyond the reference, which no recorded session can show.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const NIVIS: &str = env!("CARGO_BIN_EXE_nivis");

/// A folder with a store in it.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// Runs a command; gives what it printed, what it said, and its status.
    fn run(&self, name: &str, args: &[&str]) -> (String, String, Option<i32>) {
        let output = Command::new(NIVIS)
            .arg0(name)
            .args(args)
            .env_clear()
            .env("HOME", self.path(""))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("NIX_CONF_DIR", self.path("conf"))
            .env("NIX_STORE_DIR", self.path("store"))
            .env("NIX_STATE_DIR", self.path("state"))
            .env("NIX_LOG_DIR", self.path("log"))
            .env(
                "NIX_CONFIG",
                "sandbox = false\nsubstituters =\nbuild-users-group =",
            )
            .current_dir(self.path(""))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code())
    }

    /// Runs a command that succeeds; gives what it printed.
    fn ok(&self, name: &str, args: &[&str]) -> String {
        let (out, error, status) = self.run(name, args);
        assert_eq!(status, Some(0), "{name} {args:?}: {error}");
        out
    }

    fn add(&self, name: &str, contents: &str) -> String {
        fs::write(self.path(name), contents).unwrap();
        self.ok("nix-store", &["--add", name]).trim_end().to_owned()
    }
}

fn overwrite(file: &Path, contents: &str) {
    fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    fs::write(file, contents).unwrap();
}

#[test]
fn every_operation_has_help() {
    let place = Place::new();
    let all = place.ok("nix-store", &["--help"]);
    for operation in [
        "--realise",
        "--query",
        "--verify",
        "--import",
        "--load-db",
        "--init",
    ] {
        assert!(all.contains(operation), "{operation}");
        let own = place.ok("nix-store", &[operation, "--help"]);
        assert!(
            own.starts_with("Usage: nix-store --") && own.contains(operation),
            "{own}"
        );
        assert!(own.len() < all.len());
    }
    let query = place.ok("nix-store", &["-q", "--help"]);
    assert!(query.contains("--referrers-closure") && query.contains("--json"));
}

#[test]
fn queries_print_json() {
    let place = Place::new();
    let path = place.add("f", "contents");
    assert_eq!(
        place.ok("nix-store", &["-qR", "--json", &path]),
        format!("[\"{path}\"]\n")
    );
    assert_eq!(
        place.ok("nix-store", &["-q", "--json", "--references", &path]),
        "[]\n"
    );
    assert_eq!(
        place.ok("nix-store", &["-q", "--size", "--json", &path]),
        format!("{{\"{path}\":120}}\n")
    );
    assert_eq!(
        place.ok("nix-store", &["-q", "--deriver", "--json", &path]),
        format!("{{\"{path}\":null}}\n")
    );
    let (_, error, status) = place.run("nix-store", &["-q", "--tree", "--json", &path]);
    assert!(error.contains("cannot be combined"), "{error}");
    assert_eq!(status, Some(1));
}

#[test]
fn objects_are_found_by_their_hash_parts() {
    let place = Place::new();
    let object = place.add("file", "text");
    let (_, name) = object.rsplit_once('/').unwrap();
    let hash = &name[..32];
    let found = format!("{object}\n");
    assert_eq!(place.ok("nix", &["store", "path-from-hash-part", hash]), found);
    assert_eq!(place.ok("nix-store", &["--path-from-hash-part", hash]), found);
    for (hash, error) in [
        (
            "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
            "there is no store path corresponding to",
        ),
        ("abc", "invalid hash part"),
    ] {
        let (out, message, status) = place.run("nix", &["store", "path-from-hash-part", hash]);
        assert_eq!((out.as_str(), status), ("", Some(1)));
        assert!(message.contains(error), "{message}");
    }
}

#[test]
fn verification_prints_json() {
    let place = Place::new();
    let path = place.add("f", "contents");
    let (out, _, status) = place.run("nix-store", &["--verify", "--check-contents", "--json"]);
    assert!(
        out.contains("\"valid\":1") && out.contains("\"errors\":false"),
        "{out}"
    );
    assert_eq!(status, Some(0));
    overwrite(Path::new(&path), "other");
    let (out, error, status) = place.run("nix-store", &["--verify", "--check-contents", "--json"]);
    assert!(
        out.contains(&format!("\"modified\":[{{\"path\":\"{path}\"")),
        "{out}"
    );
    assert!(
        error.contains("was modified!") && error.contains("not all store errors were fixed"),
        "{error}"
    );
    assert_eq!(status, Some(1));
}

/// The reference ends with an error of its own at the first damaged file.
#[test]
fn folders_files_and_symlinks_are_repaired() {
    let place = Place::new();
    let expression = r#"
        let make = name: script: derivation {
          inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ]; PATH = "/usr/bin:/bin";
        };
        in [ (make "folder" "mkdir $out; echo a > $out/a") (make "file" "echo b > $out") (make "link" "ln -s c $out") ]
    "#;
    let built = place.ok("nix-build", &["--no-out-link", "-E", expression]);
    let paths: Vec<&str> = built.lines().collect();
    let [folder, file, link] = paths.as_slice() else {
        panic!("{built}")
    };
    let damage = || {
        overwrite(&Path::new(folder).join("a"), "damaged");
        overwrite(Path::new(file), "damaged");
        fs::remove_file(link).unwrap();
        symlink("damaged", link).unwrap();
    };
    let repaired = || {
        assert_eq!(fs::read_to_string(Path::new(folder).join("a")).unwrap(), "a\n");
        assert_eq!(fs::read_to_string(file).unwrap(), "b\n");
        assert_eq!(fs::read_link(link).unwrap(), Path::new("c"));
        place.ok("nix-store", &["--verify", "--check-contents"]);
    };
    damage();
    let (out, error, status) = place.run(
        "nix-store",
        &["--verify", "--check-contents", "--repair", "--json"],
    );
    assert_eq!(status, Some(0), "{error}");
    assert_eq!(out.matches("\"expected\"").count(), 3, "{out}");
    repaired();
    damage();
    place.ok("nix-store", &["--repair-path", folder, file, link]);
    repaired();
    // What is gone, but needed, comes back as well.
    fs::remove_file(file).unwrap();
    place.ok("nix-store", &["--repair-path", file]);
    repaired();
    // A source is made by nothing.
    let source = place.add("source", "s");
    overwrite(Path::new(&source), "damaged");
    let (_, error, status) = place.run("nix-store", &["--verify", "--check-contents", "--repair"]);
    assert!(
        error.contains(&format!("cannot repair path '{source}'")),
        "{error}"
    );
    assert_eq!(status, Some(1));
}

#[test]
fn a_lost_database_is_rebuilt() {
    let place = Place::new();
    let path = place.add("f", "contents");
    for entry in fs::read_dir(place.path("state/db")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let (_, error, _) = place.run("nix-store", &["-q", "--hash", &path]);
    assert!(error.contains("is not valid"), "{error}");
    let (out, error, status) = place.run("nix-store", &["--verify", "--rebuild-db", "--check-contents"]);
    assert_eq!((out.as_str(), status), ("", Some(0)), "{error}");
    assert!(error.contains("0 paths kept, 1 found again"), "{error}");
    assert_eq!(place.ok("nix-store", &["-qR", &path]), format!("{path}\n"));
}

#[test]
fn refused_imports_leave_nothing() {
    let place = Place::new();
    let path = place.add("f", "contents");
    let other = Place::new();
    let script = format!(
        "{NIVIS} nix-store --export {path} | head -c 200 | NIX_STORE_DIR={store} NIX_STATE_DIR={state} {NIVIS} nix-store --import",
        store = other.path("store").display(),
        state = other.path("state").display(),
    );
    let status = Command::new("sh")
        .args(["-c", &script])
        .env("NIX_STORE_DIR", place.path("store"))
        .env("NIX_STATE_DIR", place.path("state"))
        .env("NIX_CONF_DIR", place.path("conf"))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(other.ok("nix-store", &["--dump-db"]), "");
    let left = fs::read_dir(other.path("store")).unwrap().count();
    assert_eq!(left, 1, "only the folder of links");
}

#[test]
fn parameters_of_stores_without_effect_are_warned_of() {
    let place = Place::new();
    fs::write(place.path("a"), "a").unwrap();
    let run = |uri: &str, more: &[&str]| {
        let (_, said, status) = place.run("nix-store", &[&["--store", uri, "--add", "a"], more].concat());
        (said, status)
    };
    let foo = "warning: unknown setting 'foo'\n".to_owned();
    assert_eq!(run("./x?foo=1", &[]), (foo.clone(), Some(0)));
    let feature = "read-only-local-store";
    let disabled = format!(
        "error: experimental Nix feature '{feature}' is disabled; \
         add '--extra-experimental-features {feature}' to enable it\n"
    );
    let read_only = "./x?foo=1&read-only=true";
    assert_eq!(run(read_only, &[]), (format!("{foo}{disabled}"), Some(1)));
    let enabled = ["--extra-experimental-features", feature];
    assert_eq!(run(read_only, &enabled), (foo.clone(), Some(0)));
    let wrong =
        "error: setting 'priority' has invalid value 'x'\nTry 'nix-store --help' for more information.\n";
    assert_eq!(run("./x?foo=1&priority=x", &[]), (wrong.to_owned(), Some(1)));
    let (said, status) = run("file:///cache?foo=1", &[]);
    assert!(
        said.starts_with("error: the store 'file:///cache' is a binary cache"),
        "{said}"
    );
    assert_eq!(status, Some(1));
}

#[test]
fn each_store_is_warned_of_once() {
    let place = Place::new();
    let expression = r#"derivation { name = "n"; system = "s"; builder = "b"; }"#;
    let stores = [
        "--store",
        "./x?foo=1",
        "--eval-store",
        "./y?bar=1",
        "-E",
        expression,
    ];
    for (name, more) in [("nix-instantiate", "--readonly-mode"), ("nix-build", "--dry-run")] {
        let (_, said, _) = place.run(name, &[&[more], stores.as_slice()].concat());
        let warnings: Vec<_> = said
            .lines()
            .filter(|line| line.contains("unknown setting"))
            .collect();
        let expected = ["foo", "bar"].map(|name| format!("warning: unknown setting '{name}'"));
        assert_eq!(warnings, expected, "{name}");
    }
}
