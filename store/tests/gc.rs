//! Garbage collection and optimisation. `corpus/cli` has more, next to C++ Nix's answers.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use nivis_store::config::StoreConfig;
use nivis_store::error::StoreError;
use nivis_store::hash::Hash;
use nivis_store::local_store::gc::{GcAction, GcOptions, GcResults};
use nivis_store::notify::Notify;
use nivis_store::path::{StoreDir, StorePath};
use nivis_store::path_info::PathInfo;
use nivis_store::{LocalStore, Registration};

struct Place {
    _temp: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        Place { _temp: temp, root }
    }

    fn config(&self) -> StoreConfig {
        let dir = StoreDir::new(self.root.join("store").to_str().unwrap()).unwrap();
        StoreConfig::new(dir, self.root.join("var"), self.root.join("log"))
    }

    /// A store; what another one kept for its process is not kept any more.
    fn open(&self) -> LocalStore {
        LocalStore::new(self.config(), Notify::silent())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.join("store")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names
            .filter(|name| name != ".links")
            .map(|name| {
                name.split_once('-')
                    .map_or(name.clone(), |(_, name)| name.to_owned())
            })
            .collect();
        names.sort();
        names
    }

    fn root(&self, name: &str, target: &StorePath) {
        let target = self.root.join("store").join(target.base_name());
        symlink(target, self.root.join("var/gcroots").join(name)).unwrap();
    }
}

fn path(digit: char, name: &str) -> StorePath {
    let digits = String::from_iter([digit; 32]);
    StorePath::from_base_name(format!("{digits}-{name}")).unwrap()
}

/// A registration of a file that is put in its place.
fn file(store: &LocalStore, path: &StorePath, references: &[&StorePath]) -> Registration {
    fs::write(store.real_path(path), path.name()).unwrap();
    let references = references.iter().map(|path| (*path).clone()).collect();
    Registration {
        info: PathInfo {
            references,
            registration_time: 1000,
            ..PathInfo::new(path.clone(), Hash::sha256(b""), 100)
        },
        outputs: Vec::new(),
    }
}

fn collect(store: &LocalStore, options: &GcOptions) -> (usize, u64) {
    let mut results = GcResults::default();
    store.collect_garbage(options, &mut results).unwrap();
    (results.paths.len(), results.bytes_freed)
}

fn delete_dead() -> GcOptions {
    GcOptions::new(GcAction::DeleteDead)
}

#[test]
fn what_roots_reach_stays() {
    let place = Place::new();
    let store = place.open();
    store.open().unwrap();
    let [a, b, c, d] =
        [('a', "a"), ('b', "b"), ('c', "c"), ('d', "d")].map(|(digit, name)| path(digit, name));
    let registrations = [
        file(&store, &d, &[&d]),
        file(&store, &c, &[&d]),
        file(&store, &b, &[&d]),
        file(&store, &a, &[&b]),
    ];
    store.register_valid_paths(&registrations).unwrap();
    place.root("b", &b);
    fs::write(place.root.join("store/junk"), "12345").unwrap();
    fs::write(place.root.join(format!("store/{}.lock", b.base_name())), "").unwrap();

    let mut results = GcResults::default();
    store
        .collect_garbage(&GcOptions::new(GcAction::ReturnDead), &mut results)
        .unwrap();
    assert_eq!(results.paths.len(), 4);
    assert_eq!(place.names().len(), 6);
    let mut results = GcResults::default();
    store
        .collect_garbage(&GcOptions::new(GcAction::ReturnLive), &mut results)
        .unwrap();
    let live: Vec<_> = [&b, &d].map(|path| store.store_dir().print(path)).into();
    assert_eq!(Vec::from_iter(results.paths), live);

    assert_eq!(collect(&store, &delete_dead()), (4, 5 + 1 + 1));
    assert_eq!(place.names(), ["b", "d"]);
    assert_eq!(store.query_all_valid_paths().unwrap(), BTreeSet::from([b, d]));
    assert_eq!(collect(&store, &delete_dead()), (0, 0));
}

/// With both settings, an output keeps its derivation and the derivation its outputs.
#[test]
fn circles_go_as_one() {
    for rooted in [false, true] {
        let place = Place::new();
        let mut config = place.config();
        config.gc.keep_outputs = true;
        let store = LocalStore::new(config, Notify::silent());
        store.open().unwrap();
        let (drv, out, man) = (path('0', "x.drv"), path('1', "x"), path('2', "x-man"));
        let mut registrations = [
            file(&store, &drv, &[]),
            file(&store, &out, &[]),
            file(&store, &man, &[&out]),
        ];
        registrations[0].outputs = vec![("out".into(), out.clone()), ("man".into(), man.clone())];
        for output in &mut registrations[1..] {
            output.info.deriver = Some(drv.clone());
        }
        store.register_valid_paths(&registrations).unwrap();
        if rooted {
            place.root("man", &man);
        }
        let count = if rooted { 0 } else { 3 };
        assert_eq!(collect(&store, &delete_dead()).0, count);
        assert_eq!(place.names().len(), 3 - count);
    }
}

