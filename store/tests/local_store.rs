//! The store on disk, by itself. `interop.rs` has C++ Nix look at it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nivis_store::config::StoreConfig;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::derivation::{Derivation, DerivationError, DerivationOutput, HashModuloCache, instantiate};
use nivis_store::error::StoreError;
use nivis_store::hash::{Hash, HashAlgorithm};
use nivis_store::nar::{FileType, NarError, accept_all, dump_path, hash_path};
use nivis_store::notify::Notify;
use nivis_store::path::{StoreDir, StorePath};
use nivis_store::path_info::PathInfo;
use nivis_store::source::SourceMethod;
use nivis_store::{LocalStore, Registration};

/// A folder with a store in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn config(&self) -> StoreConfig {
        let dir = StoreDir::new(self.path("store").to_str().unwrap()).unwrap();
        StoreConfig::new(dir, self.path("var"), self.path("log"))
    }

    fn open(&self) -> LocalStore {
        LocalStore::new(self.config(), Notify::silent())
    }

    fn sql(&self, query: &str) -> String {
        let connection = rusqlite::Connection::open(self.path("var/db/db.sqlite")).unwrap();
        connection
            .query_row(query, [], |row| Ok(format!("{:?}", row.get_ref(0)?)))
            .unwrap()
    }
}

fn all(_: &Path, _: FileType) -> Result<bool, StoreError> {
    Ok(true)
}

fn none() -> BTreeSet<StorePath> {
    BTreeSet::new()
}

fn drv(name: &str, input: Option<&StorePath>) -> Derivation {
    Derivation {
        name: name.into(),
        outputs: [("out".to_owned(), DerivationOutput::Deferred)].into(),
        input_drvs: input
            .iter()
            .map(|path| ((*path).clone(), ["out"].into()))
            .collect(),
        platform: b"x86_64-linux".to_vec(),
        builder: b"/bin/sh".to_vec(),
        ..Derivation::default()
    }
}

fn add_drv(store: &LocalStore, cache: &mut HashModuloCache, mut drv: Derivation) -> StorePath {
    let made = instantiate(store.store_dir(), &mut drv, cache, &mut |path| -> Result<
        _,
        DerivationError,
    > {
        panic!("{path:?} should be known")
    })
    .unwrap();
    store.add_derivation(&drv, &made).unwrap();
    made.drv_path
}

fn mode_and_time(path: &Path) -> (u32, i64) {
    let metadata = path.symlink_metadata().unwrap();
    (metadata.permissions().mode() & 0o7777, metadata.mtime())
}

#[test]
fn nothing_is_touched_before_it_is_needed() {
    let place = Place::new();
    let store = place.open();
    let path = store.add_text("a", b"text", &none()).unwrap();
    assert!(store.is_valid_path(&path).unwrap());
    drop(store);
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 0);

    let config = StoreConfig {
        read_only: true,
        ..place.config()
    };
    let store = LocalStore::new(config, Notify::silent());
    assert!(!store.is_valid_path(&path).unwrap());
    store.add_temp_roots([&path]).unwrap();
    assert!(matches!(
        store.add_text("a", b"text", &none()),
        Err(StoreError::ReadOnly(_))
    ));
    drop(store);
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 0);
}

