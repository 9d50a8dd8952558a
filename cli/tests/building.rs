//! Building as a process among others: memory, locks, signals, descriptors, and being killed.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NIVIS: &str = env!("CARGO_BIN_EXE_nivis");
/// A test that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store, and a folder for what builders and tests tell one another.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> World {
        World {
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// `nix-build` of an expression that may say `d NAME SCRIPT`; scripts find this folder as `$T`.
    fn command(&self, expression: &str, arguments: &[&str]) -> Command {
        let folder = self.path("");
        let prelude = format!(
            "let d = name: script: derivation {{ inherit name; system = \"x86_64-linux\"; builder = \"/bin/sh\"; \
             PATH = \"/usr/local/bin:/usr/bin:/bin\"; T = \"{}\"; args = [ \"-c\" script ]; }}; in {expression}",
            folder.display()
        );
        let mut command = Command::new(NIVIS);
        command
            .arg0("nix-build")
            .args(["--no-out-link", "-E", &prelude])
            .args(arguments)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("NIX_PATH", "")])
            .env("HOME", &folder)
            .env("NIX_STORE_DIR", folder.join("store"))
            .env("NIX_STATE_DIR", folder.join("var"))
            .env("NIX_LOG_DIR", folder.join("log"))
            .env("NIX_CONF_DIR", &folder)
            .env(
                "NIX_CONFIG",
                "sandbox = false\nsubstituters =\nbuild-users-group =",
            )
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self, expression: &str, arguments: &[&str]) -> Child {
        self.command(expression, arguments).spawn().unwrap()
    }

    fn touch(&self, name: &str) {
        fs::write(self.path(name), "").unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited for too long");
        sleep(Duration::from_millis(2));
    }
}

fn output(child: Child) -> (String, Option<i32>) {
    let Output {
        stdout,
        stderr,
        status,
    } = child.wait_with_output().unwrap();
    let text = [stdout, stderr].concat();
    (String::from_utf8_lossy(&text).into_owned(), status.code())
}

fn succeeded(child: Child) -> String {
    let (text, status) = output(child);
    assert_eq!(status, Some(0), "{text}");
    text
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// A word of `/proc/PID/status`.
fn status_of(pid: u32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().trim().to_owned()
}

/// Waits for a file, and says that it does.
const WAIT: &str = "while [ ! -e $T/go ]; do sleep 0.01; done";

#[test]
fn evaluation_memory_is_gone_while_building() {
    let world = World::new();
    let script = format!("touch $T/began; {WAIT}; touch $out");
    // A list of so many numbers takes at least 64 MB.
    let sum = "builtins.foldl' (a: b: a + b) 0 (map (x: x + 1) (builtins.genList (x: x) 4000000))";
    let child = world.start(&format!("builtins.seq ({sum}) (d \"x\" \"{script}\")"), &[]);
    wait_until(|| world.path("began").exists());
    let memory = status_of(child.id(), "VmRSS:");
    let kilobytes: u64 = memory.strip_suffix(" kB").unwrap().parse().unwrap();
    world.touch("go");
    succeeded(child);
    assert!(kilobytes < 40_000, "{kilobytes} kB");
}

#[test]
fn processes_that_want_the_same_do_not_block_one_another() {
    for _ in 0..5 {
        let world = World::new();
        let both = [
            "[ (d \"x\" \"echo x >> $T/built; sleep 0.05; touch $out\")",
            "(d \"y\" \"echo y >> $T/built; sleep 0.05; touch $out\") ]",
        ];
        let expression = both.join(" ");
        let one = world.start(&expression, &[]);
        let other = world.start(&expression, &["-j2"]);
        succeeded(one);
        succeeded(other);
        let mut built: Vec<String> = world.read("built").lines().map(str::to_owned).collect();
        built.sort();
        assert_eq!(built, ["x", "y"], "each is built once");
    }
}

#[test]
fn what_others_build_is_waited_for_while_the_rest_is_built() {
    let world = World::new();
    let x = format!("(d \"x\" \"echo x >> $T/built; touch $T/began; {WAIT}; touch $out\")");
    let y = "(d \"y\" \"echo y >> $T/built; touch $T/y-done; touch $out\")";
    let first = world.start(&x, &[]);
    wait_until(|| world.path("began").exists());
    let second = world.start(&format!("[ {x} {y} ]"), &["-j1"]);
    wait_until(|| world.path("y-done").exists());
    world.touch("go");
    succeeded(first);
    let released = Instant::now();
    let text = succeeded(second);
    // Both ended within moments; the bound is generous because machines are busy.
    assert!(released.elapsed() < Duration::from_secs(3));
    assert!(text.contains("waiting for lock on '"), "{text}");
    assert_eq!(world.read("built"), "x\ny\n");
}

#[test]
fn interrupting_ends_builds() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let world = World::new();
        let child = world.start("d \"x\" \"echo $$ > $T/pid; sleep 600\"", &[]);
        wait_until(|| world.read("pid").ends_with('\n'));
        let builder: u32 = world.read("pid").trim().parse().unwrap();
        send(&child, signal);
        let (text, status) = output(child);
        assert!(text.ends_with("error: interrupted by the user\n"), "{text}");
        assert_eq!(status, Some(1));
        assert_eq!(status_of(builder, "State:"), "", "the builder is gone");
    }
}

