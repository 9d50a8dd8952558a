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
    let stderr = String::from_utf8(output.stderr).unwrap();
    let last = stderr.lines().last().unwrap_or_default().to_owned();
    (
        String::from_utf8(output.stdout).unwrap(),
        last,
        output.status.code(),
    )
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
