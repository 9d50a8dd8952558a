//! Input nested or long beyond measure: nivis must answer or refuse it in good order, with an
//! exit status of 0 or 1, whatever the reference does.

use crate::subject::{Subject, output};
use std::fs;
use tempfile::TempDir;

/// The inputs by name: each is what stands before, between and after `count` repetitions.
const INPUTS: &[(&str, usize, &str, &str, &str)] = &[
    ("brackets-open", 1_000_000, "[", "", ""),
    ("brackets", 1_000_000, "[", "", "]"),
    ("parentheses", 1_000_000, "(", "1", ")"),
    ("braces-open", 300_000, "{ a = ", "", ""),
    ("braces", 300_000, "{ a = ", "1", "; }"),
    ("lambdas", 1_000_000, "x: ", "1", ""),
    ("formals", 200_000, "{ a ? ", "1", " }: 1"),
    ("not", 1_000_000, "!", "true", ""),
    ("minus", 300_000, "- ", "1", ""),
    ("interpolations", 300_000, "\"${", "1", "}\""),
    ("indented-interpolations-open", 300_000, "''${", "", ""),
    ("let", 200_000, "let x = ", "1", "; in x"),
    ("if", 300_000, "if true then ", "1", " else 2"),
    ("with", 300_000, "with { }; ", "1", ""),
    ("assert", 300_000, "assert true; ", "1", ""),
    ("plus", 300_000, "", "1", " + 1"),
    ("plus-right", 300_000, "1 + (", "1", ")"),
    ("concat", 300_000, "", "[ ]", " ++ [ ]"),
    ("update", 300_000, "", "{ }", " // { }"),
    ("implication", 300_000, "true -> ", "true", ""),
    ("select", 300_000, "", "{ }", ".a or { }"),
    ("attribute-path", 300_000, "", "{ a", ".a"),
    ("apply", 300_000, "", "(x: x)", " 1"),
    ("strings", 1_000_000, "", "\"", "a"),
];

/// Names of the cases.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    INPUTS.iter().map(|input| input.0)
}

/// Parses and evaluates the input of that name.
pub(crate) fn check(name: &str, subject: &Subject) -> Result<(), String> {
    let input = INPUTS
        .iter()
        .find(|input| input.0 == name)
        .ok_or("no such input")?;
    let (_, count, before, middle, after) = input;
    let temp = TempDir::new().map_err(|e| e.to_string())?;
    let file = temp.path().join("deep.nix");
    let text = format!("{}{middle}{}", before.repeat(*count), after.repeat(*count));
    fs::write(&file, text).map_err(|e| e.to_string())?;
    for mode in ["--parse", "--eval"] {
        let mut command = subject.instantiate(temp.path());
        let answer = output(command.args([mode, "--readonly-mode"]).arg(&file))?;
        let errors = String::from_utf8_lossy(&answer.stderr);
        match answer.status {
            Some(0) => {}
            Some(1) if errors.contains("error") => {}
            status => {
                let start: String = errors.chars().take(500).collect();
                return Err(format!("{mode} ended with {status:?}\n{start}"));
            }
        }
    }
    Ok(())
}
