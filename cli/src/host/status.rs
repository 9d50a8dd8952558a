//! The status of a file, as far as it tells whether the file is still what it was.
//!
//! It includes the time of the last change of any kind, which no program can set, and counts only if that time was well in the
//! past when the file was read.

use nivis_store::hash::{HashAlgorithm, Hasher};
use rustix::fs::{FsWord, statfs};
use std::cell::RefCell;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Kinds of file systems whose files others may change while this machine goes on to report the old status: those of
/// networks, and programs' own.
const SHARED: [FsWord; 9] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2
    0x6573_5546, // FUSE
    0x0102_1997, // 9P
    0x5346_414f, // AFS
    0x00c3_6400, // Ceph
    0x786f_4256, // shared folders of VirtualBox
];

/// Changes within so many seconds may not show in the status.
const SETTLED: i64 = 2;

/// The status of the file at a place, if changes of the file would show in it.
pub(super) fn settled_status(place: &Path, metadata: &Metadata) -> Option<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(0));
    let has_settled = metadata.ctime() + SETTLED < now;
    // Images of file systems and some networks have made-up times, in whole seconds: two of them may be mounted one
    // after the other and look the same.
    let is_made_up = metadata.ctime_nsec() == 0;
    (has_settled && !is_made_up && !is_shared(metadata.dev(), place)).then(|| status(metadata))
}

/// What something that was learned of a file is kept under: its path, its status, and what kind of thing it is. `None` if
/// the file may change without showing it.
pub(super) fn status_key(kind: &str, place: &Path, metadata: &Metadata) -> Option<[u8; 32]> {
    let mut hasher = Hasher::new(HashAlgorithm::Blake3);
    hasher.update(kind.as_bytes());
    hasher.update(&[0]);
    hasher.update(&settled_status(place, metadata)?);
    hasher.update(place.as_os_str().as_bytes());
    hasher.finish().as_bytes().first_chunk().copied()
}

thread_local! {
    /// Devices that were looked at, and whether others may change what is on them.
    static DEVICES: RefCell<Vec<(u64, bool)>> = const { RefCell::new(vec![]) };
}

/// Whether others may change the files of a device. `place` is one of them.
fn is_shared(device: u64, place: &Path) -> bool {
    DEVICES.with_borrow_mut(|devices| {
        if let Some(&(_, is_shared)) = devices.iter().find(|(known, _)| *known == device) {
            return is_shared;
        }
        let is_shared = statfs(place).map_or(true, |found| SHARED.contains(&found.f_type));
        devices.push((device, is_shared));
        is_shared
    })
}

pub(super) fn status(metadata: &Metadata) -> Vec<u8> {
    let numbers = [
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        metadata.mode().into(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    ];
    numbers.into_iter().flat_map(u64::to_le_bytes).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    /// Waits until the status of a file that was just changed says something.
    pub(crate) fn settle() {
        sleep(Duration::from_secs(4));
    }
}
