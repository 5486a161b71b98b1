//! Entries in the table of RADIUS clients.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::ids::{ClientId, ResourceId};
use crate::net::Network;
use crate::source::Chain;

/// A secret that the store seals. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Zeroizing<String>);

impl Sealed {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// What a client must do about Message-Authenticator (RFC 3579 section 3.2, CVE-2024-3596).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageAuthenticator {
    /// Requests without it get silence.
    #[default]
    Require,
    /// It may be absent until the client has sent the first valid one; from then on as [`Self::Require`].
    Auto,
    /// It may be absent. A wrong one still gets silence.
    Off,
}

/// How a login through a client runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Password, then Access-Challenge for the code.
    #[default]
    Challenge,
    /// Password and code in one field, split from the right by the code's known length; a password alone is answered with
    /// an Access-Challenge.
    Append,
    /// Password alone: the text leaves and the request is rejected with words that say so; then password and code in one field.
    TwoPass,
    /// The password field holds the code and nothing else; another system has checked the password before.
    CodeOnly,
}

/// Products whose habits are known; sets what was not chosen by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the variants are product names")]
pub enum Nas {
    Fortigate,
    Paloalto,
    Asa,
    Openvpn,
    Strongswan,
    Ocserv,
    Mikrotik,
    Pfsense,
    Netscaler,
}

impl Nas {
    /// `settings` as this product wants them. What is not the product's habit stays.
    #[must_use]
    pub fn preset(self, settings: Settings) -> Settings {
        let base = Settings {
            nas: Some(self),
            flow: Flow::Challenge,
            eap: false,
            ..settings
        };
        match self {
            Self::Fortigate | Self::Paloalto | Self::Asa | Self::Netscaler | Self::Ocserv => base,
            // The plug-in takes a challenge for a refusal, and SCRV1 holds both parts in one field.
            Self::Openvpn => Settings {
                flow: Flow::Append,
                ..base
            },
            // IKEv2 knows EAP alone.
            Self::Strongswan => Settings { eap: true, ..base },
            // Their dialogues show no challenge.
            Self::Mikrotik | Self::Pfsense => Settings {
                flow: Flow::TwoPass,
                ..base
            },
        }
    }
}

/// The attribute that a client is trusted to fill with the address of the person's device (domain decision 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceAttribute {
    /// None: rules that need a source never match.
    #[default]
    None,
    /// Calling-Station-Id, where it is a literal address.
    CallingStationId,
    /// Tunnel-Client-Endpoint, where it is a literal address.
    TunnelClientEndpoint,
    /// Framed-IP-Address or Framed-IPv6-Address.
    FramedIpAddress,
}

/// Longest Reply-Message that may be asked for, in octets (RFC 2865 section 5.18).
pub const PROMPT_LENGTH: u16 = 253;

/// How logins through a client run, and what they may carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Settings {
    /// What the client is.
    pub nas: Option<Nas>,
    /// How a login runs.
    pub flow: Flow,
    /// Character between password and code, where people want one. A code without it is understood as well.
    pub separator: Option<char>,
    /// Whether requests with Proxy-State but without Message-Authenticator get silence.
    pub limit_proxy_state: bool,
    /// Whether a wrong password is answered with a challenge too, without a text behind it.
    pub hide_first_factor: bool,
    /// Whether the code may be shown while typed: Prompt (RFC 2869 section 5.10).
    pub echo: bool,
    /// Longest prompt the client shows, in octets, 20..=253.
    pub prompt_length: u16,
    /// Where the address of the person's device stands.
    pub source: SourceAttribute,
    /// Whether EAP (Identity and GTC) is answered.
    pub eap: bool,
    /// Whether Accounting-Requests are stored and answered.
    pub accounting: bool,
    /// Reply attributes of every Access-Accept, as written by the administrator.
    pub reply: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nas: None,
            flow: Flow::Challenge,
            separator: None,
            limit_proxy_state: true,
            hide_first_factor: false,
            echo: true,
            prompt_length: PROMPT_LENGTH,
            source: SourceAttribute::None,
            eap: false,
            accounting: false,
            reply: Vec::new(),
        }
    }
}

