//! A database that is lost or damaged is made anew.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::derivation::{Derivation, DerivationError, DerivationOutput, HashModuloCache, instantiate};
use nivis_store::error::StoreError;
use nivis_store::hash::{Hash, HashAlgorithm};
use nivis_store::nar::{FileType, Node, dump_node};
use nivis_store::notify::Notify;
use nivis_store::path::StorePath;
use nivis_store::path_info::PathInfo;
use nivis_store::source::SourceMethod;

struct Place(tempfile::TempDir);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn open(&self) -> LocalStore {
        LocalStore::new(StoreConfig::below(&self.path("root")), Notify::silent())
    }

    fn database(&self) -> PathBuf {
        self.path("root/nix/var/nix/db/db.sqlite")
    }

    fn forget_everything(&self) {
        for entry in fs::read_dir(self.database().parent().unwrap()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}

fn all(_: &Path, _: FileType) -> Result<bool, StoreError> {
    Ok(true)
}

fn drv(name: &str, source: &StorePath) -> Derivation {
    Derivation {
        name: name.into(),
        outputs: [("out".to_owned(), DerivationOutput::Deferred)].into(),
        input_srcs: [source.clone()].into(),
        platform: b"x86_64-linux".to_vec(),
        builder: b"/bin/sh".to_vec(),
        ..Derivation::default()
    }
}

/// A store with texts, sources, a derivation and its output, which refers to a source and to itself.
fn filled() -> Place {
    let place = Place(tempfile::tempdir().unwrap());
    let store = place.open();
    fs::create_dir(place.path("tree")).unwrap();
    fs::write(place.path("tree/file"), "contents").unwrap();
    let tree = store
        .add_source("tree", &place.path("tree"), SourceMethod::RECURSIVE, all)
        .unwrap();
    let flat = SourceMethod {
        method: ContentAddressMethod::Flat,
        algorithm: HashAlgorithm::Sha256,
    };
    store
        .add_source("flat", &place.path("tree/file"), flat, all)
        .unwrap();
    let text = format!("see {}", store.store_dir().print(&tree));
    store
        .add_text("text", text.as_bytes(), &[tree.clone()].into())
        .unwrap();
    let mut drv = drv("made", &tree);
    let nothing = &mut |path: &StorePath| -> Result<_, DerivationError> { panic!("{path:?}") };
    let made = instantiate(store.store_dir(), &mut drv, &mut HashModuloCache::new(), nothing).unwrap();
    store.add_derivation(&drv, &made).unwrap();
    store.flush().unwrap();
    let output = drv.output_path(store.store_dir(), "out").unwrap().unwrap();
    let contents = format!("{} {text}", output.base_name());
    let mut archive = Vec::new();
    dump_node(&Node::file(contents), &mut archive).unwrap();
    let info = PathInfo {
        references: [tree, output.clone()].into(),
        deriver: Some(made.drv_path),
        ..PathInfo::new(output, Hash::sha256(&archive), archive.len() as u64)
    };
    store.add_archive(&info, &mut archive.as_slice()).unwrap();
    place
}

/// What matters of a path, without when it was registered.
fn infos(store: &LocalStore) -> Vec<PathInfo> {
    let paths = store.query_all_valid_paths().unwrap();
    paths
        .iter()
        .map(|path| PathInfo {
            registration_time: 0,
            ..store.query_path_info(path).unwrap()
        })
        .collect()
}

#[test]
fn a_lost_database_is_made_from_the_store() {
    let place = filled();
    let store = place.open();
    let before = infos(&store);
    let derivation = before.iter().find(|info| info.path.is_derivation()).unwrap();
    let outputs = store.query_derivation_outputs(&derivation.path).unwrap();
    drop(store);
    place.forget_everything();
    assert!(infos(&place.open()).is_empty());

    let rebuilt = place.open().rebuild_database().unwrap();
    let store = place.open();
    assert_eq!(infos(&store), before);
    assert_eq!(store.query_derivation_outputs(&derivation.path).unwrap(), outputs);
    assert_eq!((rebuilt.kept, rebuilt.found.len()), (0, before.len()));
    assert!(rebuilt.left_out.is_empty() && rebuilt.gone.is_empty());
    assert!(!store.verify(true, None).unwrap().errors);
}

#[test]
fn a_damaged_database_gives_what_it_still_has() {
    let place = filled();
    let before = infos(&place.open());
    let size = fs::metadata(place.database()).unwrap().len();
    for at in (0..size).step_by(4096) {
        let mut file = fs::File::options().write(true).open(place.database()).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[0xff; 3000]).unwrap();
        drop(file);
        place.open().rebuild_database().unwrap();
        assert_eq!(infos(&place.open()), before, "damage at {at}");
    }
    let kept = fs::read_dir(place.database().parent().unwrap()).unwrap();
    let kept = kept.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("db.sqlite.")
    });
    assert!(kept.count() >= 1);
}

#[test]
fn what_is_not_complete_is_left_out() {
    let place = filled();
    let before = infos(&place.open());
    let objects = place.path("root/nix/store");
    // A build that was not completed, an object that was being deleted, a lock, a derivation that is none.
    fs::write(objects.join("00000000000000000000000000000000-begun"), "x").unwrap();
    fs::write(objects.join("11111111111111111111111111111111-x.lock"), "").unwrap();
    fs::create_dir(objects.join("22222222222222222222222222222222-half")).unwrap();
    fs::write(objects.join("33333333333333333333333333333333-no.drv"), "Derive(").unwrap();
    let gone = before.iter().find(|info| info.path.name() == "text").unwrap();
    fs::remove_file(objects.join(gone.path.base_name())).unwrap();

    let rebuilt = place.open().rebuild_database().unwrap();
    assert_eq!(rebuilt.left_out.len(), 4);
    assert_eq!(rebuilt.gone, std::slice::from_ref(&gone.path));
    let left: BTreeSet<_> = infos(&place.open()).into_iter().map(|info| info.path).collect();
    let expected = before.iter().map(|info| info.path.clone());
    assert_eq!(left, expected.filter(|path| *path != gone.path).collect());
}

#[test]
fn changed_contents_still_show() {
    let place = filled();
    let store = place.open();
    let path = infos(&store)
        .into_iter()
        .find(|info| info.path.name() == "flat")
        .unwrap()
        .path;
    let file = store.real_path(&path);
    drop(store);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "other").unwrap();
    place.open().rebuild_database().unwrap();
    let findings = place.open().verify(true, None).unwrap();
    assert_eq!(findings.modified.len(), 1);
    assert_eq!(findings.modified[0].path, path);
    assert!(findings.errors);
}
