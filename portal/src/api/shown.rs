//! What answers hold. The daemon's own types are what is sent; these describe them, and a test compares their fields.
//! Times are milliseconds since 1970 (UTC).

use utoipa::ToSchema;

use super::{
    asked::{ClientSettings, ResourceSettings},
    value::MessageAuthenticator,
};

/// What went wrong (RFC 9457).
#[derive(Debug, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says which kind it is.
    #[schema(rename = "type", example = "about:blank")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened and what mends it. Never holds a secret.
    pub detail: String,
    /// Reference that the log carries too.
    #[schema(rename = "ref")]
    pub reference: String,
}

/// Carried out.
#[derive(Debug, ToSchema)]
pub struct Done {
    /// One sentence for people.
    pub message: String,
}

/// Health and totals.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// Version of the daemon.
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
    /// Things to mend, each with how.
    pub warnings: Vec<String>,
}

/// A user.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    /// Login.
    pub login: String,
    /// Aliases.
    pub aliases: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Whether a password is registered here.
    pub password: bool,
    /// Whether the user can sign in to a portal.
    pub way_in: bool,
    /// Recovery codes that are left; null where there are none.
    pub recovery_left: Option<u32>,
    /// When a code last let the user in.
    pub last_login: Option<u64>,
    /// Resources the user is bound to.
    pub resources: Vec<String>,
    /// Whether the user is bound to others too, which the key does not reach: what would hold there is refused.
    pub beyond: bool,
    /// Why the user is locked; null when not.
    pub locked: Option<String>,
    /// End of a bypass.
    pub bypass_until: Option<u64>,
    /// Wrong codes since the last right one.
    pub failures: u32,
    /// Tokens; empty in lists.
    pub tokens: Vec<Token>,
}

/// A page of users.
#[derive(Debug, ToSchema)]
pub struct Users {
    /// In order of login.
    pub users: Vec<User>,
    /// Whether there may be more.
    pub more: bool,
    /// Where the next page begins; absent: behind the last login of this page, or there are no more.
    #[schema(nullable = false)]
    pub after: Option<String>,
}

/// A token.
#[derive(Debug, ToSchema)]
pub struct Token {
    /// Id.
    pub id: String,
    /// Owner's login.
    pub user: String,
    /// Name.
    pub name: String,
    /// `sms` or `totp`.
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
    /// Whether it guards others too, which the key does not reach: it cannot be changed then.
    pub beyond: bool,
}

/// Tokens of a user.
#[derive(Debug, ToSchema)]
pub struct Tokens {
    /// Oldest first.
    pub tokens: Vec<Token>,
}

/// Tokens of several users.
#[derive(Debug, ToSchema)]
pub struct TokenPage {
    /// In order of owner, then age.
    pub tokens: Vec<Token>,
    /// Where the next page begins; null: there are no more.
    pub after: Option<String>,
}

/// A portal session.
#[derive(Debug, ToSchema)]
pub struct Session {
    /// Id.
    pub id: String,
    /// Always false here.
    pub own: bool,
    /// Browser and system in words.
    pub agent: String,
    /// Where from.
    pub source: String,
    /// Last use.
    pub seen: u64,
    /// Resource of the portal.
    pub portal: String,
}

/// Portal sessions of a user.
#[derive(Debug, ToSchema)]
pub struct Sessions {
    /// Newest use first.
    pub sessions: Vec<Session>,
}

/// A code for one portal sign-in.
#[derive(Debug, ToSchema)]
pub struct OneDayCode {
    /// The code, shown once.
    #[schema(format = Password)]
    pub code: String,
    /// End.
    pub until: u64,
}

/// New recovery codes.
#[derive(Debug, ToSchema)]
pub struct RecoveryCodes {
    /// Ten of them, shown once.
    pub codes: Vec<String>,
}

/// A single-use link.
#[derive(Debug, ToSchema)]
pub struct Link {
    /// The link, shown once.
    #[schema(format = Password)]
    pub link: String,
    /// End.
    pub until: u64,
    /// Whether a mail is on its way.
    pub mailed: bool,
}

/// A resource.
#[derive(Debug, ToSchema)]
pub struct Resource {
    /// Name.
    pub name: String,
    /// Its settings, all present but the name.
    pub settings: ResourceSettings,
    /// Address of its portal; empty while that is off or the portal's address is not set.
    pub portal: String,
    /// Users bound to it.
    pub users: u64,
}

/// A page of resources.
#[derive(Debug, ToSchema)]
pub struct Resources {
    /// In order of name.
    pub resources: Vec<Resource>,
    /// Whether there are more.
    pub more: bool,
}

/// A RADIUS client.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Client {
    /// Name.
    pub name: String,
    /// Networks of its packets.
    pub networks: Vec<String>,
    /// Resource it protects.
    pub resource: String,
    /// What it must do about Message-Authenticator.
    pub message_authenticator: MessageAuthenticator,
    /// Who checks the password, in order.
    pub first_factor: String,
    /// When it first sent a valid Message-Authenticator.
    pub signed: Option<u64>,
    /// When it last sent a request without, to the hour.
    pub unsigned: Option<u64>,
    /// Its other settings, all present.
    pub settings: ClientSettings,
}

