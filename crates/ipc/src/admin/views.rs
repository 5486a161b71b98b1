//! Rows as administrators see them. Never a secret, a hash or a full number.

use serde::{Deserialize, Serialize};

use super::requests::ClientSet;
use super::requests::ResourceSettings;
use crate::radius::MessageAuthenticator;

/// Health and totals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Status {
    /// Package version.
    pub version: String,
    /// Seconds since the daemon started.
    pub uptime: u64,
    /// `production` or `development`.
    pub environment: String,
    /// Users.
    pub users: u64,
    /// Tokens.
    pub tokens: u64,
    /// Resources.
    pub resources: u64,
    /// RADIUS clients.
    pub radius_clients: u64,
    /// Providers that are switched on.
    pub providers: u64,
    /// Logins that wait for a code.
    pub open_challenges: u64,
    /// Texts on their way.
    pub waiting_texts: u64,
    /// Audit rows.
    pub audit_rows: u64,
    /// Connected otpost-radius processes.
    pub radius_servers: u64,
    /// Things an administrator should mend, each with how.
    pub warnings: Vec<String>,
}

/// A user as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UserView {
    /// Login.
    pub login: String,
    /// Aliases.
    pub aliases: Vec<String>,
    /// Groups, for exemptions and reply attributes.
    #[serde(default)]
    pub groups: Vec<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// Whether a password is registered here.
    pub password: bool,
    /// Whether the user can sign in to a portal: with a password, or by a code to the e-mail address.
    #[serde(default)]
    pub way_in: bool,
    /// Recovery codes that are left; absent where there are none.
    #[serde(default)]
    pub recovery_left: Option<u32>,
    /// When a code last let the user in.
    #[serde(default)]
    pub last_login: Option<u64>,
    /// Resources the user is bound to.
    pub resources: Vec<String>,
    /// Whether the user is bound to others too, which the asker does not administer: what would hold there is refused.
    #[serde(default)]
    pub beyond: bool,
    /// Why the user is locked, in words; absent when not.
    pub locked: Option<String>,
    /// End of a bypass.
    pub bypass_until: Option<u64>,
    /// Wrong codes since the last right one.
    pub failures: u32,
    /// Tokens; empty in lists.
    pub tokens: Vec<TokenView>,
}

/// A token as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TokenView {
    /// Id.
    pub id: String,
    /// Owner's login.
    pub user: String,
    /// Name.
    pub name: String,
    /// `sms` or `totp`.
    #[serde(default)]
    pub kind: String,
    /// Number, masked; empty for an app.
    pub phone: String,
    /// Length of its codes.
    pub digits: u8,
    /// `active`, `disabled` or `blocked`.
    pub status: String,
    /// Whether it ever gave a right code.
    pub verified: bool,
    /// Resources it guards.
    pub resources: Vec<String>,
    /// Whether it guards others too, which the asker does not administer: it cannot be changed then.
    #[serde(default)]
    pub beyond: bool,
}

/// A resource as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResourceView {
    /// Name.
    pub name: String,
    /// Its settings, all present but `name`.
    pub settings: ResourceSettings,
    /// Full address of its portal; empty while that is off or the portal's URL is not set.
    #[serde(default)]
    pub portal: String,
    /// Users bound to it.
    pub users: u64,
}

/// A RADIUS client as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClientView {
    /// Name.
    pub name: String,
    /// Networks of its packets.
    pub networks: Vec<String>,
    /// Resource it protects.
    pub resource: String,
    /// What it must do about Message-Authenticator.
    pub message_authenticator: MessageAuthenticator,
    /// `local`, `stack`, or a list such as `local,ldap:corp`.
    pub first_factor: String,
    /// When it first sent a valid Message-Authenticator.
    #[serde(default)]
    pub signed: Option<u64>,
    /// When it last sent a request without, to the hour.
    #[serde(default)]
    pub unsigned: Option<u64>,
    /// How logins run; nothing is absent.
    #[serde(default)]
    pub set: ClientSet,
}

/// A source whose codes are remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RememberedView {
    /// Names it to revoke it.
    pub id: String,
    /// Login.
    pub user: String,
    /// Resource.
    pub resource: String,
    /// RADIUS client or PAM service.
    pub service: String,
    /// Address of the person's device.
    pub source: String,
    /// When the code was given.
    pub since: u64,
    /// When it ends.
    pub until: u64,
}

/// A connection that a RADIUS client accounts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AccountingView {
    /// RADIUS client.
    pub client: String,
    /// User-Name as sent.
    pub user: String,
    /// Acct-Session-Id.
    pub session: String,
    /// Calling-Station-Id.
    pub station: String,
    /// Framed-IP-Address.
    pub framed: String,
    /// Start.
    pub started: u64,
    /// When it was last heard of.
    pub seen: u64,
    /// End; absent while it lasts.
    pub ended: Option<u64>,
    /// Octets from the person.
    pub octets_in: u64,
    /// Octets to the person.
    pub octets_out: u64,
}

/// A source of passwords as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceView {
    /// Name.
    pub name: String,
    /// `ldap` or `radius`.
    pub kind: String,
    /// Its servers, in the order in which they are asked.
    pub servers: Vec<String>,
    /// Its settings as JSON, without credentials and certificates.
    pub settings: String,
    /// RADIUS clients that ask it.
    pub used_by: Vec<String>,
}

