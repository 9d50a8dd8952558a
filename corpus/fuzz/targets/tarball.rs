//! Any bytes are a tar archive, compressed or not, or are refused. Nothing is written out of the folder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_fuzz::scratch::folder;
use nivis_store::delete_path;
use nivis_store::nar::{accept_all, hash_path};
use nivis_store::tarball::{tree_in, unpack};
use std::fs;

fuzz_target!(|bytes: &[u8]| {
    let place = folder();
    let inner = place.path().join("a/b");
    fs::create_dir_all(&inner).expect("a folder can be made");
    if unpack(bytes, &inner).is_ok() {
        let tree = tree_in(&inner).expect("it was just unpacked");
        hash_path(&tree, accept_all).expect("it can be an object of the store");
    }
    for folder in [place.path().to_owned(), place.path().join("a")] {
        assert_eq!(fs::read_dir(folder).expect("it is there").count(), 1);
    }
    // Whatever modes the archive gave.
    delete_path(place.path()).expect("it can be deleted");
});