/// A new RADIUS client.
#[derive(Debug, ToSchema)]
pub struct ClientSecret {
    /// The client.
    pub client: Client,
    /// Its shared secret, shown once.
    #[schema(format = Password)]
    pub secret: String,
}

/// A page of RADIUS clients.
#[derive(Debug, ToSchema)]
pub struct Clients {
    /// In order of name.
    pub clients: Vec<Client>,
    /// Whether there are more.
    pub more: bool,
}

/// A connection that a VPN accounts for.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    /// RADIUS client.
    pub client: String,
    /// User name as the VPN sent it.
    pub user: String,
    /// The VPN's own id of it.
    pub session: String,
    /// Calling-Station-Id: mostly the address of the person's device.
    pub station: String,
    /// Address that the VPN gave the device.
    pub framed: String,
    /// Start.
    pub started: u64,
    /// When it was last heard of.
    pub seen: u64,
    /// End; null while it lasts.
    pub ended: Option<u64>,
    /// Octets from the person.
    pub octets_in: u64,
    /// Octets to the person.
    pub octets_out: u64,
}

/// Connections that VPNs account for.
#[derive(Debug, ToSchema)]
pub struct Connections {
    /// Newest first.
    pub sessions: Vec<Connection>,
}

/// A source from which a code holds for a while.
#[derive(Debug, ToSchema)]
pub struct RememberedSource {
    /// Id.
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

/// Sources from which a user's code holds for a while.
#[derive(Debug, ToSchema)]
pub struct Remembered {
    /// Newest first.
    pub entries: Vec<RememberedSource>,
}

/// A source of passwords.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Source {
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

/// A page of sources of passwords.
#[derive(Debug, ToSchema)]
pub struct Sources {
    /// In order of name.
    pub sources: Vec<Source>,
    /// Whether there are more.
    pub more: bool,
}

/// What a source said of a password.
#[derive(Debug, ToSchema)]
pub struct SourceTested {
    /// `passed`, `failed`, `unknown-user`, `expired`, `locked`, `unavailable` or `challenge`.
    pub outcome: String,
    /// The user's groups there; the first, where there are very many.
    pub groups: Vec<String>,
    /// Server that answered, or the last that was asked.
    pub server: String,
    /// How long it took.
    pub milliseconds: u64,
    /// Why it could not say, or what it asks.
    pub detail: String,
}

/// An SMS provider.
#[derive(Debug, ToSchema)]
pub struct Provider {
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

/// All SMS providers.
#[derive(Debug, ToSchema)]
pub struct Providers {
    /// In order of priority.
    pub providers: Vec<Provider>,
}

/// What became of a test text.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SmsTested {
    /// `accepted`, `failed`, `unknown`, `expired` or `queued` (still trying).
    pub state: String,
    /// Provider asked last.
    pub provider: String,
    /// Its id of the message, where it gave one.
    pub provider_id: Option<String>,
    /// What it said.
    pub detail: String,
}

/// A text; never its words or the full number.
#[derive(Debug, ToSchema)]
pub struct Message {
    /// Id.
    pub id: String,
    /// What it is for.
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
    #[schema(rename = "ref")]
    pub reference: String,
}

/// A page of the newest texts.
#[derive(Debug, ToSchema)]
pub struct Messages {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Whether there are more.
    pub more: bool,
}

/// How a login would go.
#[derive(Debug, ToSchema)]
pub struct Explained {
    /// `allow`, `ask` (a code would be sent) or `deny`.
    pub outcome: String,
    /// Stable reason code, as in the audit log.
    pub reason: String,
    /// What that means and what would change it.
    pub text: String,
}

/// An audit row.
#[derive(Debug, ToSchema)]
pub struct AuditRow {
    /// Position.
    pub seq: u64,
    /// When.
    pub at: u64,
    /// What.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Reference.
    #[schema(rename = "ref")]
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

/// Audit rows.
#[derive(Debug, ToSchema)]
pub struct AuditRows {
    /// In order.
    pub rows: Vec<AuditRow>,
}

/// Audit rows that match.
#[derive(Debug, ToSchema)]
pub struct AuditFound {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// Position to go on before; null: there are no more.
    pub before: Option<u64>,
}

/// Whether the audit chain holds.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AuditVerified {
    /// Rows checked.
    pub rows: u64,
    /// Hash of the last row, hexadecimal.
    pub head: String,
    /// First row that does not fit; null: all do.
    pub broken_at: Option<u64>,
}

/// An import.
#[derive(Debug, ToSchema)]
pub struct Import {
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
#[derive(Debug, ToSchema)]
pub struct ImportLine {
    /// Its number in the file; the header is 1.
    pub line: u64,
    /// Login.
    pub login: String,
    /// `add`, `change`, `same` or `bad`.
    pub kind: String,
    /// What changes, or what is wrong and what mends it. Numbers are masked.
    pub text: String,
}

/// What an import would do.
#[derive(Debug, ToSchema)]
pub struct ImportPlan {
    /// In order.
    pub lines: Vec<ImportLine>,
    /// Whether there are more.
    pub more: bool,
    /// Totals and progress.
    pub import: Import,
}

/// A way to prove oneself.
#[derive(Debug, ToSchema)]
pub struct Method {
    /// `sms`, `totp`, `recovery`, `helpdesk`, `mail` or `password`.
    pub method: String,
    /// Name of the token, where it has one.
    pub name: String,
}

/// The code that an enrolment waits for.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CodeAsk {
    /// Ways that are open.
    pub methods: Vec<Method>,
    /// Whether a message was sent.
    pub sent: bool,
    /// Two-character label that the text carries too.
    pub label: String,
    /// Digits of a code that was sent.
    pub digits: u8,
    /// Last two digits of the number it was sent to.
    pub to: String,
    /// Seconds until the present code ends.
    pub expires_in: u32,
    /// Seconds until a message may be asked for again; null: not again.
    pub resend_in: Option<u32>,
    /// Wrong codes that are left.
    pub left: u32,
    /// What became of the last message: empty while it is on its way or has left, else `failed`, `unknown`, `budget`,
    /// `country` or `paused`.
    pub trouble: String,
}

/// A token as its owner sees it.
#[derive(Debug, ToSchema)]
pub struct TokenCard {
    /// Id.
    pub id: String,
    /// `sms` or `totp`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Masked number; empty for an app.
    pub phone: String,
    /// Length of its codes.
    pub digits: u8,
    /// `active`, `disabled` or `blocked`.
    pub status: String,
    /// Whether it is asked first.
    pub preferred: bool,
    /// When it was made.
    pub created: u64,
    /// When it was last used.
    pub used: Option<u64>,
}

/// An enrolment.
#[derive(Debug, ToSchema)]
pub struct Enrolment {
    /// Id.
    pub id: String,
    /// `sms` or `totp`.
    pub kind: String,
    /// Name that the token will have; empty for an automatic one.
    pub name: String,
    /// The number.
    pub phone: String,
    /// Secret of an app, while it waits for its code.
    #[schema(format = Password)]
    pub totp: Option<String>,
    /// `otpauth://` address of an app, while it waits for its code.
    #[schema(format = Password)]
    pub uri: Option<String>,
    /// `open`, `done`, `tries-used`, `expired`, `cancelled` or `number-taken`.
    pub state: String,
    /// What is asked for.
    pub ask: CodeAsk,
    /// Why the last code was not taken; empty: none was typed.
    pub why: String,
    /// Whether it replaces a token or its number.
    pub replaces: bool,
    /// The token, once confirmed.
    pub token: Option<TokenCard>,
    /// Recovery codes that came with the first token, shown once.
    pub codes: Vec<String>,
}

/// An administrator.
#[derive(Debug, ToSchema)]
pub struct Administrator {
    /// Login.
    pub login: String,
    /// Name in words.
    pub shown: String,
    /// E-mail address.
    pub email: Option<String>,
    /// `owner`, `admin` or `helpdesk`.
    pub role: String,
    /// Resources in scope; empty: all.
    pub resources: Vec<String>,
    /// Whether the administrator is locked out.
    pub locked: bool,
    /// Whether the set-up link was not used yet.
    pub pending: bool,
    /// Last use of a session.
    pub seen: Option<u64>,
}

/// All administrators.
#[derive(Debug, ToSchema)]
pub struct Administrators {
    /// In order of login.
    pub admins: Vec<Administrator>,
}

/// A key.
#[derive(Debug, ToSchema)]
pub struct Key {
    /// Name.
    pub name: String,
    /// `owner`, `admin` or `helpdesk`.
    pub role: String,
    /// Resources in scope; empty: all.
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

/// A new key.
#[derive(Debug, ToSchema)]
pub struct KeySecret {
    /// The key.
    pub key: Key,
    /// What requests carry, shown once.
    #[schema(format = Password)]
    pub secret: String,
}

/// All keys.
#[derive(Debug, ToSchema)]
pub struct Keys {
    /// In order of name.
    pub keys: Vec<Key>,
}

/// How mail leaves.
#[derive(Debug, ToSchema)]
pub struct Mail {
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
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Portal {
    /// Where people reach the portal; empty: not set.
    pub url: String,
    /// Where administrators reach the console; empty: not set.
    pub console_url: String,
    /// Whether people without password may sign in by a code from an e-mail.
    pub email_codes: bool,
}

/// Figures of an hour or a day.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
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
#[derive(Debug, ToSchema)]
pub struct Latency {
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

/// Figures.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Overview {
    /// By hour up to 48 hours, else by day; oldest first, none left out.
    pub series: Vec<Counts>,
    /// Milliseconds that an entry of `series` spans.
    pub step: u64,
    /// Denials by reason code, most first: pairs of code and count.
    pub reasons: Vec<(String, u64)>,
    /// Texts by state: pairs of state and count.
    pub texts: Vec<(String, u64)>,
    /// By provider.
    pub providers: Vec<Latency>,
    /// Users that are locked now, at most ten.
    pub locked: Vec<String>,
    /// How many are locked now.
    pub locked_count: u64,
    /// Health and totals.
    pub status: Status,
}
