//! How errors are shown: to people, to scripts that know the reference, to programs.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

fn nix_instantiate(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nivis"));
    command
        // Some run in the corpus, which is no place for a cache.
        .args([
            "nix-instantiate",
            "--readonly-mode",
            "--no-code-cache",
            "--store",
            "dummy://",
        ])
        .args(args)
        .env_clear()
        .env("HOME", dir)
        .env("NIX_CONF_DIR", dir)
        .env("NIX_STATE_DIR", dir.join("state"))
        .current_dir(dir);
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    nix_instantiate(dir, args).output().unwrap()
}

/// Standard error of an expression that fails.
fn failure(args: &[&str]) -> String {
    let home = TempDir::new().unwrap();
    let output = run(home.path(), &[&["--eval", "--strict"], args].concat());
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn corpus() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/lang");
    path.canonicalize().unwrap()
}

/// The sentence and the place of a recorded error: those of the last `error:`.
fn recorded(text: &str) -> (String, Option<String>) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let error = |line: &&str| line.strip_prefix("error:").is_some_and(|rest| !rest.is_empty());
    let last = lines.iter().rposition(error).unwrap();
    let place = lines[last + 1..].iter().find_map(|line| line.strip_prefix("at "));
    let place = place.map(|place| place.trim_end_matches(':').replace("/pwd/", ""));
    (lines[last]["error:".len()..].trim().to_owned(), place)
}

#[test]
fn failing_programs_say_what_the_reference_says_where_it_says_it() {
    let mut programs: Vec<PathBuf> = fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("/eval-fail-"))
        .filter(|path| path.extension().is_some_and(|extension| extension == "nix"))
        .filter(|path| !path.with_extension("flags").exists())
        .collect();
    programs.sort();
    let mut compared = 0;
    for program in programs.iter().step_by(3) {
        let expected = fs::read_to_string(program.with_extension("err.exp")).unwrap();
        let (message, place) = recorded(&expected);
        let name = program.file_name().unwrap().to_str().unwrap();
        let args = ["--eval", "--strict", "--error-format", "json", name];
        let output = run(&corpus(), &args);
        let stderr = String::from_utf8_lossy(&output.stderr).replace(&*corpus().to_string_lossy(), "/pwd");
        let line = stderr
            .lines()
            .find(|line| line.starts_with('{'))
            .unwrap_or_default();
        let error = json(line);
        // A sentence may start on the next line, and may go on for several.
        let ours = error["message"].as_str().unwrap().trim();
        let first = ours.lines().next().unwrap_or_default().trim();
        assert!(
            message == first || message.starts_with("while parsing TOML"),
            "{name}: {message} / {first}"
        );
        if let Some(place) = place {
            let at = &error["position"];
            let file = at["file"].as_str().unwrap_or_default();
            let file = file.rsplit('/').next().unwrap_or_default();
            let ours = format!("{file}:{}:{}", at["line"], at["column"]);
            let place = place.rsplit('/').next().unwrap_or_default().to_owned();
            assert_eq!(ours, place, "{name}");
            assert!(
                error["primary"]["span"]["end"]["line"].is_u64(),
                "{name}: no span"
            );
        }
        compared += 1;
    }
    assert!(compared >= 150, "{compared}");
}

const CONCAT: &str =
    "let lib.concatMapStrings = f: l: f l; f = x: throw \"boo\"; in lib.concatMapStrings f 3";

#[test]
fn the_references_layout_comes_first_and_the_names_of_functions_below() {
    let exact = failure(&["--error-format", "reference", "-E", CONCAT]);
    assert!(!exact.contains("trace, innermost first"), "{exact}");
    let both = failure(&["-E", CONCAT]);
    let added = both.strip_prefix(exact.trim_end()).unwrap();
    assert!(
        added.contains("in 'f' («string»:1:43), called at «string»:1:34"),
        "{added}"
    );
    assert!(
        added.contains("in 'concatMapStrings' («string»:1:31), called at «string»:1:62"),
        "{added}"
    );
    let full = failure(&["--show-trace", "-E", CONCAT]);
    assert!(full.contains("… while calling 'concatMapStrings'\n"), "{full}");
    assert!(!full.contains("trace, innermost first"), "{full}");
}

#[test]
fn people_see_the_expression_and_where_its_value_comes_from() {
    let text = failure(&[
        "--error-format",
        "human",
        "-E",
        "let numbers = 3; in\nbuiltins.length numbers",
    ]);
    assert!(
        text.starts_with("error: expected a list but found an integer: 3\n"),
        "{text}"
    );
    assert!(
        text.contains("^^^^^^^^^^^^^^^^^^^^^^^ while evaluating the first argument"),
        "{text}"
    );
    assert!(text.contains("'numbers' is defined here"), "{text}");
    let text = failure(&["--error-format", "human", "-E", "let someName = 1; in somName"]);
    assert!(text.contains("Did you mean someName?"), "{text}");
}

#[test]
fn attributes_made_with_computed_names_give_functions_names() {
    let program = "let n = \"made\"; s = { ${n} = x: throw \"no\"; }; in s.made 1";
    let text = failure(&["--error-format", "human", "-E", program]);
    assert!(text.contains("in 'made' ("), "{text}");
}

