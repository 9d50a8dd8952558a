//! Settings: values by name, from the configuration files, the environment and the command line.

pub(crate) mod file;
mod table;

use crate::failure::{Failure, Result};
use crate::report::Layout;
use nivis_lang::Lint;
use std::collections::{BTreeMap, BTreeSet};
use table::{FEATURES, SETTINGS, Setting};

/// What values a setting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `true`, `yes`, `1` or `false`, `no`, `0`.
    Bool,
    /// A number, maybe with a unit.
    Int,
    /// Any text.
    Text,
    /// A path, not empty.
    Path,
    /// Words.
    List,
    /// Words `name=value`.
    Map,
    /// Names of experimental features.
    Features,
    /// `ignore`, `warn` or `fatal`.
    Lint,
    /// `true`, `false`, `relaxed` or `required`.
    Sandbox,
    /// A number or `auto`.
    Jobs,
    /// How errors are laid out: `auto`, `human`, `reference` or `json`.
    ErrorFormat,
}

/// All settings that have been set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, String>,
    /// Names that no setting has, to warn of.
    unknown: BTreeSet<String>,
    /// Warnings about values, in the order they came up.
    warnings: Vec<String>,
}

/// The settings with documentation: those that have an effect.
pub(crate) fn documented() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| !setting.doc.is_empty())
}

fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS
        .iter()
        .find(|setting| setting.name == name || setting.aliases.contains(&name))
}

/// The setting, and whether to append to it (`extra-…`).
fn find_or_extra(name: &str) -> Option<(&'static Setting, bool)> {
    if let Some(setting) = find(name) {
        return Some((setting, false));
    }
    let setting = find(name.strip_prefix("extra-")?)?;
    setting.kind.is_appendable().then_some((setting, true))
}

/// What a flag does to a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SettingFlag {
    /// `--name VALUE`, `--extra-name VALUE`.
    Value(&'static str, bool),
    /// `--name`, `--no-name`, `--relaxed-name`.
    Fixed(&'static str, &'static str),
}

/// The flag of a setting, `name` without the dashes.
pub(crate) fn flag(name: &str) -> Option<SettingFlag> {
    if let Some((setting, append)) = find_or_extra(name) {
        return Some(match setting.kind {
            Kind::Bool | Kind::Sandbox => SettingFlag::Fixed(setting.name, "true"),
            _ => SettingFlag::Value(setting.name, append),
        });
    }
    let fixed = |prefix, kinds: &[Kind], value| {
        let setting = find(name.strip_prefix(prefix)?)?;
        kinds
            .contains(&setting.kind)
            .then_some(SettingFlag::Fixed(setting.name, value))
    };
    fixed("no-", &[Kind::Bool, Kind::Sandbox], "false")
        .or_else(|| fixed("relaxed-", &[Kind::Sandbox], "relaxed"))
}

impl Kind {
    fn is_appendable(self) -> bool {
        matches!(self, Kind::List | Kind::Map | Kind::Features)
    }