#[test]
fn texts_and_derivations() {
    let place = Place::new();
    let store = place.open();
    let mut cache = HashModuloCache::new();
    let text = store.add_text("text", b"hello\n", &none()).unwrap();
    let refers = store
        .add_text("refers", b"hello\n", &[text.clone()].into())
        .unwrap();
    let first = add_drv(&store, &mut cache, drv("first", None));
    let second = add_drv(&store, &mut cache, drv("second", Some(&first)));
    assert_eq!(store.read_derivation(&second).unwrap().input_drvs.len(), 1);
    assert_eq!(store.query_references(&refers).unwrap(), [text.clone()].into());
    store.flush().unwrap();
    store.flush().unwrap();

    assert_eq!(mode_and_time(&store.real_path(&text)), (0o444, 1));
    assert_eq!(fs::read(store.real_path(&text)).unwrap(), b"hello\n");
    assert_eq!(store.read_derivation(&second).unwrap().input_drvs.len(), 1);
    let info = store.query_path_info(&second).unwrap();
    let (nar_hash, nar_size) = hash_path(&store.real_path(&second), accept_all).unwrap();
    assert_eq!((info.nar_hash, info.nar_size), (nar_hash, nar_size));
    assert_eq!(info.references, [first.clone()].into());
    assert!(
        info.content_address
            .unwrap()
            .to_string()
            .starts_with("text:sha256:")
    );
    assert!(info.registration_time > 1_600_000_000);

    assert_eq!(store.query_referrers(&first).unwrap(), [second.clone()].into());
    let outputs = store.query_derivation_outputs(&first).unwrap();
    assert_eq!(outputs[0].0, "out");
    assert_eq!(
        store.query_valid_derivers(&outputs[0].1).unwrap(),
        [first.clone()].into()
    );
    assert_eq!(
        store.query_path_from_hash_part(first.hash_part()).unwrap(),
        Some(first.clone())
    );
    assert_eq!(store.query_path_from_hash_part(&"0".repeat(32)).unwrap(), None);
    assert!(store.query_path_from_hash_part("0").is_err());
    assert_eq!(store.query_all_valid_paths().unwrap().len(), 4);
    assert_eq!(
        store.query_closure([second.clone()]).unwrap(),
        [first.clone(), second].into()
    );
    let unknown = StorePath::from_base_name("0".repeat(32) + "-x").unwrap();
    assert_eq!(
        store.query_path_info(&unknown).unwrap_err().to_string(),
        format!("path '{}' is not valid", store.store_dir().print(&unknown))
    );
    assert_eq!(
        store.query_valid_paths(&[unknown, first].into()).unwrap().len(),
        1
    );

    // Nothing but the store's own is left in the store.
    let names: BTreeSet<_> = fs::read_dir(place.path("store"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let roots = place.path("var/temproots");
    assert_eq!(fs::read_dir(&roots).unwrap().count(), 1);
    drop(store);
    assert_eq!(fs::read_dir(&roots).unwrap().count(), 0);
}

#[test]
fn the_layout_is_that_of_schema_10() {
    let place = Place::new();
    place.open().open().unwrap();
    assert_eq!(fs::read_to_string(place.path("var/db/schema")).unwrap(), "10");
    assert_eq!(place.path("var/db/reserved").metadata().unwrap().len(), 8 << 20);
    for name in [
        "store/.links",
        "var/gcroots/per-user",
        "var/profiles/per-user",
        "var/db/big-lock",
    ] {
        assert!(place.path(name).exists(), "{name}");
    }
    assert_eq!(place.sql("pragma journal_mode"), "Text([119, 97, 108])");
}

#[test]
fn without_wal() {
    let place = Place::new();
    let config = StoreConfig {
        use_sqlite_wal: false,
        ..place.config()
    };
    let store = LocalStore::new(config, Notify::silent());
    let path = store.add_text("a", b"a", &none()).unwrap();
    store.flush().unwrap();
    drop(store);
    // "delete": truncation is a matter of the connection, and not recorded.
    assert_eq!(place.sql("pragma journal_mode"), format!("Text({:?})", b"delete"));
    assert!(place.open().is_valid_path(&path).unwrap());
}

#[test]
fn sources() {
    let place = Place::new();
    let source = place.path("source");
    fs::create_dir_all(source.join("sub/skip")).unwrap();
    fs::write(source.join("file"), "contents").unwrap();
    fs::write(source.join("sub/skip/x"), "").unwrap();
    fs::write(source.join("run"), "#!").unwrap();
    fs::set_permissions(source.join("run"), fs::Permissions::from_mode(0o4777)).unwrap();
    symlink("file", source.join("link")).unwrap();
    let store = place.open();
    let path = store
        .add_source(
            "tree",
            &source,
            SourceMethod::RECURSIVE,
            |path, _| -> Result<bool, StoreError> { Ok(!path.ends_with("skip")) },
        )
        .unwrap();
    store.flush().unwrap();
    let real = store.real_path(&path);
    assert_eq!(mode_and_time(&real), (0o555, 1));
    assert_eq!(mode_and_time(&real.join("sub")), (0o555, 1));
    assert_eq!(mode_and_time(&real.join("file")), (0o444, 1));
    assert_eq!(mode_and_time(&real.join("run")), (0o555, 1));
    assert_eq!(mode_and_time(&real.join("link")).1, 1);
    assert!(!real.join("sub/skip").exists());
    let (hash, _) = hash_path(&real, accept_all).unwrap();
    assert_eq!(path, store.store_dir().make_source_path("tree", &hash).unwrap());

    let flat = SourceMethod {
        method: ContentAddressMethod::Flat,
        algorithm: HashAlgorithm::Sha1,
    };
    let path = store.add_source("flat", &source.join("run"), flat, all).unwrap();
    store.flush().unwrap();
    assert_eq!(mode_and_time(&store.real_path(&path)), (0o444, 1));
    let info = store.query_path_info(&path).unwrap();
    assert_eq!(
        info.content_address.unwrap().hash,
        Hash::of(HashAlgorithm::Sha1, b"#!")
    );
    let error = store.add_source("flat", &source, flat, all).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("path '{}' is not a regular file", source.display())
    );

    let other = SourceMethod {
        method: ContentAddressMethod::NixArchive,
        algorithm: HashAlgorithm::Sha512,
    };
    let path = store.add_source("other", &source, other, all).unwrap();
    store.flush().unwrap();
    assert!(store.real_path(&path).join("sub/skip/x").exists());
}

#[test]
fn large_sources_are_copied_and_not_kept_in_memory() {
    let place = Place::new();
    let source = place.path("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("big"), vec![7; 20 << 20]).unwrap();
    fs::write(source.join("skip"), "").unwrap();
    let store = place.open();
    let mut asked = 0;
    let path = store
        .add_source(
            "big",
            &source,
            SourceMethod::RECURSIVE,
            |path, _| -> Result<bool, StoreError> {
                asked += 1;
                Ok(!path.ends_with("skip"))
            },
        )
        .unwrap();
    assert_eq!(asked, 2, "the filter is asked once for each file");
    store.flush().unwrap();
    let (hash, _) = hash_path(&store.real_path(&path), accept_all).unwrap();
    assert_eq!(path, store.store_dir().make_source_path("big", &hash).unwrap());
    assert!(!store.real_path(&path).join("skip").exists());
    let names = fs::read_dir(place.path("store")).unwrap().count();
    assert_eq!(names, 2, "the object and .links");
}

#[test]
fn what_is_left_over_is_replaced() {
    let place = Place::new();
    let store = place.open();
    let path = store.add_text("a", b"right", &none()).unwrap();
    let real = store.real_path(&path);
    fs::create_dir_all(real.join("wrong")).unwrap();
    fs::write(real.join("wrong/x"), "").unwrap();
    fs::set_permissions(real.join("wrong"), fs::Permissions::from_mode(0o555)).unwrap();
    store.flush().unwrap();
    assert_eq!(fs::read(real).unwrap(), b"right");
}

#[test]
fn a_failed_flush_loses_nothing() {
    let place = Place::new();
    let store = place.open();
    let unknown = StorePath::from_base_name("0".repeat(32) + "-x").unwrap();
    let path = store.add_text("a", b"text", &[unknown.clone()].into()).unwrap();
    let error = store.flush().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("path '{}' is not valid", store.store_dir().print(&unknown))
    );
    assert!(store.is_valid_path(&path).unwrap(), "still queued");
    let others = LocalStore::new(
        StoreConfig {
            read_only: true,
            ..place.config()
        },
        Notify::silent(),
    );
    assert!(!others.is_valid_path(&path).unwrap());
    fs::write(place.path("store").join(unknown.base_name()), "").unwrap();
    let (hash, size) = hash_path(&store.real_path(&unknown), accept_all).unwrap();
    let info = PathInfo::new(unknown, hash, size);
    store
        .register_valid_paths(&[Registration {
            info,
            outputs: Vec::new(),
        }])
        .unwrap();
    store.flush().unwrap();
    assert!(others.is_valid_path(&path).unwrap());
}

#[test]
fn registrations_are_checked() {
    let place = Place::new();
    let store = place.open();
    let path = |digit: &str| StorePath::from_base_name(digit.repeat(32) + "-x").unwrap();
    let info = |digit, references: &[&str]| PathInfo {
        references: references.iter().map(|digit| path(digit)).collect(),
        ..PathInfo::new(path(digit), Hash::sha256(b""), 1)
    };
    let register = |infos: Vec<PathInfo>| {
        let registrations: Vec<_> = infos
            .into_iter()
            .map(|info| Registration {
                info,
                outputs: Vec::new(),
            })
            .collect();
        store.register_valid_paths(&registrations)
    };
    register(vec![info("0", &["0", "1"]), info("1", &[])]).unwrap();
    let error = register(vec![info("2", &["3"]), info("3", &["2"])]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cycle detected in the references of"),
        "{error}"
    );
    let mut wrong = info("4", &[]);
    wrong.content_address = Some(
        "fixed:r:sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
            .parse()
            .unwrap(),
    );
    let error = register(vec![wrong]).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("because it claims to be content-addressed but isn't"),
        "{error}"
    );
    assert!(!store.is_valid_path(&path("2")).unwrap());
    // Registering again changes what is known.
    let mut again = info("0", &[]);
    again.nar_size = 77;
    again.signatures.insert("key:sig".into());
    register(vec![again]).unwrap();
    let found = store.query_path_info(&path("0")).unwrap();
    assert_eq!(
        (found.nar_size, found.references.len(), found.signatures.len()),
        (77, 2, 1)
    );
}

