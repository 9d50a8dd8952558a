//! Users that builders run as, so that they can harm neither the store nor each other.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nivis_store::io_error::IoError;
use nix::unistd::{Gid, Group, Uid, User};

use crate::failure::{BuildFailure, FailureKind};
use crate::settings::BuildSettings;

/// How many users a build can have.
pub(crate) const IDS_PER_BUILD: u32 = 65536;

/// A user, or a range of them, that one build has for itself. Free again when dropped.
#[derive(Debug)]
pub(crate) struct BuildUser {
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
    pub(crate) supplementary: Vec<Gid>,
    /// How many users there are from `uid` on.
    pub(crate) count: u32,
    _lock: File,
}

/// Whether builds run as users of their own.
pub(crate) fn uses_build_users(settings: &BuildSettings) -> bool {
    nix::unistd::geteuid().is_root()
        && (!settings.build_users_group.is_empty() || settings.auto_allocate_uids)
}

/// Take a free build user. If there is none, the failure says so and the build can be tried later.
pub(crate) fn acquire(
    settings: &BuildSettings,
    state_dir: &Path,
    count: u32,
    has_user_namespace: bool,
) -> Result<BuildUser, BuildFailure> {
    let found = if settings.auto_allocate_uids {
        acquire_allocated(settings, &state_dir.join("userpool2"), count, has_user_namespace)?
    } else {
        acquire_member(settings, &state_dir.join("userpool"))?
    };
    found.ok_or_else(|| BuildFailure::new(FailureKind::NoBuildUser, "waiting for a free build user ID"))
}

fn try_lock(folder: &Path, name: &str) -> Result<Option<File>, BuildFailure> {
    std::fs::create_dir_all(folder).map_err(|error| IoError::at("creating directory", folder, error))?;
    let path = folder.join(name);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| IoError::at("opening user lock", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(IoError::at("locking", &path, error).into()),
    }
}

fn find_group(name: &str) -> Result<Group, BuildFailure> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group),
        _ => Err(BuildFailure::other(format!(
            "the group '{name}' specified in 'build-users-group' does not exist"
        ))),
    }
}

fn acquire_member(settings: &BuildSettings, pool: &Path) -> Result<Option<BuildUser>, BuildFailure> {
    let group_name = &settings.build_users_group;
    let group = find_group(group_name)?;
    if group.mem.is_empty() {
        return Err(BuildFailure::other(format!(
            "the build users group '{group_name}' has no members"
        )));
    }
    for name in &group.mem {
        let Ok(Some(user)) = User::from_name(name) else {
            return Err(BuildFailure::other(format!(
                "the user '{name}' in the group '{group_name}' does not exist"
            )));
        };
        let Some(lock) = try_lock(pool, &user.uid.to_string())? else {
            continue;
        };
        if user.uid.is_root() || user.uid == nix::unistd::getuid() {
            return Err(BuildFailure::other(format!(
                "the Nix user should not be a member of '{group_name}'"
            )));
        }
        // Groups such as `kvm` are kept.
        let groups = std::ffi::CString::new(user.name.as_str())
            .ok()
            .and_then(|name| nix::unistd::getgrouplist(&name, user.gid).ok())
            .unwrap_or_default();
        return Ok(Some(BuildUser {
            uid: user.uid,
            gid: group.gid,
            supplementary: groups.into_iter().filter(|gid| *gid != group.gid).collect(),
            count: 1,
            _lock: lock,
        }));
    }
    Ok(None)
}

/// Take a number that no user has, for root to build as when nobody says otherwise. `None` if there is none here.
pub(crate) fn acquire_spare(
    settings: &BuildSettings,
    state_dir: &Path,
) -> Result<Option<BuildUser>, BuildFailure> {
    let pool = state_dir.join("userpool2");
    let last = settings.start_id.saturating_add(settings.id_count);
    if !["uid_map", "gid_map"]
        .iter()
        .all(|map| is_mapped(map, settings.start_id, last))
    {
        return Ok(None);
    }
    for slot in 0..settings.id_count / IDS_PER_BUILD {
        let id = settings.start_id + slot * IDS_PER_BUILD;
        if matches!(User::from_uid(Uid::from_raw(id)), Ok(Some(_))) {
            continue;
        }
        if let Some(lock) = try_lock(&pool, &format!("slot-{slot}"))? {
            return Ok(Some(BuildUser {
                uid: Uid::from_raw(id),
                gid: Gid::from_raw(id),
                supplementary: Vec::new(),
                count: 1,
                _lock: lock,
            }));
        }
    }
    Ok(None)
}

/// Whether all those numbers exist here: a container may have few.
fn is_mapped(map: &str, first: u32, last: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/self/{map}")).unwrap_or_default();
    text.lines().any(|line| {
        let fields: Vec<u64> = line.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect();
        matches!(fields[..], [start, _, count] if start <= u64::from(first) && u64::from(last) <= start + count)
    })
}

fn acquire_allocated(
    settings: &BuildSettings,
    pool: &Path,
    count: u32,
    has_user_namespace: bool,
) -> Result<Option<BuildUser>, BuildFailure> {
    if !settings.experimental_features.contains("auto-allocate-uids") {
        return Err(BuildFailure::other(
            "experimental Nix feature 'auto-allocate-uids' is disabled; add '--extra-experimental-features auto-allocate-uids' to enable it",
        ));
    }
    for slot in 0..settings.id_count / IDS_PER_BUILD {
        let Some(lock) = try_lock(pool, &format!("slot-{slot}"))? else {
            continue;
        };
        let first = settings.start_id.saturating_add(slot * IDS_PER_BUILD);
        if let Ok(Some(user)) = User::from_uid(Uid::from_raw(first)) {
            return Err(BuildFailure::other(format!(
                "auto-allocated UID {first} clashes with existing user account '{}'",
                user.name
            )));
        }
        let gid = if has_user_namespace {
            Gid::from_raw(first)
        } else {
            find_group(&settings.build_users_group)?.gid
        };
        return Ok(Some(BuildUser {
            uid: Uid::from_raw(first),
            gid,
            supplementary: Vec::new(),
            count,
            _lock: lock,
        }));
    }
    Ok(None)
}
