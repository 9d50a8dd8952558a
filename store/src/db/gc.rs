//! The statements of garbage collection, which works with the numbers of paths: a million references must fit.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use rustc_hash::FxHashMap;

use super::{Attempt, Db, QUERY_ID};
use crate::error::StoreError;
use crate::path::StorePath;

const ALL_PATHS: &str = "select id, path, narSize, registrationTime from ValidPaths";
const REFERRERS: &str = "select referrer from Refs where reference = ?1 and referrer <> ?1";
const DERIVERS: &str = "select drv from DerivationOutputs where path = ?";
// An output counts as that of the derivation which made it, not of all those that could have.
const OUTPUTS: &str = "select v.id from DerivationOutputs o join ValidPaths v on v.path = o.path \
    where o.drv = ? and v.deriver = ?";
// Outputs whose paths come from their contents are not among those of derivations.
const MADE: &str = "select deriver, id from ValidPaths where ca is not null and deriver is not null";
const HAS_REFERRERS: &str = "select 1 from Refs where reference = ?1 and referrer <> ?1 limit 1";
const DELETE: &str = "delete from ValidPaths where id = ?";

/// A valid path as garbage collection knows it.
#[derive(Debug)]
pub(crate) struct PathRow {
    pub(crate) id: i64,
    pub(crate) path: StorePath,
    pub(crate) nar_size: u64,
    pub(crate) registration_time: i64,
}

/// What is to be taken out of the database.
pub(crate) struct Doomed<'a> {
    /// Its number, if it was valid when that was asked.
    pub(crate) id: Option<i64>,
    pub(crate) path: &'a StorePath,
}

impl Db {
    /// For a collector, which has the database open for itself: every change is on disk before the files that
    /// it is about are deleted, and nothing is written but the database.
    pub(crate) fn prepare_for_collecting(&self, durable: bool) -> Result<(), StoreError> {
        self.retry(|connection| {
            connection.pragma_update(None, "temp_store", "memory")?;
            if durable {
                connection.pragma_update(None, "synchronous", "full")?;
            }
            Ok(())
        })
    }

    /// All valid paths. A name that cannot be is an error.
    pub(crate) fn path_rows(&self) -> Result<Vec<PathRow>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(ALL_PATHS)?;
            let mut rows = query.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let path = row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?;
                found.push(PathRow {
                    id: row.get(0)?,
                    path: self.store_dir.parse(path).map_err(StoreError::from)?,
                    nar_size: row.get::<_, Option<i64>>(2)?.unwrap_or(0).try_into().unwrap_or(0),
                    registration_time: row.get(3)?,
                });
            }
            Ok(found)
        })
    }

    /// The numbers of the paths that refer to a path, itself left out.
    pub(crate) fn referrer_ids(&self, id: i64) -> Result<Vec<i64>, StoreError> {
        self.retry(|connection| ids(connection, REFERRERS, [id]))
    }

    /// The numbers of the valid derivations that have a path for an output.
    pub(crate) fn deriver_ids(&self, path: &StorePath) -> Result<Vec<i64>, StoreError> {
        self.retry(|connection| ids(connection, DERIVERS, [self.print(path)]))
    }

    /// The numbers of the outputs that were made by a derivation.
    pub(crate) fn made_output_ids(&self, id: i64, drv: &StorePath) -> Result<Vec<i64>, StoreError> {
        self.retry(|connection| ids(connection, OUTPUTS, params![id, self.print(drv)]))
    }

    /// The derivations that made content-addressed paths, each with the numbers of these.
    pub(crate) fn content_addressed_outputs(&self) -> Result<FxHashMap<StorePath, Vec<i64>>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare(MADE)?;
            let mut rows = query.query([])?;
            let mut made: FxHashMap<StorePath, Vec<i64>> = FxHashMap::default();
            while let Some(row) = rows.next()? {
                let deriver = row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?;
                // A deriver that is no path makes nothing.
                if let Ok(deriver) = self.store_dir.parse(deriver) {
                    made.entry(deriver).or_default().push(row.get(1)?);
                }
            }
            Ok(made)
        })
    }

    /// Make paths invalid, in one transaction, in that order: referrers come first. Says of each whether it is
    /// invalid now. Not so what has got a new referrer, or has become valid, meanwhile.
    pub(crate) fn invalidate(&self, doomed: &[Doomed<'_>]) -> Result<Vec<bool>, StoreError> {
        self.transaction(TransactionBehavior::Immediate, |connection| {
            let mut query_id = connection.prepare_cached(QUERY_ID)?;
            let mut has_referrers = connection.prepare_cached(HAS_REFERRERS)?;
            let mut delete = connection.prepare_cached(DELETE)?;
            let mut results = Vec::with_capacity(doomed.len());
            for Doomed { id, path } in doomed {
                let printed = self.print(path);
                let now: Option<i64> = query_id.query_row([&printed], |row| row.get(0)).optional()?;
                let invalid = match now {
                    None => true,
                    Some(now) if Some(now) == *id && !has_referrers.exists([now])? => {
                        delete.execute([now])?;
                        true
                    }
                    Some(_) => false,
                };
                results.push(invalid);
            }
            Ok(results)
        })
    }
}

fn ids(connection: &Connection, query: &str, params: impl rusqlite::Params) -> Attempt<Vec<i64>> {
    let mut query = connection.prepare_cached(query)?;
    let rows = query.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