#[test]
fn texts_that_claim_to_be_derivations_are_checked() {
    let place = Place::new();
    let store = place.open();
    let error = store.add_text("x.drv", b"Derive", &none()).unwrap_err();
    assert!(error.to_string().contains("error parsing derivation"), "{error}");
    let mut cache = HashModuloCache::new();
    let first = add_drv(&store, &mut cache, drv("first", None));
    let mut wrong = drv("second", Some(&first));
    wrong
        .outputs
        .insert("out".into(), DerivationOutput::InputAddressed(first.clone()));
    let text = wrong.to_aterm(store.store_dir()).unwrap();
    let error = store.add_text("second.drv", &text, &[first].into()).unwrap_err();
    assert!(
        error.to_string().contains("derivation has incorrect output"),
        "{error}"
    );
}

#[test]
fn roots() {
    let place = Place::new();
    let store = place.open();
    let path = store.add_text("a", b"a", &none()).unwrap();
    let link = place.path("deep/result");
    for _ in 0..2 {
        assert_eq!(
            store.add_perm_root(&path, &place.path("deep/./result")).unwrap(),
            link
        );
    }
    assert!(store.real_path(&path).exists(), "flushed before");
    assert_eq!(fs::read_link(&link).unwrap(), store.real_path(&path));
    let auto: Vec<_> = fs::read_dir(place.path("var/gcroots/auto")).unwrap().collect();
    assert_eq!(auto.len(), 1);
    assert_eq!(fs::read_link(auto[0].as_ref().unwrap().path()).unwrap(), link);

    let file = place.path("file");
    fs::write(&file, "mine").unwrap();
    let error = store.add_perm_root(&path, &file).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot create symlink \"{}\"; already exists", file.display())
    );
    let error = store.add_perm_root(&path, &place.path("store/x")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("creating a garbage collector root (\""),
        "{error}"
    );
}

