//! One store for both programs: C++ Nix looks at what we wrote, and we at what it wrote.
//!
//! Runs if `REFERENCE_NIX` names the folder that has `nix-store` and `nix-instantiate` of C++ Nix.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::derivation::{Derivation, DerivationError, DerivationOutput, HashModuloCache, instantiate};
use nivis_store::error::StoreError;
use nivis_store::hash::HashAlgorithm;
use nivis_store::nar::{FileType, accept_all, hash_path};
use nivis_store::notify::Notify;
use nivis_store::path::{StoreDir, StorePath};
use nivis_store::source::SourceMethod;

const EXPRESSION: &str = r#"
    let
      make = attrs: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; } // attrs);
      dep = make { name = "dep"; outputs = [ "out" "dev" ]; src = ./tree; };
    in make { name = "top"; inherit dep; dev = dep.dev; text = builtins.toFile "text" "x ${./tree}"; }
"#;

/// A folder with a store and a source in it, and the reference to look at the store.
struct Both {
    folder: tempfile::TempDir,
    reference: PathBuf,
}

impl Both {
    fn new() -> Option<Self> {
        let reference = PathBuf::from(std::env::var_os("REFERENCE_NIX")?);
        let both = Both {
            folder: tempfile::tempdir().unwrap(),
            reference,
        };
        let tree = both.path("tree");
        fs::create_dir_all(tree.join("sub")).unwrap();
        fs::write(tree.join("sub/file"), "contents").unwrap();
        fs::write(tree.join("run"), "#!/bin/sh").unwrap();
        fs::set_permissions(tree.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("run", tree.join("link")).unwrap();
        fs::write(both.path("top.nix"), EXPRESSION).unwrap();
        Some(both)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn store(&self) -> LocalStore {
        let dir = StoreDir::new(self.path("store").to_str().unwrap()).unwrap();
        LocalStore::new(
            StoreConfig::new(dir, self.path("var"), self.path("log")),
            Notify::silent(),
        )
    }

    /// Run a program of the reference; gives what it prints, which must be no complaint.
    fn run(&self, program: &str, args: &[&str]) -> String {
        let output = Command::new(self.reference.join(program))
            .args(args)
            .env("NIX_STORE_DIR", self.path("store"))
            .env("NIX_STATE_DIR", self.path("var"))
            .env("NIX_LOG_DIR", self.path("log"))
            .env("NIX_CONF_DIR", self.path("etc"))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {errors}");
        assert!(
            !errors.contains("error") && !errors.contains("modified"),
            "{program} {args:?}: {errors}"
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn verify(&self) {
        self.run("nix-store", &["--verify", "--check-contents"]);
    }

    fn references(&self, store: &LocalStore, path: &StorePath) -> BTreeSet<StorePath> {
        let printed = store.store_dir().print(path);
        let text = self.run("nix-store", &["-q", "--references", &printed]);
        text.lines()
            .map(|line| store.store_dir().parse(line).unwrap())
            .collect()
    }
}

fn all(_: &std::path::Path, _: FileType) -> Result<bool, StoreError> {
    Ok(true)
}

/// What [`EXPRESSION`] does, by hand; gives the path of `top`.
fn instantiate_here(both: &Both, store: &LocalStore) -> StorePath {
    let dir = store.store_dir();
    let tree = store
        .add_source("tree", &both.path("tree"), SourceMethod::RECURSIVE, all)
        .unwrap();
    let text = format!("x {}", dir.print(&tree));
    let text = store
        .add_text("text", text.as_bytes(), &[tree.clone()].into())
        .unwrap();
    let mut cache = HashModuloCache::new();
    let mut make =
        |name: &str, outputs: &[&str], vars: &[(&str, &str)], drvs: &[&StorePath], src: &StorePath| {
            let mut drv = Derivation {
                name: name.into(),
                outputs: outputs
                    .iter()
                    .map(|out| ((*out).to_owned(), DerivationOutput::Deferred))
                    .collect(),
                input_drvs: drvs
                    .iter()
                    .map(|path| ((*path).clone(), ["dev", "out"].into()))
                    .collect(),
                input_srcs: [src.clone()].into(),
                platform: b"x86_64-linux".to_vec(),
                builder: b"/bin/sh".to_vec(),
                ..Derivation::default()
            };
            let common = [("name", name), ("system", "x86_64-linux"), ("builder", "/bin/sh")];
            for (name, value) in common.iter().chain(vars) {
                drv.env
                    .insert(name.as_bytes().to_vec(), value.as_bytes().to_vec());
            }
            let never = &mut |_: &StorePath| -> Result<Derivation, DerivationError> { unreachable!() };
            let made = instantiate(dir, &mut drv, &mut cache, never).unwrap();
            store.add_derivation(&drv, &made).unwrap();
            (made.drv_path, drv)
        };
    let vars = [("outputs", "out dev"), ("src", &dir.print(&tree))];
    let (dep, dep_drv) = make("dep", &["out", "dev"], &vars, &[], &tree);
    let output = |name: &str| dir.print(&dep_drv.output_path(dir, name).unwrap().unwrap());
    let vars = [
        ("dep", &*output("out")),
        ("dev", &output("dev")),
        ("text", &dir.print(&text)),
    ];
    make("top", &["out"], &vars, &[&dep], &text).0
}

#[test]
fn the_reference_reads_what_we_write() {
    let Some(both) = Both::new() else { return };
    let store = both.store();
    let top = instantiate_here(&both, &store);
    let flat = SourceMethod {
        method: ContentAddressMethod::Flat,
        algorithm: HashAlgorithm::Sha1,
    };
    store
        .add_source("flat", &both.path("tree/run"), flat, all)
        .unwrap();
    store.add_perm_root(&top, &both.path("root")).unwrap();
    drop(store);
    both.verify();
    let store = both.store();
    for path in store.query_all_valid_paths().unwrap() {
        assert_eq!(
            both.references(&store, &path),
            store.query_references(&path).unwrap()
        );
    }
    // The reference makes nothing anew, and gives the same names.
    let theirs = both.run("nix-instantiate", &["top.nix"]);
    let theirs = store.store_dir().parse(theirs.trim()).unwrap();
    let text = |path: &StorePath| fs::read_to_string(store.real_path(path)).unwrap();
    assert_eq!(text(&theirs), text(&top));
    assert_eq!(theirs, top);
    let roots = both.run("nix-store", &["--gc", "--print-roots"]);
    let root = format!(
        "\"{}\" -> {}",
        both.path("root").display(),
        store.store_dir().print(&top)
    );
    assert!(roots.contains(&root), "{roots}");
    drop(store);
    both.run("nix-store", &["--gc"]);
    let store = both.store();
    assert_eq!(
        store.query_all_valid_paths().unwrap().len(),
        4,
        "all but the flat file have a root"
    );
    let schema = |of: &Both| {
        let connection = rusqlite::Connection::open(of.path("var/db/db.sqlite")).unwrap();
        let mut query = connection
            .prepare("select type || ' ' || name || ' ' || ifnull(sql, '') from sqlite_master")
            .unwrap();
        let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<BTreeSet<_>>()
    };
    let other = Both::new().unwrap();
    other.run("nix-instantiate", &["top.nix"]);
    assert_eq!(schema(&both), schema(&other));
}

#[test]
fn we_read_what_the_reference_writes() {
    let Some(both) = Both::new() else { return };
    let printed = both.run("nix-instantiate", &["top.nix"]);
    let store = both.store();
    let top = store.store_dir().parse(printed.trim()).unwrap();
    let closure = store.query_closure([top.clone()]).unwrap();
    assert_eq!(closure.len(), 4);
    for path in closure {
        let info = store.query_path_info(&path).unwrap();
        let found = hash_path(&store.real_path(&path), accept_all).unwrap();
        assert_eq!((info.nar_hash, info.nar_size), found);
        assert_eq!(both.references(&store, &path), info.references);
        // Our rules for content addresses agree: registering checks them.
        store
            .register_valid_paths(&[nivis_store::Registration {
                info,
                outputs: Vec::new(),
            }])
            .unwrap();
    }
    assert_eq!(instantiate_here(&both, &store), top);
    store.flush().unwrap();
    both.verify();
}

#[test]
fn both_write_by_turns_and_at_once() {
    let Some(both) = Both::new() else { return };
    let store = both.store();
    for round in 0..3 {
        store
            .add_text("mine", format!("{round}").as_bytes(), &BTreeSet::new())
            .unwrap();
        store.flush().unwrap();
        fs::write(both.path("file"), format!("theirs {round}")).unwrap();
        both.run("nix-store", &["--add", "file"]);
    }
    assert_eq!(store.query_all_valid_paths().unwrap().len(), 6);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for index in 0..15 {
                    let text = format!("builtins.toFile \"t\" \"{index}\"");
                    both.run("nix-instantiate", &["--eval", "-E", &text]);
                }
            });
        }
        for index in 0..15 {
            store
                .add_text("t", format!("{index}").as_bytes(), &BTreeSet::new())
                .unwrap();
            store.flush().unwrap();
        }
    });
    assert_eq!(store.query_all_valid_paths().unwrap().len(), 21);
    both.verify();
}

