//! Any bytes are an export, or are refused; what was imported is valid, has the contents that were hashed, and can be
//! exported again. Nothing else stays.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_fuzz::scratch::with_store;
use nivis_store::nar::{accept_all, hash_path};
use std::collections::BTreeSet;
use std::fs;

fuzz_target!(|bytes: &[u8]| {
    with_store(|store, _| {
        let mut rest = bytes;
        if let Ok(paths) = store.import(&mut rest) {
            for path in &paths {
                let info = store.query_path_info(path).expect("it was just imported");
                let found = hash_path(&store.real_path(path), accept_all).expect("it can be read");
                assert_eq!(found, (info.nar_hash, info.nar_size));
            }
            store.export(paths, &mut Vec::new()).expect("it can be exported");
        }
        let valid = store.query_all_valid_paths().expect("the store can be asked");
        let valid: BTreeSet<String> = valid.iter().map(|path| path.base_name().to_owned()).collect();
        for entry in fs::read_dir(&store.config().real_store_dir).expect("the store is there") {
            let name = entry.expect("it can be listed").file_name();
            let name = name.to_string_lossy();
            assert!(
                name == ".links" || name.ends_with(".lock") || valid.contains(&*name),
                "{name}"
            );
        }
    });
});
