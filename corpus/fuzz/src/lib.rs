//! What the targets that evaluate share: an evaluator in memory that gives up after some work, and changes to programs.

pub mod mutate;
pub mod scratch;

use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::heap::OutOfMemory;
use nivis_eval::host::{
    CodeCache, FileType, Host, Level, MemoryHost, RealisedOutputs, Source, WantedOutputs,
};
use nivis_eval::settings::Settings;
use nivis_store::derivation::{Derivation, Instantiated};
use nivis_store::hash::Hash;
use nivis_store::path::{StoreDir, StorePath};
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// How often evaluation may ask whether it should stop: every some thousand calls.
const POLLS: u32 = 16;

/// How much native stack evaluation may use: less than the usual limit of a process.
const STACK: usize = 6 << 20;

/// A heap larger than this is left behind.
const LARGE_HEAP: usize = 64 << 20;

/// How large a heap may be.
const LIMIT: usize = 4 * LARGE_HEAP;

/// The host in memory, interrupting evaluation after [`POLLS`] questions.
struct LimitedHost {
    host: MemoryHost,
    polls: Rc<Cell<u32>>,
}

impl Host for LimitedHost {
    fn code_cache(&self) -> Option<&dyn CodeCache> {
        self.host.code_cache()
    }

    fn interrupted(&self) -> bool {
        let polls = self.polls.get();
        self.polls.set(polls.saturating_add(1));
        polls >= POLLS
    }

    fn message(&self, _: Level, _: &str) {}

    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        self.host.read_file(path)
    }

    fn file_type(&self, path: &[u8]) -> io::Result<Option<FileType>> {
        self.host.file_type(path)
    }

    fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        self.host.read_link(path)
    }

    fn read_dir(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, FileType)>> {
        self.host.read_dir(path)
    }

    fn environment(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.host.environment(name)
    }

    fn current_time(&self) -> i64 {
        self.host.current_time()
    }

    fn store_dir(&self) -> &StoreDir {
        self.host.store_dir()
    }

    fn add_text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath> {
        self.host.add_text(name, text, references)
    }

    fn add_source(&self, source: Source<'_>) -> Result<(StorePath, Hash)> {
        self.host.add_source(source)
    }

    fn add_derivation(&self, derivation: &Derivation, made: &Instantiated) -> Result<()> {
        self.host.add_derivation(derivation, made)
    }

    fn read_derivation(&self, path: &StorePath) -> Result<Vec<u8>> {
        self.host.read_derivation(path)
    }

    fn is_valid_path(&self, path: &StorePath) -> Result<bool> {
        self.host.is_valid_path(path)
    }

    fn ensure_path(&self, path: &StorePath) -> Result<()> {
        self.host.ensure_path(path)
    }

    fn references(&self, path: &StorePath) -> Result<Vec<StorePath>> {
        self.host.references(path)
    }

    fn realise(&self, wanted: &[WantedOutputs<'_>]) -> Result<RealisedOutputs> {
        self.host.realise(wanted)
    }
}

thread_local! {
    static EVALUATOR: RefCell<Option<(Evaluator, Rc<Cell<u32>>)>> = const { RefCell::new(None) };
}

fn new_evaluator() -> (Evaluator, Rc<Cell<u32>>) {
    let (ev, polls) = uninstalled_evaluator(MemoryHost::new());
    nivis_primops::install(&ev).expect("the base scope can be defined");
    (ev, polls)
}

/// An evaluator over a host, whose base scope is still to be defined, and how often it asked whether it should stop.
pub fn uninstalled_evaluator(mut host: MemoryHost) -> (Evaluator, Rc<Cell<u32>>) {
    for (name, contents) in [("default.nix", "{ x ? 1 }: x"), ("sub/a.txt", "hello\n")] {
        let path = format!("/dir/{name}");
        host.files.insert(path.into_bytes(), contents.as_bytes().to_vec());
    }
    let polls = Rc::new(Cell::new(0));
    let host = LimitedHost {
        host,
        polls: polls.clone(),
    };
    let settings = Settings {
        max_call_depth: 200,
        features: ["pipe-operators".to_owned()].into(),
        ..Settings::default()
    };
    let ev = Evaluator::new(Box::new(host), settings);
    ev.heap.set_limit(LIMIT);
    ev.set_native_stack(STACK);
    (ev, polls)
}

/// Runs `body` with an evaluator that was used before: its heap is never freed, so there can't be one for each
/// input.
pub fn with_evaluator(body: impl FnOnce(&Evaluator)) {
    let (ev, polls) = EVALUATOR
        .take()
        .filter(|(ev, _)| ev.heap.reserved_bytes() < LARGE_HEAP)
        .unwrap_or_else(new_evaluator);
    polls.set(0);
    ev.set_native_stack(STACK);
    match catch_unwind(AssertUnwindSafe(|| body(&ev))) {
        Ok(()) => EVALUATOR.set(Some((ev, polls))),
        Err(cause) if cause.is::<OutOfMemory>() => {}
        Err(cause) => resume_unwind(cause),
    }
}

/// Defines how a target's programs are changed: half of the time token by token.
#[macro_export]
macro_rules! programs {
    () => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            let mut random = $crate::mutate::Random::new(seed);
            if random.below(2) == 0 {
                let changed = $crate::mutate::change(&data[..size], &data[..size], &mut random);
                if changed.len() <= max_size {
                    data[..changed.len()].copy_from_slice(&changed);
                    return changed.len();
                }
            }
            libfuzzer_sys::fuzzer_mutate(data, size, max_size)
        });

        libfuzzer_sys::fuzz_crossover!(|data1: &[u8], data2: &[u8], out: &mut [u8], seed: u32| {
            let mut random = $crate::mutate::Random::new(seed);
            let changed = $crate::mutate::change(data1, data2, &mut random);
            let size = changed.len().min(out.len());
            out[..size].copy_from_slice(&changed[..size]);
            size
        });
    };
}
