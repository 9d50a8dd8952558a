//! Settings that the language and its primops depend on. The command line fills them in.

use nivis_lang::Lint;
use std::collections::BTreeSet;

/// One element of the search path: `prefix=path`, or a path with an empty prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchPathElement {
    /// What a `<name>` has to start with.
    pub prefix: Vec<u8>,
    /// Where it is looked for: a path or a URL.
    pub path: Vec<u8>,
}

impl SearchPathElement {
    /// Takes `prefix=path` apart.
    pub fn parse(text: &[u8]) -> SearchPathElement {
        match text.iter().position(|&byte| byte == b'=') {
            Some(at) => SearchPathElement {
                prefix: text[..at].to_vec(),
                path: text[at + 1..].to_vec(),
            },
            None => SearchPathElement {
                prefix: vec![],
                path: text.to_vec(),
            },
        }
    }
}

/// The settings of one evaluation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `builtins.currentSystem`.
    pub system: String,
    /// `-I` and `NIX_PATH`.
    pub search_path: Vec<SearchPathElement>,
    /// `pure-eval`
    pub pure_eval: bool,
    /// `restrict-eval`
    pub restrict_eval: bool,
    /// `allowed-uris`
    pub allowed_uris: Vec<String>,
    /// `max-call-depth`
    pub max_call_depth: u32,
    /// `trace-verbose`
    pub trace_verbose: bool,
    /// `abort-on-warn`
    pub abort_on_warn: bool,
    /// `allow-import-from-derivation`
    pub allow_import_from_derivation: bool,
    /// `read-only`: nothing is written to the store.
    pub read_only: bool,
    /// `NIX_COUNT_CALLS`
    pub count_calls: bool,
    /// `GC_INITIAL_HEAP_SIZE`: no garbage is collected while values take fewer bytes, or take not so many more than were alive
    /// after the last collection. With 0 it is collected whenever that is possible.
    pub initial_heap_size: usize,
    /// Experimental features that are on.
    pub features: BTreeSet<String>,
    /// What relative paths in the search path start from.
    pub current_dir: Vec<u8>,
    /// The home directory, for `~/` paths.
    pub home: Option<Vec<u8>>,
    /// `lint-url-literals`
    pub url_literals: Lint,
    /// `lint-short-path-literals`
    pub short_path_literals: Lint,
    /// `lint-absolute-path-literals`
    pub absolute_path_literals: Lint,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            system: "x86_64-linux".to_owned(),
            search_path: vec![],
            pure_eval: false,
            restrict_eval: false,
            allowed_uris: vec![],
            max_call_depth: 10_000,
            trace_verbose: false,
            abort_on_warn: false,
            allow_import_from_derivation: true,
            read_only: false,
            count_calls: false,
            initial_heap_size: 112 << 20,
            features: BTreeSet::new(),
            current_dir: b"/".to_vec(),
            home: None,
            url_literals: Lint::Ignore,
            short_path_literals: Lint::Ignore,
            absolute_path_literals: Lint::Ignore,
        }
    }
}

impl Settings {
    /// Whether an experimental feature is on.
    pub fn has_feature(&self, name: &str) -> bool {
        self.features.contains(name)
    }
}
