//! What requests hold: bodies and parameters. Types that are only here to be described are read as the daemon's own
//! ones; a test compares their fields.

mod sources;

use otpost_ipc::Secret;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::value::{
    Action, BaseUrl, Channel, Country, Email, EmailOrNone, FirstEnrolment, FirstFactor, Flow, GroupName,
    Hours, Id, Kind, LineKind, Login, MailSecurity, MessageAuthenticator, Name, Network, OtpLength,
    PamService, Password, PersonName, Phone, Product, ProviderKind, ReplyAttribute, ReplyRule, ResourceName,
    Role, SearchIn, SharedSecret, SourceAttribute, TokenName, TokenStatus, UserState, WithoutToken,
};
pub use sources::{SourceChange, SourceNew, SourceTest};

/// Rows of an answer where nothing else is asked.
pub(super) const ROWS: u32 = 50;

/// In the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneUser {
    /// Login or alias.
    #[param(inline)]
    pub login: Login,
}

/// In the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct UserInResource {
    /// Login or alias.
    #[param(inline)]
    pub login: Login,
    /// Name of the resource.
    #[param(inline)]
    pub name: ResourceName,
}

/// In the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneRemembered {
    /// Login or alias.
    #[param(inline)]
    pub login: Login,
    /// Id of the source.
    #[param(inline)]
    pub id: Id,
}

/// In the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneResource {
    /// Name of the resource.
    #[param(inline)]
    pub name: ResourceName,
}

/// In the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneNamed {
    /// Its name.
    #[param(inline)]
    pub name: Name,
}

/// In the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OneId {
    /// Its id.
    #[param(inline)]
    pub id: Id,
}

/// A new user.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UserNew {
    /// Login name.
    pub login: Login,
    /// Further names.
    #[schema(max_items = 100)]
    pub aliases: Option<Vec<Login>>,
    /// Password; absent where another system checks it.
    pub password: Option<Password>,
    /// E-mail address.
    pub email: Option<EmailOrNone>,
    /// First name.
    pub first_name: Option<PersonName>,
    /// Last name.
    pub last_name: Option<PersonName>,
    /// Resources to bind to.
    #[schema(max_items = 100)]
    pub resources: Option<Vec<ResourceName>>,
    /// Groups, for exemptions and reply attributes.
    #[schema(max_items = 64)]
    pub groups: Option<Vec<GroupName>>,
}

/// Changes of a user; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UserChange {
    /// New password.
    pub password: Option<Password>,
    /// New e-mail address.
    pub email: Option<EmailOrNone>,
    /// New aliases, all of them.
    #[schema(max_items = 100)]
    pub aliases: Option<Vec<Login>>,
    /// New first name.
    pub first_name: Option<PersonName>,
    /// New last name.
    pub last_name: Option<PersonName>,
    /// New groups, all of them.
    #[schema(max_items = 64)]
    pub groups: Option<Vec<GroupName>>,
}

/// Why a user is locked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lock {
    /// For the audit log and for whoever unlocks.
    #[schema(max_length = 200, example = "phone lost")]
    pub why: String,
}

/// How long a user needs no code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bypass {
    /// Seconds from now, at most 72 hours; 0 ends a bypass.
    #[schema(minimum = 0, maximum = 259_200, example = 3600)]
    pub seconds: u32,
}

/// Which portal an invitation is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Invite {
    /// Resource.
    #[schema(value_type = ResourceName)]
    pub resource: String,
}

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct UserQuery {
    /// Part of login, alias, name or e-mail address.
    #[param(max_length = 200)]
    pub search: Option<String>,
    /// Where to look for that. `login` cannot go with `resource` or `state`.
    #[serde(rename = "in")]
    #[param(inline, value_type = Option<SearchIn>)]
    pub place: Option<String>,
    /// Only users of this resource.
    #[param(inline, value_type = Option<ResourceName>)]
    pub resource: Option<String>,
    /// Only users of this state.
    #[param(inline, value_type = Option<UserState>)]
    pub state: Option<String>,
    /// `after` of the page before.
    #[param(inline, value_type = Option<Login>)]
    pub after: Option<String>,
    /// At most so many; absent: 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// Which tokens.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct TokenQuery {
    /// Part of the owner's login.
    #[param(max_length = 200)]
    pub search: Option<String>,
    /// Only tokens of this resource.
    #[param(inline, value_type = Option<ResourceName>)]
    pub resource: Option<String>,
    /// `after` of the page before.
    #[param(inline, value_type = Option<Login>)]
    pub after: Option<String>,
    /// Tokens of at most so many owners; absent: 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// A token to assign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TokenNew {
    /// Where codes go.
    #[schema(value_type = Phone)]
    pub phone: Secret,
    /// Name of the token.
    #[serde(default)]
    #[schema(value_type = TokenName)]
    pub name: String,
    /// Length of its codes; absent: as the resource has it.
    #[schema(minimum = 6, maximum = 8)]
    pub digits: Option<u8>,
    /// Resources it guards; none: all that the user is bound to.
    #[serde(default)]
    #[schema(value_type = Vec<ResourceName>, max_items = 100)]
    pub resources: Vec<String>,
}

