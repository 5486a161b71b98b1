//! Single values and their limits, as the daemon has them or narrower: [`super::gate`] enforces what stands here.

use utoipa::ToSchema;

/// Login name of a person, or an alias; a domain in front or a realm behind does not count.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 64,
    pattern = r#"^[^\x00-\x20\x7f-\xa0/:*?"<>|&^`]+$"#,
    example = "alice"
)]
pub struct Login(pub String);

/// Name of a resource. Case does not count.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 64,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
    example = "Office VPN"
)]
pub struct ResourceName(pub String);

/// Name of a RADIUS client, a source of passwords, an SMS provider or a key.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 64,
    pattern = r"^[A-Za-z0-9._-]+$",
    example = "vpn-1"
)]
pub struct Name(pub String);

/// An id: 32 hexadecimal digits.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 32,
    max_length = 32,
    pattern = r"^[0-9a-f]+$",
    example = "0192f0c1a2b3c4d5e6f708192a3b4c5d"
)]
pub struct Id(pub String);

/// Phone number as people type it. Without a country code, the resource's country counts.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 3,
    max_length = 40,
    pattern = r"^[+0-9(][0-9 ()./-]+$",
    example = "+49 170 1234567"
)]
pub struct Phone(pub String);

/// A password.
#[derive(Debug, ToSchema)]
#[schema(min_length = 6, max_length = 128, format = Password)]
pub struct Password(pub String);

/// An e-mail address.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 5,
    max_length = 100,
    pattern = r"^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]+@[A-Za-z0-9\u00c0-\uffff.-]+$",
    example = "alice@example.com"
)]
pub struct Email(pub String);

/// An e-mail address; empty takes it away.
#[derive(Debug, ToSchema)]
#[schema(
    max_length = 100,
    pattern = r"^([A-Za-z0-9!#$%&'*+/=?^_{|}~.-]+@[A-Za-z0-9\u00c0-\uffff.-]+)?$",
    example = "alice@example.com"
)]
pub struct EmailOrNone(pub String);

/// First or last name.
#[derive(Debug, ToSchema)]
#[schema(max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Alice")]
pub struct PersonName(pub String);

/// Name of a token; empty for an automatic one.
#[derive(Debug, ToSchema)]
#[schema(
    max_length = 50,
    pattern = r"^[^\x00-\x1f\x7f-\x9f<>?/%]*$",
    example = "My phone"
)]
pub struct TokenName(pub String);

/// A PAM service; `*` is every service that no other resource names.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 64,
    pattern = r"^(\*|[A-Za-z0-9._-]+)$",
    example = "sshd"
)]
pub struct PamService(pub String);

/// Two letters of a country (ISO 3166-1).
#[derive(Debug, ToSchema)]
#[schema(min_length = 2, max_length = 2, pattern = r"^[A-Za-z]+$", example = "DE")]
pub struct Country(pub String);

/// An address or a network in CIDR notation.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 2,
    max_length = 49,
    pattern = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*)(/[0-9]{1,3})?$",
    example = "192.0.2.0/24"
)]
pub struct Network(pub String);

/// Shared secret of a RADIUS client. Fewer than 16 characters only with `weak-secret`.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 256, format = Password)]
pub struct SharedSecret(pub String);

/// `https://` and a host name, with a port where needed; empty takes it away. `http://` for this machine alone.
#[derive(Debug, ToSchema)]
#[schema(
    max_length = 255,
    pattern = r"^([Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f/?#@\\]+/?)?$",
    example = "https://login.example.com"
)]
pub struct BaseUrl(pub String);

/// What somebody may do.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but administrators and keys.
    Admin,
    /// Help people.
    Helpdesk,
}

/// What an enrolment or a change of a token asks for.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenStatus {
    /// In use.
    Active,
    /// Drops out; the resource's policy decides.
    Disabled,
    /// Always denies.
    Blocked,
}

/// What a login without a usable token gets.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutToken {
    /// Nobody gets in.
    Deny,
    /// The first factor alone suffices.
    Allow,
}

/// What people may do on the portal by themselves; `all` is all of it.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// All of it.
    All,
    /// Set up a token.
    Enroll,
    /// Replace a token.
    Reissue,
    /// Let a token of theirs guard this resource too.
    AssignExisting,
    /// Take a token away.
    Unassign,
    /// Rename a token.
    Rename,
    /// Find the clock of an authenticator app again.
    Synchronise,
    /// Set a first password.
    CreatePassword,
    /// Change the password.
    ChangePassword,
    /// Change the e-mail address.
    ChangeEmail,
    /// Change the number of an SMS token.
    ChangePhone,
    /// Change the user name.
    ChangeLogin,
    /// Change first and last name.
    ChangeNames,
    /// See and end own sessions.
    ManageSessions,
}

