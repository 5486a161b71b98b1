//! What an administrator may ask. The console and otpostctl share it.

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::portal::{EnrolmentView, SessionView};
use crate::radius::MessageAuthenticator;

mod requests;
mod views;

pub use requests::{
    AccessSet, AdminSet, AuditFilter, ClientSet, MailSet, PortalSet, ResourceSettings, SelfServiceSettings,
    SmsPolicySet, UserAdd, UserSet,
};
pub use views::{
    AccountingView, AdminView, ApiKeyView, AuditView, ClientView, DayCounts, ImportLine, ImportState,
    MailView, MessageView, OverviewView, PortalView, ProviderLatency, ProviderView, RememberedView,
    ResourceView, SourceView, Status, TokenView, UserView,
};

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
        /// `local`, `stack`, or a list such as `local,ldap:corp`.
        #[serde(default)]
        first_factor: Option<String>,
        /// Settings other than the defaults.
        #[serde(default)]
        set: ClientSet,
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
        /// `local`, `stack`, or a list such as `local,ldap:corp`.
        #[serde(default)]
        first_factor: Option<String>,
        /// What else changes.
        #[serde(default)]
        set: ClientSet,
    },
    /// Sources from which a user's code holds for a while. Answer: [`AdminReply::Remembered`].
    RememberedList {
        /// Login or alias.
        user: String,
    },
    /// Make sources of a user ask for a code again. Answer: [`AdminReply::Done`].
    RememberedRevoke {
        /// Login or alias.
        user: String,
        /// [`RememberedView::id`]; absent for all of them.
        #[serde(default)]
        id: Option<String>,
    },
    /// Connections that RADIUS clients account for, newest first. Answer: [`AdminReply::Accounting`].
    AccountingList {
        /// User-Name; absent for all.
        #[serde(default)]
        user: Option<String>,
        /// Whether ended ones are listed too.
        #[serde(default)]
        ended: bool,
        /// At most so many, 1..=200.
        limit: u32,
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
    /// Make a source of passwords. Answer: [`AdminReply::Done`].
    SourceAdd {
        /// Unique name.
        name: String,
        /// `ldap` or `radius`.
        kind: String,
        /// Its settings as JSON; may hold credentials.
        config: Secret,
    },
    /// Replace the settings of a source. Answer: [`AdminReply::Done`].
    SourceSet {
        /// Source name.
        name: String,
        /// All its settings as JSON, credentials too.
        config: Secret,
    },
    /// Sources in order of name, without credentials. Answer: [`AdminReply::Sources`].
    SourceList {
        /// Last name of the page before.
        #[serde(default)]
        after: Option<String>,
    },
    /// Delete a source that no client asks. Answer: [`AdminReply::Done`].
    SourceRemove {
        /// Source name.
        name: String,
    },
    /// Have a source check a password, as a login would. Answer: [`AdminReply::SourceTested`].
    SourceTest {
        /// Source name.
        name: String,
        /// Login as somebody would type it.
        user: String,
        /// The password to check.
        password: Secret,
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
    /// Users by what an administrator looks for. Answer: [`AdminReply::Users`].
    UserFind {
        /// Part of login, name or e-mail; empty for all.
        #[serde(default)]
        search: String,
        /// Only users of this resource.
        #[serde(default)]
        resource: Option<String>,
        /// `locked`, `bypassed`, `no-token`, `no-way-in` (neither password nor a code by e-mail); absent for all.
        #[serde(default)]
        state: Option<String>,
        /// `after` of the page before.
        #[serde(default)]
        after: Option<String>,
        /// At most so many, 1..=200.
        limit: u32,
    },
    /// Portal sessions of a user. Answer: [`AdminReply::Sessions`].
    UserSessions {
        /// Login or alias.
        user: String,
    },
    /// End all portal sessions of a user. Answer: [`AdminReply::Done`].
    UserSignOut {
        /// Login or alias.
        user: String,
    },
    /// A code for one portal sign-in or step-up within a day, for somebody without phone. Answer: [`AdminReply::OneDayCode`].
    UserOneDayCode {
        /// Login or alias.
        user: String,
    },
    /// Make new recovery codes for a user; the old ones end. Answer: [`AdminReply::RecoveryCodes`].
    UserRecovery {
        /// Login or alias.
        user: String,
    },
    /// Invite a user to enrol: a single-use link, good for 72 hours, mailed where there is an address. Answer:
    /// [`AdminReply::Invited`].
    UserInvite {
        /// Login or alias.
        user: String,
        /// Resource name.
        resource: String,
    },
    /// Hand in a part of a CSV file. Answer: [`AdminReply::Import`].
    ImportPut {
        /// Import it belongs to; absent to begin one.
        #[serde(default)]
        import: Option<String>,
        /// The next part of the file, cut anywhere, at most 32 KiB.
        text: Secret,
        /// Whether this was the last part: the plan is made then.
        last: bool,
    },
    /// What an import would do, line by line. Answer: [`AdminReply::ImportPlan`].
    ImportPlan {
        /// Import.
        import: String,
        /// Line after which to start.
        #[serde(default)]
        after: u64,
        /// Only lines of this kind: `add`, `change`, `same`, `bad`; absent for all.
        #[serde(default)]
        only: Option<String>,
    },
    /// Carry an import out, in the background. Answer: [`AdminReply::Import`].
    ImportApply {
        /// Import.
        import: String,
        /// Nothing is written when any line is bad.
        atomic: bool,
    },
    /// How far an import is. Answer: [`AdminReply::Import`].
    ImportShow {
        /// Import.
        import: String,
    },
    /// Tokens of all users, in order of login. Answer: [`AdminReply::TokensFound`].
    TokenFind {
        /// Part of the owner's login; empty for all.
        #[serde(default)]
        search: String,
        /// Only tokens of this resource.
        #[serde(default)]
        resource: Option<String>,
        /// `after` of the page before.
        #[serde(default)]
        after: Option<String>,
        /// At most so many owners, 1..=200.
        limit: u32,
    },
    /// Begin an enrolment for a user. Answer: [`AdminReply::Enrolment`].
    EnrolStart {
        /// Login or alias.
        user: String,
        /// Resource name.
        resource: String,
        /// Phone number as typed.
        phone: Secret,
        /// Token name; empty for an automatic one.
        #[serde(default)]
        name: String,
        /// 6 or 8; absent for the resource's default.
        #[serde(default)]
        digits: Option<u8>,
    },
    /// Confirm it with the code the user read out. Answer: [`AdminReply::Enrolment`].
    EnrolFinish {
        /// Its id.
        enrolment: String,
        /// As typed.
        code: Secret,
    },
    /// Where it stands. Answer: [`AdminReply::Enrolment`].
    EnrolStatus {
        /// Its id.
        enrolment: String,
    },
    /// Take it back. Answer: [`AdminReply::Enrolment`].
    EnrolCancel {
        /// Its id.
        enrolment: String,
    },
    /// Invite an administrator: a single-use link to set password and app, good for 24 hours. Answer: [`AdminReply::AdminLink`].
    AdminAdd {
        /// Login name.
        login: String,
        /// Name in words.
        #[serde(default)]
        shown: String,
        /// E-mail address; the link is mailed there too.
        #[serde(default)]
        email: Option<String>,
        /// `owner`, `admin` or `helpdesk`.
        role: String,
        /// Resources in scope; empty for all.
        #[serde(default)]
        resources: Vec<String>,
    },
    /// Change an administrator. Answer: [`AdminReply::Admin`].
    AdminSet(AdminSet),
    /// A new set-up link: password, app and recovery codes are set anew, all sessions end. Answer: [`AdminReply::AdminLink`].
    AdminReset {
        /// Login.
        login: String,
    },
    /// All administrators. Answer: [`AdminReply::Admins`].
    AdminList,
    /// Delete an administrator; the last owner stays. Answer: [`AdminReply::Done`].
    AdminRemove {
        /// Login.
        login: String,
    },
    /// A set-up link for the first administrator; refused once there is one. Answer: [`AdminReply::AdminLink`].
    SetupLink,
    /// Make a key of the REST API. Answer: [`AdminReply::ApiKeySecret`].
    ApiKeyAdd {
        /// Name for it.
        name: String,
        /// `owner`, `admin` or `helpdesk`.
        role: String,
        /// Resources in scope; empty for all.
        #[serde(default)]
        resources: Vec<String>,
        /// Days until it ends; absent: no end.
        #[serde(default)]
        days: Option<u32>,
    },
    /// All keys of the REST API, without their secrets. Answer: [`AdminReply::ApiKeys`].
    ApiKeyList,
    /// Delete a key of the REST API. Answer: [`AdminReply::Done`].
    ApiKeyRemove {
        /// Its name.
        name: String,
    },
    /// How mail leaves. Answer: [`AdminReply::Mail`].
    MailShow,
    /// Change how mail leaves. Answer: [`AdminReply::Mail`].
    MailSet(MailSet),
    /// Send a test mail and wait for the server's answer. Answer: [`AdminReply::Done`].
    MailTest {
        /// Recipient.
        to: String,
    },
    /// Settings of portal and console. Answer: [`AdminReply::Portal`].
    PortalShow,
    /// Change settings of portal and console. Answer: [`AdminReply::Portal`].
    PortalSet(PortalSet),
    /// Figures for the overview. Answer: [`AdminReply::Overview`].
    Overview {
        /// Hours back from now, 1..=720.
        hours: u32,
        /// Only this resource.
        #[serde(default)]
        resource: Option<String>,
    },
    /// Audit rows that match, newest first. Answer: [`AdminReply::AuditFound`].
    AuditFind {
        /// What to look for.
        #[serde(default)]
        filter: AuditFilter,
        /// Position before which to start; absent for the newest.
        #[serde(default)]
        before: Option<u64>,
        /// At most so many, 1..=200.
        limit: u32,
    },
    /// Check the audit chain from the first row. Answer: [`AdminReply::AuditVerified`].
    AuditVerify,
}

/// Answers on `admin.sock`. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "re", rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and most are lists"
)]
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
        /// Whether there may be more.
        more: bool,
        /// Where the next page of a search begins, sealed; absent: behind the last login of this page, or there are no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
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
    /// Remembered sources of a user.
    Remembered {
        /// Newest first.
        entries: Vec<RememberedView>,
    },
    /// Accounted connections.
    Accounting {
        /// Newest first.
        sessions: Vec<AccountingView>,
    },
    /// A page of RADIUS clients.
    Clients {
        /// In order of name.
        clients: Vec<ClientView>,
        /// Whether there are more.
        #[serde(default)]
        more: bool,
    },
    /// A page of sources of passwords.
    Sources {
        /// In order of name.
        sources: Vec<SourceView>,
        /// Whether there are more.
        #[serde(default)]
        more: bool,
    },
    /// What a source said of a password.
    SourceTested {
        /// `passed`, `failed`, `unknown-user`, `expired`, `locked`, `unavailable` or `challenge`.
        outcome: String,
        /// The user's groups there; the first, where there are very many.
        groups: Vec<String>,
        /// Server that answered, or the last that was asked.
        server: String,
        /// How long it took.
        milliseconds: u64,
        /// Why it could not say, or what it asks.
        detail: String,
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
    /// Tokens of several users.
    TokensFound {
        /// In order of owner, then age.
        tokens: Vec<TokenView>,
        /// Where the next page begins, sealed; absent: there are no more.
        after: Option<String>,
    },
    /// A code for one portal sign-in or step-up.
    OneDayCode {
        /// The code, shown once.
        code: Secret,
        /// End.
        until: u64,
    },
    /// New recovery codes.
    RecoveryCodes {
        /// Ten of them, shown once.
        codes: Vec<Secret>,
    },
    /// An invitation.
    Invited {
        /// The link, shown once.
        link: Secret,
        /// End.
        until: u64,
        /// Whether a mail is on its way.
        mailed: bool,
    },
    /// An import.
    Import(ImportState),
    /// Lines of an import.
    ImportPlan {
        /// In order.
        lines: Vec<ImportLine>,
        /// Whether there are more.
        more: bool,
        /// Totals and progress.
        import: ImportState,
    },
    /// An enrolment.
    Enrolment(Box<EnrolmentView>),
    /// One administrator.
    Admin(AdminView),
    /// All administrators.
    Admins {
        /// In order of login.
        admins: Vec<AdminView>,
    },
    /// A set-up link.
    AdminLink {
        /// The link, shown once.
        link: Secret,
        /// End.
        until: u64,
        /// Whether a mail is on its way.
        mailed: bool,
    },
    /// A new key with its secret; never shown again.
    ApiKeySecret {
        /// The key.
        key: ApiKeyView,
        /// What requests carry.
        secret: Secret,
    },
    /// All keys.
    ApiKeys {
        /// In order of name.
        keys: Vec<ApiKeyView>,
    },
    /// How mail leaves.
    Mail(MailView),
    /// Settings of portal and console.
    Portal(PortalView),
    /// Figures.
    Overview(Box<OverviewView>),
    /// Audit rows that match.
    AuditFound {
        /// Newest first.
        rows: Vec<AuditView>,
        /// Position to go on before; absent: there are no more.
        before: Option<u64>,
    },
    /// Sessions of a user.
    Sessions {
        /// Newest use first.
        sessions: Vec<SessionView>,
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

#[cfg(test)]
mod snapshot;