#[test]
fn other_schemas() {
    let place = Place::new();
    let store = place.open();
    let path = store.add_text("a", b"a", &none()).unwrap();
    store.flush().unwrap();
    drop(store);
    let schema = place.path("var/db/schema");
    let message = |text: &str| {
        fs::write(&schema, text).unwrap();
        place.open().open().unwrap_err().to_string()
    };
    assert_eq!(
        message("11"),
        "current Nix store schema is version 11, but I only support 10"
    );
    assert!(message("4").starts_with("current Nix store schema is version 4, which is too old"));
    assert_eq!(message("x"), format!("\"{}\" is corrupt", schema.display()));
    // Version 7 had fewer columns.
    let connection = rusqlite::Connection::open(place.path("var/db/db.sqlite")).unwrap();
    for column in ["ultimate", "sigs", "ca"] {
        connection
            .execute_batch(&format!("alter table ValidPaths drop column {column}"))
            .unwrap();
    }
    connection.execute_batch("create table FailedPaths (x)").unwrap();
    drop(connection);
    fs::write(&schema, "7").unwrap();
    let store = place.open();
    assert!(store.query_path_info(&path).unwrap().content_address.is_none());
    assert_eq!(fs::read_to_string(&schema).unwrap(), "10");
}

#[test]
fn a_store_behind_a_symlink_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("real")).unwrap();
    symlink("real", place.path("store")).unwrap();
    let error = place.open().open().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("not allowed for the Nix store and its parent directories"),
        "{error}"
    );
    let config = StoreConfig {
        allow_symlinked_store: true,
        ..place.config()
    };
    LocalStore::new(config, Notify::silent()).open().unwrap();
}

