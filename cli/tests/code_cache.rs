//! The cache of code: where it lies, that it can be turned off, and that nothing in it can make an answer wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const PROGRAM: &str = r#"
let greet = { name, greeting ? "hello" }: "${greeting}, ${name}"; in
{ one = greet { name = "one"; }; two = greet { name = "two"; greeting = "good morning"; }; place = toString ./here; }
"#;

/// A folder with a program and a cache.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(TempDir::new().expect("a folder"));
        fs::write(place.program(), PROGRAM).expect("written");
        place
    }

    fn program(&self) -> PathBuf {
        self.0.path().join("program.nix")
    }

    fn answer(&self, file: &Path, options: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_nivis"))
            .args([
                "nix-instantiate",
                "--eval",
                "--strict",
                "--json",
                "--readonly-mode",
            ])
            .args(options)
            .arg(file)
            .env_clear()
            .env("HOME", self.0.path())
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    fn packs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.0.path().join(".cache/nix/nivis-code")) else {
            return vec![];
        };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "pack"))
            .collect()
    }
}

#[test]
fn answers_are_the_same_with_and_without() {
    let place = Place::new();
    let without = place.answer(&place.program(), &["--no-code-cache"]);
    assert_eq!(place.packs(), [] as [PathBuf; 0]);
    assert_eq!(place.answer(&place.program(), &[]), without);
    assert_eq!(place.packs().len(), 1);
    let written = fs::metadata(&place.packs()[0])
        .expect("a pack")
        .modified()
        .expect("a time");
    assert_eq!(place.answer(&place.program(), &[]), without);
    let now = fs::metadata(&place.packs()[0])
        .expect("a pack")
        .modified()
        .expect("a time");
    assert_eq!(now, written, "nothing new was to be kept");
}

#[test]
fn a_text_has_the_same_code_wherever_it_lies() {
    let place = Place::new();
    place.answer(&place.program(), &[]);
    let elsewhere = place.0.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    fs::copy(place.program(), elsewhere.join("other.nix")).expect("copied");
    let answer = place.answer(&elsewhere.join("other.nix"), &[]);
    assert!(answer.contains("/elsewhere/here"), "{answer}");
    assert_eq!(place.packs().len(), 1);
}

#[test]
fn a_changed_text_has_other_code() {
    let place = Place::new();
    place.answer(&place.program(), &[]);
    // As many bytes, at the same time.
    let time = fs::metadata(place.program())
        .expect("a file")
        .modified()
        .expect("a time");
    fs::write(place.program(), PROGRAM.replace("morning", "evening")).expect("written");
    let file = fs::File::options()
        .write(true)
        .open(place.program())
        .expect("opened");
    file.set_modified(time).expect("set");
    assert!(place.answer(&place.program(), &[]).contains("good evening"));
}

#[test]
fn damage_is_noticed() {
    let place = Place::new();
    let answer = place.answer(&place.program(), &["--no-code-cache"]);
    place.answer(&place.program(), &[]);
    let pack = place.packs().remove(0);
    let whole = fs::read(&pack).expect("a pack");
    for i in (0..whole.len()).step_by(whole.len() / 23) {
        let mut damaged = whole.clone();
        damaged[i] ^= 0x55;
        fs::write(&pack, &damaged).expect("written");
        assert_eq!(place.answer(&place.program(), &[]), answer, "byte {i}");
        fs::write(&pack, &whole[..i]).expect("written");
        assert_eq!(place.answer(&place.program(), &[]), answer, "cut off at {i}");
    }
}
