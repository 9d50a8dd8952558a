//! The database: every statement that is sent to SQLite is in this module.
//!
//! Transactions are short, and nothing is read, parsed or hashed inside one. When another process has the
//! database, the whole transaction is tried again, however long it takes: SQLite's own waiting is not
//! enough, for it gives up at once where waiting could be a deadlock.

pub(crate) mod gc;
mod realisations;
mod rebuild;
mod verify;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};

use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::hash::{Hash, HashFormat};
use crate::io_error::IoError;
use crate::notify::Notify;
use crate::path::{HASH_PART_LEN, StoreDir, StorePath};
use crate::path_info::PathInfo;

pub(crate) use rebuild::Salvage;

/// The version of the tables in `schema.sql`.
pub(crate) const SCHEMA_VERSION: u32 = 10;

/// The oldest version that can be brought to the present one.
const OLDEST_SCHEMA_VERSION: u32 = 6;

const SCHEMA: &str = include_str!("schema.sql");

/// What brings a database to the given version from the one before.
const MIGRATIONS: [(u32, &str); 3] = [
    (
        8,
        "alter table ValidPaths add column ultimate integer; alter table ValidPaths add column sigs text;",
    ),
    (9, "drop table if exists FailedPaths;"),
    (10, "alter table ValidPaths add column ca text;"),
];

const SCHEMA_MIGRATIONS: &str =
    "create table if not exists SchemaMigrations (migration text primary key not null);";

const REGISTER_PATH: &str = "insert into ValidPaths \
    (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca) values (?, ?, ?, ?, ?, ?, ?, ?)";
const UPDATE_PATH: &str =
    "update ValidPaths set narSize = ?, hash = ?, ultimate = ?, sigs = ?, ca = ? where path = ?";
const ADD_REFERENCE: &str = "insert or ignore into Refs (referrer, reference) values (?, ?)";
const ADD_OUTPUT: &str = "insert or replace into DerivationOutputs (drv, id, path) values (?, ?, ?)";
const QUERY_ID: &str = "select id from ValidPaths where path = ?";
const QUERY_INFO: &str = "select id, hash, registrationTime, deriver, narSize, ultimate, sigs, ca \
    from ValidPaths where path = ?";
const QUERY_REFERENCES: &str = "select path from Refs join ValidPaths on reference = id where referrer = ?";
const QUERY_REFERRERS: &str = "select path from Refs join ValidPaths on referrer = id \
    where reference = (select id from ValidPaths where path = ?)";
const QUERY_DERIVERS: &str =
    "select v.path from DerivationOutputs d join ValidPaths v on d.drv = v.id where d.path = ?";
const QUERY_OUTPUTS: &str = "select id, path from DerivationOutputs where drv = ?";
// A range and a limit make SQLite use the index, which "like" would not.
const QUERY_HASH_PART: &str = "select path from ValidPaths where path >= ? limit 1";
const QUERY_ALL: &str = "select path from ValidPaths";

/// How many prepared statements are kept: more than there are above.
const STATEMENT_CACHE: usize = 32;

/// How long SQLite itself waits before the whole transaction is tried again.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// How long nothing is said of waiting.
const SILENCE: Duration = Duration::from_secs(10);

/// What is to be registered of one path.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The path.
    pub info: PathInfo,
    /// The outputs, if the path is a derivation of which they are known.
    pub outputs: Vec<(String, StorePath)>,
}

/// An open database.
pub(crate) struct Db {
    connection: Connection,
    /// It was opened with other locks than the settings ask for.
    has_other_locks: bool,
    file: PathBuf,
    store_dir: StoreDir,
    notify: Notify,
}

/// A result of one attempt at a transaction.
type Attempt<T> = Result<T, Failure>;

/// Why an attempt failed.
pub(crate) enum Failure {
    Sqlite(rusqlite::Error),
    Other(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Other(error)
    }
}

