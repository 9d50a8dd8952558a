//! Derivations written by C++ Nix: the text and the hashes must come out the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::derivation::placeholder::DownstreamPlaceholder;
use nivis_store::derivation::{
    Derivation, DerivationError, DerivationOutput, HashModuloCache, InputOutputs, aterm, check_invariants,
    instantiate,
};
use nivis_store::hash::{Hash, HashAlgorithm};
use nivis_store::path::{StoreDir, StorePath};

/// The recorded files by path.
fn recorded() -> BTreeMap<StorePath, Vec<u8>> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "drv") {
            let path = StorePath::from_base_name(file.file_name().unwrap().as_encoded_bytes()).unwrap();
            files.insert(path, std::fs::read(file).unwrap());
        }
    }
    assert_eq!(files.len(), 13);
    files
}

fn parse(path: &StorePath, text: &[u8]) -> Derivation {
    aterm::parse(&StoreDir::default(), text, path.drv_name().unwrap()).unwrap()
}

fn reader(
    files: &BTreeMap<StorePath, Vec<u8>>,
) -> impl FnMut(&StorePath) -> Result<Derivation, DerivationError> + '_ {
    |path| Ok(parse(path, &files[path]))
}

fn unreachable_reader(path: &StorePath) -> Result<Derivation, DerivationError> {
    panic!("{path:?} should be in the cache")
}

#[test]
fn texts_round_trip_and_have_their_paths() {
    let store = StoreDir::default();
    for (path, text) in recorded() {
        let drv = parse(&path, &text);
        assert_eq!(
            String::from_utf8_lossy(&drv.to_aterm(&store).unwrap()),
            String::from_utf8_lossy(&text)
        );
        let made = store
            .make_text_path(path.name(), &Hash::sha256(&text), &drv.references())
            .unwrap();
        assert_eq!(made, path);
    }
}

#[test]
fn outputs_follow_from_inputs() {
    let store = StoreDir::default();
    let files = recorded();
    let mut cache = HashModuloCache::new();
    for (path, text) in &files {
        let drv = parse(path, text);
        check_invariants(&store, &drv, path, &mut cache, &mut reader(&files)).unwrap();
    }
}

#[test]
fn instantiating_gives_the_same_files() {
    let store = StoreDir::default();
    let files = recorded();
    for (path, text) in &files {
        let mut drv = parse(path, text);
        for (name, output) in &mut drv.outputs {
            if matches!(output, DerivationOutput::InputAddressed(_)) {
                *output = DerivationOutput::Deferred;
                drv.env.insert(name.clone().into_bytes(), Vec::new());
            }
        }
        let mut cache = HashModuloCache::new();
        let made = instantiate(&store, &mut drv, &mut cache, &mut reader(&files)).unwrap();
        assert_eq!(String::from_utf8_lossy(&made.text), String::from_utf8_lossy(text));
        assert_eq!(&made.drv_path, path);
        assert!(cache.get(path).is_some());
    }
}

#[test]
fn a_changed_derivation_breaks_its_invariants() {
    let store = StoreDir::default();
    let files = recorded();
    let named = |name: &str| files.iter().find(|(path, _)| path.name() == name).unwrap();
    let mut cache = HashModuloCache::new();
    let (path, text) = named("dep.drv");
    let mut drv = parse(path, text);
    drv.args.push(b"x".to_vec());
    let error = check_invariants(&store, &drv, path, &mut cache, &mut reader(&files)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "while checking derivation '/nix/store/548a6rq39jc405w6j0l7m162vw46fsk3-dep.drv': derivation has \
         incorrect output '/nix/store/8jwbf2iqmfilb880600kamhd6yr138gs-dep', should be \
         '/nix/store/lc7azv3lyaxagxgclnai4b3lny357a2v-dep'"
    );
    drv.name = "other".into();
    let error = check_invariants(&store, &drv, path, &mut cache, &mut reader(&files)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("has name 'other' which does not match its path"),
        "{error}"
    );
    let (path, text) = named("fixed-recursive.drv");
    let mut drv = parse(path, text);
    drv.env.remove(b"out");
    let error = check_invariants(&store, &drv, path, &mut cache, &mut reader(&files)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("derivation has missing environment variable 'out'"),
        "{error}"
    );
}

#[test]
fn downstream_placeholders() {
    let files = recorded();
    let find = |name: &str| files.iter().find(|(path, _)| path.name() == name).unwrap();
    let input = |name: &str| {
        let (path, text) = find(name);
        String::from_utf8(parse(path, text).env.get(b"input").unwrap().to_vec()).unwrap()
    };
    let floating = find("floating.drv").0;
    let placeholder = DownstreamPlaceholder::unknown_ca_output(floating, "lib").unwrap();
    assert_eq!(placeholder.render(), input("deferred.drv"));
    let producing = find("producing.drv.drv").0;
    let placeholder = DownstreamPlaceholder::unknown_ca_output(producing, "out").unwrap();
    assert_eq!(
        placeholder.unknown_derivation("out").render(),
        input("dynamic.drv")
    );
}

