//! The cache of code: what files were lowered to, so that a later process need not parse them.
//!
//! A process writes what it had to parse to a file of its own, a pack ([`pack`]), and renames it into place: packs never
//! change, so nobody has to wait for anybody, and what is broken off is no pack. A new pack takes in the ones before it that are
//! not much bigger, so there are few. Each program has packs of its own: another version may lower to something else.

mod pack;

use crate::program;
use nivis_eval::host::CodeCache;
use nivis_store::hash::Hash;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use pack::{Key, Pack, PackWriter};
use rustc_hash::FxHashSet;
use std::cell::{OnceCell, RefCell};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many bytes all packs may have together. A whole nixpkgs takes 100 MB.
const LIMIT: u64 = 512 << 20;
/// A pack takes in those before it that are at most this many times as big.
const TAKE_IN_FACTOR: u64 = 2;
const SUFFIX: &str = ".pack";
const LOCK: &str = "lock";
/// What a process left behind that was killed while it wrote is removed after this time.
const LEFT_BEHIND_AFTER: Duration = Duration::from_hours(24);

/// The cache in a folder.
pub(crate) struct CodeFolder {
    folder: PathBuf,
    /// What the names of this program's packs start with.
    program: OnceCell<String>,
    packs: OnceCell<Vec<Pack>>,
    new: RefCell<New>,
}

/// What is to be written.
#[derive(Default)]
struct New {
    /// `None` as long as nothing is, and after a failure.
    writer: Option<PackWriter>,
    /// The starts of the keys, which tell them apart, as they are hashes.
    keys: FxHashSet<u64>,
    has_failed: bool,
}

fn start_of(key: &Key) -> u64 {
    u64::from_le_bytes(*key.first_chunk().expect("32 bytes"))
}

impl CodeFolder {
    /// Looks at nothing before it is needed.
    pub(crate) fn new(folder: PathBuf) -> CodeFolder {
        CodeFolder {
            folder,
            program: OnceCell::new(),
            packs: OnceCell::new(),
            new: RefCell::default(),
        }
    }

    fn program(&self) -> &str {
        self.program
            .get_or_init(|| Hash::sha256(program::identity().as_bytes()).to_nix32()[..16].to_owned())
    }

    /// The packs that there are, from the smallest to the biggest.
    fn packs(&self) -> &[Pack] {
        self.packs.get_or_init(|| self.open_packs().unwrap_or_default())
    }

    fn open_packs(&self) -> io::Result<Vec<Pack>> {
        // Code that another user can write is not to be trusted.
        if !is_private(&self.folder) {
            return Ok(vec![]);
        }
        let mut packs = vec![];
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().into_string().unwrap_or_default();
            if name.starts_with(self.program()) && name.ends_with(SUFFIX) {
                // What is no pack, or a broken one, holds nothing.
                packs.extend(Pack::open(self.folder.join(name)).ok());
            }
        }
        packs.sort_by_key(Pack::size);
        Ok(packs)
    }

    /// Writes what is new.
    fn write(&self) -> io::Result<()> {
        let New { writer, mut keys, .. } = self.new.take();
        let Some(mut writer) = writer else {
            return Ok(());
        };
        writer.write_rest()?;
        let lock = File::create(self.folder.join(LOCK))?;
        // Who cannot have the lock leaves the packs that there are alone.
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).ok();
        let mut taken_in = vec![];
        if lock.is_some() {
            // Others may have written since this process looked.
            for pack in self.open_packs()? {
                if pack.size() > TAKE_IN_FACTOR * writer.size() {
                    break;
                }
                // Processes that ran at the same time wrote the same.
                pack.each(|key, code| match keys.insert(start_of(key)) {
                    true => writer.add(key, code),
                    false => Ok(()),
                })?;
                taken_in.push(pack);
            }
        }
        writer.finish(self.program(), SUFFIX)?;
        for pack in taken_in {
            fs::remove_file(pack.path())?;
        }
        if lock.is_some() {
            self.keep_within(LIMIT)?;
        }
        Ok(())
    }

    /// Removes the packs of any program that were written longest ago, until the others are small enough together, and what
    /// never became a pack.
    fn keep_within(&self, limit: u64) -> io::Result<()> {
        let left_behind = SystemTime::now() - LEFT_BEHIND_AFTER;
        let mut packs = vec![];
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let (name, metadata) = (entry.file_name(), entry.metadata()?);
            let modified = metadata.modified()?;
            if name.to_string_lossy().ends_with(SUFFIX) {
                packs.push((modified, metadata.len(), entry.path()));
            } else if name != LOCK && modified < left_behind {
                fs::remove_file(entry.path())?;
            }
        }
        packs.sort_unstable();
        let mut total: u64 = packs.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in packs {
            if total <= limit {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }
}

impl CodeCache for CodeFolder {
    fn find(&self, key: &Key) -> Option<Vec<u8>> {
        self.packs().iter().rev().find_map(|pack| pack.find(key))
    }