/// Changes of a token; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TokenChange {
    /// Whether it may be used.
    #[schema(value_type = Option<TokenStatus>)]
    pub status: Option<String>,
    /// New name.
    #[schema(value_type = Option<TokenName>)]
    pub name: Option<String>,
}

/// Where a page of a list begins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct AfterName {
    /// Last name of the page before.
    #[param(inline, value_type = Option<ResourceName>)]
    pub after: Option<String>,
}

/// Settings of a resource; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResourceSettings {
    /// Unique name.
    pub name: Option<ResourceName>,
    /// Off: every login is denied.
    pub enabled: Option<bool>,
    /// Wrong codes until the user is locked.
    #[schema(minimum = 3, maximum = 10)]
    pub failed_attempts: Option<u32>,
    /// Wrong codes until a challenge ends.
    #[schema(minimum = 1, maximum = 10)]
    pub tries: Option<u32>,
    /// Length of codes of new tokens.
    #[schema(minimum = 6, maximum = 8)]
    pub digits: Option<u8>,
    /// Life of a code in seconds.
    #[schema(minimum = 60, maximum = 600)]
    pub validity: Option<u32>,
    /// Users without a token here.
    pub unenrolled: Option<WithoutToken>,
    /// Users whose token is disabled.
    pub disabled: Option<WithoutToken>,
    /// PAM services it guards.
    pub pam_services: Option<Vec<PamService>>,
    /// Whether two tokens may have the same number.
    pub shared_phones: Option<bool>,
    /// Country of numbers typed without a country code; empty for none.
    #[schema(max_length = 2, pattern = "^([A-Za-z]{2})?$")]
    pub region: Option<String>,
    /// Self-service.
    pub self_service: Option<SelfService>,
    /// Who gets in without a code, and who not at all.
    pub access: Option<Access>,
}

/// Rules of a resource; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Access {
    /// Networks that logins must come from, all of them; none: from everywhere.
    #[schema(max_items = 256)]
    pub allowed_networks: Option<Vec<Network>>,
    /// Times at which logins are let in, all of them; none: always.
    #[schema(max_items = 256)]
    pub hours: Option<Vec<Hours>>,
    /// Time zone of `hours`; empty: the daemon's own.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9/_+-]*$", example = "Europe/Berlin")]
    pub time_zone: Option<String>,
    /// Networks that need no code, all of them.
    #[schema(max_items = 256)]
    pub exempt_networks: Option<Vec<Network>>,
    /// Users that need no code, all of them.
    #[schema(max_items = 256)]
    pub exempt_users: Option<Vec<Login>>,
    /// Groups whose members need no code, all of them.
    #[schema(max_items = 256)]
    pub exempt_groups: Option<Vec<GroupName>>,
    /// Minutes for which a code given from a source holds there; 0: each login needs its own.
    #[schema(minimum = 0, maximum = 1440)]
    pub remember_minutes: Option<u32>,
    /// Reply attributes, all of them.
    #[schema(max_items = 256)]
    pub reply: Option<Vec<ReplyRule>>,
}

