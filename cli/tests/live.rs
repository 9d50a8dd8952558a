//! `nivis profile --live` at a terminal, which must be as it was when the program ends, however it does.

mod common;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// What the program writes to go to a screen of its own, and to come back.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal with a shell that runs the program.
struct Terminal {
    keys: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    side: OwnedFd,
    before: Termios,
    shell: Child,
    _home: tempfile::TempDir,
}

impl Terminal {
    /// Profiles the evaluation of an expression after some other commands. The shell tells the number of the process
    /// and how it ended, and waits for a line.
    fn open(first: &str, expression: &str) -> Terminal {
        let home = tempfile::tempdir().expect("a folder");
        let size = Winsize {
            ws_row: 30,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).expect("a pseudo-terminal");
        let side = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let before = tcgetattr(&pty.slave).expect("settings");
        let script = format!(
            "{first}\n\"$1\" profile --live -- nix-instantiate --readonly-mode --eval -E \"$2\" &\n\
             echo \"process $! here\"; wait $!; echo \"ended with $? here\"; read line"
        );
        // The shell gets the terminal as the one that controls it.
        let shell = Command::new("setsid")
            .args([
                "--ctty",
                "sh",
                "-c",
                &script,
                "sh",
                env!("CARGO_BIN_EXE_nivis"),
                expression,
            ])
            .env("HOME", home.path())
            .env("NIX_CONF_DIR", home.path())
            .env("NIX_STATE_DIR", home.path().join("state"))
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("setsid and sh are there");
        let master = File::from(pty.master);
        let keys = master.try_clone().expect("a descriptor");
        let screen = common::screen_of(master);
        Terminal {
            keys,
            screen,
            seen: String::new(),
            side: pty.slave,
            before,
            shell,
            _home: home,
        }
    }

    /// Reads until a text has been shown; gives what was before it.
    fn wait_for(&mut self, text: &str) -> String {
        while !self.seen.contains(text) {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(shown) => self.seen.push_str(&String::from_utf8_lossy(&shown)),
                Err(_) => panic!("not shown: {text}\n{:?}", self.seen),
            }
        }
        let at = self.seen.find(text).expect("it was shown");
        let before = self.seen[..at].to_owned();
        self.seen.drain(..at + text.len());
        before
    }

    fn type_keys(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("the terminal is open");
    }

    /// The number of the process that the shell started.
    fn process(&mut self) -> Pid {
        self.wait_for("process ");
        let number = self.wait_for(" here");
        Pid::from_raw(number.parse().expect("a number"))
    }

    /// Waits until the settings are those from before.
    fn is_restored(&self) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if tcgetattr(&self.side).expect("settings") == self.before {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The shell waits for a line, or after a failure for the program, which gets a signal as the terminal goes.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Takes very long.
const ENDLESS: &str = "\
    let sum = builtins.foldl' (a: b: a + b) 0; in
    builtins.foldl' (a: b: a + sum (builtins.genList (x: x) 2000)) 0 (builtins.genList (x: x) 300000)";

#[test]
fn functions_are_shown_and_the_result_afterwards() {
    let mut terminal = Terminal::open(
        "",
        "let slow = n: if n == 0 then 0 else 1 + slow (n - 1); in builtins.foldl' (a: b: a + slow 300) 0 (builtins.genList (x: x) 300)",
    );
    terminal.wait_for(ENTER);
    terminal.wait_for("finished");
    terminal.wait_for("slow «string»:1:12");
    terminal.type_keys("\r");
    terminal.wait_for("called or forced by");
    terminal.type_keys("q");
    terminal.wait_for(LEAVE);
    terminal.wait_for("90000");
    terminal.wait_for("ended with 0 here");
    assert!(terminal.is_restored());
}

#[test]
fn unwinding_restores_the_terminal() {
    // There is not enough memory; bugs of the program unwind in the same way.
    let mut terminal = Terminal::open(
        "ulimit -v 2600000",
        "builtins.deepSeq (builtins.genList (i: builtins.genList (j: i + j) 1000) 1000000) 1",
    );
    terminal.wait_for(ENTER);
    terminal.wait_for(LEAVE);
    terminal.wait_for("error: out of memory");
    terminal.wait_for("ended with 1 here");
    assert!(terminal.is_restored());
}

#[test]
fn what_kills_the_program_leaves_the_terminal_restored() {
    for signal in [Signal::SIGKILL, Signal::SIGABRT] {
        let mut terminal = Terminal::open("", ENDLESS);
        let process = terminal.process();
        terminal.wait_for(ENTER);
        terminal.wait_for("running");
        assert!(tcgetattr(&terminal.side).expect("settings") != terminal.before);
        kill(process, signal).expect("it runs");
        terminal.wait_for(LEAVE);
        assert!(terminal.is_restored());
    }
}

#[test]
fn an_interruption_closes_the_view() {
    let mut terminal = Terminal::open("", ENDLESS);
    terminal.wait_for(ENTER);
    terminal.wait_for("running");
    terminal.type_keys("\x03");
    terminal.wait_for(LEAVE);
    terminal.wait_for("interrupted by the user");
    terminal.wait_for("ended with 130 here");
    assert!(terminal.is_restored());
}