/// A provider as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProviderView {
    /// Name.
    pub name: String,
    /// `file` or `http`.
    pub kind: String,
    /// Lower is asked first.
    pub priority: u32,
    /// Whether it is asked.
    pub enabled: bool,
    /// Sender the recipient sees.
    pub sender: String,
}

/// A text as shown; never its words or the full number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MessageView {
    /// Id.
    pub id: String,
    /// `code` or `test`.
    pub kind: String,
    /// Number, masked; empty where the token is gone.
    pub phone: String,
    /// `queued`, `leased`, `accepted`, `failed`, `unknown` or `expired`.
    pub state: String,
    /// Providers tried, in order.
    pub tried: Vec<String>,
    /// What the last submission said.
    pub detail: String,
    /// When it was queued.
    pub created: u64,
    /// Reference of its login.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// An audit row as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuditView {
    /// Position.
    pub seq: u64,
    /// When.
    pub at: u64,
    /// What.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// User.
    pub user: String,
    /// Resource.
    pub resource: String,
    /// Channel and service.
    pub via: String,
    /// Where from.
    pub source: String,
    /// Further detail.
    pub detail: String,
}

/// An administrator as shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AdminView {
    /// Login.
    pub login: String,
    /// Name in words.
    pub shown: String,
    /// E-mail address.
    pub email: Option<String>,
    /// `owner`, `admin` or `helpdesk`.
    pub role: String,
    /// Names of the resources in scope; empty: all.
    pub resources: Vec<String>,
    /// Whether the administrator is locked out.
    pub locked: bool,
    /// Whether the set-up link was not used yet.
    pub pending: bool,
    /// Last use of a session.
    pub seen: Option<u64>,
}

/// A key of the REST API as shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ApiKeyView {
    /// Name.
    pub name: String,
    /// `owner`, `admin` or `helpdesk`.
    pub role: String,
    /// Names of the resources in scope; empty: all.
    pub resources: Vec<String>,
    /// Who made it.
    pub by: String,
    /// When.
    pub created: u64,
    /// End, where it has one.
    pub ends: Option<u64>,
    /// Last use.
    pub used: Option<u64>,
}

/// How mail leaves, without the password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MailView {
    /// Name or address of the server; empty: mail is off.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `starttls`, `tls` or `none`.
    pub security: String,
    /// User at the server.
    pub user: String,
    /// Whether a password is set.
    pub password: bool,
    /// Sender.
    pub from: String,
    /// Whether a certificate authority of one's own is set.
    pub ca: bool,
    /// Mails that wait.
    pub waiting: u64,
    /// What the last mail that failed said; empty: none did.
    pub trouble: String,
}

/// Settings of portal and console.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct PortalView {
    /// Where people reach the portal; empty: not set.
    pub url: String,
    /// Where administrators reach the console; empty: not set.
    pub console_url: String,
    /// Whether people without password may sign in by a code from an e-mail.
    pub email_codes: bool,
}

/// An import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ImportState {
    /// Id.
    pub import: String,
    /// `reading`, `planned`, `running`, `done`, `refused` (atomic, with bad lines) or `failed`.
    pub state: String,
    /// Lines of data.
    pub lines: u64,
    /// Lines that add a user.
    pub add: u64,
    /// Lines that change one.
    pub change: u64,
    /// Lines that change nothing.
    pub same: u64,
    /// Lines that cannot be taken.
    pub bad: u64,
    /// Lines carried out so far.
    pub done: u64,
    /// Why it failed or was refused; empty otherwise.
    pub why: String,
}

/// A line of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ImportLine {
    /// Its number in the file, from 1; the header is 1.
    pub line: u64,
    /// Login.
    pub login: String,
    /// `add`, `change`, `same` or `bad`.
    pub kind: String,
    /// What changes, or what is wrong and what mends it. Numbers are masked.
    pub text: String,
}

/// Figures of an hour or a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct DayCounts {
    /// Start.
    pub start: u64,
    /// Logins allowed.
    pub allowed: u64,
    /// Logins denied after a wrong code.
    pub wrong_code: u64,
    /// Logins denied for another reason.
    pub denied: u64,
    /// Texts a provider took.
    pub accepted: u64,
    /// Texts that failed, ended unknown or expired.
    pub failed: u64,
    /// Milliseconds from queue to provider's answer: half of the texts.
    pub p50: u32,
    /// The same: 95 of 100.
    pub p95: u32,
}

/// How fast a provider answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProviderLatency {
    /// Its name.
    pub provider: String,
    /// Texts it took.
    pub accepted: u64,
    /// Texts it did not take.
    pub failed: u64,
    /// Milliseconds: half of the answers.
    pub p50: u32,
    /// Milliseconds: 95 of 100.
    pub p95: u32,
}

/// Figures for the overview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OverviewView {
    /// By hour up to 48 hours, else by day; oldest first, none left out.
    pub series: Vec<DayCounts>,
    /// Milliseconds that an entry of `series` spans.
    pub step: u64,
    /// Denials by reason code, most first.
    pub reasons: Vec<(String, u64)>,
    /// Texts by state (`accepted`, `failed`, `unknown`, `expired`, `waiting`).
    pub texts: Vec<(String, u64)>,
    /// By provider.
    pub providers: Vec<ProviderLatency>,
    /// Users that are locked now, at most ten, by login.
    pub locked: Vec<String>,
    /// How many are locked now.
    pub locked_count: u64,
    /// Health and totals.
    pub status: Status,
}