/// Self-service of a resource; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SelfService {
    /// Last part of the portal's address, unique; empty turns the portal off.
    #[schema(max_length = 64, pattern = "^[a-z0-9-]*$", example = "office-vpn")]
    pub address: Option<String>,
    /// Allowed actions, all of them.
    #[schema(max_items = 20)]
    pub actions: Option<Vec<Action>>,
    /// What may be set up, all of it.
    #[schema(max_items = 10)]
    pub kinds: Option<Vec<Kind>>,
    /// Who says how long a code is.
    pub otp_length: Option<OtpLength>,
    /// Whether number and code come on two pages.
    pub two_steps: Option<bool>,
    /// What a first enrolment needs.
    pub first_enrolment: Option<FirstEnrolment>,
    /// Days within which a first enrolment is possible; 0: no end.
    #[schema(minimum = 0, maximum = 3650)]
    pub enrol_days: Option<u32>,
    /// Title instead of the resource's name; empty: the name.
    #[schema(max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub title: Option<String>,
    /// Accent colour; empty: the default.
    #[schema(max_length = 7, pattern = "^(#[0-9A-Fa-f]{6})?$", example = "#0a7d5a")]
    pub accent: Option<String>,
    /// One line under the user name; empty: none.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub hint: Option<String>,
}

/// A new RADIUS client.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schema(example = json!({
    "name": "vpn-1", "networks": ["192.0.2.1"], "resource": "Office VPN",
    "settings": { "nas": "fortigate", "reply": ["Class = staff"] },
}))]
pub struct ClientNew {
    /// Unique name.
    #[schema(value_type = Name)]
    pub name: String,
    /// Where its packets come from.
    #[schema(value_type = Vec<Network>, min_items = 1, max_items = 256)]
    pub networks: Vec<String>,
    /// Resource it protects.
    #[schema(value_type = ResourceName)]
    pub resource: String,
    /// Shared secret; absent to have one made.
    #[schema(value_type = Option<SharedSecret>)]
    pub secret: Option<Secret>,
    /// Accept a secret shorter than 16 characters.
    #[serde(default)]
    pub weak_secret: bool,
    /// What it must do about Message-Authenticator; absent: `require`.
    #[serde(default)]
    #[schema(value_type = MessageAuthenticator)]
    pub message_authenticator: otpost_ipc::radius::MessageAuthenticator,
    /// Who checks the password; absent: `local`.
    #[schema(value_type = Option<FirstFactor>)]
    pub first_factor: Option<String>,
    /// Settings other than the defaults.
    #[serde(default)]
    #[schema(value_type = Option<ClientSettings>)]
    pub settings: otpost_ipc::admin::ClientSet,
}

/// Settings of a RADIUS client; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClientSettings {
    /// What it is.
    pub nas: Option<Product>,
    /// How a login runs.
    pub flow: Option<Flow>,
    /// Character between password and code; empty for none.
    #[schema(max_length = 1, pattern = r"^[^A-Za-z0-9\x00-\x1f\x7f-\x9f]?$", example = ",")]
    pub separator: Option<String>,
    /// Whether requests with Proxy-State but without Message-Authenticator get silence.
    pub limit_proxy_state: Option<bool>,
    /// Whether a wrong password is answered with a question too, without a text.
    pub hide_first_factor: Option<bool>,
    /// Whether the code may be shown while typed.
    pub echo: Option<bool>,
    /// Longest prompt in octets.
    #[schema(minimum = 20, maximum = 253)]
    pub prompt_length: Option<u16>,
    /// Where the address of the person's device stands.
    pub source: Option<SourceAttribute>,
    /// Whether EAP-GTC is answered.
    pub eap: Option<bool>,
    /// Whether accounting is stored and answered.
    pub accounting: Option<bool>,
    /// Reply attributes of every Access-Accept, all of them.
    #[schema(max_items = 64)]
    pub reply: Option<Vec<ReplyAttribute>>,
}

/// Changes of a RADIUS client; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClientChange {
    /// New networks, all of them.
    #[schema(value_type = Option<Vec<Network>>, min_items = 1, max_items = 256)]
    pub networks: Option<Vec<String>>,
    /// New resource.
    #[schema(value_type = Option<ResourceName>)]
    pub resource: Option<String>,
    /// New shared secret.
    #[schema(value_type = Option<SharedSecret>)]
    pub secret: Option<Secret>,
    /// Accept a secret shorter than 16 characters.
    #[serde(default)]
    pub weak_secret: bool,
    /// What it must do about Message-Authenticator.
    #[schema(value_type = Option<MessageAuthenticator>)]
    pub message_authenticator: Option<otpost_ipc::radius::MessageAuthenticator>,
    /// Who checks the password.
    #[schema(value_type = Option<FirstFactor>)]
    pub first_factor: Option<String>,
    /// What else changes.
    #[serde(default)]
    #[schema(value_type = Option<ClientSettings>)]
    pub settings: otpost_ipc::admin::ClientSet,
}

