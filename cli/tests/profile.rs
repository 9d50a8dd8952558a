//! Counters, `nivis profile`, and the reference's profiler.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Runs the program in a folder of its own; gives what it wrote.
fn nivis(home: &Path, variables: &[(&str, &str)], args: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_nivis"))
        .env_clear()
        .env("HOME", home)
        .env("NIX_CONF_DIR", home)
        .env("NIX_STATE_DIR", home.join("state"))
        .envs(variables.iter().copied())
        .current_dir(home)
        .stdin(Stdio::null())
        .args(args)
        .output()
        .expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    assert!(output.status.success(), "{}", text(output.stderr));
    (text(output.stdout), text(output.stderr))
}

/// A file with functions that take a while, forced from elsewhere; one thunk in two is never forced.
const SLOW: &str = "\
let
  count = n: if n == 0 then 0 else 1 + count (n - 1);
  slow = n:
    let used = count n; unused = count (n + 1);
    in { inherit used unused; };
  sum = builtins.foldl' (a: b: a + b.used) 0;
in sum (map slow (builtins.genList (i: 400 + i) 400))
";

fn slow(home: &Path) {
    fs::write(home.join("slow.nix"), SLOW).unwrap();
}

#[test]
fn selections_are_counted_by_the_position_of_the_attribute() {
    let home = TempDir::new().unwrap();
    fs::write(
        home.path().join("a.nix"),
        "let s = { a = 1; ${\"b\"} = 2; }; m = builtins.mapAttrs (n: v: v) s; in\n\
         builtins.genList (i: s.a + s.b + (s.c or 0) + m.a) 3",
    )
    .unwrap();
    let stats = |format| {
        let variables = [
            ("NIX_SHOW_STATS", "1"),
            ("NIX_COUNT_CALLS", "1"),
            ("NIX_SHOW_STATS_PATH", "stats"),
            ("NIX_SHOW_STATS_FORMAT", format),
        ];
        nivis(
            home.path(),
            &variables,
            &["nix-instantiate", "--eval", "--strict", "a.nix"],
        );
        fs::read_to_string(home.path().join("stats")).unwrap()
    };
    let json: serde_json::Value = serde_json::from_str(&stats("json")).unwrap();
    let attributes = json["attributes"].as_array().unwrap();
    let count = |line: Option<u64>, column: Option<u64>| {
        let found = attributes
            .iter()
            .find(|row| row["line"].as_u64() == line && row["column"].as_u64() == column);
        found.map(|row| row["count"].as_u64().unwrap())
    };
    assert_eq!(count(Some(1), Some(11)), Some(3), "{json}");
    assert_eq!(count(Some(1), Some(18)), Some(3), "{json}");
    // `builtins.mapAttrs`, `builtins.genList`, and three times `m.a`.
    assert_eq!(count(None, None), Some(5), "{json}");
    assert_eq!(attributes.len(), 3, "{json}");

    let text = stats("text");
    assert!(
        text.contains("2 distinct primops called, 2 times in all"),
        "{text}"
    );
    assert!(
        text.contains("3 distinct functions called, 5 times in all"),
        "{text}"
    );
    assert!(
        text.contains("3 distinct attributes selected, 11 times in all"),
        "{text}"
    );
    assert!(text.contains("             5 undefined position"), "{text}");
    assert!(text.contains("a.nix:1:11"), "{text}");
}

#[test]
fn statistics_are_the_same_each_time() {
    let home = TempDir::new().unwrap();
    slow(home.path());
    let stats = || {
        let variables = [
            ("NIX_SHOW_STATS", "1"),
            ("NIX_COUNT_CALLS", "1"),
            ("NIX_SHOW_STATS_PATH", "stats"),
        ];
        nivis(
            home.path(),
            &variables,
            &["nix-instantiate", "--eval", "slow.nix"],
        );
        let text = fs::read_to_string(home.path().join("stats")).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for key in ["cpuTime", "time", "gc"] {
            assert!(json.as_object_mut().unwrap().remove(key).is_some(), "{key}");
        }
        json
    };
    assert_eq!(stats(), stats());
}

/// The numbers at the start of the row of a function, and what comes after them.
fn row<'t>(report: &'t str, function: &str) -> Vec<&'t str> {
    let line = report.lines().find(|line| line.contains(function));
    line.unwrap_or_else(|| panic!("no {function} in {report}"))
        .split_whitespace()
        .collect()
}