/// A folder with a nixpkgs that has just a library, and a file of the user's.
fn beside_a_library(library: &str, mine: &str) -> TempDir {
    let home = TempDir::new().unwrap();
    for (path, text) in [
        ("nixpkgs/pkgs/top-level/impure.nix", "{ }"),
        ("nixpkgs/lib/default.nix", library),
        ("mine.nix", mine),
    ] {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    home
}

#[test]
fn frames_of_the_library_are_folded() {
    let home = beside_a_library(
        "rec { outer = f: middle f; middle = f: inner f; inner = f: f 1; }",
        "let lib = import ./nixpkgs/lib; check = x: throw \"not ${toString x}\"; in\nlib.outer check",
    );
    let args = ["--eval", "--error-format", "human", "mine.nix"];
    let text = String::from_utf8(run(home.path(), &args).stderr).unwrap();
    assert!(text.contains("… 3 frames in lib/default.nix"), "{text}");
    assert!(text.contains("mine.nix:2:1"), "{text}");
    assert!(text.contains("use '--show-trace'"), "{text}");
}

#[test]
fn definitions_that_a_library_complains_of_are_found() {
    let home = beside_a_library(
        "{ check = config: throw \"The option `services.web.ports.\\\"[definition 1-entry 2]\\\"' is bad.\"; }",
        "{\n  services.web = {\n    ports = [\n      1\n      \"two\"\n    ];\n  };\n}",
    );
    let program = "(import ./nixpkgs/lib).check (import ./mine.nix).services";
    // The module is read before the library complains, as modules are.
    let program = format!("let m = import ./mine.nix; in builtins.seq m ({program})");
    let args = ["--eval", "--error-format", "human", "-E", &program];
    let text = String::from_utf8(run(home.path(), &args).stderr).unwrap();
    assert!(
        text.contains("mine.nix:5:7") && text.contains("this element"),
        "{text}"
    );
}

#[test]
fn an_infinite_recursion_is_shown_as_a_circle() {
    let program = "let a = b; b = 1 + c; c = { q = a; }.q; in a";
    let text = failure(&["--error-format", "json", "-E", program]);
    let error = json(&text);
    assert_eq!(error["kind"], "infinite-recursion");
    let steps: Vec<&str> = error["cycle"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["value"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["'a'", "'b'", "'c'", "the attribute 'q'"]);
    let text = failure(&["-E", program]);
    assert!(text.contains("→ the first again"), "{text}");
    // The circle ends where it closes, however the error goes on.
    let text = failure(&["--error-format", "json", "-E", "let a = a; f = x: a; in f (f 1)"]);
    assert_eq!(json(&text)["cycle"].as_array().unwrap().len(), 2, "{text}");
}

#[test]
fn calls_that_repeat_are_told_once() {
    let program = "let even = n: odd (n - 1); odd = n: even (n - 1); in even 1";
    let text = failure(&["--error-format", "human", "-E", program]);
    let (_, calls) = text.split_once("these calls repeat").unwrap();
    assert_eq!(calls.matches("in 'even'").count(), 1, "{text}");
    assert_eq!(calls.matches("in 'odd'").count(), 1, "{text}");
}

#[test]
fn json_of_the_reference_has_its_members() {
    let text = failure(&["--log-format", "internal-json", "--show-trace", "-E", CONCAT]);
    let error = json(text.strip_prefix("@nix ").unwrap());
    assert_eq!(error["raw_msg"], "boo");
    assert_eq!(error["line"], Value::Null);
    assert_eq!(error["trace"][0]["raw_msg"], "while calling the 'throw' builtin");
    assert_eq!(error["trace"][1]["file"], "«string»:1:43");
    let text = failure(&["--log-format", "internal-json", "-E", "{ }.a"]);
    let error = json(text.strip_prefix("@nix ").unwrap());
    assert_eq!(
        (&error["line"], &error["column"]),
        (&Value::from(1), &Value::from(1))
    );
    assert_eq!(error.get("trace"), None);
}

#[test]
fn failures_outside_of_the_language_are_json_as_well() {
    let home = TempDir::new().unwrap();
    let output = run(home.path(), &["--error-format", "json", "--frobnicate"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(json(text.lines().next().unwrap())["kind"], "usage");
}

#[test]
fn an_unknown_format_is_refused() {
    let home = TempDir::new().unwrap();
    let output = run(home.path(), &["--eval", "--error-format", "fancy", "-E", "1"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn all_attributes_are_tried_when_told_to_keep_going() {
    let program = "{ a = 1; b = throw \"bad b\"; c = { }.d; e = 5; }";
    let attrs = ["-A", "a", "-A", "b", "-A", "c", "-A", "e"];
    let home = TempDir::new().unwrap();
    let output = run(
        home.path(),
        &[&["--eval", "-k", "-E", program], &attrs[..]].concat(),
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n5\n");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("error: bad b") && stderr.contains("error: attribute 'd' missing"),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("error: 2 attributes could not be evaluated: b, c\n"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(1));
    let output = run(home.path(), &[&["--eval", "-E", program], &attrs[..]].concat());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n");
}

#[test]
fn derivations_are_written_although_others_fail() {
    let program = "let drv = name: system: derivation { inherit name system; builder = \"b\"; }; in
        { bad = drv \"bad\" (throw \"no system\"); good = drv \"good\" \"s\"; worse = abort \"x\"; }";
    let home = TempDir::new().unwrap();
    let output = run(home.path(), &["-k", "-E", program]);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        stdout.ends_with("-good.drv\n") && stdout.lines().count() == 1,
        "{stdout}"
    );
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("2 attributes could not be evaluated: bad, worse"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_interruption_tells_where_it_was() {
    let program = "let count = n: if n == 0 then 0 else count (n - 1);
        forever = map (x: count 1000) (builtins.genList (i: i) 1000000);
        in builtins.deepSeq forever 1";
    let home = TempDir::new().unwrap();
    let child = nix_instantiate(home.path(), &["--eval", "-E", program])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("error: interrupted by the user\n"), "{stderr}");
    assert!(
        stderr.contains("it was, innermost first:") && stderr.contains("in 'count'"),
        "{stderr}"
    );
}
