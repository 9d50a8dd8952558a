//! Reading what can still be read of a database, and making one beside it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OpenFlags};

use super::{Db, InfoRow};
use crate::config::StoreConfig;
use crate::path::{StoreDir, StorePath};
use crate::path_info::PathInfo;

const ALL_INFO: &str =
    "select path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca from ValidPaths";
const ALL_REFERENCES: &str = "select a.path, b.path from Refs \
    join ValidPaths a on referrer = a.id join ValidPaths b on reference = b.id";

/// What an old database still tells.
#[derive(Debug, Default)]
pub(crate) struct Salvage {
    /// What it has of paths, with the references that are left.
    pub(crate) infos: BTreeMap<StorePath, PathInfo>,
    /// Whether nothing of it is lost.
    pub(crate) whole: bool,
}

impl Db {
    /// Read what can be read, however damaged the database is.
    pub(crate) fn salvage(config: &StoreConfig) -> Salvage {
        let file = config.state_dir.join("db/db.sqlite");
        let mut salvage = Salvage::default();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if let Ok(connection) = Connection::open_with_flags(file, flags) {
            let whole = is_whole(&connection);
            let read = salvage.read(&connection, &config.store_dir);
            salvage.whole = whole && read == Ok(true);
        }
        salvage
    }
}

fn is_whole(connection: &Connection) -> bool {
    let answer: rusqlite::Result<String> =
        connection.pragma_query_value(None, "integrity_check", |row| row.get(0));
    answer.is_ok_and(|answer| answer == "ok")
}

impl Salvage {
    /// Reads until something is broken; false if rows made no sense.
    fn read(&mut self, connection: &Connection, store: &StoreDir) -> rusqlite::Result<bool> {
        let mut sound = true;
        let mut query = connection.prepare(ALL_INFO)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let path: String = row.get(0)?;
            let info = store
                .parse(path)
                .ok()
                .and_then(|path| InfoRow::read(row).ok()?.parse(store, &path).ok());
            match info {
                Some(info) => drop(self.infos.insert(info.path.clone(), info)),
                None => sound = false,
            }
        }
        let mut query = connection.prepare(ALL_REFERENCES)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (referrer, reference): (String, String) = (row.get(0)?, row.get(1)?);
            let (Ok(referrer), Ok(reference)) = (store.parse(referrer), store.parse(reference)) else {
                sound = false;
                continue;
            };
            if let Some(info) = self.infos.get_mut(&referrer) {
                info.references.insert(reference);
            }
        }
        Ok(sound)
    }

    /// The references that are known of a path.
    pub(crate) fn references(&self, path: &StorePath) -> BTreeSet<StorePath> {
        self.infos
            .get(path)
            .map(|info| info.references.clone())
            .unwrap_or_default()
    }
}