#[test]
fn a_derivation_that_did_not_make_the_path_is_not_kept() {
    let place = Place::new();
    let store = place.open();
    store.open().unwrap();
    let (out, maker, other) = (path('1', "x"), path('2', "maker.drv"), path('3', "other.drv"));
    let mut registrations = [
        file(&store, &out, &[]),
        file(&store, &maker, &[]),
        file(&store, &other, &[]),
    ];
    registrations[0].info.deriver = Some(maker.clone());
    for drv in &mut registrations[1..] {
        drv.outputs = vec![("out".into(), out.clone())];
    }
    store.register_valid_paths(&registrations).unwrap();
    place.root("out", &out);
    let roots = store.query_roots(&BTreeSet::from([maker])).unwrap();
    assert_eq!(Vec::from_iter(roots.keys()), [&out]);
    assert_eq!(collect(&store, &delete_dead()).0, 1);
    assert_eq!(place.names(), ["maker.drv", "x"]);
}

#[test]
fn a_limit_is_kept_and_the_oldest_go_first() {
    let place = Place::new();
    let store = place.open();
    store.open().unwrap();
    let names = ["old", "new", "library"];
    let [old, new, library] = ['1', '2', '3'].map(|digit| path(digit, names[digit as usize - '1' as usize]));
    let mut registrations = [
        file(&store, &library, &[]),
        file(&store, &old, &[]),
        file(&store, &new, &[&library]),
    ];
    registrations[0].info.registration_time = 10;
    registrations[1].info.registration_time = 20;
    registrations[2].info.registration_time = 30;
    store.register_valid_paths(&registrations).unwrap();
    let limited = GcOptions {
        max_freed: Some(1),
        ..delete_dead()
    };
    let aged = GcOptions {
        unused_since: Some(25),
        ..delete_dead()
    };
    fs::write(place.root.join("store/junk"), "").unwrap();
    // The library is as young as what uses it.
    assert_eq!(collect(&store, &aged), (2, 3));
    assert_eq!(place.names(), ["library", "new"]);
    fs::write(place.root.join("store/junk"), "123").unwrap();
    assert_eq!(collect(&store, &limited), (1, 3));
    assert_eq!(collect(&store, &limited), (1, 3));
    assert_eq!(place.names(), ["library"]);
    // Use counts like registration.
    store.register_valid_paths(&[file(&store, &old, &[])]).unwrap();
    store.record_use([&library]);
    assert_eq!(collect(&store, &limited), (1, 3));
    assert_eq!(place.names(), ["library"]);
    let nothing = GcOptions {
        max_freed: Some(0),
        ..delete_dead()
    };
    assert_eq!(collect(&store, &nothing), (0, 0));
}

#[test]
fn a_refusal_says_why() {
    let place = Place::new();
    let store = place.open();
    store.open().unwrap();
    let (user, library) = (path('1', "user"), path('2', "library"));
    let registrations = [file(&store, &library, &[]), file(&store, &user, &[&library])];
    store.register_valid_paths(&registrations).unwrap();
    place.root("user", &user);
    let delete = |ignore_liveness| {
        let options = GcOptions {
            ignore_liveness,
            ..GcOptions::new(GcAction::DeleteSpecific([library.clone()].into()))
        };
        let error = store
            .collect_garbage(&options, &mut GcResults::default())
            .unwrap_err();
        let text = error.to_string().replace(place.root.to_str().unwrap(), "");
        text.split_once('\n').unwrap().1.to_owned()
    };
    let referrer = format!("it is referred to by '/store/{}'\n", user.base_name());
    assert_eq!(
        delete(false),
        format!("{referrer}the link \"/var/gcroots/user\" is a root of it")
    );
    assert_eq!(delete(true), format!("{referrer}which is not to be deleted"));
    store.add_temp_roots([&library]).unwrap();
    let own = format!("it is a temporary root of process {} (", std::process::id());
    assert!(delete(true).starts_with(&own), "{}", delete(true));
}

/// Another process names a path while a collection runs: it is kept, or gone before the answer.
#[test]
fn paths_that_are_named_to_the_collector_are_kept() {
    let place = Place::new();
    let (wanted, other) = (path('1', "wanted"), path('2', "other"));
    let socket = place.root.join("var/gc-socket/socket");
    let line = format!("{}/store/{}\n", place.root.display(), wanted.base_name());
    let answers = Arc::new(Mutex::new(Vec::new()));
    let notify = {
        let answers = answers.clone();
        Notify::new(move |_, text| {
            if text.starts_with("finding") {
                let mut stream = UnixStream::connect(&socket).unwrap();
                stream.write_all(line.as_bytes()).unwrap();
                let mut answer = [0];
                stream.read_exact(&mut answer).unwrap();
                answers.lock().unwrap().push(answer[0]);
            }
        })
    };
    let store = LocalStore::new(place.config(), notify);
    store.open().unwrap();
    let registrations = [file(&store, &wanted, &[]), file(&store, &other, &[])];
    store.register_valid_paths(&registrations).unwrap();
    assert_eq!(collect(&store, &delete_dead()).0, 1);
    assert_eq!(*answers.lock().unwrap(), b"1");
    assert_eq!(place.names(), ["wanted"]);
    assert_eq!(collect(&store, &delete_dead()).0, 0);
}