/// Which connections.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct ConnectionQuery {
    /// Only of this user, as the VPN names them.
    #[param(max_length = 253)]
    pub user: Option<String>,
    /// Whether ended ones are listed too.
    pub ended: Option<bool>,
    /// At most so many; absent: 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// A new SMS provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProviderNew {
    /// Unique name.
    #[schema(value_type = Name)]
    pub name: String,
    /// How it is reached.
    #[schema(value_type = ProviderKind)]
    pub kind: String,
    /// Lower is asked first; absent: 100.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub priority: Option<u32>,
    /// What the recipient sees: a number, or a name of at most 11 characters.
    #[serde(default)]
    #[schema(max_length = 16, pattern = r"^[ -~]*$", example = "otpost")]
    pub sender: String,
    /// Settings of its kind, as in the provider's documentation; may hold credentials, which are never shown again.
    #[schema(value_type = Object, additional_properties = true)]
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// Changes of an SMS provider; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProviderChange {
    /// Whether it is asked.
    pub enabled: Option<bool>,
    /// Lower is asked first.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub priority: Option<u32>,
}

/// What may be sent; absent fields stay. Counts are texts.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SmsPolicy {
    /// All countries texts may go to.
    #[schema(max_items = 300)]
    pub countries: Option<Vec<Country>>,
    /// Whether Voice-over-IP numbers may be texted.
    pub voip: Option<bool>,
    /// Nothing leaves while set.
    pub paused: Option<bool>,
    /// Per number and hour.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub number_hour: Option<u32>,
    /// Per number and day.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub number_day: Option<u32>,
    /// Per user and hour.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub user_hour: Option<u32>,
    /// Per user and day.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub user_day: Option<u32>,
    /// Of the user's hourly texts, kept for known sources.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub user_reserve: Option<u32>,
    /// Per source network and hour.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub source_hour: Option<u32>,
    /// Per source network and day.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub source_day: Option<u32>,
    /// In all, per minute.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub all_minute: Option<u32>,
    /// In all, per day.
    #[schema(minimum = 0, maximum = 4_294_967_295_u32)]
    pub all_day: Option<u32>,
}

/// A test text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SmsTest {
    /// Where to, with the country code.
    #[schema(value_type = Phone)]
    pub phone: Secret,
    /// Only through this provider.
    #[schema(value_type = Option<Name>)]
    pub provider: Option<String>,
}

/// Which texts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct MessageQuery {
    /// Of the newest so many; absent: 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Id of the last text of the page before.
    #[param(inline, value_type = Option<Id>)]
    pub after: Option<String>,
}

/// A login to explain.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct ExplainQuery {
    /// Login or alias as the login would name it.
    #[param(min_length = 1, max_length = 255, example = "alice")]
    pub user: String,
    /// PAM service or RADIUS client.
    #[param(min_length = 1, max_length = 64, example = "sshd")]
    pub service: String,
    /// Which of both; absent: a RADIUS client of that name, else a PAM service.
    #[param(inline, value_type = Option<Channel>)]
    pub channel: Option<String>,
    /// Address the login would come from, where it would have one.
    #[param(max_length = 64)]
    pub source: Option<String>,
}

/// Which audit rows, in order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct TailQuery {
    /// Position after which to start; absent: the last rows.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub after: Option<u64>,
    /// At most so many; absent: 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// Which audit rows, newest first.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct AuditQuery {
    /// Login.
    #[param(max_length = 255)]
    pub user: Option<String>,
    /// Resource name.
    #[param(max_length = 64)]
    pub resource: Option<String>,
    /// Beginning of the kind, such as `login.`.
    #[param(max_length = 64, example = "login.deny")]
    pub kind: Option<String>,
    /// Reason code.
    #[param(max_length = 64)]
    pub reason: Option<String>,
    /// Reference.
    #[serde(rename = "ref")]
    #[param(max_length = 64)]
    pub reference: Option<String>,
    /// Literal source.
    #[param(max_length = 64)]
    pub source: Option<String>,
    /// Not before this time, in milliseconds since 1970.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub from: Option<u64>,
    /// Before this time, in milliseconds since 1970.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub until: Option<u64>,
    /// `before` of the page before.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub before: Option<u64>,
    /// At most so many; absent: 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// An enrolment to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EnrolmentNew {
    /// Login or alias.
    #[schema(value_type = Login)]
    pub user: String,
    /// Resource.
    #[schema(value_type = ResourceName)]
    pub resource: String,
    /// Where the code goes.
    #[schema(value_type = Phone)]
    pub phone: Secret,
    /// Name that the token will have.
    #[serde(default)]
    #[schema(value_type = TokenName)]
    pub name: String,
    /// Length of its codes, 6 or 8; absent: as the resource has it.
    #[schema(minimum = 6, maximum = 8)]
    pub digits: Option<u8>,
}

