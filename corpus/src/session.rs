//! `cli/*.session`: shell commands run one after another in an empty folder, with what they print.
//!
//! ```text
//! # a comment; blank lines are free
//! $ printf '{ a = 1; }' > f.nix
//! $ nix-instantiate --eval f.nix \
//! +     -A b
//! | a line of standard output
//! \ when standard output does not end in a newline
//! ! error: its message (or a warning or trace as printed)
//! ! at file:line:column
//! = 1
//! ```
//!
//! `=` gives the exit status unless it is 0. The lines with `$`, `+` and `#` are written by hand,
//! all others are recorded. The folder's path reads `/pwd`; commands may use `$DATA` for
//! `cli/data` (shown as `/data`).

use crate::answer::{Complaint, normalise, remarks};
use crate::diff::same;
use crate::subject::{Output, Subject, output};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

pub(crate) fn is_recorded(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.starts_with(['|', '!', '=', '\\']))
}

/// The session with the answers `subject` gives.
fn replay(path: &Path, subject: &Subject) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let temp = TempDir::new().map_err(|e| e.to_string())?;
    let temp = temp.path().canonicalize().map_err(|e| e.to_string())?;
    let (work, state) = (temp.join("work"), temp.join("state"));
    for dir in [&work, &state] {
        fs::create_dir_all(dir).map_err(|e| e.to_string())?;
    }
    let data = path.with_file_name("data");
    let mut written = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with(['|', '!', '=', '\\']) {
            continue;
        }
        written.push_str(line);
        written.push('\n');
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let mut command = command.to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with('+')) {
            written.push_str(&format!("{more}\n"));
            command.push('\n');
            command.push_str(more[1..].strip_prefix(' ').unwrap_or(&more[1..]));
        }
        let answer = output(subject.shell(&command, &work, &state).env("DATA", &data))?;
        write_answer(&mut written, &answer, |bytes| {
            normalise(bytes, &work).replace(&*data.to_string_lossy(), "/data")
        });
    }
    Ok(written)
}

fn write_answer(to: &mut String, answer: &Output, clean: impl Fn(&[u8]) -> String) {
    let stdout = clean(&answer.stdout);
    for line in stdout.lines() {
        to.push_str(format!("| {line}").trim_end());
        to.push('\n');
    }
    if !stdout.is_empty() && !stdout.ends_with('\n') {
        to.push_str("\\ no newline\n");
    }
    let stderr = clean(&answer.stderr);
    for line in remarks(&stderr) {
        to.push_str(&format!("! {line}\n"));
    }
    if let Some(Complaint { message, place }) = Complaint::read(&stderr) {
        to.push_str(&format!("! error: {}\n", message.replace('\n', "\n!   ")));
        if let Some(place) = place {
            to.push_str(&format!("! at {place}\n"));
        }
    }
    match answer.status {
        Some(0) => {}
        Some(status) => to.push_str(&format!("= {status}\n")),
        None => to.push_str("= killed\n"),
    }
}

/// Drops places that the recorded session does not name: nivis may say more.
fn without_extra_places(recorded: &str, actual: &str) -> String {
    let names_place = |block: &str| block.lines().any(|line| line.starts_with("! at "));
    let mut recorded = recorded.split_inclusive("\n$ ");
    let blocks = actual.split_inclusive("\n$ ").map(|block| {
        let expected = recorded.next().is_none_or(names_place);
        let lines = block.split_inclusive('\n');
        lines
            .filter(|line| expected || !line.starts_with("! at "))
            .collect::<String>()
    });
    blocks.collect()
}

pub(crate) fn check(path: &Path, subject: &Subject) -> Result<(), String> {
    let recorded = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let actual = replay(path, subject)?;
    same("session", &recorded, &without_extra_places(&recorded, &actual))
}

pub(crate) fn record(path: &Path, subject: &Subject) -> Result<(), String> {
    let text = replay(path, subject)?;
    fs::write(path, text).map_err(|e| e.to_string())
}