#[test]
fn collecting_frees_the_reserved_space_and_opening_reserves_it() {
    let place = Place::new();
    let reserved = place.root.join("var/db/reserved");
    place.open().open().unwrap();
    assert_eq!(reserved.metadata().unwrap().len(), 8 << 20);
    let store = place.open();
    collect(&store, &delete_dead());
    assert!(!reserved.exists());
    drop(store);
    place.open().open().unwrap();
    assert_eq!(reserved.metadata().unwrap().len(), 8 << 20);
}

#[test]
fn equal_files_become_one() {
    let place = Place::new();
    let store = place.open();
    store.open().unwrap();
    let at = |name: &str| place.root.join("store").join(name);
    let mut registrations = Vec::new();
    for (digit, name) in [('1', "a"), ('2', "b")] {
        let path = path(digit, name);
        let folder = store.real_path(&path);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("same"), "contents").unwrap();
        fs::write(folder.join("program"), "contents").unwrap();
        fs::write(folder.join("writable"), "contents").unwrap();
        symlink("target", folder.join("link")).unwrap();
        for (name, mode) in [
            ("same", 0o444),
            ("program", 0o555),
            ("writable", 0o644),
            ("", 0o555),
        ] {
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        registrations.push(Registration {
            info: PathInfo::new(path, Hash::sha256(b""), 100),
            outputs: Vec::new(),
        });
    }
    store.register_valid_paths(&registrations).unwrap();
    let stats = store.optimise().unwrap();
    assert_eq!((stats.files_linked, stats.bytes_freed), (3, 8 + 8 + 6));
    let [a, b] = ['1', '2'].map(|digit| {
        let name = if digit == '1' { "a" } else { "b" };
        at(path(digit, name).base_name())
    });
    let inode = |path: PathBuf| path.symlink_metadata().unwrap().ino();
    for name in ["same", "program", "link"] {
        assert_eq!(inode(a.join(name)), inode(b.join(name)), "{name}");
        assert_eq!(a.join(name).symlink_metadata().unwrap().nlink(), 3);
    }
    assert_ne!(inode(a.join("writable")), inode(b.join("writable")));
    // The folder in which a file was replaced is as it was.
    let modes = [&a, &b].map(|folder| folder.metadata().unwrap().mode() & 0o7777);
    assert_eq!(modes, [0o555, 0o555]);
    assert!(
        [&a, &b]
            .iter()
            .any(|folder| folder.metadata().unwrap().mtime() == 1)
    );
    assert_eq!(store.optimise().unwrap().files_linked, 0);
    assert_eq!(fs::read_dir(at(".links")).unwrap().count(), 3);
    // Optimising made the paths roots of the process.
    drop(store);
    collect(&place.open(), &delete_dead());
    assert_eq!(fs::read_dir(at(".links")).unwrap().count(), 0);
}

#[test]
fn a_corrupt_entry_does_not_spread() {
    let place = Place::new();
    let mut config = place.config();
    config.auto_optimise = true;
    let store = LocalStore::new(config, Notify::silent());
    let first = store.add_text("first", b"text", &BTreeSet::new()).unwrap();
    store.flush().unwrap();
    let links = place.root.join("store/.links");
    let entry = fs::read_dir(&links).unwrap().next().unwrap().unwrap().path();
    assert_eq!(entry.metadata().unwrap().nlink(), 2);
    fs::remove_file(&entry).unwrap();
    fs::write(&entry, "TEXT").unwrap();
    fs::set_permissions(&entry, fs::Permissions::from_mode(0o444)).unwrap();
    let second = store.add_text("second", b"text", &BTreeSet::new()).unwrap();
    store.flush().unwrap();
    assert_eq!(fs::read(store.real_path(&second)).unwrap(), b"text");
    assert_eq!(fs::read(&entry).unwrap(), b"text");
    assert_eq!(fs::read(store.real_path(&first)).unwrap(), b"text");
}

#[test]
fn a_full_disk_is_collected_before_adding() {
    let place = Place::new();
    let mut config = place.config();
    let store = LocalStore::new(config.clone(), Notify::silent());
    let old = store.add_text("old", b"text", &BTreeSet::new()).unwrap();
    store.flush().unwrap();
    drop(store);
    config.gc.min_free = u64::MAX - 1;
    let store = LocalStore::new(config, Notify::silent());
    let new = store.add_text("new", b"text", &BTreeSet::new()).unwrap();
    store.flush().unwrap();
    assert_eq!(store.query_all_valid_paths().unwrap(), BTreeSet::from([new]));
    assert!(!store.is_valid_path(&old).unwrap());
}

#[test]
fn a_store_that_is_only_read_is_not_collected() {
    let place = Place::new();
    place.open().open().unwrap();
    let mut config = place.config();
    config.read_only = true;
    let store = LocalStore::new(config, Notify::silent());
    let result = store.collect_garbage(&delete_dead(), &mut GcResults::default());
    assert!(matches!(result, Err(StoreError::ReadOnlyCollection)));
}
