//! Names of packages taken apart, and selectors by name and version.

use nivis_primops::posix_regex::{Regex, RegexError};
use nivis_primops::versions::parse_drv_name;
use std::cell::OnceCell;

/// A name with its version taken off.
pub(crate) struct DrvName {
    /// Both, as they were given.
    pub(crate) full: Vec<u8>,
    /// How much of `full` is the name.
    name_length: usize,
    /// Where in `full` the version starts.
    version_start: usize,
}

impl DrvName {
    /// Takes a name apart.
    pub(crate) fn new(full: Vec<u8>) -> DrvName {
        let (name, version) = parse_drv_name(&full);
        DrvName {
            name_length: name.len(),
            version_start: full.len() - version.len(),
            full,
        }
    }

    /// Without the version.
    pub(crate) fn name(&self) -> &[u8] {
        &self.full[..self.name_length]
    }

    /// The version; empty if there is none.
    pub(crate) fn version(&self) -> &[u8] {
        &self.full[self.version_start..]
    }
}

/// A selector of packages: a name that is a regular expression, and perhaps a version.
pub(crate) struct Selector {
    pub(crate) name: DrvName,
    regex: OnceCell<Result<Regex, RegexError>>,
}

impl Selector {
    /// Takes a selector apart.
    pub(crate) fn new(full: Vec<u8>) -> Selector {
        Selector {
            name: DrvName::new(full),
            regex: OnceCell::new(),
        }
    }

    /// Whether it selects that package: `*` or a regular expression for the whole name, and the version
    /// unless there is none.
    pub(crate) fn matches(&self, package: &DrvName) -> Result<bool, RegexError> {
        let (name, version) = (self.name.name(), self.name.version());
        if name != b"*" {
            let regex = self.regex.get_or_init(|| Regex::new(name));
            let regex = regex.as_ref().map_err(|error| *error)?;
            if regex.match_whole(package.name())?.is_none() {
                return Ok(false);
            }
        }
        Ok(version.is_empty() || version == package.version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, package: &str) -> bool {
        let package = DrvName::new(package.into());
        Selector::new(selector.into()).matches(&package).unwrap()
    }

    #[test]
    fn selectors_match_whole_names_and_exact_versions() {
        assert!(selects("hello", "hello-1.0") && selects("hello-1.0", "hello-1.0"));
        assert!(selects("*", "hello-1.0") && selects("h.*o", "hello-1.0"));
        assert!(!selects("hell", "hello-1.0") && !selects("hello-1", "hello-1.0"));
        assert!(!selects("hello-1.0", "hello"));
        assert!(
            Selector::new(b"a[b".to_vec())
                .matches(&DrvName::new(vec![]))
                .is_err()
        );
    }

    #[test]
    fn names_end_before_the_version() {
        let name = DrvName::new(b"apache-httpd-2.0.48".to_vec());
        assert_eq!(
            (name.name(), name.version()),
            (&b"apache-httpd"[..], &b"2.0.48"[..])
        );
        let name = DrvName::new(b"plain".to_vec());
        assert_eq!((name.name(), name.version()), (&b"plain"[..], &b""[..]));
    }
}