#[test]
fn a_log_can_be_given_up_and_taken_up() {
    let place = Place::new();
    let add = |use_sqlite_wal, text: &str| {
        let config = StoreConfig {
            use_sqlite_wal,
            ..place.config()
        };
        let store = LocalStore::new(config, Notify::silent());
        store.add_text("text", text.as_bytes(), &none()).unwrap();
        store.flush().unwrap();
        drop(store);
        // The versions of the format that the header tells: 2 has a log.
        fs::read(place.path("var/db/db.sqlite")).unwrap()[18..20].to_vec()
    };
    assert_eq!(add(true, "1"), [2, 2]);
    assert_eq!(add(false, "2"), [1, 1]);
    assert_eq!(add(false, "3"), [1, 1]);
    assert_eq!(add(true, "4"), [2, 2]);
    assert_eq!(place.open().query_all_valid_paths().unwrap().len(), 4);
}

#[test]
fn what_is_damaged_is_written_again_if_wanted() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    fs::write(place.path("folder/file"), "contents").unwrap();
    fs::write(place.path("file"), "contents").unwrap();
    let method = SourceMethod {
        method: ContentAddressMethod::NixArchive,
        algorithm: HashAlgorithm::Sha256,
    };
    let add = |repair| {
        let config = StoreConfig {
            repair,
            ..place.config()
        };
        let store = LocalStore::new(config, Notify::silent());
        let mut paths = vec![store.add_text("text", b"text", &none()).unwrap()];
        for name in ["folder", "file"] {
            paths.push(store.add_source(name, &place.path(name), method, all).unwrap());
        }
        store.flush().unwrap();
        let is_good = |path: &StorePath| {
            let found = hash_path(&store.real_path(path), accept_all);
            found.is_ok_and(|(hash, _)| hash == store.query_path_info(path).unwrap().nar_hash)
        };
        let good: Vec<bool> = paths.iter().map(is_good).collect();
        let places: Vec<PathBuf> = paths.iter().map(|path| store.real_path(path)).collect();
        (good, places)
    };
    let damage = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(path, "other").unwrap();
    };
    let (good, places) = add(false);
    assert_eq!(good, [true; 3]);
    damage(&places[0]);
    damage(&places[1].join("file"));
    fs::remove_file(&places[2]).unwrap();
    assert_eq!(add(false).0, [false; 3]);
    let before = fs::metadata(&places[1]).unwrap().ino();
    assert_eq!(add(true).0, [true; 3]);
    let after = fs::metadata(&places[1]).unwrap();
    assert!(after.ino() != before);
    assert_eq!((after.mode() & 0o7777, after.mtime()), (0o555, 1));
    // What is good stays.
    add(true);
    assert_eq!(fs::metadata(&places[1]).unwrap().ino(), after.ino());
    assert_eq!(fs::read_dir(place.path("store")).unwrap().count(), 4);
}

#[test]
fn many_at_once() {
    // More paths than files may be open, so that they are written in several parts.
    let place = Place::new();
    let config = StoreConfig {
        sync_before_registering: false,
        ..place.config()
    };
    let store = LocalStore::new(config, Notify::silent());
    let mut cache = HashModuloCache::new();
    let mut last = None;
    for index in 0..3_000 {
        last = Some(add_drv(
            &store,
            &mut cache,
            drv(&format!("drv-{index}"), last.as_ref()),
        ));
    }
    store.flush().unwrap();
    assert_eq!(store.query_closure(last).unwrap().len(), 3_000);
    assert_eq!(fs::read_dir(place.path("store")).unwrap().count(), 3_001);
}

