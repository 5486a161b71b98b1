//! What an administrator may ask. The console and otpostctl share it.

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::radius::MessageAuthenticator;

/// Requests of `admin.sock`. Users, resources, clients and providers are named by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum AdminOp {
    /// Version, health and totals. Answer: [`AdminReply::Status`].
    Status,
    /// Make a user. Answer: [`AdminReply::User`].
    UserAdd(UserAdd),
    /// Change a user. Answer: [`AdminReply::User`].
    UserSet(UserSet),
    /// One user with tokens. Answer: [`AdminReply::User`].
    UserShow {
        /// Login or alias.
        user: String,
    },
    /// Users in order of name. Answer: [`AdminReply::Users`].
    UserList {
        /// Part of the login; empty for all.
        #[serde(default)]
        search: String,
        /// Last login of the page before.
        #[serde(default)]
        after: Option<String>,
        /// At most so many, 1..=200.
        limit: u32,
    },
    /// Delete a user with tokens. Answer: [`AdminReply::Done`].
    UserRemove {
        /// Login or alias.
        user: String,
    },
    /// Lock a user. Answer: [`AdminReply::Done`].
    UserLock {
        /// Login or alias.
        user: String,
        /// Why, for the audit log.
        why: String,
    },
    /// Lift every lock of a user. Unlocking twice is no error. Answer: [`AdminReply::Done`].
    UserUnlock {
        /// Login or alias.
        user: String,
    },
    /// Let a user in without second factor for a while. Answer: [`AdminReply::Done`].
    UserBypass {
        /// Login or alias.
        user: String,
        /// Seconds from now, at most 72 h; 0 ends a bypass.
        seconds: u32,
    },
    /// Bind a user to a resource. Answer: [`AdminReply::Done`].
    UserBind {
        /// Login or alias.
        user: String,
        /// Resource name.
        resource: String,
    },
    /// Take a user out of a resource. Answer: [`AdminReply::Done`].
    UserUnbind {
        /// Login or alias.
        user: String,
        /// Resource name.
        resource: String,
    },
    /// Assign an SMS token; it is unverified until its first right code. Answer: [`AdminReply::Token`].
    TokenAdd {
        /// Login or alias.
        user: String,
        /// Phone number as typed.
        phone: Secret,
        /// Token name; empty for an automatic one.
        #[serde(default)]
        name: String,
        /// 6, 7 or 8; absent for the resource's default.
        #[serde(default)]
        digits: Option<u8>,
        /// Resources it guards; empty for all the user is bound to.
        #[serde(default)]
        resources: Vec<String>,
    },
    /// Tokens of a user. Answer: [`AdminReply::Tokens`].
    TokenList {
        /// Login or alias.
        user: String,
    },
    /// Change a token. Answer: [`AdminReply::Token`].
    TokenSet {
        /// Token id.
        token: String,
        /// `active`, `disabled` or `blocked`.
        #[serde(default)]
        status: Option<String>,
        /// New name.
        #[serde(default)]
        name: Option<String>,
    },
    /// Delete a token. Answer: [`AdminReply::Done`].
    TokenRemove {
        /// Token id.
        token: String,
    },
    /// Make a resource. Answer: [`AdminReply::Resource`].
    ResourceAdd {
        /// Unique name.
        name: String,
        /// Settings other than the defaults.
        #[serde(default)]
        set: ResourceSettings,
    },
    /// Change a resource. Answer: [`AdminReply::Resource`].
    ResourceSet {
        /// Resource name.
        name: String,
        /// What changes.
        set: ResourceSettings,
    },
    /// One resource. Answer: [`AdminReply::Resource`].
    ResourceShow {
        /// Resource name.
        name: String,
    },
    /// Resources in order of name. Answer: [`AdminReply::Resources`].
    ResourceList {
        /// Last name of the page before.
        #[serde(default)]
        after: Option<String>,
    },
    /// Delete a resource. Answer: [`AdminReply::Done`].
    ResourceRemove {
        /// Resource name.
        name: String,
    },
    /// Make a RADIUS client. Answer: [`AdminReply::ClientSecret`] with the secret that was made or given.
    RadiusClientAdd {
        /// Unique name.
        name: String,
        /// Addresses or networks of its packets.
        networks: Vec<String>,
        /// Resource it protects.
        resource: String,
        /// Shared secret; absent to have one made.
        #[serde(default)]
        secret: Option<Secret>,
        /// Accept a secret shorter than 16 characters.
        #[serde(default)]
        weak_secret: bool,
        /// What it must do about Message-Authenticator.
        #[serde(default)]
        message_authenticator: MessageAuthenticator,
        /// `local` or `stack`.
        #[serde(default)]
        first_factor: Option<String>,
    },
    /// Change a RADIUS client. Answer: [`AdminReply::Client`].
    RadiusClientSet {
        /// Client name.
        name: String,
        /// New networks.
        #[serde(default)]
        networks: Option<Vec<String>>,
        /// New resource.
        #[serde(default)]
        resource: Option<String>,
        /// New shared secret.
        #[serde(default)]
        secret: Option<Secret>,
        /// Accept a secret shorter than 16 characters.
        #[serde(default)]
        weak_secret: bool,
        /// What it must do about Message-Authenticator.
        #[serde(default)]
        message_authenticator: Option<MessageAuthenticator>,
        /// `local` or `stack`.
        #[serde(default)]
        first_factor: Option<String>,
    },
    /// RADIUS clients in order of name, without secrets. Answer: [`AdminReply::Clients`].
    RadiusClientList {
        /// Last name of the page before.
        #[serde(default)]
        after: Option<String>,
    },
    /// Delete a RADIUS client. Answer: [`AdminReply::Done`].
    RadiusClientRemove {
        /// Client name.
        name: String,
    },
    /// Make a provider. Answer: [`AdminReply::Done`].
    SmsProviderAdd {
        /// Unique name.
        name: String,
        /// `file` or `http`.
        kind: String,
        /// Lower is asked first.
        #[serde(default)]
        priority: Option<u32>,
        /// Sender the recipient sees.
        #[serde(default)]
        sender: String,
        /// The transport's settings as JSON; may hold credentials.
        config: Secret,
    },
    /// All providers, without credentials. Answer: [`AdminReply::Providers`].
    SmsProviderList,
    /// Switch a provider on or off, or change its place. Answer: [`AdminReply::Done`].
    SmsProviderSet {
        /// Provider name.
        name: String,
        /// Whether it is asked.
        #[serde(default)]
        enabled: Option<bool>,
        /// Lower is asked first.
        #[serde(default)]
        priority: Option<u32>,
    },
    /// Delete a provider. Answer: [`AdminReply::Done`].
    SmsProviderRemove {
        /// Provider name.
        name: String,
    },
    /// Send a test text through the gate and the outbox. Answer: [`AdminReply::SendTest`].
    SmsSendTest {
        /// Phone number as typed.
        phone: Secret,
        /// Only through this provider.
        #[serde(default)]
        provider: Option<String>,
    },
    /// What may be sent. Answer: [`AdminReply::SmsPolicy`].
    SmsPolicyShow,
    /// Change what may be sent. Answer: [`AdminReply::SmsPolicy`].
    SmsPolicySet(SmsPolicySet),
    /// Newest texts. Answer: [`AdminReply::Messages`].
    SmsMessages {
        /// Of the newest so many, 1..=200.
        limit: u32,
        /// Id of the last text of the page before.
        #[serde(default)]
        after: Option<String>,
    },
    /// How a login would go now, without side effect. Answer: [`AdminReply::Explained`].
    LoginExplain {
        /// Login or alias as the login would name it.
        user: String,
        /// PAM service or RADIUS client.
        service: String,
        /// `pam` or `radius`; absent: a RADIUS client of that name, else a PAM service.
        #[serde(default)]
        channel: Option<String>,
        /// Literal source address, where the login would have one.
        #[serde(default)]
        source: String,
    },
    /// Audit rows, as many as an answer holds. Answer: [`AdminReply::Audit`].
    AuditTail {
        /// Position after which to start; absent for the last `limit` rows, or the newest of them that fit.
        #[serde(default)]
        after: Option<u64>,
        /// At most so many, 1..=200.
        limit: u32,
    },
    /// Check the audit chain from the first row. Answer: [`AdminReply::AuditVerified`].
    AuditVerify,
}

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
    /// Resources to bind to.
    pub resources: Vec<String>,
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

