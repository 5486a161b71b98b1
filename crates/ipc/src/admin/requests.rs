//! What requests of administrators hold.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// A new user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct UserAdd {
    /// Login name, 1..=64 characters.
    pub login: String,
    /// Further names.
    pub aliases: Vec<String>,
    /// Password, 6..=128 characters; absent where another system checks it.
    pub password: Option<Secret>,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Resources to bind to.
    pub resources: Vec<String>,
    /// Groups, for exemptions and reply attributes.
    pub groups: Vec<String>,
}

/// Changes of a user; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct UserSet {
    /// Login or alias.
    pub user: String,
    /// New password.
    pub password: Option<Secret>,
    /// New e-mail address; empty takes it away.
    pub email: Option<String>,
    /// New aliases, all of them.
    pub aliases: Option<Vec<String>>,
    /// New first name.
    pub first_name: Option<String>,
    /// New last name.
    pub last_name: Option<String>,
    /// New groups, all of them.
    pub groups: Option<Vec<String>>,
}

/// Settings of a resource; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ResourceSettings {
    /// New name.
    pub name: Option<String>,
    /// Off: every login is denied.
    pub enabled: Option<bool>,
    /// Wrong codes until the user is locked, 3..=10.
    pub failed_attempts: Option<u32>,
    /// Wrong codes until a challenge ends, 1..=10.
    pub tries: Option<u32>,
    /// 6, 7 or 8.
    pub digits: Option<u8>,
    /// Life of a code in seconds, 60..=600.
    pub validity: Option<u32>,
    /// `deny` or `allow`.
    pub unenrolled: Option<String>,
    /// `deny` or `allow`.
    pub disabled: Option<String>,
    /// PAM services it guards; `*` for all others.
    pub pam_services: Option<Vec<String>>,
    /// Whether two tokens may have the same number.
    pub shared_phones: Option<bool>,
    /// Country of numbers typed without a country code, two letters; empty for none.
    pub region: Option<String>,
    /// Self-service; absent fields within stay.
    pub self_service: Option<SelfServiceSettings>,
    /// Who gets in without a code, and who not at all.
    pub access: Option<AccessSet>,
}

/// Self-service of a resource; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct SelfServiceSettings {
    /// `[a-z0-9-]{1,64}`, unique; empty turns the portal off.
    pub address: Option<String>,
    /// Allowed actions, all of them: `enroll`, `reissue`, `assign-existing`, `unassign`, `rename`, `synchronise`, `create-password`,
    /// `change-password`, `change-email`, `change-phone`, `change-login`, `change-names`, `manage-sessions`; `all` is all.
    pub actions: Option<Vec<String>>,
    /// What may be set up, all of it: `sms`, `totp`, `recovery`.
    pub kinds: Option<Vec<String>>,
    /// `choice`, `6` or `8`.
    pub otp_length: Option<String>,
    /// Whether number and code come on two pages (`Next`) or the number is taken with one (`Save`).
    pub two_steps: Option<bool>,
    /// `password` or `invite`.
    pub first_enrolment: Option<String>,
    /// Days within which a first enrolment is possible; 0: no end.
    pub enrol_days: Option<u32>,
    /// Title instead of the resource's name; empty: the name.
    pub title: Option<String>,
    /// Accent colour, `#rrggbb`; empty: the default.
    pub accent: Option<String>,
    /// One line under the user name; empty: none.
    pub hint: Option<String>,
}

/// What may be sent; absent fields stay. Counts are texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct SmsPolicySet {
    /// All countries texts may go to, two letters each.
    pub countries: Option<Vec<String>>,
    /// Whether Voice-over-IP numbers may be texted.
    pub voip: Option<bool>,
    /// Nothing leaves while set.
    pub paused: Option<bool>,
    /// Per number and hour.
    pub number_hour: Option<u32>,
    /// Per number and day.
    pub number_day: Option<u32>,
    /// Per user and hour.
    pub user_hour: Option<u32>,
    /// Per user and day.
    pub user_day: Option<u32>,
    /// Of the user's hourly texts, kept for known sources.
    pub user_reserve: Option<u32>,
    /// Per source network and hour.
    pub source_hour: Option<u32>,
    /// Per source network and day.
    pub source_day: Option<u32>,
    /// In all, per minute.
    pub all_minute: Option<u32>,
    /// In all, per day.
    pub all_day: Option<u32>,
}

