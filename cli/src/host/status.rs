//! The status of a file, as far as it tells whether the file is still what it was.
//!
//! It includes the time of the last change of any kind, which no program can set, and counts only if that time was well in the
//! past when the file was read.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Changes within so many seconds may not show in the status.
const SETTLED: i64 = 2;

/// The status of a file, if changes of it would show: not if it has just been changed.
pub(super) fn settled_status(metadata: io::Result<Metadata>) -> Option<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(0));
    let metadata = metadata.ok()?;
    (metadata.ctime() + SETTLED < now).then(|| status(&metadata))
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
