//! Rows to aggregates and back: ids, times, JSON bodies, sealed columns.

use std::fmt::Write as _;

use otpost_core::Timestamp;
use otpost_core::client::{MessageAuthenticator, RadiusClient, Sealed, Settings};
use otpost_core::code::Digits;
use otpost_core::ids::{ClientId, ProviderId, ResourceId, TokenId, UserId};
use otpost_core::keys::Keyring;
use otpost_core::net::Network;
use otpost_core::phone::{Phone, PhoneParts};
use otpost_core::provider::{Provider, ProviderKind};
use otpost_core::source::Chain;
use otpost_core::token::{Status, Token};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{CounterKey, StoreError};

/// A connection with the keys its sealed columns need.
#[derive(Clone, Copy)]
pub(super) struct Rows<'c> {
    pub(super) conn: &'c Connection,
    pub(super) keys: &'c Keyring,
}

/// An error of the engine.
pub(super) fn io(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => StoreError::Damaged(format!("a column: {error}")),
        // SQLite's own text names tables, columns and files, never values.
        other => StoreError::Io(other.to_string()),
    }
}

/// A row that cannot be read back, by table and id.
pub(super) fn damaged(table: &str, id: &[u8]) -> StoreError {
    StoreError::Damaged(format!("{table} {}", hex(id)))
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().saturating_mul(2));
    for octet in octets {
        // Writing to a string cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// A time as SQLite keeps it; what is beyond its integers is for ever all the same.
pub(super) fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

/// A time of column `column`.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    let millis: i64 = row.get(column).map_err(io)?;
    Ok(Timestamp(u64::try_from(millis).unwrap_or(0)))
}

/// Octets of column `column`, borrowed.
pub(super) fn blob<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r [u8], StoreError> {
    match row.get_ref(column).map_err(io)? {
        ValueRef::Blob(octets) => Ok(octets),
        _ => Err(StoreError::Damaged(format!("column {column} is no octets"))),
    }
}

/// A JSON value.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Damaged("a value has no JSON form".to_owned()))
}

/// Reads the JSON in column `column`; `id` names the row in errors, whose content is never shown.
pub(super) fn body<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
    table: &str,
    id: &[u8],
) -> Result<T, StoreError> {
    let ValueRef::Text(text) = row.get_ref(column).map_err(io)? else {
        return Err(damaged(table, id));
    };
    serde_json::from_slice(text).map_err(|_| damaged(table, id))
}

/// Reads rows of `id, body` where the body is the whole aggregate.
pub(super) fn whole<T: DeserializeOwned>(table: &'static str) -> impl Fn(&Row<'_>) -> Result<T, StoreError> {
    move |row| body(row, 1, table, blob(row, 0)?)
}

/// What a sealed column is bound to.
pub(super) fn aad(table: &str, row: &[u8], owner: &[u8]) -> Vec<u8> {
    [table.as_bytes(), b"|", row, b"|", owner].concat()
}

/// The primary key of a counter: a letter for the kind of subject, then what names it. Keys of a user begin with [`counters_of`].
pub(super) fn subject(key: CounterKey<'_>, keys: &Keyring) -> Vec<u8> {
    match key {
        CounterKey::TextsToNumber(phone) => [b"n", phone_index(phone, keys).as_slice()].concat(),
        CounterKey::TextsForUser(user) => [b"u", user.0.as_slice(), b"t"].concat(),
        CounterKey::TextsForSource(source) => [b"s", source.as_bytes()].concat(),
        CounterKey::TextsInAll => b"a".to_vec(),
        CounterKey::PasswordsFromSource(user, source) => {
            [b"u", user.0.as_slice(), b"f", source.as_bytes()].concat()
        }
        CounterKey::PasswordsOfUser(user) => [b"u", user.0.as_slice(), b"p"].concat(),
        CounterKey::Portal(what) => [b"p".as_slice(), &keys.index("counter", what.as_bytes())].concat(),
    }
}

/// First subject of a user's counters, and the first beyond them.
pub(super) fn counters_of(user: UserId) -> (Vec<u8>, Vec<u8>) {
    let first = [b"u", user.0.as_slice()].concat();
    let beyond = [first.as_slice(), b"z"].concat();
    (first, beyond)
}

/// The blind index of a number.
pub(super) fn phone_index(phone: &Phone, keys: &Keyring) -> [u8; 32] {
    keys.index("phone", phone.expose().as_bytes())
}

/// What of a token is kept as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct TokenBody {
    name: String,
    digits: Digits,
    status: Status,
    verified: bool,
    resources: Vec<ResourceId>,
    phone: PhoneParts,
    created: Timestamp,
}

impl TokenBody {
    pub(super) fn of(token: &Token) -> Self {
        Self {
            name: token.name.clone(),
            digits: token.digits,
            status: token.status,
            verified: token.verified,
            resources: token.resources.clone(),
            phone: token.phone.parts(),
            created: token.created,
        }
    }
}

/// What of a RADIUS client is kept as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ClientBody {
    networks: Vec<Network>,
    /// What rows had before there were three modes.
    #[serde(default, skip_serializing)]
    require_message_authenticator: Option<bool>,
    #[serde(default)]
    message_authenticator: Option<MessageAuthenticator>,
    #[serde(default)]
    signed: Option<Timestamp>,
    #[serde(default)]
    unsigned: Option<Timestamp>,
    first_factor: Chain,
    #[serde(default)]
    settings: Settings,
    created: Timestamp,
}

