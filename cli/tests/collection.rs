//! Collecting garbage between packages changes nothing but how much memory is taken.

use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Packages that are made of all kinds of values, share some of them, and leave garbage behind.
const PACKAGES: &str = r#"
let
  inherit (builtins) attrNames concatStringsSep elemAt foldl' genList length listToAttrs mapAttrs tail;
  big = listToAttrs (genList (i: { name = "n${toString i}"; value = { inherit i; f = x: x + i; }; }) 100);
  mapped = mapAttrs (name: value: { inherit name; twice = value.f value.i; }) big;
  layered = big // { extra = "extra"; } // mapped.n3;
  shared = genList (i: "element ${toString i}") 50;
  rests = list: if list == [ ] then [ ] else [ list ] ++ rests (tail list);
  tails = rests shared;
  garbage = n: foldl' (sum: i: sum + length (attrNames (mapAttrs (_: v: [ v i ]) big))) 0 (genList (i: i) n);
  partial = builtins.substring 0;
  package = n: let
    name = "package-${toString n}";
    own = mapped."n${toString n}";
  in derivation {
    inherit name;
    system = "s";
    builder = "b";
    text = concatStringsSep "," (elemAt tails n);
    twice = own.twice;
    word = partial 7 layered.extra;
    garbage = garbage 40;
    path = builtins.toFile name name;
  } // { meta.description = "number ${toString (big."n${toString n}".f 1)}"; override = package; };
in
{ top = package 49; broken = { recurseForDerivations = true; a = throw "no"; b = package 48; }; }
// listToAttrs (genList (i: { name = "p${toString i}"; value = package i; }) 45)
"#;

/// What a command prints.
fn list(initial_heap_size: &str, command: &[&str]) -> (String, String) {
    let (output, _) = run(initial_heap_size, command);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// What a command prints, and its statistics if it succeeds.
fn run(initial_heap_size: &str, command: &[&str]) -> (Output, Option<String>) {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("f.nix"), PACKAGES).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_nivis"))
        .args(command)
        .args(["--readonly-mode", "--store", "dummy://"])
        .env_clear()
        .env("HOME", home.path())
        .env("NIX_CONF_DIR", home.path())
        .env("NIX_STATE_DIR", home.path().join("state"))
        .env("GC_INITIAL_HEAP_SIZE", initial_heap_size)
        .env("NIX_SHOW_STATS", "1")
        .env("NIX_SHOW_STATS_PATH", home.path().join("stats"))
        .current_dir(home.path())
        .output()
        .unwrap();
    (output, fs::read_to_string(home.path().join("stats")).ok())
}

const QUERY: [&str; 7] = [
    "nix-env",
    "--no-listing-index",
    "-f",
    "f.nix",
    "-qa",
    "--system-filter",
    "*",
];

#[test]
fn what_is_listed_stays_the_same() {
    for more in [
        &["-P", "--out-path", "--drv-path", "--description"][..],
        &["--json", "--meta", "--out-path"],
        &["--xml", "--meta", "--drv-path"],
        &["-s", "--no-name", "-P"],
        &["-A", "broken", "-P"],
        &["--json", "--keep-going"],
    ] {
        let command = [&QUERY[..], more].concat();
        let (always, never) = (list("0", &command), list("1g", &command));
        assert!(always.0.lines().count() > 0, "{}", always.1);
        assert_eq!(always, never, "{more:?}");
    }
}

#[test]
fn collections_are_counted() {
    let cycles = |size| {
        let stats = run(size, &QUERY).1.unwrap();
        let line = stats.lines().find(|line| line.contains("\"cycles\""));
        let digits: String = line.unwrap().chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap()
    };
    assert!(cycles("0") > 40);
    assert_eq!(cycles("1g"), 0);
}

#[test]
fn what_is_instantiated_stays_the_same() {
    for command in [
        &["nix-instantiate", "f.nix", "-A", "p1", "-A", "top", "-A", "p2"][..],
        &[
            "nix-instantiate",
            "-E",
            "with import ./f.nix; [ p1 p2 { inherit p3 top; } ]",
        ],
    ] {
        let (always, never) = (list("0", command), list("1g", command));
        assert!(always.0.contains(".drv"), "{}", always.1);
        assert_eq!(always, never);
    }
}
