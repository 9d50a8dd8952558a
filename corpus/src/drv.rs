//! `drv/`: expressions to instantiate. `.exp` holds the drvPaths in printed order, `.drvs` every
//! `.drv` file that came into being, one a line: its path, a blank, its bytes.
//!
//! A file that begins with `# writes` needs what it instantiates written to a store; it has no
//! `.exp`, as that is recorded in read-only mode.

use crate::answer::{normalise, text_of};
use crate::diff::same;
use crate::subject::{Subject, output};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Whether the case works without writing to a store.
pub(crate) fn works_read_only(path: &Path) -> bool {
    !fs::read_to_string(path)
        .unwrap_or_default()
        .starts_with("# writes")
}

fn paths(path: &Path, subject: &Subject) -> Result<String, String> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut command = subject.instantiate(dir);
    let answer = output(command.arg("--readonly-mode").arg(path))?;
    if answer.status != Some(0) {
        return Err(format!(
            "ended with {:?}\n{}",
            answer.status,
            normalise(&answer.stderr, dir)
        ));
    }
    Ok(normalise(&answer.stdout, dir))
}

/// Instantiates into a store in a folder of its own that thinks it is `/nix/store`.
fn bytes(path: &Path, subject: &Subject) -> Result<String, String> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let root = TempDir::new().map_err(|e| e.to_string())?;
    let mut command = subject.instantiate(dir);
    let store = format!("local?root={}", root.path().display());
    let answer = output(command.args(["--store", &store]).arg(path))?;
    if answer.status != Some(0) {
        return Err(format!(
            "ended with {:?}\n{}",
            answer.status,
            normalise(&answer.stderr, dir)
        ));
    }
    let store = root.path().join("nix/store");
    let entries = fs::read_dir(&store).map_err(|e| format!("{}: {e}", store.display()))?;
    let mut lines = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".drv") {
            let text = fs::read(entry.path()).map_err(|e| format!("{name}: {e}"))?;
            lines.push(format!("/nix/store/{name} {}\n", text_of(&text)));
        }
    }
    lines.sort();
    Ok(lines.concat())
}

fn compare(path: &Path, suffix: &str, actual: &str) -> Result<(), String> {
    let recorded = fs::read_to_string(path.with_extension(suffix))
        .map_err(|_| "no answer recorded: run corpus/record")?;
    same(suffix, &recorded, actual)
}

pub(crate) fn check_paths(path: &Path, subject: &Subject) -> Result<(), String> {
    let hint = |text| {
        let drvs = fs::read_to_string(path.with_extension("drvs")).unwrap_or_default();
        format!("{text}\nrecorded derivations:\n{drvs}")
    };
    compare(path, "exp", &paths(path, subject)?).map_err(hint)
}

pub(crate) fn check_bytes(path: &Path, subject: &Subject) -> Result<(), String> {
    compare(path, "drvs", &bytes(path, subject)?)
}

pub(crate) fn record_paths(path: &Path, subject: &Subject) -> Result<(), String> {
    let text = paths(path, subject)?;
    fs::write(path.with_extension("exp"), text).map_err(|e| e.to_string())
}

pub(crate) fn record_bytes(path: &Path, subject: &Subject) -> Result<(), String> {
    let text = bytes(path, subject)?;
    fs::write(path.with_extension("drvs"), text).map_err(|e| e.to_string())
}
