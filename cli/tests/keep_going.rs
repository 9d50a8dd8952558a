//! Listings that go on after packages that cannot be evaluated, which the reference does not have.

use std::fs;
use std::process::Command;
use tempfile::TempDir;

const PACKAGES: &str = r#"
let package = name: derivation { inherit name; system = "s"; builder = "b"; }; in
{
  good = package "good-1";
  bad = abort "no";
  late = package "late-1" // { outPath = abort "later"; };
  sub = { recurseForDerivations = true; worse = 1 + "x"; good = package "sub-1"; };
}
"#;

/// Standard output, the last line of standard error, and the exit status.
fn list(args: &[&str]) -> (String, String, Option<i32>) {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("f.nix"), PACKAGES).unwrap();
    let (stdout, stderr, status) = list_in(&home, args);
    let last = stderr.lines().last().unwrap_or_default().to_owned();
    (stdout, last, status)
}

/// What listing the packages in `f.nix` of a folder prints, and the exit status.
fn list_in(home: &TempDir, args: &[&str]) -> (String, String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_nivis"))
        .args(["nix-env", "-f", "f.nix", "--store", "dummy://"])
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .env("NIX_CONF_DIR", home.path())
        .env("NIX_STATE_DIR", home.path().join("state"))
        .current_dir(home.path())
        .output()
        .unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code(),
    )
}

/// What is found out for one error serves the next; yet each has its own place, in whatever order their files come.
#[test]
fn each_of_many_failures_has_its_place() {
    const FILES: usize = 130;
    let home = TempDir::new().unwrap();
    let mut packages = String::from("{\n");
    for i in 0..FILES {
        let lines = "\n".repeat(i);
        fs::write(
            home.path().join(format!("p{i}.nix")),
            format!("{lines}1 + {{ }} # {i}\n"),
        )
        .unwrap();
        packages +=
            &format!("p{i} = import ./p{i}.nix;\nq{i} = [ (import ./p{i}.nix) ] ++ (import ./p{i}.nix);\n");
    }
    fs::write(home.path().join("f.nix"), packages + "}").unwrap();
    let (_, stderr, status) = list_in(&home, &["-qaP", "--keep-going", "--error-format", "human"]);
    assert_eq!(status, Some(1));
    for i in 0..FILES {
        let place = format!("p{i}.nix:{}:5", i + 1);
        assert_eq!(stderr.matches(&place).count(), 2, "{place}: {stderr}");
        assert_eq!(stderr.matches(&format!("1 + {{ }} # {i}\n")).count(), 2, "{i}");
    }
    let told = format!("error: {} packages could not be evaluated", 2 * FILES);
    assert_eq!(stderr.lines().last(), Some(told.as_str()));
}

#[test]
fn the_others_are_listed_and_failures_told_at_the_end() {
    let (stdout, last, status) = list(&["-qaP", "--keep-going"]);
    assert_eq!(stdout, "good      good-1\nlate      late-1\nsub.good  sub-1\n");
    assert_eq!(last, "error: 2 packages could not be evaluated");
    assert_eq!(status, Some(1));
    let (stdout, last, _) = list(&["-qaP", "--out-path", "--no-name", "--keep-going"]);
    assert!(stdout.starts_with("good") && !stdout.contains("late"), "{stdout}");
    assert_eq!(last, "error: 3 packages could not be evaluated");
}

#[test]
fn json_has_entries_for_failures() {
    let (stdout, _, status) = list(&["-qa", "--json", "--out-path", "--keep-going"]);
    for (name, error) in [
        ("bad", "evaluation aborted with the following error message: 'no'"),
        (
            "late",
            "evaluation aborted with the following error message: 'later'",
        ),
        ("sub.worse", "cannot add a string to an integer"),
    ] {
        let entry = format!("  \"{name}\": {{\n    \"error\": \"{error}\"\n  }}");
        assert!(stdout.contains(&entry), "{stdout}");
    }
    assert!(
        stdout.contains("\"sub.good\": {\n    \"name\": \"sub-1\""),
        "{stdout}"
    );
    assert_eq!(status, Some(1));
}

#[test]
fn without_the_option_the_first_failure_ends_the_listing() {
    let (stdout, last, status) = list(&["-qaP"]);
    assert_eq!((stdout.as_str(), status), ("", Some(1)));
    assert!(last.contains("no"), "{last}");
}
