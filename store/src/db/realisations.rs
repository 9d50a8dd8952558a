//! Which outputs of derivations are which paths, where the paths come from the contents.
//!
//! The tables are made when they are first needed, as C++ Nix does when `ca-derivations` is enabled.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{Attempt, Db};
use crate::error::StoreError;
use crate::local_store::OutputId;
use crate::path::StorePath;

const SCHEMA: &str = include_str!("realisations.sql");
const MIGRATION: &str = "20220326-ca-derivations";

const HAS_TABLES: &str = "select 1 from SchemaMigrations where migration = ?";
const QUERY: &str = "select v.path from Realisations r join ValidPaths v on r.outputPath = v.id \
    where r.drvPath = ? and r.outputName = ?";
const REGISTER: &str = "insert into Realisations (drvPath, outputName, outputPath, signatures) \
    values (?, ?, (select id from ValidPaths where path = ?), '')";

fn has_tables(connection: &Connection) -> Attempt<bool> {
    Ok(connection.prepare_cached(HAS_TABLES)?.exists([MIGRATION])?)
}

impl Db {
    /// The valid path that an output is known to be.
    pub(crate) fn realisation(&self, id: &OutputId) -> Result<Option<StorePath>, StoreError> {
        self.read(|connection| {
            if !has_tables(connection)? {
                return Ok(None);
            }
            let found: Option<String> = connection
                .prepare_cached(QUERY)?
                .query_row(params![id.derivation(), id.output], |row| row.get(0))
                .optional()?;
            let path = found.map(|path| self.store_dir.parse(path)).transpose();
            Ok(path.map_err(StoreError::from)?)
        })
    }

    /// Notes what outputs are; what is known stays as it is.
    pub(crate) fn register_realisations(
        &self,
        realisations: &[(OutputId, StorePath)],
    ) -> Result<(), StoreError> {
        self.transaction(TransactionBehavior::Immediate, |connection| {
            if !has_tables(connection)? {
                connection.execute_batch(SCHEMA)?;
                connection.execute("insert into SchemaMigrations values (?)", [MIGRATION])?;
            }
            let mut query = connection.prepare_cached(QUERY)?;
            let mut register = connection.prepare_cached(REGISTER)?;
            for (id, path) in realisations {
                let (derivation, path) = (id.derivation(), self.print(path));
                if !query.exists(params![derivation, id.output])? {
                    register.execute(params![derivation, id.output, path])?;
                }
            }
            Ok(())
        })
    }
}
