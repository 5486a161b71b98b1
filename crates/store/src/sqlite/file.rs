//! The database file: who may read it, who has it open, how a connection to it is set up.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions, TryLockError, set_permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::rows::io;
use crate::StoreError;

/// How long a connection waits for another program, such as a backup, to let go of the file.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Prepared statements a connection keeps; more than there are.
const STATEMENTS: usize = 192;

fn failed(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("cannot {what} {}: {error}", path.display()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens or creates `path` for its owner alone, whatever the umask says.
fn private(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| failed("open", path, &e))?;
    let mode = file
        .metadata()
        .map_err(|e| failed("look at", path, &e))?
        .permissions()
        .mode();
    if mode & 0o7777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(|e| failed("take away the rights of others on", path, &e))?;
    }
    Ok(file)
}

/// Takes the lock that keeps a second writer out; it lasts as long as the file given back.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let beside = beside(path, ".lock");
    let file = private(&beside)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy(path.display().to_string())),
        Err(TryLockError::Error(e)) => Err(failed("lock", &beside, &e)),
    }
}

/// Creates the file where it is missing, and takes the rights of others away.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    let file = private(path)?;
    file.sync_all().map_err(|e| failed("sync", path, &e))?;
    // SQLite gives the files beside it the rights of the database itself, where it makes them anew.
    for suffix in ["-wal", "-shm"] {
        let path = beside(path, suffix);
        match set_permissions(&path, Permissions::from_mode(0o600)) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                return Err(failed("take away the rights of others on", &path, &e));
            }
            _ => {}
        }
    }
    // The new name itself must survive a power cut too.
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|dir| dir.sync_all())
        .map_err(|e| failed("sync", parent, &e))
}

fn common(conn: &Connection) -> Result<(), StoreError> {
    conn.busy_timeout(BUSY).map_err(io)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans do not depend on bound values: without this, binding one has some statements compiled anew each time.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(io)?;
    conn.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
         PRAGMA cell_size_check = ON;",
    )
    .map_err(io)
}

/// The connection that writes, once [`log`] was called for it.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(io)?;
    common(&conn)?;
    Ok(conn)
}

/// Gives the database a write-ahead log.
pub(super) fn log(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
        .map_err(io)?;
    if mode != "wal" {
        return Err(StoreError::Io(format!(
            "{} cannot have a write-ahead log; put it on a local disk",
            path.display()
        )));
    }
    // FULL: an acknowledged commit survives a power cut, so a used code never lives again. Checkpoints are the writer's.
    // 8 MiB of pages: 64 were no faster with 100,000 tokens, as the system's own cache has the rest.
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8192;")
        .map_err(io)
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(io)?;
    common(&conn)?;
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -1024;")
        .map_err(io)?;
    Ok(conn)
}

/// The one connection of a store in memory.
pub(super) fn memory() -> Result<Connection, StoreError> {
    let conn = Connection::open_in_memory().map_err(io)?;
    common(&conn)?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::memory;

    /// The flags of `.cargo/config.toml` reach the compiler together; fdatasync itself shows nowhere.
    #[test]
    fn the_engine_is_compiled_as_the_workspace_says() {
        let conn = memory().unwrap();
        let mut statement = conn.prepare("PRAGMA compile_options").unwrap();
        let options = statement.query_map((), |row| row.get::<_, String>(0)).unwrap();
        assert!(
            options
                .map(Result::unwrap)
                .any(|option| option == "DEFAULT_MEMSTATUS=0")
        );
    }

    #[test]
    fn binding_a_value_compiles_nothing_anew() {
        let conn = memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE t (a INTEGER, b TEXT); CREATE INDEX t_a ON t (a) WHERE b > 'm';
             WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 2000)
             INSERT INTO t SELECT x % 7, 'x' || x FROM n;
             ANALYZE;",
        )
        .unwrap();
        let mut statement = conn
            .prepare("SELECT count(*) FROM t WHERE a = ?1 AND b > ?2")
            .unwrap();
        for (number, text) in [(1, "a"), (2, "z"), (900, "m"), (-1, "")] {
            statement
                .query_row((number, text), |row| row.get::<_, i64>(0))
                .unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