impl Db {
    /// Open the database for reading and writing; make it if it is not there.
    pub(crate) fn open(config: &StoreConfig, notify: Notify) -> Result<Self, StoreError> {
        let folder = config.state_dir.join("db");
        let wanted = AccessFlags::R_OK | AccessFlags::W_OK;
        if let Err(errno) = access(&folder, wanted) {
            return Err(StoreError::DatabaseNotWritable {
                path: folder,
                source: errno.into(),
            });
        }
        let schema_file = folder.join("schema");
        let version = read_schema_version(&schema_file)?;
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match version {
            Some(found) if found > SCHEMA_VERSION => {
                return Err(StoreError::SchemaTooNew {
                    found,
                    supported: SCHEMA_VERSION,
                });
            }
            Some(found) if found < OLDEST_SCHEMA_VERSION => return Err(StoreError::SchemaTooOld(found)),
            Some(_) => {}
            None => flags |= OpenFlags::SQLITE_OPEN_CREATE,
        }
        let mut db = Self::connect(config, flags, notify)?;
        db.retry(|connection| configure(connection, config).map_err(Failure::from))?;
        if db.has_other_locks {
            // It has no log any more.
            db = Self::connect(config, flags, db.notify)?;
        }
        match version {
            None => {
                db.retry(|connection| Ok(connection.execute_batch(SCHEMA)?))?;
                write_schema_version(&schema_file)?;
            }
            Some(version) if version < SCHEMA_VERSION => {
                // Another process may have been faster; the columns tell.
                for (to, statements) in MIGRATIONS.iter().filter(|(to, _)| *to > version) {
                    db.retry(|connection| migrate(connection, *to, statements))?;
                }
                write_schema_version(&schema_file)?;
            }
            Some(_) => {}
        }
        db.retry(|connection| Ok(connection.execute_batch(SCHEMA_MIGRATIONS)?))?;
        Ok(db)
    }

    /// Open the database for reading, if there is one.
    pub(crate) fn open_read_only(config: &StoreConfig, notify: Notify) -> Result<Option<Self>, StoreError> {
        let folder = config.state_dir.join("db");
        match read_schema_version(&folder.join("schema"))? {
            None => return Ok(None),
            Some(SCHEMA_VERSION) => {}
            Some(found) if found > SCHEMA_VERSION => {
                return Err(StoreError::SchemaTooNew {
                    found,
                    supported: SCHEMA_VERSION,
                });
            }
            Some(found) => return Err(StoreError::SchemaTooOld(found)),
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Self::connect(config, flags, notify)?;
        // Where the folder cannot be written, the log of a database that was closed cannot be made either.
        let readable = db.retry(|connection| {
            Ok(connection
                .query_row(QUERY_ALL, [], |_| Ok(()))
                .optional()
                .map(|_| ())?)
        });
        match readable {
            Ok(()) => Ok(Some(db)),
            Err(StoreError::Database { .. }) => Self::connect_immutable(config, db.notify).map(Some),
            Err(error) => Err(error),
        }
    }

    fn connect(config: &StoreConfig, flags: OpenFlags, notify: Notify) -> Result<Self, StoreError> {
        let file = config.state_dir.join("db/db.sqlite");
        // Locks by files are what works on network file systems, and C++ Nix does the same.
        // With those locks SQLite cannot open a database that still has a log.
        let has_other_locks = !config.use_sqlite_wal && has_log(&file);
        let connection = match config.use_sqlite_wal || has_other_locks {
            true => Connection::open_with_flags(&file, flags),
            false => Connection::open_with_flags_and_vfs(&file, flags, c"unix-dotfile"),
        };
        Ok(Db {
            has_other_locks,
            ..Self::finish(connection, file, config, notify)?
        })
    }

    fn connect_immutable(config: &StoreConfig, notify: Notify) -> Result<Self, StoreError> {
        let file = config.state_dir.join("db/db.sqlite");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri(&file), flags);
        Self::finish(connection, file, config, notify)
    }

    fn finish(
        connection: rusqlite::Result<Connection>,
        file: PathBuf,
        config: &StoreConfig,
        notify: Notify,
    ) -> Result<Self, StoreError> {
        let prepared = connection.and_then(|connection| {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
            Ok(connection)
        });
        match prepared {
            Ok(connection) => Ok(Db {
                connection,
                has_other_locks: false,
                file,
                store_dir: config.store_dir.clone(),
                notify,
            }),
            Err(source) => Err(StoreError::Database {
                path: file,
                source: Box::new(source),
            }),
        }
    }

