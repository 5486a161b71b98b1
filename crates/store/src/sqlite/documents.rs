//! Documents: one table for every kind, each body a sealed box that is bound to its kind and id.

use otpost_core::Timestamp;
use rusqlite::Row as SqlRow;

use super::rows::{Rows, aad, blob, damaged, io, millis, time};
use super::tx::WriteTx;
use crate::{Row, StoreError};

const TABLE: &str = "documents";

const BY_ID: &str = "SELECT id, owner, doc_key, due, body FROM documents WHERE kind = ?1 AND id = ?2";
const BY_KEY: &str = "SELECT id, owner, doc_key, due, body FROM documents WHERE kind = ?1 AND doc_key = ?2";
const OF_OWNER: &str = "SELECT id, owner, doc_key, due, body FROM documents
    WHERE kind = ?1 AND owner = ?2 ORDER BY id";
const PAGE: &str = "SELECT id, owner, doc_key, due, body FROM documents
    WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
const DUE: &str = "SELECT id, owner, doc_key, due, body FROM documents
    WHERE kind = ?1 AND due <= ?2 ORDER BY due, id LIMIT ?3";
const NEXT_DUE: &str = "SELECT due FROM documents WHERE kind = ?1 AND due IS NOT NULL ORDER BY due LIMIT 1";
const KEY_OF_ANOTHER: &str = "SELECT 1 FROM documents WHERE kind = ?1 AND doc_key = ?2 AND id <> ?3";
const PUT: &str = "INSERT INTO documents (kind, id, owner, doc_key, due, key_id, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, doc_key = excluded.doc_key, due = excluded.due,
        key_id = excluded.key_id, body = excluded.body";
const DELETE: &str = "DELETE FROM documents WHERE kind = ?1 AND id = ?2";
/// Deletes what an owner has, of every kind.
pub(super) const DELETE_OF_OWNER: &str = "DELETE FROM documents WHERE owner = ?1";

/// What a body is bound to. Ids have one length, so no two pairs of kind and id make the same octets.
fn bound_to(kind: &str, id: &[u8]) -> Vec<u8> {
    aad(TABLE, id, kind.as_bytes())
}

/// Octets of a column that may be empty, of the one length they can have.
fn fixed<const N: usize>(row: &SqlRow<'_>, column: usize) -> Result<Option<[u8; N]>, StoreError> {
    row.get(column).map_err(io)
}

/// Reads rows of `id, owner, doc_key, due, body`.
fn parse<'a>(rows: Rows<'a>, kind: &'a str) -> impl Fn(&SqlRow<'_>) -> Result<Row, StoreError> + 'a {
    move |row| {
        let id = blob(row, 0)?;
        let bad = || damaged(&format!("{TABLE} {kind}"), id);
        let due: Option<i64> = row.get(3).map_err(io)?;
        Ok(Row {
            kind: kind.to_owned(),
            id: id.try_into().map_err(|_| bad())?,
            owner: fixed(row, 1).map_err(|_| bad())?,
            key: fixed(row, 2).map_err(|_| bad())?,
            due: due.map(|_| time(row, 3)).transpose()?,
            body: rows
                .keys
                .open(blob(row, 4)?, &bound_to(kind, id))
                .map_err(|_| bad())?,
        })
    }
}

pub(super) fn by_id(rows: Rows<'_>, kind: &str, id: &[u8; 16]) -> Result<Option<Row>, StoreError> {
    rows.one(BY_ID, (kind, id), parse(rows, kind))
}

pub(super) fn by_key(rows: Rows<'_>, kind: &str, key: &[u8; 32]) -> Result<Option<Row>, StoreError> {
    rows.one(BY_KEY, (kind, key), parse(rows, kind))
}

pub(super) fn of_owner(rows: Rows<'_>, kind: &str, owner: &[u8; 16]) -> Result<Vec<Row>, StoreError> {
    rows.all(OF_OWNER, (kind, owner), parse(rows, kind))
}

pub(super) fn page(
    rows: Rows<'_>,
    kind: &str,
    after: Option<&[u8; 16]>,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    // No octets come before any id.
    let after: &[u8] = after.map_or(&[], |id| id);
    rows.all(PAGE, (kind, after, limit), parse(rows, kind))
}

pub(super) fn due(rows: Rows<'_>, kind: &str, now: Timestamp, limit: u32) -> Result<Vec<Row>, StoreError> {
    rows.all(DUE, (kind, millis(now), limit), parse(rows, kind))
}

pub(super) fn next_due(rows: Rows<'_>, kind: &str) -> Result<Option<Timestamp>, StoreError> {
    rows.one(NEXT_DUE, (kind,), |row| time(row, 0))
}

pub(super) fn put(tx: &mut WriteTx<'_>, row: &Row) -> Result<(), StoreError> {
    if let Some(key) = &row.key {
        tx.free("key", KEY_OF_ANOTHER, (&row.kind, key, row.id))?;
    }
    let sealed = tx.keys.seal(&row.body, &bound_to(&row.kind, &row.id), tx.rng);
    tx.run(
        PUT,
        (
            &row.kind,
            row.id,
            row.owner,
            row.key,
            row.due.map(millis),
            tx.keys.id(),
            sealed,
        ),
    )?;
    Ok(())
}

pub(super) fn delete(tx: &WriteTx<'_>, kind: &str, id: &[u8; 16]) -> Result<(), StoreError> {
    tx.run(DELETE, (kind, id))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::config::DbConfig;

    use super::{BY_ID, BY_KEY, DELETE, DELETE_OF_OWNER, DUE, KEY_OF_ANOTHER, NEXT_DUE, OF_OWNER, PAGE};

    /// How SQLite goes about a statement, without the values that will be bound.
    fn plan(conn: &Connection, sql: &str) -> String {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get::<_, String>("detail").unwrap());
        }
        plan.join("; ")
    }

    #[test]
    fn every_statement_searches_an_index_and_sorts_nothing() {
        let conn = Connection::open_in_memory().unwrap();
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .unwrap();
        conn.execute_batch(include_str!("schema/0001.sql")).unwrap();
        for (sql, index) in [
            (BY_ID, "sqlite_autoindex_documents_1 (kind=? AND id=?)"),
            (BY_KEY, "documents_by_key (kind=? AND doc_key=?)"),
            (OF_OWNER, "documents_of_owner (owner=? AND kind=?)"),
            (PAGE, "sqlite_autoindex_documents_1 (kind=? AND id>?)"),
            (DUE, "documents_by_due (kind=? AND due<?)"),
            (NEXT_DUE, "documents_by_due (kind=?"),
            (KEY_OF_ANOTHER, "documents_by_key (kind=? AND doc_key=?)"),
            (DELETE, "sqlite_autoindex_documents_1 (kind=? AND id=?)"),
            (DELETE_OF_OWNER, "documents_of_owner (owner=?)"),
        ] {
            let plan = plan(&conn, sql);
            assert!(plan.starts_with("SEARCH documents USING "), "{sql}: {plan}");
            assert!(plan.contains(index), "{sql}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
