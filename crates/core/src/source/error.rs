use super::filter::BadFilter;

/// Why a source or a chain of sources is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSource {
    /// Empty, too long or with characters that break logs.
    #[error("a source name has 1 to 64 letters, digits, - _ . and no blanks")]
    Name,
    /// No kind of that name.
    #[error("a source is of kind ldap or radius")]
    Kind,
    /// A link that is none.
    #[error("`{0}` is no first factor; write local, stack, ldap:NAME or radius:NAME, with commas between")]
    Link(String),
    /// None, or more than eight.
    #[error("a chain of first factors has 1 to 8 links, such as local,ldap:corp")]
    ChainLength,
    /// `stack` beside others.
    #[error("`stack` means that the VPN has checked the password, so it stands alone")]
    StackAlone,
    /// The same link again.
    #[error("`{0}` is in the chain twice; name it once")]
    Twice(String),
    /// No, too many, or unreadable URLs.
    #[error("urls: 1 to 8 of ldaps://HOST or ldap://HOST, each with :PORT where it is not the usual one")]
    Urls,
    /// Passwords would travel in the clear.
    #[error(
        "start-tls is off, so passwords would travel readably; leave it on, use ldaps://, or set insecure = true for a test"
    )]
    Plain,
    /// Both at once.
    #[error("insecure = true is for ldap:// without start-tls only; leave it out here")]
    Insecure,
    /// No PEM certificate.
    #[error("ca is text that has -----BEGIN CERTIFICATE----- in it, at most 64 kB")]
    Ca,
    /// No placeholder, or a broken distinguished name.
    #[error(
        "bind: dn is a distinguished name with {{user}} as a value, such as uid={{user}},ou=people,dc=corp,dc=example"
    )]
    BindDn,
    /// No placeholder, or no domain.
    #[error("bind: upn has {{user}} once and a domain, such as {{user}}@corp.example")]
    Upn,
    /// No base for what has to be looked up.
    #[error("bind: a upn needs `base` (such as dc=corp,dc=example) where groups or attributes are looked up")]
    UpnBase,
    /// One without the other, or an empty one. An empty password is no password: servers let it in as anonymous (RFC 4513 section 5.1.2).
    #[error(
        "bind: set bind-dn and password, neither of them empty, or leave both out to search as anonymous"
    )]
    Account,
    /// Not a distinguished name.
    #[error("base is a distinguished name, such as ou=people,dc=corp,dc=example")]
    Base,
    /// A filter.
    #[error("{0} filter: {1}")]
    Filter(&'static str, BadFilter),
    /// Not an attribute name.
    #[error("`{0}` is no attribute; write names such as mail or mobile, at most 16")]
    Attribute(String),
    /// Outside its bounds.
    #[error("timeout-ms is 100 to 10000")]
    Timeout,
    /// No, too many, or unreadable servers.
    #[error("servers: 1 to 8 of HOST or HOST:PORT; the usual port is 1812")]
    Servers,
    /// Too short to resist guessing (RFC 2865 section 3), or too long.
    #[error("the shared secret has 16 to 256 characters")]
    Secret,
    /// Outside its bounds.
    #[error("tries is 1 to 10")]
    Tries,
    /// Outside its bounds.
    #[error("dead-seconds is 1 to 3600")]
    Dead,
    /// Empty, too long, or with control characters.
    #[error("nas-identifier has 1 to 64 characters and no control characters")]
    NasIdentifier,
    /// No placeholder, or control characters.
    #[error("user-name has {{user}} once, such as {{user}} or CORP\\{{user}}")]
    UserName,
}

/// What was typed, as it may stand in an error.
pub(super) fn quote(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { '?' } else { c });
    clean.take(64).collect()
}
