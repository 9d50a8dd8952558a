//! What the program does besides evaluating: names, links, help, signals, streams and statistics.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const NIVIS: &str = env!("CARGO_BIN_EXE_nivis");

/// The program called by a name, with an environment of its own.
fn called(name: &str, home: &Path) -> Command {
    let mut command = Command::new(NIVIS);
    command
        .arg0(name)
        .env_clear()
        .env("HOME", home)
        .env("NIX_CONF_DIR", home)
        .env("NIX_STATE_DIR", home.join("state"))
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> (String, String, Option<i32>) {
    let Output {
        stdout,
        stderr,
        status,
    } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(stdout), text(stderr), status.code())
}

#[test]
fn one_program_is_all_commands() {
    let home = TempDir::new().unwrap();
    let args = ["--eval", "-E", "1 + 1"];
    let by_name = run(called("/x/nix-instantiate", home.path()).args(args));
    assert_eq!(by_name, ("2\n".into(), String::new(), Some(0)));
    let by_argument = run(called("nivis", home.path()).arg("nix-instantiate").args(args));
    assert_eq!(by_argument, by_name);
    let (out, _, status) = run(&mut called("nivis", home.path()));
    assert!(out.contains("nix-instantiate") && out.contains("link") && status == Some(0));
    for name in ["nivis", "nix-nonsense"] {
        let (_, error, status) = run(called(name, home.path()).arg("nix-nonsense"));
        assert!(
            error.starts_with("error: nivis has no command 'nix-nonsense' yet"),
            "{error}"
        );
        assert_eq!(status, Some(1));
    }
}

#[test]
fn help_and_version_are_built_in() {
    let home = TempDir::new().unwrap();
    let (out, _, status) = run(called("nix-instantiate", home.path()).arg("--version"));
    assert_eq!(
        (out.as_str(), status),
        ("nix-instantiate (Nix) 2.34.8\n", Some(0))
    );
    let (out, _, status) = run(called("nix-instantiate", home.path()).arg("--help"));
    assert_eq!(status, Some(0));
    for expected in ["--find-file", "--arg-from-file NAME PATH", "restrict-eval"] {
        assert!(out.contains(expected), "{expected}");
    }
}

#[test]
fn links_have_the_classic_names() {
    let home = TempDir::new().unwrap();
    let bin = home.path().join("some/bin");
    for _ in 0..2 {
        let (_, error, status) = run(called("nivis", home.path()).arg("link").arg(&bin));
        assert_eq!((error.as_str(), status), ("", Some(0)));
    }
    let link = bin.join("nix-instantiate");
    assert_eq!(fs::canonicalize(&link).unwrap(), fs::canonicalize(NIVIS).unwrap());
    fs::remove_file(&link).unwrap();
    fs::write(&link, "mine").unwrap();
    let (_, error, status) = run(called("nivis", home.path()).arg("link").arg(&bin));
    assert!(error.contains("cannot make the link"), "{error}");
    assert_eq!(
        (fs::read_to_string(&link).unwrap().as_str(), status),
        ("mine", Some(1))
    );
}