impl ClientBody {
    pub(super) fn of(client: &RadiusClient) -> Self {
        Self {
            networks: client.networks.clone(),
            require_message_authenticator: None,
            message_authenticator: Some(client.message_authenticator),
            signed: client.signed,
            unsigned: client.unsigned,
            first_factor: client.first_factor.clone(),
            settings: client.settings.clone(),
            created: client.created,
        }
    }
}

/// What of a provider is kept as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ProviderBody {
    kind: ProviderKind,
    enabled: bool,
    sender: String,
    created: Timestamp,
}

impl ProviderBody {
    pub(super) fn of(provider: &Provider) -> Self {
        Self {
            kind: provider.kind,
            enabled: provider.enabled,
            sender: provider.sender.clone(),
            created: provider.created,
        }
    }
}

impl Rows<'_> {
    /// The first row of a query.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql).map_err(io)?;
        let mut rows = statement.query(params).map_err(io)?;
        rows.next().map_err(io)?.map(read).transpose()
    }

    /// All rows of a query.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql).map_err(io)?;
        let mut rows = statement.query(params).map_err(io)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(io)? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    /// One number, such as a count.
    pub(super) fn count(&self, sql: &str, params: impl Params) -> Result<u64, StoreError> {
        let count = self.one(sql, params, |row| row.get::<_, Option<i64>>(0).map_err(io))?;
        Ok(u64::try_from(count.flatten().unwrap_or(0)).unwrap_or(0))
    }

    /// Opens a sealed column of the row that `table`, `id` and `owner` name.
    fn open(
        &self,
        sealed: &[u8],
        table: &str,
        id: &[u8],
        owner: &[u8],
    ) -> Result<Zeroizing<String>, StoreError> {
        let plain = self
            .keys
            .open(sealed, &aad(table, id, owner))
            .map_err(|_| damaged(table, id))?;
        std::str::from_utf8(&plain)
            .map(|text| Zeroizing::new(text.to_owned()))
            .map_err(|_| damaged(table, id))
    }

    /// A row of `id, user_id, phone, body`.
    pub(super) fn token(&self, row: &Row<'_>) -> Result<Token, StoreError> {
        const TABLE: &str = "tokens";
        let (id, user) = (blob(row, 0)?, blob(row, 1)?);
        let rest: TokenBody = body(row, 3, TABLE, id)?;
        let e164 = self.open(blob(row, 2)?, TABLE, id, user)?;
        Ok(Token {
            id: TokenId::from_slice(id).ok_or_else(|| damaged(TABLE, id))?,
            user: UserId::from_slice(user).ok_or_else(|| damaged(TABLE, id))?,
            name: rest.name,
            phone: Phone::restore(e164, &rest.phone),
            digits: rest.digits,
            status: rest.status,
            verified: rest.verified,
            resources: rest.resources,
            created: rest.created,
        })
    }

    /// A row of `id, name, resource_id, secret, body`.
    pub(super) fn client(&self, row: &Row<'_>) -> Result<RadiusClient, StoreError> {
        const TABLE: &str = "clients";
        let (id, resource) = (blob(row, 0)?, blob(row, 2)?);
        let rest: ClientBody = body(row, 4, TABLE, id)?;
        Ok(RadiusClient {
            id: ClientId::from_slice(id).ok_or_else(|| damaged(TABLE, id))?,
            name: row.get(1).map_err(io)?,
            networks: rest.networks,
            secret: Sealed(self.open(blob(row, 3)?, TABLE, id, resource)?),
            resource: ResourceId::from_slice(resource).ok_or_else(|| damaged(TABLE, id))?,
            // Doubt requires it.
            message_authenticator: match (rest.message_authenticator, rest.require_message_authenticator) {
                (Some(mode), _) => mode,
                (None, Some(false)) => MessageAuthenticator::Off,
                (None, _) => MessageAuthenticator::Require,
            },
            signed: rest.signed,
            unsigned: rest.unsigned,
            first_factor: rest.first_factor,
            settings: rest.settings,
            created: rest.created,
        })
    }

    /// A row of `id, name, priority, config, body`.
    pub(super) fn provider(&self, row: &Row<'_>) -> Result<Provider, StoreError> {
        const TABLE: &str = "providers";
        let id = blob(row, 0)?;
        let rest: ProviderBody = body(row, 4, TABLE, id)?;
        Ok(Provider {
            id: ProviderId::from_slice(id).ok_or_else(|| damaged(TABLE, id))?,
            name: row.get(1).map_err(io)?,
            kind: rest.kind,
            priority: row.get(2).map_err(io)?,
            enabled: rest.enabled,
            sender: rest.sender,
            config: Sealed(self.open(blob(row, 3)?, TABLE, id, &[])?),
            created: rest.created,
        })
    }

    /// A row of `message_id, phone, body`.
    pub(super) fn test_number(&self, row: &Row<'_>) -> Result<Phone, StoreError> {
        const TABLE: &str = "test_numbers";
        let id = blob(row, 0)?;
        let parts: PhoneParts = body(row, 2, TABLE, id)?;
        Ok(Phone::restore(self.open(blob(row, 1)?, TABLE, id, &[])?, &parts))
    }
}
