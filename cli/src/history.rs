//! How long builds took, for estimates: a small file of the user, a line with name and milliseconds each.

use crate::env::Environment;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Shorter builds are not worth remembering.
const WORTH: Duration = Duration::from_secs(1);
/// How many names are remembered.
const LIMIT: usize = 10_000;

/// How long builds took.
#[derive(Debug, Default)]
pub(crate) struct History {
    file: Option<PathBuf>,
    known: BTreeMap<String, Duration>,
    new: BTreeMap<String, Duration>,
}

impl History {
    /// What is remembered; nothing if it cannot be read.
    pub(crate) fn load(environment: &Environment) -> History {
        let file = environment.state_home.as_ref().map(|dir| dir.join("build-times"));
        let known = file.as_deref().map(read).unwrap_or_default();
        History {
            file,
            known,
            new: BTreeMap::new(),
        }
    }

    /// How long the build of a package may take.
    pub(crate) fn estimate(&self, package: &str) -> Option<Duration> {
        self.new.get(package).or_else(|| self.known.get(package)).copied()
    }

    /// A build took so long. Half of the new estimate is this, half what was known.
    pub(crate) fn record(&mut self, package: &str, took: Duration) {
        if took >= WORTH {
            let estimate = self.estimate(package).map_or(took, |known| (known + took) / 2);
            self.new.insert(package.to_owned(), estimate);
        }
    }

    /// Writes what is new, together with what others wrote meanwhile. That it fails hurts nobody.
    pub(crate) fn save(&mut self) {
        let Some(file) = self.file.as_deref().filter(|_| !self.new.is_empty()) else {
            return;
        };
        let mut all = read(file);
        all.append(&mut self.new);
        let _ = write(file, &all);
    }
}

fn read(file: &Path) -> BTreeMap<String, Duration> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let (name, time) = line.rsplit_once(' ')?;
        Some((name.to_owned(), Duration::from_millis(time.parse().ok()?)))
    });
    lines.take(LIMIT).collect()
}

fn write(file: &Path, times: &BTreeMap<String, Duration>) -> std::io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    for (name, time) in times.iter().take(LIMIT) {
        writeln!(new, "{name} {}", time.as_millis())?;
    }
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            state_home: Some(folder.path().join("nix")),
            ..Environment::default()
        };
        let mut history = History::load(&environment);
        history.record("slow", Duration::from_secs(8));
        history.record("fast", Duration::from_millis(8));
        history.save();
        let mut history = History::load(&environment);
        assert_eq!(history.estimate("slow"), Some(Duration::from_secs(8)));
        assert_eq!(history.estimate("fast"), None);
        history.record("slow", Duration::from_secs(4));
        assert_eq!(history.estimate("slow"), Some(Duration::from_secs(6)));
        fs::write(folder.path().join("nix/build-times"), "nonsense\nother 3000\n").unwrap();
        history.save();
        let history = History::load(&environment);
        assert_eq!(history.estimate("other"), Some(Duration::from_secs(3)));
        assert_eq!(history.estimate("slow"), Some(Duration::from_secs(6)));
    }
}
