//! What otpost-radius may ask.

use serde::{Deserialize, Serialize};

use crate::{LoginReply, Secret};

/// Requests of `radius.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum RadiusOp {
    /// An Access-Request without State.
    Begin(RadiusBegin),
    /// An Access-Request with State.
    Answer(RadiusAnswer),
    /// A page of the client table. With `after`, the answer waits (at most 30 s) until the version differs from it.
    Clients {
        /// Version the asker holds already.
        #[serde(default)]
        after: Option<u64>,
        /// Entries of the same version that the asker has from earlier pages.
        #[serde(default)]
        from: u32,
    },
}

/// A login that a VPN starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadiusBegin {
    /// [`RadiusClient::name`] that the packet's source address matched.
    pub client: String,
    /// User-Name as text.
    pub user: String,
    /// User-Password revealed; absent where the packet has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Names this packet: hex SHA-256 over client address, port, Identifier and Request Authenticator. A
    /// retransmit has the same one.
    pub attempt: String,
    /// What the VPN says of the connection.
    #[serde(default)]
    pub nas: Nas,
}

/// A code that a VPN passes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadiusAnswer {
    /// [`RadiusClient::name`] that the packet's source address matched.
    pub client: String,
    /// User-Name as text.
    pub user: String,
    /// State, hex.
    pub session: String,
    /// User-Password revealed: the code, or a word that asks for the text again.
    pub answer: Secret,
    /// As in [`RadiusBegin::attempt`].
    pub attempt: String,
}

/// Attributes of the access server, as text; empty where absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nas {
    /// Source address of the packet.
    pub source: String,
    /// NAS-IP-Address or NAS-IPv6-Address.
    pub ip: String,
    /// NAS-Identifier.
    pub identifier: String,
    /// NAS-Port.
    pub port: String,
    /// Calling-Station-Id.
    pub calling_station: String,
    /// Acct-Session-Id.
    pub acct_session: String,
}

/// Answers on `radius.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "re", rename_all = "kebab-case")]
pub enum RadiusReply {
    /// To [`RadiusOp::Begin`] and [`RadiusOp::Answer`]. Never [`LoginReply::Ignore`].
    Login {
        /// What to tell the VPN.
        login: LoginReply,
    },
    /// To [`RadiusOp::Clients`].
    Clients(ClientTable),
}

/// A page of the RADIUS clients. Pages of different versions make no table: whoever put them together would trust
/// clients that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientTable {
    /// Grows with each change.
    pub version: u64,
    /// Entries; their networks do not overlap at the same prefix length.
    pub clients: Vec<RadiusClient>,
    /// Whether there are more; then `clients` is not empty.
    #[serde(default)]
    pub more: bool,
}

/// One VPN, or a group of its servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadiusClient {
    /// Unique name.
    pub name: String,
    /// Source networks, `192.0.2.0/24` or `2001:db8::/64`; the longest prefix wins.
    pub networks: Vec<String>,
    /// Shared secret, never empty.
    pub secret: Secret,
    /// Whether a request without Message-Authenticator is dropped.
    pub message_authenticator: MessageAuthenticator,
}

/// What a client must do about Message-Authenticator (RFC 3579 section 3.2, CVE-2024-3596).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageAuthenticator {
    /// A request without it gets silence.
    #[default]
    Require,
    /// It may be absent. A wrong one still gets silence.
    Optional,
}
