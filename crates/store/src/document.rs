//! Aggregates that are read rarely and by few ways: sessions, enrolments, administrators, keys, mails, settings. Each is a sealed
//! body with an id, perhaps an owner, a unique key and a time. Engines store rows; the types are [`Document`]s.

use otpost_core::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{Read, StoreError, Tx};

/// A document as an engine stores it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is, as a short stable word.
    pub kind: String,
    /// Unique within the kind.
    pub id: [u8; 16],
    /// Whose it is, where [`Read::documents_of`] must find it.
    pub owner: Option<[u8; 16]>,
    /// Unique within the kind, where [`Read::document_by_key`] must find it.
    pub key: Option<[u8; 32]>,
    /// When it is due (an end, a next try), where [`Read::documents_due`] must find it.
    pub due: Option<Timestamp>,
    /// JSON; sealed at rest.
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A type that is stored as a document.
pub trait Document: Serialize + DeserializeOwned {
    /// What it is, as a short stable word.
    const KIND: &'static str;
    /// Unique within the kind.
    fn id(&self) -> [u8; 16];
    /// Whose it is.
    fn owner(&self) -> Option<[u8; 16]> {
        None
    }
    /// Unique within the kind.
    fn key(&self) -> Option<[u8; 32]> {
        None
    }
    /// When it is due.
    fn due(&self) -> Option<Timestamp> {
        None
    }
}

/// Stores `document` in place of the one with its id.
///
/// # Errors
/// [`StoreError::Taken`] where another document has its key; otherwise the engine's.
pub fn put<T: Document>(tx: &mut dyn Tx, document: &T) -> Result<(), StoreError> {
    let body = serde_json::to_vec(document).map_err(|e| StoreError::Damaged(format!("{}: {e}", T::KIND)))?;
    tx.put_document(&Row {
        kind: T::KIND.to_owned(),
        id: document.id(),
        owner: document.owner(),
        key: document.key(),
        due: document.due(),
        body: Zeroizing::new(body),
    })
}

/// The document of this id.
///
/// # Errors
/// [`StoreError::Damaged`] where its body cannot be read; otherwise the engine's.
pub fn get<T: Document>(read: &mut dyn Read, id: &[u8; 16]) -> Result<Option<T>, StoreError> {
    read.document(T::KIND, id)?.as_ref().map(parse).transpose()
}

/// The document of this key.
///
/// # Errors
/// As [`get`].
pub fn by_key<T: Document>(read: &mut dyn Read, key: &[u8; 32]) -> Result<Option<T>, StoreError> {
    read.document_by_key(T::KIND, key)?
        .as_ref()
        .map(parse)
        .transpose()
}

/// The owner's documents.
///
/// # Errors
/// As [`get`].
pub fn of<T: Document>(read: &mut dyn Read, owner: &[u8; 16]) -> Result<Vec<T>, StoreError> {
    read.documents_of(T::KIND, owner)?.iter().map(parse).collect()
}

/// A page of all documents in order of id.
///
/// # Errors
/// As [`get`].
pub fn list<T: Document>(
    read: &mut dyn Read,
    after: Option<&[u8; 16]>,
    limit: u32,
) -> Result<Vec<T>, StoreError> {
    read.documents(T::KIND, after, limit)?.iter().map(parse).collect()
}

/// Documents whose time has come.
///
/// # Errors
/// As [`get`].
pub fn due<T: Document>(read: &mut dyn Read, now: Timestamp, limit: u32) -> Result<Vec<T>, StoreError> {
    read.documents_due(T::KIND, now, limit)?
        .iter()
        .map(parse)
        .collect()
}

/// Deletes the document of this id.
///
/// # Errors
/// The engine's.
pub fn delete<T: Document>(tx: &mut dyn Tx, id: &[u8; 16]) -> Result<(), StoreError> {
    tx.delete_document(T::KIND, id)
}

fn parse<T: Document>(row: &Row) -> Result<T, StoreError> {
    serde_json::from_slice(&row.body).map_err(|e| StoreError::Damaged(format!("{}: {e}", T::KIND)))
}
