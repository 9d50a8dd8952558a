//! `~/.nix-channels`: a line with URL and name for each channel.

use crate::failure::{Failure, Result};
use nivis_store::io_error::IoError;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The channels by name.
pub(super) struct Channels {
    path: PathBuf,
    urls: BTreeMap<String, String>,
}

impl Channels {
    /// Reads the list; there is none without a file.
    pub(super) fn read(path: &Path) -> Result<Channels> {
        let text = match fs::read(path) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("opening file", path, error)),
        };
        let mut channels = Channels {
            path: path.to_owned(),
            urls: BTreeMap::new(),
        };
        for line in text.lines().map(str::trim_end) {
            if line.trim_start().starts_with('#') {
                continue;
            }
            let mut words = line.split(' ').filter(|word| !word.is_empty());
            let Some(url) = words.next() else { continue };
            let url = url.trim_end_matches('/');
            channels.insert(words.next().unwrap_or_else(|| base_name(url)), url);
        }
        Ok(channels)
    }

    pub(super) fn insert(&mut self, name: &str, url: &str) {
        self.urls.insert(name.to_owned(), url.to_owned());
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.urls.remove(name);
    }

    /// Names and URLs.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.urls.iter().map(|(name, url)| (name.as_str(), url.as_str()))
    }

    /// Writes the list in one step; a link to a list elsewhere stays a link.
    pub(super) fn write(&self) -> Result<()> {
        let text: String = self.iter().map(|(name, url)| format!("{url} {name}\n")).collect();
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("/"));
        let write = || {
            use std::io::Write;
            use std::os::unix::fs::PermissionsExt;
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file()
                .set_permissions(fs::Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| failed("writing file", &path, error))
    }
}

fn failed(action: &str, path: &Path, error: io::Error) -> Failure {
    Failure::Plain(IoError::at(action, path, error).to_string())
}

fn base_name(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// The name of a channel that is given none.
pub(super) fn default_name(url: &str) -> &str {
    let name = base_name(url);
    let name = name.strip_suffix("-unstable").unwrap_or(name);
    name.strip_suffix("-stable").unwrap_or(name)
}

/// Fails if a URL is of no kind that can be fetched.
pub(super) fn check_url(url: &str) -> Result<()> {
    match ["file://", "http://", "https://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        true => Ok(()),
        false => Err(Failure::Plain(format!("invalid channel URL '{url}'"))),
    }
}

/// Fails if a name cannot be that of an attribute and a file.
pub(super) fn check_name(name: &str) -> Result<()> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = name.bytes();
    match bytes.next().is_some_and(is_word) && bytes.all(|byte| is_word(byte) || matches!(byte, b'-' | b'.'))
    {
        true => Ok(()),
        false => Err(Failure::Plain(format!("invalid channel identifier '{name}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(
            &path,
            "# no\n\nhttps://x/nixos-24.05// nixos\n  # no\nfile:///a/b\n",
        )
        .unwrap();
        let channels = Channels::read(&path).unwrap();
        let listed: Vec<_> = channels.iter().collect();
        assert_eq!(listed, [("b", "file:///a/b"), ("nixos", "https://x/nixos-24.05")]);
        channels.write().unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "file:///a/b b\nhttps://x/nixos-24.05 nixos\n"
        );
    }

    #[test]
    fn names_and_urls_are_checked() {
        assert_eq!(default_name("https://x/nixos-unstable"), "nixos");
        assert!(check_name("nixos-24.05_a").is_ok() && check_name("-a").is_err());
        assert!(check_name("a/b").is_err() && check_name("").is_err());
        assert!(check_url("ftp://x").is_err() && check_url("file:///x").is_ok());
    }
}