    /// SQLite does not always know that the disk is full: it may fail before it writes.
    fn failed(&self, source: rusqlite::Error) -> StoreError {
        let code = source.sqlite_error_code();
        let about_disk = matches!(code, Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure));
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        if about_disk && statvfs(folder).is_ok_and(|status| status.blocks_available() == 0) {
            return StoreError::DiskFull(self.file.clone());
        }
        StoreError::Database {
            path: self.file.clone(),
            source: Box::new(source),
        }
    }

    /// Try something until the database is not busy.
    fn retry<T>(&self, mut attempt: impl FnMut(&Connection) -> Attempt<T>) -> Result<T, StoreError> {
        let start = Instant::now();
        let mut spoken = Duration::ZERO;
        loop {
            match attempt(&self.connection) {
                Ok(result) => return Ok(result),
                Err(Failure::Other(error)) => return Err(error),
                Err(Failure::Sqlite(error)) if is_busy(&error) => {
                    self.notify.check_interrupt()?;
                    let waited = start.elapsed();
                    if waited >= spoken + SILENCE {
                        spoken = waited;
                        self.notify
                            .say(&format!("SQLite database \"{}\" is busy", self.file.display()));
                    }
                    std::thread::sleep(Duration::from_millis(5 + u64::from(std::process::id() % 64)));
                }
                Err(Failure::Sqlite(source)) => return Err(self.failed(source)),
            }
        }
    }

    /// Write everything into the one file, and close it.
    pub(crate) fn close(self) -> Result<(), StoreError> {
        self.retry(|connection| Ok(connection.pragma_update(None, "wal_checkpoint", "truncate")?))?;
        self.connection
            .close()
            .map_err(|(_, source)| StoreError::Database {
                path: self.file,
                source: Box::new(source),
            })
    }

    /// Do something in one transaction, which is begun anew if the database is busy.
    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        mut work: impl FnMut(&Connection) -> Attempt<T>,
    ) -> Result<T, StoreError> {
        self.retry(|connection| {
            let transaction = rusqlite::Transaction::new_unchecked(connection, behavior)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Read several things that belong together.
    fn read<T>(&self, work: impl FnMut(&Connection) -> Attempt<T>) -> Result<T, StoreError> {
        self.transaction(TransactionBehavior::Deferred, work)
    }

    fn print(&self, path: &StorePath) -> String {
        self.store_dir.print(path)
    }

    /// Register paths, in one transaction. What they refer to is valid or among them.
    pub(crate) fn register(&self, registrations: &[Registration]) -> Result<(), StoreError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_secs() as i64);
        self.transaction(TransactionBehavior::Immediate, |connection| {
            let mut ids = Vec::with_capacity(registrations.len());
            for Registration { info, outputs } in registrations {
                let id = self.register_path(connection, info, now)?;
                let mut add_output = connection.prepare_cached(ADD_OUTPUT)?;
                for (output, path) in outputs {
                    add_output.execute(params![id, output, self.print(path)])?;
                }
                ids.push(id);
            }
            let mut query_id = connection.prepare_cached(QUERY_ID)?;
            let mut add_reference = connection.prepare_cached(ADD_REFERENCE)?;
            for (Registration { info, .. }, id) in registrations.iter().zip(ids) {
                for reference in &info.references {
                    let printed = self.print(reference);
                    let reference: Option<i64> =
                        query_id.query_row([&printed], |row| row.get(0)).optional()?;
                    let reference = reference.ok_or(StoreError::NotValid(printed))?;
                    add_reference.execute([id, reference])?;
                }
            }
            Ok(())
        })
    }

    fn register_path(&self, connection: &Connection, info: &PathInfo, now: i64) -> Attempt<i64> {
        let path = self.print(&info.path);
        let hash = info.nar_hash.to_prefixed(HashFormat::Base16);
        let size = i64::try_from(info.nar_size).ok().filter(|size| *size != 0);
        let ultimate = info.ultimate.then_some(1);
        let signatures = Vec::from_iter(info.signatures.iter().map(String::as_str)).join(" ");
        let signatures = (!signatures.is_empty()).then_some(signatures);
        let address = info.content_address.map(|address| address.to_string());
        let known: Option<i64> = connection
            .prepare_cached(QUERY_ID)?
            .query_row([&path], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            connection
                .prepare_cached(UPDATE_PATH)?
                .execute(params![size, hash, ultimate, signatures, address, path])?;
            return Ok(id);
        }
        let time = if info.registration_time == 0 {
            now
        } else {
            info.registration_time
        };
        let deriver = info.deriver.as_ref().map(|deriver| self.print(deriver));
        connection.prepare_cached(REGISTER_PATH)?.execute(params![
            path, hash, time, deriver, size, ultimate, signatures, address
        ])?;
        Ok(connection.last_insert_rowid())
    }

    /// Whether a path is valid.
    pub(crate) fn is_valid(&self, path: &StorePath) -> Result<bool, StoreError> {
        let path = self.print(path);
        self.retry(|connection| Ok(connection.prepare_cached(QUERY_ID)?.exists([&path])?))
    }

    /// Those of the paths that are valid.
    pub(crate) fn valid_subset<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a StorePath> + Clone,
    ) -> Result<BTreeSet<StorePath>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(QUERY_ID)?;
            let mut valid = BTreeSet::new();
            for path in paths.clone() {
                if query.exists([self.print(path)])? {
                    valid.insert(path.clone());
                }
            }
            Ok(valid)
        })
    }

    /// What is known of a path, if it is valid.
    pub(crate) fn info(&self, path: &StorePath) -> Result<Option<PathInfo>, StoreError> {
        let printed = self.print(path);
        self.read(|connection| {
            let found = connection
                .prepare_cached(QUERY_INFO)?
                .query_row([&printed], |row| Ok((row.get(0)?, InfoRow::read(row)?)))
                .optional()?;
            let Some((id, row)): Option<(i64, InfoRow)> = found else {
                return Ok(None);
            };
            let mut info = row.parse(&self.store_dir, path)?;
            info.references = self.paths(connection, QUERY_REFERENCES, [id])?;
            Ok(Some(info))
        })
    }

    fn paths<C: FromIterator<StorePath>>(
        &self,
        connection: &Connection,
        query: &str,
        params: impl rusqlite::Params,
    ) -> Attempt<C> {
        let mut query = connection.prepare_cached(query)?;
        let rows = query.query_map(params, |row| row.get::<_, String>(0))?;
        rows.map(|path| Ok(self.store_dir.parse(path?).map_err(StoreError::from)?))
            .collect()
    }

    /// The paths that refer to a path.
    pub(crate) fn referrers(&self, path: &StorePath) -> Result<BTreeSet<StorePath>, StoreError> {
        self.read(|connection| self.paths(connection, QUERY_REFERRERS, [self.print(path)]))
    }

    /// The valid derivations that have a path for an output.
    pub(crate) fn derivers(&self, path: &StorePath) -> Result<BTreeSet<StorePath>, StoreError> {
        self.read(|connection| self.paths(connection, QUERY_DERIVERS, [self.print(path)]))
    }

    /// All valid paths.
    pub(crate) fn all(&self) -> Result<BTreeSet<StorePath>, StoreError> {
        self.read(|connection| self.paths(connection, QUERY_ALL, []))
    }

    /// The outputs of a valid derivation whose paths are known.
    pub(crate) fn outputs(&self, drv: &StorePath) -> Result<Vec<(String, StorePath)>, StoreError> {
        let printed = self.print(drv);
        self.read(|connection| {
            let id: Option<i64> = connection
                .prepare_cached(QUERY_ID)?
                .query_row([&printed], |row| row.get(0))
                .optional()?;
            let id = id.ok_or_else(|| StoreError::NotValid(printed.clone()))?;
            let mut query = connection.prepare_cached(QUERY_OUTPUTS)?;
            let rows = query.query_map([id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (output, path) = row?;
                Ok((output, self.store_dir.parse(path).map_err(StoreError::from)?))
            })
            .collect()
        })
    }

    /// The valid path that has those 32 digits.
    pub(crate) fn by_hash_part(&self, hash_part: &str) -> Result<Option<StorePath>, StoreError> {
        if hash_part.len() != HASH_PART_LEN {
            return Err(StoreError::BadHashPart);
        }
        let start = format!("{}/{hash_part}", self.store_dir.as_str());
        self.read(|connection| {
            let found: Option<String> = connection
                .prepare_cached(QUERY_HASH_PART)?
                .query_row([&start], |row| row.get(0))
                .optional()?;
            match found {
                Some(path) if path.starts_with(&start) => {
                    Ok(Some(self.store_dir.parse(path).map_err(StoreError::from)?))
                }
                _ => Ok(None),
            }
        })
    }
}