#[test]
fn the_worked_example() {
    let store = StoreDir::default();
    let mut cache = HashModuloCache::new();
    let mut dep = Derivation {
        name: "dep".into(),
        outputs: [("out".to_owned(), DerivationOutput::Deferred)].into(),
        platform: b"x86_64-linux".to_vec(),
        builder: b"/bin/sh".to_vec(),
        ..Derivation::default()
    };
    for (name, value) in [
        ("builder", "/bin/sh"),
        ("name", "dep"),
        ("system", "x86_64-linux"),
        ("out", ""),
    ] {
        dep.env
            .insert(name.as_bytes().to_vec(), value.as_bytes().to_vec());
    }
    let made = instantiate(&store, &mut dep, &mut cache, &mut unreachable_reader).unwrap();
    assert_eq!(
        made.drv_path.base_name(),
        "548a6rq39jc405w6j0l7m162vw46fsk3-dep.drv"
    );
    assert_eq!(
        cache.get(&made.drv_path).unwrap().hash.to_base16(),
        "5ef7adcb807cba25a6d64e530fc0158259e658b188f34e217a4fe402ea8e9612"
    );

    let hello = StorePath::from_base_name("i9pmrzmpshapij2kin22pff6fc2adavx-hello.txt").unwrap();
    let mut top = Derivation {
        name: "top".into(),
        input_drvs: [(made.drv_path.clone(), ["out"].into())].into(),
        input_srcs: [hello].into(),
        ..dep.clone()
    };
    top.outputs.insert("out".into(), DerivationOutput::Deferred);
    let top = instantiate(&store, &mut top, &mut cache, &mut unreachable_reader).unwrap();
    assert!(cache.get(&top.drv_path).is_some());

    let missing: [&str; 1] = ["nothing"];
    let mut bad = Derivation {
        name: "bad".into(),
        input_drvs: [(made.drv_path, missing.into())].into(),
        ..dep
    };
    bad.outputs.insert("out".into(), DerivationOutput::Deferred);
    let error = instantiate(&store, &mut bad, &mut cache, &mut unreachable_reader).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no hash for output 'nothing' of derivation 'bad'"
    );
}

#[test]
fn a_long_chain_needs_no_stack() {
    let store = StoreDir::default();
    let mut files = BTreeMap::new();
    let mut cache = HashModuloCache::new();
    let mut input: Option<StorePath> = None;
    let make = |index: usize, input: &Option<StorePath>| Derivation {
        name: format!("link-{index}"),
        outputs: [("out".to_owned(), DerivationOutput::Deferred)].into(),
        input_drvs: input.iter().map(|path| (path.clone(), ["out"].into())).collect(),
        ..Derivation::default()
    };
    for index in 0..20_000 {
        let made = instantiate(
            &store,
            &mut make(index, &input),
            &mut cache,
            &mut unreachable_reader,
        )
        .unwrap();
        files.insert(made.drv_path.clone(), made.text);
        input = Some(made.drv_path);
    }
    let last = make(20_000, &input);
    let warm = instantiate(&store, &mut last.clone(), &mut cache, &mut unreachable_reader).unwrap();
    let mut cold = HashModuloCache::new();
    let again = instantiate(&store, &mut last.clone(), &mut cold, &mut reader(&files)).unwrap();
    assert_eq!(warm, again);
    assert_eq!(cold.len(), 20_001);
}

#[test]
fn damaged_texts_are_refused() {
    let store = StoreDir::default();
    let message = |text: &[u8]| aterm::parse(&store, text, "x").unwrap_err().to_string();
    assert_eq!(message(b""), "file is empty (possible filesystem corruption)");
    assert_eq!(message(b"x"), "expected string 'D'");
    assert_eq!(
        message(b"Dx"),
        "derivation does not start with 'Derive' or 'DrvWithVersion'"
    );
    assert_eq!(message(b"Derive(x"), "expected string '['");
    assert_eq!(
        message(b"DrvWithVersion(\"y\","),
        "Unknown derivation ATerm format version 'y'"
    );
    assert_eq!(message(b"Derive([(\"out"), "unterminated string in derivation");
    assert_eq!(message(b"Derive([(\"out\\"), "unterminated string in derivation");
    assert_eq!(message(b"Derive([],[(\"x\",[])"), "bad path 'x' in derivation");
    assert_eq!(
        message(b"Derive([(\"out\",\"x\",\"\",\"\")"),
        "bad path 'x' in derivation"
    );
    assert_eq!(
        message(b"Derive([(\"out\",\"/x\",\"sha256\",\"\")"),
        "content-addressing derivation output should not specify output path"
    );
    assert_eq!(
        message(b"Derive([(\"out\",\"/x\",\"r:sha256\",\"impure\")"),
        "impure derivation output should not specify output path"
    );
    assert_eq!(
        message(b"Derive([],[],[],\"\",\"\",[],[])x"),
        "derivation is followed by other data"
    );
    for (path, text) in recorded() {
        for end in 0..text.len() {
            assert!(
                aterm::parse(&store, &text[..end], path.name()).is_err(),
                "{path:?} cut at {end}"
            );
        }
    }
    // Nesting without an end must not exhaust the stack.
    let mut deep =
        b"DrvWithVersion(\"xp-dyn-drv\",[],[(\"/nix/store/548a6rq39jc405w6j0l7m162vw46fsk3-dep.drv\","
            .to_vec();
    deep.extend(b"([],[(\"a\",".repeat(100_000));
    assert_eq!(message(&deep), "inputDrvs of derivation nest too deeply");
}

