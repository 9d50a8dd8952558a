//! `lang/`: one program each, evaluated or parsed.
//!
//! `eval-okay-*` must print what `.exp` holds, `eval-fail-*` must fail with the
//! error in `.err.exp`; `parse-okay-*` and `parse-fail-*` likewise with `--parse`.
//! `.flags` holds the arguments to use instead of `--eval --strict` or `--parse`. Where the
//! reference warns or traces, `.err.exp` of an okay case holds these lines.

use crate::answer::{Complaint, normalise, remarks};
use crate::diff::same;
use crate::subject::{Output, Subject, output};
use std::fs;
use std::path::Path;

struct Answer {
    stdout: String,
    stderr: String,
    status: Option<i32>,
}

/// Whether the program must evaluate or parse, by its file's name.
fn is_okay(path: &Path) -> Result<bool, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.split('-').nth(1) {
        Some("okay") => Ok(true),
        Some("fail") => Ok(false),
        _ => Err(format!("{name}: should begin with (eval|parse)-(okay|fail)-")),
    }
}

/// The files that may belong to a case.
pub(crate) fn suffixes(path: &Path) -> &'static [&'static str] {
    match is_okay(path) {
        Ok(true) => &["nix", "exp", "err.exp", "flags"],
        Ok(false) => &["nix", "err.exp", "flags"],
        Err(_) => &[],
    }
}

pub(crate) fn is_recorded(path: &Path) -> bool {
    path.with_extension("exp").exists() || path.with_extension("err.exp").exists()
}

fn ask(path: &Path, subject: &Subject) -> Result<Answer, String> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let file = path.file_name().unwrap_or_default();
    let mut command = subject.instantiate(dir);
    match fs::read_to_string(path.with_extension("flags")) {
        Ok(flags) => command.args(flags.split_whitespace()),
        Err(_) if file.to_string_lossy().starts_with("parse") => command.arg("--parse"),
        Err(_) => command.args(["--eval", "--strict"]),
    };
    let Output {
        stdout,
        stderr,
        status,
    } = output(command.arg("--readonly-mode").arg(file))?;
    let home = subject.home();
    let clean = |bytes: &[u8]| normalise(bytes, dir).replace(&*home.to_string_lossy(), "/home");
    Ok(Answer {
        stdout: clean(&stdout),
        stderr: clean(&stderr),
        status,
    })
}

pub(crate) fn check(path: &Path, subject: &Subject) -> Result<(), String> {
    let recorded = |suffix| fs::read_to_string(path.with_extension(suffix)).unwrap_or_default();
    if !is_recorded(path) {
        return Err("no answer recorded: run corpus/record".to_owned());
    }
    let answer = ask(path, subject)?;
    if subject.is_nivis() {
        let again = ask(path, subject)?;
        let first = (&answer.stdout, &answer.stderr, answer.status);
        if first != (&again.stdout, &again.stderr, again.status) {
            return Err(format!(
                "with code from the cache it {}\nand before it {}",
                failure(&again),
                failure(&answer)
            ));
        }
    }
    if is_okay(path)? {
        if answer.status != Some(0) {
            return Err(format!("should succeed; {}", failure(&answer)));
        }
        same("stdout", &recorded("exp"), &answer.stdout)?;
        same(
            "warnings and traces",
            &recorded("err.exp"),
            &remark_lines(&answer.stderr),
        )
    } else {
        check_failure(&recorded("err.exp"), &answer)
    }
}

fn check_failure(recorded: &str, answer: &Answer) -> Result<(), String> {
    let expected = Complaint::read(recorded).ok_or(".err.exp holds no error")?;
    if answer.status != Some(1) {
        let wanted = expected.message;
        return Err(format!(
            "should fail with status 1: {wanted}\n{}",
            failure(answer)
        ));
    }
    let actual = Complaint::read(&answer.stderr).ok_or_else(|| failure(answer))?;
    if !actual.agrees_with(&expected) {
        let all = &answer.stderr;
        return Err(format!(
            "the error differs\n- {expected:?}\n+ {actual:?}\n\nall of it:\n{all}"
        ));
    }
    same(
        "warnings and traces",
        &remark_lines(recorded),
        &remark_lines(&answer.stderr),
    )
}

fn failure(answer: &Answer) -> String {
    let status = answer
        .status
        .map_or("a signal or too much time".to_owned(), |s| s.to_string());
    format!("ended with {status}\n{}{}", answer.stdout, answer.stderr)
}

fn remark_lines(stderr: &str) -> String {
    remarks(stderr).iter().map(|line| format!("{line}\n")).collect()
}

pub(crate) fn record(path: &Path, subject: &Subject) -> Result<(), String> {
    let answer = ask(path, subject)?;
    let write = |suffix: &str, text: &str| {
        fs::write(path.with_extension(suffix), text).map_err(|e| format!("{}: {e}", path.display()))
    };
    match (is_okay(path)?, answer.status) {
        (true, Some(0)) => {
            write("exp", &answer.stdout)?;
            match remark_lines(&answer.stderr) {
                lines if !lines.is_empty() => write("err.exp", &lines),
                _ => fs::remove_file(path.with_extension("err.exp")).or(Ok(())),
            }
        }
        (false, Some(1)) if Complaint::read(&answer.stderr).is_some() => write("err.exp", &answer.stderr),
        (true, _) => Err(format!("the reference should succeed; {}", failure(&answer))),
        (false, _) => Err(format!(
            "the reference should fail with status 1; {}",
            failure(&answer)
        )),
    }
}