#[test]
fn functions_are_charged_for_what_their_text_does() {
    let home = TempDir::new().unwrap();
    slow(home.path());
    let (out, report) = nivis(
        home.path(),
        &[],
        &[
            "profile",
            "--folded",
            "time",
            "--",
            "nix-instantiate",
            "--eval",
            "slow.nix",
        ],
    );
    assert_eq!(out, "239800\n");
    // self s, %, total s, self MB, total MB, calls, thunks, unforced, name, position
    let slow = row(&report, "slow slow.nix:3:10");
    assert_eq!(slow[5..8], ["400", "800", "400"], "{report}");
    let count = row(&report, "count slow.nix:2:11");
    assert_eq!(count[5], "240200", "{report}");
    let self_bytes: f64 = count[3].parse().unwrap();
    assert!(self_bytes > 1.0, "{report}");
    // A thunk of `slow` is forced by `sum`, and calls `count`.
    let folded = fs::read_to_string(home.path().join("time")).unwrap();
    assert!(folded.contains("slow.nix:3:10;count "), "{folded}");
    assert!(!folded.contains("sum slow.nix:2:11;count "), "{folded}");
}

#[test]
fn sums_are_the_totals() {
    let home = TempDir::new().unwrap();
    slow(home.path());
    let args = [
        "profile",
        "--speedscope",
        "speedscope",
        "--",
        "nix-instantiate",
        "--eval",
        "slow.nix",
    ];
    let (_, report) = nivis(home.path(), &[], &args);
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(home.path().join("speedscope")).unwrap()).unwrap();
    let total: Vec<f64> = report
        .split_whitespace()
        .step_by(2)
        .take(2)
        .map(|n| n.parse().unwrap())
        .collect();
    let mut sums = [0.0, 0.0];
    let table = report.split("unforced  function\n").nth(1).unwrap();
    for line in table.lines().take_while(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        sums[0] += cells[0].parse::<f64>().unwrap();
        sums[1] += cells[3].parse::<f64>().unwrap();
    }
    for (i, scale) in [1e9, 1e6].into_iter().enumerate() {
        let end = json["profiles"][i]["endValue"].as_f64().unwrap() / scale;
        assert!((total[i] - end).abs() <= 0.02 * end + 0.01, "{report}");
        assert!((total[i] - sums[i]).abs() <= 0.02 * total[i] + 0.01, "{report}");
    }
}

#[test]
fn files_are_written_as_their_readers_want_them() {
    let home = TempDir::new().unwrap();
    slow(home.path());
    let args = [
        "profile",
        "--bytes",
        "--flamegraph",
        "a.svg",
        "--folded",
        "a.folded",
        "--",
        "nix-instantiate",
        "--eval",
        "slow.nix",
    ];
    nivis(home.path(), &[], &args);
    let svg = fs::read_to_string(home.path().join("a.svg")).unwrap();
    assert!(
        svg.starts_with("<?xml") && svg.contains("count slow.nix:2:11"),
        "{svg}"
    );
    for line in fs::read_to_string(home.path().join("a.folded")).unwrap().lines() {
        let (frames, bytes) = line.rsplit_once(' ').unwrap();
        assert!(!frames.is_empty() && bytes.parse::<u64>().unwrap() > 0, "{line}");
    }
}

#[test]
fn a_command_that_evaluates_elsewhere_is_profiled_there() {
    let home = TempDir::new().unwrap();
    fs::write(
        home.path().join("default.nix"),
        "let f = n: \"name${toString n}\"; in derivation { name = f 1; system = \"s\"; builder = \"b\"; }",
    )
    .unwrap();
    let args = ["profile", "--", "nix-build", "--dry-run", "--store", "./root"];
    let (_, report) = nivis(home.path(), &[], &args);
    assert_eq!(row(&report, "f default.nix:1:9")[5], "1", "{report}");
}

#[test]
fn the_profiler_of_the_reference_writes_its_frames() {
    let home = TempDir::new().unwrap();
    slow(home.path());
    let args = [
        "nix-instantiate",
        "--eval",
        "slow.nix",
        "--eval-profiler",
        "flamegraph",
        "--eval-profiler-frequency",
        "2000",
        "--eval-profile-file",
        "out",
    ];
    nivis(home.path(), &[], &args);
    let stacks = fs::read_to_string(home.path().join("out")).unwrap();
    // The position of a call, and what is called.
    assert!(stacks.contains("slow.nix:2:40:count"), "{stacks}");
    assert!(stacks.contains(":primop foldl'"), "{stacks}");
    for line in stacks.lines() {
        assert!(
            line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap() > 0,
            "{line}"
        );
    }
}

#[test]
fn calls_are_traced() {
    let home = TempDir::new().unwrap();
    let args = [
        "nix-instantiate",
        "--eval",
        "--trace-function-calls",
        "-E",
        "let f = x: x; in f (f 1)",
    ];
    let (_, error) = nivis(home.path(), &[], &args);
    let lines: Vec<&str> = error
        .lines()
        .map(|line| line.split(" at ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "function-trace entered «string»:1:18",
            "function-trace entered «string»:1:21",
            "function-trace exited «string»:1:21",
            "function-trace exited «string»:1:18",
        ]
    );
    for line in error.lines() {
        assert!(
            line.rsplit_once(" at ").unwrap().1.parse::<u64>().unwrap() > 1 << 60,
            "{line}"
        );
    }
}
