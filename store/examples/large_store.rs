//! Makes a store of many small objects that refer to one another, for measuring.
//!
//! `large_store ROOT PATHS REFERENCES`: the store `/nix/store` below ROOT, with so many references for each path.
//! The same arguments give the same store.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use nivis_store::config::StoreConfig;
use nivis_store::hash::Hash;
use nivis_store::nar::{Node, dump_node};
use nivis_store::notify::Notify;
use nivis_store::path::StorePath;
use nivis_store::path_info::PathInfo;
use nivis_store::{LocalStore, Registration};

/// How many paths are registered at once.
const BATCH: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, paths, references] = &arguments[..] else {
        return Err("usage: large_store ROOT PATHS REFERENCES".into());
    };
    let (count, references): (usize, usize) = (paths.parse()?, references.parse()?);
    let config = StoreConfig {
        sync_before_registering: false,
        fsync_metadata: false,
        ..StoreConfig::below(Path::new(root))
    };
    let store = LocalStore::new(config, Notify::silent());
    store.open()?;
    let mut random = Random(1);
    let mut paths: Vec<StorePath> = Vec::with_capacity(count);
    let mut batch = Vec::with_capacity(BATCH);
    for index in 0..count {
        let contents = format!("object {index}\n");
        let path = StorePath::from_digest(
            &Hash::sha256(contents.as_bytes()).fold20(),
            &format!("object-{index}"),
        )?;
        write(&store.real_path(&path), &contents)?;
        let mut archive = Vec::new();
        dump_node(&Node::file(contents), &mut archive)?;
        let mut wanted = BTreeSet::new();
        while wanted.len() < references.min(index) {
            wanted.insert(paths[random.below(index)].clone());
        }
        let info = PathInfo {
            references: wanted,
            ..PathInfo::new(path.clone(), Hash::sha256(&archive), archive.len() as u64)
        };
        paths.push(path);
        batch.push(Registration {
            info,
            outputs: Vec::new(),
        });
        if batch.len() == BATCH || index + 1 == count {
            store.register_valid_paths(&batch)?;
            batch.clear();
        }
    }
    Ok(())
}

fn write(place: &Path, contents: &str) -> std::io::Result<()> {
    fs::write(place, contents)?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    File::open(place)?.set_times(FileTimes::new().set_modified(time))?;
    fs::set_permissions(place, Permissions::from_mode(0o444))
}

/// Numbers that look random, always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
