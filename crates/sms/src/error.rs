use std::path::PathBuf;

use thiserror::Error;

/// A value that cannot be part of a text. None of the messages repeats the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// The caller's number is not in E.164 form.
    #[error("not a phone number in the form +491701234567")]
    Recipient,
    /// The configured sender cannot be shown by a phone.
    #[error("not a sender: use up to 11 printable ASCII characters, or 3 to 15 digits with an optional +")]
    Sender,
    /// The caller's reference has a wrong length or character.
    #[error("not a message reference: use 1 to 64 letters, digits, - and _")]
    Reference,
}

/// A transport that cannot be built from its configuration. The administrator is to blame; each message names the key
/// and the fix. Values that may be secret are not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A placeholder that does not exist.
    #[error(
        "{key}: unknown placeholder {{{name}}}; known are {known}; write {{{{ and }}}} for literal braces"
    )]
    UnknownPlaceholder {
        /// The key with the template.
        key: String,
        /// The name between the braces.
        name: String,
        /// The placeholders that may stand there.
        known: &'static str,
    },
    /// No template takes the number or the text.
    #[error(
        "no template has {placeholder}; every text would be the same. Put it into url, query, headers or body"
    )]
    NotUsed {
        /// What is missing.
        placeholder: &'static str,
    },
    /// A brace without its partner.
    #[error(
        "{key}: a brace without its partner; placeholders look like {{to}}, literal braces are written {{{{ and }}}}"
    )]
    LoneBrace {
        /// The key with the template.
        key: String,
    },
    /// A placeholder names a secret that is not there.
    #[error("{key}: there is no secret `{name}`; add it under `secrets`, known are: {known}")]
    MissingSecret {
        /// The key with the template.
        key: String,
        /// The name of the secret.
        name: String,
        /// The names that exist, or `none`.
        known: String,
    },
    /// A secret with a name that no placeholder can hold, or without a value.
    #[error("secrets.{name}: {reason}")]
    BadSecret {
        /// Its name.
        name: String,
        /// What is wrong and how to mend it.
        reason: &'static str,
    },
    /// A credential is written into the configuration instead of among the secrets.
    #[error(
        "{key}: put the value under `secrets` and write {{secret.NAME}} here, so that it is never printed"
    )]
    LiteralCredential {
        /// The key with the credential.
        key: String,
    },
    /// The URL is not one, or has a part that does not belong there.
    #[error("url: {0}")]
    BadUrl(String),
    /// The URL would send codes readable over a network.
    #[error(
        "url: http:// sends codes and credentials readable over the network; use https://, or set plain-http = true if the way to `{host}` is protected otherwise"
    )]
    PlainHttp {
        /// The host of the URL.
        host: String,
    },
    /// A name in `query` or in the fields of a form.
    #[error("{key}: {reason}")]
    BadName {
        /// The key with the name.
        key: String,
        /// What is wrong and how to mend it.
        reason: &'static str,
    },
    /// A header that HTTP does not allow or that the transport sets itself.
    #[error("headers: `{name}`: {reason}")]
    BadHeader {
        /// The name of the header.
        name: String,
        /// What is wrong and how to mend it.
        reason: &'static str,
    },
    /// The authentication cannot be built.
    #[error("auth: {0}")]
    BadAuth(&'static str),
    /// The body cannot be built.
    #[error("body: {0}")]
    BadBody(String),
    /// `success` looks at the status only. Providers answer 200 and say in the body that they refused.
    #[error(
        "success: a status alone does not tell that the text was taken, providers answer 200 with an error inside; add json-pointer with equals, any-of or exists = true, or add regex"
    )]
    NoBodyMatcher,
    /// The literal parts of the request are not valid HTTP.
    #[error("the request cannot be built: {0}")]
    BadRequest(&'static str),
    /// A matcher or extractor that contradicts itself.
    #[error("{key}: {reason}")]
    BadMatcher {
        /// The key of the matcher.
        key: &'static str,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// A time or size outside its range.
    #[error("{key}: {reason}")]
    BadLimit {
        /// The key of the limit.
        key: &'static str,
        /// What is wrong and how to mend it.
        reason: &'static str,
    },
    /// The file with the certificate authority cannot be used.
    #[error("ca-file: {}: {reason}; give a PEM file with the certificate of the authority", path.display())]
    BadCaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system trusts no certificate authority.
    #[error("the system has no certificate authorities; install the package ca-certificates or set ca-file")]
    NoRoots,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The development inbox was configured for production.
    #[error(
        "the file transport writes codes to a file and is for development only; configure an http transport, or set environment = \"development\""
    )]
    FileInProduction,
    /// The development inbox is not a private file of ours.
    #[error("inbox file {}: {reason}", path.display())]
    BadInbox {
        /// The file.
        path: PathBuf,
        /// What is wrong and how to mend it.
        reason: String,
    },
}
