//! Configuration files: lines `name = value`, comments with `#`, `include FILE` and `!include FILE`.

use super::Settings;
use crate::env::Environment;
use crate::failure::{Failure, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How deeply files may include one another.
const MAX_INCLUDES: usize = 64;

/// Reads all configuration: the system's file, the user's files, and `NIX_CONFIG`.
pub(crate) fn load(environment: &Environment) -> Result<Settings> {
    let mut settings = Settings::default();
    load_file(&mut settings, environment, &system_file(environment))?;
    for file in user_files(environment).iter().rev() {
        load_file(&mut settings, environment, file)?;
    }
    if let Some(text) = &environment.config {
        apply(&mut settings, environment, text, Path::new("NIX_CONFIG"))?;
    }
    if let Some(path) = &environment.nix_path {
        let elements = split_nix_path(&String::from_utf8_lossy(path)).join(" ");
        settings.set("nix-path", &elements)?;
    }
    Ok(settings)
}

/// The configuration file of the system.
pub(crate) fn system_file(environment: &Environment) -> PathBuf {
    environment.conf_dir.join("nix.conf")
}

/// The configuration files of the user, the most important first.
pub(crate) fn user_files(environment: &Environment) -> Vec<PathBuf> {
    match &environment.user_conf_files {
        Some(files) => files.clone(),
        None => environment
            .config_dirs
            .iter()
            .map(|dir| dir.join("nix.conf"))
            .collect(),
    }
}

/// Files that are missing or cannot be read are left out, as most systems have only some of them.
fn load_file(settings: &mut Settings, environment: &Environment, path: &Path) -> Result<()> {
    match fs::read(path) {
        Ok(text) => apply(settings, environment, &String::from_utf8_lossy(&text), path),
        Err(_) => Ok(()),
    }
}

fn apply(settings: &mut Settings, environment: &Environment, text: &str, path: &Path) -> Result<()> {
    let mut lines = vec![];
    parse(text, path, 0, &mut lines)?;
    // Other settings depend on the features, wherever in the file these are set.
    let is_feature = |name: &str| matches!(name, "experimental-features" | "extra-experimental-features");
    for (name, value) in lines.iter().filter(|(name, _)| is_feature(name)) {
        settings.set(name, value)?;
    }
    for (name, value) in lines.iter().filter(|(name, _)| !is_feature(name)) {
        let overridden = matches!(name.as_str(), "nix-path" | "extra-nix-path");
        if !(overridden && environment.nix_path.is_some()) {
            settings.set(name, value)?;
        }
    }
    Ok(())
}

fn parse(text: &str, path: &Path, depth: usize, lines: &mut Vec<(String, String)>) -> Result<()> {
    for line in text.split('\n') {
        let line = line.split('#').next().unwrap_or_default();
        let tokens: Vec<&str> = super::words(line).collect();
        let bad = || {
            Failure::Usage(format!(
                "syntax error in configuration line '{line}' in \"{}\"",
                path.display()
            ))
        };
        match tokens.as_slice() {
            [] => {}
            ["include", file] => include(Path::new(file), path, false, depth, lines)?,
            ["!include", file] => include(Path::new(file), path, true, depth, lines)?,
            ["include" | "!include", ..] => return Err(bad()),
            [name, "=", value @ ..] => lines.push(((*name).to_owned(), value.join(" "))),
            _ => return Err(bad()),
        }
    }
    Ok(())
}

fn include(
    file: &Path,
    from: &Path,
    may_be_missing: bool,
    depth: usize,
    lines: &mut Vec<(String, String)>,
) -> Result<()> {
    let path = from.parent().unwrap_or(Path::new("/")).join(file);
    if depth >= MAX_INCLUDES {
        let message = format!(
            "configuration files include one another too deeply at \"{}\"",
            path.display()
        );
        return Err(Failure::Plain(message));
    }
    match fs::read(&path) {
        Ok(text) => parse(&String::from_utf8_lossy(&text), &path, depth + 1, lines),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !may_be_missing => {
            Err(Failure::Plain(format!(
                "file \"{}\" included from \"{}\" not found",
                path.display(),
                from.display()
            )))
        }
        // As the reference does: what cannot be read is as good as empty.
        Err(_) => Ok(()),
    }
}

/// Takes `NIX_PATH` apart at its colons, except those of URLs.
pub(crate) fn split_nix_path(path: &str) -> Vec<String> {
    let mut elements = vec![];
    let mut rest = path;
    while !rest.is_empty() {
        let mut end = rest.find(':').unwrap_or(rest.len());
        let value = rest[..end].rfind('=').map_or(0, |at| at + 1);
        if is_url(&rest[value..]) && end < rest.len() {
            end = rest[end + 1..]
                .find(':')
                .map_or(rest.len(), |more| end + 1 + more);
        }
        // An empty element counts unless it is the last one.
        if end > 0 || end < rest.len() {
            elements.push(rest[..end].to_owned());
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    elements
}

/// Whether a search path element or file argument names something to fetch.
pub(crate) fn is_url(text: &str) -> bool {
    const SCHEMES: [&str; 7] = ["http", "https", "file", "channel", "git", "s3", "ssh"];
    text.starts_with("channel:")
        || text.starts_with("flake:")
        || text
            .split_once("://")
            .is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nix_paths_keep_urls_together() {
        assert_eq!(
            split_nix_path("a=/tmp:c=https://foo/bar:xx:channel:nixos-1:/y"),
            ["a=/tmp", "c=https://foo/bar", "xx", "channel:nixos-1", "/y"]
        );
        assert_eq!(split_nix_path("/a:"), ["/a"]);
    }

    #[test]
    fn lines_are_parsed() {
        let mut lines = vec![];
        parse("a = 1  2 # c\n\n# d = 3\nb =\n", Path::new("f"), 0, &mut lines).unwrap();
        assert_eq!(lines, [("a".into(), "1 2".into()), ("b".into(), "".into())]);
        assert!(parse("a b", Path::new("f"), 0, &mut lines).is_err());
        assert!(parse("a", Path::new("f"), 0, &mut lines).is_err());
        assert!(parse("include x y", Path::new("f"), 0, &mut lines).is_err());
        assert!(parse("include /nonexistent", Path::new("f"), 0, &mut lines).is_err());
        parse("!include /nonexistent", Path::new("f"), 0, &mut lines).unwrap();
    }
}
