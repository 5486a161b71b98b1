use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{error::ConfigError, message::Text, redact::SecretText};

/// The placeholders a template may hold, as error messages list them.
pub const PLACEHOLDERS: &str =
    "{to}, {to-digits}, {text}, {sender}, {ttl-seconds}, {ttl-minutes}, {reference}, {secret.NAME}";
/// What authentication may hold.
const SECRET_ONLY: &str = "{secret.NAME}";

/// A template as written in the configuration. It does not print, because people write keys into URLs and headers.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct TemplateText(Zeroizing<String>);

impl TemplateText {
    /// The template as written.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TemplateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TemplateText(..)")
    }
}

impl From<&str> for TemplateText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

/// The secrets of a configuration by name.
pub(super) type Secrets = BTreeMap<String, SecretText>;

/// A parsed template: literals and placeholders in turn. Secrets are already in it.
#[derive(Clone)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone)]
enum Part {
    Literal(Zeroizing<String>),
    To,
    ToDigits,
    Body,
    Sender,
    TtlSeconds,
    TtlMinutes,
    Reference,
    Secret(SecretText),
}

/// A text without a sender met a template with `{sender}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoSender;

impl Template {
    /// Parses `source`; `key` names it in errors.
    pub(super) fn parse(key: &str, source: &str, secrets: &Secrets) -> Result<Self, ConfigError> {
        let lone = || ConfigError::LoneBrace { key: key.to_owned() };
        let mut parts = Vec::new();
        let mut literal = Zeroizing::new(String::new());
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '{' | '}' if after.starts_with(c) => {
                    literal.push(c);
                    rest = after.get(1..).unwrap_or_default();
                }
                '{' => {
                    let (name, tail) = after.split_once('}').ok_or_else(lone)?;
                    if name.contains('{') {
                        return Err(lone());
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(placeholder(key, name, secrets)?);
                    rest = tail;
                }
                '}' => return Err(lone()),
                c => {
                    literal.push(c);
                    rest = after;
                }
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// Parses a credential: only secrets as placeholders; `must_hide` refuses one without any.
    pub(super) fn credential(
        key: &str,
        source: &str,
        secrets: &Secrets,
        must_hide: bool,
    ) -> Result<Self, ConfigError> {
        let template = Self::parse(key, source, secrets)?;
        let other = template.0.iter().find_map(|part| match part {
            Part::Literal(_) | Part::Secret(_) => None,
            Part::To => Some("to"),
            Part::ToDigits => Some("to-digits"),
            Part::Body => Some("text"),
            Part::Sender => Some("sender"),
            Part::TtlSeconds => Some("ttl-seconds"),
            Part::TtlMinutes => Some("ttl-minutes"),
            Part::Reference => Some("reference"),
        });
        if let Some(name) = other {
            return Err(ConfigError::UnknownPlaceholder {
                key: key.to_owned(),
                name: name.to_owned(),
                known: SECRET_ONLY,
            });
        }
        if must_hide && !template.0.iter().any(|part| matches!(part, Part::Secret(_))) {
            return Err(ConfigError::LiteralCredential { key: key.to_owned() });
        }
        Ok(template)
    }

    /// Whether the text's sender is needed.
    pub(super) fn needs_sender(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Sender))
    }

    /// Whether the phone number is in it.
    pub(super) fn has_recipient(&self) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, Part::To | Part::ToDigits))
    }

    /// Whether the text is in it.
    pub(super) fn has_body(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Body))
    }

    /// The template for `msg`; `escape` is applied to what placeholders bring in, not to the literals.
    pub(super) fn render(
        &self,
        msg: &Text,
        escape: fn(&str) -> String,
    ) -> Result<Zeroizing<String>, NoSender> {
        let mut out = Zeroizing::new(String::new());
        for part in &self.0 {
            let value = match part {
                Part::Literal(text) => {
                    out.push_str(text);
                    continue;
                }
                Part::To => escape(msg.to.expose()),
                Part::ToDigits => escape(msg.to.expose_digits()),
                Part::Body => escape(msg.body.expose()),
                Part::Sender => escape(msg.sender.as_ref().ok_or(NoSender)?.as_str()),
                Part::TtlSeconds => ttl(msg.ttl, 1).to_string(),
                Part::TtlMinutes => ttl(msg.ttl, 60).to_string(),
                Part::Reference => escape(msg.reference.as_str()),
                Part::Secret(secret) => escape(secret.expose()),
            };
            out.push_str(&Zeroizing::new(value));
        }
        Ok(out)
    }
}