/// Kinds of second factor; `all` is all of them.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All of them.
    All,
    /// A code by text message.
    Sms,
    /// An authenticator app.
    Totp,
    /// Recovery codes.
    Recovery,
}

/// Who says how long a code is.
#[derive(Debug, ToSchema)]
pub enum OtpLength {
    /// The user: 6 or 8.
    #[serde(rename = "choice")]
    Choice,
    /// Six digits.
    #[serde(rename = "6")]
    Six,
    /// Eight digits.
    #[serde(rename = "8")]
    Eight,
}

/// What a first enrolment needs.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstEnrolment {
    /// The password, or the code by e-mail.
    Password,
    /// A single-use link besides.
    Invite,
}

/// What a RADIUS client must do about Message-Authenticator.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageAuthenticator {
    /// A request without it gets silence.
    Require,
    /// It may be absent until the client has sent the first valid one.
    Auto,
    /// It may be absent.
    Off,
}

/// Who checks the password of logins through a RADIUS client, in order: `local` (otpost), `ldap:NAME`, `radius:NAME`, such as
/// `local,ldap:corp`; or `stack` alone (the VPN has done so).
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 5,
    max_length = 600,
    pattern = r"^(stack|(local|(ldap|radius):[A-Za-z0-9._-]{1,64})(,(local|(ldap|radius):[A-Za-z0-9._-]{1,64})){0,7})$",
    example = "local"
)]
pub struct FirstFactor(pub String);

/// What a RADIUS client is. It sets what of its habits is not set beside it.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// None of these.
    None,
    /// FortiGate.
    Fortigate,
    /// Palo Alto Networks.
    Paloalto,
    /// Cisco ASA and Secure Firewall.
    Asa,
    /// OpenVPN.
    Openvpn,
    /// strongSwan.
    Strongswan,
    /// ocserv (OpenConnect).
    Ocserv,
    /// MikroTik RouterOS.
    Mikrotik,
    /// pfSense and OPNsense.
    Pfsense,
    /// NetScaler.
    Netscaler,
}

/// How a login through a RADIUS client runs.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Password, then a question for the code.
    Challenge,
    /// Password and code in one field; a password alone is answered with a question.
    Append,
    /// The password alone is rejected and the text sent; then password and code in one field.
    TwoPass,
    /// The password field holds the code; the VPN has checked the password.
    CodeOnly,
}

/// Which attribute of a RADIUS client is trusted to hold the address of the person's device.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceAttribute {
    /// None: rules that need it never match.
    None,
    /// Calling-Station-Id.
    CallingStationId,
    /// Tunnel-Client-Endpoint.
    TunnelClientEndpoint,
    /// Framed-IP-Address or Framed-IPv6-Address.
    FramedIpAddress,
}

/// A reply attribute.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 3,
    max_length = 600,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
    example = "Class = staff"
)]
pub struct ReplyAttribute(pub String);

/// A reply attribute: `NAME = VALUE` for everybody, or `user NAME:` or `group NAME:` in front.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 3,
    max_length = 800,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
    example = "group staff: Class = staff"
)]
pub struct ReplyRule(pub String);

/// Name of a group, of otpost's own or of a source of passwords. Case does not count.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 100,
    pattern = r"^[^\x00-\x1f\x7f-\x9f,]+$",
    example = "staff"
)]
pub struct GroupName(pub String);

/// Days and times; an end that is not after the begin is of the next day.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 13,
    max_length = 64,
    pattern = r"^[A-Za-z,-]+ +[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}$",
    example = "mon-fri 07:00-19:00"
)]
pub struct Hours(pub String);

/// What a source of passwords is.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// A directory: LDAP or Active Directory.
    Ldap,
    /// A RADIUS server.
    Radius,
}

/// How an SMS provider is reached.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// A file on the daemon's machine; for development.
    File,
    /// A gateway's HTTP interface.
    Http,
}

/// How the connection to the mail server is protected.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS after STARTTLS.
    StartTls,
    /// TLS from the first octet.
    Tls,
    /// None: only to a server on this machine.
    None,
}

/// Users to look for.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserState {
    /// Locked by an administrator, or after wrong codes.
    Locked,
    /// Let in without a code for a while.
    Bypassed,
    /// Without a token.
    NoToken,
    /// With neither password nor a code by e-mail.
    NoWayIn,
}

/// Where to look for a user.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SearchIn {
    /// Login, aliases, names, e-mail address.
    Any,
    /// The login alone: quicker among very many.
    Login,
}

/// What a line of an import does.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// Adds a user.
    Add,
    /// Changes one.
    Change,
    /// Changes nothing.
    Same,
    /// Cannot be taken.
    Bad,
}

/// How a login arrives.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// A program of a host.
    Pam,
    /// A VPN.
    Radius,
}