/// The code that the user read out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Confirm {
    /// Digits.
    #[schema(value_type = String, min_length = 1, max_length = 16, pattern = "^[0-9]+$", example = "123456")]
    pub code: Secret,
}

/// Which lines of a plan.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct PlanQuery {
    /// Line after which to start.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub after: Option<u64>,
    /// Only lines of this kind.
    #[param(inline, value_type = Option<LineKind>)]
    pub only: Option<String>,
}

/// How an import is carried out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Apply {
    /// Nothing is written when any line is bad.
    pub atomic: bool,
}

/// A new administrator.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdministratorNew {
    /// Login name.
    #[schema(value_type = Login)]
    pub login: String,
    /// Name in words.
    #[serde(default)]
    #[schema(max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub shown: String,
    /// E-mail address; the link is mailed there too.
    #[schema(value_type = Option<EmailOrNone>)]
    pub email: Option<String>,
    /// What they may do.
    #[schema(value_type = Role)]
    pub role: String,
    /// Resources in scope; none: all.
    #[serde(default)]
    #[schema(value_type = Vec<ResourceName>, max_items = 100)]
    pub resources: Vec<String>,
}

/// Changes of an administrator; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdministratorChange {
    /// Name in words.
    #[schema(max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub shown: Option<String>,
    /// E-mail address.
    pub email: Option<EmailOrNone>,
    /// What they may do; the last owner stays one.
    pub role: Option<Role>,
    /// Resources in scope, all of them; none: everything.
    #[schema(max_items = 100)]
    pub resources: Option<Vec<ResourceName>>,
    /// Whether the administrator is locked out; all sessions end.
    pub locked: Option<bool>,
}

/// A new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeyNew {
    /// Unique name.
    #[schema(value_type = Name)]
    pub name: String,
    /// What it may do; no more than the key that makes it.
    #[schema(value_type = Role)]
    pub role: String,
    /// Resources in scope; none: all.
    #[serde(default)]
    #[schema(value_type = Vec<ResourceName>, max_items = 100)]
    pub resources: Vec<String>,
    /// Days until it ends; absent: no end.
    #[schema(minimum = 1, maximum = 3650)]
    pub days: Option<u32>,
}

/// How mail leaves; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MailChange {
    /// Name or address of the SMTP server; empty switches mail off.
    #[schema(max_length = 253, pattern = "^[A-Za-z0-9.:-]*$", example = "mail.example.com")]
    pub host: Option<String>,
    /// Port; 0 for the usual one.
    #[schema(minimum = 0, maximum = 65_535)]
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: Option<MailSecurity>,
    /// User at the server; empty: none.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    pub user: Option<String>,
    /// Password at the server; empty: none.
    #[schema(max_length = 1024, format = Password)]
    pub password: Option<String>,
    /// Sender of all mail.
    #[schema(min_length = 3, max_length = 400, example = "otpost <otpost@example.com>")]
    pub from: Option<String>,
    /// Certificate authority to trust besides the system's, PEM; empty: none.
    #[schema(max_length = 24_576)]
    pub ca: Option<String>,
}

/// A test mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MailTest {
    /// Recipient.
    #[schema(value_type = Email)]
    pub to: String,
}

/// Settings of portal and console; absent fields stay.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PortalChange {
    /// Where people reach the portal.
    pub url: Option<BaseUrl>,
    /// Where administrators reach the console.
    pub console_url: Option<BaseUrl>,
    /// Whether people without password may sign in by a code from an e-mail.
    pub email_codes: Option<bool>,
}

/// Which figures.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct OverviewQuery {
    /// Hours back from now; absent: 24.
    #[param(minimum = 1, maximum = 720)]
    pub hours: Option<u32>,
    /// Only this resource.
    #[param(inline, value_type = Option<ResourceName>)]
    pub resource: Option<String>,
}
