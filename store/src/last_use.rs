//! When paths were last used: built with, realised, entered with a shell. Garbage collection asks, so as to delete
//! first what was not used for the longest time.
//!
//! C++ Nix has no place for this, and the tables that both programs share stay as they are: it is a database of
//! its own, beside the other. Losing it loses nothing but the order of deletion, so nothing is waited for and no failure
//! is told of.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::LocalStore;
use crate::config::StoreConfig;
use crate::path::StorePath;

/// What was recorded so long ago is recorded again, in seconds: an order of days is fine enough.
const GRANULARITY: i64 = 12 * 3600;

const CREATE: &str =
    "create table if not exists LastUses (path text primary key, time integer not null) without rowid";
const RECORD: &str = "insert into LastUses (path, time) values (?1, ?2) \
    on conflict (path) do update set time = ?2 where time < ?2 - ?3";
const ALL: &str = "select path, time from LastUses";
const FORGET: &str = "delete from LastUses where path = ?";

impl LocalStore {
    /// Note that paths are used now. What they refer to need not be named: it lasts as long as they do.
    pub fn record_use<'a>(&self, paths: impl IntoIterator<Item = &'a StorePath>) {
        let mut paths = paths.into_iter().peekable();
        if !self.config().read_only && paths.peek().is_some() {
            let _ = record(self.config(), paths);
        }
    }
}

fn file(config: &StoreConfig) -> PathBuf {
    config.state_dir.join("db/last-use.sqlite")
}

fn open(config: &StoreConfig, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file(config), flags)?;
    connection.busy_timeout(Duration::from_millis(200))?;
    connection.pragma_update(None, "synchronous", "off")?;
    Ok(connection)
}

fn record<'a>(config: &StoreConfig, paths: impl Iterator<Item = &'a StorePath>) -> rusqlite::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs() as i64);
    let mut connection = open(config, OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.execute_batch(CREATE)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut record = transaction.prepare(RECORD)?;
    for path in paths {
        record.execute(params![path.base_name(), now, GRANULARITY])?;
    }
    drop(record);
    transaction.commit()
}

/// The recorded uses, in seconds since 1970.
pub(crate) fn all(config: &StoreConfig) -> Vec<(StorePath, i64)> {
    let read = || -> rusqlite::Result<Vec<(StorePath, i64)>> {
        let connection = open(config, OpenFlags::empty())?;
        let mut query = connection.prepare(ALL)?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let parsed = rows.flatten().filter_map(|(path, time)| {
            let path = StorePath::from_base_name(path).ok()?;
            Some((path, time))
        });
        Ok(parsed.collect())
    };
    read().unwrap_or_default()
}

/// Forget paths that are gone.
pub(crate) fn forget<'a>(config: &StoreConfig, base_names: impl Iterator<Item = &'a str>) {
    let forget = || -> rusqlite::Result<()> {
        let mut connection = open(config, OpenFlags::empty())?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut forget = transaction.prepare(FORGET)?;
        for name in base_names {
            forget.execute([name])?;
        }
        drop(forget);
        transaction.commit()
    };
    let _ = forget();
}
