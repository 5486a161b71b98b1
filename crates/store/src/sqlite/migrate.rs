//! The schema's version and the steps between versions, in order. A step is never edited once released: it is followed.

use rusqlite::{Connection, TransactionBehavior};

use super::rows::io;
use crate::StoreError;

/// Step `n` (from 0) makes schema `n + 1` of schema `n`.
pub(super) const STEPS: &[&str] = &[include_str!("schema/0001.sql"), include_str!("schema/0002.sql")];

/// Version of the schema in the database; 0 where there is none.
pub(super) fn version(conn: &Connection) -> Result<u32, StoreError> {
    conn.query_row("PRAGMA user_version", (), |row| row.get(0))
        .map_err(io)
}

/// Refuses a database that a newer build or another program wrote; gives its version.
pub(super) fn check(conn: &Connection, steps: &[&str]) -> Result<u32, StoreError> {
    let found = version(conn)?;
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    let tables: u32 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
        .map_err(io)?;
    if found == 0 && tables > 0 {
        return Err(StoreError::Io(
            "the file is a database of another program; give otpost a file of its own".to_owned(),
        ));
    }
    Ok(found)
}

/// Takes the steps that are missing, each in a transaction with its number; `first` belongs to the first step.
pub(super) fn migrate(
    conn: &mut Connection,
    steps: &[&str],
    mut first: impl FnMut(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let found = check(conn, steps)?;
    for (number, step) in (1u32..).zip(steps).filter(|(number, _)| *number > found) {
        let tx = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(io)?;
        tx.execute_batch(step).map_err(io)?;
        if number == 1 {
            first(&tx)?;
        }
        tx.pragma_update(None, "user_version", number).map_err(io)?;
        tx.commit().map_err(io)?;
        tracing::info!(schema = number, "the database has a new schema");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{migrate, version};
    use crate::StoreError;

    const ONE: &str = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (7);";
    const TWO: &str = "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x * 2;";

    #[test]
    fn takes_only_the_missing_steps() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &[ONE], |_| Ok(())).unwrap();
        assert_eq!(version(&conn), Ok(1));
        migrate(&mut conn, &[ONE, TWO], |_| Ok(())).unwrap();
        migrate(&mut conn, &[ONE, TWO], |_| Ok(())).unwrap();
        assert_eq!(version(&conn), Ok(2));
        let y: i64 = conn.query_row("SELECT y FROM a", (), |row| row.get(0)).unwrap();
        assert_eq!(y, 14);
    }

    #[test]
    fn a_step_that_fails_leaves_the_schema_before_it() {
        let mut conn = Connection::open_in_memory().unwrap();
        let broken = "CREATE TABLE b (x INTEGER); INSERT INTO missing VALUES (1);";
        let outcome = migrate(&mut conn, &[ONE, broken], |_| Ok(()));
        assert!(matches!(outcome, Err(StoreError::Io(_))), "{outcome:?}");
        assert_eq!(version(&conn), Ok(1));
        assert!(conn.prepare("SELECT * FROM b").is_err());
        assert!(conn.is_autocommit());
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE theirs (x INTEGER)").unwrap();
        let outcome = migrate(&mut conn, &[ONE, TWO], |_| Ok(()));
        assert!(
            matches!(&outcome, Err(StoreError::Io(e)) if e.contains("another program")),
            "{outcome:?}"
        );
        assert_eq!(version(&conn), Ok(0));
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.pragma_update(None, "user_version", 3).unwrap();
        assert_eq!(
            migrate(&mut conn, &[ONE, TWO], |_| Ok(())),
            Err(StoreError::NewerSchema { found: 3, known: 2 })
        );
    }
}
