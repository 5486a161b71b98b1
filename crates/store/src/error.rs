//! What can go wrong with the store.

/// Why a job or the opening of a store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The engine cannot read or write: disk full, permissions, damage. The operator is to act.
    #[error("the store cannot be used: {0}")]
    Io(String),
    /// A row cannot be read back. Names table and row, never content.
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
    /// A unique field's value belongs to another row already.
    #[error("{field} is taken already")]
    Taken {
        /// The field as administrators know it: `login`, `alias`, `email`, `resource name`, `pam service`, …
        field: &'static str,
    },
    /// Something else still refers to the row.
    #[error("still in use by {by}")]
    InUse {
        /// What refers to it.
        by: String,
    },
    /// The database was written by a newer otpost.
    #[error(
        "the database has schema {found}, this otpost knows up to {known}; install the newer otpost again"
    )]
    NewerSchema {
        /// The database's schema.
        found: u32,
        /// The newest this build knows.
        known: u32,
    },
    /// The master key does not belong to this database.
    #[error(
        "the master key does not belong to this database (it was made with key {database:08x}, the key given is {given:08x}); give otpost the right key file, or restore both from one backup"
    )]
    WrongKey {
        /// Key id in the database.
        database: u32,
        /// Key id given.
        given: u32,
    },
    /// Another process has the database open for writing.
    #[error("another otpostd uses {0}; stop it first")]
    Busy(String),
    /// The store is stopping.
    #[error("the store is stopping")]
    Closed,
    /// The closure itself gives up, with a reason for its caller; nothing is stored.
    #[error("{0}")]
    Refused(String),
}
