//! Sources that do not fit into memory: copied while they are hashed.

use std::fs;
use std::path::{Path, PathBuf};

use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::error::StoreError;
use nivis_store::hash::HashAlgorithm;
use nivis_store::nar::{FileType, accept_all, hash_path};
use nivis_store::notify::Notify;
use nivis_store::source::SourceMethod;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("tree")).unwrap();
        fs::write(place.path("tree/a"), vec![b'a'; 17 << 20]).unwrap();
        fs::write(place.path("tree/b"), "b").unwrap();
        fs::write(place.path("tree/c"), vec![b'c'; 3 << 20]).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn open(&self, root: &str) -> LocalStore {
        LocalStore::new(StoreConfig::below(&self.path(root)), Notify::silent())
    }

    fn objects(&self, root: &str) -> usize {
        let entries = fs::read_dir(self.path(root).join("nix/store")).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name() != ".links")
            .count()
    }
}

fn all(_: &Path, _: FileType) -> Result<bool, StoreError> {
    Ok(true)
}

#[test]
fn copied_while_hashed_is_the_same_as_copied_afterwards() {
    let place = Place::new();
    let flat = SourceMethod {
        method: ContentAddressMethod::Flat,
        algorithm: HashAlgorithm::Sha1,
    };
    for (name, method) in [("tree", SourceMethod::RECURSIVE), ("tree/a", flat)] {
        let (once, twice) = (place.open("once"), place.open("twice"));
        let source = place.path(name);
        let path = once.add_new_source("x", &source, method).unwrap();
        assert_eq!(twice.add_source("x", &source, method, all).unwrap(), path);
        once.flush().unwrap();
        twice.flush().unwrap();
        let info = |store: &LocalStore| {
            let info = store.query_path_info(&path).unwrap();
            (info.nar_hash, info.nar_size, info.content_address)
        };
        assert_eq!(info(&once), info(&twice));
        assert_eq!(hash_path(&once.real_path(&path), accept_all).unwrap(), {
            let (hash, size, _) = info(&once);
            (hash, size)
        });
        // Once more, where it is already.
        assert_eq!(once.add_new_source("x", &source, method).unwrap(), path);
    }
    assert_eq!(place.objects("once"), 2);
}

#[test]
fn what_cannot_be_read_to_the_end_leaves_nothing() {
    let place = Place::new();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("tree/socket")).unwrap();
    let store = place.open("root");
    let error = store
        .add_new_source("x", &place.path("tree"), SourceMethod::RECURSIVE)
        .unwrap_err();
    assert!(error.to_string().contains("unsupported type"), "{error}");
    store.flush().unwrap();
    drop(store);
    assert_eq!(place.objects("root"), 0);
}