#[test]
fn adding_while_others_add() {
    let place = Place::new();
    place.open().open().unwrap();
    let program = std::env::current_exe().unwrap();
    let children: Vec<_> = (0..8)
        .map(|_| {
            std::process::Command::new(&program)
                .args(["child_process", "--exact", "--ignored"])
                .env("NIVIS_TEST_STORE", place.path(""))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = place.open();
    let paths = store.query_all_valid_paths().unwrap();
    assert_eq!(paths.len(), 300);
    for path in paths {
        let info = store.query_path_info(&path).unwrap();
        assert_eq!(
            hash_path(&store.real_path(&path), accept_all).unwrap(),
            (info.nar_hash, info.nar_size)
        );
    }
    assert_eq!(fs::read_dir(place.path("store")).unwrap().count(), 301);
}

/// One of the processes of [`adding_while_others_add`].
#[test]
#[ignore = "run by another test"]
fn child_process() {
    let Some(root) = std::env::var_os("NIVIS_TEST_STORE") else {
        return;
    };
    let root = PathBuf::from(root);
    let dir = StoreDir::new(root.join("store").to_str().unwrap()).unwrap();
    let config = StoreConfig::new(dir, root.join("var"), root.join("log"));
    let store = LocalStore::new(
        StoreConfig {
            sync_before_registering: false,
            ..config
        },
        Notify::silent(),
    );
    for index in 0..300 {
        store
            .add_text(&format!("text-{index}"), &vec![b'x'; index * 10], &none())
            .unwrap();
        if index % 7 == 0 {
            store.flush().unwrap();
        }
    }
    store.flush().unwrap();
}

/// An error type that only a test has.
#[derive(Debug)]
enum Own {
    Filter,
    Other,
}

impl From<NarError> for Own {
    fn from(_: NarError) -> Self {
        Own::Other
    }
}

impl From<StoreError> for Own {
    fn from(_: StoreError) -> Self {
        Own::Other
    }
}

#[test]
fn errors_of_the_filter_come_back() {
    let place = Place::new();
    fs::create_dir_all(place.path("source/x")).unwrap();
    let store = place.open();
    let result = store.add_source("a", &place.path("source"), SourceMethod::RECURSIVE, |_, _| {
        Err(Own::Filter)
    });
    assert!(matches!(result, Err(Own::Filter)));
    let missing = store.add_source("a", &place.path("no"), SourceMethod::RECURSIVE, |_, _| {
        Err(Own::Filter)
    });
    assert!(matches!(missing, Err(Own::Other)));
}

#[test]
fn archives() {
    let place = Place::new();
    let other = Place::new();
    let store = place.open();
    let text = store.add_text("text", b"hello", &none()).unwrap();
    let refers = store
        .add_text("refers", b"hello", &[text.clone()].into())
        .unwrap();
    let source = place.path("source");
    fs::create_dir(&source).unwrap();
    symlink("x", source.join("link")).unwrap();
    let tree = store
        .add_source("tree", &source, SourceMethod::RECURSIVE, all)
        .unwrap();
    let first = add_drv(&store, &mut HashModuloCache::new(), drv("first", None));
    store.flush().unwrap();
    let config = StoreConfig {
        store_dir: store.store_dir().clone(),
        ..other.config()
    };
    let copy = LocalStore::new(
        StoreConfig {
            real_store_dir: other.path("store"),
            ..config
        },
        Notify::silent(),
    );
    let archive = |path: &StorePath| {
        let mut out = Vec::new();
        dump_path(&store.real_path(path), &mut out, accept_all).unwrap();
        out
    };
    for path in [&text, &refers, &tree, &first, &first] {
        let info = store.query_path_info(path).unwrap();
        let mut bytes = archive(path);
        bytes.extend_from_slice(b"more");
        let mut source = bytes.as_slice();
        copy.add_archive(&info, &mut source).unwrap();
        assert_eq!(source, b"more");
        let mut copied = copy.query_path_info(path).unwrap();
        copied.registration_time = info.registration_time;
        assert_eq!(copied, info);
    }
    assert_eq!(copy.query_derivation_outputs(&first).unwrap().len(), 1);
    assert_eq!(mode_and_time(&copy.real_path(&tree)), (0o555, 1));

    let error = |name: &str, change: &dyn Fn(&mut PathInfo)| {
        let mut info = store.query_path_info(&text).unwrap();
        info.path = StorePath::from_base_name("0".repeat(32) + name).unwrap();
        change(&mut info);
        let error = copy
            .add_archive(&info, &mut archive(&text).as_slice())
            .unwrap_err();
        assert!(!copy.real_path(&info.path).exists());
        error.to_string()
    };
    let message = error("-a", &|info| info.nar_hash = Hash::sha256(b""));
    assert!(message.starts_with("hash mismatch importing path '"), "{message}");
    let message = error("-b", &|info| info.nar_size = 3);
    assert!(message.starts_with("size mismatch importing path '"), "{message}");
    let wrong = "text:sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
    let message = error("-c", &|info| info.content_address = Some(wrong.parse().unwrap()));
    assert!(
        message.starts_with("ca hash mismatch importing path '"),
        "{message}"
    );
    assert_eq!(
        fs::read_dir(other.path("store")).unwrap().count(),
        5,
        "four objects and .links"
    );
}

#[test]
fn order_and_links() {
    let place = Place::new();
    let store = place.open();
    let first = store.add_text("first", b"", &none()).unwrap();
    let second = store.add_text("second", b"", &[first.clone()].into()).unwrap();
    let third = store
        .add_text("third", b"", &[first.clone(), second.clone()].into())
        .unwrap();
    let sorted = store
        .topo_sort_paths(&[first.clone(), second.clone(), third.clone()].into())
        .unwrap();
    assert_eq!(sorted, [third, second, first.clone()]);

    let link = place.path("link");
    store.add_perm_root(&first, &link).unwrap();
    symlink("link", place.path("again")).unwrap();
    symlink("circle", place.path("circle")).unwrap();
    let follow = |name: &str| store.follow_links_to_store_path(&place.path(name));
    assert_eq!(follow("again").unwrap(), first);
    assert_eq!(follow("link").unwrap(), first);
    assert_eq!(
        store
            .follow_links_to_store_path(&store.real_path(&first).join("a/b"))
            .unwrap(),
        first
    );
    let error = follow("nothing").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "path \"{}\" is not in the Nix store",
            place.path("nothing").display()
        )
    );
    assert!(
        follow("circle")
            .unwrap_err()
            .to_string()
            .starts_with("too many symbolic links")
    );
}