#[test]
fn interruption_ends_in_an_error() {
    let home = TempDir::new().unwrap();
    // Some work makes no calls: comparing and writing what is shared but large when spread out.
    let shared = "let g = n: if n == 0 then [ ] else let x = g (n - 1); in [ x x ]; in ";
    let calls = r#"let f = n: if n == 0 then 0 else f (n - 1); in
        builtins.foldl' (a: b: a + f 5000) (builtins.trace "started" 0) (builtins.genList (x: x) 10000000)"#;
    for endless in [
        calls.to_owned(),
        format!("{shared} builtins.trace \"started\" (g 60 == g 60)"),
        format!("{shared} builtins.trace \"started\" (builtins.toJSON (g 60))"),
        format!("{shared} builtins.trace \"started\" (builtins.toXML (g 60))"),
    ] {
        let mut child = called("nix-instantiate", home.path())
            .args(["--eval", "-E", &endless])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let mut start = [0; 15];
        stderr.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"trace: started\n");
        let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        let mut error = String::new();
        stderr.read_to_string(&mut error).unwrap();
        // Where it was may follow.
        assert!(error.contains("error: interrupted by the user\n"), "{error}");
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn closed_pipes_end_quietly() {
    let home = TempDir::new().unwrap();
    let mut child = called("nix-instantiate", home.path())
        .args(["--eval", "--strict", "-E", "builtins.genList (x: x) 100000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((error.as_str(), child.wait().unwrap().code()), ("", Some(1)));
}

#[test]
fn standard_input_is_an_expression_or_an_argument() {
    let home = TempDir::new().unwrap();
    for (args, expected) in [
        (vec!["--eval", "-"], "3\n"),
        (
            vec!["--eval", "-E", "{ x }: x", "--arg-from-stdin", "x"],
            "\"1 + 2\"\n",
        ),
    ] {
        let mut child = called("nix-instantiate", home.path())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"1 + 2").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[test]
fn statistics_have_the_known_keys() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("stats.json");
    let (_, error, _) = run(called("nix-instantiate", home.path())
        .env("NIX_SHOW_STATS", "1")
        .env("NIX_SHOW_STATS_PATH", &file)
        .env("NIX_COUNT_CALLS", "1")
        .args(["--eval", "--strict", "-E", "let f = x: x + 1; in map f [ 1 2 3 ]"]));
    assert_eq!(error, "");
    let stats: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(stats["nrFunctionCalls"], 3);
    assert_eq!(stats["primops"]["map"], 1);
    assert_eq!(stats["functions"][0]["name"], "f");
    assert_eq!(stats["functions"][0]["column"], 9);
    for key in [
        "cpuTime",
        "envs",
        "list",
        "values",
        "symbols",
        "sets",
        "sizes",
        "nrThunks",
        "nrAvoided",
        "nrLookups",
        "nrOpUpdates",
        "nrOpUpdateValuesCopied",
        "nrPrimOpCalls",
        "nrFunctionCalls",
        "nrExprs",
        "gc",
        "time",
    ] {
        assert!(stats.get(key).is_some(), "{key}");
    }
}

#[test]
fn derivations_are_written_and_kept() {
    let home = TempDir::new().unwrap();
    let expression =
        r#"derivation { name = "n"; system = "s"; builder = "b"; src = builtins.toFile "f" "text"; }"#;
    let instantiate = || {
        let mut command = called("nix-instantiate", home.path());
        command.args(["--store", "./root", "-E", expression]);
        command
    };
    let (path, warning, status) = run(&mut instantiate());
    assert!(warning.contains("you did not specify '--add-root'"), "{warning}");
    assert_eq!(status, Some(0));
    let drv = home
        .path()
        .join("root")
        .join(path.trim_end().trim_start_matches('/'));
    let text = fs::read_to_string(drv).unwrap();
    assert!(text.starts_with("Derive([(\"out\","), "{text}");
    let (link, _, _) = run(instantiate().args(["--add-root", "link"]));
    assert_eq!(
        Path::new(link.trim_end()),
        fs::canonicalize(home.path()).unwrap().join("link")
    );
    assert_eq!(
        fs::read_link(home.path().join("link")).unwrap(),
        Path::new(path.trim_end())
    );
    let (dry, _, _) = run(instantiate().args(["--readonly-mode", "--store", "./elsewhere"]));
    assert_eq!(dry, path);
    assert!(!home.path().join("elsewhere").exists());
}

#[test]
fn settings_come_from_files_environment_and_flags() {
    let home = TempDir::new().unwrap();
    fs::write(
        home.path().join("nix.conf"),
        "!include no\ninclude more\nsystem = a # b\n",
    )
    .unwrap();
    fs::write(home.path().join("more"), "eval-system = x\nmystery = 1\n").unwrap();
    let system = || {
        let mut command = called("nix-instantiate", home.path());
        command.args(["--eval", "-E", "builtins.currentSystem"]);
        command
    };
    let warned = "warning: unknown setting 'mystery'\n";
    assert_eq!(run(&mut system()), ("\"x\"\n".into(), warned.into(), Some(0)));
    let (out, _, _) = run(system().env("NIX_CONFIG", "eval-system ="));
    assert_eq!(out, "\"a\"\n");
    let (out, _, _) = run(system()
        .env("NIX_CONFIG", "eval-system = y")
        .args(["--eval-system", "z"]));
    assert_eq!(out, "\"z\"\n");
    let (_, error, status) = run(system().env("NIX_CONFIG", "nonsense"));
    assert!(
        error.starts_with("error: syntax error in configuration line 'nonsense'"),
        "{error}"
    );
    assert_eq!(status, Some(1));
}