    /// Checks a value and brings it into its usual form.
    fn parse(self, name: &str, value: &str) -> Result<String, String> {
        match self {
            Kind::Bool => match value {
                "true" | "yes" | "1" => Ok("true".to_owned()),
                "false" | "no" | "0" => Ok("false".to_owned()),
                _ => Err(format!("Boolean setting '{name}' has invalid value '{value}'")),
            },
            Kind::Int => integer(value)
                .map(|i| i.to_string())
                .map_err(|_| format!("setting '{name}' has invalid value '{value}'")),
            Kind::Path if value.is_empty() => {
                Err(format!("setting '{name}' is a path and paths cannot be empty"))
            }
            Kind::Lint if !matches!(value, "ignore" | "warn" | "fatal") => Err(format!(
                "option '{name}' has invalid value '{value}' (expected 'ignore', 'warn', or 'fatal')"
            )),
            Kind::Sandbox if !matches!(value, "true" | "false" | "relaxed" | "required") => {
                Err(format!("option '{name}' has invalid value '{value}'"))
            }
            Kind::Jobs if value != "auto" && value.parse::<u32>().is_err() => Err(format!(
                "configuration setting '{name}' should be 'auto' or an integer"
            )),
            Kind::ErrorFormat if Layout::parse(value).is_none() => Err(format!(
                "option '{name}' has invalid value '{value}' (expected 'auto', 'human', 'reference', or 'json')"
            )),
            Kind::List | Kind::Map | Kind::Features => Ok(words(value).collect::<Vec<_>>().join(" ")),
            _ => Ok(value.to_owned()),
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', '\n', '\r'])
        .filter(|word| !word.is_empty())
}

/// A number with an optional unit: K, M, G or T, powers of 1024.
pub(crate) fn integer(text: &str) -> Result<i64, String> {
    let (digits, shift) = match text.chars().last().filter(char::is_ascii_alphabetic) {
        None => (text, 0),
        Some(unit) => {
            let shift = match unit.to_ascii_uppercase() {
                'K' => 10,
                'M' => 20,
                'G' => 30,
                'T' => 40,
                unit => return Err(format!("invalid unit specifier '{unit}'")),
            };
            (&text[..text.len() - 1], shift)
        }
    };
    digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("'{digits}' is not an integer"))
}

impl Settings {
    /// Sets a setting by one of its names. Unknown ones are noted; a value that makes no sense is an error.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match find_or_extra(name) {
            Some((setting, append)) => self.assign(setting, value, append),
            None => {
                self.unknown.insert(name.to_owned());
                Ok(())
            }
        }
    }

    /// Does what a flag of a setting says.
    pub(crate) fn apply(&mut self, flag: SettingFlag, value: &str) -> Result<()> {
        let (name, value, append) = match flag {
            SettingFlag::Value(name, append) => (name, value, append),
            SettingFlag::Fixed(name, value) => (name, value, false),
        };
        match find(name) {
            Some(setting) => {
                self.require_feature(setting)?;
                self.assign(setting, value, append)
            }
            None => Ok(()),
        }
    }

    fn require_feature(&self, setting: &Setting) -> Result<()> {
        match setting.feature {
            Some(feature) if !self.has_feature(feature) => Err(Failure::Plain(format!(
                "experimental Nix feature '{feature}' is disabled; \
                 add '--extra-experimental-features {feature}' to enable it"
            ))),
            _ => Ok(()),
        }
    }

    fn assign(&mut self, setting: &'static Setting, value: &str, append: bool) -> Result<()> {
        if let Some(feature) = setting.feature
            && !self.has_feature(feature)
        {
            self.warnings.push(format!(
                "Ignoring setting '{}' because experimental feature '{feature}' is not enabled",
                setting.name
            ));
            return Ok(());
        }
        let mut value = setting.kind.parse(setting.name, value).map_err(Failure::Usage)?;
        match setting.name {
            "experimental-features" => value = self.known_features(&value),
            "warn-short-path-literals" => self.warn_short_path_literals(&value),
            _ => {}
        }
        if append {
            value = format!("{} {value}", self.text(setting.name)).trim().to_owned();
        }
        self.values.insert(setting.name, value);
        Ok(())
    }

    /// Leaves out features that do not exist; adds what others bring along.
    fn known_features(&mut self, value: &str) -> String {
        let mut known: Vec<&str> = vec![];
        for feature in words(value) {
            if FEATURES.contains(&feature) {
                known.push(feature);
                known.extend((feature == "flakes").then_some("fetch-tree"));
            } else {
                self.warnings.push(match feature {
                    "no-url-literals" => format!(
                        "experimental feature '{feature}' has been stabilized and renamed; \
                         use 'lint-url-literals = fatal' setting instead"
                    ),
                    _ => format!("unknown experimental feature '{feature}'"),
                });
            }
        }
        known.join(" ")
    }

    fn warn_short_path_literals(&mut self, value: &str) {
        let lint = if value == "true" { "warn" } else { "ignore" };
        self.warnings.push(format!(
            "'warn-short-path-literals' is deprecated, use 'lint-short-path-literals = {lint}' instead"
        ));
        self.values
            .entry("lint-short-path-literals")
            .or_insert_with(|| lint.to_owned());
    }

    /// Notes a warning to be shown with the others.
    pub(crate) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// What there is to warn of: bad values, then unknown names.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let unknown = self
            .unknown
            .iter()
            .map(|name| format!("unknown setting '{name}'"));
        self.warnings.iter().cloned().chain(unknown).collect()
    }

    /// The value of a setting as text.
    pub(crate) fn text(&self, name: &'static str) -> &str {
        let default = || find(name).map_or("", |setting| setting.default);
        self.values.get(name).map_or_else(default, String::as_str)
    }

    /// All settings with their values, as lines of a configuration file.
    pub(crate) fn to_config(&self) -> String {
        let mut text = String::new();
        let usable = |setting: &&Setting| setting.feature.is_none_or(|feature| self.has_feature(feature));
        for setting in SETTINGS.iter().filter(usable) {
            text.push_str(&format!("{} = {}\n", setting.name, self.text(setting.name)));
        }
        text
    }

    /// The value of a Boolean setting.
    pub(crate) fn bool(&self, name: &'static str) -> bool {
        self.text(name) == "true"
    }

    /// The value of a number setting.
    pub(crate) fn int(&self, name: &'static str) -> i64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// The words of a list setting.
    pub(crate) fn list(&self, name: &'static str) -> impl Iterator<Item = &str> {
        words(self.text(name))
    }

    /// The value of a lint setting.
    pub(crate) fn lint(&self, name: &'static str) -> Lint {
        match self.text(name) {
            "warn" => Lint::Warn,
            "fatal" => Lint::Fatal,
            _ => Lint::Ignore,
        }
    }

    /// Whether an experimental feature is on.
    pub(crate) fn has_feature(&self, feature: &str) -> bool {
        self.list("experimental-features").any(|on| on == feature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_defaults_are_valid() {
        assert!(SETTINGS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for setting in SETTINGS {
            assert!(
                setting.kind.parse(setting.name, setting.default).is_ok(),
                "{}",
                setting.name
            );
        }
    }

    #[test]
    fn values_are_checked_and_appended() {
        let mut settings = Settings::default();
        settings
            .set("extra-experimental-features", "flakes nonsense")
            .unwrap();
        settings.set("extra-experimental-features", "cgroups").unwrap();
        assert_eq!(
            settings.text("experimental-features"),
            "flakes fetch-tree cgroups"
        );
        settings.set("max-call-depth", "2K").unwrap();
        assert_eq!(settings.int("max-call-depth"), 2048);
        assert!(settings.set("pure-eval", "maybe").is_err());
        settings.set("what", "1").unwrap();
        assert_eq!(
            settings.warnings(),
            [
                "unknown experimental feature 'nonsense'",
                "unknown setting 'what'"
            ]
        );
    }

    #[test]
    fn settings_are_flags() {
        assert!(matches!(
            flag("no-sandbox"),
            Some(SettingFlag::Fixed("sandbox", "false"))
        ));
        assert!(matches!(
            flag("relaxed-sandbox"),
            Some(SettingFlag::Fixed("sandbox", "relaxed"))
        ));
        assert!(matches!(
            flag("extra-nix-path"),
            Some(SettingFlag::Value("nix-path", true))
        ));
        assert!(flag("extra-cores").is_none());
        assert!(flag("no-cores").is_none());
    }
}