/// In a mount namespace of its own; nothing to see without root.
#[test]
fn a_full_disk() {
    use nix::mount::{MsFlags, mount, umount};
    use nix::sched::{CloneFlags, unshare};
    let nothing: Option<&str> = None;
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    if unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(nothing, "/", nothing, private, nothing))
        .is_err()
    {
        return;
    }
    let place = Place::new();
    let disk = place.path("");
    mount(
        Some("tmpfs"),
        &disk,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("size=8m"),
    )
    .unwrap();
    let config = StoreConfig {
        reserved_size: 1 << 20,
        ..place.config()
    };
    let store = LocalStore::new(config, Notify::silent());
    let before = store.add_text("before", b"x", &none()).unwrap();
    store.flush().unwrap();
    let filler = place.path("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    drop(file);

    let small = store.add_text("small", b"y", &none()).unwrap();
    let big = store
        .add_text("big", &vec![b'z'; 1 << 20], &[before.clone()].into())
        .unwrap();
    let error = store.flush().unwrap_err().to_string();
    assert!(
        error.contains("No space left on device") || error.contains("full"),
        "{error}"
    );
    let others = LocalStore::new(
        StoreConfig {
            read_only: true,
            ..place.config()
        },
        Notify::silent(),
    );
    assert!(others.is_valid_path(&before).unwrap());
    assert!(!others.is_valid_path(&small).unwrap() && !others.is_valid_path(&big).unwrap());
    let names: Vec<_> = fs::read_dir(place.path("store"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().starts_with("tmp-")),
        "{names:?}"
    );

    fs::remove_file(filler).unwrap();
    store.flush().unwrap();
    assert_eq!(others.query_all_valid_paths().unwrap().len(), 3);
    assert_eq!(fs::read(store.real_path(&big)).unwrap().len(), 1 << 20);
    drop((store, others));
    umount(&disk).unwrap();
}

#[test]
fn the_user_can_interrupt() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let place = Place::new();
    place.open().open().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let notify = Notify::silent().with_interrupt(move || asked.load(Ordering::Relaxed));
    let store = LocalStore::new(place.config(), notify);
    let path = store.add_text("text", b"x", &none()).unwrap();
    // Another process is in a transaction.
    let other = rusqlite::Connection::open(place.path("var/db/db.sqlite")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let error = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.flush());
        std::thread::sleep(std::time::Duration::from_millis(100));
        stop.store(true, Ordering::Relaxed);
        waiting.join().unwrap().unwrap_err()
    });
    assert_eq!(error.to_string(), "interrupted by the user");
    other.execute_batch("rollback").unwrap();
    stop.store(false, Ordering::Relaxed);
    store.flush().unwrap();
    assert!(store.real_path(&path).exists());
}