/// Numbers that look random, always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn bytes(&mut self) -> Vec<u8> {
        let special = b"\"\\\n\r\t$' \0\xff";
        (0..self.below(12))
            .map(|_| match self.below(2) {
                0 => special[self.below(special.len() as u64) as usize],
                _ => self.below(256) as u8,
            })
            .collect()
    }

    fn path(&mut self) -> StorePath {
        let digest = std::array::from_fn(|_| self.below(256) as u8);
        StorePath::from_digest(&digest, &format!("p{}.drv", self.below(100))).unwrap()
    }

    fn output(&mut self) -> DerivationOutput {
        let method = [
            ContentAddressMethod::Text,
            ContentAddressMethod::Flat,
            ContentAddressMethod::NixArchive,
            ContentAddressMethod::Git,
        ][self.below(4) as usize];
        let algorithm = [HashAlgorithm::Sha256, HashAlgorithm::Sha1][self.below(2) as usize];
        match self.below(5) {
            0 => DerivationOutput::Deferred,
            1 => DerivationOutput::Floating { method, algorithm },
            2 => DerivationOutput::Impure { method, algorithm },
            3 => DerivationOutput::InputAddressed(self.path()),
            _ => {
                // Texts have no other algorithm.
                let algorithm = match method {
                    ContentAddressMethod::Text => HashAlgorithm::Sha256,
                    _ => algorithm,
                };
                let hash = Hash::of(algorithm, &self.bytes());
                DerivationOutput::Fixed(ContentAddress { method, hash })
            }
        }
    }

    fn inputs(&mut self, depth: u64) -> InputOutputs {
        InputOutputs {
            outputs: (0..self.below(3))
                .map(|_| format!("o{}", self.below(9)))
                .collect(),
            dynamic: (0..self.below(depth + 1))
                .map(|_| (format!("d{}", self.below(9)), self.inputs(depth - 1)))
                .collect(),
        }
    }
}

#[test]
fn any_derivation_survives_writing_and_reading() {
    let store = StoreDir::default();
    let mut random = Random(3);
    for _ in 0..500 {
        let depth = random.below(3);
        let drv = Derivation {
            name: "x".into(),
            outputs: (0..1 + random.below(3))
                .map(|i| (format!("out{i}"), random.output()))
                .collect(),
            input_drvs: (0..random.below(4))
                .map(|_| (random.path(), random.inputs(depth)))
                .collect(),
            input_srcs: (0..random.below(4)).map(|_| random.path()).collect(),
            platform: b"x86_64-linux".to_vec(),
            builder: random.bytes(),
            args: (0..random.below(4)).map(|_| random.bytes()).collect(),
            env: (0..random.below(6))
                .map(|_| (random.bytes(), random.bytes()))
                .collect(),
        };
        let text = drv.to_aterm(&store).unwrap();
        assert_eq!(aterm::parse(&store, &text, "x").unwrap(), drv);
        // Damage is found or gives another derivation, but never does harm.
        for _ in 0..20 {
            let mut damaged = text.clone();
            let index = random.below(text.len() as u64) as usize;
            damaged[index] = random.below(256) as u8;
            let _ = aterm::parse(&store, &damaged, "x");
        }
    }
}

#[test]
fn the_environment_for_a_shell() {
    let drv = Derivation {
        args: vec![b"-e".to_vec(), b"it's".to_vec()],
        env: [(b"a".to_vec(), b"x y".to_vec()), (b"b".to_vec(), b"".to_vec())].into(),
        ..Derivation::default()
    };
    assert_eq!(
        String::from_utf8(drv.print_env()).unwrap(),
        "export a; a='x y'\nexport b; b=''\nexport _args; _args='-e it'\\''s'\n"
    );
}