#[test]
fn suspending_stops_builds() {
    let world = World::new();
    let count =
        "i=0; while [ ! -e $T/go ]; do i=$((i + 1)); echo $i > $T/count; sleep 0.01; done; touch $out";
    let child = world.start(&format!("d \"x\" \"{count}\""), &[]);
    wait_until(|| !world.read("count").is_empty());
    send(&child, Signal::SIGTSTP);
    wait_until(|| status_of(child.id(), "State:").starts_with('T'));
    let at = world.read("count");
    sleep(Duration::from_millis(100));
    assert_eq!(world.read("count"), at, "the builder stands still");
    send(&child, Signal::SIGCONT);
    wait_until(|| world.read("count") != at);
    world.touch("go");
    succeeded(child);
}

#[test]
fn a_shell_opens_where_a_builder_failed() {
    let world = World::new();
    let mut command = world.command(
        "d \"x\" \"echo left > left; exit 7\"",
        &["--debug-shell", "--max-jobs", "1"],
    );
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let typed = "echo \"found $(cat left) of $name\" > $T/answer; exit\n";
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let (text, status) = output(child);
    assert_eq!(status, Some(100), "{text}");
    assert_eq!(world.read("answer"), "found left of x\n", "{text}");
    assert!(
        text.contains("Reason: builder failed with exit code 7."),
        "{text}"
    );
}

#[test]
fn many_failures_need_few_descriptors() {
    let world = World::new();
    let expression = "builtins.genList (i: d \"x${toString i}\" \"echo ${toString i}; exit 1\") 150";
    let command = world.command(expression, &["--keep-going", "-j2"]);
    let mut limited = Command::new("/bin/sh");
    let program = Path::new(NIVIS);
    let link = world.path("nix-build");
    std::os::unix::fs::symlink(program, &link).unwrap();
    limited
        .args(["-c", "ulimit -n 40; exec \"$@\"", "sh"])
        .arg(link)
        .args(command.get_args());
    limited.env_clear();
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    let output = limited.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(100), "{text}");
    let failures = text.matches("Reason: builder failed with exit code 1.").count();
    assert_eq!(failures, 150, "{text}");
}

#[test]
fn how_long_builds_took_is_remembered_without_a_terminal_too() {
    let world = World::new();
    succeeded(world.start("d \"slow\" \"sleep 1.1; echo x > $out\"", &[]));
    let times = world.read(".local/state/nix/build-times");
    let milliseconds = times
        .trim()
        .strip_prefix("slow ")
        .and_then(|time| time.parse().ok());
    assert!(milliseconds.is_some_and(|time: u32| time >= 1100), "{times}");
}