/// The columns of a path as they are in the database.
struct InfoRow {
    hash: String,
    registration_time: i64,
    deriver: Option<String>,
    nar_size: Option<i64>,
    ultimate: Option<i64>,
    signatures: Option<String>,
    address: Option<String>,
}

impl InfoRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(InfoRow {
            hash: row.get(1)?,
            registration_time: row.get(2)?,
            deriver: row.get(3)?,
            nar_size: row.get(4)?,
            ultimate: row.get(5)?,
            signatures: row.get(6)?,
            address: row.get(7)?,
        })
    }

    fn parse(self, store: &StoreDir, path: &StorePath) -> Result<PathInfo, StoreError> {
        let nar_hash = Hash::parse_prefixed(&self.hash).map_err(|error| StoreError::BadRow {
            path: store.print(path),
            message: error.to_string(),
        })?;
        // C++ Nix writes the empty string where it means nothing.
        let address = self.address.filter(|address| !address.is_empty());
        Ok(PathInfo {
            path: path.clone(),
            nar_hash,
            nar_size: self
                .nar_size
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or(0),
            references: BTreeSet::new(),
            deriver: self
                .deriver
                .filter(|deriver| !deriver.is_empty())
                .map(|deriver| store.parse(deriver))
                .transpose()?,
            registration_time: self.registration_time,
            ultimate: self.ultimate == Some(1),
            signatures: self
                .signatures
                .unwrap_or_default()
                .split_ascii_whitespace()
                .map(String::from)
                .collect(),
            content_address: address.map(|address| address.parse()).transpose()?,
        })
    }
}