/// Answers on `admin.sock`. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "re", rename_all = "kebab-case")]
pub enum AdminReply {
    /// Carried out.
    Done {
        /// One sentence for people.
        message: String,
    },
    /// To `Status`.
    Status(Status),
    /// One user.
    User(UserView),
    /// A page of users.
    Users {
        /// In order of login.
        users: Vec<UserView>,
        /// Whether there are more.
        more: bool,
    },
    /// One token.
    Token(TokenView),
    /// Tokens of a user.
    Tokens {
        /// Oldest first.
        tokens: Vec<TokenView>,
    },
    /// One resource.
    Resource(ResourceView),
    /// A page of resources.
    Resources {
        /// In order of name.
        resources: Vec<ResourceView>,
        /// Whether there are more.
        #[serde(default)]
        more: bool,
    },
    /// One RADIUS client.
    Client(ClientView),
    /// A new RADIUS client with its secret; never shown again.
    ClientSecret {
        /// The client.
        client: ClientView,
        /// Its shared secret.
        secret: Secret,
    },
    /// A page of RADIUS clients.
    Clients {
        /// In order of name.
        clients: Vec<ClientView>,
        /// Whether there are more.
        #[serde(default)]
        more: bool,
    },
    /// All providers.
    Providers {
        /// In order of priority.
        providers: Vec<ProviderView>,
    },
    /// What became of a test text.
    SendTest {
        /// `accepted`, `failed`, `unknown`, `expired` or `queued` (still trying).
        state: String,
        /// Provider asked last.
        provider: String,
        /// Its id of the message, where it gave one.
        provider_id: Option<String>,
        /// What it said.
        detail: String,
    },
    /// What may be sent.
    SmsPolicy(SmsPolicySet),
    /// A page of the newest texts.
    Messages {
        /// Newest first.
        messages: Vec<MessageView>,
        /// Whether there are more.
        #[serde(default)]
        more: bool,
    },
    /// How a login would go.
    Explained {
        /// `allow`, `ask` (a code would be sent) or `deny`.
        outcome: String,
        /// Stable reason code, as in the audit log.
        reason: String,
        /// What that means and what would change it.
        text: String,
    },
    /// Audit rows.
    Audit {
        /// In order.
        rows: Vec<AuditView>,
    },
    /// The audit chain holds, or where it breaks.
    AuditVerified {
        /// Rows checked.
        rows: u64,
        /// Hash of the last row, hex.
        head: String,
        /// First row that does not fit, where there is one.
        broken_at: Option<u64>,
    },
}

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
    /// E-mail address.
    pub email: Option<String>,
    /// Whether a password is registered here.
    pub password: bool,
    /// Resources the user is bound to.
    pub resources: Vec<String>,
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
    /// Number, masked.
    pub phone: String,
    /// Length of its codes.
    pub digits: u8,
    /// `active`, `disabled` or `blocked`.
    pub status: String,
    /// Whether it ever gave a right code.
    pub verified: bool,
    /// Resources it guards.
    pub resources: Vec<String>,
}

/// A resource as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResourceView {
    /// Name.
    pub name: String,
    /// Its settings, all present but `name`.
    pub settings: ResourceSettings,
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
    /// `local` or `stack`.
    pub first_factor: String,
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

#[cfg(test)]
mod snapshot;