/// Changes of an administrator; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AdminSet {
    /// Login.
    pub login: String,
    /// Name in words.
    pub shown: Option<String>,
    /// E-mail address; empty takes it away.
    pub email: Option<String>,
    /// `owner`, `admin` or `helpdesk`; the last owner stays one.
    pub role: Option<String>,
    /// Resources in scope, all of them; empty for everything.
    pub resources: Option<Vec<String>>,
    /// Whether the administrator is locked out; all sessions end.
    pub locked: Option<bool>,
}

/// How mail leaves; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MailSet {
    /// Name or address of the SMTP server; empty switches mail off.
    pub host: Option<String>,
    /// Port; 0 for the usual one.
    pub port: Option<u16>,
    /// `starttls`, `tls`, or `none` (loopback only).
    pub security: Option<String>,
    /// User at the server; empty: none.
    pub user: Option<String>,
    /// Password at the server; empty: none.
    pub password: Option<Secret>,
    /// Sender, such as `otpost <otpost@example.com>`.
    pub from: Option<String>,
    /// Certificate authority to trust besides the system's, PEM; empty: none.
    pub ca: Option<String>,
}

/// Settings of portal and console; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct PortalSet {
    /// Where people reach the portal, such as `https://login.example.com`; full addresses are made from it.
    pub url: Option<String>,
    /// Where administrators reach the console.
    pub console_url: Option<String>,
    /// Whether people without password may sign in by a code from an e-mail.
    pub email_codes: Option<bool>,
}

/// Which audit rows; empty fields match all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AuditFilter {
    /// Login.
    pub user: String,
    /// Resource name.
    pub resource: String,
    /// Beginning of the kind, such as `login.` or `login.deny`.
    pub kind: String,
    /// Reason code.
    pub reason: String,
    /// Reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Literal source.
    pub source: String,
    /// Not before this time (milliseconds since 1970); 0: any.
    pub from: u64,
    /// Before this time; 0: any.
    pub until: u64,
}

/// Settings of a RADIUS client; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ClientSet {
    /// `fortigate`, `paloalto`, `asa`, `openvpn`, `strongswan`, `ocserv`, `mikrotik`, `pfsense`, `netscaler`, or empty for none. Setting
    /// it sets what is not set beside it.
    pub nas: Option<String>,
    /// `challenge`, `append`, `two-pass` or `code-only`.
    pub flow: Option<String>,
    /// One character between password and code; empty for none.
    pub separator: Option<String>,
    /// Whether requests with Proxy-State but without Message-Authenticator get silence.
    pub limit_proxy_state: Option<bool>,
    /// Whether a wrong password is answered with a challenge too, without a text.
    pub hide_first_factor: Option<bool>,
    /// Whether the code may be shown while typed.
    pub echo: Option<bool>,
    /// Longest prompt in octets, 20..=253.
    pub prompt_length: Option<u16>,
    /// Attribute trusted to hold the address of the person's device: `none`, `calling-station-id`, `tunnel-client-endpoint` or
    /// `framed-ip-address`.
    pub source: Option<String>,
    /// Whether EAP-GTC is answered.
    pub eap: Option<bool>,
    /// Whether accounting is stored and answered.
    pub accounting: Option<bool>,
    /// Reply attributes of every Access-Accept, such as `Class = staff`, all of them.
    pub reply: Option<Vec<String>>,
}

/// Who gets to a resource without a code, and who not at all; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AccessSet {
    /// Networks that logins must come from, all of them; empty: from everywhere.
    pub allowed_networks: Option<Vec<String>>,
    /// Times at which logins are let in, such as `mon-fri 07:00-19:00`, all of them; empty: always.
    pub hours: Option<Vec<String>>,
    /// Time zone of `hours`, such as `Europe/Berlin`; empty for the daemon's own.
    pub time_zone: Option<String>,
    /// Networks that need no code, all of them.
    pub exempt_networks: Option<Vec<String>>,
    /// Users that need no code, all of them.
    pub exempt_users: Option<Vec<String>>,
    /// Groups whose members need no code, all of them.
    pub exempt_groups: Option<Vec<String>>,
    /// Minutes for which a code given from a source holds there, at most 1440; 0: each login needs its own.
    pub remember_minutes: Option<u32>,
    /// Reply attributes: each is `ATTRIBUTE = VALUE` for everybody, `user NAME: ...` or `group NAME: ...`; all of them.
    pub reply: Option<Vec<String>>,
}
