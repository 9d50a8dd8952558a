//! The parameters of a store's URI: `?name=value&…`.

use crate::failure::{Failure, Result};
use crate::percent;
use crate::settings::{Settings, integer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What values a parameter takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Text,
    /// An absolute path.
    Path,
    /// An absolute path or nothing.
    OptionalPath,
}

struct Parameter {
    name: &'static str,
    kind: Kind,
    /// The experimental feature without which it is ignored.
    feature: Option<&'static str>,
}

const fn parameter(name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        name,
        kind,
        feature: None,
    }
}

const fn experimental(name: &'static str, kind: Kind, feature: &'static str) -> Parameter {
    Parameter {
        name,
        kind,
        feature: Some(feature),
    }
}

/// What all stores have.
static COMMON: [Parameter; 7] = [
    parameter("path-info-cache-size", Kind::Int),
    parameter("priority", Kind::Int),
    parameter("read-only", Kind::Bool),
    parameter("store", Kind::Path),
    parameter(SYSTEM_FEATURES, Kind::Text),
    parameter("trusted", Kind::Bool),
    parameter("want-mass-query", Kind::Bool),
];

/// What only stores on disk have.
static LOCAL: [Parameter; 8] = [
    parameter(BUILD_DIR, Kind::OptionalPath),
    experimental("ignore-gc-delete-failure", Kind::Bool, "local-overlay-store"),
    parameter("log", Kind::Path),
    parameter("real", Kind::Path),
    parameter("require-sigs", Kind::Bool),
    parameter("root", Kind::OptionalPath),
    parameter("state", Kind::Path),
    experimental("use-roots-daemon", Kind::Bool, "local-overlay-store"),
];

const BUILD_DIR: &str = "build-dir";
const SYSTEM_FEATURES: &str = "system-features";

/// The kinds of stores that have different parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// A store on disk.
    Local,
    /// `dummy://`.
    Dummy,
}

impl StoreKind {
    fn find(self, name: &str) -> Option<&'static Parameter> {
        let own = match self {
            StoreKind::Local => LOCAL.as_slice(),
            StoreKind::Dummy => &[],
        };
        COMMON.iter().chain(own).find(|parameter| parameter.name == name)
    }
}

/// The parameters that a URI gives.
pub(crate) struct Parameters {
    values: BTreeMap<String, String>,
    /// What is no parameter, for want of an equal sign.
    dubious: Vec<String>,
}

impl Parameters {
    /// Parses what follows the question mark.
    pub(crate) fn parse(query: &str) -> Parameters {
        let mut parameters = Parameters {
            values: BTreeMap::new(),
            dubious: Vec::new(),
        };
        for pair in query.split('&').filter(|_| !query.is_empty()) {
            match pair.split_once('=') {
                Some((name, value)) => {
                    parameters.values.entry(decoded(name)).or_insert(decoded(value));
                }
                None => parameters.dubious.push(pair.to_owned()),
            }
        }
        parameters
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A parameter's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether that parameter is true.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(boolean).unwrap_or_default()
    }

    /// A parameter that is a path, if it is not empty.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Checks the values of those that such a store has and `settings` allow.
    pub(crate) fn check(&self, store: StoreKind, settings: &Settings) -> Result<()> {
        let known = self
            .values
            .iter()
            .filter_map(|(name, value)| Some((store.find(name)?, value)));
        for (parameter, value) in known.filter(|(parameter, _)| !is_ignored(parameter, settings)) {
            check_value(parameter, value)?;
        }
        Ok(())
    }

    /// What the user should know of parameters that have no effect.
    pub(crate) fn warnings(&self, store: StoreKind, settings: &Settings) -> Vec<String> {
        let dubious = self.dubious.iter();
        let dubious =
            dubious.map(|text| format!("dubious URI query '{text}' is missing equal sign '=', ignoring"));
        let mut warnings: Vec<String> = dubious.collect();
        // A value that is wrong is an error, which leaves no room for what matters less.
        if self.check(store, settings).is_err() {
            return warnings;
        }
        let known = self.values.keys().filter_map(|name| store.find(name));
        warnings.extend(known.filter_map(|parameter| no_effect(parameter, store, settings)));
        let unknown = self.values.keys().filter(|name| store.find(name).is_none());
        warnings.extend(unknown.map(|name| format!("unknown setting '{name}'")));
        warnings
    }
}

