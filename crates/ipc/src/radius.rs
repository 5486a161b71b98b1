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
    /// An Access-Request that was rejected without asking, for the audit log. Decides nothing.
    Report(RadiusReport),
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

/// A request that the server itself has rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadiusReport {
    /// [`RadiusClient::name`] that the packet's source address matched.
    pub client: String,
    /// User-Name as far as it is text; empty where there is none.
    #[serde(default)]
    pub user: String,
    /// Why.
    pub reason: RadiusRefusal,
    /// How many of this client's requests were rejected before this one without a report of their own.
    #[serde(default)]
    pub more: u64,
    /// What the VPN says of the connection.
    #[serde(default)]
    pub nas: Nas,
}

/// Why the server rejects a request without asking the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RadiusRefusal {
    /// No credentials of any kind (RFC 5080 section 2.1).
    NoCredentials,
    /// CHAP, MS-CHAP, EAP or ARAP: the password cannot be revealed from those.
    MethodUnsupported,
    /// User-Password beside another method, or twice (RFC 2865 section 4.1).
    CredentialsAmbiguous,
    /// User-Password of a wrong length (RFC 2865 section 5.2).
    PasswordLength,
    /// User-Password that is not UTF-8 text.
    PasswordNotText,
    /// No User-Name, two, or one that is empty, not UTF-8 or holds control characters.
    UserNameUnusable,
    /// A State that is not one of ours.
    StateUnknown,
}

impl RadiusRefusal {
    /// Stable code for audit rows.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoCredentials => "no-credentials",
            Self::MethodUnsupported => "method-unsupported",
            Self::CredentialsAmbiguous => "credentials-ambiguous",
            Self::PasswordLength => "password-length",
            Self::PasswordNotText => "password-not-text",
            Self::UserNameUnusable => "user-name-unusable",
            Self::StateUnknown => "state-unknown",
        }
    }
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
    /// To [`RadiusOp::Report`].
    Reported,
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
