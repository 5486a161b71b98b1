//! Whether the master key belongs to the database: a known text, sealed when the database was made.

use otpost_core::Rng;
use otpost_core::keys::Keyring;
use rusqlite::{Connection, OptionalExtension};

use super::rows::{aad, io};
use crate::StoreError;

const KNOWN: &[u8] = b"otpost";
const NAME: &str = "key-check";

/// Compares the key with the database's.
pub(super) fn check(conn: &Connection, keys: &Keyring) -> Result<(), StoreError> {
    let row = conn
        .query_row(
            "SELECT key_id, sealed FROM meta WHERE name = ?1",
            (NAME,),
            |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)),
        )
        .optional()
        .map_err(io)?;
    let Some((database, sealed)) = row else {
        return Err(StoreError::Damaged(
            "meta key-check is missing; restore the database from a backup".to_owned(),
        ));
    };
    let known = keys.open(&sealed, &aad("meta", NAME.as_bytes(), &[]));
    if database == keys.id() && known.is_ok_and(|known| known.as_slice() == KNOWN) {
        return Ok(());
    }
    Err(StoreError::WrongKey {
        database,
        given: keys.id(),
    })
}

/// Binds a new database to the key.
pub(super) fn install(conn: &Connection, keys: &Keyring, rng: &mut dyn Rng) -> Result<(), StoreError> {
    let sealed = keys.seal(KNOWN, &aad("meta", NAME.as_bytes(), &[]), rng);
    conn.execute(
        "INSERT INTO meta (name, key_id, sealed) VALUES (?1, ?2, ?3)",
        (NAME, keys.id(), sealed),
    )
    .map_err(io)?;
    Ok(())
}