/// Why a parameter has no effect, if somebody could wonder.
fn no_effect(parameter: &Parameter, store: StoreKind, settings: &Settings) -> Option<String> {
    let name = parameter.name;
    match parameter.feature {
        Some(feature) if is_ignored(parameter, settings) => Some(format!(
            "Ignoring setting '{name}' because experimental feature '{feature}' is not enabled"
        )),
        // Builds take these from the settings, whatever the store is.
        None if store == StoreKind::Local && [BUILD_DIR, SYSTEM_FEATURES].contains(&name) => Some(format!(
            "'{name}' of a store has no effect; use the setting of that name"
        )),
        _ => None,
    }
}

fn is_ignored(parameter: &Parameter, settings: &Settings) -> bool {
    parameter
        .feature
        .is_some_and(|feature| !settings.has_feature(feature))
}

fn check_value(parameter: &Parameter, value: &str) -> Result<()> {
    let name = parameter.name;
    match parameter.kind {
        Kind::Bool if boolean(value).is_none() => Err(Failure::Usage(format!(
            "Boolean setting '{name}' has invalid value '{value}'"
        ))),
        Kind::Int if integer(value).is_err() => Err(Failure::Usage(format!(
            "setting '{name}' has invalid value '{value}'"
        ))),
        Kind::Path if value.is_empty() => Err(Failure::Usage(format!(
            "setting '{name}' is a path and paths cannot be empty"
        ))),
        Kind::Path | Kind::OptionalPath if !value.is_empty() && !value.starts_with('/') => {
            Err(Failure::Plain(format!("not an absolute path: \"{value}\"")))
        }
        _ => Ok(()),
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent::decode(text)).into_owned()
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(query: &str, store: StoreKind) -> Vec<String> {
        Parameters::parse(query).warnings(store, &Settings::default())
    }

    #[test]
    fn what_has_no_effect_is_warned_of() {
        for query in [
            "",
            "a=1&root=/x",
            "priority=1K&trusted=yes&want-mass-query=0",
            "build-dir=",
        ] {
            let unknown = query.starts_with('a').then(|| "unknown setting 'a'".to_owned());
            let found = warnings(query, StoreKind::Local);
            let found: Vec<_> = found
                .into_iter()
                .filter(|text| !text.contains(BUILD_DIR))
                .collect();
            assert_eq!(found, Vec::from_iter(unknown), "{query}");
        }
        assert_eq!(
            warnings("foo&use-roots-daemon=x&a%20b=1&a=&a=2", StoreKind::Local),
            [
                "dubious URI query 'foo' is missing equal sign '=', ignoring",
                "Ignoring setting 'use-roots-daemon' because experimental feature 'local-overlay-store' is not enabled",
                "unknown setting 'a'",
                "unknown setting 'a b'",
            ]
        );
        assert_eq!(
            warnings("root=/x&priority=3", StoreKind::Dummy),
            ["unknown setting 'root'"]
        );
        // An error leaves out what comes after it.
        assert_eq!(warnings("foo&a=1&priority=x", StoreKind::Local).len(), 1);
    }

    #[test]
    fn values_are_checked() {
        for (query, expected) in [
            (
                "trusted=True",
                "Boolean setting 'trusted' has invalid value 'True'",
            ),
            ("priority=x", "setting 'priority' has invalid value 'x'"),
            ("state=", "setting 'state' is a path and paths cannot be empty"),
            ("root=relative", "not an absolute path: \"relative\""),
        ] {
            let checked = Parameters::parse(query).check(StoreKind::Local, &Settings::default());
            match checked {
                Err(Failure::Usage(text) | Failure::Plain(text)) => assert_eq!(text, expected),
                _ => panic!("{query} is accepted"),
            }
        }
        let checked = Parameters::parse("root=&state=/s").check(StoreKind::Local, &Settings::default());
        assert!(checked.is_ok());
    }

    #[test]
    fn the_first_of_a_name_counts() {
        let parameters = Parameters::parse("read-only=1&read-only=0&root=");
        assert!(parameters.is_true("read-only") && parameters.path("root").is_none());
    }
}
