//! Primops that fetch from elsewhere.

mod tree;
mod url;

use nivis_eval::error::{Error, Kind};
use nivis_eval::primop::Primop;

/// The error for a way of fetching that this program does not know.
#[cold]
fn unsupported(primop: &str, what: &str) -> Error {
    Error::new(Kind::Store, format!("{primop}: {what} is not supported yet"))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "fetchurl",
        arity: 1,
        function: url::fetch_url,
        args: &["arg"],
        doc: "Fetches a file and returns its path in the store. *arg* is a URL, or a set with the attributes `url` and if wanted `name` and `sha256`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "fetchTarball",
        arity: 1,
        function: url::fetch_tarball,
        args: &["args"],
        doc: "Fetches a tar archive, unpacks it and returns the path of the tree in the store. *args* is a URL, or a set with the attributes `url` and if wanted `name` and `sha256`, which is the hash of the tree.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "fetchGit",
        arity: 1,
        function: tree::fetch_git,
        args: &["args"],
        doc: "Fetches a revision of a Git repository. *args* is a URL or a set of attributes.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "fetchMercurial",
        arity: 1,
        function: tree::fetch_mercurial,
        args: &["args"],
        doc: "Fetches a revision of a Mercurial repository. *args* is a URL or a set of attributes.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "fetchTree",
        arity: 1,
        function: tree::fetch_tree,
        args: &["input"],
        doc: "Fetches a tree of files in one of several ways, which the attribute `type` of *input* names.",
        global: true,
        feature: Some("fetch-tree"),
        ..Primop::DEFAULT
    },
    Primop {
        name: "fetchClosure",
        arity: 1,
        function: tree::fetch_closure,
        args: &["args"],
        doc: "Fetches a closure from a binary cache.",
        feature: Some("fetch-closure"),
        ..Primop::DEFAULT
    },
];
