-- Times are milliseconds since 1970; ids are 16 octets; `body` is the aggregate (or the rest of it) as JSON.
-- Rows live in the tree of their key (WITHOUT ROWID) where they are narrow, or their key begins with its time (challenges, texts).
-- Others lie in the order they came, and a narrow index finds them: in a tree of bodies with random keys each new row would dirty
-- a page of its own. The number of pages it changes is what costs a login most: hence also columns in place of JSON in its rows,
-- and an index by user of open challenges only.
-- Sealed columns are AES-256-GCM boxes bound to table, row and owner; key_id names the keyring that made them.

CREATE TABLE meta (
    name   TEXT PRIMARY KEY,
    key_id INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id    BLOB NOT NULL PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    email TEXT UNIQUE,
    body  TEXT NOT NULL
) STRICT;

-- Logins and aliases share one name space.
CREATE TABLE names (
    name    TEXT PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX names_of_user ON names (user_id);

CREATE TABLE user_resources (
    resource_id BLOB NOT NULL,
    user_id     BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (resource_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_resources_of_user ON user_resources (user_id);

CREATE TABLE guards (
    user_id BLOB PRIMARY KEY,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- phone_index is a keyed blind index: equal numbers are found, none is read back.
CREATE TABLE tokens (
    id          BLOB NOT NULL PRIMARY KEY,
    user_id     BLOB NOT NULL,
    created     INTEGER NOT NULL,
    phone_index BLOB NOT NULL,
    key_id      INTEGER NOT NULL,
    phone       BLOB NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX tokens_of_user ON tokens (user_id, created);
CREATE INDEX tokens_by_phone ON tokens (phone_index);

CREATE TABLE resources (
    id       BLOB NOT NULL PRIMARY KEY,
    name_key TEXT NOT NULL UNIQUE,
    body     TEXT NOT NULL
) STRICT;

CREATE TABLE pam_services (
    service     TEXT PRIMARY KEY,
    resource_id BLOB NOT NULL REFERENCES resources (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX pam_services_of_resource ON pam_services (resource_id);

CREATE TABLE clients (
    id          BLOB NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL UNIQUE,
    resource_id BLOB NOT NULL,
    key_id      INTEGER NOT NULL,
    secret      BLOB NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX clients_of_resource ON clients (resource_id);

CREATE TABLE providers (
    id       BLOB NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    priority INTEGER NOT NULL,
    key_id   INTEGER NOT NULL,
    config   BLOB NOT NULL,
    body     TEXT NOT NULL
) STRICT;

CREATE TABLE challenges (
    id            BLOB NOT NULL PRIMARY KEY,
    user_id       BLOB NOT NULL,
    token_id      BLOB NOT NULL,
    resource_id   BLOB NOT NULL,
    attempt       BLOB NOT NULL,
    first_session BLOB NOT NULL,
    password_tag  BLOB,
    created       INTEGER NOT NULL,
    expires       INTEGER NOT NULL,
    deadline      INTEGER NOT NULL,
    next_send     INTEGER NOT NULL,
    open          INTEGER NOT NULL,
    consumed_by   BLOB,
    answered      INTEGER NOT NULL,
    generation    INTEGER NOT NULL,
    tries         INTEGER NOT NULL,
    max_tries     INTEGER NOT NULL,
    sends         INTEGER NOT NULL,
    body          TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_open ON challenges (user_id, deadline) WHERE open = 1;
CREATE INDEX challenges_by_deadline ON challenges (deadline);

CREATE TABLE sessions (
    challenge_id BLOB NOT NULL,
    id           BLOB NOT NULL UNIQUE,
    round        INTEGER NOT NULL,
    notice       TEXT NOT NULL,
    answered_by  BLOB,
    answered     TEXT,
    PRIMARY KEY (challenge_id, id)
) STRICT, WITHOUT ROWID;

-- wake is when a queued text is due or a lease ends; ended texts have none.
CREATE TABLE messages (
    id      BLOB NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    wake    INTEGER,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_by_age ON messages (created);
CREATE INDEX messages_waiting ON messages (created, wake) WHERE wake IS NOT NULL;

CREATE TABLE test_numbers (
    message_id BLOB PRIMARY KEY,
    key_id     INTEGER NOT NULL,
    phone      BLOB NOT NULL,
    body       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    subject     BLOB PRIMARY KEY,
    short_start INTEGER NOT NULL,
    short_count INTEGER NOT NULL,
    day_start   INTEGER NOT NULL,
    day_count   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_by_age ON counters (day_start);

CREATE TABLE source_success (
    user_id BLOB NOT NULL,
    source  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (user_id, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_success_by_age ON source_success (at);

-- Aggregates that are read rarely: `body` is sealed JSON, bound to kind and id; doc_key is unique within a kind.
CREATE TABLE documents (
    kind    TEXT NOT NULL,
    id      BLOB NOT NULL,
    owner   BLOB,
    doc_key BLOB,
    due     INTEGER,
    key_id  INTEGER NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
-- The owner comes first: all that a user had goes with the user.
CREATE INDEX documents_of_owner ON documents (owner, kind, id) WHERE owner IS NOT NULL;
CREATE UNIQUE INDEX documents_by_key ON documents (kind, doc_key) WHERE doc_key IS NOT NULL;
CREATE INDEX documents_by_due ON documents (kind, due, id) WHERE due IS NOT NULL;

-- hash is SHA-256 over the hash before it (32 zero octets before the first row) and text.
CREATE TABLE audit (
    seq  INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