#[test]
fn what_evaluates_is_built_although_other_parts_do_not() {
    let world = World::new();
    let expression = "{ a = d \"a\" \"echo >$out\"; bad = throw \"no a\"; fails = d \"f\" \"exit 1\"; \
                      set = { b = d \"b\" \"echo >$out\"; c = throw \"no c\"; }; }";
    let (text, status) = output(world.start(expression, &["-A", "bad", "-A", "a"]));
    assert_eq!((text.contains("building"), status), (false, Some(1)), "{text}");

    let attributes = ["-k", "-A", "bad", "-A", "a", "-A", "set"];
    let (text, status) = output(world.start(expression, &attributes));
    assert_eq!(status, Some(1), "{text}");
    // Standard output comes first here: the results.
    let results: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with('/'))
        .map(|line| line.rsplit('-').next().unwrap_or_default())
        .collect();
    assert_eq!(results, ["a", "b"], "{text}");
    let (building, errors) = text.rsplit_once("building '").unwrap();
    assert!(!building.contains("error"), "{text}");
    assert!(
        errors.contains("error: no a") && errors.contains("error: no c"),
        "{text}"
    );
    assert!(
        errors.ends_with("error: 2 attributes could not be evaluated: bad, set.c\n"),
        "{text}"
    );

    let (text, status) = output(world.start(expression, &["-k", "-A", "bad", "-A", "fails"]));
    assert_eq!(status, Some(100), "{text}");
    assert!(
        text.contains("exit code 1") && text.ends_with("error: no a\n"),
        "{text}"
    );
}

#[test]
fn being_killed_leaves_nothing_that_matters() {
    let world = World::new();
    let expression = "let mk = i: if i == 0 then [ ] else [ (d \"x${toString i}\" \"mkdir $out; echo ${toString i} > \
                      $out/f; echo ${toString (mk (i - 1))} > $out/g\") ]; in mk 12";
    for round in 0..12_u64 {
        let mut child = world.start(expression, &[]);
        sleep(Duration::from_millis(20 + 17 * round));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let text = succeeded(world.start(expression, &[]));
    let result = PathBuf::from(text.lines().next().unwrap());
    assert_eq!(fs::read_to_string(result.join("f")).unwrap(), "12\n");
}

#[test]
fn who_closes_its_log_is_ended() {
    let world = World::new();
    let script = "echo $$ > $T/pid; exec > /dev/null 2>&1; sleep 1000";
    let (text, status) = output(world.start(&format!("d \"x\" \"{script}\""), &[]));
    assert_eq!(status, Some(100));
    assert!(text.contains("failed due to signal 9"), "{text}");
    // Unless it was about to end anyway: then its own status counts.
    for _ in 0..20 {
        let (text, status) = output(world.start("d \"y\" \"exec > /dev/null 2>&1; exit 5\"", &[]));
        assert_eq!(status, Some(100));
        assert!(
            text.contains("exit code 5") || text.contains("signal 9"),
            "{text}"
        );
        succeeded(world.start("d \"z\" \"echo > $out\"", &[]));
    }
}

#[test]
fn derivations_and_sources_may_be_in_another_store() {
    let world = World::new();
    fs::write(world.path("source"), "contents").unwrap();
    let store = world.path("store");
    let uri = format!(
        "local?root={}&store={}",
        world.path("eval").display(),
        store.display()
    );
    let expression = "d \"b\" \"cat ${d \"a\" \"cat ${./source} > $out\"} > $out\"";
    let arguments = ["--eval-store", &uri];
    let Output { stdout, status, .. } = world.command(expression, &arguments).output().unwrap();
    assert!(status.success());
    let path = String::from_utf8(stdout).unwrap();
    assert_eq!(fs::read_to_string(path.trim()).unwrap(), "contents");
    let names = || {
        fs::read_dir(&store)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
    };
    assert!(names().all(|name| !name.to_string_lossy().ends_with(".drv")));
    // What was copied is an ordinary path here.
    let text = succeeded(world.start("d \"c\" \"cat ${./source}; echo > $out\"", &[]));
    assert!(text.contains("contents"), "{text}");
}

#[test]
fn control_groups_hold_builds() {
    let world = World::new();
    let expression = "d \"x\" \"grep ^0:: /proc/self/cgroup > $out\"";
    let arguments = [
        "--extra-experimental-features",
        "cgroups",
        "--option",
        "use-cgroups",
        "true",
    ];
    let Output {
        stdout,
        stderr,
        status,
    } = world.command(expression, &arguments).output().unwrap();
    if !status.success() {
        // Where there is none to be had, that is said.
        let text = String::from_utf8_lossy(&stderr);
        assert!(text.contains("'use-cgroups' needs"), "{text}");
        return;
    }
    let path = String::from_utf8(stdout).unwrap();
    let group = fs::read_to_string(path.trim()).unwrap();
    assert!(group.contains("/nix-build-pid-"), "{group}");
}
