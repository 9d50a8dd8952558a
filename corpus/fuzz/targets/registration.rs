//! Any text registers paths, as `--load-db` does, or is refused as a whole; what was registered is written the same way,
//! and registers again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_fuzz::scratch::with_store;
use nivis_store::local_store::Reregister;

const HOW: Reregister = Reregister {
    hash_given: true,
    known_too: true,
    canonicalise: false,
};

fuzz_target!(|text: &[u8]| {
    with_store(|store, _| {
        let all = || store.query_all_valid_paths().expect("the store can be asked");
        let before = all();
        if store.load_registrations(&mut &text[..], HOW).is_err() {
            assert_eq!(all(), before);
            return;
        }
        let mut written = String::new();
        for path in all().difference(&before) {
            let info = store.query_path_info(path).expect("it is valid");
            written.push_str(&store.registration_text(&info));
        }
        let again = store.load_registrations(&mut written.as_bytes(), HOW);
        again.expect("it was just written");
    });
});
