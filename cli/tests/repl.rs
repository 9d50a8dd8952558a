//! The REPL, through pipes and through a pseudo-terminal.

mod common;

use nix::pty::openpty;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

fn repl(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nivis"));
    command
        .arg("repl")
        .env_clear()
        .env("HOME", home)
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env("NIX_STORE_DIR", home.join("store"))
        .env("NIX_STATE_DIR", home.join("state"))
        .current_dir(home);
    command
}

/// What a session prints, on standard output and with messages.
fn converse(arguments: &[&str], input: &str) -> (String, String) {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(
        home.path().join("set.nix"),
        "{\n  /** Adds one. */\n  inc = x: x + 1;\n  two = 2;\n}\n",
    )
    .expect("a file");
    let mut child = repl(home.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("the input is read");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{:?}", output.status);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr))
}

/// The answers to inputs, as the reference prints them.
fn answers(input: &str) -> String {
    converse(&[], input).0
}

#[test]
fn values_are_printed_one_level_deep() {
    assert_eq!(
        answers("{ a = 1; b.c = { d = 1; }; }\n"),
        "nix-repl> { a = 1; b.c = { d = 1; }; }\n{\n  a = 1;\n  b = { ... };\n}\n\nnix-repl> \n"
    );
}

#[test]
fn print_shows_all_of_a_value_and_errors_in_their_place() {
    let printed = answers(":p { a.b.c = 1; e = [ 1 (throw \"no\") ]; }\n:p \"a\\nb\"\n");
    assert!(
        printed.contains("{\n  a = {\n    b = { c = 1; };\n  };\n  e = [\n    1\n    «error: no»\n  ];\n}\n")
    );
    assert!(printed.contains("\na\nb\n"));
}

#[test]
fn definitions_last_and_see_earlier_ones() {
    let printed = answers("x = 1\ny = x + 1; z = 5;\nx = y + 1\nx\ninherit ({ q = 7; }) q\nq + z\n");
    assert!(printed.contains("nix-repl> x\n3\n"), "{printed}");
    assert!(printed.contains("nix-repl> q + z\n12\n"), "{printed}");
}

#[test]
fn definitions_hide_builtins() {
    assert!(answers("map = 3\nmap\n").contains("nix-repl> map\n3\n"));
}

#[test]
fn an_input_may_take_several_lines() {
    assert!(answers("''\n  x\n''\n").contains("        > ''\n\"x\\n\"\n"));
}

#[test]
fn an_error_does_not_end_the_session() {
    let (printed, messages) = converse(&[], "foo\n1 + 1\n:nope\n");
    assert!(printed.contains("\n2\n"));
    assert!(messages.contains("error: undefined variable 'foo'\n       at «string»:1:1:"));
    assert!(messages.contains("error: unknown command ':nope'"));
}

#[test]
fn files_are_loaded_and_loaded_again() {
    let (printed, messages) = converse(&["set.nix"], "inc two\ntwo = 5\n:r\ntwo\n:ll\n");
    assert!(printed.contains("nix-repl> inc two\n3\n"), "{printed}");
    assert!(printed.contains("nix-repl> two\n2\n"), "{printed}");
    assert!(printed.contains("nix-repl> :ll\ninc\ntwo\n"), "{printed}");
    assert_eq!(messages.matches("Added 2 variables.\ninc, two\n").count(), 2);
}

#[test]
fn values_are_described_and_traced_to_their_origin() {
    let (printed, _) = converse(
        &["set.nix"],
        ":t inc\n:doc inc\n:doc map\ns = import ./set.nix\n:why s.two\n",
    );
    assert!(printed.contains("nix-repl> :t inc\na function\n"), "{printed}");
    assert!(printed.contains("Adds one."), "{printed}");
    assert!(printed.contains("Synopsis: builtins.map f list\n"), "{printed}");
    assert!(
        printed.contains("attribute 'two' defined at ") && printed.contains("set.nix:4:3\n"),
        "{printed}"
    );
}

#[test]
fn profile_counts_calls() {
    let printed = answers(":profile builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 100)\n");
    assert!(printed.contains("    function calls"), "{printed}");
}

/// A terminal with a session behind it.
struct Terminal {
    keys: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    child: Child,
    _home: tempfile::TempDir,
}

impl Terminal {
    fn open() -> Terminal {
        let home = tempfile::tempdir().expect("a folder");
        let pty = openpty(None, None).expect("a pseudo-terminal");
        let side = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let child = repl(home.path())
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("the program starts");
        let master = File::from(pty.master);
        let keys = master.try_clone().expect("a descriptor");
        let screen = common::screen_of(master);
        Terminal {
            keys,
            screen,
            seen: String::new(),
            child,
            _home: home,
        }
    }

    fn type_keys(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("the terminal is open");
    }

    /// Reads until the screen has shown a text.
    fn wait_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            match self.screen.recv_timeout(Duration::from_secs(60)) {
                Ok(shown) => self.seen.push_str(&String::from_utf8_lossy(&shown)),
                Err(_) => panic!("not shown: {text}\n{:?}", self.seen),
            }
        }
        let end = self.seen.find(text).expect("it was shown") + text.len();
        self.seen.drain(..end);
    }

    /// Waits until keys are read one by one.
    fn wait_for_prompt(&mut self) {
        self.wait_for("nix-repl> \r");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // After a failure it may still wait for keys.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_terminal_has_completion_and_keys() {
    let mut terminal = Terminal::open();
    terminal.wait_for("Type :? for help.");
    terminal.wait_for_prompt();
    terminal.type_keys("builtins.tryE\t { }\r");
    terminal.wait_for("tryEval");
    terminal.wait_for("success = true");
    terminal.wait_for_prompt();
    // ^C abandons what was typed.
    terminal.type_keys("1 + (\x03");
    terminal.wait_for_prompt();
    terminal.type_keys("20 + 22\r");
    terminal.wait_for("42");
    terminal.wait_for_prompt();
    // ^D ends the session.
    terminal.type_keys("\x04");
    assert!(terminal.child.wait().expect("the program ends").success());
}