/// Rounded down, so that no phone shows a code that is dead already, but never 0, which providers refuse.
fn ttl(left: Duration, unit: u64) -> u64 {
    (left.as_secs() / unit).max(1)
}

fn placeholder(key: &str, name: &str, secrets: &Secrets) -> Result<Part, ConfigError> {
    Ok(match name {
        "to" => Part::To,
        "to-digits" => Part::ToDigits,
        "text" => Part::Body,
        "sender" => Part::Sender,
        "ttl-seconds" => Part::TtlSeconds,
        "ttl-minutes" => Part::TtlMinutes,
        "reference" => Part::Reference,
        _ => {
            let Some(secret) = name.strip_prefix("secret.") else {
                return Err(ConfigError::UnknownPlaceholder {
                    key: key.to_owned(),
                    name: name.to_owned(),
                    known: PLACEHOLDERS,
                });
            };
            let value = secrets.get(secret).ok_or_else(|| ConfigError::MissingSecret {
                key: key.to_owned(),
                name: secret.to_owned(),
                known: if secrets.is_empty() {
                    "none".to_owned()
                } else {
                    secrets.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                },
            })?;
            Part::Secret(value.clone())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{MessageRef, Recipient, Sender};

    fn secrets() -> Secrets {
        Secrets::from([("key".to_owned(), SecretText::from("s3/cret"))])
    }

    fn msg() -> Text {
        Text {
            reference: MessageRef::new("r-1").unwrap(),
            to: Recipient::new("+491701234567").unwrap(),
            body: "Code {to} 493817".into(),
            sender: Some(Sender::new("Otpost").unwrap()),
            ttl: Duration::from_secs(299),
            want_receipt: false,
        }
    }

    fn render(source: &str) -> String {
        let template = Template::parse("k", source, &secrets()).unwrap();
        template
            .render(&msg(), super::super::escape::percent)
            .unwrap()
            .to_string()
    }

    #[test]
    fn placeholders_are_filled_once_and_escaped_and_literals_are_not() {
        assert_eq!(
            render("a b/{to}|{to-digits}|{sender}|{ttl-seconds}|{ttl-minutes}|{reference}|{secret.key}"),
            "a b/%2B491701234567|491701234567|Otpost|299|4|r-1|s3%2Fcret"
        );
        // What the text says is no template.
        assert_eq!(render("{text}"), "Code%20%7Bto%7D%20493817");
        assert_eq!(render("{{to}} {{{to-digits}}}"), "{to} {491701234567}");
        assert_eq!(render(""), "");
    }

    #[test]
    fn what_is_no_placeholder_is_refused_with_the_list() {
        let error = Template::parse("url", "x{phone}", &secrets()).err().unwrap();
        let shown = error.to_string();
        assert!(
            shown.contains("url: unknown placeholder {phone}; known are {to}, {to-digits}"),
            "{shown}"
        );
        assert!(shown.contains("{secret.NAME}; write {{ and }}"), "{shown}");
        for lone in ["{to", "to}", "{to{text}}", "{"] {
            let error = Template::parse("url", lone, &secrets()).err().unwrap();
            assert_eq!(
                error,
                ConfigError::LoneBrace {
                    key: "url".to_owned()
                },
                "{lone}"
            );
        }
        let error = Template::parse("url", "{secret.token}", &secrets())
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "url: there is no secret `token`; add it under `secrets`, known are: key"
        );
    }

    #[test]
    fn a_credential_comes_from_the_secrets_only() {
        let credential = |source, hide| Template::credential("auth.token", source, &secrets(), hide).err();
        assert_eq!(credential("Key {secret.key}", true), None);
        assert_eq!(credential("user", false), None);
        assert_eq!(
            credential("hunter2", true),
            Some(ConfigError::LiteralCredential {
                key: "auth.token".to_owned()
            })
        );
        assert!(matches!(
            credential("{secret.key}{to}", true),
            Some(ConfigError::UnknownPlaceholder {
                known: SECRET_ONLY,
                ..
            })
        ));
    }

    #[test]
    fn time_left_is_rounded_down_but_never_nothing() {
        assert_eq!(ttl(Duration::from_millis(900), 1), 1);
        assert_eq!(ttl(Duration::from_secs(59), 60), 1);
        assert_eq!(ttl(Duration::from_secs(300), 60), 5);
    }
}