/// A VPN, or a group of its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadiusClient {
    /// Stable id.
    pub id: ClientId,
    /// Unique name; logins through the same entry are of one group.
    pub name: String,
    /// Source networks of its packets.
    pub networks: Vec<Network>,
    /// Shared secret, never empty.
    pub secret: Sealed,
    /// What it protects.
    pub resource: ResourceId,
    /// What it must do about Message-Authenticator.
    pub message_authenticator: MessageAuthenticator,
    /// When it first sent a valid one.
    pub signed: Option<Timestamp>,
    /// When it last sent a request without, to the hour; absent where it never did.
    pub unsigned: Option<Timestamp>,
    /// Who checks the password.
    pub first_factor: Chain,
    /// How logins run.
    pub settings: Settings,
    /// When the row was made.
    pub created: Timestamp,
}

/// Why a client entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadClient {
    /// Empty, too long or with characters that break logs.
    #[error("a client name has 1 to 64 letters, digits, - _ . and no blanks")]
    Name,
    /// No network.
    #[error("a client needs at least one address or network its packets come from")]
    NoNetwork,
    /// The whole internet.
    #[error("the network {0} is everybody; name the VPN's own addresses")]
    Everybody(Network),
    /// Anybody who forges the address could begin logins, with any password and without the secret.
    #[error(
        "a client whose passwords are checked elsewhere must send Message-Authenticator; leave that required"
    )]
    Open,
    /// A field that holds the code alone cannot hold a password to check.
    #[error("flow code-only needs first-factor stack: the field holds no password")]
    CodeOnly,
    /// Outside 20..=253.
    #[error("prompt-length is 20 to 253 octets, not {0}")]
    PromptLength(u16),
    /// A letter or digit, which passwords and codes hold.
    #[error("the separator is one character that is no letter and no digit, such as a comma")]
    Separator,
    /// Too short to resist guessing off line (RFC 2865 section 3 asks for 16 octets).
    #[error("the shared secret has {0} characters; use at least 16, or leave it out to have one made")]
    Secret(usize),
}

impl RadiusClient {
    /// Whether a request without Message-Authenticator gets silence.
    #[must_use]
    pub fn requires_message_authenticator(&self) -> bool {
        match self.message_authenticator {
            MessageAuthenticator::Require => true,
            MessageAuthenticator::Auto => self.signed.is_some(),
            MessageAuthenticator::Off => false,
        }
    }

    /// Checks every limit. `weak` allows a short (never an empty) secret.
    ///
    /// # Errors
    /// [`BadClient`] names the field and its limits.
    pub fn check(&self, weak: bool) -> Result<(), BadClient> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !(1..=64).contains(&self.name.len()) || !self.name.chars().all(fits) {
            return Err(BadClient::Name);
        }
        if self.networks.is_empty() {
            return Err(BadClient::NoNetwork);
        }
        if let Some(all) = self.networks.iter().find(|n| n.prefix() == 0) {
            return Err(BadClient::Everybody(*all));
        }
        if self.first_factor.is_stack() && self.message_authenticator != MessageAuthenticator::Require {
            return Err(BadClient::Open);
        }
        if self.settings.flow == Flow::CodeOnly && !self.first_factor.is_stack() {
            return Err(BadClient::CodeOnly);
        }
        if !(20..=PROMPT_LENGTH).contains(&self.settings.prompt_length) {
            return Err(BadClient::PromptLength(self.settings.prompt_length));
        }
        if self
            .settings
            .separator
            .is_some_and(|c| c.is_ascii_alphanumeric() || c.is_control())
        {
            return Err(BadClient::Separator);
        }
        let least = if weak { 1 } else { 16 };
        if self.secret.expose().len() < least {
            return Err(BadClient::Secret(self.secret.expose().len()));
        }
        Ok(())
    }
}