#[test]
fn without_wal_too() {
    let Some(both) = Both::new() else { return };
    fs::create_dir(both.path("etc")).unwrap();
    fs::write(both.path("etc/nix.conf"), "use-sqlite-wal = false\n").unwrap();
    both.run("nix-instantiate", &["top.nix"]);
    let config = StoreConfig {
        use_sqlite_wal: false,
        ..both.store().config().clone()
    };
    let store = LocalStore::new(config, Notify::silent());
    assert_eq!(store.query_all_valid_paths().unwrap().len(), 4);
    store.add_text("mine", b"", &BTreeSet::new()).unwrap();
    store.flush().unwrap();
    both.verify();
}

#[test]
fn their_collector_leaves_us_what_we_use() {
    let Some(both) = Both::new() else { return };
    both.store().open().unwrap();
    let program = std::env::current_exe().unwrap();
    let mut children: Vec<_> = (0..4)
        .map(|index| {
            Command::new(&program)
                .args(["child_process", "--exact", "--ignored"])
                .env("NIVIS_TEST_STORE", both.path(""))
                .env("NIVIS_TEST_INDEX", index.to_string())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        both.run("nix-store", &["--gc"]);
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    both.run("nix-store", &["--gc"]);
    both.verify();
    assert_eq!(both.store().query_all_valid_paths().unwrap().len(), 0);
    let names = fs::read_dir(both.path("store")).unwrap().count();
    assert_eq!(names, 1, "nothing but .links is left");
}

/// One of the processes of [`their_collector_leaves_us_what_we_use`].
#[test]
#[ignore = "run by another test"]
fn child_process() {
    let (Some(root), Some(index)) = (
        std::env::var_os("NIVIS_TEST_STORE"),
        std::env::var_os("NIVIS_TEST_INDEX"),
    ) else {
        return;
    };
    let root = PathBuf::from(root);
    let dir = StoreDir::new(root.join("store").to_str().unwrap()).unwrap();
    let config = StoreConfig::new(dir, root.join("var"), root.join("log"));
    let config = StoreConfig {
        sync_before_registering: false,
        ..config
    };
    let store = LocalStore::new(config, Notify::silent());
    let mut paths = BTreeSet::new();
    let mut last = BTreeSet::new();
    for round in 0..1000 {
        // Half of the texts are the same in all processes.
        let text = if round % 2 == 0 {
            String::new()
        } else {
            format!("{index:?}")
        };
        let path = store
            .add_text(&format!("text-{round}"), text.as_bytes(), &last)
            .unwrap();
        paths.insert(path.clone());
        if round % 2 == 1 {
            last = [path].into();
        } else {
            last.clear();
        }
        if round % 3 == 0 {
            store.flush().unwrap();
        }
    }
    store.flush().unwrap();
    for path in paths {
        let info = store.query_path_info(&path).unwrap();
        assert_eq!(
            hash_path(&store.real_path(&path), accept_all).unwrap(),
            (info.nar_hash, info.nar_size)
        );
    }
}
