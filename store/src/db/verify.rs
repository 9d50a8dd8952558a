//! The statements of verification and repair.

use rusqlite::{ErrorCode, TransactionBehavior, params};

use super::{Db, Failure};
use crate::error::StoreError;
use crate::hash::{Hash, HashFormat};
use crate::path::StorePath;

const ALL_HASHES: &str = "select path, hash, narSize from ValidPaths";
const FORGET: &str = "delete from ValidPaths where path = ?";
const SET_HASH: &str = "update ValidPaths set hash = ?, narSize = ? where path = ?";

/// A path as the database has it, which may be nonsense.
#[derive(Debug)]
pub(crate) struct HashRow {
    pub(crate) path: Vec<u8>,
    pub(crate) hash: String,
    /// Zero if it is not known.
    pub(crate) nar_size: u64,
}

impl Db {
    /// All rows of valid paths, in no order.
    pub(crate) fn hash_rows(&self) -> Result<Vec<HashRow>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(ALL_HASHES)?;
            let rows = query.query_map([], |row| {
                let size: Option<i64> = row.get(2)?;
                Ok(HashRow {
                    path: row.get_ref(0)?.as_bytes()?.to_vec(),
                    hash: row.get(1)?,
                    nar_size: size.and_then(|size| size.try_into().ok()).unwrap_or(0),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Take a path out of the database; false if a valid path refers to it.
    pub(crate) fn forget(&self, path: &StorePath) -> Result<bool, StoreError> {
        let path = self.print(path);
        self.transaction(TransactionBehavior::Immediate, |connection| {
            match connection.prepare_cached(FORGET)?.execute([&path]) {
                Ok(_) => Ok(true),
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
                Err(error) => Err(Failure::from(error)),
            }
        })
    }

    /// Note what the contents of a valid path really are.
    pub(crate) fn set_hash(&self, path: &StorePath, hash: &Hash, size: u64) -> Result<(), StoreError> {
        let (path, hash) = (self.print(path), hash.to_prefixed(HashFormat::Base16));
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        self.transaction(TransactionBehavior::Immediate, |connection| {
            connection
                .prepare_cached(SET_HASH)?
                .execute(params![hash, size, path])?;
            Ok(())
        })
    }
}