/// Whether a database says of itself that it has a write-ahead log.
fn has_log(file: &Path) -> bool {
    use std::os::unix::fs::FileExt as _;
    // Bytes 18 and 19 of the header are the versions of its format: 2 has a log.
    let mut versions = [0; 2];
    let read = File::open(file).and_then(|file| file.read_exact_at(&mut versions, 18));
    read.is_ok() && versions.contains(&2)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
    )
}

fn configure(connection: &Connection, config: &StoreConfig) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", 1)?;
    connection.pragma_update(
        None,
        "synchronous",
        if config.fsync_metadata { "normal" } else { "off" },
    )?;
    let wanted = if config.use_sqlite_wal { "wal" } else { "truncate" };
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != wanted {
        connection.pragma_update_and_check(None, "journal_mode", wanted, |_| Ok(()))?;
    }
    if config.use_sqlite_wal {
        connection.pragma_update_and_check(None, "journal_size_limit", 1i64 << 40, |_| Ok(()))?;
        // Enough for a whole NixOS system in one go, as C++ Nix has it.
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 40_000, |_| Ok(()))?;
    }
    Ok(())
}

fn migrate(connection: &Connection, to: u32, statements: &str) -> Attempt<()> {
    let has_column = |name: &str| connection.column_exists(None, "ValidPaths", name);
    let done = match to {
        8 => has_column("ultimate")?,
        10 => has_column("ca")?,
        _ => false,
    };
    if !done {
        let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        transaction.execute_batch(statements)?;
        transaction.commit()?;
    }
    Ok(())
}

fn read_schema_version(file: &Path) -> Result<Option<u32>, StoreError> {
    match fs::read_to_string(file) {
        Ok(text) => match text.trim().parse() {
            Ok(0) => Ok(None),
            Ok(version) => Ok(Some(version)),
            Err(_) => Err(StoreError::CorruptSchemaFile(file.to_owned())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(IoError::at("reading file", file, error).into()),
    }
}

fn write_schema_version(file: &Path) -> Result<(), StoreError> {
    crate::files::replace_file(file, SCHEMA_VERSION.to_string().as_bytes())?;
    Ok(())
}

/// The name by which SQLite opens a file that it must not lock or write beside.
fn uri(file: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = String::from("file:");
    for &byte in file.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.') {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02x}");
        }
    }
    uri + "?immutable=1"
}