    fn keep(&self, key: &Key, code: Vec<u8>) {
        let mut new = self.new.borrow_mut();
        if new.has_failed || !new.keys.insert(start_of(key)) {
            return;
        }
        let writer = new.writer.get_or_insert_with(|| PackWriter::new(&self.folder));
        // A cache that cannot be written is one that forgets.
        if writer.add(key, &code).is_err() {
            *new = New {
                has_failed: true,
                ..New::default()
            };
        }
    }
}

impl Drop for CodeFolder {
    fn drop(&mut self) {
        let _ = self.write();
    }
}

/// Whether a folder is the user's own, and nobody else can write to it.
fn is_private(folder: &Path) -> bool {
    fs::metadata(folder)
        .is_ok_and(|metadata| metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u32) -> Key {
        *Hash::sha256(&i.to_le_bytes())
            .as_bytes()
            .first_chunk()
            .expect("32 bytes")
    }

    fn code(i: u32) -> Vec<u8> {
        format!("code {i} ").repeat(1 + i as usize % 50).into_bytes()
    }

    fn fill(folder: &Path, numbers: std::ops::Range<u32>) {
        let cache = CodeFolder::new(folder.to_owned());
        numbers.for_each(|i| cache.keep(&key(i), code(i)));
    }

    fn found(folder: &Path, numbers: std::ops::Range<u32>) -> usize {
        let cache = CodeFolder::new(folder.to_owned());
        let found = numbers.filter(|&i| match cache.find(&key(i)) {
            Some(found) => {
                assert_eq!(found, code(i));
                true
            }
            None => false,
        });
        found.count()
    }

    fn packs(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .filter(|path| path.to_string_lossy().ends_with(SUFFIX))
            .collect()
    }

    #[test]
    fn what_is_kept_is_found_and_packs_stay_few() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path().join("code");
        assert_eq!(found(&folder, 0..10), 0);
        for i in 0..40 {
            fill(&folder, 25 * i..25 * (i + 1));
        }
        assert_eq!(found(&folder, 0..1100), 1000);
        assert!(packs(&folder).len() < 8, "{:?}", packs(&folder));
    }

    #[test]
    fn many_may_write_at_once() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path().join("code");
        std::thread::scope(|scope| {
            for i in 0..8 {
                let folder = &folder;
                scope.spawn(move || {
                    (0..10).for_each(|j| fill(folder, 100 * i + 10 * j..100 * i + 10 * (j + 1)))
                });
            }
        });
        assert_eq!(found(&folder, 0..800), 800);
    }

    #[test]
    fn broken_packs_hold_nothing() {
        let scratch = tempfile::tempdir().expect("a folder");
        fill(scratch.path(), 0..50);
        let [pack] = &packs(scratch.path())[..] else {
            panic!("one pack");
        };
        let whole = fs::read(pack).expect("a pack");
        for i in (0..whole.len()).step_by(7) {
            fs::write(pack, &whole[..i]).expect("written");
            assert_eq!(found(scratch.path(), 0..50), 0, "cut off at {i}");
            let mut changed = whole.clone();
            changed[i] ^= 0x10;
            fs::write(pack, &changed).expect("written");
            // What is found is right, and all but what the change touched is found.
            let left = found(scratch.path(), 0..50);
            assert!(left == 0 || left >= 49, "{left} after a change at {i}");
        }
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let scratch = tempfile::tempdir().expect("a folder");
        fill(scratch.path(), 0..300);
        fill(scratch.path(), 300..310);
        let cache = CodeFolder::new(scratch.path().to_owned());
        cache.keep_within(20_000).expect("removed");
        assert_eq!(found(scratch.path(), 0..310), 10);
    }

    #[test]
    fn what_was_left_behind_goes_after_a_day() {
        let scratch = tempfile::tempdir().expect("a folder");
        for (name, hours) in [("old", 25), ("new", 23), (LOCK, 25)] {
            let file = File::create(scratch.path().join(name)).expect("made");
            file.set_modified(SystemTime::now() - Duration::from_hours(hours))
                .expect("set");
        }
        fill(scratch.path(), 0..5);
        let is_there = |name| scratch.path().join(name).exists();
        assert_eq!(["old", "new", LOCK].map(is_there), [false, true, true]);
    }

    #[test]
    fn much_is_written_on_the_way() {
        let scratch = tempfile::tempdir().expect("a folder");
        let big = |i: u32| code(i).repeat(100);
        let cache = CodeFolder::new(scratch.path().to_owned());
        (0..500).for_each(|i| cache.keep(&key(i), big(i)));
        let left = cache.new.borrow().writer.as_ref().map(PackWriter::size);
        assert!(left.is_some_and(|size| size > 4 << 20));
        assert_eq!(fs::read_dir(scratch.path()).expect("a folder").count(), 1);
        drop(cache);
        let cache = CodeFolder::new(scratch.path().to_owned());
        // In whichever order they are looked for.
        for i in (0..500)
            .chain((0..500).rev())
            .chain((0..500).map(|i| i * 7 % 500))
        {
            assert_eq!(cache.find(&key(i)), Some(big(i)));
        }
    }

    #[test]
    fn a_folder_that_others_can_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = tempfile::tempdir().expect("a folder");
        fill(scratch.path(), 0..5);
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(scratch.path(), open).expect("changed");
        assert_eq!(found(scratch.path(), 0..5), 0);
    }
}
