//! Stopping builds for a while: builders live in sessions of their own, so the terminal's signals miss them.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Stops processes and all that they started; gives those that were stopped.
pub(super) fn stop(roots: &[Pid]) -> Vec<Pid> {
    let mut stopped = vec![];
    let mut open = roots.to_vec();
    while let Some(pid) = open.pop() {
        // Stopped first, so that it starts nothing while its children are looked for.
        if pid.as_raw() > 0 && kill(pid, Signal::SIGSTOP).is_ok() {
            stopped.push(pid);
        }
        open.extend(children(pid));
    }
    stopped
}

/// Lets them go on.
pub(super) fn go_on(stopped: &[Pid]) {
    for &pid in stopped.iter().rev() {
        let _ = kill(pid, Signal::SIGCONT);
    }
}

/// The processes that a process started and that live.
fn children(pid: Pid) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return vec![];
    };
    let lists = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    let mut found = vec![];
    for list in lists {
        found.extend(
            list.split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .map(Pid::from_raw),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::thread::sleep;
    use std::time::Duration;

    fn state(pid: Pid) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    #[test]
    fn descendants_stop_too() {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "sleep 5; sleep 5"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let root = Pid::from_raw(i32::try_from(shell.id()).unwrap());
        // Not before the child is what it will be: until then its parent waits for it and cannot stop.
        let runs_sleep =
            |pid: &Pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n");
        while !children(root).iter().any(runs_sleep) {
            sleep(Duration::from_millis(1));
        }
        let stopped = stop(&[root]);
        assert_eq!(stopped.len(), 2);
        while stopped.iter().any(|&pid| state(pid) != Some('T')) {
            sleep(Duration::from_millis(1));
        }
        go_on(&stopped);
        while stopped.iter().any(|&pid| state(pid) == Some('T')) {
            sleep(Duration::from_millis(1));
        }
        for pid in stopped {
            let _ = kill(pid, Signal::SIGKILL);
        }
        shell.wait().unwrap();
    }
}
