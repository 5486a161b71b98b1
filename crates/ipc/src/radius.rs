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
    /// What clients were seen to do about Message-Authenticator. Decides nothing.
    Signed(RadiusSigned),
    /// An Accounting-Request, to be stored before it is answered (RFC 2866 section 2).
    Account(RadiusAccount),
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
    /// What proves the person.
    pub credentials: Credentials,
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
    /// The code, or a word that asks for the text again.
    pub credentials: Credentials,
    /// As in [`RadiusBegin::attempt`].
    pub attempt: String,
    /// What the VPN says of the connection.
    #[serde(default)]
    pub nas: Nas,
}

/// What an Access-Request carries of a password or code. Octets are hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Credentials {
    /// User-Password, revealed; EAP-GTC's answer.
    Pap {
        /// As typed.
        password: Secret,
    },
    /// CHAP (RFC 2865 section 2.2): only somebody who knows the password can check it.
    Chap {
        /// CHAP Identifier.
        id: u8,
        /// CHAP-Challenge, or the Request Authenticator.
        challenge: Secret,
        /// 16 octets.
        response: Secret,
    },
    /// MS-CHAPv2 (RFC 2759): as CHAP.
    MsChap2 {
        /// Ident of MS-CHAP2-Response.
        id: u8,
        /// MS-CHAP-Challenge, 16 octets.
        challenge: Secret,
        /// Peer-Challenge, 16 octets.
        peer_challenge: Secret,
        /// NT-Response, 24 octets.
        response: Secret,
        /// The whole MS-CHAP2-Response value, for an upstream server.
        whole: Secret,
    },
}

/// What was seen of Message-Authenticator since the last report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadiusSigned {
    /// [`RadiusClient::name`].
    pub client: String,
    /// A valid one was seen.
    pub signed: bool,
    /// A request without was seen.
    pub unsigned: bool,
}

/// An Accounting-Request (RFC 2866 section 4.1) whose authenticator was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RadiusAccount {
    /// [`RadiusClient::name`] that the packet's source address matched.
    pub client: String,
    /// User-Name as far as it is text.
    pub user: String,
    /// Acct-Status-Type: 1 Start, 2 Stop, 3 Interim-Update, 7 Accounting-On, 8 Accounting-Off.
    pub status: u32,
    /// Acct-Session-Id.
    pub session: String,
    /// Framed-IP-Address or Framed-IPv6-Address; empty where absent.
    #[serde(default)]
    pub framed: String,
    /// Acct-Session-Time in seconds, where sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// Octets from and to the person, gigawords included, where sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub octets: Option<(u64, u64)>,
    /// Acct-Terminate-Cause, where sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<u32>,
    /// Acct-Delay-Time in seconds.
    #[serde(default)]
    pub delay: u32,
    /// As in [`RadiusBegin::attempt`].
    pub attempt: String,
    /// What the VPN says of the connection.
    #[serde(default)]
    pub nas: Nas,
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
    /// MS-CHAP (version 1), ARAP, or EAP where the client's entry does not allow it.
    MethodUnsupported,
    /// EAP, CHAP or MS-CHAPv2 that cannot be read.
    CredentialsMalformed,
    /// An EAP peer that does not take GTC (RFC 3748 section 5.3).
    EapRefused,
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
            Self::CredentialsMalformed => "credentials-malformed",
            Self::EapRefused => "eap-refused",
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
    /// Tunnel-Client-Endpoint.
    pub tunnel_client: String,
    /// Framed-IP-Address or Framed-IPv6-Address.
    pub framed: String,
    /// Service-Type, where sent.
    pub service: String,
}

/// Answers on `radius.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "re", rename_all = "kebab-case")]
pub enum RadiusReply {
    /// To [`RadiusOp::Begin`] and [`RadiusOp::Answer`]. Never [`LoginReply::Ignore`].
    Login {
        /// What to tell the VPN.
        login: LoginReply,
        /// After MS-CHAPv2, for Access-Accept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms_chap2: Option<MsChap2Success>,
        /// Reply attributes whose value is hidden with the shared secret (RFC 2868 section 3.5, RFC 2548 section 2.4.2).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hidden: Vec<HiddenAttribute>,
    },
    /// To [`RadiusOp::Report`], [`RadiusOp::Signed`] and [`RadiusOp::Account`], once stored.
    Reported,
    /// To [`RadiusOp::Clients`].
    Clients(ClientTable),
}

/// What an Access-Accept after MS-CHAPv2 carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MsChap2Success {
    /// MS-CHAP2-Success without Ident: `S=` and 40 hex digits.
    pub success: String,
    /// MS-MPPE-Send-Key, hex, 16 octets.
    pub send_key: Secret,
    /// MS-MPPE-Recv-Key, hex, 16 octets.
    pub receive_key: Secret,
}

/// A reply attribute that is hidden on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenAttribute {
    /// Attribute type; 26 for a vendor's.
    pub code: u8,
    /// What stands in clear before the salt: vendor, its type and length, tag; hex.
    #[serde(default)]
    pub head: String,
    /// Value, hex.
    pub value: Secret,
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
    /// What it must do about Message-Authenticator.
    pub message_authenticator: MessageAuthenticator,
    /// Whether it has sent a valid one already.
    #[serde(default)]
    pub signed: bool,
    /// Whether requests with Proxy-State but without Message-Authenticator get silence.
    #[serde(default)]
    pub limit_proxy_state: bool,
    /// Whether EAP (Identity and GTC) is answered.
    #[serde(default)]
    pub eap: bool,
    /// Whether Accounting-Requests are answered.
    #[serde(default)]
    pub accounting: bool,
}

/// What a client must do about Message-Authenticator (RFC 3579 section 3.2, CVE-2024-3596).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageAuthenticator {
    /// A request without it gets silence.
    #[default]
    Require,
    /// It may be absent until the client has sent the first valid one.
    Auto,
    /// It may be absent. A wrong one still gets silence.
    Off,
}
