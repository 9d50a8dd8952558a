//! Reads every derivation of a store, checks it, computes it anew and writes it to another store, with times.
//!
//! `derivations STORE NEW`: the folder of the objects of a store whose logical place is `/nix/store`, and a
//! folder that does not exist yet. Works best with optimisation.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::derivation::{
    Derivation, DerivationError, DerivationOutput, HashModuloCache, aterm, check_invariants, instantiate,
};
use nivis_store::hash::Hash;
use nivis_store::notify::Notify;
use nivis_store::path::{StoreDir, StorePath};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &arguments[..] else {
        return Err("usage: derivations STORE NEW".into());
    };
    let dir = StoreDir::default();
    let mut clock = Clock(Instant::now(), cpu_time());

    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if let Ok(path) = StorePath::from_base_name(entry.file_name().as_encoded_bytes())
            && path.is_derivation()
        {
            texts.insert(path, std::fs::read(entry.path())?);
        }
    }
    let bytes: usize = texts.values().map(Vec::len).sum();
    println!("{} derivations, {bytes} bytes", texts.len());
    clock.lap("read");

    let mut drvs = BTreeMap::new();
    for (path, text) in &texts {
        drvs.insert(path.clone(), aterm::parse(&dir, text, path.drv_name()?)?);
    }
    clock.lap("parse");

    for (path, drv) in &drvs {
        if drv.to_aterm(&dir)? != texts[path] {
            return Err(format!("{path:?} comes out different").into());
        }
    }
    clock.lap("write");

    for (path, text) in &texts {
        let made = dir.make_text_path(path.name(), &Hash::sha256(text), &drvs[path].references())?;
        if made != *path {
            return Err(format!("{path:?} has the path {made:?}").into());
        }
    }
    clock.lap("paths");

    let mut cache = HashModuloCache::new();
    let mut read = |path: &StorePath| -> Result<Derivation, DerivationError> { Ok(drvs[path].clone()) };
    for (path, drv) in &drvs {
        check_invariants(&dir, drv, path, &mut cache, &mut read)?;
    }
    clock.lap("check");

    let store = LocalStore::new(
        StoreConfig::below(Path::new(to)),
        Notify::new(|_, message| eprintln!("{message}")),
    );
    let mut cache = HashModuloCache::new();
    for path in in_order(&drvs) {
        let mut drv = drvs[path].clone();
        for output in drv.outputs.values_mut() {
            if matches!(output, DerivationOutput::InputAddressed(_)) {
                *output = DerivationOutput::Deferred;
            }
        }
        for source in &drv.input_srcs {
            // Their contents do not matter here.
            store.add_text(source.name(), b"", &Default::default())?;
        }
        let made = instantiate(&dir, &mut drv, &mut cache, &mut read)?;
        if made.drv_path != *path {
            return Err(format!("{path:?} is now {:?}", made.drv_path).into());
        }
        drv.input_srcs.clear();
        store.add_derivation(&drv, &made)?;
    }
    clock.lap("instantiate");
    store.open()?;
    clock.lap("open");
    store.flush()?;
    clock.lap("flush");
    drop(store);
    clock.lap("close");
    Ok(())
}

/// Wall clock and processor time.
struct Clock(Instant, f64);

impl Clock {
    fn lap(&mut self, what: &str) {
        let cpu = cpu_time();
        println!(
            "{what:>12} {:7.1} ms, cpu {:6.1} ms",
            self.0.elapsed().as_secs_f64() * 1e3,
            cpu - self.1
        );
        *self = Clock(Instant::now(), cpu_time());
    }
}

/// Milliseconds of this thread on a processor.
fn cpu_time() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|first| first.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1e6
}

/// The paths, inputs before what needs them.
fn in_order(drvs: &BTreeMap<StorePath, Derivation>) -> Vec<&StorePath> {
    let mut order = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut stack: Vec<_> = drvs.keys().map(|path| (path, false)).collect();
    while let Some((path, leaving)) = stack.pop() {
        if leaving {
            order.push(path);
        } else if seen.insert(path) {
            stack.push((path, true));
            stack.extend(drvs[path].input_drvs.keys().map(|input| (input, false)));
        }
    }
    order
}
