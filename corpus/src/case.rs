//! Which cases there are, by the names of files.

use crate::subject::Subject;
use crate::{drv, lang, session};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One question with a recorded answer.
#[derive(Debug)]
pub struct Case {
    /// Folder and file without its suffix: `lang/eval-okay-let`.
    pub name: String,
    /// The file with the question.
    pub path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lang,
    DrvPath,
    DrvBytes,
    Session,
}

impl Case {
    /// Asks `subject` and compares with what is recorded.
    pub fn check(&self, subject: &Subject) -> Result<(), String> {
        match self.kind {
            Kind::Lang => lang::check(&self.path, subject),
            Kind::DrvPath => drv::check_paths(&self.path, subject),
            Kind::DrvBytes => drv::check_bytes(&self.path, subject),
            Kind::Session => session::check(&self.path, subject),
        }
    }

    /// Asks `subject`, which should be the reference, and records its answer.
    pub fn record(&self, subject: &Subject) -> Result<(), String> {
        match self.kind {
            Kind::Lang => lang::record(&self.path, subject),
            Kind::DrvPath => drv::record_paths(&self.path, subject),
            Kind::DrvBytes => drv::record_bytes(&self.path, subject),
            Kind::Session => session::record(&self.path, subject),
        }
    }

    /// Whether an answer was recorded before.
    pub fn is_recorded(&self) -> bool {
        match self.kind {
            Kind::Lang => lang::is_recorded(&self.path),
            Kind::DrvPath => self.path.with_extension("exp").exists(),
            Kind::DrvBytes => self.path.with_extension("drvs").exists(),
            Kind::Session => session::is_recorded(&self.path),
        }
    }
}

/// All cases, sorted by name.
pub fn cases(root: &Path) -> Vec<Case> {
    let mut all = Vec::new();
    for (folder, suffix, kind) in [
        ("lang", "nix", Kind::Lang),
        ("drv", "nix", Kind::DrvPath),
        ("drv", "nix", Kind::DrvBytes),
        ("cli", "session", Kind::Session),
    ] {
        for path in files(&root.join(folder)) {
            let fits = kind != Kind::DrvPath || drv::works_read_only(&path);
            if fits && path.extension().is_some_and(|e| e == suffix) {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let shown = if kind == Kind::DrvBytes {
                    "drv-bytes"
                } else {
                    folder
                };
                all.push(Case {
                    name: format!("{shown}/{stem}"),
                    path,
                    kind,
                });
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Files beside the cases that no case uses: answers whose question is gone, misspelt names.
pub fn orphans(root: &Path) -> Vec<PathBuf> {
    let mut used: HashSet<PathBuf> = HashSet::new();
    for case in cases(root) {
        let suffixes: &[&str] = match case.kind {
            Kind::Lang => lang::suffixes(&case.path),
            Kind::DrvPath => &["exp"],
            Kind::DrvBytes => &["nix", "drvs"],
            Kind::Session => &["session"],
        };
        used.extend(suffixes.iter().map(|suffix| case.path.with_extension(suffix)));
    }
    let folders = ["lang", "drv", "cli"];
    let present = folders.iter().flat_map(|folder| files(&root.join(folder)));
    present.filter(|path| !used.contains(path)).collect()
}

/// The plain files directly in a folder (folders below hold the cases' data).
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|e| e.file_type().is_ok_and(|t| t.is_file()))
        .map(|e| e.path())
        .collect()
}
